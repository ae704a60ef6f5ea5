"""LSTM beside PyTorch's and Keras'. Gates lie in the order i, f, c, o in both."""

from collections.abc import Collection
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.functions import Function, HardSigmoid, Sigmoid, Tanh
from lamina_server.layers.recurrent import LSTM
from lamina_server.layers.tensors import Layout
from tests.differential.activations import by_keras, recurrent
from tests.differential.oracles import keras, keras_values, tensor, torch
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    kernel,
    layouts,
    normal,
    profile,
    run,
    seeds,
)

sizes = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))  # steps, features, units


def weights_for(features: int, units: int, use_bias: bool, seed: int) -> dict[str, Array]:
    """Numbers for an LSTM."""
    found = {"kernel": kernel(seed, features, 4 * units), "recurrent_kernel": kernel(seed + 1, units, 4 * units)}
    return {**found, "bias": normal(seed + 2, 4 * units, scale=0.5)} if use_bias else found


def tame(function: Function) -> float:
    """How large numbers may be: gates without a bound multiply each other at every step and soon overflow."""
    return 1.0 if isinstance(function, Sigmoid | HardSigmoid | Tanh) else 0.25


def by_pytorch(x: Array, weights: dict[str, Array], return_sequences: bool) -> list[Any]:
    """Output, state_h and state_c of PyTorch's LSTM, whose second bias stays zero."""
    units = weights["recurrent_kernel"].shape[0]
    layer = torch.nn.LSTM(x.shape[2], units, bias="bias" in weights, batch_first=True).double()
    state = {"weight_ih_l0": tensor(weights["kernel"].T), "weight_hh_l0": tensor(weights["recurrent_kernel"].T)}
    if "bias" in weights:
        state |= {"bias_ih_l0": tensor(weights["bias"]), "bias_hh_l0": torch.zeros(4 * units)}
    layer.load_state_dict(state)
    with torch.no_grad():
        every, (h, c) = layer(tensor(x))
    return [every if return_sequences else every[:, -1], h[0], c[0]]


@profile
@given(
    size=sizes,
    use_bias=st.booleans(),
    return_sequences=st.booleans(),
    return_state=st.booleans(),
    layout=layouts,
    seed=seeds,
)
def test_lstm_is_torchs(
    size: tuple[int, int, int],
    use_bias: bool,
    return_sequences: bool,
    return_state: bool,
    layout: Layout,
    seed: int,
) -> None:
    """With tanh and sigmoid, the only functions that PyTorch's has; steps are axis 1 in either layout."""
    steps, features, units = size
    x, weights = normal(seed, BATCH, steps, features), weights_for(features, units, use_bias, seed + 1)
    kind = LSTM(units, use_bias=use_bias, return_sequences=return_sequences, return_state=return_state)
    expected = by_pytorch(x, weights, return_sequences)[: 3 if return_state else 1]

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, x, weights=weights, layout=layout, symbolic=symbolic)
        for ours, theirs in zip(found, expected, strict=True):
            assert_close(ours, theirs)

    both(once, (0,))


@profile
@given(
    size=sizes,
    use_bias=st.booleans(),
    return_sequences=st.booleans(),
    return_state=st.booleans(),
    activation=recurrent(),
    recurrent_activation=recurrent(),
    seed=seeds,
)
def test_lstm_is_keras(
    size: tuple[int, int, int],
    use_bias: bool,
    return_sequences: bool,
    return_state: bool,
    activation: Function,
    recurrent_activation: Function,
    seed: int,
) -> None:
    """With every pair of functions that ONNX's LSTM knows."""
    steps, features, units = size
    scale = np.float32(tame(recurrent_activation))
    x = normal(seed, BATCH, steps, features) * scale
    weights = {name: w * scale for name, w in weights_for(features, units, use_bias, seed + 1).items()}
    walk = {"return_sequences": return_sequences, "return_state": return_state}
    kind = LSTM(units, activation, recurrent_activation, use_bias, **walk)
    layer = keras.layers.LSTM(
        units,
        activation=by_keras(activation),
        recurrent_activation=by_keras(recurrent_activation),
        use_bias=use_bias,
        return_sequences=return_sequences,
        return_state=return_state,
        dtype="float64",
    )
    expected = keras_values(layer, [x], weights)
    found = run(kind, x, weights=weights, symbolic=(0,))
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs)
