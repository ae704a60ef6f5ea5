"""ONNX models: legal by the checker's strictest reading, named as the trace is, and without a needless node."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError
from lamina_server.export import IR_VERSION, OPSET, export, operators, output_name
from lamina_server.layers import KINDS
from lamina_server.layers.activations.functions import Gelu, Relu, Silu, Softmax
from lamina_server.layers.activations.piecewise import HardTanh
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Permute, Reshape, ZeroPadding
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.services.catalogue import example_stack
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import complete
from tests.contract.running import model

T = symbol("T")
RELU = Activation(Relu())
FIRST, LAST = Layout.CHANNELS_FIRST, Layout.CHANNELS_LAST


def chain(shape: tuple[Size, ...], *kinds: Kind, layout: Layout = LAST) -> Stack:
    return Stack((Node(Input(shape)), *map(Node, kinds)), layout)


def exported(stack: Stack, refs: Sequence[str] = ()) -> onnx.ModelProto:
    """The model of a stack, checked as strictly as onnx can."""
    found = trace(stack)
    model = onnx.ModelProto.FromString(export(found, complete(found, {}, 0), tuple(refs) or found.outputs))
    onnx.checker.check_model(model, full_check=True)
    return model


def shapes(values: Sequence[onnx.ValueInfoProto]) -> dict[str, list[int | str]]:
    return {
        value.name: [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim] for value in values
    }


def count(stack: Stack, op: str = "Transpose") -> int:
    return sum(node.op_type == op for node in exported(stack).graph.node)


def test_versions_and_origin() -> None:
    model = exported(chain((4,), Dense(2)))
    assert (OPSET, IR_VERSION) == (22, 10)
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 22)]
    assert (model.ir_version, model.producer_name) == (10, "lamina")


EXAMPLES = [example_stack(example) for kind in KINDS for example in kind.examples()]


@pytest.mark.parametrize("stack", EXAMPLES, ids=lambda stack: stack.nodes[-1].kind.title)
def test_inference_by_onnx_agrees_with_the_trace(stack: Stack) -> None:
    found = trace(stack)
    model = exported(stack, tuple(found.specs))
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    wanted = {
        ref: [size if isinstance(size, int) else str(size) for size in spec.shape] for ref, spec in found.specs.items()
    }
    given = {output_name(ref, [layer.name for layer in found.inputs]): sizes for ref, sizes in wanted.items()}
    assert shapes(inferred.graph.output) == given
    assert shapes(inferred.graph.input) == {layer.name: wanted[layer.name] for layer in found.inputs}


def test_dynamic_axes_have_the_names_of_the_symbols() -> None:
    model = exported(
        chain((T, 3), Conv(4, (5,), (2,), "same"), MaxPool((2,)), GlobalAveragePool()), ["conv1d", "max_pooling1d"]
    )
    assert shapes(model.graph.input) == {"input": ["batch", "T", 3]}
    assert shapes(model.graph.output) == {
        "conv1d": ["batch", "ceil(T / 2)", 4],
        "max_pooling1d": ["batch", "floor((T + 1) / 4)", 4],
    }


CONVOLUTIONAL = (
    Conv(8, (3, 3), padding="same"),
    BatchNormalization(),
    RELU,
    MaxPool((2, 2)),
    DepthwiseConv((3, 3), (1, 1), "same"),
    Activation(Gelu()),
    Dropout(0.1),
    ZeroPadding((PadPair(1, 1), PadPair(0, 1))),
    AveragePool((2, 2), (1, 1)),
    Activation(Silu()),
    Conv(4, (1, 1), activation=Softmax()),
)  # fmt: skip


@pytest.mark.parametrize("length", range(1, len(CONVOLUTIONAL) + 1))
def test_transposes_stand_only_at_the_ends(length: int) -> None:
    kinds = CONVOLUTIONAL[:length]
    assert count(chain((3, 32, 32), *kinds, layout=FIRST)) == 0
    assert count(chain((32, 32, 3), *kinds)) == 2
    assert count(chain((32, 32, 3), *kinds, GlobalAveragePool(), Dense(5))) == 1
    assert count(chain((32, 32, 3), *kinds, GlobalMaxPool(keepdims=True))) == 2
    assert count(chain((3, 32, 32), *kinds, GlobalAveragePool(), Dense(5), layout=FIRST)) == 0


def test_first_and_last_transposes_are_where_they_should_be() -> None:
    nodes = exported(chain((32, 3), Conv(8, (3,)), RELU, MaxPool((2,)))).graph.node
    assert [node.op_type for node in nodes] == ["Transpose", "Conv", "Relu", "MaxPool", "Transpose"]
    assert nodes[-1].output == ["max_pooling1d"]


def test_layers_that_act_on_numbers_or_on_the_last_axis_need_none() -> None:
    assert count(chain((32, 3), RELU, Dense(4), Dropout(), Reshape((4, 32)), Flatten(), Dense(1))) == 0
    assert count(chain((32, 32, 3), RELU, Permute((3, 1, 2)), RELU)) == 1
    assert count(chain((3, 4, 5), Permute((2, 1, 3)), Permute((2, 1, 3)))) == 0


def test_an_lstm_takes_steps_first_and_gives_them_back_once() -> None:
    assert count(chain((7, 3), LSTM(4), Dense(1))) == 1
    assert count(chain((7, 3), LSTM(4, return_sequences=True), LSTM(4))) == 1
    assert count(chain((7, 3), LSTM(4, return_sequences=True))) == 2


def branches(merge: Kind, *more: Kind) -> Stack:
    sides = [Node(Conv(4, (3, 3), padding="same"), name, ("x",)) for name in "abc"]
    return Stack((Node(Input((8, 8, 2)), "x"), *sides, Node(merge, "m", ("a", "b", "c")), *map(Node, more)))


@pytest.mark.parametrize("merge", [Add(), Concatenate(), Concatenate(1)])
def test_branches_share_one_transpose(merge: Kind) -> None:
    assert count(branches(merge)) == 2
    assert count(branches(merge, Conv(1, (1, 1)), GlobalAveragePool())) == 1


def test_only_what_is_needed_is_in_the_model() -> None:
    stack = Stack(
        (
            Node(Input((8, 2)), "x"),
            Node(Conv(4, (3,)), "used"),
            Node(Conv(400, (3,)), "unused", ("x",)),
            Node(LSTM(2, return_state=True), "lstm", ("used",)),
            Node(Dense(3), "dense", ("lstm:state_c",)),
        )
    )
    graph = exported(stack).graph
    assert not [node.name for node in graph.node if node.name.startswith("unused")]
    assert [item.name for item in graph.initializer if item.name.split("/")[0] == "unused"] == []
    assert {"used/kernel", "dense/kernel"} < {item.name for item in graph.initializer}
    first = exported(stack, ["used"]).graph
    assert Counter(node.op_type for node in first.node) == {"Transpose": 2, "Conv": 1}
    assert {item.name for item in first.initializer} == {"used/kernel", "used/bias"}
    assert [item.name for item in first.input] == ["x"]


def test_names_are_unique_and_every_tensor_is_made_once() -> None:
    for stack in (chain((32, 32, 3), *CONVOLUTIONAL), branches(Add()), chain((T, 3), LSTM(2, return_state=True))):
        found = trace(stack)
        graph = exported(stack, tuple(found.specs)).graph
        names = [node.name for node in graph.node]
        made = [name for node in graph.node for name in node.output if name]
        made += [item.name for item in graph.input] + [item.name for item in graph.initializer]
        assert len(set(names)) == len(names)
        assert len(set(made)) == len(made)
        assert all(names)


def test_an_input_as_an_output_has_a_name_of_its_own() -> None:
    model = exported(chain((4,), Dropout(), Dense(2)), ["input", "dropout", "dense"])
    assert [item.name for item in model.graph.output] == ["input/output", "dropout", "dense"]
    assert Counter(node.op_type for node in model.graph.node) == {"Identity": 2, "Gemm": 1}
    assert [item.name for item in exported(Stack((Node(Input((4,))),))).graph.output] == ["input/output"]


def test_two_names_for_one_tensor() -> None:
    model = exported(chain((4,), RELU, Dropout(), Dropout()), ["dropout_1", "activation", "dropout"])
    assert [item.name for item in model.graph.output] == ["dropout_1", "activation", "dropout"]
    assert Counter(node.op_type for node in model.graph.node) == {"Identity": 2, "Relu": 1}


def test_outputs_come_in_the_order_asked_for() -> None:
    stack = chain((8, 2), Conv(4, (3,)), RELU, Flatten())
    for refs in (["flatten", "conv1d"], ["conv1d", "flatten"], ["activation", "flatten", "conv1d"]):
        assert [item.name for item in exported(stack, refs).graph.output] == refs


spatial = st.lists(st.sampled_from([*CONVOLUTIONAL, Conv(2, (2, 2), (2, 2), "same")]), max_size=5)


@settings(deadline=None, max_examples=30)
@given(spatial, st.sampled_from(Layout), st.booleans())
def test_bytes_are_the_same_every_time(kinds: list[Kind], layout: Layout, symbolic: bool) -> None:
    length = T if symbolic else 40
    shape = (length, 40, 2) if layout is LAST else (2, length, 40)
    stack = chain(shape, *kinds, GlobalAveragePool(), layout=layout)
    made = {export(found := trace(stack), complete(found, {}, 3), found.outputs) for _ in range(2)}
    assert len(made) == 1
    model = onnx.ModelProto.FromString(made.pop())
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def test_weights_are_stored_as_given_in_onnx_order() -> None:
    found = trace(chain((8, 2), Conv(3, (5,))))
    kernel = np.arange(30, dtype=np.float32).reshape(5, 2, 3)
    bias = np.array([1, 2, 3], np.float32)
    model = onnx.ModelProto.FromString(export(found, {"conv1d/kernel": kernel, "conv1d/bias": bias}, found.outputs))
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    np.testing.assert_array_equal(stored["conv1d/kernel"], kernel.transpose(2, 1, 0))
    np.testing.assert_array_equal(stored["conv1d/bias"], bias)


def test_operators_are_listed_once_each() -> None:
    found = trace(chain((8, 2), Conv(3, (5,)), RELU, Conv(3, (1,))))
    assert operators(export(found, complete(found, {}, 0), found.outputs)) == ["Transpose", "Conv", "Relu"]


def test_a_model_that_one_file_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina_server.export.ONNX_BYTES", 5000)
    found = trace(chain((8,), Dense(1000)))
    with pytest.raises(
        LimitError, match=r"The ONNX model would take 35\.\d KiB; one ONNX file holds less than 4\.9 KiB"
    ):
        export(found, complete(found, {}, 0), found.outputs)


def test_a_number_beyond_the_type_is_infinite() -> None:
    made = model(
        Stack((Node(Input((3,), DType.FLOAT16)), Node(Activation(HardTanh(0.5, 1e38))))), np.random.default_rng(0)
    )
    (found,) = made.run({"input": np.array([[-1, 1, 60_000]], np.float16)}).values()
    assert found.tolist() == [[0.5, 1, 60_000]]
