"""Pools."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.windows import Windows, channels_first, pads_of, window_of


def _max(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    found = [back(Windows(kind, x, -np.inf).each(lambda patch: np.nanmax(patch, -1)))]
    if kind.return_indices:
        places = np.broadcast_to(np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:]), x.shape)
        each = zip(_patches(kind, x), _patches(kind, places), strict=True)
        at = np.stack([np.take_along_axis(p, np.nanargmax(v, -1)[..., None], -1)[..., 0] for v, p in each], axis=-1)
        found.append(back(at.reshape(channels_first(found[0], kind, layout)[0].shape).astype(np.int64)))
    return found


def _patches(kind: Any, x: Array) -> list[Array]:
    found: list[Array] = []

    def keep(patch: Array) -> Array:
        found.append(patch)
        first: Array = patch[..., 0]
        return first

    Windows(kind, x.astype(np.float64), np.nan).each(keep)
    return found


def _pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    if kind.divisor_override is not None:
        return [back(Windows(kind, x, 0).each(lambda patch: np.nansum(patch, -1) / kind.divisor_override))]
    fill = 0 if kind.count_include_pad else np.nan
    return [back(Windows(kind, x, fill).each(lambda patch: np.nanmean(patch, -1)))]


def _lp(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    power = kind.norm_type

    def norm(patch: Array) -> Array:
        there = np.isfinite(patch).sum(-1)  # beyond the padding there is nothing
        found = (np.nan_to_num(patch if kind.signed else abs(patch)) ** power).sum(-1)
        whole: Array = (found * patch.shape[-1] / there if kind.scale_partial else found) ** (1 / power)
        return whole

    return [back(Windows(kind, x, 0).each(norm))]


def _global_lp(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    over = tuple(range(2, x.ndim))
    norms: Array = (abs(x) ** kind.norm_type).sum(over, keepdims=kind.keepdims) ** (1 / kind.norm_type)
    return [back(norms) if kind.keepdims else norms]


def _adaptive(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    reduce = np.max if type(kind).__name__ == "AdaptiveMaxPool" else np.mean
    sizes = [o or n for o, n in zip(kind.output_size, x.shape[2:], strict=True)]
    found = np.empty((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        rows = zip(place, sizes, x.shape[2:], strict=True)
        bins = (slice(i * n // o, -(-(i + 1) * n // o)) for i, o, n in rows)
        every = slice(None), slice(None)
        found[*every, *place] = reduce(x[*every, *bins].reshape(*x.shape[:2], -1), axis=-1)
    return [back(found)]


def _unpool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    index, _ = channels_first(inputs[1], kind, layout)
    sizes, strides, _ = window_of(kind)
    rows = zip(x.shape[2:], sizes, strides, pads_of(kind, x.shape[2:]), strict=True)
    lengths = kind.output_size or [(n - 1) * s + k - a - b for n, k, s, (a, b) in rows]
    found = np.zeros((*x.shape[:2], int(np.prod(lengths))))
    for place in np.ndindex(*x.shape):
        if 0 <= index[place] < found.shape[-1]:
            found[(*place[:2], index[place])] = x[place]
    return [back(found.reshape(*x.shape[:2], *lengths))]


def _global(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    reduce = np.max if type(kind).__name__ == "GlobalMaxPool" else np.mean
    laid = x.reshape(*x.shape[:2], -1)
    flat: Array = reduce(laid, axis=-1)
    if len(inputs) > 1:
        seen = inputs[1].reshape(len(x), 1, -1)
        with np.errstate(invalid="ignore"):
            flat = (laid * seen).sum(-1) / seen.sum(-1)
    return [back(flat.reshape(*flat.shape, *(1,) * (x.ndim - 2)))] if kind.keepdims else [flat]


REFERENCES: dict[str, Reference] = {
    "MaxPool": _max,
    "AveragePool": _pool,
    "GlobalMaxPool": _global,
    "GlobalAveragePool": _global,
    "AdaptiveAveragePool": _adaptive,
    "AdaptiveMaxPool": _adaptive,
    "LpPool": _lp,
    "GlobalLpPool": _global_lp,
    "MaxUnpool": _unpool,
}
