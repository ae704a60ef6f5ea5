"""Activation functions that are layers, and those with weights or another size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import FUNCTIONS, activated


def _p_re_lu(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.where(inputs[0] > 0, inputs[0], weights["alpha"] * inputs[0])]


def _glu(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    value, gate = np.split(inputs[0], 2, axis=kind.axis)
    return [value / (1 + np.exp(-gate))]


REFERENCES: dict[str, Reference] = {
    **dict.fromkeys(FUNCTIONS, lambda kind, x, w, layout: [activated(x[0], kind)]),
    "PReLU": _p_re_lu,
    "GLU": _glu,
}
