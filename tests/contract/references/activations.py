"""Activation functions that are layers, and those with weights or another size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import FUNCTIONS, activated
from tests.contract.references.merging import raised


def _p_re_lu(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.where(inputs[0] > 0, inputs[0], weights["alpha"] * inputs[0])]


def _glu(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    value, gate = np.split(inputs[0], 2, axis=kind.axis)
    return [value / (1 + np.exp(-gate))]


def _softmax(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, seen = inputs[0], (raised(inputs)[1] if len(inputs) > 1 else True)
    along = kind.axes or (kind.axis,)
    powers = np.where(seen, np.exp(x - x.max(along, keepdims=True)), 0)
    total = powers.sum(along, keepdims=True)
    return [powers / np.where(total == 0, 1, total)]


REFERENCES: dict[str, Reference] = {
    **dict.fromkeys(FUNCTIONS, lambda kind, x, w, layout: [activated(x[0], kind)]),
    "Softmax": _softmax,
    "PReLU": _p_re_lu,
    "GLU": _glu,
}
