"""What layers with a mask as a second input refuse of it, and what they say."""

import pytest

from lamina_server.dims import Size
from lamina_server.errors import StackError
from lamina_server.layers.activations.as_layers import as_layer
from lamina_server.layers.activations.functions import Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.pooling.pools import GlobalAveragePool, GlobalMaxPool
from lamina_server.layers.recurrent.bidirectional import Bidirectional
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.rnn import GRU, LSTM
from lamina_server.layers.tensors import DType
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract import words

Shape = tuple[Size, ...]
SOFTMAX, MEAN = as_layer(Softmax()), GlobalAveragePool()
BOOL = DType.BOOL


@pytest.mark.parametrize(
    ("kind", "shapes", "last", "reason", "said"),
    [
        (SOFTMAX, [(7, 5), (7, 5)], DType.INT32, "DTYPE_MISMATCH",
         'takes bool, but x1 is int32: put Cast("bool") before it'),
        (SOFTMAX, [(7, 5), (7, 4)], BOOL, "SIZE_MISMATCH", "masks element by element, so channels must agree"),
        (SOFTMAX, [(7, 1), (7, 5)], BOOL, "SIZE_MISMATCH",
         "takes a mask whose sizes are its input's or 1: x0 is batch, 7 steps, 1 channel, x1 is batch, 7"),
        (SOFTMAX, [(5,), (7, 5)], BOOL, "SIZE_MISMATCH", "takes a mask whose sizes are its input's or 1"),
        (SOFTMAX, [(7, 5)] * 3, BOOL, "INPUT_COUNT", "takes 1 or 2 inputs, but 3 are given"),
        (MEAN, [(7, 5), (7,)], DType.FLOAT32, "DTYPE_MISMATCH", 'takes bool, but x1 is float32: put Cast("bool")'),
        (MEAN, [(7, 5), (5,)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7), but x1 is batch, 5"),
        (MEAN, [(7, 5), (7, 1)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7), but x1 is batch, 7"),
        (MEAN, [(3, 7, 5), (7, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 3, 7), but x1 is"),
        (LSTM(3), [(7, 5), (5,)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7), but x1 is batch, 5"),
        (GRU(3), [(7, 5), (7, 5)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7), but x1 is batch, 7"),
        (GRU(3), [(7, 5), (7,)], DType.INT64, "DTYPE_MISMATCH",
         'takes a mask of bool, but x1 is int64: put Cast("bool") before it'),
        (LSTM(3), [(7, 5), (3,), (7,)], BOOL, "INPUT_COUNT",
         "2 states to begin with (state_h, state_c), but 1 is given"),
        (Bidirectional(GRU(3)), [(7, 5), (6,)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7)"),
        (ConvLSTM(3, (2,)), [(7, 4, 5), (4,)], BOOL, "SIZE_MISMATCH", "takes a mask of shape (batch, 7)"),
        (LSTM(3), [(7, 5)], BOOL, "DTYPE_MISMATCH",
         'takes floating-point numbers, but x0 is bool: put Cast("float32")'),
        (GlobalMaxPool(), [(7, 5), (7,)], BOOL, "INPUT_COUNT", "takes 1 input, but 2 are given"),
    ],
)  # fmt: skip
def test_refusals(kind: Kind, shapes: list[Shape], last: DType, reason: str, said: str) -> None:
    types = [DType.FLOAT32] * (len(shapes) - 1) + [last]
    inputs = [Node(Input(shape, dtype), f"x{i}") for i, (shape, dtype) in enumerate(zip(shapes, types, strict=True))]
    with pytest.raises(StackError) as caught:
        trace(Stack((*inputs, Node(kind, "layer", tuple(f"x{i}" for i in range(len(shapes)))))))
    text = caught.value.message
    assert caught.value.reason == reason and said in text
    assert text.startswith(f"layer ({kind.title}) ") and text.endswith(".") and not words.faults(text)


def test_one_mask_only() -> None:
    seen = [Node(Input((7,), BOOL), name) for name in ("a", "b")]
    with pytest.raises(StackError) as caught:
        trace(Stack((Node(Input((7, 5)), "x"), *seen, Node(LSTM(3), "layer", ("x", "a", "b")))))
    assert caught.value.reason == "INPUT_COUNT"
    assert caught.value.message == "layer (LSTM) takes one mask of bool, but a and b are of bool."
