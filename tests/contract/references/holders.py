"""Layers that hold others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.convolution import REFERENCES as CONVOLUTION
from tests.contract.references.core import REFERENCES as CORE

_INSIDE: dict[str, Reference] = {**CORE, **CONVOLUTION}


def _inside(node: Any, x: Array, weights: Mapping[str, Array], layout: Layout) -> Array:
    own = {name.rpartition("/")[2]: weight for name, weight in weights.items()}
    return _INSIDE[type(node.kind).__name__](node.kind, [x], own, layout)[0]


def _residual(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """The one block among the examples: x + relu(conv(x)), kernel 3, SAME."""
    x = np.pad(inputs[0], ((0, 0), (1, 1), (0, 0)))
    kernel, steps = weights["conv/kernel"], inputs[0].shape[1]
    y = np.stack([np.einsum("bkc,kco->bo", x[:, i : i + 3], kernel) for i in range(steps)], axis=1)
    return [inputs[0] + np.maximum(y + weights["conv/bias"], 0)]


def _time_distributed(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    each = [_inside(kind.layer, inputs[0][:, step], weights, layout) for step in range(inputs[0].shape[1])]
    return [np.stack(each, axis=1)]


REFERENCES: dict[str, Reference] = {
    "Block": _residual,
    "TimeDistributed": _time_distributed,
    "SpectralNormalization": lambda kind, x, w, layout: [_inside(kind.layer, x[0], w, layout)],
}
