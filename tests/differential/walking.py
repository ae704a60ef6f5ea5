"""Recurrent layers by Keras and by PyTorch, and PyTorch's weights as ours."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lamina_server.layers.activations.functions import FUNCTIONS, Function, HardSigmoid, Relu6, Sigmoid, Softmax, Tanh
from lamina_server.layers.base import Kind
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell, SimpleRNNCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.recurrent.walks import Recurrent
from lamina_server.trace import trace
from tests.differential.activations import by_keras as function_by_keras
from tests.differential.activations import functions
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import Array, drawn, stack_of

flag = st.booleans()
units = st.integers(1, 4)
walks = st.fixed_dictionaries({"return_sequences": flag, "return_state": flag, "go_backwards": flag})
_BOUNDED = (Sigmoid, HardSigmoid, Tanh, Softmax, Relu6)

# A state that goes through the others at every step soon exceeds every number, or Keras does not have them.
_USED = {
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "softplus"),
    *("silu", "softmax"),
}
_KINDS = tuple(kind for kind in FUNCTIONS if kind.name in _USED)
plain = st.sampled_from([kind() for kind in _KINDS])
_ANY = functions(2, _KINDS)


def layers(walk: Mapping[str, Any], used: st.SearchStrategy[Function] = _ANY) -> st.SearchStrategy[Any]:
    """Any layer over vectors that Keras has, with these options of the walk and such functions."""
    given = {name: st.just(value) for name, value in walk.items()}
    cells: st.SearchStrategy[Any] = st.one_of(
        st.builds(SimpleRNNCell, units, used, flag),
        st.builds(LSTMCell, units, used, used, flag),
        st.builds(GRUCell, units, used, used, flag, reset_after=flag),
    )
    return st.one_of(
        st.builds(SimpleRNN, units, used, flag, **given),
        st.builds(LSTM, units, used, used, flag, **given),
        st.builds(GRU, units, used, used, flag, reset_after=flag, **given),
        st.builds(RNN, st.lists(cells, min_size=1, max_size=3).map(tuple), **given),
    )


def tame(kind: Any) -> np.float32:
    """How large numbers may be: functions without a bound make states grow at every step, and soon overflow."""
    inside = [kind.layer, kind.backward_layer] if isinstance(kind, Bidirectional) else [kind]
    inner = [cell for layer in inside for cell in (layer.cells if isinstance(layer, RNN) else [layer])]
    used = [getattr(cell, name, None) for cell in inner for name in ("activation", "recurrent_activation")]
    bounded = all(isinstance(function, _BOUNDED) for function in used if function is not None)
    return np.float32(1.0 if bounded else 0.25)


def keras_of(kind: Kind) -> Any:
    """Keras' layer or cell with the same options."""
    given: dict[str, Any] = {}
    for item in fields(kind):
        value = getattr(kind, item.name)
        if item.name in ("num_layers", "proj_size") or (item.name == "data_format" and value is None):
            continue
        given[item.name] = _option(value)
    if isinstance(kind, RNN):
        cells = given.pop("cells")
        given["cell"] = cells if len(cells) > 1 else cells[0]
    ranked = isinstance(getattr(kind, "kernel_size", None), tuple)
    if ranked:
        given = {name: value for name, value in given.items() if value != ()}
    inner = isinstance(kind, Bidirectional)
    return getattr(keras.layers, kind.title)(**given, **({} if inner else {"dtype": "float64"}))


def _option(value: Any) -> Any:
    if isinstance(value, Merge):
        return None if value is Merge.NONE else str(value)
    if isinstance(value, Function):  # Bidirectional writes its layer down and reads it again, so names where they do
        return value.name if value.is_plain else function_by_keras(value)
    if isinstance(value, Kind):
        return keras_of(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Kind):
        return [keras_of(item) for item in value]
    return value


def by_keras(
    layer: Any, x: Array, initial: Sequence[Array], weights: Mapping[str, Array], mask: Array | None = None
) -> list[Array]:
    """Outputs of a layer of Keras with weights in its own order, which is ours."""
    layer.build(tuple(x.shape))
    assert [tuple(v.shape) for v in layer.weights] == [w.shape for w in weights.values()]
    assert [v.name for v in layer.weights] == [name.rpartition("/")[2] for name in weights]
    for variable, value in zip(layer.weights, weights.values(), strict=True):
        variable.assign(value.astype(np.float64))
    left = [tensor(state) for state in initial]
    sides = [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]
    states = [state for side in sides for state in _nested(side, left)] if left else []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a softmax over axis")  # of size 1: legal, and drawn on purpose
        seen = None if mask is None else torch.tensor(mask)
        results = layer(tensor(x), mask=seen, **({"initial_state": states} if states else {}))
    flat = results if isinstance(results, list | tuple) else [results]
    return [array.detach().numpy() for array in keras.tree.flatten(flat)]


def _nested(layer: Any, left: list[Any]) -> list[Any]:
    """The states of a layer as Keras takes them, those of several cells nested, from the first of those left."""
    cells = getattr(layer.cell, "cells", None)
    counts = [len(keras.tree.flatten(cell.get_initial_state(batch_size=1))) for cell in cells or [layer.cell]]
    nested = [[left.pop(0) for _ in range(count)] for count in counts]
    return nested if cells else nested[0]


def numbers(kind: Recurrent, x: Array, seed: int) -> dict[str, Array]:
    """Weights for a layer by their own names, in order."""
    full = drawn(trace(stack_of(kind, [x.shape[1:]])), seed)
    return {name.partition("/")[2]: value * tame(kind) for name, value in full.items()}


def from_torch(layer: Any) -> dict[str, Array]:
    """Weights of PyTorch's RNN, LSTM or GRU as ours: transposed, gates and biases brought to Keras' form."""
    found: dict[str, Array] = {}
    directions = ("", "_reverse") if layer.bidirectional else ("",)
    for side, direction in enumerate(directions):
        for level in range(layer.num_layers):
            name = f"{('forward/', 'backward/')[side]}" if layer.bidirectional else ""
            name += f"l{level}/" if layer.num_layers > 1 else ""
            end = f"l{level}{direction}"
            found[f"{name}kernel"] = _gates(layer, getattr(layer, f"weight_ih_{end}")).T
            found[f"{name}recurrent_kernel"] = _gates(layer, getattr(layer, f"weight_hh_{end}")).T
            if layer.bias:
                both = [_gates(layer, getattr(layer, f"bias_{which}_{end}")) for which in ("ih", "hh")]
                found[f"{name}bias"] = np.stack(both) if layer.mode == "GRU" else both[0] + both[1]
            if getattr(layer, "proj_size", 0):
                found[f"{name}projection"] = getattr(layer, f"weight_hr_{end}").detach().numpy().T
    return {name: np.ascontiguousarray(array) for name, array in found.items()}


def _gates(layer: Any, weight: Any) -> Array:
    """GRU: r, z, n -> z, r, n; the others have Keras' order."""
    array: Array = weight.detach().numpy()
    if layer.mode != "GRU":
        return array
    r, z, n = np.split(array, 3, 0)
    return np.concatenate([z, r, n], 0)


def by_torch(layer: Any, x: Array, states: Sequence[Array]) -> tuple[Array, list[Array]]:
    """Every step's output, and the last states in our order. `states` are in our order too."""
    kinds = 2 if layer.mode == "LSTM" else 1
    levels, sides = layer.num_layers, 2 if layer.bidirectional else 1
    places = [(level, side, kind) for side in range(sides) for level in range(levels) for kind in range(kinds)]
    wide = layer.double()
    begin: Any = None
    if states:
        given = {place: tensor(state) for place, state in zip(places, states, strict=True)}
        stacked = [
            torch.stack([given[level, side, kind] for level in range(levels) for side in range(sides)])
            for kind in range(kinds)
        ]
        begin = tuple(stacked) if kinds == 2 else stacked[0]
    with torch.no_grad():
        every, last = wide(tensor(x), begin)
    tensors = last if kinds == 2 else (last,)
    return every.numpy(), [tensors[kind][level * sides + side].numpy() for level, side, kind in places]
