"""What people fall for with activations, one test a trap: the numbers beside the oracles', and what Lamina says."""

import warnings

import numpy as np
import pytest

import lamina as lm
from lamina.v1 import activations_pb2, layers_pb2
from lamina_server.errors import StackError
from lamina_server.layers.activations.as_layers import FUNCTION_LAYERS, as_layer
from lamina_server.layers.activations.functions import Gelu, HardSigmoid, LeakyRelu, Softmax
from lamina_server.layers.core.basics import Activation
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import BATCH, assert_close, normal, refused, run


def test_trap_42_the_slope_of_a_leaky_relu_depends_on_who_writes_it() -> None:
    """Keras' layer 0.3, Keras' "leaky_relu" 0.2, PyTorch and ONNX 0.01: each is what it is called by that name."""
    x = normal(0, BATCH, 7, scale=3)
    found = trace(decode_stack(lm.Stack([lm.Input((7,)), lm.LeakyReLU(), lm.Activation("leaky_relu")]).proto))
    layer, option = (found.layers[i].node.kind for i in (1, 2))
    assert found.layers[1].summary == "LeakyReLU(negative_slope=0.3)"
    unset = layers_pb2.Layer(leaky_re_lu=activations_pb2.LeakyRelu())  # the message's default is the function's
    other = trace(decode_stack(layers_pb2.Stack(layers=[lm.Input((7,)).proto, unset])))
    assert other.layers[1].summary == "LeakyReLU(negative_slope=0.2)"
    assert_close(run(layer, x)[0], keras_values(keras.layers.LeakyReLU(dtype="float64"), [x])[0])
    assert_close(run(layer, x)[0], F.leaky_relu(tensor(x), 0.3))
    assert_close(run(option, x)[0], keras.activations.leaky_relu(tensor(x)))
    assert_close(run(option, x)[0], F.leaky_relu(tensor(x), 0.2))
    assert_close(run(as_layer(LeakyRelu(0.01)), x)[0], torch.nn.LeakyReLU()(tensor(x)))


def test_trap_43_the_slope_of_a_hard_sigmoid() -> None:
    """x / 6 + 0.5 as Keras 3 and PyTorch; Keras 2 and ONNX's default have 0.2 x + 0.5, up to 0.07 apart."""
    x = np.linspace(-4, 4, 81, dtype=np.float32)[None]
    (found,) = run(Activation(HardSigmoid()), x)
    assert_close(found, keras.activations.hard_sigmoid(tensor(x)))
    assert_close(found, F.hardsigmoid(tensor(x)))
    old = np.clip(0.2 * x + 0.5, 0, 1)
    assert 0.05 < abs(found - old).max() < 0.1


def test_trap_43_gelu_is_exact_unless_asked() -> None:
    """Keras' activation and PyTorch's default go by erf, keras.ops.gelu by tanh: 5e-4 apart."""
    x = np.linspace(-4, 4, 81, dtype=np.float32)[None]
    (exact,), (by_tanh,) = run(Activation(Gelu()), x), run(Activation(Gelu(approximate=True)), x)
    assert_close(exact, keras.activations.gelu(tensor(x)))
    assert_close(exact, torch.nn.GELU()(tensor(x)))
    assert_close(by_tanh, keras.ops.gelu(tensor(x)))
    assert_close(by_tanh, torch.nn.GELU("tanh")(tensor(x)))
    assert abs(exact - by_tanh).max() > 4e-4


def test_trap_44_softmax_goes_along_the_last_axis() -> None:
    """ONNX before opset 13 took all axes from 1 on together, and PyTorch without a dim takes the batch of 3 axes."""
    x = normal(0, 3, 4, 5)
    (found,) = run(as_layer(Softmax()), x)
    assert_close(found, keras_values(keras.layers.Softmax(dtype="float64"), [x])[0])
    assert_close(found, F.softmax(tensor(x), -1))
    flattened = F.softmax(tensor(x).flatten(1), -1).reshape(3, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_default = torch.nn.Softmax()(tensor(x))
    assert_close(by_default, F.softmax(tensor(x), 0))
    assert min(abs(found - flattened.numpy()).max(), abs(found - by_default.numpy()).max()) > 0.1
    assert_close(run(as_layer(Softmax(axes=(1, 2))), x)[0], flattened)
    assert_close(run(as_layer(Softmax(axes=(1, 2))), x)[0], keras_values(keras.layers.Softmax((1, 2)), [x])[0])
    assert refused(as_layer(Softmax(axis=0)), x) == "BAD_AXIS"


@pytest.mark.parametrize("kind", FUNCTION_LAYERS, ids=lambda kind: str(kind.__name__))
def test_a_layer_shows_what_it_was_called_with(kind: type[lm.Layer]) -> None:
    """A trace reads like what one writes, and its text, written again, makes the same layer."""
    for example in kind.examples():  # type: ignore[attr-defined]
        layer = example.layer
        written = f"{layer.title}({layer.text()})"
        made = lm.Stack([lm.Input((7, 5)), eval(written, {layer.title: getattr(lm, layer.title)})])
        try:
            (_, traced) = trace(decode_stack(made.proto)).layers
        except StackError as error:  # pragma: no cover - said with what was written
            pytest.fail(f"{written}: {error}")
        assert traced.node.kind == layer, written
