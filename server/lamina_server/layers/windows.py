"""Windows that move along an axis: the arithmetic that convolutions and pools share.

Formulas (k kernel, s stride, d dilation, ke = d (k - 1) + 1, a and b added before and after; Dumoulin & Visin,
arXiv 1603.07285, and the Keras, PyTorch and ONNX operator texts):

    valid, explicit   floor((L + a + b - ke) / s) + 1
    ceil_mode         ceil((L + a - max(ke - s - b, 0)) / s), which already drops a window that starts past the input
    same              ceil(L / s), with max((ceil(L / s) - 1) s + ke - L, 0) added, the odd one after (or before)
    causal            ceil(L / s), with ke - 1 added before
"""

from collections.abc import Sequence
from typing import NamedTuple

from lamina_server.dims import Size, floor_div, positive_part
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.base import Derivation, Window, grouped, plural
from lamina_server.layers.tensors import SPATIAL, Axis, Layout, Role, counted

SAME = ("same", "same_lower")
NOUN = {Role.STEPS: "step", Role.HEIGHT: "row", Role.WIDTH: "column", Role.DEPTH: "slice"}  # one position of an axis


class PadPair(NamedTuple):
    """Elements added at the two ends of an axis."""

    before: int
    after: int


Padding = str | tuple[PadPair, ...]


class Sliding(NamedTuple):
    """Options of a window, one entry per spatial axis, checked and completed."""

    rank: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    ceil_mode: bool = False
    field: str = "kernel_size"
    filler: str = "zero"
    roles: tuple[Role, ...] = ()  # of the axes, where they are not the usual ones

    def over(self, axes: Sequence[Axis], layout: Layout) -> tuple[list[Derivation], list[Window]]:
        """Slides along the spatial axes of a tensor. Raises LayerError where a window does not fit."""
        first = 2 if layout is Layout.CHANNELS_FIRST else 1
        rows = [self._along(i, first + i, axes[first + i].size) for i in range(self.rank)]
        return [row[0] for row in rows], [row[1] for row in rows]

    def _along(self, i: int, axis: int, length: Size) -> tuple[Derivation, Window]:
        k, s, d = self.sizes[i], self.strides[i], self.dilations[i]
        role, extent = (self.roles or SPATIAL[self.rank])[i], d * (k - 1) + 1
        a: Size
        b: Size
        if self.padding == "valid" or isinstance(self.padding, tuple):
            a, b = self.padding[i] if isinstance(self.padding, tuple) else (0, 0)
            out, reason = self._within(role, length, k, s, d, a, b)
        else:
            out = derive("L", L=length) if s == 1 else derive("ceil(L / s)", L=length, s=s)
            a, b = self._ends(out.value, length, s, extent)
            reason = _kept(role, self, i, out, length, (a, b))
        window = Window(axis, role, extent, s, a, b, *self._ragged(length, out.value, s, extent, a, b), taps=k)
        floored = not self.ceil_mode and self.padding not in SAME
        return Derivation(axis, role, length, out, reason + _leftover(role, window, floored)), window

    def _ends(self, out: Size, length: Size, s: int, extent: int) -> tuple[Size, Size]:
        """What a rule adds before and after."""
        if self.padding == "causal":
            return extent - 1, 0
        total = (out - 1) * s + extent - length
        if extent < s:  # otherwise it cannot be negative
            total = positive_part(total)
        small = floor_div(total, 2)
        return (total - small, small) if self.padding == "same_lower" else (small, total - small)

    def _ragged(self, length: Size, out: Size, s: int, extent: int, a: Size, b: Size) -> tuple[Size, Size]:
        """Elements at the end that no window reads, and how far the last window runs past the padding."""
        if s == 1 or (self.padding in SAME and extent >= s):
            return 0, 0
        left = length + a - (out - 1) * s - extent
        exact = b == 0 and not self.ceil_mode and self.padding not in SAME  # then it cannot be negative
        return (left if exact else positive_part(left)), (positive_part(-left - b) if self.ceil_mode else 0)

    def _within(self, role: Role, n: Size, k: int, s: int, d: int, a: int, b: int) -> tuple[Derived, str]:
        """Windows that lie inside the padded axis; with ceil_mode also one that runs over its end."""
        extent = d * (k - 1) + 1
        pads, values = (" + a + b", {"a": a, "b": b}) if a or b else ("", {})
        if self.ceil_mode and s > 1:
            overlap = max(extent - s - b, 0)
            text = "ceil((L" + (" + a" if a else "") + (" - m" if overlap else "") + ") / s)"
            text = "ceil(L / s)" if not a and not overlap else text
            out = derive(text, L=n, s=s, **({"a": a} if a else {}), **({"m": overlap} if overlap else {}))
        else:
            reach = "k" if d == 1 else "d * (k - 1) - 1"
            numerator = f"L{pads} - {reach}"
            text = f"{numerator} + 1" if d == 1 else f"L{pads} - d * (k - 1)"
            text = text if s == 1 else f"floor(({numerator}) / s) + 1"
            out = derive(text, L=n, k=k, **values, **({"d": d} if d > 1 else {}), **({"s": s} if s > 1 else {}))
        if isinstance(out.value, int) and out.value < 1:
            raise LayerError(
                "WINDOW_TOO_LONG",
                _too_long(role, n, extent, k, d, a, b),
                field=self.field,
                role=role,
                length=n,
                extent=extent,
                padded=n + a + b,
                axis_role=role,
            )
        return out, _inside(k, s, extent, a, b, out.value, self.ceil_mode)


def complete(
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilations: tuple[int, ...] = (),
    *,
    field: str,
    default_strides: tuple[int, ...] = (),
    ceil_mode: bool = False,
    causal: bool = False,
    pool: bool = False,
) -> Sliding:
    """Checks a window's options against each other and fills in what was not given.

    Raises LayerError naming the field: a rank other than 1 to 3, lists of other lengths, CAUSAL where it has no
    meaning, explicit pads of more than half a window in a pool, ceil_mode with SAME.
    """
    rank = len(sizes)
    if rank not in SPATIAL:
        raise LayerError("BAD_RANK", f"{field} has {plural(rank, 'size')}; a window has 1, 2 or 3", field=field)
    for name, values in (("strides", strides), ("dilation_rate", dilations)):
        if values and len(values) != rank:
            raise LayerError(
                "LENGTH_MISMATCH", f"{name} has {plural(len(values), 'number')}, but {field} has {rank}", field=name
            )
    if isinstance(padding, tuple):
        _check_pads(padding, sizes, field, pool)
    elif padding == "causal" and not (causal and rank == 1):
        raise LayerError(
            "BAD_PADDING", 'padding="causal" exists for convolutions over one axis (steps) only', field="padding"
        )
    if ceil_mode and padding in SAME:
        raise LayerError(
            "BAD_PADDING",
            f'ceil_mode has no meaning with padding="{padding}", which already rounds up',
            field="ceil_mode",
        )
    ones = (1,) * rank
    filler = "empty position" if pool else "zero"
    return Sliding(
        rank, sizes, strides or default_strides or ones, dilations or ones, padding, ceil_mode, field, filler
    )


def _check_pads(pads: tuple[PadPair, ...], sizes: tuple[int, ...], field: str, pool: bool) -> None:
    if len(pads) != len(sizes):
        raise LayerError(
            "LENGTH_MISMATCH", f"padding has {plural(len(pads), 'pair')}, but {field} has {len(sizes)}", field="padding"
        )
    for pair, size in zip(pads, sizes, strict=True):
        if min(pair) < 0:
            raise LayerError(
                "OUT_OF_RANGE", f"padding is {tuple(pair)}; it must be 0 or more on each side", field="padding"
            )
        if pool and max(pair) * 2 > size:
            raise LayerError(
                "OUT_OF_RANGE",
                f"padding is {tuple(pair)}, more than half of the window of {size}; "
                f"a pool admits at most {size // 2} on each side",
                field="padding",
            )


def window_text(k: int, extent: int) -> str:
    """A window's length: `3 (spread over 5)`."""
    return str(k) if k == extent else f"{k} (spread over {extent})"


def _inside(k: int, s: int, extent: int, a: int, b: int, out: Size, ceil_mode: bool) -> str:
    padded = f"With {a} added before and {b} after, " if a or b else ""
    step = "one apart" if s == 1 else f"{s} apart"
    fit = "fits" if out == 1 else "fit"
    count = "one window" if out == 1 else f"{grouped(out)} windows"
    count = count if padded else count.replace("one", "One")
    text = f"{padded}{count} of {window_text(k, extent)} {fit}" + (f", {step}" if out != 1 else "")
    if ceil_mode and s > 1:
        text += "; ceil_mode lets the last one run over the end, as long as it starts before it"
    return f"{text}."


def _kept(role: Role, slide: Sliding, i: int, out: Derived, n: Size, ends: tuple[Size, Size]) -> str:
    k, s, rule, (a, b) = slide.sizes[i], slide.strides[i], slide.padding, ends
    extent, added = slide.dilations[i] * (k - 1) + 1, _added(slide.filler, a, b)
    if rule == "causal":
        zeros = plural(a, "zero")
        return f'padding="causal" adds {zeros} before and none after, so that no output sees a later input.'
    if s == 1:
        return f'padding="{rule}" keeps the length, because the stride is 1: {added}.'
    lead = (
        f'padding="{rule}" keeps the length only when the stride is 1; in general it gives '
        f"ceil({role.value} / stride), here {equation(out)}."
    )
    if not isinstance(n, int) or not isinstance(out.value, int):
        sides = "before, an odd one after" if rule == "same" else "after, an odd one before"
        return f"{lead} How much is added depends on the length: {a + b} in all, half of it {sides}."
    needed = (out.value - 1) * s + extent
    if needed <= n:
        return f"{lead} {_positions(out.value, k, s, extent, needed)}, and there are {n}: nothing is added."
    return f"{lead} {_positions(out.value, k, s, extent, needed)}: {added}."


def equation(derived: Derived) -> str:
    """`ceil(128 / 2) = 64`; the arithmetic alone where it is its own result."""
    text = derived.substitution
    return text if text == str(derived.value) else f"{text} = {derived.value}"


def _positions(out: int, k: int, s: int, extent: int, needed: int) -> str:
    windows = "one window" if out == 1 else f"{grouped(out)} windows"
    return (
        f"To place {windows} of {window_text(k, extent)}, {s} apart, "
        f"({out} - 1) x {s} + {extent} = {plural(needed, 'position')} {be(needed)} needed"
    )


def _added(filler: str, a: Size, b: Size) -> str:
    total = a + b
    if total == 0:
        return "nothing is added"
    return f"{plural(total, filler)} {'is' if total == 1 else 'are'} added, {a} before and {b} after"


def _leftover(role: Role, window: Window, floored: bool) -> str:
    unused, what = window.unused, NOUN[role]
    if isinstance(unused, int):
        if unused == 0:
            return ""
        return f" The last {what} is never read." if unused == 1 else f" The last {unused} {what}s are never read."
    most = window.stride - (1 if floored else window.extent)
    return f" Depending on the length, up to {plural(most, what)} at the end {be(most)} never read." if most > 0 else ""


def _too_long(role: Role, n: Size, extent: int, k: int, d: int, a: int, b: int) -> str:
    there = counted(n, role) if role is Role.STEPS else f"{role.value} {n}"
    padded = f" ({n + a + b} with the padding)" if a or b else ""
    spread = f" spread over {extent} by dilation_rate {d}" if d > 1 else ""
    return f"has a window of {k}{spread} along {role.value}, longer than the {there} there {be(n)}{padded}"


def be(n: Size) -> str:
    """`1 is`, `2 are`."""
    return "is" if n == 1 else "are"
