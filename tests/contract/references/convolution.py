"""Convolutions."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated
from tests.contract.references.windows import Windows, channels_first, window_of


def _conv(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    inside, outside = x.shape[1] // kind.groups, kind.filters // kind.groups
    kernel = weights["kernel"].reshape(-1, inside, kind.groups, outside)

    def summed(patch: Array) -> Array:
        grouped = patch.reshape(x.shape[0], kind.groups, inside, -1)
        sums: Array = np.einsum("bgct,tcgo->bgo", grouped, kernel)
        return sums.reshape(x.shape[0], -1)

    y = _biased(kind, Windows(kind, x, 0).each(summed), weights)
    return [activated(back(y), kind.activation)]


def _depthwise(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    kernel = weights["kernel"].reshape(-1, x.shape[1], kind.depth_multiplier)
    y = Windows(kind, x, 0).each(lambda patch: np.einsum("bct,tcm->bcm", patch, kernel).reshape(x.shape[0], -1))
    return [activated(back(_biased(kind, y, weights)), kind.activation)]


def _separable(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    kernel = weights["depthwise_kernel"].reshape(-1, x.shape[1], kind.depth_multiplier)
    apart = Windows(kind, x, 0).each(lambda patch: np.einsum("bct,tcm->bcm", patch, kernel).reshape(x.shape[0], -1))
    y = np.einsum("bc...,cf->bf...", apart, weights["pointwise_kernel"].reshape(apart.shape[1], kind.filters))
    return [activated(back(_biased(kind, y, weights)), kind.activation)]


def _transposed(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """Every input position adds its window to all that the windows cover, which is then cropped or continued."""
    x, back = channels_first(inputs[0], kind, layout)
    sizes, strides, dilations = window_of(kind)
    ends = [d * (k - 1) + 1 for k, d in zip(sizes, dilations, strict=True)]
    lengths = [(n - 1) * s + ke for n, s, ke in zip(x.shape[2:], strides, ends, strict=True)]
    full = np.zeros((x.shape[0], kind.filters, *lengths))
    inside, outside = x.shape[1] // kind.groups, kind.filters // kind.groups
    grouped = x.reshape(x.shape[0], kind.groups, inside, *x.shape[2:])
    kernel = weights["kernel"].reshape(*sizes, outside, kind.groups, inside)
    every = slice(None), slice(None)
    for position in product(*map(range, x.shape[2:])):
        for tap in product(*map(range, sizes)):
            at = tuple(p * s + t * d for p, s, t, d in zip(position, strides, tap, dilations, strict=True))
            taken: Any = (*every, slice(None), *position)
            written: Any = (*every, *at)
            full[written] += np.einsum("bgc,ogc->bgo", grouped[taken], kernel[tap]).reshape(x.shape[0], -1)
    for i, ke in enumerate(ends):
        before, length = _kept(kind, i, x.shape[2 + i], ke, strides[i], lengths[i])
        longer = np.pad(full, [(0, length if axis == 2 + i else 0) for axis in range(full.ndim)])
        full = np.take(longer, range(before, before + length), axis=2 + i)
    return [activated(back(_biased(kind, full, weights)), kind.activation)]


def _kept(kind: Any, i: int, n: int, ke: int, stride: int, covered: int) -> tuple[int, int]:
    """First position that stays of all that is covered, and how many stay."""
    more = kind.output_padding[i] if kind.output_padding else None
    if kind.padding not in ("valid", "same"):
        before, after = kind.padding[i]
        return before, covered - before - after + (more or 0)
    if kind.padding == "valid":
        return 0, covered + more if more is not None else max(covered, n * stride)
    length = n * stride if more is None else (n - 1) * stride + ke % 2 + more
    return max((covered - length) // 2, 0), length


def _biased(kind: Any, y: Array, weights: Mapping[str, Array]) -> Array:
    return np.moveaxis(np.moveaxis(y, 1, -1) + weights["bias"], -1, 1) if kind.use_bias else y


REFERENCES: dict[str, Reference] = {
    "Conv": _conv,
    "DepthwiseConv": _depthwise,
    "SeparableConv": _separable,
    "ConvTranspose": _transposed,
}
