"""What each kind computes, written a second time: plain numpy in float64, windows by loops, nothing shared.

A reference takes the layer, the inputs (batch included, axes as the caller lays them), the weights by name and the
layout of the stack, and returns the layer's outputs. A kind without one fails the contract test. Integers and booleans
stay what they are.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lamina_server.layers.base import Kind
from lamina_server.layers.tensors import Layout
from tests.contract.references import (
    activations,
    arithmetic,
    attention,
    convolution,
    core,
    holders,
    lookups,
    merging,
    normalization,
    pooling,
    recurrent,
    resizing,
    shaping,
)
from tests.contract.references.base import Array, Reference

REFERENCES: dict[str, Reference] = {
    **core.REFERENCES,
    **lookups.REFERENCES,
    **convolution.REFERENCES,
    **pooling.REFERENCES,
    **shaping.REFERENCES,
    **resizing.REFERENCES,
    **normalization.REFERENCES,
    **merging.REFERENCES,
    **arithmetic.REFERENCES,
    **recurrent.REFERENCES,
    **holders.REFERENCES,
    **activations.REFERENCES,
    **attention.REFERENCES,
}


def expected(kind: Kind, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    """The outputs of a layer. Raises KeyError for a kind without a reference."""
    wide = {name: _wide(weight) for name, weight in weights.items()}
    return REFERENCES[type(kind).__name__](kind, [_wide(x) for x in inputs], wide, layout)


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array
