"""The way back from a maximum pool."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    option,
    plural,
    require_rank,
    require_type,
    single,
)
from lamina_server.layers.convolution.conv import placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import FLOATS, SPATIAL, DType, Layout, Spec, channel_axis, spatial_roles
from lamina_server.layers.windows import Padding, PadPair, Sliding, complete


@dataclass(frozen=True)
class MaxUnpool(Kind):
    """Values back in the places they had before a MaxPool, zeros elsewhere; takes them and the pool's "indices".

    channels last: (batch, spatial..., channels), twice -> (batch, spatial'..., channels). Length (L - 1) s + k - a - b,
    or output_size: that of what was pooled, since several lengths pool to the same. An index that lies outside is left
    out, as PyTorch's MaxUnpool2d refuses it; of several for one place, which have one value if a pool gave them, any.
    """

    pool_size: tuple[int, ...] = option("the pool's window length for each spatial axis", minimum=1, usual=2)
    strides: tuple[int, ...] = option("the pool's step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "the pool's: valid, numbers, or pairs (before, after) of at most half a window",
        "valid",
        minimum=0,
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    output_size: tuple[int, ...] = option(
        "length that was pooled, for each spatial axis; the shortest that may have been where not given", (), minimum=1
    )

    sdk = (Sdk("MaxUnpooling1D", 1), Sdk("MaxUnpooling2D", 2), Sdk("MaxUnpooling3D", 3))
    in_keras = ()
    in_torch = ("nn.MaxUnpool1d", "nn.MaxUnpool2d", "nn.MaxUnpool3d")
    inputs = (2, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        types, pads = (DType.FLOAT32, DType.INT64), (PadPair(1, 1), PadPair(0, 1))
        return (
            Example(cls((2,)), ((4, 3),) * 2, dtypes=types),
            Example(cls((3, 2), (2, 2), pads), ((2, 4, 3),) * 2, Layout.CHANNELS_FIRST, types),
            Example(cls((2, 2), output_size=(5, 4)), ((2, 2, 1),) * 2, dtypes=types),
        )

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], FLOATS, 1)
        require_type(inputs[1], frozenset({DType.INT64}), 2)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        slide = self._slide()
        (x, places), layout = inputs, self.data_format or layout
        require_rank(x, spatial_roles(slide.rank, layout))
        if places.shape != x.shape:
            raise LayerError(
                "SIZE_MISMATCH",
                f"takes one index for each value, but {{input_1}} is {x} and {{input_2}} is {places}",
                field="inputs",
            )
        first = 2 if layout is Layout.CHANNELS_FIRST else 1
        rows = tuple(self._row(slide, i, first + i, x.shape[first + i]) for i in range(slide.rank))
        out = placed(x, layout, rows)
        return Inference(
            single(out),
            f"MaxUnpooling{slide.rank}D",
            rows,
            sees_along=tuple(row.axis for row in rows),  # any of the values may come to any place
            scratch=out.elements + x.axes[channel_axis(x.rank, layout)].size,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        spec, order = done.spec, graph.spatial_order(done.spec, self.data_format or graph.layout)
        count = product(spec.shape[axis] for axis in order[2:])
        flat = graph.ints([0, 0, -1])
        x, index = (graph.node("Reshape", [graph.arrange(value, order), flat]) for value in inputs)
        # One place more, for what lies outside.
        shape = graph.shape([*(spec.shape[axis] for axis in order[:2]), count + 1])
        zeros = graph.node("Expand", [graph.const(0.0, spec.dtype), shape])
        outside = graph.node("Less", [index, graph.ints([0])])
        index = graph.node("Where", [outside, graph.size(count), graph.node("Min", [index, graph.size(count)])])
        full = graph.node("ScatterElements", [zeros, index, x], axis=2)
        full = graph.node("Slice", [full, graph.ints([0]), graph.ints([-1]), graph.ints([2])])
        return [Value(reshape(graph, full, [spec.shape[i] for i in order]), order, spec)]

    def _slide(self) -> Sliding:
        if isinstance(self.padding, str) and self.padding != "valid":
            text = f'padding="{self.padding}" depends on the length that was pooled: write pairs, and output_size'
            raise LayerError("BAD_PADDING", text, field="padding")
        if self.output_size and len(self.output_size) != len(self.pool_size):
            text = f"output_size has {plural(len(self.output_size), 'number')}, but pool_size has {len(self.pool_size)}"
            raise LayerError("LENGTH_MISMATCH", text, field="output_size")
        options = self.pool_size, self.strides, self.padding
        return complete(*options, field="pool_size", default_strides=self.pool_size, pool=True)

    def _row(self, slide: Sliding, i: int, axis: int, length: Size) -> Derivation:
        role = SPATIAL[slide.rank][i]
        lead = "Every value goes back to the place that its index names, among zeros"
        if self.output_size:
            size = derive("output_size", output_size=self.output_size[i])
            return Derivation(axis, role, length, size, f"{lead}; output_size says how long it was.")
        a, b = slide.padding[i] if isinstance(slide.padding, tuple) else (0, 0)
        k, s = slide.sizes[i], slide.strides[i]
        ends = {name: n for name, n in (("a", a), ("b", b)) if n}
        out = derive("(L - 1) * s + k" + "".join(f" - {name}" for name in ends), L=length, s=s, k=k, **ends)
        windows = f"{plural(length, 'window')} of {k}"
        return Derivation(axis, role, length, out, f"{lead}: the shortest length that gives {windows}.")
