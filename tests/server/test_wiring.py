"""Which tensors a layer takes: the layer before it, or those it names; and what is said where that cannot be."""

from collections.abc import Sequence

import pytest

from lamina_server.errors import LayerError, StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.stack import Namer, Node, Stack, field_name, snake_case
from lamina_server.trace import trace
from lamina_server.wiring import resolve

RELU = Activation(Relu())


def stack(*nodes: Node) -> Stack:
    return Stack((Node(Input((5, 3)), "x"), *nodes))


def test_a_layer_takes_the_one_before_it_or_those_it_names() -> None:
    found = trace(
        stack(
            Node(RELU, "a"),
            Node(RELU, "b", ("x",)),
            Node(Add(), "sum", ("a", "b", "a")),
            Node(RELU),
            Node(LSTM(2, return_state=True), "lstm"),
            Node(Dense(1), "d", ("lstm:state_c",)),
            Node(Dense(1), "e"),
        )
    )
    assert [layer.sources for layer in found.layers] == [
        (),
        ("x",),
        ("x",),
        ("a", "b", "a"),
        ("sum",),
        ("activation",),
        ("lstm:state_c",),
        ("d",),
    ]
    assert found.layers[5].refs == ("lstm", "lstm:state_h", "lstm:state_c")


def test_the_layer_after_a_second_input_takes_that_input() -> None:
    found = trace(stack(Node(Input((7,)), "y"), Node(Dense(2), "d"), Node(Dense(3), "e", ("x",))))
    assert [layer.sources for layer in found.layers] == [(), (), ("y",), ("x",)]


@pytest.mark.parametrize(
    ("nodes", "reason", "position", "said"),
    [
        ([Node(RELU, "conv"), Node(RELU, "b", ("conw",))], "UNKNOWN_INPUT", 0, 'did you mean "conv"?'),
        ([Node(RELU, "conv"), Node(Add(), "b", ("conv", "q"))], "UNKNOWN_INPUT", 1, 'there are "x", "conv"'),
        ([Node(RELU, "a", ("b",)), Node(RELU, "b")], "UNKNOWN_INPUT", 0, '"b", which comes after it'),
        ([Node(RELU, "a", ("a",))], "UNKNOWN_INPUT", 0, "its own output, which would be a loop"),
        ([Node(RELU, "a"), Node(RELU, "b", ("a:state_h",))], "UNKNOWN_INPUT", 0, "that a does not have; it has a"),
        ([Node(LSTM(2, return_state=True), "l"), Node(RELU, "b", ("l:h",))], "UNKNOWN_INPUT", 0,
         "it has l, l:state_h, l:state_c"),
        ([Node(RELU, "b", ("\x1b[31m" + "z" * 900,))], "UNKNOWN_INPUT", 0, '"\\x1b[31mzzz'),
    ],
)  # fmt: skip
def test_a_name_that_nothing_before_it_has(nodes: Sequence[Node], reason: str, position: int, said: str) -> None:
    with pytest.raises(StackError) as caught:
        trace(stack(*nodes))
    found = caught.value.diagnosis
    assert (found.reason, found.facts["position"]) == (reason, position)
    assert found.field == f"stack.layers[{len(nodes) if nodes[0].inputs == () else 1}].inputs"
    assert said in found.message and len(found.message) < 400
    assert found.message.isprintable()


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node(Add()), "takes 2 inputs or more, but 1 is given: name them"),
        (Node(Concatenate(), None, ("x",)), "takes 2 inputs or more, but 1 is given: name them"),
        (Node(RELU, None, ("x", "x")), "takes 1 input, but 2 are given."),
        (Node(Input((3,)), None, ("x",)), "takes no inputs, but 1 is given."),
    ],
)
def test_a_wrong_number_of_inputs(node: Node, said: str) -> None:
    with pytest.raises(StackError) as caught:
        trace(stack(node))
    assert caught.value.reason == "INPUT_COUNT"
    assert caught.value.field == "stack.layers[1].inputs"
    assert said in caught.value.message


def test_a_first_layer_that_is_no_input() -> None:
    with pytest.raises(
        StackError, match=r"relu \(Activation\) is the first layer, so it has nothing to take"
    ) as caught:
        trace(Stack((Node(RELU, "relu"), Node(Input((3,))))))
    assert caught.value.reason == "NO_INPUT"


def test_resolving_looks_at_nothing_but_names() -> None:
    nodes = stack(Node(RELU, "a"), Node(RELU, "b"))
    assert resolve(nodes, 2, {"x": object(), "a": object()}, "a") == ("a",)
    with pytest.raises(LayerError, match="none is given"):
        resolve(nodes, 2, {}, None)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Conv1D", "conv1d"),
        ("DepthwiseConv2D", "depthwise_conv2d"),
        ("MaxPooling1D", "max_pooling1d"),
        ("GlobalAveragePooling3D", "global_average_pooling3d"),
        ("LSTM", "lstm"),
        ("BatchNormalization", "batch_normalization"),
        ("ZeroPadding2D", "zero_padding2d"),
    ],
)
def test_names_in_snake_case(title: str, name: str) -> None:
    assert snake_case(title) == name


def test_default_names_pass_over_those_that_are_given() -> None:
    namer = Namer({"dense", "dense_2"})
    assert [namer.name("Dense") for _ in range(3)] == ["dense_1", "dense_3", "dense_4"]
    assert namer.name("LSTM") == "lstm"


@pytest.mark.parametrize(("kind", "field"), [(LSTM, "lstm"), (Dense(3), "dense")])
def test_fields_of_the_schema(kind: Kind | type[Kind], field: str) -> None:
    assert field_name(kind) == field


def test_a_stack_is_edited_by_making_another() -> None:
    before = stack(Node(RELU, "a"), Node(RELU, "b"))
    node = Node(Dense(1), "c")
    assert [n.name for n in before.with_node(1, node).nodes] == ["x", "c", "b"]
    assert [n.name for n in before.without_node(1).nodes] == ["x", "b"]
    assert [n.name for n in before.with_inserted(1, node).nodes] == ["x", "c", "a", "b"]
    assert [n.name for n in before.nodes] == ["x", "a", "b"]
    assert [i for i, _ in before.inputs()] == [0]
