"""Layers that walk along the steps and remember."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated


def _lstm(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    x, units = inputs[0], kind.units
    h, c = np.zeros((x.shape[0], units)), np.zeros((x.shape[0], units))
    every = []
    for step in range(x.shape[1]):
        z = x[:, step] @ weights["kernel"] + h @ weights["recurrent_kernel"]
        z = z + weights["bias"] if kind.use_bias else z
        i, f, candidate, o = (z[:, g * units : (g + 1) * units] for g in range(4))
        i, f, o = (activated(gate, kind.recurrent_activation) for gate in (i, f, o))
        c = f * c + i * activated(candidate, kind.activation)
        h = o * activated(c, kind.activation)
        every.append(h)
    main = np.stack(every, 1) if kind.return_sequences else h
    return [main, h, c] if kind.return_state else [main]


REFERENCES: dict[str, Reference] = {
    "LSTM": _lstm,
}
