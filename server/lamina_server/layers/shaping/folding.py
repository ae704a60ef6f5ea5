"""Layers that move numbers between channels and space: pixels and channels shuffled, windows laid out and put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from lamina_server.dims import Size, exact_div
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
    require_number,
    require_rank,
    single,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.pads import pad
from lamina_server.layers.requirements import dividing, divisors
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import (
    ANY,
    SPATIAL,
    Axis,
    DType,
    Layout,
    Role,
    Spec,
    channel_axis,
    spatial_axes,
    spatial_roles,
)
from lamina_server.layers.windows import PadPair, Sliding, equation

Order = Literal["crd", "dcr"]
_ORDER = "crd: channel, row, column, as PyTorch; dcr: as TensorFlow and ONNX's default"


class _PixelShuffle(Kind):
    """What both shuffles share: two spatial axes, of which r x r pixels are as many channels."""

    data_format: Layout | None
    label = ""

    @property
    def spatial_rank(self) -> int:
        return 2

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(2, layout))
        channels, space = channel_axis(4, layout), spatial_axes(2, layout)
        rows = [self.space(x.shape[axis], axis, role) for axis, role in zip(space, SPATIAL[2], strict=True)]
        rows.append(self.channels(x.shape[channels], channels))
        out = x
        for row in rows:
            out = out.resized(row.axis, row.derived.value, row.role)
        return Inference(single(out), self.label, tuple(rows), uneven=tuple(space))

    def space(self, length: Size, axis: int, role: Role) -> Derivation:
        raise NotImplementedError

    def channels(self, count: Size, axis: int) -> Derivation:
        raise NotImplementedError


@dataclass(frozen=True)
class PixelShuffle(_PixelShuffle):
    """Turns r * r channels into r x r pixels, r the upscale_factor: (C r r, H, W) -> (C, H r, W r).

    Sub-pixel convolution, Shi et al. 2016. ONNX's DepthToSpace.
    """

    upscale_factor: int = option("pixels along each side that the channels become", minimum=1)
    order: Order = option(_ORDER, "crd")
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("PixelShuffle"),)
    in_keras = ()
    in_torch = ("nn.PixelShuffle",)
    takes = ANY
    label = "PixelShuffle"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(2), ((3, 4, 8),)),
            Example(cls(3), ((18, 2, 3),), Layout.CHANNELS_FIRST),
            Example(cls(2, "dcr"), ((12, 2, 3),), Layout.CHANNELS_FIRST),
        )

    def space(self, length: Size, axis: int, role: Role) -> Derivation:
        return Derivation(axis, role, length, derive("L * r", L=length, r=self.upscale_factor), "")

    def channels(self, count: Size, axis: int) -> Derivation:
        r = self.upscale_factor
        if exact_div(count, r * r) is None:
            number = require_number(count, "channels", f"because {r} x {r} = {r * r} must divide it")
            legal = [n for n in divisors(number) if number % n**2 == 0]
            has = f"upscale_factor={r}, whose square, {r * r}, does not divide the {plural(count, 'channel')}"
            raise _indivisible("upscale_factor", f"{has}; of upscale_factor, {dividing(legal)}", count, legal)
        out = derive("floor(C / n)", C=count, n=r * r)
        reason = f"{plural(r * r, 'channel')} {'makes' if r == 1 else 'make'} {r} x {r} pixels."
        return Derivation(axis, Role.CHANNELS, count, out, reason)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, r = inputs[0], self.upscale_factor
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        batch, _, height, width = (x.spec.shape[axis] for axis in order)
        left = done.spec.shape[order[1]]
        apart = (left, r, r) if self.order == "crd" else (r, r, left)
        perm = (0, 1, 4, 2, 5, 3) if self.order == "crd" else (0, 3, 4, 1, 5, 2)
        name = reshape(graph, graph.arrange(x, order), (batch, *apart, height, width))
        name = graph.node("Transpose", [name], perm=perm)
        return [Value(reshape(graph, name, [done.spec.shape[axis] for axis in order]), order, done.spec)]


@dataclass(frozen=True)
class PixelUnshuffle(_PixelShuffle):
    """Turns r x r pixels into r * r channels, r the downscale_factor: (C, H, W) -> (C r r, H / r, W / r).

    The inverse of PixelShuffle of the same order. ONNX's SpaceToDepth is order="dcr".
    """

    downscale_factor: int = option("pixels along each side that become channels; divides height and width", minimum=1)
    order: Order = option(_ORDER, "crd")
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("PixelUnshuffle"),)
    in_keras = ()
    in_torch = ("nn.PixelUnshuffle",)
    takes = ANY
    label = "PixelUnshuffle"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(2), ((4, 6, 3),)),
            Example(cls(3), ((2, 3, 6),), Layout.CHANNELS_FIRST),
            Example(cls(2, "dcr"), ((3, 4, 6),), Layout.CHANNELS_FIRST),
        )

    def space(self, length: Size, axis: int, role: Role) -> Derivation:
        r = self.downscale_factor
        if exact_div(length, r) is None:
            legal = divisors(require_number(length, role.value, f"because {r} must divide it"))
            has = f"downscale_factor={r}, which does not divide {role.value} {length}; {dividing(legal)}"
            raise _indivisible("downscale_factor", has, length, legal)
        return Derivation(axis, role, length, derive("floor(L / r)", L=length, r=r), "")

    def channels(self, count: Size, axis: int) -> Derivation:
        r = self.downscale_factor
        reason = f"{r} x {r} pixels make {plural(r * r, 'channel')}."
        return Derivation(axis, Role.CHANNELS, count, derive("C * n", C=count, n=r * r), reason)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, r = inputs[0], self.downscale_factor
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        batch, channels, *_ = (x.spec.shape[axis] for axis in order)
        height, width = (done.spec.shape[axis] for axis in order[2:])
        name = reshape(graph, graph.arrange(x, order), (batch, channels, height, r, width, r))
        name = graph.node("Transpose", [name], perm=(0, 1, 3, 5, 2, 4) if self.order == "crd" else (0, 3, 5, 1, 2, 4))
        return [Value(reshape(graph, name, [done.spec.shape[axis] for axis in order]), order, done.spec)]


@dataclass(frozen=True)
class ChannelShuffle(Kind):
    """Mixes the channels of groups: of g groups of n, output channel j g + i is input channel i n + j (ShuffleNet)."""

    groups: int = option("channels are so many groups, of which one channel each is taken in turn", minimum=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("ChannelShuffle"),)
    in_keras = ()
    in_torch = ("nn.ChannelShuffle",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(2), ((5, 6),)), Example(cls(3), ((6, 2, 3),), Layout.CHANNELS_FIRST))

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, axis = inputs[0], self._axis(inputs[0], layout)
        count = x.shape[axis]
        if exact_div(count, self.groups) is None:
            legal = divisors(require_number(count, "channels", f"because groups={self.groups} must divide it"))
            has = f"groups={self.groups}, which does not divide the {plural(count, 'channel')}; {dividing(legal)}"
            raise _indivisible("groups", has, count, legal)
        groups = plural(self.groups, "group")
        return Inference(single(x), "ChannelShuffle", how=f"channels of {groups} taken in turn, shape unchanged")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x = inputs[0]
        order = x.order if x.order[0] == 0 else tuple(range(x.spec.rank))
        place = order.index(self._axis(x.spec, graph.layout))
        shape = [x.spec.shape[axis] for axis in order]
        each = exact_div(shape[place], self.groups)
        assert each is not None, "infer refuses what does not divide"
        name = reshape(graph, graph.arrange(x, order), (*shape[:place], self.groups, each, *shape[place + 1 :]))
        perm = list(range(len(shape) + 1))
        perm[place], perm[place + 1] = place + 1, place
        return [Value(reshape(graph, graph.node("Transpose", [name], perm=perm), shape), order, x.spec)]

    def _axis(self, x: Spec, layout: Layout) -> int:
        if x.rank < 3:
            text = f"needs channels and at least one spatial axis. It gets {x}"
            raise LayerError("RANK_MISMATCH", text, expected_rank=3, got_rank=x.rank)
        return channel_axis(x.rank, self.data_format or layout)


class _Windows(Kind):
    """What Unfold and Fold share: windows over two axes, as PyTorch writes them."""

    kernel_size: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    data_format: Layout | None

    def slides(self) -> Sliding:
        """The windows. Raises LayerError for options of other than two numbers."""
        for name in ("kernel_size", "dilation", "padding", "stride"):
            values = getattr(self, name)
            if len(values) != 2 and (values or name == "kernel_size"):
                text = f"{name} has {plural(len(values), 'number')}; windows of height and width have 2"
                raise LayerError("LENGTH_MISMATCH", text, field=name)
        pads = tuple(PadPair(n, n) for n in self.padding or (0, 0))
        return Sliding(2, self.kernel_size, self.stride or (1, 1), self.dilation or (1, 1), pads)


@dataclass(frozen=True)
class Unfold(_Windows):
    """Windows laid out: (C, H, W) -> (C k, L), one column for each of the L windows, k the positions in a window.

    PyTorch's Unfold (im2col): row c k + i is position i, row by row, of channel c; windows run row by row. Channels
    last: (H, W, C) -> (L, C k). L = h * w, each as Conv: floor((n + 2 p - d (k - 1) - 1) / s) + 1.
    """

    kernel_size: tuple[int, ...] = option("window height and width", minimum=1)
    dilation: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    padding: tuple[int, ...] = option("zeros on both sides of height and width; 0 where not given", (), minimum=0)
    stride: tuple[int, ...] = option("step between windows; 1 where not given", (), minimum=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("Unfold", 2),)
    in_keras = ()
    in_torch = ("nn.Unfold",)
    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((2, 3)), ((5, 6, 2),)),
            Example(cls((2, 3), (2, 1), (1, 0), (1, 2)), ((3, 5, 6),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        slide = self.slides()
        require_rank(x, spatial_roles(2, layout))
        (high, wide), _ = slide.over(x.axes, layout)
        channels, taps = x.axes[channel_axis(4, layout)].size, prod(self.kernel_size)
        count = derive("h * w", h=high.derived.value, w=wide.derived.value)
        width = derive("C * k", C=channels, k=taps)
        spots, steps = channel_axis(3, layout), spatial_axes(1, layout)[0]
        rows = (
            Derivation(steps, Role.STEPS, None, count, f"Windows: {_counted(high)}, {_counted(wide)}."),
            Derivation(spots, Role.CHANNELS, channels, width, f"Every window has {plural(taps, 'position')}."),
        )
        axes = {row.axis: Axis(row.role, row.derived.value) for row in rows}
        out = Spec((x.axes[0], axes[1], axes[2]), x.dtype)
        rooms = (high.derived.value, wide.derived.value)
        return Inference(single(out), "Unfold", rows, uneven=(steps,), least_one=rooms)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, layout, slide = inputs[0], self.data_format or graph.layout, self.slides()
        order = graph.spatial_order(x.spec, layout)
        rows, _ = slide.over(x.spec.axes, layout)
        name = graph.arrange(x, order)
        if any(self.padding):
            name = pad(graph, name, [(0, 0), (0, 0), *slide.padding], x.spec.dtype)
        for i, row in enumerate(rows):  # (batch, channels, height, ...) -> (batch, channels, k, h, ...)
            k, d, s = slide.sizes[i], slide.dilations[i], slide.strides[i]
            taps = graph.node("Mul", [graph.range(k), graph.ints([d])])
            starts = graph.node("Mul", [graph.range(row.derived.value), graph.ints([s])])
            places = graph.node("Add", [graph.column(taps), starts])
            name = graph.node("Gather", [name, places], axis=2 + 2 * i)
        name = graph.node("Transpose", [name], perm=(0, 1, 2, 4, 3, 5))
        order = (0, channel_axis(3, layout), spatial_axes(1, layout)[0])
        return [Value(reshape(graph, name, [done.spec.shape[axis] for axis in order]), order, done.spec)]


@dataclass(frozen=True)
class Fold(_Windows):
    """Windows put back, values that overlap added: (C k, L) -> (C, H, W), the transpose of Unfold (col2im).

    Height and width are output_size; the windows that fit in it must be the L that come. Channels last:
    (L, C k) -> (H, W, C).
    """

    output_size: tuple[Size, ...] = option("height and width of the output; a name stands for a symbol")
    kernel_size: tuple[int, ...] = option("window height and width", minimum=1)
    dilation: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    padding: tuple[int, ...] = option("zeros there were on both sides; 0 where not given", (), minimum=0)
    stride: tuple[int, ...] = option("step between windows; 1 where not given", (), minimum=1)
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    sdk = (Sdk("Fold", 2),)
    in_keras = ()
    in_torch = ("nn.Fold",)
    takes = frozenset({DType.FLOAT32, DType.FLOAT16})  # what ONNX Runtime's Col2Im computes in

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls((5, 6), (2, 3)), ((16, 12),)),
            Example(cls((5, 6), (2, 3), (2, 1), (1, 0), (1, 2)), ((18, 10),), Layout.CHANNELS_FIRST),
        )

    @property
    def spatial_rank(self) -> int:
        return 1  # of the input

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, layout = inputs[0], self.data_format or layout
        slide = self.slides()
        require_rank(x, spatial_roles(1, layout))
        channels, taps = x.axes[channel_axis(3, layout)].size, prod(self.kernel_size)
        left = exact_div(channels, taps)
        if left is None:
            require_number(channels, "channels", f"because the {taps} positions of a window must divide it")
            has = (
                f"windows of {plural(taps, 'position')}, which must divide the {plural(channels, 'channel')} that come"
            )
            raise _indivisible("kernel_size", has, channels, ())
        size = self._size()
        spots = spatial_axes(2, layout)
        axes = {spot: Axis(role, n) for spot, role, n in zip(spots, SPATIAL[2], size, strict=True)}
        axes[channel_axis(4, layout)] = Axis(Role.CHANNELS, left)
        out = Spec((x.axes[0], axes[1], axes[2], axes[3]), x.dtype)
        (high, wide), _ = slide.over(out.axes, layout)
        self._check_count(x.shape[spatial_axes(1, layout)[0]], high, wide)
        reason = f"As given; windows: {_counted(high)}, {_counted(wide)}."
        rows = [
            Derivation(a, r, None, derive("size", size=n), reason)
            for a, r, n in zip(spots, SPATIAL[2], size, strict=True)
        ]
        divided = derive("floor(C / k)", C=channels, k=taps)
        rows.append(Derivation(channel_axis(4, layout), Role.CHANNELS, channels, divided, f"{taps} for each channel."))
        rooms = (high.derived.value, wide.derived.value)
        return Inference(single(out), "Fold", tuple(rows), uneven=tuple(spots), least_one=rooms)

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, layout, slide = inputs[0], self.data_format or graph.layout, self.slides()
        name = graph.arrange(x, (0, channel_axis(3, layout), spatial_axes(1, layout)[0]))
        # ONNX Runtime's Col2Im is wrong over one axis, over three and for lopsided pads: none of these is here.
        name = graph.node(
            "Col2Im",
            [name, graph.shape(self._size()), graph.ints(self.kernel_size)],
            dilations=slide.dilations,
            pads=(*self.padding, *self.padding) or (0,) * 4,
            strides=slide.strides,
        )
        return [Value(name, graph.spatial_order(done.spec, layout), done.spec)]

    def _size(self) -> tuple[Size, ...]:
        if len(self.output_size) != 2:
            text = f"output_size has {plural(len(self.output_size), 'size')}; height and width are 2"
            raise LayerError("LENGTH_MISMATCH", text, field="output_size")
        for size in self.output_size:
            if str(size) == "?" or (isinstance(size, int) and size < 1):
                text = f"output_size holds {size}; a size is 1 or more, or a symbol"
                raise LayerError("OUT_OF_RANGE", text, field="output_size")
        return self.output_size

    def _check_count(self, steps: Size, high: Derivation, wide: Derivation) -> None:
        count = high.derived.value * wide.derived.value
        if steps != count:
            size = " x ".join(map(str, self.output_size))
            text = f"gets {steps} windows, but {count} fit in {size}: {_counted(high)}, {_counted(wide)}"
            raise LayerError("SIZE_MISMATCH", text, field="output_size", have=steps, wanted=count)


def _counted(row: Derivation) -> str:
    """`height 5 - 3 + 1 = 3`."""
    return f"{row.role.value} {equation(row.derived).replace(' * ', ' x ')}"


def _indivisible(option: str, has: str, have: Size, legal: Sequence[int]) -> LayerError:
    return LayerError("NOT_DIVISIBLE", f"has {has}", field=option, have=have, legal=tuple(legal))
