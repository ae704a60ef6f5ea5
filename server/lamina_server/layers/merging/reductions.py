"""Many numbers to one, along some axes: sums, means, norms, spreads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from lamina_server.dims import Dim, Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    MAX_INT,
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    grouped,
    option,
    own_axis,
    require_type,
    single,
    unchanged,
)
from lamina_server.layers.broadcasting import axis_name, cast, check_numbers, listed, number_text
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, Axis, DType, Layout, Role, Spec, counted

AXIS_DOC = "axes that go, counting the batch axis, negative from the end; all but the batch where not given"
KEEPDIMS_DOC = "whether the axes stay, with size 1"
_SUMS = FLOATS | {DType.INT32, DType.INT64}
_ORDERS = _SUMS | {DType.INT8, DType.UINT8}


class _Operation(NamedTuple):
    """A reduction: its ONNX operator, what it says, and the element types it takes."""

    op: str
    says: str
    doc: str
    takes: frozenset[DType] = FLOATS


OPERATIONS: dict[str, _Operation] = {
    "mean": _Operation("ReduceMean", "mean over", "The mean along some axes."),
    "sum": _Operation("ReduceSum", "sum over", "The sum along some axes.", _SUMS),
    "max": _Operation("ReduceMax", "largest of", "The largest number along some axes.", _ORDERS),
    "min": _Operation("ReduceMin", "smallest of", "The smallest number along some axes.", _ORDERS),
    "prod": _Operation("ReduceProd", "product over", "The product along some axes.", _SUMS),
    "l1_norm": _Operation("ReduceL1", "sum of absolute values over", "The sum of absolute values along some axes."),
    "l2_norm": _Operation(
        "ReduceL2", "root of the sum of squares over", "The square root of the sum of squares along some axes."
    ),
    "log_sum_exp": _Operation(
        "ReduceLogSumExp", "log of the sum of exponentials over", "log(sum(exp(x))) along some axes, without overflow."
    ),
}


class _Reduction(Kind):
    """What all reductions share."""

    axis: tuple[int, ...]
    keepdims: bool

    @property
    def says(self) -> str:
        """How what comes out is called before what goes in: "mean over"."""
        raise NotImplementedError

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = self.axes(x)
        how = f"{self.says} {_counted(x, axes)}"
        names = listed([axis_name(x.axes[i].role, i) for i in axes])
        rows: list[Derivation] = []
        if self.keepdims:
            out = Spec(tuple(Axis(a.role, 1) if i in axes else a for i, a in enumerate(x.axes)), x.dtype)
            rows += [Derivation(i, x.axes[i].role, x.axes[i].size, derive("1"), f"The {how}.") for i in axes]
            said = ""
        else:
            out = without(x, axes)
            one = len(axes) == 1 and not names.endswith("s")
            goes, it = ("goes", "it") if one else ("go", "them")
            said = f"{names[0].upper()}{names[1:]} {goes}; keepdims=True would keep {it} with size 1."
        return Inference(
            single(out),
            self.title,
            tuple(rows),
            how=how,
            sentences=(said,) if said else (),
            sees_along=axes if rows else (),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        axes = self.axes(x.spec)
        name = self.reduced(graph, x, graph.ints(sorted(map(x.physical, axes))), product(x.spec.shape[i] for i in axes))
        left = x.order if self.keepdims else tuple(axis for axis in x.order if axis not in axes)
        return [Value(name, tuple(map(sorted(left).index, left)), done.spec)]

    def reduced(self, graph: Graph, x: Value, axes: str, count: Size) -> str:
        """The nodes; `axes` are a constant, as the tensor lies, and `count` is the number of numbers along them."""
        raise NotImplementedError

    def axes(self, x: Spec) -> tuple[int, ...]:
        """The axes that go, from 0, in order. Raises LayerError for one that is not there, or twice."""
        if x.rank < 2:
            raise LayerError("RANK_MISMATCH", f"needs an axis beside the batch. It gets {x}: one axis is missing")
        found = sorted(own_axis(axis, x.rank) for axis in self.axis) or list(range(1, x.rank))
        twice = next((a for a, b in pairwise(found) if a == b), None)
        if twice is not None:
            raise LayerError(
                "BAD_AXIS", f"has axis={self.axis}, which names axis {twice} twice", field="axis", axis=twice
            )
        return tuple(found)


@dataclass(frozen=True)
class Reduce(_Reduction):
    """One number from all along some axes, which then go: (batch, steps, channels) over axis 1 gives (batch, channels).

    sum, prod, max and min take whole numbers too; the element type stays what it is. Any axes but the batch axis.
    """

    operation: str = option("what is made of the numbers")
    axis: tuple[int, ...] = option(AXIS_DOC, (), minimum=-MAX_INT)
    keepdims: bool = option(KEEPDIMS_DOC, False)

    sdk = tuple(
        Sdk("".join(word.capitalize() for word in name.split("_")), operation=name, doc=row.doc)
        for name, row in OPERATIONS.items()
    )
    in_keras = ("ops.mean", "ops.sum", "ops.max", "ops.min", "ops.prod", "ops.norm", "ops.logsumexp")
    in_torch = ("mean", "sum", "amax", "amin", "prod", "linalg.vector_norm", "logsumexp")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        whole = [name for name, row in OPERATIONS.items() if row.takes != FLOATS]
        return (
            Example(cls("mean", (1,)), ((5, 3),)),
            *(Example(cls(name, (1, -2)), ((5, 6, 3),)) for name in OPERATIONS),
            *(Example(cls(name, (-1,), True), ((5, 3),), dtypes=(DType.INT32,)) for name in whole),
            Example(cls("sum"), ((5, 6, 3),)),
            Example(cls("mean", (2, 3), True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    @property
    def says(self) -> str:
        return OPERATIONS[self.operation].says

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], OPERATIONS[self.operation].takes, 1)

    def reduced(self, graph: Graph, x: Value, axes: str, count: Size) -> str:
        return graph.node(OPERATIONS[self.operation].op, [x.name, axes], keepdims=int(self.keepdims))


@dataclass(frozen=True)
class Variance(_Reduction):
    """The variance along some axes: the sum of squared distances from the mean, over n - correction.

    The square root of it with operation std. Keras and numpy divide by n, correction 0; PyTorch by default by n - 1.
    """

    operation: str = option("variance, or its square root")
    axis: tuple[int, ...] = option(AXIS_DOC, (), minimum=-MAX_INT)
    keepdims: bool = option(KEEPDIMS_DOC, False)
    correction: int = option("taken off the number that is divided by (PyTorch's default is 1)", 0, minimum=0)

    sdk = (
        Sdk("Variance", operation="variance", doc="The variance along some axes."),
        Sdk("StandardDeviation", operation="standard_deviation", doc="The standard deviation along some axes."),
    )
    in_keras = ("ops.var", "ops.std")
    in_torch = ("var", "std")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls("variance", (1,)), ((5, 3),)),
            Example(cls("standard_deviation", (1, 2), correction=1), ((5, 6, 3),)),
            Example(cls("variance", (2,), True, 1), ((3, 5),), Layout.CHANNELS_FIRST),
        )

    @property
    def says(self) -> str:
        return f"{self.operation.replace('_', ' ')} over"

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        done = super().infer(inputs, layout)
        count = product(inputs[0].shape[i] for i in self.axes(inputs[0]))
        if isinstance(count, int) and count <= self.correction:
            text = f"divides by {count} - {self.correction} (n - correction); correction must be less than {count}"
            raise LayerError("OUT_OF_RANGE", text, field="correction", got=self.correction, maximum=count - 1)
        return replace(done, least_one=(*done.least_one, count - self.correction))

    def reduced(self, graph: Graph, x: Value, axes: str, count: Size) -> str:
        dtype = x.spec.dtype
        away = graph.node("Sub", [x.name, graph.node("ReduceMean", [x.name, axes], keepdims=1)])
        squares = graph.node("Mul", [away, away])
        if not self.correction:
            found = graph.node("ReduceMean", [squares, axes], keepdims=int(self.keepdims))
        else:
            total = graph.node("ReduceSum", [squares, axes], keepdims=int(self.keepdims))
            found = graph.node("Div", [total, _number(graph, count - self.correction, dtype)])
        return graph.node("Sqrt", [found]) if self.operation == "standard_deviation" else found


@dataclass(frozen=True)
class Normalize(Kind):
    """Every vector along one axis divided by its p-norm, or by epsilon where that is larger; the shape does not change.

    PyTorch's functional normalize: x / max(sum(|x| ** p) ** (1 / p), epsilon). Its axis is 1 by default.
    """

    axis: int = option("axis of the vectors; counts the batch axis, negative from the end", -1)
    p: float = option("order of the norm: 2 for the length", 2.0, minimum=1, maximum=float("inf"))
    epsilon: float = option("smallest divisor", 1e-12, minimum=0)

    sdk = (Sdk("Normalize"),)
    in_keras = ("ops.normalize",)
    in_torch = ("nn.functional.normalize",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3),)),
            Example(cls(1, 1.0), ((5, 3),)),
            Example(cls(1, 3.0), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(p=float("inf")), ((7,),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        check_numbers(x, p=self.p, epsilon=self.epsilon)
        norms = {1: "sum of absolute values", 2: "length", float("inf"): "largest absolute value"}
        by = norms.get(self.p, f"{number_text(self.p)}-norm")
        how = f"each vector along {axis_name(x.axes[axis].role, axis)} divided by its {by}, shape unchanged"
        return unchanged(x, "Normalize", how=how, sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        length = norm(graph, x.name, x.physical(own_axis(self.axis, x.spec.rank)), self.p, x.spec.dtype)
        divisor = graph.node("Max", [length, graph.const(self.epsilon, x.spec.dtype)])
        return [x._replace(name=graph.node("Div", [x.name, divisor]))]


def norm(graph: Graph, name: str, axis: int, p: float, dtype: DType, keepdims: bool = True) -> str:
    """The p-norm along one axis, counted as the tensor lies."""
    axes, keep = graph.ints([axis]), int(keepdims)
    if p in (1, 2):
        return graph.node(f"ReduceL{int(p)}", [name, axes], keepdims=keep)
    size = graph.node("Abs", [name])
    if p == float("inf"):
        return graph.node("ReduceMax", [size, axes], keepdims=keep)
    powers = graph.node("Pow", [size, graph.const(p, dtype)])
    total = graph.node("ReduceSum", [powers, axes], keepdims=keep)
    return graph.node("Pow", [total, graph.const(1 / p, dtype)])


def without(x: Spec, axes: Sequence[int]) -> Spec:
    """The tensor without some axes; channels alone are features."""
    left = [axis for i, axis in enumerate(x.axes) if i not in axes]
    if len(left) == 2 and left[1].role is Role.CHANNELS:
        left[1] = Axis(Role.FEATURES, left[1].size)
    return Spec(tuple(left), x.dtype)


def _number(graph: Graph, size: Size, dtype: DType) -> str:
    """A size as a number to compute with."""
    if not isinstance(size, Dim):
        return graph.const(float(size), dtype)
    return cast(graph, graph.size(size), DType.INT64, dtype)


def _counted(x: Spec, axes: Sequence[int]) -> str:
    """`5 steps`, `height 5 x width 6`, `axis 2, 7 long`."""
    first = x.axes[axes[0]]
    if len(axes) == 1 and first.role not in (Role.NONE, Role.FEATURES):
        return counted(first.size, first.role)
    if len(axes) == 1:
        return f"{grouped(first.size)} {'number' if first.size == 1 else 'numbers'}"
    return f"{' x '.join(grouped(x.shape[i]) for i in axes)} numbers"
