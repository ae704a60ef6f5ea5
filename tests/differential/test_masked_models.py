"""Stacks behind a layer that masks: refused, mended with the first fix, and then what Keras' model is."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lamina_server.dims import symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.unprojected import AdditiveAttention, Attention
from lamina_server.layers.core.basics import Activation, Dense, Input, Masking
from lamina_server.layers.core.lookups import Embedding
from lamina_server.layers.holders import TimeDistributed
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair import apply, repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import Array, assert_close, drawn, normal, run_stack

K = keras.layers
T, STEPS = symbol("T"), 6
Layers = Callable[[Any], Any]
VECTORS, IDS = Node(Input((T, 4)), "x"), Node(Input((T,), DType.INT32), "x")
ROWS = Node(Embedding(5, 3, mask_zero=True), "rows")


def k(name: str, *options: Any, **named: Any) -> Any:
    """A layer of Keras that computes in float64."""
    return getattr(K, name)(*options, **named, **({} if name == "Bidirectional" else {"dtype": "float64"}))


def chain(*layers: Any) -> Layers:
    """A model of layers one after the other."""

    def called(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return called


def meeting(join: Any, *after: Any) -> Layers:
    """Two layers over what is masked, joined."""
    masked, one, other = k("Masking"), k("Dense", 3), k("Dense", 3)

    def called(x: Any) -> Any:
        x = masked(x)
        return chain(*after)(join([one(x), other(x)]))

    return called


def joined(kind: Any, *after: Node) -> tuple[Node, ...]:
    sides = Node(Dense(3), "a", ("masking",)), Node(Dense(3), "b", ("masking",))
    return (VECTORS, Node(Masking(), "masking"), *sides, Node(kind, "both", ("a", "b")), *after)


def crossing(layer: Any, listed: bool) -> Layers:
    """Attention whose query is not masked."""
    asked, masked = k("Dense", 4), k("Masking")

    def called(x: Any) -> Any:
        taken = [asked(x), masked(x)]
        return layer(taken) if listed else layer(*taken)

    return called


def crossed(kind: Any) -> tuple[Node, ...]:
    return VECTORS, Node(Dense(4), "asked"), Node(Masking(), "masking", ("x",)), Node(kind, "it", ("asked", "masking"))


MODELS: dict[str, tuple[Sequence[Node], Layers]] = {
    "lstm": (
        (VECTORS, Node(Masking()), Node(LSTM(3)), Node(Dense(2))),
        chain(k("Masking"), k("LSTM", 3), k("Dense", 2)),
    ),
    "behind others": (
        (VECTORS, Node(Masking()), Node(Dense(3)), Node(Activation(Relu())), Node(GRU(3, go_backwards=True))),
        chain(k("Masking"), k("Dense", 3), k("Activation", "relu"), k("GRU", 3, go_backwards=True)),
    ),
    "each step": (
        (VECTORS, Node(Masking()), Node(TimeDistributed(Node(Dense(3)))), Node(SimpleRNN(3))),
        chain(k("Masking"), k("TimeDistributed", k("Dense", 3)), k("SimpleRNN", 3)),
    ),
    "two walks": (
        (VECTORS, Node(Masking()), Node(LSTM(3, return_sequences=True)), Node(GRU(2)), Node(Dense(2))),
        chain(k("Masking"), k("LSTM", 3, return_sequences=True), k("GRU", 2), k("Dense", 2)),
    ),
    "cells": (
        (VECTORS, Node(Masking()), Node(RNN((LSTMCell(3), GRUCell(2))))),
        chain(k("Masking"), k("RNN", [k("LSTMCell", 3), k("GRUCell", 2)])),
    ),
    "a mean": (
        (IDS, ROWS, Node(Bidirectional(LSTM(2, return_sequences=True))), Node(GlobalAveragePool()), Node(Dense(2))),
        chain(
            k("Embedding", 5, 3, mask_zero=True),
            k("Bidirectional", k("LSTM", 2, return_sequences=True)),
            k("GlobalAveragePooling1D"),
            k("Dense", 2),
        ),
    ),
    "both directions": (
        (IDS, ROWS, Node(Bidirectional(GRU(2)))),
        chain(k("Embedding", 5, 3, mask_zero=True), k("Bidirectional", k("GRU", 2))),
    ),
    "added": (joined(Add(), Node(LSTM(2))), meeting(k("Add"), k("LSTM", 2))),
    "side by side": (joined(Concatenate(), Node(GRU(2))), meeting(k("Concatenate"), k("GRU", 2))),
    "attention": (crossed(Attention()), crossing(k("Attention"), listed=True)),
    "additive attention": (crossed(AdditiveAttention()), crossing(k("AdditiveAttention"), listed=True)),
    "heads": (crossed(MultiHeadAttention(2, 2)), crossing(k("MultiHeadAttention", 2, 2), listed=False)),
    "groups of heads": (
        crossed(GroupQueryAttention(2, 4, 2)), crossing(k("GroupQueryAttention", 2, 4, 2), listed=False)
    ),
}  # fmt: skip


def fed(stack: Stack, seed: int) -> Array:
    """Sequences of which steps are padding, not only at the end; one has but one step, the first."""
    rng = np.random.default_rng(seed)
    padding = rng.random((4, STEPS)) < 0.4
    padding[0, :2] = True
    padding[1, 1:], padding[:, 0] = True, [True, False, False, False]
    padding[:, 2] &= [False, True, True, True]
    if stack.nodes[0].kind == IDS.kind:
        return np.where(padding, 0, rng.integers(1, 5, padding.shape)).astype(np.int32)
    return np.where(padding[..., None], 0, normal(seed, 4, STEPS, 4))


@pytest.mark.filterwarnings("ignore:(?s).*was passed an input with a mask attached to it")
@pytest.mark.parametrize("name", MODELS)
def test_the_first_fix_is_what_keras_does(name: str) -> None:
    nodes, model = MODELS[name]
    stack = Stack(tuple(nodes))
    with pytest.raises(StackError) as caught:
        trace(stack)
    fix = repaired(stack, caught.value.diagnosis, Limits()).fixes[0]
    assert fix.title.startswith("as in Keras, leave out what ")
    mended = apply(stack, fix.stack_steps)
    traced, x = trace(mended), fed(stack, 1)
    weights = drawn(traced, 2)
    whole = x.dtype == np.int32
    inputs = keras.Input((None, *x.shape[2:]), dtype="int32" if whole else "float64")
    built = keras.Model(inputs, model(inputs))
    assert [tuple(v.shape) for v in built.weights] == [weight.shape for _, weight in weights_of(traced)]
    for variable, value in zip(built.weights, weights.values(), strict=True):
        variable.assign(value.astype(np.float64))
    ref = traced.layers[-1].name
    for steps in (STEPS, 4):
        expected = built(torch.tensor(x[:, :steps]) if whole else tensor(x[:, :steps])).detach()
        assert_close(run_stack(mended, {"x": x[:, :steps]}, weights, [ref])[ref], expected)
