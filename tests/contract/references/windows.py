"""Windows that move along axes, by loops."""

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array

Pads = tuple[int, int]


def same_pads(length: int, k: int, s: int, d: int = 1) -> Pads:
    """What SAME adds: enough for ceil(length / s) windows, the odd element after."""
    total = max((ceil(length / s) - 1) * s + d * (k - 1) + 1 - length, 0)
    return total // 2, total - total // 2


def pads_of(kind: Any, lengths: Sequence[int]) -> list[Pads]:
    """Elements that a convolution or a pool adds before and after, for each spatial axis."""
    sizes, strides, dilations = window_of(kind)
    if kind.padding == "valid":
        return [(0, 0)] * len(sizes)
    if kind.padding == "causal":
        return [(d * (k - 1), 0) for k, d in zip(sizes, dilations, strict=True)]
    if kind.padding in ("same", "same_lower"):
        pairs = [same_pads(*row) for row in zip(lengths, sizes, strides, dilations, strict=True)]
        return pairs if kind.padding == "same" else [(b, a) for a, b in pairs]
    return [(pair[0], pair[1]) for pair in kind.padding]


def window_of(kind: Any) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Sizes, strides and dilations of a window, defaults put in."""
    pool = hasattr(kind, "pool_size")
    sizes = kind.pool_size if pool else kind.kernel_size
    ones = (1,) * len(sizes)
    return sizes, kind.strides or (sizes if pool else ones), getattr(kind, "dilation_rate", ()) or ones


def starts(length: int, extent: int, stride: int, pads: Pads, ceil_mode: bool = False) -> list[int]:
    """First positions of the windows in the padded axis, found by walking along it."""
    before, after = pads
    found: list[int] = []
    at = 0
    while at + extent <= before + length + after:
        found.append(at)
        at += stride
    ended = found and found[-1] + extent == before + length + after
    if ceil_mode and not ended and at < before + length:  # one more runs over the end, if it starts inside
        found.append(at)
    return found


def channels_first(x: Array, kind: Any, layout: Layout) -> tuple[Array, Callable[[Array], Array]]:
    """The array with its channels at 1, and what moves them back."""
    if (kind.data_format or layout) is Layout.CHANNELS_FIRST:
        return x, lambda y: y
    return np.moveaxis(x, -1, 1), lambda y: np.moveaxis(y, 1, -1)


class Windows:
    """The windows of a convolution or a pool over an array laid channels first."""

    def __init__(self, kind: Any, x: Array, fill: float) -> None:
        sizes, strides, dilations = window_of(kind)
        pads, over = pads_of(kind, x.shape[2:]), getattr(kind, "ceil_mode", False)
        self.rows = [
            [[at + d * tap for tap in range(k)] for at in starts(n, d * (k - 1) + 1, s, pad, over)]
            for n, k, s, d, pad in zip(x.shape[2:], sizes, strides, dilations, pads, strict=True)
        ]
        padded = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=fill)
        # Beyond the padding lies what never counts: only ceil_mode looks there.
        beyond = [(0, d * k) for k, d in zip(sizes, dilations, strict=True)]
        self.array = np.pad(padded, [(0, 0), (0, 0), *beyond], constant_values=np.nan)

    def each(self, compute: Callable[[Array], Array]) -> Array:
        """(batch, channels', windows...) of what `compute` makes of each window's content (batch, channels, taps)."""
        outer = range(self.array.shape[0]), range(self.array.shape[1])
        contents = (self.array[np.ix_(*outer, *taps)] for taps in product(*self.rows))
        found = np.stack([compute(content.reshape(*content.shape[:2], -1)) for content in contents], axis=-1)
        return found.reshape(*found.shape[:2], *map(len, self.rows))
