"""Layers that only scale and shift, or divide by a size: by options, by weights, or by what a sample itself holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod, sqrt

import numpy as np

from lamina_server.dims import product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    Window,
    axis_name,
    option,
    plural,
    require_number,
    unchanged,
)
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import FLOATS, NUMBERS, DType, Layout, Spec, channel_axis
from lamina_server.layers.weighted import (
    channels_second,
    chosen_axes,
    chosen_axis,
    computed_wide,
    each_of,
    learned,
    named,
    scaled,
    spread,
    wide,
)

_TYPE = "element type of the result; the input's where that is floating, else float32, if not given"
_LEAST = 1e-7  # Keras' epsilon: no standard deviation is smaller


@dataclass(frozen=True)
class UnitNormalization(Kind):
    """x / max(|x|, 1e-12), |x| the root of the sum of squares along some axes, which becomes 1; shape unchanged."""

    axis: tuple[int, ...] = option(
        "axis or axes along which the squares sum to 1, counting the batch axis; the last if not given", (), lone=True
    )

    sdk = (Sdk("UnitNormalization"),)
    in_torch = ("nn.functional.normalize",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((7, 5),)),
            Example(cls((1,)), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls((1, -1)), ((4, 7, 3),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = chosen_axes(self.axis, x)
        how = f"divided by the length along {named(x, axes)}, shape unchanged"
        return unchanged(x, "UnitNormalization", how=how, sees_along=axes)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        along = graph.ints(map(x.physical, chosen_axes(self.axis, done.spec)))
        least = graph.const(1e-12, wide(x.spec.dtype))

        def unit(name: str) -> str:
            return graph.node("Div", [name, graph.node("Max", [graph.node("ReduceL2", [name, along]), least])])

        return [computed_wide(graph, x, unit)]


@dataclass(frozen=True)
class LocalResponseNormalization(Kind):
    """x / (k + alpha * mean(x^2))^beta, the mean over `size` neighbouring channels, zeros outside; shape unchanged.

    Channel c is divided by what channels c - floor(size / 2) to c + floor((size - 1) / 2) hold, as in PyTorch; alpha is
    divided by size, so that TensorFlow's alpha is this one divided by its size, 2 * depth_radius + 1.
    """

    size: int = option("how many channels count, the channel itself among them", minimum=1)
    alpha: float = option("weight of the mean of squares", 1e-4)
    beta: float = option("exponent", 0.75)
    k: float = option("added to the mean of squares", 1.0)
    axis: int | None = option("the axis of the channels, counting the batch axis; the layout's if not given", None)

    sdk = (Sdk("LocalResponseNormalization"),)
    in_keras = ()
    in_torch = ("nn.LocalResponseNorm",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(5, 0.1, k=2.0), ((5, 6, 8),)),
            Example(cls(2, 0.5, 0.5), ((4, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(3, 1.0), ((7, 5),)),
            Example(cls(4, 1.0, 1.0, 0.5), ((9,),)),
            Example(cls(99, 1.0), ((2, 3, 4, 5),)),
            Example(cls(2000, 1.0, axis=1), ((3, 4),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = chosen_axis(self.axis, x, layout)
        name, used = axis_name(x, axis), self._used(x, axis)
        return unchanged(
            x,
            "LocalResponseNormalization",
            how=f"divided by what {plural(self.size, 'neighbour')} along {name} "
            f"{'holds' if self.size == 1 else 'hold'}, shape unchanged",
            windows=tuple(
                Window(i, role, used, 1, used // 2, (used - 1) // 2) if i == axis else Window(i, role, 1, 1, 0, 0)
                for i, (role, _) in enumerate(x.axes[1:], 1)
            ),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        # ONNX Runtime's LRN takes four axes, odd sizes and positive alphas only. The mean over neighbouring channels is
        # an average pool of a picture whose rows are the channels.
        spec, axis = done.spec, chosen_axis(self.axis, done.spec, graph.layout)
        order = channels_second(spec.rank, axis)
        x, dtype = Value(graph.arrange(inputs[0], order), order, spec), wide(spec.dtype)
        laid = batch, channels, *others = [spec.shape[i] for i in order]
        used = self._used(spec, axis)

        def divided(name: str) -> str:
            squares = reshape(graph, graph.node("Mul", [name, name]), (batch, 1, channels, product(others)))
            mean = graph.single(
                "AveragePool",
                [squares],
                dtype,
                kernel_shape=(used, 1),
                pads=(used // 2, 0, (used - 1) // 2, 0),
                count_include_pad=1,
            )
            share = graph.const(self.alpha * used / self.size, dtype)
            base = graph.node("Mul", [reshape(graph, mean, laid), share])
            base = graph.node("Add", [base, graph.const(self.k, dtype)])
            return graph.node("Div", [name, graph.node("Pow", [base, graph.const(self.beta, dtype)])])

        return [computed_wide(graph, x, divided)]

    def _used(self, x: Spec, axis: int) -> int:
        """How long a window must be: a longer one than from end to end sees no more."""
        channels = require_number(x.shape[axis], axis_name(x, axis), "because its windows end there")
        return min(self.size, 2 * channels)


@dataclass(frozen=True)
class Rescaling(Kind):
    """x * scale + offset, one number for all or one for each channel; shape unchanged. Takes integers too.

    Keras' layer puts numbers for each channel along its global image_data_format; here the layout says where they go.
    """

    scale: tuple[float, ...] = option("what the numbers are multiplied by: one number, or one a channel", lone=True)
    offset: tuple[float, ...] = option("what is added: one number, or one a channel; 0 if not given", (), lone=True)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dtype: DType | None = option(_TYPE, None)

    sdk = (Sdk("Rescaling"),)
    takes = NUMBERS

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((0.5,), (-1.0,)), ((5, 6, 3),)),
            Example(cls((0.5, 2.0, 4.0), (1.0,)), ((3, 5, 6),), Layout.CHANNELS_FIRST, (DType.UINT8,)),
            Example(cls((0.25,), (1.0, 2.0)), ((5, 2),), Layout.CHANNELS_LAST, (DType.INT32,)),
            Example(cls((3.0,), dtype=DType.FLOAT64), ((5,),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        for name in ("scale", "offset"):
            self._check_length(x, name, self.data_format or layout)
        out = floating(x, self.dtype)
        how = f"{x.dtype.value} -> {out.dtype.value}, shape unchanged" if out.dtype is not x.dtype else ""
        return unchanged(out, "Rescaling", how=how or "scaled and shifted, shape unchanged")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, rank = as_floating(graph, inputs[0], done), done.spec.rank
        axes = () if rank < 2 else (channel_axis(rank, self.data_format or graph.layout),)
        name = graph.node("Mul", [x.name, _beside(graph, x, axes, self.scale)])
        if any(self.offset):
            name = graph.node("Add", [name, _beside(graph, x, axes, self.offset)])
        return [x._replace(name=name)]

    def _check_length(self, x: Spec, name: str, layout: Layout) -> None:
        given = len(getattr(self, name))
        if given < 2:
            return
        axes = () if x.rank < 2 else (channel_axis(x.rank, layout),)
        _require_length(x, axes, name, given)


@dataclass(frozen=True)
class Normalization(Kind):
    """(x - mean) / max(sqrt(variance), 1e-7) by given statistics; with `invert` x * max(sqrt(variance), 1e-7) + mean.

    The statistics are options, or where these are not given the weights mean and variance, not trained, of the sizes of
    the axes. Keras' third weight, count, is not kept: only adapting uses it. Takes integers too.
    """

    axis: tuple[int, ...] = option(
        "axis or axes with statistics of their own, counting the batch axis; the last if not given", (), lone=True
    )
    mean: tuple[float, ...] = option(
        "one number, or one for each index of the axes, row-major; a weight if not given", (), lone=True
    )
    variance: tuple[float, ...] = option("as many numbers as mean; a weight if not given", (), minimum=0, lone=True)
    invert: bool = option("whether the statistics are put back instead of taken away", False)
    scalar: bool = option("whether one mean and variance serve all numbers: Keras' axis=None", False)
    dtype: DType | None = option(_TYPE, None)

    sdk = (Sdk("Normalization"),)
    takes = NUMBERS

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(mean=(0.5, 0.25, 1.0), variance=(4.0, 1.0, 0.25)), ((5, 6, 3),)),
            Example(cls(), ((7, 5),)),
            Example(cls((1,), invert=True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls((1, 2)), ((4, 5, 3),), Layout.CHANNELS_LAST, (DType.UINT8,)),
            Example(cls(mean=(2.0,), variance=(0.0,)), ((4, 5),)),
            Example(cls(scalar=True), ((4, 5),)),
        )

    def computes_in(self, inputs: Sequence[Spec]) -> DType:
        return floating(inputs[0], self.dtype).dtype

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axes = self._axes(x)
        given = self._given(x, axes)
        what = "statistics put back" if self.invert else "brought to the scale of the given statistics"
        done = unchanged(floating(x, self.dtype), "Normalization", how=f"{what}, shape unchanged")
        if given:
            return done
        why = "because it keeps statistics for each"
        shape = tuple(require_number(x.shape[i], axis_name(x, i), why) for i in axes)
        mean = Weight("mean", shape, trainable=False)
        sizes = {f"n{i}": x.shape[i] for i in axes}
        return replace(
            done,
            weights=(mean, mean._replace(name="variance", init="ones")),
            params=derive(" * ".join(["2", *sizes]), **sizes),
            params_reason=f"{each_of(x, axes) if axes else 'The whole'} has a mean and a variance",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = as_floating(graph, inputs[0], done)
        axes = self._axes(done.spec)
        lie = spread(axes, x.order)
        if self.mean:
            deviations = tuple(max(sqrt(number), _LEAST) for number in self.variance)
            mean, deviation = _beside(graph, x, axes, self.mean), _beside(graph, x, axes, deviations)
        else:
            mean = graph.weight("mean", lie)
            deviation = graph.weight("variance", lambda array: lie(_deviation(array)))
        if self.invert:
            return [x._replace(name=graph.node("Add", [graph.node("Mul", [x.name, deviation]), mean]))]
        return [x._replace(name=graph.node("Div", [graph.node("Sub", [x.name, mean]), deviation]))]

    def _axes(self, x: Spec) -> tuple[int, ...]:
        if self.scalar and self.axis:
            raise LayerError("BAD_AXIS", f"has scalar=True and axis={self.axis}; give one of them", field="axis")
        return () if self.scalar else chosen_axes(self.axis, x)

    def _given(self, x: Spec, axes: tuple[int, ...]) -> bool:
        found = len(self.mean)
        if found != len(self.variance):
            raise LayerError(
                "LENGTH_MISMATCH",
                f"has {plural(found, 'number')} as mean and {len(self.variance)} as variance; "
                "give as many of both, or neither, and they are weights",
                field="variance",
            )
        if found > 1:
            _require_length(x, axes, "mean", found)
        return found > 0


@dataclass(frozen=True)
class LayerScale(Kind):
    """x * gamma, one gamma for each index of an axis, as in ConvNeXt and CaiT; shape unchanged."""

    init_values: float = option("what gamma is where it is drawn from a seed", 1e-6)
    axis: int | None = option("axis with a gamma for each index, counting the batch; the channels if not given", None)
    center: bool = option("whether a weight beta is added", False)

    sdk = (Sdk("LayerScale"),)
    in_keras = ()

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6, 3),)),
            Example(cls(center=True), ((3, 5, 6),), Layout.CHANNELS_FIRST),
            Example(cls(0.1, axis=1, center=True), ((4, 5),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        axis = chosen_axis(self.axis, x, layout)
        weights = learned(x, (axis,), scale=True, center=self.center)
        weights = (weights[0]._replace(init=self.init_values), *weights[1:])
        return unchanged(
            x,
            "LayerScale",
            how="scaled and shifted, shape unchanged" if self.center else "scaled, shape unchanged",
            weights=weights,
            params=derive("2 * channels" if self.center else "channels", channels=x.shape[axis]),
            params_reason=f"{each_of(x, (axis,))} has gamma{' and beta' if self.center else ''}",
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [scaled(graph, inputs[0], (chosen_axis(self.axis, done.spec, graph.layout),), done)]


def _require_length(x: Spec, axes: tuple[int, ...], name: str, given: int) -> None:
    """Raises LayerError where several numbers are not as many as some axes have indices."""
    why = f"because {name} has a number for each"
    wanted = prod(require_number(x.shape[i], axis_name(x, i), why) for i in axes)
    if given != wanted or not axes:
        several = f", or {wanted}: one for each index of {named(x, axes)}" if axes else ""
        raise LayerError(
            "LENGTH_MISMATCH",
            f"has {given} numbers as {name}; give one{several}",
            field=name,
            got=given,
            size=wanted,
        )


def floating(x: Spec, dtype: DType | None) -> Spec:
    """The tensor as floating-point numbers: of the type asked for, its own, or float32 for integers."""
    if dtype is not None and dtype not in FLOATS:
        raise LayerError(
            "DTYPE_MISMATCH",
            f"has dtype={dtype.value}; its results are floating-point numbers: {', '.join(sorted(FLOATS))}",
            field="dtype",
            got=dtype.value,
        )
    return x._replace(dtype=dtype or (x.dtype if x.dtype in FLOATS else DType.FLOAT32))


def as_floating(graph: Graph, x: Value, done: Inference) -> Value:
    """The input in the type of the output."""
    same = x.spec.dtype is done.spec.dtype
    return x._replace(name=x.name if same else graph.cast(x.name, done.spec.dtype), spec=done.spec)


def _beside(graph: Graph, x: Value, axes: tuple[int, ...], numbers: Sequence[float]) -> str:
    """A constant: one number, or one for each index of some axes."""
    if len(numbers) == 1:
        return graph.const(numbers[0], x.spec.dtype)
    sizes = [x.spec.shape[axis] for axis in axes]
    return graph.const(spread(axes, x.order)(np.reshape(numbers, sizes)), x.spec.dtype)


def _deviation(variance: Array) -> Array:
    result: Array = np.maximum(np.sqrt(variance), variance.dtype.type(_LEAST))
    return result
