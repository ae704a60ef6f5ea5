"""What recurrent layers refuse: the reason, the field, and the essence of what is said."""

from collections.abc import Sequence
from typing import Any

import pytest

from lamina.v1 import layers_pb2
from lamina_server.dims import symbol
from lamina_server.errors import StackError
from lamina_server.layers.activations.functions import Elu, Softmax
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell, SimpleRNNCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack

S, F = symbol("S"), symbol("F")
BACK = SimpleRNN(4, go_backwards=True)


def refused(kind: Kind, shapes: Sequence[Any], dtypes: Sequence[DType] = ()) -> StackError:
    names = [f"x{i}" for i in range(len(shapes))]
    types = dtypes or [DType.FLOAT32] * len(shapes)
    inputs = [Node(Input(shape, dtype), name) for name, shape, dtype in zip(names, shapes, types, strict=True)]
    with pytest.raises(StackError) as caught:
        trace(Stack((*inputs, Node(kind, "it", tuple(names)))))
    assert caught.value.message.startswith(f"it ({kind.title}) ")
    return caught.value


@pytest.mark.parametrize(
    ("kind", "shapes", "reason", "field", "essence"),
    [
        (LSTM(4), [(5,)], "RANK_MISMATCH", "lstm", "needs batch, steps, features. It gets batch, 5: one axis"),
        (GRU(4), [(5, 6, 7)], "RANK_MISMATCH", "gru", "one axis is too many"),
        (GRU(4), [(5, F)], "SYMBOLIC_SIZE", "gru", "needs a number for features"),
        (LSTM(0), [(5, 3)], "OUT_OF_RANGE", "lstm.units", "has units=0; it must be 1 or more"),
        (SimpleRNN(4, num_layers=65), [(5, 3)], "OUT_OF_RANGE", "simple_rnn.num_layers", "from 1 to 64"),
        (LSTM(4, proj_size=0), [(5, 3)], "OUT_OF_RANGE", "lstm.proj_size", "proj_size=0"),
        (LSTM(4, dropout=1.5), [(5, 3)], "OUT_OF_RANGE", "lstm.dropout", "from 0 to 1"),
        (LSTM(4, stateful=True), [(5, 3)], "UNSUPPORTED", "lstm.stateful", "set return_state=True, and feed"),
        (LSTM(4, Softmax(2)), [(5, 3)], "BAD_AXIS", "lstm.activation.softmax.axis", "axis is 2"),
        (GRU(4, Elu(), Elu(float("inf"))), [(5, 3)], "OUT_OF_RANGE", "gru.recurrent_activation.elu.alpha", "alpha=inf"),
        (LSTM(4), [(5, 3), (4,)], "INPUT_COUNT", "inputs", "2 states to begin with (state_h, state_c), but 1 is given"),
        (GRU(4), [(5, 3), (4,), (4,)], "INPUT_COUNT", "inputs", "1 state to begin with (state_h), but 2 are given"),
        (LSTM(4, num_layers=2), [(5, 3)] + [(4,)] * 3, "INPUT_COUNT", "inputs", "l0/state_h, l0/state_c, l1/state_h"),
        (GRU(4), [(5, 3), (5,)], "SIZE_MISMATCH", "inputs", "begins with state_h (batch, 4), but x1 is batch, 5"),
        (GRU(4), [(5, 3), (2, 4)], "RANK_MISMATCH", "inputs", "begins with state_h (batch, 4), but x1 is batch, 2"),
        (GRU(4), [(5, 3), (S,)], "SYMBOLIC_SIZE", "gru", "number for state_h's features, of which the state has 4"),
        (RNN(()), [(5, 3)], "OUT_OF_RANGE", "rnn.cells", "has 0 cells; there must be 1 to 64"),
        (RNN((LSTMCell(1),) * 65), [(5, 3)], "OUT_OF_RANGE", "rnn.cells", "has 65 cells"),
        (RNN((GRUCell(3), LSTMCell(0))), [(5, 3)], "OUT_OF_RANGE", "rnn.cells[1].lstm_cell.units",
         "has cells[1], which has units=0"),
        (RNN((GRUCell(3), SimpleRNNCell(2, Softmax(0)))), [(5, 3)], "BAD_AXIS",
         "rnn.cells[1].simple_rnn_cell.activation.softmax.axis", "the batch axis is never touched"),
        (Bidirectional(LSTM(0)), [(5, 3)], "OUT_OF_RANGE", "bidirectional.layer.lstm.units", "has layer, which"),
        (Bidirectional(GRU(4, Softmax(5))), [(5, 3)], "BAD_AXIS",
         "bidirectional.layer.gru.activation.softmax.axis", "5"),
        (Bidirectional(RNN((GRUCell(0),))), [(5, 3)], "OUT_OF_RANGE", "bidirectional.layer.rnn.cells[0].gru_cell.units",
         "has layer, which has cells[0], which has units=0"),
        (Bidirectional(LSTM(4, stateful=True)), [(5, 3)], "UNSUPPORTED", "bidirectional.layer.lstm.stateful", ""),
        (Bidirectional(LSTM(4), backward_layer=LSTM(4)), [(5, 3)], "UNSUPPORTED", "bidirectional.backward_layer",
         "both layers have go_backwards=False; one must read forwards and the other backwards"),
        (Bidirectional(LSTM(4, return_state=True), backward_layer=BACK), [(5, 3)], "UNSUPPORTED",
         "bidirectional.backward_layer", "layer has return_state=True and backward_layer return_state=False"),
        (Bidirectional(LSTM(4, num_layers=2), backward_layer=BACK), [(5, 3)], "UNSUPPORTED",
         "bidirectional.backward_layer", "layer has num_layers=2 and backward_layer 1"),
        (Bidirectional(LSTM(4), backward_layer=ConvLSTM(4, (1,), go_backwards=True)), [(5, 3)], "UNSUPPORTED",
         "bidirectional.backward_layer", "take other axes"),
        (Bidirectional(LSTM(3), Merge.SUM, BACK), [(5, 3)], "SIZE_MISMATCH", "bidirectional.backward_layer",
         'has merge_mode="sum", but one direction gives batch, 3 and the other batch, 4'),
        (Bidirectional(LSTM(4)), [(5, 3), (4,), (4,)], "INPUT_COUNT", "inputs", "the sequence alone, or with it 4"),
        (ConvLSTM(2, (3, 3)), [(5, 8, 9)], "RANK_MISMATCH", "conv_lstm", "needs batch, steps, height, width, channels"),
        (ConvLSTM(2, (3, 3)), [(4, 2, 8, 1)], "WINDOW_TOO_LONG", "conv_lstm.kernel_size", "longer than the height 2"),
        (Bidirectional(ConvLSTM(2, (3, 3))), [(4, 2, 8, 1)], "WINDOW_TOO_LONG",
         "bidirectional.layer.conv_lstm.kernel_size", "longer than the height 2"),
        (ConvLSTM(2, (3,), padding="causal"), [(4, 8, 1)], "BAD_PADDING", "conv_lstm.padding", "causal"),
        (ConvLSTM(2, (1, 1, 1, 1)), [(4, 8, 1)], "BAD_RANK", "conv_lstm.kernel_size", "a window has 1, 2 or 3"),
        (ConvLSTM(2, (3, 3), (1,)), [(4, 8, 8, 1)], "LENGTH_MISMATCH", "conv_lstm.strides", "strides has 1 number"),
        (ConvLSTM(2, (3,)), [(4, 8, F)], "SYMBOLIC_SIZE", "conv_lstm", "needs a number for channels"),
        (ConvLSTM(2, (3,), padding="same"), [(4, 8, 1), (8, 2), (7, 2)], "SIZE_MISMATCH", "inputs", "with state_c"),
    ],
)  # fmt: skip
def test_refusals(kind: Kind, shapes: Sequence[Any], reason: str, field: str, essence: str) -> None:
    error = refused(kind, shapes)
    assert error.reason == reason, error.message
    assert error.field.endswith(f".{field}"), error.field
    assert essence in error.message


def test_states_have_the_type_of_the_sequence() -> None:
    error = refused(GRU(4), [(5, 3), (4,)], [DType.FLOAT32, DType.FLOAT64])
    assert error.reason == "DTYPE_MISMATCH" and 'Cast("float32") behind x1' in error.message
    assert refused(GRU(4), [(5, 3)], [DType.INT64]).reason == "DTYPE_MISMATCH"


@pytest.mark.parametrize(
    ("kind", "reason", "field"),
    [
        ({"rnn": {}}, "MISSING_FIELD", "rnn.cells"),
        ({"rnn": {"cells": [{}]}}, "EMPTY_UNION", "rnn.cells[0]"),
        ({"rnn": {"cells": [{"gru_cell": {}}]}}, "MISSING_FIELD", "rnn.cells[0].gru_cell.units"),
        ({"bidirectional": {}}, "MISSING_FIELD", "bidirectional.layer"),
        ({"bidirectional": {"layer": {}}}, "EMPTY_UNION", "bidirectional.layer"),
        ({"bidirectional": {"layer": {"lstm": {}}}}, "MISSING_FIELD", "bidirectional.layer.lstm.units"),
        ({"bidirectional": {"layer": {"lstm": {"units": 3}}, "merge_mode": 9}}, "UNKNOWN_ENUM_VALUE",
         "bidirectional.merge_mode"),
    ],
)  # fmt: skip
def test_messages_that_say_too_little(kind: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(StackError) as caught:
        decode_stack(layers_pb2.Stack(layers=[layers_pb2.Layer(**kind)]))
    assert caught.value.reason == reason and caught.value.field == f"stack.layers[0].{field}"


def test_an_unspecified_merge_mode_is_the_default() -> None:
    message = layers_pb2.Layer(bidirectional={"layer": {"lstm": {"units": 3}}, "merge_mode": 0})
    assert message.bidirectional.HasField("merge_mode")
    assert decode_stack(layers_pb2.Stack(layers=[message])).nodes[0].kind == Bidirectional(LSTM(3))


@pytest.mark.parametrize(
    "kind",
    [
        LSTM(2**31 - 1), GRU(10**6, num_layers=64), RNN((LSTMCell(10**6),) * 64),
        Bidirectional(LSTM(10**5, num_layers=9)),
        ConvLSTM(2**31 - 1, (1,)), ConvLSTM(2, (2**31 - 1,), padding="same"), LSTM(4, proj_size=2**31 - 1),
    ],
    ids=lambda kind: str(kind)[:40],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused_before_anything_is_built(kind: Kind) -> None:
    with pytest.raises(Exception, match="admits"):
        trace(Stack((Node(Input((5, 4, 3) if isinstance(kind, ConvLSTM) else (5, 3))), Node(kind))), Limits())
