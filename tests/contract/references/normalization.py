"""Layers that bring numbers to a scale: by statistics, by lengths, by options or by weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference

Weights = Mapping[str, Array]


def _channels(kind: Any, layout: Layout) -> int:
    return int(kind.axis) if kind.axis is not None else 1 if layout is Layout.CHANNELS_FIRST else -1


def _beside(weight: Array, axes: Sequence[int], rank: int) -> Array:
    """A weight over some axes, with 1 for the others."""
    return weight.reshape([weight.shape[axes.index(i)] if i in axes else 1 for i in range(rank)])


def _learned(y: Array, axes: Sequence[int], weights: Weights) -> Array:
    for name, weight in weights.items():
        if name in ("gamma", "scale"):
            y = y * _beside(weight, axes, y.ndim)
    return y + _beside(weights["beta"], axes, y.ndim) if "beta" in weights else y


def _axes(kind: Any, x: Array) -> list[int]:
    return sorted(axis % x.ndim for axis in kind.axis or (-1,))


def _batch_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    axis = _channels(kind, layout)
    x = np.moveaxis(inputs[0], axis, -1)
    y = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + kind.epsilon)
    y = y * weights["gamma"] if kind.scale else y
    return [np.moveaxis(y + weights["beta"] if kind.center else y, -1, axis)]


def _layer_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    x, axes = inputs[0], _axes(kind, inputs[0])
    mean, variance = x.mean(tuple(axes), keepdims=True), x.var(tuple(axes), keepdims=True)
    y = (x if kind.rms_scaling else x - mean) / np.sqrt(variance + kind.epsilon)
    return [_learned(y, axes, weights)]


def _group_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    axis = _channels(kind, layout)
    x = np.moveaxis(inputs[0], axis, 1)
    groups = np.split(x, x.shape[1] if kind.groups == -1 else kind.groups, axis=1)
    along = tuple(range(1, x.ndim))
    parts = [(g - g.mean(along, keepdims=True)) / np.sqrt(g.var(along, keepdims=True) + kind.epsilon) for g in groups]
    return [_learned(np.moveaxis(np.concatenate(parts, 1), 1, axis), [axis % x.ndim], weights)]


def _instance_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    if kind.track_running_stats:
        return _batch_normalization(kind, inputs, weights, layout)
    x, axis = inputs[0], _channels(kind, layout) % inputs[0].ndim
    along = tuple(i for i in range(1, x.ndim) if i != axis)
    y = (x - x.mean(along, keepdims=True)) / np.sqrt(x.var(along, keepdims=True) + kind.epsilon)
    return [_learned(y, [axis], weights)]


def _rms_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    x, axes = inputs[0], _axes(kind, inputs[0])
    return [_learned(x / np.sqrt((x**2).mean(tuple(axes), keepdims=True) + kind.epsilon), axes, weights)]


def _unit_normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    x = inputs[0]
    length = np.sqrt((x**2).sum(tuple(_axes(kind, x)), keepdims=True))
    return [x / np.maximum(length, 1e-12)]


def _local_response(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    axis = _channels(kind, layout)
    x = np.moveaxis(inputs[0], axis, 0)
    rows = []
    for c in range(len(x)):
        near = x[max(c - kind.size // 2, 0) : c + (kind.size - 1) // 2 + 1]
        rows.append(x[c] / (kind.k + kind.alpha * (near**2).sum(0) / kind.size) ** kind.beta)
    return [np.moveaxis(np.stack(rows), 0, axis)]


def _rescaling(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    x = inputs[0].astype(np.float64)
    axis = 1 if (kind.data_format or layout) is Layout.CHANNELS_FIRST and x.ndim > 1 else -1
    y = np.moveaxis(x, axis, -1) * np.array(kind.scale)
    return [np.moveaxis(y + np.array(kind.offset or (0.0,)), -1, axis)]


def _normalization(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    x = inputs[0].astype(np.float64)
    axes = [] if kind.scalar else _axes(kind, x)
    if kind.mean:
        mean, variance = (np.array(numbers) for numbers in (kind.mean, kind.variance))
    else:
        mean, variance = weights["mean"], weights["variance"]
    if mean.size > 1:
        mean, variance = (_beside(a.reshape([x.shape[i] for i in axes]), axes, x.ndim) for a in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return [x * deviation + mean if kind.invert else (x - mean) / deviation]


def _layer_scale(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    return [_learned(inputs[0], [_channels(kind, layout) % inputs[0].ndim], weights)]


REFERENCES: dict[str, Reference] = {
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _instance_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "LocalResponseNormalization": _local_response,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "LayerScale": _layer_scale,
}
