"""Layers that look along one axis in order: where the largest stands, the best few, sorted, summed up on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    grouped,
    option,
    own_axis,
    require_number,
    single,
    unchanged,
)
from lamina_server.layers.broadcasting import axis_name
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.merging.reductions import without
from lamina_server.layers.tensors import FLOATS, DType, Layout, Spec

AXIS_DOC = "axis to look along; counts the batch axis, negative from the end"
# What ONNX Runtime puts in order; ONNX itself leaves bfloat16 out.
_ORDERED = (FLOATS - {DType.BFLOAT16}) | {DType.INT8, DType.UINT8, DType.INT32, DType.INT64}
_SUMMED = FLOATS | {DType.INT32, DType.INT64}


class _ArgReduction(Kind):
    """What ArgMax and ArgMin share."""

    axis: int
    keepdims: bool
    which: ClassVar[str]
    takes = _ORDERED

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        role, size = x.axes[axis]
        how = f"index, from 0, of the {self.which} of {grouped(size)} along {axis_name(role, axis)}"
        rows = [Derivation(axis, role, size, derive("1"), f"The {how}.")] if self.keepdims else []
        out = x.resized(axis, 1) if self.keepdims else without(x, (axis,))
        return Inference(
            single(Spec(out.axes, DType.INT64)), self.title, tuple(rows), how=how, sees_along=(axis,) if rows else ()
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        axis = own_axis(self.axis, x.spec.rank)
        name = graph.node(self.title, [x.name], axis=x.physical(axis), keepdims=int(self.keepdims))
        left = x.order if self.keepdims else tuple(i for i in x.order if i != axis)
        return [Value(name, tuple(map(sorted(left).index, left)), done.spec)]


@dataclass(frozen=True)
class ArgMax(_ArgReduction):
    """Where the largest number stands along an axis, which then goes: an int64 from 0; of equal ones the first."""

    axis: int = option(AXIS_DOC, -1)
    keepdims: bool = option("whether the axis stays, with size 1", False)

    sdk = (Sdk("ArgMax"),)
    in_keras = ("ops.argmax",)
    in_torch = ("argmax",)
    which = "largest"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 3),)),
            Example(cls(1, True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(), ((5, 3),), dtypes=(DType.INT32,)),
        )


@dataclass(frozen=True)
class ArgMin(_ArgReduction):
    """Where the smallest number stands along an axis, which then goes: an int64 from 0; of equal ones the first."""

    axis: int = option(AXIS_DOC, -1)
    keepdims: bool = option("whether the axis stays, with size 1", False)

    sdk = (Sdk("ArgMin"),)
    in_keras = ("ops.argmin",)
    in_torch = ("argmin",)
    which = "smallest"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(1), ((5, 3),)), Example(cls(), ((5, 3),), dtypes=(DType.UINT8,)))


@dataclass(frozen=True)
class TopK(Kind):
    """The k largest numbers along an axis, in order, the largest first; and as output indices where each stood.

    The smallest instead with largest=False. Indices are int64, from 0; of equal numbers the first comes first.
    """

    k: int = option("how many", minimum=1)
    axis: int = option(AXIS_DOC, -1)
    largest: bool = option("whether the largest are taken, not the smallest", True)

    sdk = (Sdk("TopK"),)
    in_keras = ("ops.top_k",)
    in_torch = ("topk",)
    takes = _ORDERED

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(2), ((5, 7),)),
            Example(cls(3, 1, False), ((5, 4),)),
            Example(cls(2, 1), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        role = x.axes[axis].role
        what = axis_name(role, axis)
        size = require_number(x.axes[axis].size, what, f"because it takes {self.k} of them")
        if self.k > size:
            text = f"takes the {self.k} {self._which} along {what}, but there are {size}"
            raise LayerError("OUT_OF_RANGE", text, field="k", got=self.k, maximum=size)
        how = f"the {self.k} {self._which} of {size} along {what}"
        row = Derivation(axis, role, size, derive("k", k=self.k), f"The {self._which} are kept, in order.")
        values = x.resized(axis, self.k)
        outputs = (Output("", values), Output("indices", Spec(values.axes, DType.INT64)))
        return Inference(outputs, "TopK", (row,), how=how, sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return in_order(graph, inputs[0], self.axis, graph.ints([self.k]), self.largest, done)

    @property
    def _which(self) -> str:
        return "largest" if self.largest else "smallest"


@dataclass(frozen=True)
class Sort(Kind):
    """The numbers along an axis in order, the smallest first; and as output indices where each stood.

    Indices are int64, from 0; equal numbers keep their order.
    """

    axis: int = option(AXIS_DOC, -1)
    descending: bool = option("whether the largest comes first", False)

    sdk = (Sdk("Sort"),)
    in_keras = ("ops.sort",)
    in_torch = ("sort",)
    takes = _ORDERED

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 7),)),
            Example(cls(1, True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(), ((9,),), dtypes=(DType.INT32,)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        way = "the largest first" if self.descending else "the smallest first"
        how = f"in order along {axis_name(x.axes[axis].role, axis)}, {way}"
        outputs = (Output("", x), Output("indices", Spec(x.axes, DType.INT64)))
        return Inference(outputs, "Sort", how=how, sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        size = x.spec.shape[own_axis(self.axis, x.spec.rank)]
        return in_order(graph, x, self.axis, graph.size(size), self.descending, done)


@dataclass(frozen=True)
class CumSum(Kind):
    """Along an axis the sum of all numbers so far; the shape does not change."""

    axis: int = option(AXIS_DOC, -1)
    exclusive: bool = option("whether the number itself is left out, so that the first sum is 0", False)
    reverse: bool = option("whether the sum runs from the end", False)

    sdk = (Sdk("CumSum"),)
    in_keras = ("ops.cumsum",)
    in_torch = ("cumsum",)
    takes = _SUMMED

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(1), ((5, 3),)),
            Example(cls(-1, True), ((5, 3),)),
            Example(cls(1, False, True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(1, True, True), ((5,),), dtypes=(DType.INT64,)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = own_axis(self.axis, x.rank)
        part = "that follow" if self.reverse else "before it"
        which = f"the numbers {part}" if self.exclusive else f"each number and of those {part}"
        how = f"sums along {axis_name(x.axes[axis].role, axis)} of {which}, shape unchanged"
        return unchanged(x, "CumSum", how=how, sees_along=(axis,))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        axis = graph.const(x.physical(own_axis(self.axis, x.spec.rank)), DType.INT64)
        options = {"exclusive": int(self.exclusive), "reverse": int(self.reverse)}
        return [x._replace(name=graph.node("CumSum", [x.name, axis], **options))]


def in_order(graph: Graph, x: Value, axis: int, count: str, largest: bool, done: Inference) -> list[Value]:
    """The first `count` numbers along an axis in order, and their indices."""
    place = x.physical(own_axis(axis, x.spec.rank))
    names = graph.nodes_out("TopK", [x.name, count], 2, axis=place, largest=int(largest))
    return [Value(name, x.order, output.spec) for name, output in zip(names, done.outputs, strict=True)]
