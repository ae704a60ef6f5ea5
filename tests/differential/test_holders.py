"""TimeDistributed and SpectralNormalization against Keras', and TimeDistributed against its layer, step by step."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.dims import symbol
from lamina_server.layers.activations.functions import Elu, Relu, Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.holders import Block, BlockName, SpectralNormalization, TimeDistributed
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.windows import PadPair
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from tests.differential.oracles import keras, keras_values, tensor
from tests.differential.support import (
    FIRST,
    LAST,
    LAYOUTS,
    Array,
    assert_close,
    both,
    drawn,
    normal,
    profile,
    run_stack,
    seeds,
    stack_of,
)

K = keras.layers
ANY = symbol("?")
# Convolutions and pools twice: what a model for each frame of a film, or each window of a signal, looks like.
CNN = (
    Node(Input((ANY, ANY, 2)), "in"),
    Node(Conv(3, (3, 3), padding="same", activation=Relu()), "conv"),
    Node(MaxPool((2, 2))),
    Node(BatchNormalization()),
    Node(GlobalAveragePool()),
    Node(Dense(4)),
)
BLOCKS = (NamedStack("cnn", Stack(CNN)),)


class Case(NamedTuple):
    """A layer inside, the shape of one step (channels last), and the same layer of Keras."""

    kind: Kind
    shape: tuple[int, ...]
    oracle: Callable[[], Any]


def _cnn() -> Any:
    layers = [
        K.Conv2D(3, 3, padding="same", activation="relu"), K.MaxPooling2D(2), K.BatchNormalization(),
        K.GlobalAveragePooling2D(), K.Dense(4),
    ]  # fmt: skip
    for layer in layers:
        layer.dtype_policy = keras.DTypePolicy("float64")
    return keras.Sequential(layers)


CASES = {
    "dense": Case(Dense(3, Softmax()), (4,), lambda: K.Dense(3, "softmax")),
    "dense of an image": Case(Dense(3), (4, 5, 2), lambda: K.Dense(3)),
    "conv1d": Case(Conv(3, (2,), (2,), "same"), (7, 4), lambda: K.Conv1D(3, 2, 2, "same")),
    "conv2d": Case(Conv(3, (2, 3), activation=Elu()), (5, 6, 2), lambda: K.Conv2D(3, (2, 3), activation="elu")),
    "conv3d": Case(Conv(2, (2, 2, 2)), (3, 4, 3, 2), lambda: K.Conv3D(2, 2)),
    "depthwise": Case(DepthwiseConv((3, 2)), (5, 6, 2), lambda: K.DepthwiseConv2D((3, 2))),
    "max pool": Case(MaxPool((2, 2)), (5, 6, 2), lambda: K.MaxPooling2D(2)),
    "average pool": Case(AveragePool((3,), (1,), "same"), (7, 4), lambda: K.AveragePooling1D(3, 1, "same")),
    "global pool": Case(GlobalMaxPool(), (5, 6, 2), lambda: K.GlobalMaxPooling2D()),
    "flatten": Case(Flatten(), (5, 6, 2), lambda: K.Flatten()),
    "reshape": Case(Reshape((-1, 6)), (4, 3), lambda: K.Reshape((-1, 6))),
    "permute": Case(Permute((2, 1)), (4, 3), lambda: K.Permute((2, 1))),
    "repeat": Case(RepeatVector(3), (4,), lambda: K.RepeatVector(3)),
    "zeros": Case(ZeroPadding((PadPair(1, 2),)), (4, 3), lambda: K.ZeroPadding1D((1, 2))),
    "dropout": Case(Dropout(0.5), (4, 3), lambda: K.Dropout(0.5)),
    "softmax": Case(Activation(Softmax()), (4, 3), lambda: K.Activation("softmax")),
    "normalization": Case(BatchNormalization(), (4, 3), lambda: K.BatchNormalization()),
    "lstm": Case(LSTM(3), (7, 4), lambda: K.LSTM(3)),
    "lstm sequences": Case(LSTM(3, return_sequences=True), (7, 4), lambda: K.LSTM(3, return_sequences=True)),
    "cnn": Case(Block(BlockName("cnn")), (5, 6, 2), _cnn),
    "steps of steps": Case(
        TimeDistributed(Node(Dense(3))), (4, 5), lambda: K.TimeDistributed(K.Dense(3, dtype="float64"), dtype="float64")
    ),
    "cnn of steps": Case(
        TimeDistributed(Node(Block(BlockName("cnn")))), (2, 5, 6, 2), lambda: K.TimeDistributed(_cnn(), dtype="float64")
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def holding(kind: Kind, shape: Sequence[int], symbolic: Collection[int] = (), layout: Any = LAST) -> Stack:
    made = stack_of(kind, [shape], layout, symbolic)
    return Stack(made.nodes, layout, blocks=BLOCKS)


def result(stack: Stack, x: Array, weights: Mapping[str, Array]) -> Array:
    return run_stack(stack, {"x0": x}, weights, ["layer"])["layer"]


def of_keras(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    """What Keras gives; its weights are those of the trace, in order."""
    layer.dtype_policy = keras.DTypePolicy("float64")
    inner = getattr(layer, "layer", None)
    if inner is not None:
        inner.dtype_policy = keras.DTypePolicy("float64")
    given = tensor(x)
    layer.build(tuple(given.shape))
    assert [tuple(v.shape) for v in layer.weights] == [w.shape for w in weights.values()]
    for variable, value in zip(layer.weights, weights.values(), strict=True):
        variable.assign(value.astype(np.float64))
    return layer(given).detach().numpy()  # type: ignore[no-any-return]


@every_case
@pytest.mark.parametrize("batch", [1, 3])
def test_each_step_as_keras_and_as_the_layer_alone(case: Case, batch: int) -> None:
    def check(symbolic: Collection[int]) -> None:
        kind = TimeDistributed(Node(case.kind))
        for steps in (1, 4):
            x = normal(steps, batch, steps, *case.shape)
            stack = holding(kind, x.shape[1:], symbolic)
            weights = drawn(trace(stack), steps)
            found = result(stack, x, weights)
            assert_close(found, of_keras(K.TimeDistributed(case.oracle()), x, weights))
            own = {f"layer/{name.split('/', 2)[2]}": value for name, value in weights.items()}
            alone = holding(case.kind, case.shape)
            np.testing.assert_allclose(
                found, np.stack([result(alone, x[:, i], own) for i in range(steps)], 1), rtol=1e-5, atol=1e-6
            )

    both(check, (0,))


@pytest.mark.parametrize("name", ["conv2d", "cnn", "lstm", "steps of steps", "flatten", "global pool"])
def test_symbols_at_every_axis_that_can_have_one(name: str) -> None:
    case = CASES[name]
    axes = {"flatten": (0,), "steps of steps": (0, 1), "lstm": (0, 1)}.get(name, (0, 1, 2))
    x = normal(1, 2, 4, *case.shape)
    kind = TimeDistributed(Node(case.kind))
    weights = drawn(trace(holding(kind, x.shape[1:])), 2)
    assert_close(result(holding(kind, x.shape[1:], axes), x, weights), result(holding(kind, x.shape[1:]), x, weights))


@profile
@given(st.data(), seeds, st.sampled_from(LAYOUTS), st.integers(1, 3))
def test_convolutions_in_either_layout(data: st.DataObject, seed: int, layout: Any, steps: int) -> None:
    """The channels of a step stand where the stack's layout says, behind the steps."""
    rank = data.draw(st.integers(1, 2))
    sizes = data.draw(st.tuples(*[st.integers(3, 6)] * rank))
    kernel = data.draw(st.tuples(*[st.integers(1, 3)] * rank))
    conv, channels = (
        Conv(2, kernel, padding=data.draw(st.sampled_from(["same", "valid"]))),
        data.draw(st.integers(1, 3)),
    )
    x = normal(seed, 2, steps, *sizes, channels)
    laid = x if layout is LAST else np.moveaxis(x, -1, 2)
    stack = holding(TimeDistributed(Node(conv)), laid.shape[1:], layout=layout)
    weights = drawn(trace(stack), seed)
    found = result(stack, laid, weights)
    wanted = result(holding(TimeDistributed(Node(conv)), x.shape[1:]), x, weights)
    assert_close(found if layout is LAST else np.moveaxis(found, 2, -1), wanted)
    assert layout is LAST or trace(stack).specs["layer"].shape[2] == 2


@pytest.mark.parametrize(
    ("kind", "shape", "oracle"),
    [
        (Dense(3), (4,), lambda: K.Dense(3)),
        (Conv(3, (2,), use_bias=False), (7, 4), lambda: K.Conv1D(3, 2, use_bias=False)),
        (Conv(3, (2, 3), padding="same"), (5, 6, 2), lambda: K.Conv2D(3, (2, 3), padding="same")),
        (Conv(3, (2,)), (4, 7), lambda: K.Conv1D(3, 2, data_format="channels_first")),
    ],
)
def test_spectral_normalization(kind: Kind, shape: tuple[int, ...], oracle: Callable[[], Any]) -> None:
    layout = FIRST if shape == (4, 7) else LAST
    x = normal(3, 2, *shape)
    stack = holding(SpectralNormalization(Node(kind)), shape, layout=layout)
    weights = drawn(trace(stack), 5)
    inside = oracle()
    inside.dtype_policy = keras.DTypePolicy("float64")
    layer = K.SpectralNormalization(inside, power_iterations=2, dtype="float64")
    (wanted,) = keras_values(layer, [x], {name.rpartition("/")[2]: value for name, value in weights.items()})
    assert_close(result(stack, x, weights), wanted)
    assert trace(stack).layer("layer").params == layer.count_params()


def test_spectral_normalization_stores_the_divided_kernel() -> None:
    """What training leaves in Keras' layer is what inference uses: nothing is divided again."""
    layer = K.SpectralNormalization(K.Dense(3, dtype="float64"), power_iterations=200, dtype="float64")
    x = normal(1, 5, 4)
    layer(tensor(x), training=True)
    values = {variable.name: variable.numpy() for variable in layer.weights}
    names = {"kernel": "layer/dense/kernel", "bias": "layer/dense/bias", "vector_u": "layer/vector_u"}
    weights = {names[name]: value.astype(np.float32) for name, value in values.items()}
    found = result(holding(SpectralNormalization(Node(Dense(3))), (4,)), x, weights)
    assert_close(found, layer(tensor(x)).detach())
    assert np.linalg.svd(values["kernel"])[1][0] == pytest.approx(1, abs=0.01)  # Keras draws another kernel every time
