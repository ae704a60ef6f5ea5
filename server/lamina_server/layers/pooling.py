"""Pools: windows, or whole spatial axes, reduced to their largest value or their mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Window,
    grouped,
    option,
    require_rank,
    single,
)
from lamina_server.layers.convolution import placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import add_ends, padded
from lamina_server.layers.tensors import SPATIAL, Axis, Layout, Role, Spec, channel_axis, counted, spatial_roles
from lamina_server.layers.windows import Padding, PadPair, complete


class _Pool(Kind):
    """What both pools share; the fields are theirs, since their order is part of the constructors."""

    pool_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding
    data_format: Layout | None
    ceil_mode: bool
    label: ClassVar[str]

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        slide = complete(
            self.pool_size,
            self.strides,
            self.padding,
            field="pool_size",
            default_strides=self.pool_size,
            ceil_mode=self.ceil_mode,
            pool=True,
        )
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(slide.rank, layout))
        derivations, windows = slide.over(x.axes, layout)
        out = placed(x, layout, derivations)
        return Inference(single(out), f"{self.label}{slide.rank}D", tuple(derivations), tuple(windows))

    def slid(self) -> dict[str, object]:
        """Attributes of ONNX's pools that are plain copies of the options."""
        return {"kernel_shape": self.pool_size, "strides": self.strides or self.pool_size}


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest value of each window; padding never wins.

    channels last: (batch, spatial..., channels) -> (batch, spatial'..., channels). Lengths as Conv, and with
    ceil_mode ceil((L + a - max(k - s - b, 0)) / s), PyTorch's rule: a window must start inside.
    """

    pool_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1, usual=2)
    strides: tuple[int, ...] = option("step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, or pairs (before, after) of at most half a window", "valid", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    ceil_mode: bool = option("whether a last window that runs over the end counts, if it starts inside", False)

    sdk = (Sdk("MaxPooling1D", 1), Sdk("MaxPooling2D", 2), Sdk("MaxPooling3D", 3))
    masking = "drops"
    label = "MaxPooling"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2,)), ((9, 3),)),
            Example(cls((2, 3), (1, 2), "same"), ((5, 6, 2),)),
            Example(
                cls((3, 3), (2, 2), (PadPair(1, 1), PadPair(1, 1)), ceil_mode=True), ((2, 6, 7),), Layout.CHANNELS_FIRST
            ),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, windows = inputs[0], _end_windows(done.windows)
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        name, pads = padded(graph, graph.arrange(x, order), windows, self.padding, (), x.spec.dtype, fill=-np.inf)
        return [Value(graph.node("MaxPool", [name], **self.slid(), **pads), order, done.spec)]


@dataclass(frozen=True)
class AveragePool(_Pool):
    """The mean of each window. Padding zeros count in it only with count_include_pad (PyTorch's default).

    Shapes as MaxPool. The divisor counts what lies inside the input, with count_include_pad inside input and padding.
    """

    pool_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1, usual=2)
    strides: tuple[int, ...] = option("step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, or pairs (before, after) of at most half a window", "valid", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    ceil_mode: bool = option("whether a last window that runs over the end counts, if it starts inside", False)
    count_include_pad: bool = option("whether padding zeros count in the mean (PyTorch's default is True)", False)

    sdk = (Sdk("AveragePooling1D", 1), Sdk("AveragePooling2D", 2), Sdk("AveragePooling3D", 3))
    masking = "drops"
    label = "AveragePooling"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((3,), (2,), "same"), ((9, 3),)),
            Example(
                cls((3, 2), (2, 2), (PadPair(1, 1), PadPair(0, 1)), ceil_mode=True, count_include_pad=True),
                ((2, 6, 7),),
                Layout.CHANNELS_FIRST,
            ),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, more = inputs[0], self.slid()
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        name = graph.arrange(x, order)
        ends, pads = padded(graph, name, done.windows, self.padding, (), x.spec.dtype)
        if ends == name and not self._clipped(done):
            out = graph.node("AveragePool", [name], count_include_pad=int(self.count_include_pad), **more, **pads)
        else:
            out = self._weighed(graph, name, x.spec, order, done)
        return [Value(out, order, done.spec)]

    def _clipped(self, done: Inference) -> bool:
        """Whether a last window of ceil_mode runs over the padding, which ONNX's own ceil_mode may count otherwise."""
        return any(window.overrun != 0 for window in done.windows)

    def _weighed(self, graph: Graph, name: str, spec: Spec, order: tuple[int, ...], done: Inference) -> str:
        """Mean of the padded input over the mean of a mask of what counts: exact for any padding."""
        ones = graph.node(
            "Expand", [graph.const(1.0, spec.dtype), graph.shape([1, 1, *(spec.shape[axis] for axis in order[2:])])]
        )
        if self.count_include_pad:
            ones = add_ends(graph, ones, done.windows, 1.0, spec.dtype)
            ones = add_ends(graph, ones, [w._replace(before=0, after=w.overrun) for w in done.windows], 0.0, spec.dtype)
        else:
            ones = add_ends(graph, ones, _end_windows(done.windows), 0.0, spec.dtype)
        sums = add_ends(graph, name, _end_windows(done.windows), 0.0, spec.dtype)
        means = [graph.node("AveragePool", [part], **self.slid()) for part in (sums, ones)]
        return graph.node("Div", means)


class _GlobalPool(Kind):
    """What both global pools share."""

    rank: int | None
    data_format: Layout | None
    keepdims: bool
    label: ClassVar[str]
    verb: ClassVar[str]
    op: ClassVar[str]

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        rank = self.rank or (x.rank - 2 if x.rank - 2 in SPATIAL else 1)
        require_rank(x, spatial_roles(rank, layout))
        channels = channel_axis(x.rank, layout)
        spatial = [i for i in range(1, x.rank) if i != channels]
        over = " x ".join(grouped(x.shape[i]) for i in spatial)
        how = f"{self.verb} {counted(x.shape[spatial[0]], Role.STEPS) if rank == 1 else f'{over} positions'}"
        count = x.axes[channels].size
        reason = f"One number for each channel: the {how}. Any size of input gives {counted(count, Role.CHANNELS)}."
        if self.keepdims:
            axes = tuple(Axis(axis.role, 1) if i in spatial else axis for i, axis in enumerate(x.axes))
            rows = [Derivation(i, x.axes[i].role, x.axes[i].size, derive("1"), reason) for i in spatial]
        else:
            axes = (x.axes[0], Axis(Role.FEATURES, count))
            rows = [Derivation(1, Role.FEATURES, None, derive("channels", channels=count), reason)]
        return Inference(single(Spec(axes, x.dtype)), f"{self.label}{rank}D", tuple(rows), how=how, sees_all=True)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        channels = channel_axis(x.spec.rank, self.data_format or graph.layout)
        axes = [place for place, axis in enumerate(x.order) if axis not in (0, channels)]
        out = graph.node(self.op, [x.name, graph.ints(axes)], keepdims=int(self.keepdims))
        left = [axis for axis in x.order if axis in (0, channels)]  # an LSTM leaves the steps, not the batch, in front
        return [Value(out, x.order if self.keepdims else tuple(map((0, channels).index, left)), done.spec)]


@dataclass(frozen=True)
class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel over all spatial axes: (batch, spatial..., channels) -> (batch, channels)."""

    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    keepdims: bool = option("whether the spatial axes stay, with size 1", False)

    sdk = (Sdk("GlobalMaxPooling1D", 1), Sdk("GlobalMaxPooling2D", 2), Sdk("GlobalMaxPooling3D", 3))
    masking = "drops"
    label, verb, op = "GlobalMaxPooling", "maximum over", "ReduceMax"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((9, 3),)), Example(cls(keepdims=True), ((2, 5, 6),), Layout.CHANNELS_FIRST))


@dataclass(frozen=True)
class GlobalAveragePool(_GlobalPool):
    """The mean of each channel over all spatial axes: (batch, spatial..., channels) -> (batch, channels)."""

    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    keepdims: bool = option("whether the spatial axes stay, with size 1", False)

    sdk = (Sdk("GlobalAveragePooling1D", 1), Sdk("GlobalAveragePooling2D", 2), Sdk("GlobalAveragePooling3D", 3))
    masking = "uses"
    label, verb, op = "GlobalAveragePooling", "mean over", "ReduceMean"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((9, 3),)), Example(cls(rank=2, keepdims=True), ((2, 5, 6),), Layout.CHANNELS_FIRST))


def _end_windows(windows: Sequence[Window]) -> list[Window]:
    """The windows with their ends moved so that a floor pool places as many: ONNX needs no ceil_mode then."""
    return [window._replace(after=window.after + window.overrun) for window in windows]
