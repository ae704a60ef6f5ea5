"""Traps of merging and arithmetic: where frameworks agree on a shape and not on the numbers, or drop what is there."""

from typing import Any

import numpy as np
import onnx
import pytest

from lamina_server.errors import StackError
from lamina_server.explain import how
from lamina_server.export import export, operators
from lamina_server.layers.activations.functions import Relu6
from lamina_server.layers.base import Kind
from lamina_server.layers.broadcasting import Broadcasting, ConstantTensor
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.merging.arithmetic import Multiply
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.merging.products import MatMul
from lamina_server.layers.shaping.reshaping import Flatten
from lamina_server.layers.tensors import Layout
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import complete
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import FIRST, LAST, Array, assert_close, normal, refused, run, run_stack, stack_of


def test_trap_26_default_axis_of_concatenation() -> None:
    """Keras joins along the last axis; torch.cat joins along the first, which is the samples."""
    a, b = normal(1, 2, 5, 3), normal(2, 2, 5, 3)
    (found,) = run(Concatenate(), a, b)
    assert_close(found, keras_values(keras.layers.Concatenate(dtype="float64"), [a, b])[0])
    assert torch.cat([tensor(a), tensor(b)]).shape == (4, 5, 3)
    assert_close(found, torch.cat([tensor(a), tensor(b)], -1))
    assert refused(Concatenate(0), a, b) == "BAD_AXIS"
    with pytest.raises(StackError, match="axis is 0, but the batch axis is never touched"):
        trace(stack_of(Concatenate(0), [(5, 3), (5, 3)]))


def test_trap_27_batch_against_steps() -> None:
    """(B, T, C) + (B, C): Keras aligns the batches, PyTorch the last axes, and with B = T both give a shape."""
    a, b = normal(1, 4, 4, 3), normal(2, 4, 3)
    (found,) = run(Add(), a, b)
    (by_keras,) = keras_values(keras.layers.Add(dtype="float64"), [a, b])
    by_torch = tensor(a) + tensor(b)
    assert_close(found, by_keras)
    assert by_torch.shape == found.shape and np.abs(np.asarray(by_torch) - found).max() > 0.5
    assert_close(found, tensor(a) + tensor(b)[:, None])
    traced = annotate(trace(stack_of(Add(), [(4, 3), (3,)])), Limits())
    (note,) = traced.layers[-1].notes
    assert note.reason == "BATCH_MEETS_BATCH" and not note.warning
    assert note.text == (
        "x1 has fewer axes; as in Keras, each of its samples meets the same sample. PyTorch, numpy and ONNX align the "
        "last axes: there its batch would meet 4 steps, which fails, or, where the batch is 4 too, gives other numbers "
        "in the same shape."
    )
    assert refused(Add(broadcasting=Broadcasting.NUMPY), a, b) == "RANK_MISMATCH"


def test_trap_27_nothing_is_said_where_all_have_equally_many_axes() -> None:
    for shapes in ([(4, 3), (4, 3)], [(4, 3), (1, 3)]):
        assert not annotate(trace(stack_of(Add(), shapes)), Limits()).layers[-1].notes


def onnx_operators(stack: Stack) -> list[str]:
    found = trace(stack)
    return operators(export(found, complete(found, {}, 0), found.outputs))


def test_trap_28_flatten_and_gemm_are_two_dimensional_in_onnx() -> None:
    """What has more axes is reshaped and multiplied by operators that take any number of them."""
    x = normal(1, 2, 5, 6, 3)
    assert onnx_operators(stack_of(Flatten(), [(5, 6, 3)])) == ["Reshape"]
    assert_close(run(Flatten(), x)[0], tensor(x).flatten(1))
    assert onnx_operators(stack_of(Dense(4), [(5, 6, 3)])) == ["MatMul", "Add"]
    assert onnx_operators(stack_of(Dense(4), [(3,)])) == ["Gemm"]
    weights = {"kernel": normal(2, 3, 4), "bias": normal(3, 4)}
    (found,) = run(Dense(4), x, weights=weights)
    assert_close(found, F.linear(tensor(x), tensor(weights["kernel"].T), tensor(weights["bias"])))
    assert onnx_operators(stack_of(MatMul(), [(2, 5, 6), (2, 6, 3)])) == ["MatMul"]
    a, b = normal(4, 2, 2, 5, 6), normal(5, 2, 2, 6, 3)
    assert_close(run(MatMul(), a, b)[0], tensor(a) @ tensor(b))


def piped(shape: tuple[int, ...], *nodes: Node, layout: Layout = LAST) -> Stack:
    return Stack((Node(Input(shape), "x"), *nodes), layout)


def value(stack: Stack, x: Array) -> Array:
    last = str(stack.nodes[-1].name)
    return run_stack(stack, {"x": x}, {}, [last])[last]


def test_trap_54_operations_that_are_not_layers() -> None:
    """x + 3.0, x * 0.1667 and a + b, as MobileNetV3 has them: in no `model.layers`, and layers here."""
    entry = keras.Input((5, 3), dtype="float64")
    shifted = entry + 3.0
    hard = keras.layers.ReLU(max_value=6, dtype="float64")(shifted) * 0.1667
    model = keras.Model(entry, entry * hard + entry)
    layers = {layer.name for layer in model.layers}
    lost = [type(op).__name__ for op in model.operations if op.name not in layers]
    assert sorted(lost) == ["Add", "Add", "Multiply", "Multiply"]

    stack = piped(
        (5, 3),
        Node(Add(ConstantTensor((3.0,))), "shifted"),
        Node(Activation(Relu6()), "six"),
        Node(Multiply(ConstantTensor((0.1667,))), "hard"),
        Node(Multiply(), "gated", ("x", "hard")),
        Node(Add(), "sum", ("gated", "x")),
    )
    x = normal(1, 2, 5, 3, scale=4)
    assert_close(value(stack, x), model(tensor(x)).detach())
    found = trace(stack)
    assert how(found.layer("shifted")) == "plus 3" and how(found.layer("hard")) == "times 0.1667"
    assert found.layer("hard").summary == "Multiply(constant=0.1667)"
    assert found.macs == 0 and not any(layer.params for layer in found.layers)


@pytest.mark.parametrize("scale", [0.1, 0.17, 0.2, 1.0])
def test_trap_54_a_scaled_residual(scale: float) -> None:
    """Inception-ResNet's a + b * scale is two layers."""
    stack = piped(
        (5, 3),
        Node(Activation(Relu6()), "branch"),
        Node(Multiply(ConstantTensor((scale,))), "scaled"),
        Node(Add(), "sum", ("x", "scaled")),
    )
    x = normal(1, 2, 5, 3)
    assert_close(value(stack, x), tensor(x) + F.relu6(tensor(x)) * scale)


@pytest.mark.parametrize("layout", [LAST, FIRST])
def test_trap_54_a_scale_for_each_channel(layout: Layout) -> None:
    """ConvNeXt's x * gamma, with numbers for each channel in either layout."""
    gamma = (0.5, -1.0, 2.0)
    shape: tuple[int, ...] = (4, 5, 3) if layout is LAST else (3, 4, 5)
    kind: Kind = Multiply(ConstantTensor(gamma, () if layout is LAST else (3, 1, 1)))
    x = normal(1, 2, *shape)
    expected: Any = tensor(x) * tensor(np.array(gamma)).reshape((3,) if layout is LAST else (3, 1, 1))
    stack = piped(shape, Node(kind, "scaled"), layout=layout)
    assert_close(value(stack, x), expected)
    model = onnx.ModelProto.FromString(export(trace(stack), {}, ["scaled"]))
    assert [node.op_type for node in model.graph.node] == ["Mul"]
