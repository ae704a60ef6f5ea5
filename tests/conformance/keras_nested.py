"""Keras' layers that hold layers or cells, walk along steps, or attend, as Lamina's."""

from dataclasses import replace
from typing import Any

import numpy as np

from lamina_server.layers import CELLS
from lamina_server.stack import Node
from tests.conformance.keras_call import CONVERTERS, LAYERS, Made, converts, keras, tree
from tests.conformance.keras_convert import CLASSES, MASKED, axes, checked, option, options
from tests.conformance.keras_faults import BLIND, SCORED
from tests.conformance.lamina import Array, Check, Unmapped, kinds

RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


def kind_of(layer: Any) -> Any:
    """A recurrent layer or a cell as ours."""
    name = type(layer).__name__
    if not type(layer).__module__.startswith(LAYERS) or type(layer).__module__.endswith("_test"):
        raise Unmapped("a cell of the test's own")
    if name == "Bidirectional":
        other = layer.backward_layer
        plain = other.go_backwards != layer.forward_layer.go_backwards and _same(layer.forward_layer, other)
        mode = {"ave": "ave", None: "none"}.get(layer.merge_mode, layer.merge_mode)
        merge = kinds.Bidirectional.__dataclass_fields__["merge_mode"].default.__class__(mode)
        return kinds.Bidirectional(kind_of(layer.forward_layer), merge, None if plain else kind_of(other))
    if name == "RNN":
        cells = getattr(layer.cell, "cells", None) or [layer.cell]
        if len(cells) != len(tree.flatten(cells)):
            raise Unmapped("cells of cells")
        walk = ("return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask")
        return kinds.RNN(tuple(map(kind_of, cells)), **{key: getattr(layer, key) for key in walk})
    cls = {cell.__name__: cell for cell in CELLS}.get(name) or CLASSES.get(name)
    if cls is None:
        raise Unmapped(f"Lamina has no {name}")
    given = options(layer, cls)
    if hasattr(layer, "stateful"):
        given["stateful"] = layer.stateful
    return cls(**given)


def _same(one: Any, other: Any) -> bool:
    """Whether a backward layer is the forward one, turned round."""
    ignored = ("name", "go_backwards")
    configs = [{k: v for k, v in layer.get_config().items() if k not in ignored} for layer in (one, other)]
    return configs[0] == configs[1] and type(one) is type(other)


@converts(*RECURRENT)
def recurrent(made: Made) -> Check:
    initial, mask = (made.call.named.get(name) for name in ("initial_state", "mask"))
    states = [] if initial is None else [np.asarray(state) for state in tree.flatten(initial)]
    masks = [] if mask is None else [np.asarray(mask).astype(bool)]
    return checked(made, kind_of(made.layer), [*made.arrays, *states, *masks])


@converts("SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells", "ConvLSTMCell")
def cell(made: Made) -> Check:
    raise Unmapped("a cell by itself, which is one step of a layer")


@converts("TimeDistributed", "SpectralNormalization")
def holder(made: Made) -> Check:
    inner = made.layer.layer
    name = type(inner).__name__
    if "mask" in made.call.named:
        raise Unmapped(MASKED)
    if name in CONVERTERS and name not in RECURRENT and name not in ("BatchNormalization", "Activation"):
        raise Unmapped(f"{name} inside another layer")
    if name not in CLASSES:
        raise Unmapped(f"Lamina has no {name}")
    kind = kind_of(inner) if name in RECURRENT else CLASSES[name](**options(inner, CLASSES[name]))
    return checked(made, getattr(kinds, type(made.layer).__name__)(Node(kind)))


@converts("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
def projected(made: Made) -> Check:
    layer, named = made.layer, dict(made.call.named)
    cls = kinds.MultiHeadAttention if "MultiHead" in type(layer).__name__ else kinds.GroupQueryAttention
    query, value, key = _asked(made)
    mask = _mask(named, query, value)
    given = options(layer, cls)
    given |= {name: bool(named[name]) for name in ("use_causal_mask", "return_attention_scores") if name in named}
    renamed = {"num_heads": "num_heads", "key_dim": "key_dim", "value_dim": "value_dim"}
    given |= {ours: getattr(layer, f"_{theirs}") for ours, theirs in renamed.items() if hasattr(layer, f"_{theirs}")}
    config = made.config
    for name in ("use_bias", "sliding_window", "use_gate", "head_dim", "num_query_heads", "num_key_value_heads"):
        if name in config and name in cls.__dataclass_fields__:
            given[name] = config[name]
    if config.get("output_shape"):
        given["output_shape"] = axes(option(config["output_shape"]))
    if config.get("attention_axes"):
        given["attention_axes"] = axes(option(config["attention_axes"]))
    given = {name: item for name, item in given.items() if name in cls.__dataclass_fields__ and item is not None}
    given.pop("dropout", None)
    check = checked(made, cls(**given), [query, value, key, *([] if mask is None else [mask])])
    return check if mask is None else _empty_rows(made, check, mask)


def _empty_rows(made: Made, check: Check, mask: Array) -> Check:
    """A query that sees nothing gets 0 here, as in ONNX and PyTorch; in Keras the mean of all values."""
    blind = ~mask.any(-1)
    if mask.ndim != 3 or not blind.any():
        return check
    other = made.outputs[0].copy()
    other[blind] = made.weights.get("attention_output/bias", np.zeros(1, other.dtype))
    return replace(check, fault=BLIND, instead=dict(check.expected) | {"layer": other})


def _asked(made: Made) -> tuple[Array, Array, Array]:
    """Query, value and key, however they were given."""
    found = dict(zip(("query", "value", "key"), made.arrays, strict=False))
    found |= {k: v for k, v in made.call.named.items() if k in ("query", "value", "key")}
    policy = made.layer.compute_dtype
    query, value = (found[name].astype(policy) for name in ("query", "value"))
    return query, value, found["key"].astype(policy) if "key" in found else value


def _mask(named: dict[str, Any], query: Array, value: Array) -> Array | None:
    """One mask from Keras' several: of queries, of values, of keys, and of pairs."""
    parts: list[Array] = []
    if named.get("attention_mask") is not None:
        given = np.asarray(named["attention_mask"]).astype(bool)
        parts.append(given)
    for name, place in (("query_mask", -1), ("value_mask", -2), ("key_mask", -2)):
        if named.get(name) is not None:
            parts.append(np.expand_dims(np.asarray(named[name]).astype(bool), place))
    if not parts:
        return None
    rank = max(part.ndim for part in parts)
    if any(part.ndim != rank for part in parts):
        raise Unmapped("masks of several ranks at once")
    joined = parts[0]
    for part in parts[1:]:
        joined = joined & part
    ends = (query.shape[1], value.shape[1]) if rank == 3 else joined.shape[-2:]
    return np.ascontiguousarray(np.broadcast_to(joined, (len(query), *joined.shape[1:-2], *ends)))


@converts("Attention", "AdditiveAttention")
def unprojected(made: Made) -> Check:
    layer, named = made.layer, made.call.named
    cls = CLASSES[type(layer).__name__]
    given = options(layer, cls)
    given.pop("dropout", None)
    given |= {name: bool(named[name]) for name in ("use_causal_mask", "return_attention_scores") if name in named}
    given = {name: value for name, value in given.items() if name in cls.__dataclass_fields__}
    masks = [None if item is None else np.asarray(item).astype(bool) for item in named.get("mask", [])]
    arrays = list(made.arrays)
    asking = masks[0][:, :, None] if masks and masks[0] is not None else None
    if asking is not None:
        arrays.append(asking)
    if len(masks) > 1 and masks[1] is not None:
        arrays.append(masks[1])
    check = checked(made, cls(**given), arrays)
    if asking is None or len(made.outputs) == 1:
        return check
    return replace(check, fault=SCORED, instead=dict(check.expected) | {"layer:scores": made.outputs[1] * asking})


assert keras.layers  # which the names above are of
