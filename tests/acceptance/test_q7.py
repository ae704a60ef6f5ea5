"""Show me the activations: every layer's output by name, in one call, equal to Keras' on the same weights."""

import os
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

import lamina as lm
from lamina.activations import ActivationName
from tests.support import require

# float32 sums of a few hundred products of numbers around 1, taken in another order, through seven layers; absolutely
# where they cancel.
RELATIVE, ABSOLUTE = 1e-4, 1e-5

SIGNAL = lm.Stack(
    [
        lm.Input((128, 9), name="signal"),
        lm.Conv1D(16, 10, activation="relu", name="relu1"),
        lm.MaxPooling1D(2, name="pool1"),
        lm.Conv1D(8, 5, strides=2, padding="same", activation="relu", name="relu2"),
        lm.BatchNormalization(name="norm"),
        lm.GlobalAveragePooling1D(name="mean"),
        lm.Dense(6, activation="softmax", name="probabilities"),
    ]
)
IMAGE = lm.Stack(
    [
        lm.Input((20, 17, 3), name="image"),
        lm.Conv2D(8, 3, padding="same", activation="relu", name="relu1"),
        lm.MaxPooling2D(2, padding="same", name="pool1"),
        lm.DepthwiseConv2D(3, strides=2, padding="same", activation="relu", name="relu2"),
        lm.AveragePooling2D(2, name="pool2"),
        lm.Flatten(name="flat"),
        lm.Dense(5, activation="tanh", name="features"),
    ]
)


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    require("torch")
    return require("keras")


def kerass_layers(keras: ModuleType, stack: lm.Stack) -> list[Any]:
    """Keras' own layers, from the options that a stack spells out."""
    made = {
        "signal": [
            keras.Input((128, 9), name="signal"),
            keras.layers.Conv1D(16, 10, activation="relu", name="relu1"),
            keras.layers.MaxPooling1D(2, name="pool1"),
            keras.layers.Conv1D(8, 5, strides=2, padding="same", activation="relu", name="relu2"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling1D(name="mean"),
            keras.layers.Dense(6, activation="softmax", name="probabilities"),
        ],
        "image": [
            keras.Input((20, 17, 3), name="image"),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="relu1"),
            keras.layers.MaxPooling2D(2, padding="same", name="pool1"),
            keras.layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu", name="relu2"),
            keras.layers.AveragePooling2D(2, name="pool2"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(5, activation="tanh", name="features"),
        ],
    }
    return made[stack.names[0]]


def drawn(client: lm.Client, stack: lm.Stack) -> dict[str, np.ndarray[Any, Any]]:
    """Random weights for a stack: variances above 0, the others on both sides of it."""
    numbers = np.random.default_rng(3)
    return {
        weight.name: numbers.uniform(0.5 if "variance" in weight.name else -0.5, 1.0, weight.shape).astype("float32")
        for layer in client.trace(stack)
        for weight in layer.weights
    }


@pytest.mark.parametrize("stack", [SIGNAL, IMAGE], ids=["signal", "image"])
def test_every_layer_by_name_equals_keras(client: lm.Client, keras: ModuleType, stack: lm.Stack) -> None:
    weights = drawn(client, stack)
    first, *layers = kerass_layers(keras, stack)
    tensors = [first]
    for layer in layers:
        tensors.append(layer(tensors[-1]))
    for layer in layers:
        layer.set_weights([weights[f"{layer.name}/{weight.name}"] for weight in layer.weights])
    model = keras.Model(first, tensors)
    sample = np.random.default_rng(4).standard_normal((3, *model.inputs[0].shape[1:])).astype("float32")
    expected = dict(zip(stack.names, model(sample), strict=True))

    result = client.infer(stack, sample, fetch="*", weights=weights)
    assert set(result.fetched) == set(stack.names)
    for name in stack.names:
        theirs = keras.ops.convert_to_numpy(expected[name])
        assert result[name].shape == theirs.shape, name
        np.testing.assert_allclose(result[name], theirs, rtol=RELATIVE, atol=ABSOLUTE, err_msg=name)
        assert result.trace[name].output_shape == (None, *theirs.shape[1:])
    assert (result["relu1"] == 0).any()
    assert (result["relu1"] > 0).any()


def test_what_was_asked_for_comes_in_that_order_beside_the_output(client: lm.Client) -> None:
    x = np.random.default_rng(0).standard_normal((2, 128, 9))
    result = client.infer(SIGNAL, x, fetch=["relu2", "relu1"], seed=1)
    assert list(result.fetched) == ["relu2", "relu1"]
    assert list(result.outputs) == ["probabilities"]
    np.testing.assert_array_equal(result.output, client.infer(SIGNAL, x, seed=1).output)
    np.testing.assert_allclose(result.output.sum(axis=-1), 1, rtol=1e-6)
    with pytest.raises(lm.UnknownNameError, match="norm"):
        result["norm"]


@pytest.mark.parametrize("name", [name for name in get_args(ActivationName) if name not in ("softmin", "rrelu")])
def test_every_activation_function_equals_keras(client: lm.Client, keras: ModuleType, name: ActivationName) -> None:
    x = np.concatenate([np.linspace(-8, 8, 97), [0.0, -0.0, 3.0, -3.0, 30.0, -30.0]]).astype("float32").reshape(1, -1)
    stack = lm.Stack([lm.Input((x.shape[1],)), lm.Activation(name)])
    theirs = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.convert_to_tensor(x)))
    # Softmin and rrelu are PyTorch's alone. Approximations of exp and erf differ in their last two or three bits.
    np.testing.assert_allclose(client.infer(stack, x).output, theirs, rtol=2e-6, atol=1e-6)
