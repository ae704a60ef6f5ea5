"""Layers that change how many places there are along axes: a matrix for each axis, entry by entry."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, pi, sin
from typing import Any, NamedTuple

import numpy as np

from lamina_server.layers.shaping.resizing import Resizing
from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.windows import channels_first

Kernel = Callable[[float], float]


class Rule(NamedTuple):
    """How an axis is resized: `kernel` by distance, `clamped` to the edge or, where not, scaled to sum to 1."""

    kernel: Kernel
    clamped: bool = True
    corners: bool = False
    antialias: bool = False


def triangle(t: float) -> float:
    """Straight lines."""
    return max(0.0, 1 - abs(t))


def cubic(a: float) -> Kernel:
    """Keys' cubic of coefficient a."""

    def kernel(t: float) -> float:
        t = abs(t)
        if t <= 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    return kernel


def lanczos(radius: int) -> Kernel:
    """sinc(t) sinc(t / radius)."""

    def kernel(t: float) -> float:
        if t == 0:
            return 1.0
        return radius * sin(pi * t) * sin(pi * t / radius) / (pi * t) ** 2 if abs(t) < radius else 0.0

    return kernel


def matrix(length: int, out: int, rule: Rule, step: float | None = None) -> Array:
    """Weights (out, length)."""
    if rule.corners:
        step = (length - 1) / (out - 1) if out > 1 else 0.0
    step = length / out if step is None else step
    wide = max(step, 1.0) if rule.antialias else 1.0
    found = np.zeros((out, length))
    for o in range(out):
        place = o * step if rule.corners else (o + 0.5) * step - 0.5
        for i in range(-3 * ceil(wide) - 5, length + 3 * ceil(wide) + 5):
            if rule.clamped:
                found[o, min(max(i, 0), length - 1)] += rule.kernel((i - place) / wide)
            elif 0 <= i < length:
                found[o, i] += rule.kernel((i - place) / wide)
        if not rule.clamped:
            found[o] /= found[o].sum()
    return found


def chosen(indices: Sequence[int], length: int) -> Array:
    """Weights that pick one element for each place."""
    return np.eye(length)[np.minimum(indices, length - 1)]


def nearest(length: int, out: int, step: float | None, exact: bool, whole: bool) -> Array:
    """PyTorch's, in float32; over two axes it copies where a length stays or doubles."""
    if whole and out in (length, 2 * length):
        return chosen([o * length // out for o in range(out)], length)
    by = np.float32(length) / np.float32(out) if step is None else np.float32(step)
    if not exact:
        return chosen([floor(np.float32(o) * by) for o in range(out)], length)
    places = [np.float32((o + 0.5) * float(by) - 0.5) for o in range(out)]
    return chosen([floor(max(place, np.float32(0)) + np.float32(0.5)) for place in places], length)


def area(length: int, out: int) -> Array:
    """Means of what a place stands for."""
    found = np.zeros((out, length))
    for o in range(out):
        first, last = o * length // out, ceil((o + 1) * length / out)
        found[o, first:last] = 1 / (last - first)
    return found


def along(x: Array, weights: Sequence[Array]) -> Array:
    """The spatial axes of a channels-first array, each multiplied with its weights."""
    for axis, table in enumerate(weights, 2):
        moved: Array = np.moveaxis(np.moveaxis(x, axis, -1) @ table.T, -1, axis)
        x = moved if x.dtype.kind == "f" else moved.astype(x.dtype)
    return x


KERAS = {
    "bilinear": Rule(triangle),
    "bicubic": Rule(cubic(-0.5), clamped=False),
    "lanczos3": Rule(lanczos(3), clamped=False),
    "lanczos5": Rule(lanczos(5), clamped=False),
}


def _up_sampling(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    if kind.interpolation != "nearest":
        pairs = zip(x.shape[2:], kind.size, strict=True)
        return [back(along(x, [matrix(n, n * times, KERAS[kind.interpolation]) for n, times in pairs]))]
    for axis, times in enumerate(kind.size, 2):
        x = np.repeat(x, times, axis)
    return [back(x)]


def _upsample(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    rank = x.ndim - 2
    factors = kind.scale_factor * (rank if len(kind.scale_factor) == 1 else 1) or (None,) * rank
    sizes = kind.size * (rank if len(kind.size) == 1 else 1)
    sizes = sizes or [floor(n * f) for n, f in zip(x.shape[2:], factors, strict=True)]
    tables = []
    for n, out, factor in zip(x.shape[2:], sizes, factors, strict=True):
        step = None if factor is None or kind.recompute_scale_factor else 1 / factor
        if kind.mode.startswith("nearest"):
            exact = kind.mode == "nearest_exact"
            tables.append(nearest(n, out, step, exact, whole=rank == 2 and not exact))
        elif kind.mode == "area":
            tables.append(area(n, out))
        elif n == out and (kind.mode != "bicubic" or kind.antialias):
            tables.append(np.eye(n))
        else:
            kernel = triangle if kind.mode != "bicubic" else cubic(-0.5 if kind.antialias else -0.75)
            tables.append(matrix(n, out, Rule(kernel, not kind.antialias, kind.align_corners, kind.antialias), step))
    return [back(along(x, tables))]


def _resizing(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    h, w = x.shape[2:]
    if kind.crop_to_aspect_ratio:
        high = max(min(h, w * kind.height // kind.width), 1)
        wide = max(min(w, h * kind.width // kind.height), 1)
        top, left = (h - high) // 2, (w - wide) // 2
        x = x[:, :, top : top + high, left : left + wide]
    if kind.pad_to_aspect_ratio:
        high, wide = max(h, w * kind.height // kind.width), max(w, h * kind.width // kind.height)
        ends = [((n - m) // 2,) * 2 for n, m in ((high, h), (wide, w))]
        x = np.pad(x, [(0, 0), (0, 0), *ends], constant_values=kind.fill_value)
    pairs = list(zip(x.shape[2:], (kind.height, kind.width), strict=True))
    if kind.interpolation == "nearest":
        return [back(along(x, [nearest(n, out, None, True, False) for n, out in pairs]))]
    rule = KERAS[kind.interpolation]
    rule = rule._replace(antialias=True, clamped=False) if kind.antialias else rule
    return [back(along(x, [matrix(n, out, rule) for n, out in pairs]))]


def _center_crop(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    h, w = x.shape[2:]
    if h < kind.height or w < kind.width:
        stretched = Resizing(kind.height, kind.width, crop_to_aspect_ratio=True, data_format=kind.data_format)
        return _resizing(stretched, inputs, weights, layout)
    top, left = (h - kind.height) // 2, (w - kind.width) // 2
    return [back(x[:, :, top : top + kind.height, left : left + kind.width])]


REFERENCES: dict[str, Reference] = {
    "UpSampling": _up_sampling,
    "Upsample": _upsample,
    "Resizing": _resizing,
    "CenterCrop": _center_crop,
}
