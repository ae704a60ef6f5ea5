"""Pools: windows, or whole spatial axes, reduced to their largest value or their mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from lamina_server.dims import Size, product
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    Window,
    grouped,
    option,
    require_rank,
    require_types,
    single,
)
from lamina_server.layers.convolution.conv import placed
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import add_ends, padded
from lamina_server.layers.requirements import require_mask
from lamina_server.layers.tensors import (
    BOOLS,
    SPATIAL,
    Axis,
    DType,
    Layout,
    Role,
    Spec,
    channel_axis,
    counted,
    spatial_roles,
)
from lamina_server.layers.windows import Padding, PadPair, complete


class Pool(Kind):
    """What pools share; the fields are theirs, since their order is part of the constructors."""

    pool_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding
    data_format: Layout | None
    ceil_mode: bool
    dilation_rate: tuple[int, ...] = ()
    label: ClassVar[str]

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        slide = complete(
            self.pool_size,
            self.strides,
            self.padding,
            self.dilation_rate,
            field="pool_size",
            default_strides=self.pool_size,
            ceil_mode=self.ceil_mode,
            pool=True,
        )
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(slide.rank, layout))
        derivations, windows = slide.over(x.axes, layout)
        out = placed(x, layout, derivations)
        return Inference(self.outputs(out), f"{self.label}{slide.rank}D", tuple(derivations), tuple(windows))

    def outputs(self, out: Spec) -> tuple[Output, ...]:
        """The pool's outputs; `out` is what comes of the windows."""
        return single(out)

    def slid(self) -> dict[str, object]:
        """Attributes of ONNX's pools that are plain copies of the options."""
        dilations = self.dilation_rate or None
        return {"kernel_shape": self.pool_size, "strides": self.strides or self.pool_size, "dilations": dilations}

    def mean(self, graph: Graph, name: str, spec: Spec, order: tuple[int, ...], done: Inference, pad: bool) -> str:
        """The mean of each window of a tensor that lies in this order; with `pad` its padding zeros count."""
        ends, pads = padded(graph, name, done.windows, self.padding, (), spec.dtype)
        # A last window of ceil_mode may run over the padding, which ONNX's own ceil_mode may count otherwise.
        if ends == name and not any(window.overrun != 0 for window in done.windows):
            return graph.node("AveragePool", [name], count_include_pad=int(pad), **self.slid(), **pads)
        # The mean of the padded input over the mean of a mask of what counts: exact for any padding.
        shape = graph.shape([1, 1, *(spec.shape[axis] for axis in order[2:])])
        ones = graph.node("Expand", [graph.const(1.0, spec.dtype), shape])
        if pad:
            over = [window._replace(before=0, after=window.overrun) for window in done.windows]
            ones = add_ends(graph, add_ends(graph, ones, done.windows, 1.0, spec.dtype), over, 0.0, spec.dtype)
        else:
            ones = add_ends(graph, ones, _end_windows(done.windows), 0.0, spec.dtype)
        sums = add_ends(graph, name, _end_windows(done.windows), 0.0, spec.dtype)
        return graph.node("Div", [graph.node("AveragePool", [part], **self.slid()) for part in (sums, ones)])

    def total(self, graph: Graph, name: str, spec: Spec, done: Inference, times: float = 1.0) -> str:
        """The sum of each window, times a number."""
        name, pads = padded(graph, name, _end_windows(done.windows), self.padding, (), spec.dtype)
        means = graph.node("AveragePool", [name], count_include_pad=1, **self.slid(), **pads)
        return graph.node("Mul", [means, graph.const(prod(self.pool_size) * times, spec.dtype)])


@dataclass(frozen=True)
class MaxPool(Pool):
    """The largest value of each window; padding never wins.

    channels last: (batch, spatial..., channels) -> (batch, spatial'..., channels). Lengths as Conv, and with
    ceil_mode ceil((L + a - max(ke - s - b, 0)) / s), PyTorch's rule: a window must start inside. The output "indices"
    has where each value stood, counted row by row through the spatial axes of its channel, the first of equals.
    """

    pool_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1, usual=2)
    strides: tuple[int, ...] = option("step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, numbers, or pairs (before, after) of at most half a window",
        "valid",
        minimum=0,
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    ceil_mode: bool = option("whether a last window that runs over the end counts, if it starts inside", False)
    dilation_rate: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    return_indices: bool = option("whether an output `indices` says where each value stood", False)

    sdk = (Sdk("MaxPooling1D", 1), Sdk("MaxPooling2D", 2), Sdk("MaxPooling3D", 3))
    in_torch = ("nn.MaxPool1d", "nn.MaxPool2d", "nn.MaxPool3d")
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
            Example(cls((3,), (1,), "same", dilation_rate=(3,)), ((8, 2),)),
            Example(cls((2,), (3,), "same", return_indices=True), ((10, 2),)),
            Example(cls((2, 2), (3, 1), ceil_mode=True, dilation_rate=(4, 1), return_indices=True), ((9, 4, 2),)),
        )

    def outputs(self, out: Spec) -> tuple[Output, ...]:
        places = (Output("indices", out._replace(dtype=DType.INT64)),) if self.return_indices else ()
        return (*single(out), *places)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, windows = inputs[0], _end_windows(done.windows)
        dtype, order = x.spec.dtype, graph.spatial_order(x.spec, self.data_format or graph.layout)
        laid = graph.arrange(x, order)
        name, pads = padded(graph, laid, windows, self.padding, self.dilation_rate, dtype, fill=-np.inf)
        if any(end >= k for end, k in zip(pads.get("pads", ()), self.pool_size * 2, strict=False)):
            name, pads = add_ends(graph, laid, windows, -np.inf, dtype), {}  # ONNX Runtime takes no such pads
        results = graph.nodes_out("MaxPool", [name], len(done.outputs), **self.slid(), **pads)
        if any(_may_miss(window, x.spec.shape[window.axis]) for window in windows):
            least = graph.lowest(dtype)
            # That is what ONNX Runtime calls the maximum of nothing.
            nothing = graph.node("Equal", [results[0], least])
            results[0] = graph.node("Where", [nothing, graph.const(-np.inf, dtype), results[0]])
        if self.return_indices:
            sizes = [x.spec.shape[axis] for axis in order[2:]]
            results[1] = _places(graph, results[1], sizes, windows if name != laid else ())
        return [Value(name, order, output.spec) for name, output in zip(results, done.outputs, strict=True)]


@dataclass(frozen=True)
class AveragePool(Pool):
    """The mean of each window. Padding zeros count in it only with count_include_pad (PyTorch's default).

    Shapes as MaxPool. The divisor counts what lies inside the input, with count_include_pad inside input and padding;
    divisor_override stands in its place.
    """

    pool_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1, usual=2)
    strides: tuple[int, ...] = option("step between windows; pool_size where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, numbers, or pairs (before, after) of at most half a window",
        "valid",
        minimum=0,
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    ceil_mode: bool = option("whether a last window that runs over the end counts, if it starts inside", False)
    count_include_pad: bool = option("whether padding zeros count in the mean (PyTorch's default is True)", False)
    divisor_override: int | None = option(
        "what each window's sum is divided by; what counts in the mean where not given", None, minimum=1
    )

    sdk = (Sdk("AveragePooling1D", 1), Sdk("AveragePooling2D", 2), Sdk("AveragePooling3D", 3))
    in_torch = ("nn.AvgPool1d", "nn.AvgPool2d", "nn.AvgPool3d")
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
            Example(cls((2, 3), (2, 2), "same", divisor_override=4), ((5, 6, 2),)),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        name = graph.arrange(x, order)
        if self.divisor_override is None:
            out = self.mean(graph, name, x.spec, order, done, self.count_include_pad)
        else:
            out = self.total(graph, name, x.spec, done, 1 / self.divisor_override)
        return [Value(out, order, done.spec)]


class GlobalPool(Kind):
    """What global pools share."""

    rank: int | None
    data_format: Layout | None
    keepdims: bool
    label: ClassVar[str]
    op: ClassVar[str]

    @property
    def verb(self) -> str:
        """What is done with the numbers of a channel."""
        raise NotImplementedError

    def reduce(self, graph: Graph, name: str, dtype: DType, axes: Sequence[int]) -> str:
        """Adds the nodes that reduce these axes of the tensor as it lies."""
        return graph.node(self.op, [name, graph.ints(axes)], keepdims=int(self.keepdims))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        rank = self.rank or (x.rank - 2 if x.rank - 2 in SPATIAL else 1)
        require_rank(x, spatial_roles(rank, layout))
        channels = channel_axis(x.rank, layout)
        spatial = [i for i in range(1, x.rank) if i != channels]
        over = " x ".join(grouped(x.shape[i]) for i in spatial)
        how = f"{self.verb} over {counted(x.shape[spatial[0]], Role.STEPS) if rank == 1 else f'{over} positions'}"
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
        out = self.reduce(graph, x.name, x.spec.dtype, axes)
        left = [axis for axis in x.order if axis in (0, channels)]  # an LSTM leaves the steps, not the batch, in front
        return [Value(out, x.order if self.keepdims else tuple(map((0, channels).index, left)), done.spec)]


@dataclass(frozen=True)
class GlobalMaxPool(GlobalPool):
    """The largest value of each channel over all spatial axes: (batch, spatial..., channels) -> (batch, channels)."""

    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    keepdims: bool = option("whether the spatial axes stay, with size 1", False)

    sdk = (Sdk("GlobalMaxPooling1D", 1), Sdk("GlobalMaxPooling2D", 2), Sdk("GlobalMaxPooling3D", 3))
    in_torch = ("nn.AdaptiveMaxPool1d", "nn.AdaptiveMaxPool2d", "nn.AdaptiveMaxPool3d")
    masking = "drops"
    label, verb, op = "GlobalMaxPooling", "maximum", "ReduceMax"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(), ((9, 3),)), Example(cls(keepdims=True), ((2, 5, 6),), Layout.CHANNELS_FIRST))


@dataclass(frozen=True)
class GlobalAveragePool(GlobalPool):
    """The mean of each channel over all spatial axes: (batch, spatial..., channels) -> (batch, channels).

    A second input is a mask of bool, (batch, spatial...): the mean is over the places where it is true, and nan where
    there are none, as in Keras.
    """

    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    keepdims: bool = option("whether the spatial axes stay, with size 1", False)

    inputs = (1, 2)
    sdk = (Sdk("GlobalAveragePooling1D", 1), Sdk("GlobalAveragePooling2D", 2), Sdk("GlobalAveragePooling3D", 3))
    in_torch = ("nn.AdaptiveAvgPool1d", "nn.AdaptiveAvgPool2d", "nn.AdaptiveAvgPool3d")
    masking = "uses"
    label, verb, op = "GlobalAveragePooling", "mean", "ReduceMean"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first, masked = Layout.CHANNELS_FIRST, (DType.FLOAT32, DType.BOOL)
        return (
            Example(cls(), ((9, 3),)),
            Example(cls(rank=2, keepdims=True), ((2, 5, 6),), first),
            Example(cls(), ((9, 3), (9,)), dtypes=masked),
            Example(cls(keepdims=True), ((2, 5, 6), (5, 6)), first, masked),
        )

    def masked_as_keras(self, masked: Sequence[bool]) -> bool:
        return masked[0]

    def hands_mask(self, output: str) -> bool:
        return False

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_types(inputs, self.takes, BOOLS)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, done = inputs[0], super().infer(inputs[:1], layout)
        if len(inputs) == 1:
            return done
        channels = channel_axis(x.rank, self.data_format or layout)
        require_mask(inputs[1], [size for i, size in enumerate(x.shape) if i != channels], 2)
        return replace(done, sentences=("Only that counts for which the second input is true.",))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        if len(inputs) == 1:
            return super().emit(graph, inputs, done)
        x, mask = inputs
        channels, dtype = channel_axis(x.spec.rank, self.data_format or graph.layout), x.spec.dtype
        name = graph.node("Unsqueeze", [graph.arrange(mask), graph.ints([channels])])
        seen = graph.arrange(graph.logical(name, x.spec.resized(channels, 1)._replace(dtype=DType.BOOL)), x.order)
        kept = graph.node("Where", [seen, x.name, graph.const(0.0, dtype)])
        mean, *_ = super().emit(graph, [x._replace(name=kept)], done)
        share, *_ = super().emit(graph, [x._replace(name=graph.cast(seen, dtype))], done)
        return [mean._replace(name=graph.node("Div", [mean.name, share.name]))]


def _may_miss(window: Window, length: Size) -> bool:
    """Whether a window may span a whole axis with no tap inside it: taps further apart than the axis is long."""
    padded = window.before != 0 or window.after != 0
    apart = (window.extent - 1) // (window.taps - 1) if window.taps > 1 else 1
    return padded and apart > 1 and not (isinstance(length, int) and length >= apart)


def _places(graph: Graph, index: str, sizes: Sequence[Size], windows: Sequence[Window]) -> str:
    """Indices through a channel of these sizes, from ONNX's, which go through the whole tensor as `windows` pad it."""
    if not windows:
        return graph.node("Mod", [index, graph.size(product(sizes))])
    step: Size = 1
    total = ""
    for size, window in reversed(list(zip(sizes, windows, strict=True))):
        long = graph.size(size + window.before + window.after)
        place = graph.node("Sub", [graph.node("Mod", [index, long]), graph.size(window.before)])
        place = graph.node("Mul", [place, graph.size(step)])
        total = graph.node("Add", [total, place]) if total else place
        index, step = graph.node("Div", [index, long]), step * size
    return total


def _end_windows(windows: Sequence[Window]) -> list[Window]:
    """The windows with their ends moved so that a floor pool places as many: ONNX needs no ceil_mode then."""
    return [window._replace(after=window.after + window.overrun) for window in windows]
