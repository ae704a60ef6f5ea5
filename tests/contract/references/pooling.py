"""Pools."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.windows import Windows, channels_first


def _pool(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    if type(kind).__name__ == "MaxPool":
        return [back(Windows(kind, x, np.nan).each(lambda patch: np.nanmax(patch, -1)))]
    fill = 0 if kind.count_include_pad else np.nan
    return [back(Windows(kind, x, fill).each(lambda patch: np.nanmean(patch, -1)))]


def _global(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, back = channels_first(inputs[0], kind, layout)
    reduce = np.max if type(kind).__name__ == "GlobalMaxPool" else np.mean
    flat: Array = reduce(x.reshape(*x.shape[:2], -1), axis=-1)
    return [back(flat.reshape(*flat.shape, *(1,) * (x.ndim - 2)))] if kind.keepdims else [flat]


REFERENCES: dict[str, Reference] = {
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalMaxPool": _global,
    "GlobalAveragePool": _global,
}
