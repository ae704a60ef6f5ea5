"""Convolutions: windows whose values are weighted and summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod

import numpy as np

from lamina_server.dims import product
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Relu
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    grouped,
    one_for_each,
    option,
    plural,
    require_number,
    require_rank,
    single,
)
from lamina_server.layers.core.basics import activate, check_function
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.pads import padded
from lamina_server.layers.tensors import Axis, Layout, Role, Spec, channel_axis, spatial_roles
from lamina_server.layers.windows import Padding, PadPair, Sliding, complete


@dataclass(frozen=True)
class Conv(Kind):
    """Convolution over 1, 2 or 3 axes: every filter spans all input channels (of its group) and sums over them.

    channels last: (batch, spatial..., in) -> (batch, spatial'..., filters). Kernel (spatial..., in / groups, filters).
    Length: valid floor((L + a + b - ke) / s) + 1, same ceil(L / s), with ke = d (k - 1) + 1. What is added is zeros:
    for another padding_mode of PyTorch's (reflect, replicate, circular) put a Pad before it.
    Parameters filters * (k * in / groups + 1); multiply-adds positions * filters * k * in / groups.
    """

    filters: int = option("output channels, a multiple of groups", minimum=1)
    kernel_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows; 1 where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, causal (rank 1), numbers, or pairs (before, after)", "valid", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dilation_rate: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    groups: int = option("channels are cut into so many groups, convolved apart", 1, minimum=1)
    activation: Function | None = option("applied to the result", None)
    use_bias: bool = option("whether a bias is added for each filter", True)
    in_channels: int | None = option("declared input channels; checked, never used", None, minimum=1)

    sdk = (Sdk("Conv1D", 1), Sdk("Conv2D", 2), Sdk("Conv3D", 3))
    in_torch = ("nn.Conv1d", "nn.Conv2d", "nn.Conv3d")
    masking = "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first = Layout.CHANNELS_FIRST
        return (
            Example(cls(100, (10,), activation=Relu()), ((128, 9),)),
            Example(cls(32, (5,), (2,), "same"), ((128, 1),)),
            Example(cls(4, (3,), padding="causal", dilation_rate=(2,)), ((12, 2),)),
            Example(cls(6, (3, 2), (2, 1), (PadPair(1, 2), PadPair(0, 1)), groups=3), ((3, 9, 8),), first),
            Example(cls(2, (2, 3, 2), padding="same_lower", strides=(2, 2, 3), use_bias=False), ((5, 6, 7, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        slide = complete(
            self.kernel_size, self.strides, self.padding, self.dilation_rate, field="kernel_size", causal=True
        )
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(slide.rank, layout))
        channels = self._channels(x, layout)
        derivations, windows = slide.over(x.axes, layout)
        axis, taps = channel_axis(x.rank, layout), prod(self.kernel_size)
        per_filter = channels // self.groups
        reason = channel_reason(self.kernel_size, channels, self.filters, self.groups)
        change = Derivation(axis, Role.CHANNELS, channels, derive("filters", filters=self.filters), reason)
        out = placed(x, layout, [*derivations, change])
        check_function(self.activation, out)
        kernel = Weight(
            "kernel", (*self.kernel_size, per_filter, self.filters), "glorot", taps * per_filter, taps * self.filters
        )
        bias = [Weight("bias", (self.filters,))] if self.use_bias else []
        return Inference(
            single(out),
            f"Conv{slide.rank}D",
            derivations=(*derivations, change),
            windows=tuple(windows),
            sees_along=self.activation.sees_along(x.rank) if self.activation else (),
            weights=(kernel, *bias),
            params=conv_params(self.kernel_size, channels, self.filters, self.groups, self.use_bias),
            params_reason=f"Each filter has {kernel_text(self.kernel_size, per_filter)} weights"
            f"{' and a bias' if self.use_bias else ''}",
            macs=_macs(derivations, self.filters, self.kernel_size, per_filter),
            bias_adds=one_for_each(out, self.use_bias),
            sentences=self._apart(slide, channels, out, axis),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [activate(graph, convolve(graph, inputs[0], self, done, self.groups), self.activation)]

    def _channels(self, x: Spec, layout: Layout) -> int:
        found = require_number(
            x.axes[channel_axis(x.rank, layout)].size, "channels", "because its kernel has weights for each"
        )
        check_declared(self.in_channels, found)
        check_groups(self.groups, found, self.filters)
        return found

    def _apart(self, slide: Sliding, channels: int, out: Spec, axis: int) -> tuple[str, ...]:
        """What to use by those who did not want the sum over channels."""
        if channels == 1 or self.groups > 1 or self.padding == "causal" or slide.rank != 1:
            return ()
        apart = DepthwiseConv(
            self.kernel_size,
            self.strides,
            self.padding,
            self.filters,
            self.data_format,
            self.dilation_rate,
            use_bias=self.use_bias,
        )
        width = channels * self.filters
        params = width * (prod(self.kernel_size) + self.use_bias)
        gives = f"gives ({out.resized(axis, width)}), with {plural(params, 'parameter')}"
        return (f"To keep the input channels apart, {apart.title}({apart.text()}) {gives}.",)


@dataclass(frozen=True)
class DepthwiseConv(Kind):
    """Depthwise convolution: depth_multiplier filters for each input channel, which are never summed over channels.

    channels last: (batch, spatial..., in) -> (batch, spatial'..., in * depth_multiplier); output channel
    c * depth_multiplier + m is filter m of channel c. Kernel (spatial..., in, depth_multiplier). Lengths as Conv.
    Parameters in * depth_multiplier * (k + 1).
    """

    kernel_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows; 1 where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, causal (rank 1), numbers, or pairs (before, after)", "valid", minimum=0
    )
    depth_multiplier: int = option("outputs for each input channel", 1, minimum=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dilation_rate: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    activation: Function | None = option("applied to the result", None)
    use_bias: bool = option("whether a bias is added for each output channel", True)
    in_channels: int | None = option("declared input channels; checked, never used", None, minimum=1)

    sdk = (Sdk("DepthwiseConv1D", 1), Sdk("DepthwiseConv2D", 2), Sdk("DepthwiseConv3D", 3))
    in_keras = ("DepthwiseConv1D", "DepthwiseConv2D")
    in_torch = ("nn.Conv1d", "nn.Conv2d", "nn.Conv3d")
    masking = "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((10,), depth_multiplier=100), ((128, 9),)),
            Example(cls((3, 3), (2, 2), "same", 2, use_bias=False), ((3, 9, 8),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        slide = complete(
            self.kernel_size, self.strides, self.padding, self.dilation_rate, field="kernel_size", causal=True
        )
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(slide.rank, layout))
        axis, taps = channel_axis(x.rank, layout), prod(self.kernel_size)
        channels = require_number(x.axes[axis].size, "channels", "because its kernel has weights for each")
        check_declared(self.in_channels, channels)
        derivations, windows = slide.over(x.axes, layout)
        wide = derive("channels * depth_multiplier", channels=channels, depth_multiplier=self.depth_multiplier)
        change = Derivation(
            axis,
            Role.CHANNELS,
            channels,
            wide,
            f"{plural(self.depth_multiplier, 'filter')} for each input channel, kept apart.",
        )
        out = placed(x, layout, [*derivations, change])
        check_function(self.activation, out)
        width = channels * self.depth_multiplier
        kernel = Weight(
            "kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            "glorot",
            taps * channels,
            taps * self.depth_multiplier,
        )
        bias = [Weight("bias", (width,))] if self.use_bias else []
        return Inference(
            single(out),
            f"DepthwiseConv{slide.rank}D",
            derivations=(*derivations, change),
            windows=tuple(windows),
            sees_along=self.activation.sees_along(x.rank) if self.activation else (),
            weights=(kernel, *bias),
            params=derive(
                "channels * depth_multiplier * (k + 1)" if self.use_bias else "channels * depth_multiplier * k",
                channels=channels,
                depth_multiplier=self.depth_multiplier,
                k=taps,
            ),
            params_reason=f"Each output channel has {plural(taps, 'weight')}{' and a bias' if self.use_bias else ''}",
            macs=_macs(derivations, width, self.kernel_size, 1),
            bias_adds=one_for_each(out, self.use_bias),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        channels = done.weights[0].shape[-2]
        return [activate(graph, convolve(graph, inputs[0], self, done, channels), self.activation)]


def placed(x: Spec, layout: Layout, derivations: Sequence[Derivation]) -> Spec:
    """The output of a spatial layer: the batch axis as it is, every other axis as derived."""
    axes = {row.axis: Axis(row.role, row.derived.value) for row in derivations}
    channels = channel_axis(x.rank, layout)
    axes.setdefault(channels, Axis(Role.CHANNELS, x.axes[channels].size))
    return Spec((x.axes[0], *(axes[i] for i in range(1, x.rank))), x.dtype)


def conv_params(kernel: tuple[int, ...], channels: int, filters: int, groups: int, bias: bool) -> Derived:
    """Parameters of filters that span the channels of their group: filters * (k * channels / groups + 1)."""
    names = tuple("khw"[: len(kernel)])
    taps, group = " * ".join(names), {"groups": groups} if groups > 1 else {}
    inner = f"{taps} * floor(channels / groups)" if group else f"{taps} * channels"
    text = f"filters * ({inner} + 1)" if bias else f"filters * {inner}"
    return derive(text, filters=filters, channels=channels, **group, **dict(zip(names, kernel, strict=True)))


def channel_reason(kernel: tuple[int, ...], channels: int, filters: int, groups: int) -> str:
    """Why the output has as many channels as there are filters."""
    each = f"{'One filter' if filters == 1 else 'Every filter'} is {kernel_text(kernel, channels // groups)}"
    if groups > 1:
        return (
            f"One for each filter. {each}: it spans the {plural(channels // groups, 'channel')} "
            f"of its group, one of {groups}, and sums over them."
        )
    what = "the one input channel" if channels == 1 else f"all {grouped(channels)} input channels and sums over them"
    return f"One for each filter. {each}: it spans {what}."


def check_declared(declared: int | None, found: int) -> None:
    """Raises LayerError where `in_channels` is not what comes."""
    if declared is not None and declared != found:
        raise LayerError(
            "DECLARED_MISMATCH",
            f"declares in_channels={declared}, but its input has {found}",
            field="in_channels",
            declared=declared,
            found=found,
        )


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Raises LayerError where the groups do not divide input channels and filters."""
    for name, value in (("channels", channels), ("filters", filters)):
        if value % groups:
            raise LayerError(
                "NOT_DIVISIBLE",
                f"has groups={groups}, which does not divide {name} {value}; {_divisors(channels, filters)}",
                field="groups",
                groups=groups,
                channels=channels,
                filters=filters,
            )


def convolve(
    graph: Graph, x: Value, kind: Conv | DepthwiseConv, done: Inference, groups: int, kernel: str = "kernel"
) -> Value:
    """Emits ONNX's Conv on the tensor laid channels first."""
    change = conv_kernel if isinstance(kind, Conv) else _depthwise_kernel
    layout = kind.data_format or graph.layout
    order = graph.spatial_order(x.spec, layout)
    name, pads = padded(graph, graph.arrange(x, order), done.windows, kind.padding, kind.dilation_rate, done.spec.dtype)
    weights = [graph.weight(kernel, change)] + ([graph.weight("bias")] if kind.use_bias else [])
    rank = len(kind.kernel_size)
    out = graph.node(
        "Conv",
        [name, *weights],
        kernel_shape=kind.kernel_size,
        strides=kind.strides or (1,) * rank,
        dilations=kind.dilation_rate or (1,) * rank,
        group=groups,
        **pads,
    )
    return Value(out, order, done.spec)


def conv_kernel(kernel: Array) -> Array:
    """(spatial..., in, out) -> ONNX's (out, in, spatial...)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _depthwise_kernel(kernel: Array) -> Array:
    """(spatial..., in, m) -> ONNX's (in * m, 1, spatial...)."""
    merged = kernel.reshape(*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1])
    return conv_kernel(merged)


def _macs(derivations: Sequence[Derivation], filters: int, kernel: tuple[int, ...], channels: int) -> Derived:
    positions = product(row.derived.value for row in derivations)
    taps = prod(kernel)
    return derive(
        "positions * filters * k * channels" if channels > 1 else "positions * filters * k",
        positions=positions,
        filters=filters,
        k=taps,
        **({"channels": channels} if channels > 1 else {}),
    )


def kernel_text(kernel: tuple[int, ...], *channels: int) -> str:
    """`10 x 9`."""
    return " x ".join(map(grouped, (*kernel, *channels)))


def _divisors(channels: int, filters: int) -> str:
    common = gcd(channels, filters)
    shown = [n for n in range(1, min(common, 4096) + 1) if common % n == 0][:12]
    return f"both are divided by {', '.join(map(str, shown))}{', ...' if shown[-1] < common else ''}"
