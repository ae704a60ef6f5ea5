"""What layers that normalise and scale refuse, and what they say then."""

import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.normalization.scaling import (
    LayerScale,
    LocalResponseNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.repair import repaired
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace

T = symbol("T")
Shape = tuple[Size, ...]


def refusal(kind: Kind, shape: Shape, dtype: DType = DType.FLOAT32) -> StackError:
    stack = Stack((Node(Input(shape, dtype), "x"), Node(kind, "it")))
    with pytest.raises(StackError) as caught:
        trace(stack)
    repaired(stack, caught.value.diagnosis, Limits())  # what it offers works
    return caught.value


@pytest.mark.parametrize(
    ("kind", "shape", "reason", "said"),
    [
        (LayerNormalization(), (), "RANK_MISMATCH", "needs at least batch, features. It gets batch"),
        (LayerNormalization((0,)), (4,), "BAD_AXIS", "axis is 0, but the batch axis is never touched"),
        (LayerNormalization((1, -1)), (4,), "BAD_AXIS", "axis is (1, -1): axis 1 is there twice"),
        (LayerNormalization((1, 2)), (T, 4), "SYMBOLIC_SIZE", "needs a number for steps, because it has weights for"),
        (LayerNormalization(epsilon=-1.0), (4,), "OUT_OF_RANGE", "has epsilon=-1.0; it must be 0 or more"),
        (GroupNormalization(), (6, 5), "NOT_DIVISIBLE", "has groups=32, which does not divide the 5 channels; 1, 5 do"),
        (GroupNormalization(0), (6,), "OUT_OF_RANGE", "has groups=0; it must be 1 or more, or -1"),
        (GroupNormalization(-2), (6,), "OUT_OF_RANGE", "has groups=-2; it must be -1 or more"),
        (GroupNormalization(4), (1,), "NOT_DIVISIBLE", "has groups=4, which does not divide the 1 channel; 1 does"),
        (GroupNormalization(2), (4, T), "SYMBOLIC_SIZE", "needs a number for channels, because it is cut into groups"),
        (InstanceNormalization(), (6,), "RANK_MISMATCH", "an axis over which to take statistics"),
        (InstanceNormalization(0), (6, 5), "BAD_AXIS", "axis is 0, but the batch axis is never touched"),
        (InstanceNormalization(scale=True), (6, T), "SYMBOLIC_SIZE", "needs a number for channels"),
        (RMSNormalization(), (T,), "SYMBOLIC_SIZE", "needs a number for features"),
        (RMSNormalization((5,)), (4,), "BAD_AXIS", "axis is 5, but the tensor has axes 0 to 1"),
        (UnitNormalization((1, 1)), (4,), "BAD_AXIS", "axis 1 is there twice"),
        (LocalResponseNormalization(0), (4, 5), "OUT_OF_RANGE", "has size=0; it must be 1 or more"),
        (LocalResponseNormalization(3), (4, T), "SYMBOLIC_SIZE", "needs a number for channels"),
        (LayerScale(), (T,), "SYMBOLIC_SIZE", "needs a number for features"),
        (LayerScale(), (), "RANK_MISMATCH", "needs at least batch, channels"),
        (LayerScale(float("nan")), (4,), "OUT_OF_RANGE", "has init_values=nan"),
        (BatchNormalization(), (4, T), "SYMBOLIC_SIZE", "needs a number for channels, because it keeps statistics"),
        (BatchNormalization(momentum=1.5), (4,), "OUT_OF_RANGE", "has momentum=1.5; it must be from 0 to 1"),
    ],
)
def test_what_does_not_fit(kind: Kind, shape: Shape, reason: str, said: str) -> None:
    found = refusal(kind, shape)
    assert found.reason == reason
    assert said in found.message


@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        (Rescaling((1.0, 2.0)), (4, 3), "has 2 numbers as scale; give one, or 3: one for each index of channels"),
        (
            Rescaling((1.0,), (1.0, 2.0)),
            (3,),
            "has 2 numbers as offset; give one, or 3: one for each index of features",
        ),
        (Rescaling((1.0, 2.0)), (), "has 2 numbers as scale; give one."),
        (Normalization(mean=(1.0,)), (4,), "has 1 number as mean and 0 as variance; give as many of both"),
        (
            Normalization((1, 2), (1.0, 2.0), (1.0, 2.0)),
            (4, 2),
            "give one, or 8: one for each index of steps and chann",
        ),
        (Normalization((), (1.0, 2.0), (1.0, 2.0), scalar=True), (2,), "has 2 numbers as mean; give one."),
    ],
)
def test_numbers_that_are_too_many_or_too_few(kind: Kind, shape: Shape, said: str) -> None:
    found = refusal(kind, shape)
    assert found.reason == "LENGTH_MISMATCH"
    assert said in found.message


def test_other_options() -> None:
    assert refusal(Normalization((1,), scalar=True), (4,)).reason == "BAD_AXIS"
    found = refusal(Normalization(mean=(1.0,), variance=(-1.0,)), (4,))
    assert "has variance=-1.0; it must be 0 or more" in found.message
    found = refusal(Rescaling((1.0, 2.0)), (4, T))
    assert "needs a number for channels, because scale has a number for each" in found.message
    for kind in (Rescaling((1.0,), dtype=DType.INT8), Normalization(scalar=True, dtype=DType.INT8)):
        found = refusal(kind, (4,))
        assert (found.reason, found.field.rpartition(".")[2]) == ("DTYPE_MISMATCH", "dtype")
        assert "has dtype=int8; its results are floating-point numbers" in found.message
    assert refusal(Rescaling((1.0,)), (4,), DType.BOOL).reason == "DTYPE_MISMATCH"
    assert refusal(LayerNormalization(), (4,), DType.INT32).reason == "DTYPE_MISMATCH"


def test_a_window_of_a_billion_channels_costs_nothing() -> None:
    """What lies beyond the channels is never built."""
    kind = LocalResponseNormalization(2**31 - 1)
    assert trace(Stack((Node(Input((4, 5))), Node(kind)))).layers[-1].done.spec.shape[1:] == (4, 5)
