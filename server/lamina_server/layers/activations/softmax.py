"""Activation functions along an axis: each result depends on all numbers along it."""

from dataclasses import dataclass

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.layers.activations.function import Function
from lamina_server.layers.base import option, own_axes, own_axis
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import DType

_AXIS = "axis along which the results sum to 1; counts the batch axis, negative from the end"


class AlongAxis(Function):
    """A function with an `axis`."""

    axis: int

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(axis=1))  # type: ignore[call-arg]  # every subclass is a dataclass with an axis

    def check(self, rank: int) -> None:
        self.sees_along(rank)

    def sees_along(self, rank: int) -> tuple[int, ...]:
        return (own_axis(self.axis, rank),)

    def emit(self, graph: Graph, value: Value) -> Value:
        (axis,) = self.sees_along(value.spec.rank)
        x = self.before(graph, value.name)
        return value._replace(name=graph.node(self.op, [x], axis=value.physical(axis)))

    def before(self, graph: Graph, x: str) -> str:
        """What the operator is given."""
        return x


@dataclass(frozen=True)
class Softmax(AlongAxis):
    """exp(x) / sum(exp(x)) along one axis, or several together; the results along them sum to 1.

    PyTorch's Softmax2d is axis=1 of images channels first. As a layer it takes a mask of bool as a second input, Keras'
    mask, which meets the first as in Add: what is false there counts for nothing and gives 0.
    """

    axis: int = option(_AXIS, -1)
    axes: tuple[int, ...] = option("several axes instead, whose results together sum to 1; only axis if not given", ())

    op, layer, masking = "Softmax", "Softmax", "uses"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(axis=1), cls(axes=(1, 2)))

    def sees_along(self, rank: int) -> tuple[int, ...]:
        if self.axes and self.axis != -1:
            raise LayerError("BAD_AXIS", f"has axis={self.axis} and axes={self.axes}; give one of them", field="axes")
        return own_axes(self.axes, rank, "axes") if self.axes else super().sees_along(rank)

    def emit(self, graph: Graph, value: Value) -> Value:
        if len(self.axes) < 2:
            return AlongAxis.emit(self, graph, value)
        axes = graph.ints(map(value.physical, self.sees_along(value.spec.rank)))
        shifted = graph.node("Sub", [value.name, graph.node("ReduceMax", [value.name, axes])])
        powers = graph.node("Exp", [shifted])
        return value._replace(name=graph.node("Div", [powers, graph.node("ReduceSum", [powers, axes])]))


@dataclass(frozen=True)
class LogSoftmax(AlongAxis):
    """log(exp(x) / sum(exp(x))) along one axis."""

    axis: int = option("axis along which the exponentials of the results sum to 1; as in softmax", -1)

    op, layer = "LogSoftmax", "LogSoftmax"


@dataclass(frozen=True)
class Softmin(AlongAxis):
    """exp(-x) / sum(exp(-x)) along one axis, whose results then sum to 1."""

    axis: int = option(_AXIS, -1)

    op, layer = "Softmax", "Softmin"

    def before(self, graph: Graph, x: str) -> str:
        return graph.node("Neg", [x])


@dataclass(frozen=True)
class Sparsemax(AlongAxis):
    """max(x - tau, 0) along one axis, tau such that the results sum to 1 (Martins and Astudillo 2016).

    tau = (sum of the k largest - 1) / k, k the largest for which k * x_k > sum - 1. Keras 3 takes the sum of the k
    cumulative sums instead, so that its results sum to 1 only where k is 1; `as_keras` does the same.
    """

    axis: int = option(_AXIS, -1)
    as_keras: bool = option("whether tau is Keras 3's, with which the results need not sum to 1", False)

    layer = "Sparsemax"

    @classmethod
    def examples(cls) -> tuple[Function, ...]:
        return (cls(), cls(axis=1), cls(as_keras=True))

    def emit(self, graph: Graph, value: Value) -> Value:
        if value.spec.dtype is DType.BFLOAT16:  # which ONNX's TopK does not take
            single = value._replace(
                name=graph.cast(value.name, DType.FLOAT32), spec=value.spec._replace(dtype=DType.FLOAT32)
            )
            return value._replace(name=graph.cast(self.emit(graph, single).name, DType.BFLOAT16))
        (axis,) = self.sees_along(value.spec.rank)
        place, dtype = value.physical(axis), value.spec.dtype
        one, along = graph.const(1.0, dtype), graph.ints([place])
        count = value.spec.axes[axis].size
        largest, _ = graph.nodes_out("TopK", [value.name, graph.size(count)], 2, axis=place)
        total = graph.node("CumSum", [largest, along])
        ranks = _counted(graph, count, value.spec.rank - 1 - place, dtype)
        support = graph.node("Greater", [graph.node("Add", [graph.node("Mul", [largest, ranks]), one]), total])
        kept = graph.node("Where", [support, total if self.as_keras else largest, graph.const(0.0, dtype)])
        k = graph.node("ReduceSum", [graph.cast(support, dtype), along])
        tau = graph.node("Div", [graph.node("Sub", [graph.node("ReduceSum", [kept, along]), one]), k])
        return value._replace(name=graph.node("Relu", [graph.node("Sub", [value.name, tau])]))


def _counted(graph: Graph, count: Size, after: int, dtype: DType) -> str:
    """1, 2, ..., count along an axis with so many axes after it."""
    one = graph.node("Squeeze", [graph.ints([1])])
    numbers = graph.node("Range", [one, graph.node("Squeeze", [graph.size(count + 1)]), one])
    return (
        graph.node("Unsqueeze", [graph.cast(numbers, dtype), graph.ints(range(1, after + 1))])
        if after
        else (graph.cast(numbers, dtype))
    )
