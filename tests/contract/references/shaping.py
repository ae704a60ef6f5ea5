"""Layers that only move numbers about."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.windows import channels_first


def _zero_padding(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    return [back(np.pad(x, [(0, 0), (0, 0), *kind.padding]))]


def _flatten(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = inputs[0]
    if kind.data_format is Layout.CHANNELS_FIRST and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    if x.ndim == 1:
        return [x[:, None]]
    first, last = kind.start_axis % x.ndim, kind.end_axis % x.ndim
    return [x.reshape(*x.shape[:first], -1, *x.shape[last + 1 :])]


def _cropping(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    for axis, (a, b) in enumerate(kind.cropping, 2):
        x = np.take(x, range(a, x.shape[axis] - b), axis)
    return [back(x)]


def _pad(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = inputs[0]
    first = 2 if (kind.data_format or layout) is Layout.CHANNELS_FIRST else 1
    axes = [axis % x.ndim for axis in kind.axes] or range(first, first + len(kind.padding))
    for axis, (a, b) in zip(axes, kind.padding, strict=True):
        x = np.moveaxis(x, axis, 0)
        x = np.moveaxis(_padded(x, a, b, kind.mode, kind.value), 0, axis)
    return [x]


def _padded(x: Array, a: int, b: int, mode: str, value: float) -> Array:
    """The first axis with elements added, found one by one, or taken away."""
    if mode == "circular":
        x = x[max(-a, 0) : len(x) - max(-b, 0)]
        a, b = max(a, 0), max(b, 0)
    rows = []
    for i in range(-a, len(x) + b):
        at = {
            "constant": i,
            "reflect": abs(i) if i < len(x) else 2 * (len(x) - 1) - i,
            "replicate": min(max(i, 0), len(x) - 1),
            "circular": i % len(x),
        }[mode]
        rows.append(x[at] if 0 <= at < len(x) else np.full_like(x[0], value))
    return np.stack(rows)


def _pixel_shuffle(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    r = kind.upscale_factor
    n, c, h, w = x.shape
    out = np.zeros((n, c // r**2, h * r, w * r), x.dtype)
    for channel, i, j in np.ndindex(c // r**2, r, r):
        out[:, channel, i::r, j::r] = x[:, _counted(kind.order, channel, i, j, c // r**2, r)]
    return [back(out)]


def _pixel_unshuffle(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    r = kind.downscale_factor
    n, c, h, w = x.shape
    out = np.zeros((n, c * r**2, h // r, w // r), x.dtype)
    for channel, i, j in np.ndindex(c, r, r):
        out[:, _counted(kind.order, channel, i, j, c, r)] = x[:, channel, i::r, j::r]
    return [back(out)]


def _counted(order: str, channel: int, i: int, j: int, channels: int, r: int) -> int:
    return channel * r * r + i * r + j if order == "crd" else (i * r + j) * channels + channel


def _channel_shuffle(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    each = x.shape[1] // kind.groups
    return [back(x[:, [group * each + i for i in range(each) for group in range(kind.groups)]])]


def _positions(kind: Any, size: Sequence[int]) -> list[list[tuple[int, ...]]]:
    """For each position in a window, row by row, the place it looks at in each window, row by row; may be outside."""
    k, d, s, p = (getattr(kind, name) or (one, one) for name, one in _WINDOW)
    counts = [(n + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i, n in enumerate(size)]
    return [
        [tuple(o[i] * s[i] + tap[i] * d[i] - p[i] for i in range(2)) for o in np.ndindex(*counts)]
        for tap in np.ndindex(*k)
    ]


_WINDOW = (("kernel_size", 1), ("dilation", 1), ("stride", 1), ("padding", 0))


def _inside(place: tuple[int, ...], size: Sequence[int]) -> bool:
    return all(0 <= at < n for at, n in zip(place, size, strict=True))


def _unfold(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, _ = channels_first(inputs[0], kind, layout)
    taps = _positions(kind, x.shape[2:])
    out = np.zeros((*x.shape[:2], len(taps), len(taps[0])), x.dtype)
    for tap, places in enumerate(taps):
        for at, place in enumerate(places):
            if _inside(place, x.shape[2:]):
                out[:, :, tap, at] = x[:, :, place[0], place[1]]
    y = out.reshape(x.shape[0], -1, len(taps[0]))
    return [y if (kind.data_format or layout) is Layout.CHANNELS_FIRST else y.swapaxes(1, 2)]


def _fold(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, _ = channels_first(inputs[0], kind, layout)
    taps = _positions(kind, kind.output_size)
    y = x.reshape(x.shape[0], -1, len(taps), x.shape[-1])
    out = np.zeros((*y.shape[:2], *kind.output_size))
    for tap, places in enumerate(taps):
        for at, place in enumerate(places):
            if _inside(place, kind.output_size):
                out[:, :, place[0], place[1]] += y[:, :, tap, at]
    return [out if (kind.data_format or layout) is Layout.CHANNELS_FIRST else np.moveaxis(out, 1, -1)]


def _slice(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    cuts = [slice(None)] * inputs[0].ndim
    cuts[kind.axis] = slice(kind.start, kind.stop, kind.step)
    return [inputs[0][tuple(cuts)]]


def _take(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.take(inputs[0], kind.indices if kind.keepdims else kind.indices[0], kind.axis)]


def _split(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = np.moveaxis(inputs[0], kind.axis, 0)
    if kind.sizes:
        sizes = [len(x) - sum(kind.sizes) - 1 if size == -1 else size for size in kind.sizes]
        ends = np.cumsum(sizes)[:-1]
    else:
        each = kind.size or int(np.ceil(len(x) / kind.sections))
        ends = np.arange(each, len(x), each)
    return [np.moveaxis(part, 0, kind.axis) for part in np.split(x, ends)]


def _broadcast(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x = inputs[0]
    x = x.reshape(x.shape[0], *(1,) * (len(kind.shape) + 1 - x.ndim), *x.shape[1:])
    sizes = [old if new == -1 else new for new, old in zip(kind.shape, x.shape[1:], strict=True)]
    return [np.broadcast_to(x, (x.shape[0], *sizes))]


def _reshape(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    batch = () if kind.include_batch else inputs[0].shape[:1]
    return [inputs[0].reshape(*batch, *kind.target_shape)]


def _permute(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [inputs[0].transpose(kind.dims if kind.include_batch else (0, *kind.dims))]


REFERENCES: dict[str, Reference] = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": lambda kind, x, w, layout: [np.repeat(x[0][:, None], kind.n, axis=1)],
    "ZeroPadding": _zero_padding,
    "Cropping": _cropping,
    "Pad": _pad,
    "PixelShuffle": _pixel_shuffle,
    "PixelUnshuffle": _pixel_unshuffle,
    "ChannelShuffle": _channel_shuffle,
    "Unfold": _unfold,
    "Fold": _fold,
    "SqueezeAxes": lambda kind, x, w, layout: [np.squeeze(x[0], kind.axis)],
    "UnsqueezeAxes": lambda kind, x, w, layout: [np.expand_dims(x[0], kind.axis)],
    "Slice": _slice,
    "Take": _take,
    "Split": _split,
    "Roll": lambda kind, x, w, layout: [np.roll(x[0], kind.shift, kind.axis)],
    "Flip": lambda kind, x, w, layout: [np.flip(x[0], kind.axis)],
    "Tile": lambda kind, x, w, layout: [np.tile(x[0], (1, *kind.repeats))],
    "Repeat": lambda kind, x, w, layout: [np.repeat(x[0], kind.repeats, kind.axis)],
    "BroadcastTo": _broadcast,
}
