"""Layers that bring numbers to mean 0 and variance 1, by stored statistics or by a sample's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.layers.base import (
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    axis_name,
    option,
    plural,
    require_number,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.requirements import dividing, divisors
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import DType, Layout, Spec
from lamina_server.layers.weighted import (
    channels_second,
    chosen_axes,
    chosen_axis,
    computed_wide,
    learned,
    named,
    scaled,
    weighted,
    wide,
)

_AXIS = "axis with its own statistics, counting the batch axis; the channel axis if not given"
_AXES = "axis or axes over which the statistics are taken, counting the batch axis; the last if not given"


@dataclass(frozen=True)
class BatchNormalization(Kind):
    """(x - moving_mean) / sqrt(moving_variance + epsilon) * gamma + beta, for each index of one axis; shape unchanged.

    Weights gamma, beta (trained), moving_mean, moving_variance (not): 4 for each index. PyTorch's affine=False is
    center=False and scale=False; its track_running_stats=False, by which a sample's result depends on the other
    samples of its batch, is not offered.
    """

    axis: int | None = option(_AXIS, None)
    momentum: float = option(
        "how slowly the statistics move in training; no effect at inference", 0.99, minimum=0, maximum=1
    )
    epsilon: float = option("added to the variance (PyTorch and ONNX: 0.00001)", 1e-3, minimum=0)
    center: bool = option("whether beta is added", True)
    scale: bool = option("whether gamma multiplies", True)

    sdk = (Sdk("BatchNormalization"),)
    in_torch = ("nn.BatchNorm1d", "nn.BatchNorm2d", "nn.BatchNorm3d")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6, 3),)),
            Example(cls(epsilon=1e-5), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(axis=1, scale=False, center=False), ((4, 7),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = chosen_axis(self.axis, x, layout)
        moving = _moving(x, axis)
        weights = (*learned(x, (axis,), scale=self.scale, center=self.center), *moving)
        return weighted(x, "BatchNormalization", (axis,), weights, "scaled and shifted")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        axis = chosen_axis(self.axis, done.spec, graph.layout)
        return [_by_moving_statistics(graph, inputs[0], axis, self.epsilon, done)]


@dataclass(frozen=True)
class LayerNormalization(Kind):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, the statistics those of each sample along some axes.

    Weights gamma and beta, of the sizes of these axes. PyTorch's LayerNorm(normalized_shape) takes the last axes, as
    many as its shape has: axis=(-2, -1) for two. With `rms_scaling` x / sqrt(variance + epsilon) * gamma.
    """

    axis: tuple[int, ...] = option(_AXES, (), lone=True)
    epsilon: float = option("added to the variance (PyTorch and ONNX: 0.00001)", 1e-3, minimum=0)
    center: bool = option("whether beta is added", True)
    scale: bool = option("whether gamma multiplies", True)
    rms_scaling: bool = option("Keras' older option: the mean is not subtracted, nor is beta added", False)

    sdk = (Sdk("LayerNormalization"),)
    in_torch = ("nn.LayerNorm",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(epsilon=1e-6), ((7, 5),)),
            Example(cls((1,)), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls((-2, -1), center=False), ((4, 7, 3),)),
            Example(cls((1, 3), scale=False), ((4, 5, 3),)),
            Example(cls((1, 2), scale=False, center=False), ((4, 5, 3),)),
            Example(cls((1,), rms_scaling=True, scale=False), ((4, 5),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = chosen_axes(self.axis, x)
        weights = learned(x, axes, scale=self.scale or self.rms_scaling, center=self.center and not self.rms_scaling)
        return weighted(x, "LayerNormalization", axes, weights, f"statistics along {named(x, axes)}", axes)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axes = inputs[0], chosen_axes(self.axis, done.spec)
        if self.rms_scaling:
            return [scaled(graph, computed_wide(graph, x, lambda name: self._rms(graph, name, x, axes)), axes, done)]
        order = (*(axis for axis in x.order if axis not in axes), *axes)
        kept = {weight.name: graph.weight(weight.name) for weight in done.weights}
        gamma = kept.get("gamma") or _ones(graph, [done.spec.shape[axis] for axis in axes], done.spec.dtype)
        taken = [graph.arrange(x, order), gamma, *filter(None, [kept.get("beta")])]
        out = graph.node("LayerNormalization", taken, axis=-len(axes), epsilon=float(self.epsilon))
        return [Value(out, order, done.spec)]

    def _rms(self, graph: Graph, name: str, x: Value, axes: tuple[int, ...]) -> str:
        along = graph.ints(map(x.physical, axes))
        apart = graph.node("Sub", [name, graph.node("ReduceMean", [name, along])])
        return _over_root_mean_square(graph, name, apart, along, self.epsilon, wide(x.spec.dtype))


@dataclass(frozen=True)
class GroupNormalization(Kind):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, the statistics those of each sample and group of channels.

    The channels are cut into groups, each normalised over its channels and all other axes. Weights gamma and beta, one
    for each channel.
    """

    groups: int = option("how many groups, which divides the channels; -1: each channel by itself", 32, minimum=-1)
    axis: int | None = option("axis that is cut into groups, counting the batch axis; the channels if not given", None)
    epsilon: float = option("added to the variance (PyTorch and ONNX: 0.00001)", 1e-3, minimum=0)
    center: bool = option("whether beta is added", True)
    scale: bool = option("whether gamma multiplies", True)

    sdk = (Sdk("GroupNormalization"),)
    in_torch = ("nn.GroupNorm",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(2), ((5, 6, 4),)),
            Example(cls(3, epsilon=1e-5), ((6, 5, 2),), Layout.CHANNELS_FIRST),
            Example(cls(-1, axis=1, scale=False, center=False), ((4, 7),)),
            Example(cls(2, center=False), ((8,),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = chosen_axis(self.axis, x, layout)
        channels = require_number(x.shape[axis], axis_name(x, axis), "because it is cut into groups")
        groups = self._groups(channels)
        weights = learned(x, (axis,), scale=self.scale, center=self.center)
        what = f"{axis_name(x, axis)} {channels} / {groups} = {channels // groups} in each group"
        return weighted(x, "GroupNormalization", (axis,), weights, what, range(1, x.rank))

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        # ONNX's own operator loses large means in ONNX Runtime: it subtracts their square from that of the numbers.
        spec, axis = done.spec, chosen_axis(self.axis, done.spec, graph.layout)
        order = channels_second(spec.rank, axis)
        laid = [spec.shape[i] for i in order]
        channels = require_number(spec.shape[axis], "channels", "as infer found")
        groups = self._groups(channels)
        each = product((channels // groups, *laid[2:]))
        name = reshape(graph, graph.arrange(inputs[0], order), (laid[0], groups, each))
        name = _instances(graph, name, groups, self.epsilon, spec.dtype)
        return [scaled(graph, Value(reshape(graph, name, laid), order, spec), (axis,), done)]

    def _groups(self, channels: int) -> int:
        groups = channels if self.groups == -1 else self.groups
        if groups == 0:
            raise LayerError("OUT_OF_RANGE", "has groups=0; it must be 1 or more, or -1", field="groups", got=0)
        if channels % groups:
            raise LayerError(
                "NOT_DIVISIBLE",
                f"has groups={groups}, which does not divide the {plural(channels, 'channel')}; "
                f"{dividing(divisors(channels))}",
                field="groups",
                groups=groups,
                channels=channels,
            )
        return groups


@dataclass(frozen=True)
class InstanceNormalization(Kind):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, the statistics those of each channel of each sample.

    (batch, spatial..., channels) as the layout says; PyTorch's InstanceNorm1d to 3d, whose affine=True is center=True
    and scale=True. With `track_running_stats` the statistics are weights, moving_mean and moving_variance, and a
    sample's own are not taken.
    """

    axis: int | None = option(_AXIS, None)
    epsilon: float = option("added to the variance", 1e-5, minimum=0)
    center: bool = option("whether beta is added", False)
    scale: bool = option("whether gamma multiplies", False)
    track_running_stats: bool = option("whether stored statistics are used, as in BatchNormalization", False)

    sdk = (Sdk("InstanceNormalization"),)
    in_keras = ()
    in_torch = ("nn.InstanceNorm1d", "nn.InstanceNorm2d", "nn.InstanceNorm3d")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(center=True, scale=True), ((5, 6, 3),)),
            Example(cls(), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(track_running_stats=True, scale=True), ((7, 3),)),
            Example(cls(axis=1, epsilon=0.1, center=True), ((4, 5, 2, 3),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if x.rank < 3:
            raise LayerError(
                "RANK_MISMATCH",
                f"needs batch, channels and an axis over which to take statistics. It gets {x}: an axis is missing",
            )
        axis = chosen_axis(self.axis, x, layout)
        weights = learned(x, (axis,), scale=self.scale, center=self.center)
        if self.track_running_stats:
            return weighted(x, self.title, (axis,), (*weights, *_moving(x, axis)), "scaled and shifted")
        others = [i for i in range(1, x.rank) if i != axis]
        return weighted(x, self.title, (axis,), weights, f"statistics along {named(x, others)}", others)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axis = inputs[0], chosen_axis(self.axis, done.spec, graph.layout)
        if self.track_running_stats:
            return [_by_moving_statistics(graph, x, axis, self.epsilon, done)]
        order = channels_second(x.spec.rank, axis)
        name = _instances(graph, graph.arrange(x, order), x.spec.shape[axis], self.epsilon, x.spec.dtype)
        return [scaled(graph, Value(name, order, done.spec), (axis,), done)]


@dataclass(frozen=True)
class RMSNormalization(Kind):
    """x / sqrt(mean(x^2) + epsilon) * scale, the mean that of each sample along some axes (Zhang and Sennrich 2019).

    Weight scale, of the sizes of these axes. PyTorch's RMSNorm without an eps adds 1.1920929e-07 in float32, the
    distance from 1 to the next number of its type; its elementwise_affine=False is scale=False.
    """

    axis: tuple[int, ...] = option(_AXES, (), lone=True)
    epsilon: float = option("added to the mean of squares", 1e-6, minimum=0)
    scale: bool = option("whether the weight scale multiplies", True)

    masking = "drops"
    sdk = (Sdk("RMSNormalization"),)
    in_torch = ("nn.RMSNorm",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((7, 5),)),
            Example(cls((1,), 0.1), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls((1, 2), scale=False), ((4, 7, 3),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = chosen_axes(self.axis, x)
        weights = learned(x, axes, scale=self.scale, gamma="scale")
        return weighted(
            x, "RMSNormalization", axes, weights, f"divided by the root mean square along {named(x, axes)}", axes
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, axes = inputs[0], chosen_axes(self.axis, done.spec)
        along = graph.ints(map(x.physical, axes))

        def rms(name: str) -> str:
            return _over_root_mean_square(graph, name, name, along, self.epsilon, wide(x.spec.dtype))

        return [scaled(graph, computed_wide(graph, x, rms), axes, done)]


def _moving(x: Spec, axis: int) -> tuple[Weight, ...]:
    size = require_number(x.shape[axis], axis_name(x, axis), "because it keeps statistics for each")
    mean, variance = Weight("moving_mean", (size,), trainable=False), Weight("moving_variance", (size,), "ones")
    return (mean, variance._replace(trainable=False))


def _over_root_mean_square(graph: Graph, x: str, squared: str, along: str, epsilon: float, dtype: DType) -> str:
    """x / sqrt(mean(squared^2) + epsilon)."""
    mean = graph.node("ReduceMean", [graph.node("Mul", [squared, squared]), along])
    return graph.node("Div", [x, graph.node("Sqrt", [graph.node("Add", [mean, graph.const(epsilon, dtype)])])])


def _ones(graph: Graph, sizes: Sequence[Size], dtype: DType, number: float = 1.0) -> str:
    """A tensor full of ones, made at run time: it may be as large as a sample."""
    return graph.node("Expand", [graph.const([number], dtype), graph.shape(sizes)])


def _instances(graph: Graph, name: str, channels: Size, epsilon: float, dtype: DType) -> str:
    """(batch, channels, ...) with each channel of each sample at mean 0 and variance 1."""
    ones, zeros = _ones(graph, [channels], dtype), _ones(graph, [channels], dtype, 0.0)
    return graph.single("InstanceNormalization", [name, ones, zeros], dtype, epsilon=float(epsilon))


def _by_moving_statistics(graph: Graph, x: Value, axis: int, epsilon: float, done: Inference) -> Value:
    dtype, kept = x.spec.dtype, {weight.name: graph.weight(weight.name) for weight in done.weights}
    size = done.weights[-1].shape[0]
    gamma = kept.get("gamma") or graph.const(np.ones(size), dtype)
    beta = kept.get("beta") or graph.const(np.zeros(size), dtype)
    order = x.order if x.physical(axis) == 1 else channels_second(x.spec.rank, axis)
    taken = [graph.arrange(x, order), gamma, beta, kept["moving_mean"], kept["moving_variance"]]
    return Value(graph.node("BatchNormalization", taken, epsilon=float(epsilon)), order, done.spec)
