"""Arithmetic, element by element: tensors with tensors, or a tensor with constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lamina_server.errors import LayerError
from lamina_server.layers.base import (
    Example,
    Inference,
    Kind,
    Sdk,
    option,
    plural,
    single,
)
from lamina_server.layers.broadcasting import (
    HELD_BY,
    Broadcasting,
    ConstantTensor,
    cast,
    laid,
    meet,
    told,
    widest_order,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, NUMBERS, DType, Layout, Spec

CONSTANT_DOC = "numbers beside the only input: one, or an array aligned to the last axes"
BROADCASTING_DOC = "keras: missing axes come after the batch axis; numpy: before it, as in PyTorch"
_FIRST = "whether the constant stands first, as in 1 - x"


class Merge(Kind):
    """What all arithmetic shares; the fields are the kinds', since their order is part of the constructors.

    `doing` begins a refusal, `together`, `beside` and `behind` are what it is called with several tensors, with a
    constant, and with the constant in front.
    """

    constant: ConstantTensor | None = None
    constant_first: bool = False
    broadcasting: Broadcasting
    op: ClassVar[str]
    doing: ClassVar[str]
    together: ClassVar[str]
    beside: ClassVar[str]
    behind: ClassVar[str] = ""
    takes = NUMBERS
    inputs: ClassVar[tuple[int, int | None]] = (1, None)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        self._check_count(len(inputs))
        if self.constant is not None:
            self.constant.check(inputs[0])
        met = meet(inputs, f"{self.doing} element by element", self.constant, self.broadcasting)
        out = Spec(met.axes, self.gives(inputs[0].dtype))
        how = self.how(len(inputs))
        return Inference(
            single(out), self.title, met.rows, how=how, sentences=told(how, met.rows), sees_along=met.stretched
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        order = widest_order(inputs, done.spec.rank)
        dtype = inputs[0].spec.dtype
        names = [laid(graph, x, order) for x in inputs]
        if self.constant is not None:
            names.insert(0 if self.constant_first else 1, self.constant.emit(graph, dtype, order))
        return [Value(self.combined(graph, names, dtype), order, done.spec)]

    def how(self, count: int) -> str:
        """What it does, in a line."""
        if self.constant is None:
            return self.together.format(n=plural(count, "tensor"))
        return (self.behind if self.constant_first else self.beside).format(c=self.constant)

    def gives(self, dtype: DType) -> DType:
        """Element type of the result."""
        return dtype

    def combined(self, graph: Graph, names: Sequence[str], dtype: DType) -> str:
        """The nodes over tensors that lie alike."""
        held = HELD_BY.get(dtype, dtype) if self.op in ("Max", "Min") else dtype
        total, *rest = [cast(graph, name, dtype, held) for name in names]
        for name in rest:
            total = graph.node(self.op, [total, name])
        return cast(graph, total, held, dtype)

    def _check_count(self, count: int) -> None:
        most = type(self).inputs[1]
        if self.constant is None and count == 1:
            wanted = "2 inputs" if most == 2 else "2 inputs or more"
            one = ", or a constant beside the one" if "constant" in self.__dataclass_fields__ else ""
            text = f'takes {wanted}, but 1 is given: name them, such as inputs=["a", "b"]{one}'
            raise LayerError("INPUT_COUNT", text, field="inputs", given=1, wanted=2)
        if self.constant is not None and count > 1:
            text = f"takes a constant beside 1 input, but {count} are given: give the constant a layer of its own"
            raise LayerError("INPUT_COUNT", text, field="inputs", given=count, wanted=1)
        if self.constant is None and self.constant_first:
            text = "has constant_first=True but no constant: the inputs already stand in their order"
            raise LayerError("UNSUPPORTED", text, field="constant_first")


@dataclass(frozen=True)
class Subtract(Merge):
    """The first tensor minus the second, element by element; or a tensor minus a constant, or the other way round.

    Broadcasting as Add: a size 1 stretches, missing axes come after the batch axis.
    """

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    constant_first: bool = option(_FIRST, False)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Subtract"),)
    in_torch = ("sub",)
    inputs = (1, 2)
    op, doing, together, beside = "Sub", "subtracts", "the first minus the second", "minus {c}"
    behind = "{c} minus the input"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3), (5, 3))),
            Example(cls(ConstantTensor((1.0,)), constant_first=True), ((4, 7),)),
            Example(cls(ConstantTensor((2.0,))), ((4, 7),), dtypes=(DType.INT32,)),
            Example(cls(), ((3,), (5, 3))),
        )


@dataclass(frozen=True)
class Multiply(Merge):
    """Elementwise product of two or more tensors, or of one and a constant; no sum is taken, so no multiply-adds count.

    Broadcasting as Add: a size 1 stretches, missing axes come after the batch axis.
    """

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Multiply"),)
    in_torch = ("mul",)
    op, doing, together, beside = "Mul", "multiplies", "product of {n}", "times {c}"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6, 3), (1, 1, 3))),
            Example(cls(ConstantTensor((0.1667,))), ((4, 7),)),
            Example(cls(ConstantTensor(tuple(range(1, 7)), (2, 1, 3))), ((2, 5, 3),)),
        )


@dataclass(frozen=True)
class Divide(Merge):
    """The first tensor divided by the second, element by element; or a tensor and a constant, either way round.

    Floating-point numbers only: whole numbers would be cut by ONNX and not by Keras or PyTorch. Broadcasting as Add.
    """

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    constant_first: bool = option(_FIRST, False)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Divide"),)
    in_keras = ("ops.divide",)
    in_torch = ("div",)
    takes = FLOATS
    inputs = (1, 2)
    op, doing, together, beside = "Div", "divides", "the first divided by the second", "divided by {c}"
    behind = "{c} divided by the input"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(ConstantTensor((255.0,))), ((4, 7),)), Example(cls(), ((5, 3), (5, 1))))


@dataclass(frozen=True)
class Power(Merge):
    """The first tensor to the power of the second, element by element; or a tensor and a constant, either way round.

    Floating-point numbers only. A negative number to a power that is not whole is no number. Broadcasting as Add.
    """

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    constant_first: bool = option(_FIRST, False)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Power"),)
    in_keras = ("ops.power",)
    in_torch = ("pow",)
    takes = FLOATS
    inputs = (1, 2)
    op, doing, together, beside = "Pow", "raises to powers", "the first to the power of the second", "to the power {c}"
    behind = "{c} to the power of the input"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(ConstantTensor((2.0,))), ((4, 7),)),
            Example(cls(ConstantTensor((2.0,)), constant_first=True), ((4, 7),)),
        )


@dataclass(frozen=True)
class Average(Merge):
    """Elementwise mean of two or more tensors: their sum divided by their number.

    Broadcasting as Add: a size 1 stretches, missing axes come after the batch axis.
    """

    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Average"),)
    takes = FLOATS
    inputs = (2, None)
    op, doing, together = "Add", "averages", "mean of {n}"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((5, 3), (5, 3), (5, 3))), Example(cls(), ((5, 3), (1, 3))))

    def combined(self, graph: Graph, names: Sequence[str], dtype: DType) -> str:
        return graph.node("Div", [super().combined(graph, names, dtype), graph.const(len(names), dtype)])


@dataclass(frozen=True)
class Maximum(Merge):
    """The largest of two or more tensors, element by element; or of one and a constant. Broadcasting as Add."""

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Maximum"),)
    in_torch = ("maximum",)
    op, doing, together, beside = "Max", "takes the largest", "the largest of {n}", "the input or {c}, the larger"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3), (5, 3))),
            Example(cls(ConstantTensor((0.5,))), ((4, 7),)),
            Example(cls(), ((4,), (4,), (4,)), dtypes=(DType.INT16,) * 3),
        )


@dataclass(frozen=True)
class Minimum(Merge):
    """The smallest of two or more tensors, element by element; or of one and a constant. Broadcasting as Add."""

    constant: ConstantTensor | None = option(CONSTANT_DOC, None)
    broadcasting: Broadcasting = option(BROADCASTING_DOC, Broadcasting.KERAS)

    sdk = (Sdk("Minimum"),)
    in_torch = ("minimum",)
    op, doing, together, beside = "Min", "takes the smallest", "the smallest of {n}", "the input or {c}, the smaller"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3), (5, 3))),
            Example(cls(ConstantTensor((6.0,))), ((4, 7),), dtypes=(DType.UINT16,)),
        )
