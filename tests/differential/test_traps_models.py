"""Traps of whole models (numbers as in tests/conformance/README.md): what exports and importers lose."""

from typing import Any

import numpy as np
import onnx

from lamina_server.dims import symbol
from lamina_server.export import export, operators
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.core.held import Parameter
from lamina_server.layers.merging.arithmetic import Multiply
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.recurrent.rnn import GRU
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from tests.differential.oracles import torch
from tests.differential.support import LAST, assert_close, drawn, normal, run_stack


def test_trap_48_an_export_is_few_operators_and_keeps_the_names_of_sizes() -> None:
    """Keras' own makes 35 nodes of a Conv1DTranspose, a Loop of a GRU, and forgets what a size is called."""
    steps = symbol("T")
    nodes = (
        Node(Input((steps, 4)), "x"),
        Node(Conv(6, (3,), padding="same"), "conv"),
        Node(ConvTranspose(5, (3,), (2,), "same"), "up"),
        Node(GRU(3, return_sequences=True), "gru"),
    )
    traced = trace(Stack(nodes, LAST))
    model = onnx.ModelProto.FromString(export(traced, drawn(traced, 1), ("gru",)))
    used = operators(model.SerializeToString())
    assert {"Conv", "ConvTranspose", "GRU"} <= set(used) and not {"Loop", "Scan", "If"} & set(used)
    assert len(model.graph.node) <= 16, used
    dims = [value.type.tensor_type.shape.dim for value in (model.graph.input[0], model.graph.output[0])]
    assert [dims[0][0].dim_param, dims[0][1].dim_param] == ["batch", "T"]
    assert [dims[1][0].dim_param, dims[1][1].dim_param, dims[1][2].dim_value] == ["batch", "2 * T", 3]


class Bare(torch.nn.Module):  # type: ignore[name-defined]
    """A model with parameters that are no module's: a token, places, and a scale for each feature."""

    def __init__(self) -> None:
        super().__init__()
        self.token = torch.nn.Parameter(torch.randn(1, 1, 6))
        self.place = torch.nn.Parameter(torch.randn(1, 5, 6))
        self.gamma = torch.nn.Parameter(torch.randn(6))
        self.head = torch.nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        joined = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return self.head((joined + self.place) * self.gamma)


def test_trap_55_parameters_of_no_module_are_counted_and_used() -> None:
    """Who counts leaf modules finds 21 of 63 parameters; a stack has each number as a weight of a layer."""
    torch.manual_seed(5)
    model = Bare()
    nodes = (
        Node(Input((4, 6)), "x"),
        Node(Parameter((1, 6)), "token"),
        Node(Concatenate(1), "joined", ("token", "x")),
        Node(Parameter((5, 6)), "place"),
        Node(Add(), "placed", ("joined", "place")),
        Node(Parameter((1, 6)), "gamma"),
        Node(Multiply(), "scaled", ("placed", "gamma")),
        Node(Dense(3), "head"),
    )
    stack = Stack(nodes, LAST)
    leaves = sum(p.numel() for m in model.modules() if not list(m.children()) for p in m.parameters())
    every = sum(p.numel() for p in model.parameters())
    assert (leaves, every) == (21, 63)
    assert sum(weight.size for _, weight in weights_of(trace(stack))) == every
    weights = {
        "token/value": model.token[0],
        "place/value": model.place[0],
        "gamma/value": model.gamma[None],
        "head/kernel": model.head.weight.T,
        "head/bias": model.head.bias,
    }
    x = normal(3, 2, 4, 6)
    arrays = {name: np.ascontiguousarray(tensor.detach().numpy()) for name, tensor in weights.items()}
    found = run_stack(stack, {"x": x}, arrays, ["head"])["head"]
    assert_close(found, model(torch.from_numpy(x)).detach())
