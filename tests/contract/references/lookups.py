"""Layers whose input is integers that choose."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference


def _embedding(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    rows = weights["embeddings"][inputs[0].astype(np.int64)]
    return [rows, inputs[0] != 0] if kind.return_mask else [rows]


def _reversible(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    if not kind.reverse:
        return _embedding(kind, inputs, weights, layout)
    y = inputs[0] @ (weights["embeddings"].T if kind.tie_weights else weights["reverse_embeddings"])
    cap = kind.logit_soft_cap
    return [y if cap is None else cap * np.tanh(y / cap)]


def _category(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return _encoded(kind, inputs, kind.num_tokens)


def _discretization(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    bins = np.digitize(inputs[0], kind.bin_boundaries)
    return [bins] if kind.output_mode == "int" else _encoded(kind, [bins], len(kind.bin_boundaries) + 1)


def _encoded(kind: Any, inputs: Sequence[Array], places: int) -> list[Array]:
    ids = inputs[0].astype(np.int64)
    if kind.output_mode == "one_hot" and ids.ndim > 1 and ids.shape[-1] == 1:
        ids = ids[..., 0]
    each = (ids[..., None] == np.arange(places)).astype(np.float64)
    if kind.output_mode == "one_hot":
        return [each]
    if kind.output_mode == "multi_hot":
        return [each.max(1)]
    return [(each * inputs[1][..., None]).sum(1) if len(inputs) > 1 else each.sum(1)]


REFERENCES: dict[str, Reference] = {
    "Embedding": _embedding,
    "ReversibleEmbedding": _reversible,
    "CategoryEncoding": _category,
    "Discretization": _discretization,
}
