"""Entry points, fully connected layers, lookups."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated


def _dense(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    y = inputs[0] @ weights["kernel"]
    return [activated(y + weights["bias"] if kind.use_bias else y, kind.activation)]


REFERENCES: dict[str, Reference] = {
    "Input": lambda kind, x, w, layout: list(x),
    "Dense": _dense,
    "Activation": lambda kind, x, w, layout: [activated(x[0], kind.activation)],
    "Dropout": lambda kind, x, w, layout: list(x),
}
