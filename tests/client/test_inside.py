"""Layers and cells inside a layer: into messages, back into Python, and out to files and in again."""

import pytest

import lamina as lm
from lamina import cells, files, layers
from lamina.v1 import layers_pb2, recurrent_pb2

CELLS = [lm.LSTMCell(4), lm.GRUCell(3, "relu", reset_after=False)]
INSIDE = {
    'RNN([LSTMCell(4), GRUCell(3, activation="relu", reset_after=False)], return_sequences=True)': lm.RNN(CELLS, True),
    "RNN([SimpleRNNCell(2)])": lm.RNN(lm.SimpleRNNCell(2)),
    'Bidirectional(LSTM(4, num_layers=2), name="both")': lm.Bidirectional(lm.LSTM(4, num_layers=2), name="both"),
    'Bidirectional(GRU(4), merge_mode="none", backward_layer=SimpleRNN(3, go_backwards=True))': lm.Bidirectional(
        lm.GRU(4), None, lm.SimpleRNN(3, go_backwards=True)
    ),
    'Bidirectional(ConvLSTM2D(3, 2, padding=((1, 1), (0, 1))), merge_mode="ave")': lm.Bidirectional(
        lm.ConvLSTM2D(3, 2, padding=((1, 1), (0, 1))), "ave"
    ),
    "Bidirectional(RNN([LSTMCell(4)]))": lm.Bidirectional(lm.RNN([lm.LSTMCell(4)])),
}
every = pytest.mark.parametrize(("text", "layer"), INSIDE.items(), ids=list(INSIDE))


@every
def test_repr_is_the_call_that_makes_it(text: str, layer: lm.Layer) -> None:
    assert repr(layer) == text
    assert eval(text, {name: getattr(lm, name) for name in [*layers.__all__, *cells.__all__]}) == layer


@every
def test_what_is_dumped_is_loaded_again(text: str, layer: lm.Layer) -> None:
    stack = lm.Stack([lm.Input((5, 3)), layer])
    written = files.dump(stack)
    assert files.parse(written) == stack
    assert f"- {layer.class_name}: {{" in written, "in the words of its constructor"
    assert lm.Stack.from_json(stack.to_json()) == stack


def test_cells_are_one_or_several() -> None:
    assert lm.RNN(CELLS[0]) == lm.RNN([CELLS[0]]) == lm.RNN((CELLS[0],))
    assert lm.RNN(lm.StackedRNNCells(CELLS)) == lm.RNN(CELLS)
    assert [cell.WhichOneof("cell") for cell in lm.RNN(CELLS).proto.rnn.cells] == ["lstm_cell", "gru_cell"]


def test_merge_mode_none_is_keras_none_and_concat_is_the_default() -> None:
    modes = {mode: lm.Bidirectional(lm.LSTM(4), mode).proto.bidirectional for mode in ("concat", "none", None, "mul")}
    assert not modes["concat"].HasField("merge_mode") and modes["none"] == modes[None]
    assert modes[None].merge_mode == recurrent_pb2.MERGE_MODE_NONE
    assert modes["mul"].merge_mode == recurrent_pb2.MERGE_MODE_MUL


@pytest.mark.parametrize(
    ("written", "layer"),
    [
        ("Bidirectional: {layer: {LSTM: 4}}", lm.Bidirectional(lm.LSTM(4))),
        ("Bidirectional: [{LSTM: {units: 4, return_sequences: true}}, sum]",
         lm.Bidirectional(lm.LSTM(4, return_sequences=True), "sum")),
        ("Bidirectional: {layer: {lstm: {units: 4}}}", lm.Bidirectional(lm.LSTM(4))),
        ("Bidirectional: {layer: {LSTM: 4}, merge_mode: null}", lm.Bidirectional(lm.LSTM(4), None)),
        ("Bidirectional: {layer: {RNN: [{GRUCell: 3}]}}", lm.Bidirectional(lm.RNN([lm.GRUCell(3)]))),
        ("RNN: {cells: {LSTMCell: 4}}", lm.RNN(lm.LSTMCell(4))),
        ("RNN: [{LSTMCell: 4}, {GRUCell: [3, relu]}]", lm.RNN([lm.LSTMCell(4), lm.GRUCell(3, "relu")])),
        ("RNN: {cells: [{lstm_cell: {units: 4}}], return_state: true}", lm.RNN([lm.LSTMCell(4)], return_state=True)),
    ],
)  # fmt: skip
def test_files_name_constructors_or_fields(written: str, layer: lm.Layer) -> None:
    assert files.parse(f"layers: [{{{written}}}]").layers == (layer,)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Bidirectional: {layer: {Dense: 4}}", "layer takes a SimpleRNN or LSTM or GRU or RNN or ConvLSTM; a Dense"),
        ("Bidirectional: {layer: {LSTN: 4}}", "there is no layer 'LSTN'. Did you mean 'LSTM'?"),
        ("Bidirectional: {layer: {LSTM: {units: 4, name: a}}}", "a layer inside another, which has no name of its own"),
        ("Bidirectional: {layer: 4}", "a layer reads, for example"),
        ("Bidirectional: {layer: {LSTM: {unit: 4}}}", "LSTM has no option 'unit'"),
        ("Bidirectional: {}", "Bidirectional needs layer"),
        ("Bidirectional: {layer: {LSTM: 4}, merge_mode: add}", "merge_mode knows no value 'add'"),
        ("RNN: {cells: [{LSTM: 4}]}", "cells[0].LSTM is no option of RecurrentCell"),
        ("RNN: {cells: [{LSTMCell: 4.5}]}", "LSTMCell: units takes a whole number"),
        ("LSTMCell: 4", "there is no layer 'LSTMCell'"),
    ],
)  # fmt: skip
def test_files_say_what_is_wrong_inside(written: str, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        files.parse(f"layers: [{{{written}}}]")
    assert said in caught.value.message


@pytest.mark.parametrize(
    "make",
    [
        lambda: lm.Bidirectional(lm.Dense(3)),
        lambda: lm.Bidirectional(lm.LSTM(3, inputs="x")),
        lambda: lm.Bidirectional(lm.LSTM(3, expect=(None, 3))),
        lambda: lm.Bidirectional(lm.LSTM(3, weights={"kernel": [[1.0]]})),
        lambda: lm.Bidirectional(lm.Layer(layers_pb2.Layer())),
        lambda: lm.Bidirectional(lm.LSTMCell(3)),  # type: ignore[arg-type]
        lambda: lm.RNN([lm.LSTM(3)]),  # type: ignore[list-item]
        lambda: lm.RNN(3),  # type: ignore[arg-type]
        lambda: lm.RNN("lstm"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_stand_inside_is_refused(make: object) -> None:
    with pytest.raises(lm.InvalidArgumentError):
        make()  # type: ignore[operator]


def test_a_message_that_holds_nothing_reads_too() -> None:
    layer = lm.Layer(layers_pb2.Layer(bidirectional={"layer": {}}))
    assert repr(layer) == "Bidirectional(RecurrentLayer())"
    stack = lm.Stack([layer])
    assert files.parse(files.dump(stack)) == stack
