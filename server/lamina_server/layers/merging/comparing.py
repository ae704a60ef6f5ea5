"""Layers that compare numbers, combine what is true, and choose by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lamina_server.errors import LayerError
from lamina_server.layers.base import (
    Example,
    Inference,
    Kind,
    Sdk,
    option,
    plural,
    require_one_type,
    require_type,
    single,
    unchanged,
)
from lamina_server.layers.broadcasting import (
    HELD_BY,
    Broadcasting,
    ConstantTensor,
    cast,
    laid,
    meet,
    number_text,
    told,
    widest_order,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.merging.arithmetic import BROADCASTING_DOC, CONSTANT_DOC, Merge
from lamina_server.layers.tensors import ANY, BOOLS, FLOATS, NUMBERS, DType, Layout, Spec

_CHOICE_HELD_BY = {**HELD_BY, DType.BOOL: DType.UINT8, DType.UINT64: DType.INT64}  # the same bits, chosen and put back
_INFINITE = float("inf")


class _Comparison(NamedTuple):
    """A comparison: its ONNX operator, what it says of the first, and the element types it takes."""

    op: str
    says: str
    takes: frozenset[DType] = NUMBERS


COMPARISONS: dict[str, _Comparison] = {
    "equal": _Comparison("Equal", "equals", ANY),
    "not_equal": _Comparison("Equal", "differs from", ANY),
    "greater": _Comparison("Greater", "is greater than"),
    "greater_equal": _Comparison("GreaterOrEqual", "is greater than or equal to"),
    "less": _Comparison("Less", "is less than"),
    "less_equal": _Comparison("LessOrEqual", "is less than or equal to"),
}
LOGICAL: dict[str, str] = {"and": "And", "or": "Or", "xor": "Xor", "not": "Not"}


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


@dataclass(frozen=True)
class Compare(Merge):
    """Two tensors compared element by element, or one with a constant: true or false, of type bool.

    Broadcasting as Add: a size 1 stretches, missing axes come after the batch axis. Nothing is rounded: equal means
    the very same number.
    """

    operation: str = option("the comparison")
    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = tuple(
        Sdk(_camel(name), operation=name, doc=f"Whether the first {row.says} the second, element by element.")
        for name, row in COMPARISONS.items()
    )
    in_keras = ("ops.equal", "ops.greater", "ops.less")
    in_torch = ("eq", "gt", "lt")
    inputs = (1, 2)
    doing = "compares"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        ints = (DType.INT32,)
        return (
            Example(cls("greater"), ((5, 3), (5, 3))),
            *(Example(cls(name), ((5, 3), (5, 1)), dtypes=ints * 2) for name in COMPARISONS),
            *(Example(cls(name, ConstantTensor((0.0,))), ((4, 7),)) for name in COMPARISONS),
            Example(cls("not_equal"), ((4,), (4,)), dtypes=(DType.BOOL,) * 2),
        )

    def check_types(self, inputs: Sequence[Spec]) -> None:
        for i, x in enumerate(inputs, 1):
            require_type(x, COMPARISONS[self.operation].takes, i)
        require_one_type(inputs)
        if self.constant is not None and inputs[0].dtype is DType.BOOL:
            text = "compares numbers with its constant, but {input_1} is bool: use LogicalNot, or take it as it is"
            raise LayerError("DTYPE_MISMATCH", text, field="constant", got="bool")

    def gives(self, dtype: DType) -> DType:
        return DType.BOOL

    def how(self, count: int) -> str:
        says = COMPARISONS[self.operation].says
        if self.constant is None:
            return f"whether the first {says} the second"
        return f"whether the input {says} {self.constant}"

    def combined(self, graph: Graph, names: Sequence[str], dtype: DType) -> str:
        found = graph.node(COMPARISONS[self.operation].op, names)
        return graph.node("Not", [found]) if self.operation == "not_equal" else found


@dataclass(frozen=True)
class Logical(Kind):
    """What is true of two or more tensors of type bool, element by element: and, or, xor; or not of one.

    Broadcasting as Add: a size 1 stretches, missing axes come after the batch axis.
    """

    operation: str = option("how the inputs are combined")
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = tuple(
        Sdk(f"Logical{name.capitalize()}", operation=f"logical_{name}", doc=doc)
        for name, doc in (
            ("and", "Whether all inputs are true, element by element."),
            ("or", "Whether any input is true, element by element."),
            ("xor", "Whether an odd number of inputs is true, element by element."),
            ("not", "Whether the input is false, element by element."),
        )
    )
    in_keras = ("ops.logical_and", "ops.logical_or", "ops.logical_not")
    in_torch = ("logical_and", "logical_or", "logical_not")
    takes = BOOLS
    inputs = (1, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        bools = (DType.BOOL,) * 3
        return (
            Example(cls("logical_and"), ((5, 3), (5, 3)), dtypes=bools[:2]),
            Example(cls("logical_or"), ((5, 3), (3,), (1, 3)), dtypes=bools),
            Example(cls("logical_xor"), ((5,), (5,), (5,)), dtypes=bools),
            Example(cls("logical_not"), ((5, 3),), dtypes=bools[:1]),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        if self.operation == "logical_not":
            if len(inputs) > 1:
                text = f"takes 1 input, but {len(inputs)} are given"
                raise LayerError("INPUT_COUNT", text, field="inputs", given=len(inputs), wanted=1)
            return unchanged(inputs[0], self.title, how="whether the input is not true")
        if len(inputs) == 1:
            text = 'takes 2 inputs or more, but 1 is given: name them, such as inputs=["a", "b"]'
            raise LayerError("INPUT_COUNT", text, field="inputs", given=1, wanted=2)
        met = meet(inputs, "combines element by element", None, self.broadcasting)
        which = {"logical_and": "all", "logical_or": "one or more"}.get(self.operation, "an odd number")
        how = f"whether {which} of {plural(len(inputs), 'tensor')} are true"
        out = single(Spec(met.axes, DType.BOOL))
        return Inference(out, self.title, met.rows, how=how, sentences=told(how, met.rows), sees_along=met.stretched)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        order = widest_order(inputs, done.spec.rank)
        op = LOGICAL[self.operation.removeprefix("logical_")]
        total, *rest = [laid(graph, x, order) for x in inputs]
        if op == "Not":
            total = graph.node(op, [total])
        for name in rest:
            total = graph.node(op, [total, name])
        return [Value(total, order, done.spec)]


@dataclass(frozen=True)
class Where(Kind):
    """A choice element by element: x1 where the condition is true, x2 where it is false.

    Inputs: the condition, of type bool, then x1 and x2, each only where it is not given here as a number. PyTorch's
    masked_fill(x, mask, value) is Where(x1=value) over the inputs mask and x. Broadcasting as Add.
    """

    x1: float | None = option(
        "the number where the condition is true; a tensor where not given", None, minimum=-_INFINITE, maximum=_INFINITE
    )
    x2: float | None = option(
        "the number where the condition is false; a tensor where not given", None, minimum=-_INFINITE, maximum=_INFINITE
    )
    dtype: DType | None = option(
        "element type where both are numbers, float32 where not given; else that of the tensors", None
    )
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Where"),)
    in_keras = ("ops.where",)
    in_torch = ("where", "masked_fill")
    takes = ANY
    inputs = (1, 3)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        mask, real = DType.BOOL, DType.FLOAT32
        return (
            Example(cls(), ((5, 3), (5, 3), (5, 3)), dtypes=(mask, real, real)),
            Example(cls(x1=-100.0), ((5, 1), (5, 3)), dtypes=(mask, real)),
            Example(cls(x2=0.0), ((5, 3), (3,)), Layout.CHANNELS_FIRST, (mask, DType.INT32)),
            Example(cls(1.0, 0.0), ((5, 3),), dtypes=(mask,)),
            Example(cls(1.0, 2.0, DType.INT64), ((5, 3),), dtypes=(mask,)),
            Example(cls(), ((4,), (4,), (4,)), dtypes=(mask, mask, mask)),
        )

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], BOOLS, 1)
        for i, x in enumerate(inputs[1:], 2):
            if x.dtype is not inputs[1].dtype:
                raise LayerError(
                    "DTYPE_MISMATCH",
                    f"chooses between {inputs[1].dtype.value} ({{input_2}}) and {x.dtype.value} ({{input_{i}}}); one "
                    f'type comes out: put Cast("{inputs[1].dtype.value}") behind {{input_{i}}}',
                    field="inputs",
                    got=x.dtype.value,
                )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        numbers = {name: value for name, value in (("x1", self.x1), ("x2", self.x2)) if value is not None}
        wanted = 3 - len(numbers)
        if len(inputs) != wanted:
            given = f"{len(inputs)} {'is' if len(inputs) == 1 else 'are'} given"
            what = ", ".join(["the condition", *(name for name in ("x1", "x2") if name not in numbers)])
            text = f"takes {plural(wanted, 'input')} ({what}), but {given}"
            raise LayerError("INPUT_COUNT", text, field="inputs", given=len(inputs), wanted=wanted)
        if self.dtype is not None and wanted > 1:
            text = f"has dtype={self.dtype.value}, but its type is that of {{input_2}}: Cast changes it"
            raise LayerError("UNSUPPORTED", text, field="dtype")
        dtype = inputs[1].dtype if wanted > 1 else self.dtype or DType.FLOAT32
        typed = Spec(inputs[0].axes, dtype)
        for name, value in numbers.items():
            if abs(value) != _INFINITE or dtype not in FLOATS:
                ConstantTensor((value,)).check(typed, name)
        met = meet(inputs, "chooses element by element", None, self.broadcasting)
        names = iter(("the second input", "the third input"))
        one, two = (number_text(numbers[name]) if name in numbers else next(names) for name in ("x1", "x2"))
        how = f"{one} where the first is true, else {two}"
        out = single(Spec(met.axes, dtype))
        return Inference(out, "Where", met.rows, how=how, sentences=told(how, met.rows), sees_along=met.stretched)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        order = widest_order(inputs, done.spec.rank)
        dtype = done.spec.dtype
        held = _CHOICE_HELD_BY.get(dtype, dtype)
        condition, *tensors = [laid(graph, x, order) for x in inputs]
        left = iter(tensors)
        chosen = [
            cast(graph, next(left), dtype, held)
            if value is None
            else cast(graph, graph.const(value, dtype), dtype, held)
            for value in (self.x1, self.x2)
        ]
        return [Value(cast(graph, graph.node("Where", [condition, *chosen]), held, dtype), order, done.spec)]
