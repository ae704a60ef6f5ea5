"""The traps of recurrent layers, each with its number in the reference's list: values, and what Lamina says."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest

from lamina_server.errors import StackError
from lamina_server.explain import explain
from lamina_server.export import export
from lamina_server.layers.base import Kind
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.trace import trace
from tests.differential.oracles import tensor, torch
from tests.differential.support import BATCH, Array, drawn, normal, run, stack_of
from tests.differential.walking import by_keras, by_torch, from_torch, keras_of, numbers

SHAPE = (5, 3)
X = normal(1, BATCH, *SHAPE)
TORCH = {"RNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
CLOSE = 1e-6


def said(kind: Kind) -> str:
    return explain(trace(stack_of(kind, [SHAPE])).layers[-1])


def nodes(kind: Kind) -> tuple[list[onnx.NodeProto], dict[str, Array]]:
    """Nodes and constants of the exported model."""
    traced = trace(stack_of(kind, [SHAPE]))
    graph = onnx.ModelProto.FromString(export(traced, drawn(traced, 3), traced.outputs)).graph
    return list(graph.node), {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}


def far(a: Array, b: Any) -> float:
    return float(np.abs(a - np.asarray(b)).max())


def test_trap_07_a_sequence_without_its_batch_is_refused() -> None:
    """PyTorch takes (steps, features) and says nothing; an Input leaves the batch out, and one axis less is too few."""
    with torch.no_grad():
        assert torch.nn.LSTM(3, 4).double()(tensor(X[0]))[0].shape == (5, 4)
    with pytest.raises(StackError) as caught:
        trace(stack_of(LSTM(4), [(3,)]))
    assert caught.value.reason == "RANK_MISMATCH"
    assert "needs batch, steps, features. It gets batch, 3: one axis is missing." in caught.value.message


@pytest.mark.parametrize("mode", TORCH)
def test_trap_33_the_gates_of_torch_keras_and_onnx(mode: str) -> None:
    """LSTM: i, f, c, o in PyTorch and Keras, i, o, f, c in ONNX. GRU: r, z, n in PyTorch, z, r, h in the others."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, mode)(3, 4, batch_first=True)
    weights, kind = from_torch(theirs), TORCH[mode](4, return_sequences=True)
    (found,) = run(kind, X, weights=weights)
    assert far(found, by_torch(theirs, X, [])[0]) < CLOSE
    assert far(found, by_keras(keras_of(kind), X, [], weights)[0]) < CLOSE
    if mode == "GRU":  # PyTorch's order as it is gives other numbers
        swapped = {name: np.concatenate([np.split(w, 3, -1)[i] for i in (1, 0, 2)], -1) for name, w in weights.items()}
        assert far(run(kind, X, weights=swapped)[0], found) > 0.01


def test_trap_33_the_gates_in_the_exported_model() -> None:
    for kind, order in ((LSTM(4), (0, 3, 1, 2)), (GRU(4), (0, 1, 2))):
        traced = trace(stack_of(kind, [SHAPE]))
        kernel = np.split(drawn(traced, 3)["layer/kernel"], len(order), -1)
        written = nodes(kind)[1]["layer/kernel"]
        np.testing.assert_array_equal(written, np.concatenate([kernel[i] for i in order], -1).T[None])


def test_trap_34_the_reset_gate_of_a_gru() -> None:
    """reset_after is linear_before_reset=1 and PyTorch's only GRU; the other one is Keras', and PyTorch lacks it."""
    torch.manual_seed(0)
    theirs = torch.nn.GRU(3, 4, batch_first=True, bias=False)
    weights = from_torch(theirs)
    after, before = (GRU(4, use_bias=False, reset_after=flag) for flag in (True, False))
    found = {kind: run(kind, X, weights=weights)[0] for kind in (after, before)}
    by_theirs = by_torch(theirs, X, [])[0][:, -1]
    assert far(found[after], by_theirs) < CLOSE < 0.001 < far(found[before], by_theirs)
    for kind, values in found.items():
        assert far(values, by_keras(keras_of(kind), X, [], weights)[0]) < CLOSE
    assert GRU(4).reset_after and GRUCell(4).reset_after, "as Keras 3"
    assert "PyTorch has no such GRU" in said(before) and "PyTorch" not in said(after)


def test_trap_34_the_two_biases_of_a_gru_are_not_one() -> None:
    """Behind the reset gate the second bias is multiplied, so that adding it to the first gives other numbers."""
    kind = GRU(4)
    weights = numbers(kind, X, 5)
    added = {**weights, "bias": np.stack([weights["bias"].sum(0), np.zeros(12, np.float32)])}
    assert far(run(kind, X, weights=weights)[0], run(kind, X, weights=added)[0]) > 0.01


@pytest.mark.parametrize("kind", [GRU(4), Bidirectional(GRU(4)), RNN((GRUCell(4),)), GRU(4, num_layers=2)])
def test_trap_35_linear_before_reset_is_always_written(kind: Any) -> None:
    """ONNX Runtime's CUDA side sees only what is written: an omitted 0 may run as 1."""
    for flag in (True, False):
        if isinstance(kind, Bidirectional):
            changed: Kind = replace(kind, layer=replace(kind.layer, reset_after=flag))
        elif isinstance(kind, RNN):
            changed = RNN((GRUCell(4, reset_after=flag),))
        else:
            changed = replace(kind, reset_after=flag)
        operators = [node for node in nodes(changed)[0] if node.op_type == "GRU"]
        assert operators
        for node in operators:
            assert [a.i for a in node.attribute if a.name == "linear_before_reset"] == [int(flag)]


@pytest.mark.parametrize("kind", [LSTM(4), GRU(4), SimpleRNN(4), Bidirectional(LSTM(4)), RNN((LSTMCell(4),))])
def test_trap_36_onnx_walks_steps_first(kind: Any) -> None:
    """layout=1 is refused by ONNX Runtime, so the batch is moved behind the steps, and back where steps come out."""
    for node in nodes(kind)[0]:
        assert not [attribute for attribute in node.attribute if attribute.name == "layout"]
    every: Any = kind.with_sequences()
    weights = numbers(every, X, 7)
    (found,) = run(every, X, weights=weights)
    assert far(found, by_keras(keras_of(every), X, [], weights)[0]) < CLOSE


@pytest.mark.parametrize("mode", TORCH)
def test_trap_37_the_last_outputs_of_both_directions(mode: str) -> None:
    """[forward[T - 1], backward[0]]: the backward direction ends at the first step. seq[:, -1] is something else."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, mode)(3, 4, batch_first=True, bidirectional=True)
    weights, kind = from_torch(theirs), Bidirectional(TORCH[mode](4))
    every = by_torch(theirs, X, [])[0]
    ends = np.concatenate([every[:, -1, :4], every[:, 0, 4:]], -1)
    (found,) = run(kind, X, weights=weights)
    assert far(found, ends) < CLOSE < 0.01 < far(found, every[:, -1])
    assert far(found, by_keras(keras_of(kind), X, [], weights)[0]) < CLOSE
    sequences = Bidirectional(TORCH[mode](4, return_sequences=True))
    assert far(run(sequences, X, weights=weights)[0], every) < CLOSE
    assert "the one after the last step forwards and the one after the first step backwards" in said(kind)


def test_trap_37_states_of_both_directions_in_keras_order() -> None:
    kind = Bidirectional(LSTM(4, return_state=True), Merge.NONE)
    outputs = [output.name for output in trace(stack_of(kind, [SHAPE])).layers[-1].done.outputs]
    assert outputs == ["", "backward", *(f"{way}/state_{n}" for way in ("forward", "backward") for n in "hc")]


@pytest.mark.parametrize("mode", TORCH)
def test_trap_38_torch_has_the_steps_first(mode: str) -> None:
    """batch_first=False is PyTorch's default: the arrays are ours, transposed."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, mode)(3, 4)
    (found,) = run(TORCH[mode](4, return_sequences=True), X, weights=from_torch(theirs))
    with torch.no_grad():
        other = theirs.double()(tensor(X.transpose(1, 0, 2)))[0].numpy()
    assert other.shape == (5, BATCH, 4) and far(found, other.transpose(1, 0, 2)) < CLOSE
    assert "batch_first=False" in (type(TORCH[mode](4)).__doc__ or "")


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        (LSTM(8), 4 * 8 * (16 + 8 + 1), torch.nn.LSTM(16, 8)),
        (GRU(8), 3 * 8 * (16 + 8 + 2), torch.nn.GRU(16, 8)),
        (SimpleRNN(8), 8 * (16 + 8 + 1), torch.nn.RNN(16, 8)),
        (LSTM(8, use_bias=False), 4 * 8 * (16 + 8), torch.nn.LSTM(16, 8, bias=False)),
        (Bidirectional(LSTM(8, num_layers=2)), 2 * 4 * 8 * (16 + 9) + 2 * 4 * 8 * (16 + 9),
         torch.nn.LSTM(16, 8, 2, bidirectional=True)),
        (LSTM(8, proj_size=3, num_layers=2), 4 * 8 * (16 + 4) + 8 * 3 + 4 * 8 * (3 + 4) + 8 * 3,
         torch.nn.LSTM(16, 8, 2, proj_size=3)),
    ],
)  # fmt: skip
def test_parameters_are_keras_and_the_difference_to_torch_is_said(kind: Any, ours: int, theirs: Any) -> None:
    layer = trace(stack_of(kind, [(5, 16)])).layers[-1]
    count = sum(p.numel() for p in theirs.parameters())
    assert layer.params == ours
    assert layer.done.sentences == (() if count == ours else layer.done.sentences)
    assert f"PyTorch counts {count - ours} more" in explain(layer) or count == ours
    # What others count: 4 480 multiply-adds or none at all for LSTM(16, 8) over 5 steps.
    if isinstance(kind, LSTM) and kind.num_layers == 1:
        assert layer.done.macs is not None and layer.done.macs.value == 5 * 4 * 8 * (16 + 8) == 3840
