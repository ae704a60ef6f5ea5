"""Attention, by einsum over the axes as the trace shows them."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from types import SimpleNamespace
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout
from tests.contract.references.base import Array, Reference
from tests.contract.references.functions import activated

Weights = Mapping[str, Array]


def _parts(kind: Any, inputs: Sequence[Array]) -> tuple[Array, Array, Array, Sequence[Array]]:
    """Query, value, key and masks."""
    count = sum(x.dtype != bool for x in inputs) - kind.additive_mask
    numbers = inputs[:count]
    query, value, key = [*numbers, numbers[-1], numbers[-1]][:3]
    return query, value, key, inputs[count:]


def _dense(x: Array, weights: Weights, name: str, axes: int = 1) -> Array:
    y = np.tensordot(x, weights[f"{name}/kernel"], axes)
    return y + weights[f"{name}/bias"] if f"{name}/bias" in weights else y


def _shares(kind: Any, scores: Array, masks: Sequence[Array], along: int = 1, always: Array | None = None) -> Array:
    """Softmax over the last axes of scores (batch, ..., queries, keys), of what may be seen."""
    seen = np.ones(scores.shape, bool)
    for mask in masks:
        missing = scores.ndim - mask.ndim
        raised = mask.reshape(mask.shape[:1] + (1,) * missing + mask.shape[1:])
        if mask.dtype == bool:
            seen = seen & raised
        else:
            scores = scores + raised
    i, j = np.arange(scores.shape[-2])[:, None], np.arange(scores.shape[-1])
    if kind.use_causal_mask:
        seen = seen & (i >= j)
    if getattr(kind, "sliding_window", None):
        seen = seen & (abs(i - j) < kind.sliding_window)
    if always is not None:
        scores, seen = (np.concatenate(pair, -1) for pair in ((scores, always), (seen, np.ones(always.shape, bool))))
    powers = np.where(seen, np.exp(scores - scores.max()), 0)
    total = powers.sum(tuple(range(-along, 0)), keepdims=True)
    return powers / np.where(total == 0, 1, total)


def _headed(kind: Any, query: Array, value: Array, key: Array, masks: Sequence[Array], weights: Weights) -> list[Array]:
    """Attention of several heads; what is given to fewer heads of keys and values is repeated."""
    rank = query.ndim
    along = tuple(axis % rank for axis in getattr(kind, "attention_axes", ()) or range(1, rank - 1))
    q, k, v = (_dense(x, weights, name) for x, name in ((query, "query"), (key, "key"), (value, "value")))
    k, v = (np.repeat(x, q.shape[-2] // x.shape[-2], axis=-2) for x in (k, v))
    letters = iter(ascii_lowercase)
    asked = [next(letters) for _ in range(rank - 1)]
    told = [next(letters) if axis in along else letter for axis, letter in enumerate(asked)]
    apart = [letter for axis, letter in enumerate(asked) if axis not in along]
    pairs = "".join([*apart, "y", *(asked[axis] for axis in along), *(told[axis] for axis in along)])
    a, b = "".join(asked), "".join(told)
    scores = np.einsum(f"{a}yz,{b}yz->{pairs}", q, k) / np.sqrt(q.shape[-1])
    behind = [(weights["bias_k"], weights["bias_v"])] if getattr(kind, "add_bias_kv", False) else []
    if getattr(kind, "add_zero_attn", False):
        behind.append((np.zeros(q.shape[-2:]), np.zeros(v.shape[-2:])))
    own = "".join([*apart, "y", *(asked[axis] for axis in along)])
    met = [np.einsum(f"{a}yz,yz->{own}", q, extra) / np.sqrt(q.shape[-1]) for extra, _ in behind]
    shares = _shares(kind, scores, masks, len(along), np.stack(met, -1) if met else None)
    given = shares[..., : scores.shape[-1]]
    y = np.einsum(f"{pairs},{b}yz->{a}yz", given, v)
    for i, (_, extra) in enumerate(behind):
        y = y + np.einsum(f"{own},yz->{a}yz", shares[..., scores.shape[-1] + i], extra)
    if getattr(kind, "use_gate", False):
        y = y * (1 + np.tanh(_dense(query, weights, "gate") / 2)) / 2
    return [_dense(y, weights, "attention_output", 2), shares]


def _multi_head(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    found = _headed(kind, *_parts(kind, inputs), weights)
    return found if kind.return_attention_scores else found[:1]


def _plain(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    query, value, key, masks = _parts(kind, inputs)
    sums = query[..., :, None, :] + key[..., None, :, :]
    if type(kind).__name__ == "AdditiveAttention":
        scores = (np.tanh(sums) * weights.get("scale", 1.0)).sum(-1)
    elif kind.score_mode == "dot":
        scores = (query @ np.swapaxes(key, -1, -2)) * weights.get("scale", 1.0) * kind.scale
    else:
        scores = np.tanh(sums * weights.get("scale", 1.0)).sum(-1) * weights["concat_score_weight"] * kind.scale
    shares = _shares(kind, scores, masks)
    return [shares @ value, shares] if kind.return_attention_scores else [shares @ value]


def _transformer(kind: Any, inputs: Sequence[Array], weights: Weights, layout: Layout) -> list[Array]:
    count = len(kind.attentions)
    x, memory, masks = inputs[0], inputs[count - 1], inputs[count:]
    first = kind.target_masks if count > 1 else len(masks)

    def normed(y: Array, number: int) -> Array:
        y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + kind.layer_norm_eps)
        return y * weights[f"norm{number}/gamma"] + weights.get(f"norm{number}/beta", 0.0)

    def block(number: int, y: Array) -> Array:
        if number == count:
            return _dense(activated(_dense(y, weights, "linear1"), kind.activation), weights, "linear2")
        own = {name.partition("/")[2]: w for name, w in weights.items() if name.startswith(kind.attentions[number])}
        options = SimpleNamespace(use_causal_mask=kind.use_causal_mask and number == 0)
        other = memory if number else y
        return _headed(options, y, other, other, masks[first:] if number else masks[:first], own)[0]

    for number in range(count + 1):
        before = kind.norm_first
        x = x + block(number, normed(x, number + 1)) if before else normed(x + block(number, x), number + 1)
    return [x]


REFERENCES: dict[str, Reference] = {
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _multi_head,
    "Attention": _plain,
    "AdditiveAttention": _plain,
    "TransformerEncoderLayer": _transformer,
    "TransformerDecoderLayer": _transformer,
}
