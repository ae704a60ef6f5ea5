"""Layers that shift and scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference


def _batch_normalization(
    kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout
) -> list[Array]:
    axis = kind.axis if kind.axis is not None else 1 if layout is Layout.CHANNELS_FIRST else -1
    x = np.moveaxis(inputs[0], axis, -1)
    y = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + kind.epsilon)
    y = y * weights["gamma"] if kind.scale else y
    return [np.moveaxis(y + weights["beta"] if kind.center else y, -1, axis)]


REFERENCES: dict[str, Reference] = {
    "BatchNormalization": _batch_normalization,
}
