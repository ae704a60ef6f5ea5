"""Numbers by the interval that they lie in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lamina_server.errors import LayerError
from lamina_server.layers.base import Example, Inference, Kind, Sdk, option, unchanged
from lamina_server.layers.core.lookups import CategoryEncoding
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import INTEGERS, NUMBERS, DType, Layout, Spec


@dataclass(frozen=True)
class Discretization(Kind):
    """Each number as the bin that it lies in: how many of the boundaries it has reached; NaN has reached all.

    int: (batch, ...) -> (batch, ...) of int32, 0 below the first boundary. one_hot, multi_hot and count: what
    CategoryEncoding makes of these integers, over one place more than there are boundaries. Keras finds boundaries in
    data with adapt(), for which are num_bins and epsilon: give those that it found.
    """

    bin_boundaries: tuple[float, ...] = option("where one bin ends and the next begins, rising")
    output_mode: str = option("what is written: int, one_hot, multi_hot or count", "int")

    sdk = (Sdk("Discretization"),)
    in_torch = ("bucketize",)
    takes, masking = NUMBERS, "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        bounds = (-0.5, 0.0, 1.5)
        return (
            Example(cls(bounds), ((4, 3),)),
            Example(cls(bounds, "one_hot"), ((5,),)),
            Example(cls(bounds, "multi_hot"), ((5,),), dtypes=(DType.FLOAT64,)),
            Example(cls((1.0, 2.0), "count"), ((5,),), dtypes=(DType.INT32,)),
            Example(cls((0.5,)), ((2, 3, 4),), Layout.CHANNELS_FIRST, (DType.FLOAT16,)),
        )

    def check(self) -> None:
        super().check()
        for one, other in pairwise(self.bin_boundaries):
            if not one < other:
                text = f"has bin_boundaries that do not rise: after {one:g} comes {other:g}"
                raise LayerError("OUT_OF_RANGE", text, field="bin_boundaries", got=other)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, count = inputs[0], len(self.bin_boundaries)
        ids = x._replace(dtype=DType.INT32)
        done = unchanged(ids, self.title, how="the bin of each number, shape unchanged")
        if self.output_mode != "int":
            done = replace(self._encoding.infer([ids], layout), label=self.title)
        last = f"The last bin, {count}, begins at the {'boundary' if count == 1 else f'last of {count} boundaries'}."
        return replace(done, sentences=(last,), scratch=x.elements * count + done.scratch)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, held = inputs[0], self._held_by(inputs[0].spec.dtype)
        each = graph.node("Unsqueeze", [graph.cast(x.name, held), graph.ints([x.spec.rank])])
        missed = graph.node("Less", [each, graph.const(list(self.bin_boundaries), held)])
        count = graph.node("ReduceSum", [graph.cast(missed, DType.INT32), graph.ints([-1])], keepdims=0)
        most = graph.const(len(self.bin_boundaries), DType.INT32)
        ids = x._replace(name=graph.node("Sub", [most, count]), spec=x.spec._replace(dtype=DType.INT32))
        return [ids] if self.output_mode == "int" else self._encoding.emit(graph, [ids], done)

    @property
    def _encoding(self) -> CategoryEncoding:
        return CategoryEncoding(len(self.bin_boundaries) + 1, self.output_mode)

    @staticmethod
    def _held_by(dtype: DType) -> DType:
        """The type in which numbers are compared: every integer that float64 holds is exact there."""
        return DType.FLOAT64 if dtype in INTEGERS or dtype is DType.FLOAT64 else DType.FLOAT32
