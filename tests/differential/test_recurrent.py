"""Recurrent layers over vectors beside Keras' and PyTorch's: every option, every function, initial states, symbols."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.activations.functions import Relu, Silu, Tanh
from lamina_server.layers.base import Kind
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.rnn import GRU, LSTM, SimpleRNN
from lamina_server.layers.tensors import Layout
from lamina_server.trace import trace
from tests.differential.oracles import torch
from tests.differential.support import BATCH, Array, assert_close, both, layouts, normal, profile, run, seeds, stack_of
from tests.differential.walking import (
    by_keras,
    by_torch,
    flag,
    from_torch,
    keras_of,
    layers,
    numbers,
    plain,
    tame,
    walks,
)

steps = st.integers(1, 5)
features = st.integers(1, 4)


def initial_states(kind: Any, x: Array, seed: int) -> list[Array]:
    """Random states before the first step, as many and as large as the layer has."""
    layer = trace(stack_of(with_states(kind), [x.shape[1:]])).layers[-1]
    sizes = [output.spec.shape[1] for output in layer.done.outputs if "state" in output.name]
    return [normal(seed + i, BATCH, int(str(size)), scale=float(tame(kind))) for i, size in enumerate(sizes)]


def with_states(kind: Any) -> Any:
    """The layer with its last states among its outputs."""
    if not isinstance(kind, Bidirectional):
        return replace(kind, return_state=True)
    other = kind.backward_layer and with_states(kind.backward_layer)
    return replace(kind, layer=with_states(kind.layer), backward_layer=other)


def agree(kind: Kind, arrays: Sequence[Array], weights: Mapping[str, Array], layout: Layout, wanted: Any) -> None:
    """Runs a layer with a number and, where no state stands beside them, with a symbol for the steps."""

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, *arrays, weights=weights, layout=layout, symbolic=symbolic)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_close(ours, theirs)

    if len(arrays) == 1:
        both(once, (0,))
    else:
        once(())


def against_keras(kind: Any, x: Array, begin: bool, layout: Layout, seed: int) -> None:
    x = x * tame(kind)
    states, weights = initial_states(kind, x, seed + 100) if begin else [], numbers(kind, x, seed + 1)
    agree(kind, [x, *states], weights, layout, by_keras(keras_of(kind), x, states, weights))


@profile
@given(kind=walks.flatmap(layers), size=st.tuples(steps, features), begin=flag, layout=layouts, seed=seeds)
def test_layers_are_keras(kind: Any, size: tuple[int, int], begin: bool, layout: Layout, seed: int) -> None:
    """SimpleRNN, LSTM, GRU, and RNN over one to three cells, with any functions."""
    against_keras(kind, normal(seed, BATCH, *size), begin, layout, seed)


@st.composite
def two_directions(draw: st.DrawFn) -> Bidirectional:
    """A layer of Keras' in both directions; sometimes with another, and then perhaps with outputs of another size."""
    walk = draw(walks)
    one, mode, other = draw(layers({**walk, "go_backwards": False}, plain)), draw(st.sampled_from(Merge)), None
    if draw(flag):
        one = replace(one, go_backwards=walk["go_backwards"])
        other = draw(layers({**walk, "go_backwards": not walk["go_backwards"]}, plain))
        if _width(one) != _width(other) and mode not in (Merge.NONE, Merge.CONCAT):
            mode = Merge.CONCAT
    return Bidirectional(one, mode, other)


def _top_states(layer: Any) -> tuple[object, ...]:
    """What Keras counts: the states of one cell, or several cells, each with its own."""
    cells = layer.tower(Layout.CHANNELS_LAST)
    return (*cells[0].states,) if len(cells) == 1 else (*cells,)


def _width(layer: Any) -> int:
    return int(layer.cells[-1].units if hasattr(layer, "cells") else layer.units)


@profile
@given(kind=two_directions(), size=st.tuples(steps, features), begin=flag, layout=layouts, seed=seeds)
def test_both_directions_are_keras(
    kind: Bidirectional, size: tuple[int, int], begin: bool, layout: Layout, seed: int
) -> None:
    """Every merge_mode, and a backward layer of its own."""
    counts = [len(_top_states(layer)) for layer in (kind.layer, kind.backward)]
    begin = begin and counts[0] == counts[1]  # Keras halves the list of states, whatever the layers have
    against_keras(kind, normal(seed, BATCH, *size), begin, layout, seed)


KINDS = {"RNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}


@profile
@given(
    mode=st.sampled_from(sorted(KINDS)),
    size=st.tuples(steps, features),
    hidden=st.integers(2, 4),
    layers=st.integers(1, 3),
    bias=flag,
    bidirectional=flag,
    sequences=flag,
    begin=flag,
    projected=flag,
    relu=flag,
    seed=seeds,
)
def test_layers_are_torchs(
    mode: str,
    size: tuple[int, int],
    hidden: int,
    layers: int,
    bias: bool,
    bidirectional: bool,
    sequences: bool,
    begin: bool,
    projected: bool,
    relu: bool,
    seed: int,
) -> None:
    """RNN, LSTM and GRU with layers above each other, both directions, projection, and PyTorch's own weights."""
    torch.manual_seed(seed)
    more: dict[str, Any] = {"nonlinearity": "relu" if relu else "tanh"} if mode == "RNN" else {}
    own: dict[str, Any] = {"activation": Relu() if relu else Tanh()} if mode == "RNN" else {}
    if mode == "LSTM" and projected:
        more["proj_size"] = own["proj_size"] = 1 + seed % (hidden - 1)
    given = {"num_layers": layers, "bias": bias, "bidirectional": bidirectional, "batch_first": True}
    theirs = getattr(torch.nn, mode)(size[1], hidden, **given, **more)
    weights = from_torch(theirs)
    kind: Any = KINDS[mode](
        hidden, use_bias=bias, return_sequences=sequences, return_state=True, num_layers=layers, **own
    )
    kind = Bidirectional(kind) if bidirectional else kind
    x = normal(seed, BATCH, *size)
    states = initial_states(kind, x, seed + 1) if begin else []
    every, last = by_torch(theirs, x, states)
    if not sequences:  # the last step of each direction: state_h of its last layer
        count, back = len(last) // (2 if bidirectional else 1), 2 if mode == "LSTM" else 1
        every = np.concatenate([last[end - back] for end in range(count, len(last) + 1, count)], -1)
    agree(kind, [x, *states], weights, Layout.CHANNELS_LAST, [every, *last])


@pytest.mark.parametrize("mode", sorted(KINDS))
def test_options_of_training_and_of_speed_change_nothing(mode: str) -> None:
    x, kind = normal(1, BATCH, 5, 3), KINDS[mode](4)
    weights = numbers(kind, x, 2)
    other = replace(kind, dropout=0.5, recurrent_dropout=1.0, unroll=True)
    assert (run(kind, x, weights=weights)[0] == run(other, x, weights=weights)[0]).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@pytest.mark.parametrize(
    "kind",
    [LSTM(4), GRU(4, reset_after=False), SimpleRNN(4), Bidirectional(GRU(4)), GRU(4, Silu()), LSTM(4, proj_size=2)],
    ids=str,
)
def test_other_types_than_float32(kind: Any, dtype: Any) -> None:
    """ONNX Runtime's operators know no float64: there the formula itself is walked, and agrees to more digits."""
    x = normal(1, BATCH, 5, 3)
    weights = numbers(kind, x, 2)
    (wanted,) = run(kind, x, weights=weights)
    (found,) = run(kind, x.astype(dtype), weights={name: w.astype(dtype) for name, w in weights.items()})
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-3 if dtype is np.float16 else 1e-6)
