"""Transposed convolutions: every input position writes a window, and what the windows write is summed.

Along an axis of n positions the windows cover (n - 1) s + ke, with ke = d (k - 1) + 1. Of these, `before` are cropped
at the start and `after` at the end, and `more` are put at the end (Keras' `compute_conv_transpose_output_shape`; the
PyTorch and ONNX operator texts; p is output_padding):

    valid      nothing is cropped, and max(s - ke, 0) or p are put at the end
    same       n s positions stay, or (n - 1) s + ke % 2 + p; the odd one is cropped at the end
    explicit   what is given is cropped, and p are put at the end
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Relu
from lamina_server.layers.base import (
    MAX_INT,
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    Window,
    grouped,
    one_for_each,
    option,
    plural,
    require_number,
    require_rank,
    single,
)
from lamina_server.layers.convolution.conv import (
    channel_reason,
    check_declared,
    check_groups,
    conv_kernel,
    conv_params,
    kernel_text,
    placed,
)
from lamina_server.layers.core.basics import activate, check_function
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import SPATIAL, Layout, Role, Spec, channel_axis, spatial_roles
from lamina_server.layers.windows import Padding, PadPair, be, complete, window_text


class Spread(NamedTuple):
    """The windows along one axis: k taps, s apart, d between taps; what is cropped of what they cover, and put there.

    `given` is output_padding, None where that was not given.
    """

    k: int
    s: int
    d: int
    before: int
    after: int
    more: int
    given: int | None

    @property
    def extent(self) -> int:
        """What one window covers, its holes included."""
        return self.d * (self.k - 1) + 1

    @property
    def net(self) -> int:
        """What is cropped at the end, all in all; negative where zeros are put there."""
        return self.after - self.more

    def covered(self, length: Size) -> Derived:
        """Positions that all windows cover."""
        window = "k" if self.d == 1 else "ke"
        text = f"L + {window} - 1" if self.s == 1 else f"(L - 1) * s + {window}"
        return derive(text, L=length, **{window: self.extent}, **_unless(1, s=self.s))

    def kept(self, length: Size) -> Derived:
        """Positions that come out."""
        covered, named = self.covered(length), _unless(0, a=self.before, b=self.after, p=self.more)
        text = covered.text + "".join(f" {'+' if name == 'p' else '-'} {name}" for name in named)
        return derive(text, **covered.values, **named)

    def window(self, row: Derivation) -> Window:
        """The same, for a stride of 1, as the window of an ordinary convolution."""
        ends = self.extent - 1 - self.before, self.extent - 1 - self.net
        return Window(row.axis, row.role, self.extent, 1, *ends, taps=self.k)

    @property
    def operator(self) -> tuple[int, int, int, int, int]:
        """The same for ONNX: pads of either side, output padding, zeros to put behind the input, cuts before and after.

        Pads of a ConvTranspose are alike on both sides: on CUDA, ONNX Runtime has no other. Its output padding is less
        than the stride: a zero more behind the input makes the output a stride longer.
        """
        if 0 <= self.before - self.net < self.s:
            return self.before, self.before - self.net, 0, 0, 0
        end, lack = max(self.net, 0), max(-self.net, 0)
        pads = min(self.before, end)
        return pads, lack % self.s, lack // self.s, self.before - pads, end - pads


def _unless(usual: int, **values: int) -> dict[str, int]:
    return {name: value for name, value in values.items() if value != usual}


@dataclass(frozen=True)
class ConvTranspose(Kind):
    """Transposed convolution over 1, 2 or 3 axes: every input position writes a window, and overlaps are summed.

    channels last: (batch, spatial..., in) -> (batch, spatial'..., filters). Kernel (spatial..., filters / groups, in).
    Length with ke = d (k - 1) + 1: valid (L - 1) s + max(ke, s), same L s, pairs (L - 1) s + ke - a - b + p. With
    output_padding p: valid (L - 1) s + ke + p, same (L - 1) s + ke % 2 + p.
    Parameters filters * (k * in / groups + 1); multiply-adds input positions * in * k * filters / groups.
    """

    filters: int = option("output channels, a multiple of groups", minimum=1)
    kernel_size: tuple[int, ...] = option("window length for each spatial axis", minimum=1)
    strides: tuple[int, ...] = option("step between windows in the output; 1 where not given", (), minimum=1)
    padding: Padding = option(
        "valid, same, numbers, or pairs (before, after) that are cropped, as by PyTorch",
        "valid",
        minimum=0,
    )
    output_padding: tuple[int, ...] = option(
        "positions put at the end, fewer than stride or dilation; not given: Keras' None, which is not 0",
        (),
        minimum=0,
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)
    dilation_rate: tuple[int, ...] = option("distance between the taps of a window; 1 where not given", (), minimum=1)
    activation: Function | None = option("applied to the result", None)
    use_bias: bool = option("whether a bias is added for each filter", True)
    groups: int = option("channels are cut into so many groups, convolved apart", 1, minimum=1)
    in_channels: int | None = option("declared input channels; checked, never used", None, minimum=1)

    masking = "drops"
    sdk = (
        Sdk("Conv1DTranspose", 1),
        Sdk("Conv2DTranspose", 2),
        Sdk("Conv3DTranspose", 3, swapped=("output_padding", "data_format")),
    )
    in_torch = ("nn.ConvTranspose1d", "nn.ConvTranspose2d", "nn.ConvTranspose3d")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        first, one = Layout.CHANNELS_FIRST, (PadPair(1, 1),)
        return (
            Example(cls(8, (3,), (2,), "same", activation=Relu()), ((64, 16),)),
            Example(cls(3, (3,), (2,), one, (1,)), ((5, 2),)),
            Example(cls(3, (2,), (4,), "same"), ((5, 2),)),
            Example(cls(4, (2, 3), (3, 2), use_bias=False), ((4, 3, 2),)),
            Example(cls(4, (4, 3), (1, 2), "same", (0, 1), groups=2), ((6, 3, 4),), first),
            Example(cls(2, (3,), padding="same"), ((7, 2),)),
            Example(cls(2, (1,), (2,), (PadPair(1, 0),), (4,), dilation_rate=(5,)), ((4, 1),)),
            Example(cls(2, (3,), (2,), (PadPair(0, 3),), dilation_rate=(2,)), ((4, 1),)),
            Example(cls(2, (2, 1, 3), (2, 2, 1), "same", dilation_rate=(1, 1, 2)), ((2, 3, 4, 1),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        spreads = self.spreads()
        x, layout = inputs[0], self.data_format or layout
        rank = len(spreads)
        require_rank(x, spatial_roles(rank, layout))
        axis, taps = channel_axis(x.rank, layout), prod(self.kernel_size)
        channels = require_number(x.axes[axis].size, "channels", "because its kernel has weights for each")
        check_declared(self.in_channels, channels)
        check_groups(self.groups, channels, self.filters)
        first = 2 if layout is Layout.CHANNELS_FIRST else 1
        lengths = x.shape[first : first + rank]
        rows = [self._row(s, first + i, SPATIAL[rank][i], lengths[i]) for i, s in enumerate(spreads)]
        reason = channel_reason(self.kernel_size, channels, self.filters, self.groups)
        change = Derivation(axis, Role.CHANNELS, channels, derive("filters", filters=self.filters), reason)
        out = placed(x, layout, [*rows, change])
        check_function(self.activation, out)
        per_channel = self.filters // self.groups
        shape = (*self.kernel_size, per_channel, channels)
        bias = [Weight("bias", (self.filters,))] if self.use_bias else []
        # An output of windows some way apart sees now more of the input and now less: there is no one field.
        apart = tuple(row.axis for row, spread in zip(rows, spreads, strict=True) if spread.s > 1)
        return Inference(
            single(out),
            f"Conv{rank}DTranspose",
            derivations=(*rows, change),
            windows=tuple(s.window(row) for row, s in zip(rows, spreads, strict=True) if s.s == 1),
            sees_along=apart + (self.activation.sees_along(x.rank) if self.activation else ()),
            weights=(Weight("kernel", shape, "glorot", taps * per_channel, taps * channels), *bias),
            params=conv_params(self.kernel_size, channels, self.filters, self.groups, self.use_bias),
            params_reason=f"Each filter has {kernel_text(self.kernel_size, channels // self.groups)} weights"
            f"{' and a bias' if self.use_bias else ''}",
            macs=self._macs(product(lengths), channels),
            bias_adds=one_for_each(out, self.use_bias),
            scratch=self._scratch(spreads, lengths, [row.derived.value for row in rows], channels),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, rank = inputs[0], len(self.kernel_size)
        order = graph.spatial_order(x.spec, self.data_format or graph.layout)
        name = graph.arrange(x, order)
        pads, more, fed, before, after = map(list, zip(*(spread.operator for spread in self.spreads()), strict=True))
        if any(fed):
            ends = graph.ints([0] * (rank + 4) + fed)
            name = graph.node("Pad", [name, ends, graph.const(0.0, x.spec.dtype)], mode="constant")
        weights = [graph.weight("kernel", conv_kernel)] + ([graph.weight("bias")] if self.use_bias else [])
        name = graph.node(
            "ConvTranspose",
            [name, *weights],
            kernel_shape=self.kernel_size,
            strides=self.strides or (1,) * rank,
            dilations=self.dilation_rate or (1,) * rank,
            group=self.groups,
            pads=pads + pads,
            output_padding=more if any(more) else None,
        )
        if any(before) or any(after):
            ends = graph.ints(-cut if cut else MAX_INT for cut in after)
            name = graph.node("Slice", [name, graph.ints(before), ends, graph.ints(range(2, rank + 2))])
        return [activate(graph, Value(name, order, done.spec), self.activation)]

    def spreads(self) -> list[Spread]:
        """Its windows along each spatial axis. Raises LayerError for options that do not fit each other."""
        if self.padding in ("causal", "same_lower"):
            raise self._no_rule()
        given = self.padding if isinstance(self.padding, tuple) else "valid"
        slide = complete(self.kernel_size, self.strides, given, self.dilation_rate, field="kernel_size")
        if self.output_padding and len(self.output_padding) != slide.rank:
            raise LayerError(
                "LENGTH_MISMATCH",
                f"output_padding has {plural(len(self.output_padding), 'number')}, but kernel_size has {slide.rank}",
                field="output_padding",
            )
        for p, s, d in zip(self.output_padding, slide.strides, slide.dilations, strict=False):
            if p >= max(s, d):
                raise LayerError(
                    "OUT_OF_RANGE",
                    f"has output_padding={p}; it must be less than the stride or the dilation, {max(s, d)}",
                    field="output_padding",
                    got=p,
                )
        rows = zip(slide.sizes, slide.strides, slide.dilations, strict=True)
        return [self._spread(i, *row) for i, row in enumerate(rows)]

    def _spread(self, i: int, k: int, s: int, d: int) -> Spread:
        extent, given = d * (k - 1) + 1, self.output_padding[i] if self.output_padding else None
        if isinstance(self.padding, tuple):
            return Spread(k, s, d, *self.padding[i], given or 0, given)
        if self.padding == "valid":
            return Spread(k, s, d, 0, 0, max(s - extent, 0) if given is None else given, given)
        total = extent - (s if given is None else extent % 2 + given)
        before = max(total // 2, 0)
        return Spread(k, s, d, before, max(total - before, 0), max(before - total, 0), given)

    def _no_rule(self) -> LayerError:
        rank = len(self.kernel_size)
        rows = zip(self.kernel_size, self.strides or (1,) * rank, self.dilation_rate or (1,) * rank, strict=False)
        totals = [max(d * (k - 1) + 1 - s, 0) for k, s, d in rows]
        pairs = [f"({t - t // 2}, {t // 2})" if self.padding == "same_lower" else f"(0, {t})" for t in totals]
        return LayerError(
            "BAD_PADDING",
            f'padding="{self.padding}" says what is added to an input, but a transposed convolution crops its output: '
            f'write "valid", "same", or what to crop, such as ({", ".join(pairs)}{"," if rank == 1 else ""})',
            field="padding",
        )

    def _row(self, spread: Spread, axis: int, role: Role, length: Size) -> Derivation:
        kept = spread.kept(length)
        if isinstance(kept.value, int) and kept.value < 1:
            raise LayerError(
                "EMPTY_RESULT",
                f"crops {spread.before} before and {spread.after} after along {role.value}, where its windows cover "
                f"{plural(spread.covered(length).value, 'position')}: nothing is left",
                field="padding",
            )
        return Derivation(axis, role, length, kept, self._reason(spread, role, length, kept.value))

    def _reason(self, spread: Spread, role: Role, length: Size, out: Size) -> str:
        k, s, _, a, b, p, given = spread
        covered, zeros = spread.covered(length), f"{plural(p, 'zero')} {be(p)} added at the end"
        text = f"Every input position writes a window of {window_text(k, spread.extent)}"
        if s > 1:
            text += f", {s} apart, as if {plural(s - 1, 'zero')} lay between neighbours"
        text += "; overlaps are summed" if spread.extent > s else ""
        if a or b:
            text += f": {covered.substitution.replace(' * ', ' x ')} = {plural(covered.value, 'position')} in all"
        cropped = f"{a} cropped before, {b} after"
        if self.padding != "same":
            text += f", {cropped}" if a or b else ""
            back = f"{text}; output_padding takes {min(p, b)} of these back" if b and p else text
            more = f"{p} - {b} = {plural(p - b, 'zero')} {be(p - b)} added at the end" if b else zeros
            return f"{back}; {more}." if p > b else f"{back}."
        wanted = f"gives {role.value} x stride, {length} x {s} = {grouped(out)}"
        if given is not None:
            wanted = f"gives ({length} - 1) x {s} + {spread.extent % 2} + {given} = {grouped(out)}"
        elif s == 1:
            wanted = "keeps the length, because the stride is 1"
        rest = f": {cropped if a or b else zeros}" if a or b or p else ""
        return f'{text}. padding="same" {wanted}{rest}.'

    def _scratch(self, spreads: Sequence[Spread], inner: Sequence[Size], outer: Sequence[Size], channels: int) -> Size:
        """The largest tensor that is made on the way, where sizes are numbers: the input with zeros, or what is cut."""
        rows = [spread.operator for spread in spreads]
        fed = channels * product(n + row[2] for n, row in zip(inner, rows, strict=True))
        uncut = self.filters * product(n + row[3] + row[4] for n, row in zip(outer, rows, strict=True))
        return max(fed, uncut) if isinstance(fed, int) and isinstance(uncut, int) else 0

    def _macs(self, positions: Size, channels: int) -> Derived:
        sizes = {"positions": positions, "channels": channels, "k": prod(self.kernel_size), "filters": self.filters}
        if self.groups == 1:
            return derive("positions * channels * k * filters", **sizes)
        return derive("positions * channels * k * floor(filters / groups)", groups=self.groups, **sizes)
