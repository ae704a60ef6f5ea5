"""Convolutions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated
from tests.contract.references.windows import Windows, channels_first


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


def _biased(kind: Any, y: Array, weights: Mapping[str, Array]) -> Array:
    return np.moveaxis(np.moveaxis(y, 1, -1) + weights["bias"], -1, 1) if kind.use_bias else y


REFERENCES: dict[str, Reference] = {
    "Conv": _conv,
    "DepthwiseConv": _depthwise,
}
