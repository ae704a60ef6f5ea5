"""Convolutions in two steps: windows over each channel, then sums over the channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from lamina_server.dims import product
from lamina_server.formula import derive
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
    single,
)
from lamina_server.layers.convolution.conv import DepthwiseConv, conv_kernel, convolve, kernel_text
from lamina_server.layers.core.basics import activate, check_function
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import Layout, Role, Spec, channel_axis
from lamina_server.layers.windows import Padding, PadPair


@dataclass(frozen=True)
class SeparableConv(Kind):
    """A depthwise convolution without a bias, then a pointwise one that mixes its channels into the filters.

    channels last: (batch, spatial..., in) -> (batch, spatial'..., filters). Depthwise kernel (spatial..., in,
    depth_multiplier), pointwise kernel (1..., in * depth_multiplier, filters). Lengths as Conv.
    Parameters in * depth_multiplier * (k + filters) + filters.
    """

    filters: int = option("output channels", minimum=1)
    kernel_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows; 1 where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, same_lower, causal (rank 1), numbers, or pairs (before, after)", "valid", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dilation_rate: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    depth_multiplier: int = option("depthwise outputs for each input channel", 1, minimum=1)
    activation: Function | None = option("applied to the result", None)
    use_bias: bool = option("whether a bias is added for each filter", True)
    in_channels: int | None = option("declared input channels; checked, never used", None, minimum=1)

    masking = "drops"
    sdk = (Sdk("SeparableConv1D", 1), Sdk("SeparableConv2D", 2), Sdk("SeparableConv3D", 3))
    in_keras = ("SeparableConv1D", "SeparableConv2D")
    in_torch = ("nn.Conv1d", "nn.Conv2d", "nn.Conv3d")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first, pads = Layout.CHANNELS_FIRST, (PadPair(1, 0),) * 3
        return (
            Example(cls(16, (3,), padding="same", depth_multiplier=2, activation=Relu()), ((128, 9),)),
            Example(cls(4, (3, 2), (2, 2), "same", use_bias=False), ((3, 9, 8),), first),
            Example(cls(3, (3,), padding="causal", dilation_rate=(2,)), ((12, 2),)),
            Example(cls(2, (2, 1, 2), (1, 2, 1), pads), ((4, 5, 3, 2),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        inner = self._depthwise().infer(inputs, layout)
        axis, rank = channel_axis(inner.spec.rank, self.data_format or layout), len(self.kernel_size)
        depthwise, wide = inner.weights[0], inner.derivations[-1].derived.value
        channels, taps = depthwise.shape[-2], prod(self.kernel_size)
        assert isinstance(wide, int)
        each = "the one input channel" if channels == 1 else f"each of the {plural(channels, 'input channel')}"
        mixed = (
            f"{plural(self.depth_multiplier, 'window')} of {kernel_text(self.kernel_size)} for {each} first: "
            f"{grouped(channels)} x {self.depth_multiplier} = {plural(wide, 'channel')}, kept apart. "
            "Then each filter sums over these, position by position."
        )
        change = Derivation(axis, Role.CHANNELS, channels, derive("filters", filters=self.filters), mixed)
        out = inner.spec.resized(axis, self.filters)
        check_function(self.activation, out)
        pointwise = Weight("pointwise_kernel", ((1,) * rank) + (wide, self.filters), "glorot", wide, self.filters)
        bias = [Weight("bias", (self.filters,))] if self.use_bias else []
        sizes = {"channels": channels, "depth_multiplier": self.depth_multiplier, "k": taps, "filters": self.filters}
        positions = product(row.derived.value for row in inner.derivations[:-1])
        return Inference(
            single(out),
            f"SeparableConv{rank}D",
            derivations=(*inner.derivations[:-1], change),
            windows=inner.windows,
            sees_along=self.activation.sees_along(out.rank) if self.activation else (),
            weights=(depthwise._replace(name="depthwise_kernel"), pointwise, *bias),
            params=derive(
                "channels * depth_multiplier * (k + filters)" + (" + filters" if self.use_bias else ""), **sizes
            ),
            params_reason=f"Each of the {plural(wide, 'depthwise channel')} has {plural(taps, 'weight')}, and one more "
            f"for each filter" + (", which has a bias besides" if self.use_bias else ""),
            macs=derive("positions * channels * depth_multiplier * (k + filters)", positions=positions, **sizes),
            bias_adds=one_for_each(out, self.use_bias),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        channels = done.weights[0].shape[-2]
        apart = convolve(graph, inputs[0], self._depthwise(), done, channels, "depthwise_kernel")
        weights = [graph.weight("pointwise_kernel", conv_kernel)] + ([graph.weight("bias")] if self.use_bias else [])
        return [activate(graph, apart._replace(name=graph.node("Conv", [apart.name, *weights])), self.activation)]

    def _depthwise(self) -> DepthwiseConv:
        return DepthwiseConv(
            self.kernel_size,
            self.strides,
            self.padding,
            self.depth_multiplier,
            self.data_format,
            self.dilation_rate,
            use_bias=False,
            in_channels=self.in_channels,
        )
