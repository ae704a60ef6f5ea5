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
    return [x.reshape(x.shape[0], -1)]


REFERENCES: dict[str, Reference] = {
    "Flatten": _flatten,
    "Reshape": lambda kind, x, w, layout: [x[0].reshape(x[0].shape[0], *kind.target_shape)],
    "Permute": lambda kind, x, w, layout: [x[0].transpose(0, *kind.dims)],
    "RepeatVector": lambda kind, x, w, layout: [np.repeat(x[0][:, None], kind.n, axis=1)],
    "ZeroPadding": _zero_padding,
}
