"""What activations refuse, and what they say then."""

import pytest

import lamina as lm
from lamina.messages import function
from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.as_layers import GLU, PReLU, as_layer
from lamina_server.layers.activations.functions import (
    Celu,
    Elu,
    Function,
    HardShrink,
    HardTanh,
    LogSoftmax,
    Relu,
    RRelu,
    Softmax,
    Softmin,
    Softplus,
    SoftShrink,
    Sparsemax,
    Squareplus,
    Threshold,
)
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair import repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack

T = symbol("T")


def refusal(kind: Kind, *shape: Size, dtype: DType = DType.FLOAT32) -> StackError:
    stack = Stack((Node(Input(shape, dtype), "x"), Node(kind, "it")))
    with pytest.raises(StackError) as caught:
        trace(stack)
    repaired(stack, caught.value.diagnosis, Limits())  # what it offers works
    return caught.value


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (Relu(max_value=-1.0), "has max_value=-1.0; it must be 0 or more"),
        (Relu(-0.5), "has negative_slope=-0.5; it must be 0 or more"),
        (Relu(threshold=-1.0), "has threshold=-1.0; it must be 0 or more"),
        (HardTanh(2.0, 1.0), "has min_val=2, which is more than max_val=1"),
        (RRelu(0.5, 0.25), "has lower=0.5, which is more than upper=0.25"),
        (Celu(0.0), "has alpha=0; it must be another number"),
        (Softplus(0.0), "has beta=0; it must be another number"),
        (Celu(-1e-50), "has alpha=-1e-50; it must be a number that float32 can tell from 0"),
        (HardShrink(-1.0), "has threshold=-1.0; it must be 0 or more"),
        (SoftShrink(-1.0), "has threshold=-1.0; it must be 0 or more"),
        (Squareplus(-4.0), "has b=-4.0; it must be 0 or more"),
        (Threshold(float("nan"), 1.0), "has threshold=nan, which is not a number"),
        (Threshold(1.0, float("inf")), "has default_value=inf, which is not a number"),
        (Elu(1e300), "has alpha=1e+300; it must be from -3.40282e+38 to 3.40282e+38"),
    ],
    ids=str,
)
def test_options_out_of_range(function: Function, said: str) -> None:
    """The same words for a function as a layer and inside one, each with its own path."""
    option = said.split("=")[0].removeprefix("has ")
    layer, inside = as_layer(function), Dense(2, function)
    for kind, path in (
        (layer, f"stack.layers[1].{function.field}.{option}"),
        (inside, f"stack.layers[1].dense.activation.{function.name}.{option}"),
    ):
        found = refusal(kind, 4)
        assert found.reason == "OUT_OF_RANGE"
        assert found.message.startswith(f"it ({kind.title}) {said}")
        assert found.field == path


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (Softmax(0), "axis is 0, but the batch axis is never touched"),
        (LogSoftmax(3), "axis is 3, but the tensor has axes 0 to 2"),
        (Softmin(-4), "axis is -4, but the tensor has axes 0 to 2"),
        (Sparsemax(-3), "axis is -3, but the batch axis is never touched"),
        (Softmax(axes=(1, 3)), "axes is 3, but the tensor has axes 0 to 2"),
        (Softmax(axes=(1, -2)), "axes is (1, -2): axis 1 is there twice"),
        (Softmax(1, (1, 2)), "has axis=1 and axes=(1, 2); give one of them"),
    ],
    ids=str,
)
def test_axes_that_are_not_there(function: Function, said: str) -> None:
    for kind in (as_layer(function), Activation(function)):
        found = refusal(kind, 4, 5)
        assert found.reason == "BAD_AXIS"
        assert said in found.message


def test_halves_and_slopes() -> None:
    found = refusal(GLU(), 7, 5)
    assert (found.reason, found.field) == ("NOT_DIVISIBLE", "stack.layers[1].glu.axis")
    assert found.message == "it (GLU) halves channels, of which there are 5, an odd number; 6 would do."
    assert refusal(GLU(1), T, 4).message == "it (GLU) halves steps, but T need not be an even number; give a number."
    assert refusal(GLU(0), 4).reason == "BAD_AXIS"
    assert refusal(GLU(), 4, dtype=DType.INT32).reason == "DTYPE_MISMATCH"
    for axis in (0, -1, 3):
        found = refusal(PReLU((1, axis)), 4, 5)
        assert found.message == (
            f"it (PReLU) shared_axes holds {axis}; axes are counted from 1, behind the batch, here to 2."
        )
    found = refusal(PReLU(), T, 4)
    assert found.reason == "SYMBOLIC_SIZE"
    assert "it has a slope for each (shared_axes=(1,) needs none), but it is T" in found.message


@pytest.mark.parametrize("kind", [as_layer(Relu()), as_layer(Softmax()), PReLU(), GLU()])
def test_integers_are_cast_first(kind: Kind) -> None:
    found = refusal(kind, 4, dtype=DType.UINT8)
    assert found.reason == "DTYPE_MISMATCH"
    assert 'put Cast("float32") before it' in found.message


def test_a_function_without_its_numbers() -> None:
    half = function("threshold", {"threshold": 1.0})
    stack = lm.Stack([lm.Input((4,)), lm.Dense(2, activation=half)])
    with pytest.raises(StackError) as caught:
        decode_stack(stack.proto)
    assert caught.value.reason == "MISSING_FIELD"
    assert "activation.threshold has no default_value, which is required" in caught.value.message
