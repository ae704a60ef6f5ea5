"""Layers that bring several tensors together, and arithmetic."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference


def _add(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    rank = max(x.ndim for x in inputs)
    raised = [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]
    return [sum(raised[1:], raised[0])]


REFERENCES: dict[str, Reference] = {
    "Add": _add,
    "Concatenate": lambda kind, x, w, layout: [np.concatenate(x, axis=kind.axis)],
}
