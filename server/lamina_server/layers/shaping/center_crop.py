"""The middle of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lamina_server.dims import Size, floor_div
from lamina_server.formula import derive
from lamina_server.layers.base import Derivation, Example, Inference, Kind, Sdk, option, require_rank
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.shaping.padding import moved_ends
from lamina_server.layers.shaping.resizing import Resizing
from lamina_server.layers.tensors import ANY, SPATIAL, Layout, Spec, spatial_axes, spatial_roles


@dataclass(frozen=True)
class CenterCrop(Kind):
    """The middle of images: (batch, H, W, channels) -> (batch, height, width, channels), from (H - height) // 2 on.

    Where a side is shorter than that, the middle of the right aspect ratio is stretched instead: Resizing with
    crop_to_aspect_ratio. A side whose length is a symbol is taken to be long enough.
    """

    height: int = option("height of the output", minimum=1)
    width: int = option("width of the output", minimum=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("CenterCrop"),)
    takes, masking = ANY, "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(3, 4), ((6, 9, 2),)), Example(cls(6, 3), ((2, 7, 3),), Layout.CHANNELS_FIRST))

    @property
    def spatial_rank(self) -> int:
        return 2

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x = inputs[0]
        over = self._over(x, layout)
        if self._is_short(over):
            return replace(self._stretching.infer(inputs, layout), label=self.title)
        targets = (derive("height", height=self.height), derive("width", width=self.width))
        rows = [
            Derivation(axis, role, x.shape[axis], out, f"From {floor_div(over[axis], 2)} on.")
            for axis, role, out in zip(over, SPATIAL[2], targets, strict=True)
        ]
        ends = [(-before, -after) for before, after in map(_halves, over.values())]
        return moved_ends(x, rows, ends, self.title, least_one=tuple(n + 1 for n in over.values()))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        over = self._over(x.spec, graph.layout)
        if self._is_short(over):
            return self._stretching.emit(graph, inputs, done)
        starts = [floor_div(n, 2) for n in over.values()]
        stops = [start + size for start, size in zip(starts, (self.height, self.width), strict=True)]
        axes = graph.ints(map(x.physical, over))
        name = graph.node("Slice", [x.name, graph.shape(starts), graph.shape(stops), axes])
        return [x._replace(name=name, spec=done.spec)]

    def _over(self, x: Spec, layout: Layout) -> dict[int, Size]:
        """How much longer each side is than what is wanted, by axis."""
        layout = self.data_format or layout
        require_rank(x, spatial_roles(2, layout))
        wanted = dict(zip(spatial_axes(2, layout), (self.height, self.width), strict=True))
        return {axis: x.shape[axis] - size for axis, size in wanted.items()}

    def _is_short(self, over: Mapping[int, Size]) -> bool:
        """Whether a side is shorter; one whose length is a symbol is not, which bounds the symbol."""
        return any(isinstance(n, int) and n < 0 for n in over.values())

    @property
    def _stretching(self) -> Resizing:
        return Resizing(self.height, self.width, crop_to_aspect_ratio=True, data_format=self.data_format)


def _halves(size: Size) -> tuple[Size, Size]:
    """What lies before and behind the middle."""
    return floor_div(size, 2), size - floor_div(size, 2)
