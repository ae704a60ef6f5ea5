"""Entry points, fully connected layers, layers that change nothing, numbers that a stack holds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated

_SAME: tuple[str, ...] = (
    "Dropout",
    "Identity",
    "SpatialDropout",
    "GaussianDropout",
    "GaussianNoise",
    "AlphaDropout",
    "FeatureAlphaDropout",
    "ActivityRegularization",
)


def _dense(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    y = inputs[0] @ weights["kernel"]
    return [activated(y + weights["bias"] if kind.use_bias else y, kind.activation)]


def _einsum(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    y = np.einsum(kind.equation, inputs[0], weights["kernel"])
    if kind.bias_axes:  # which has as many axes as the output has from the first of its letters on
        bias = weights["bias"]
        y = y + bias.reshape((1,) * (y.ndim - bias.ndim) + bias.shape)
    return [activated(y, kind.activation)]


def _masking(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    (x,) = inputs
    marked = (x == kind.mask_value).all(-1)
    return [np.where(marked[..., None], 0.0, x), *([~marked] if kind.return_mask else [])]


def _parameter(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    return [np.stack([weights["value"]] * len(inputs[0]))]


def _constant(kind: Any, inputs: Sequence[Array], weights: Mapping[str, Array], layout: Layout) -> list[Array]:
    shape = (len(kind.values),) if kind.shape is None else kind.shape
    one = np.resize(np.asarray(kind.values, kind.dtype.numpy), shape)
    return [np.stack([one] * len(inputs[0]))]


REFERENCES: dict[str, Reference] = {
    "Input": lambda kind, x, w, layout: list(x),
    "Dense": _dense,
    "EinsumDense": _einsum,
    "Activation": lambda kind, x, w, layout: [activated(x[0], kind.activation)],
    **{name: lambda kind, x, w, layout: list(x) for name in _SAME},
    "Masking": _masking,
    "Cast": lambda kind, x, w, layout: [x[0].astype(kind.dtype.numpy)],
    "Parameter": _parameter,
    "Constant": _constant,
}
