"""Messages in and out: whatever this server does not know is refused by name and path, whatever it wrote it reads."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.v1 import layers_pb2, tensor_pb2
from lamina_server.dims import symbol
from lamina_server.errors import InvalidRequestError, StackError
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.activations.functions import Function, LeakyRelu, Relu, Softmax
from lamina_server.layers.base import Example
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Input
from lamina_server.layers.tensors import DType, Layout
from lamina_server.layers.windows import PadPair
from lamina_server.services.catalogue import example_stack
from lamina_server.stack import Node, Stack
from lamina_server.wire.stacks import decode_stack, encode_stack, unknown_field
from lamina_server.wire.tensors import decode_tensor, decode_tensors, encode_tensor

T = symbol("T")
EXAMPLES = [example for kind in KINDS for example in kind.examples()]


def message(text: dict[str, Any]) -> layers_pb2.Stack:
    return json_format.ParseDict(text, layers_pb2.Stack())


def layer(**kind: Any) -> layers_pb2.Stack:
    """A stack of an Input and one layer, from ProtoJSON."""
    return message({"layers": [{"input": {"shape": {"dims": [{"size": 8}, {"size": 2}]}}}, kind]})


def refused(made: layers_pb2.Stack) -> StackError:
    with pytest.raises(StackError) as caught:
        decode_stack(made)
    assert caught.value.message.isprintable()
    assert caught.value.diagnosis.index == (1 if "layers[1]" in caught.value.field else -1)
    return caught.value


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.layer.title}({example.layer.text()})")
def test_what_was_encoded_is_decoded(example: Example) -> None:
    stack = example_stack(example)
    assert decode_stack(layers_pb2.Stack.FromString(encode_stack(stack).SerializeToString())) == stack


@pytest.mark.parametrize("function", [one for cls in FUNCTIONS for one in cls.examples()], ids=str)
def test_every_function_is_decoded(function: Function) -> None:
    stack = Stack((Node(Input((4,))), Node(Activation(function))))
    assert decode_stack(encode_stack(stack)) == stack


names = st.none() | st.from_regex(r"[a-z_][a-z0-9_.\-]{0,8}", fullmatch=True)
sizes = st.integers(-1, 2**40) | st.sampled_from([T, symbol("?"), symbol("_n1")])
counts = st.integers(-5, 2**40)
pads = st.sampled_from(["valid", "same", "same_lower", "causal"]) | st.lists(
    st.builds(PadPair, counts, counts), min_size=1, max_size=3
).map(tuple)
lists = st.lists(counts, max_size=3).map(tuple)
functions = st.none() | st.sampled_from([Relu(), Softmax(), Softmax(1), LeakyRelu(0.5)])
kinds: st.SearchStrategy[Any] = st.one_of(
    st.builds(Conv, counts, lists.filter(bool), lists, pads, st.none() | st.sampled_from(Layout), lists, counts,
              functions, st.booleans(), st.none() | counts),
    st.builds(Dense, counts, functions, st.booleans(), st.none() | counts),
    st.builds(Input, st.lists(sizes, max_size=4).map(tuple), st.sampled_from(DType)),
)  # fmt: skip
nodes = st.builds(
    Node, kinds, names, st.lists(st.text(max_size=5), max_size=2).map(tuple), st.none() | st.lists(sizes).map(tuple)
)


@settings(deadline=None)
@given(st.builds(Stack, st.lists(nodes, max_size=4).map(tuple), st.sampled_from(Layout), st.just(("a", "b:c"))))
def test_any_stack_is_decoded_to_itself(stack: Stack) -> None:
    assert decode_stack(layers_pb2.Stack.FromString(encode_stack(stack).SerializeToString())) == stack


def _append(made: Any, raw: bytes) -> None:
    made.MergeFromString(raw)


UNKNOWN = b"\x98\x3f\x01"  # field 1011, a varint
PATHS: list[tuple[str, Callable[[layers_pb2.Stack], Any]]] = [
    ("stack", lambda s: s),
    ("stack.layers[1]", lambda s: s.layers[1]),
    ("stack.layers[1].conv", lambda s: s.layers[1].conv),
    ("stack.layers[1].conv.padding", lambda s: s.layers[1].conv.padding),
    ("stack.layers[1].conv.padding.explicit", lambda s: s.layers[1].conv.padding.explicit),
    ("stack.layers[1].conv.padding.explicit.pads[0]", lambda s: s.layers[1].conv.padding.explicit.pads[0]),
    ("stack.layers[1].conv.activation", lambda s: s.layers[1].conv.activation),
    ("stack.layers[1].conv.activation.leaky_relu", lambda s: s.layers[1].conv.activation.leaky_relu),
    ("stack.layers[1].expect", lambda s: s.layers[1].expect),
    ("stack.layers[1].expect.dims[0]", lambda s: s.layers[1].expect.dims[0]),
]  # fmt: skip


def _full() -> layers_pb2.Stack:
    padding = {"explicit": {"pads": [{"before": 1, "after": 1}]}}
    conv = {"filters": 1, "kernelSize": [3], "padding": padding, "activation": {"leakyRelu": {"negativeSlope": 0.5}}}
    return layer(conv=conv, expect={"dims": [{"expression": "?"}, {"size": 1}]})


@pytest.mark.parametrize(("path", "part"), PATHS, ids=[path for path, _ in PATHS])
def test_unknown_fields_are_refused_wherever_they_are(path: str, part: Callable[[layers_pb2.Stack], Any]) -> None:
    made = _full()
    decode_stack(made)
    _append(part(made), UNKNOWN)
    error = refused(made)
    assert (error.reason, error.field) == ("UNKNOWN_FIELD", path)
    assert f"{path} has field number 1011" in error.message and "newer" in error.message
    assert unknown_field(part(made)) == 1011


def test_a_kind_that_this_server_does_not_know() -> None:
    """A newer client's kind is an unknown field of the layer, beside no kind."""
    made = layer(name="new")
    _append(made.layers[1], b"\xfa\x06\x00")  # field 111, an empty message
    error = refused(made)
    assert (error.reason, error.field) == ("UNKNOWN_FIELD", "stack.layers[1]")
    assert "field number 111" in error.message


FIRST_SIZE = "stack.layers[1].input.shape.dims[0]"


@pytest.mark.parametrize(
    ("kind", "field", "reason"),
    [
        ({}, "stack.layers[1]", "EMPTY_UNION"),
        ({"activation": {"activation": {}}}, "stack.layers[1].activation.activation", "EMPTY_UNION"),
        ({"dense": {"units": 1, "activation": {}}}, "stack.layers[1].dense.activation", "EMPTY_UNION"),
        ({"conv": {"filters": 1, "kernelSize": [1], "padding": {}}}, "stack.layers[1].conv.padding", "EMPTY_UNION"),
        ({"add": {}, "expect": {"dims": [{}]}}, "stack.layers[1].expect.dims[0]", "EMPTY_UNION"),
        ({"reshape": {"targetShape": {"dims": [{"size": 1}, {}]}}}, "stack.layers[1].reshape.target_shape.dims[1]",
         "EMPTY_UNION"),
        ({"dense": {}}, "stack.layers[1].dense.units", "MISSING_FIELD"),
        ({"conv": {"kernelSize": [1]}}, "stack.layers[1].conv.filters", "MISSING_FIELD"),
        ({"conv": {"filters": 1}}, "stack.layers[1].conv.kernel_size", "MISSING_FIELD"),
        ({"input": {}}, "stack.layers[1].input.shape", "MISSING_FIELD"),
        ({"activation": {}}, "stack.layers[1].activation.activation", "MISSING_FIELD"),
        ({"zeroPadding": {}}, "stack.layers[1].zero_padding.padding", "MISSING_FIELD"),
        ({"input": {"shape": {"dims": [{"expression": "2 * T"}]}}}, FIRST_SIZE, "BAD_SYMBOL"),
        ({"input": {"shape": {"dims": [{"expression": ""}]}}}, FIRST_SIZE, "BAD_SYMBOL"),
        ({"input": {"shape": {"dims": [{"expression": "batch"}]}}}, FIRST_SIZE, "BAD_SYMBOL"),
        ({"input": {"shape": {"dims": [{"expression": "\u0422"}]}}}, FIRST_SIZE, "BAD_SYMBOL"),
        ({"input": {"shape": {"dims": [{"expression": "\x1b[0m" * 99}]}}}, FIRST_SIZE,
         "BAD_SYMBOL"),
    ],
)  # fmt: skip
def test_what_is_missing_empty_or_misnamed(kind: dict[str, Any], field: str, reason: str) -> None:
    error = refused(layer(**kind))
    assert (error.reason, error.field) == (reason, field)
    assert field.rpartition(".")[0] in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("stack.layout", lambda s: setattr(s, "layout", 9)),
        ("stack.layers[1].conv.data_format", lambda s: setattr(s.layers[1].conv, "data_format", 9)),
        ("stack.layers[1].conv.padding.mode", lambda s: setattr(s.layers[1].conv.padding, "mode", 9)),
        ("stack.layers[0].input.dtype", lambda s: setattr(s.layers[0].input, "dtype", 99)),
    ],
)
def test_unknown_enum_numbers(field: str, change: Callable[[layers_pb2.Stack], None]) -> None:
    made = _full()
    change(made)
    with pytest.raises(StackError, match=r"has the number 9+, which \w+ does not define") as caught:
        decode_stack(made)
    assert (caught.value.reason, caught.value.field) == ("UNKNOWN_ENUM_VALUE", field)


def test_unset_options_take_their_defaults_from_the_kinds() -> None:
    stack = decode_stack(layer(conv={"filters": 3, "kernelSize": [2], "padding": {"mode": "PADDING_MODE_UNSPECIFIED"}}))
    assert stack.nodes[1] == Node(Conv(3, (2,)))
    assert stack.layout is Layout.CHANNELS_LAST
    explicit = decode_stack(layer(conv={"filters": 3, "kernelSize": [2], "useBias": False, "groups": 0}))
    assert explicit.nodes[1].kind == Conv(3, (2,), use_bias=False, groups=0)


@settings(deadline=None)
@given(
    st.sampled_from([dtype for dtype in DType if dtype is not DType.BFLOAT16]), st.lists(st.integers(0, 3), max_size=3)
)
def test_tensors_come_back(dtype: DType, shape: list[int]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype.value).reshape(shape)
    found = decode_tensor(encode_tensor("x", array), "inputs[0]")
    np.testing.assert_array_equal(found, array)
    assert found.dtype.name == dtype.value


@pytest.mark.parametrize(
    ("tensor", "reason", "said"),
    [
        ({"data_type": 1, "shape": [2, 3], "data": b"\0" * 23}, "BYTES_MISMATCH",
         "inputs[0] has 23 bytes; (2, 3) of float32 takes 6 x 4 = 24."),
        ({"shape": [1], "data": b"\0" * 4}, "BAD_DATA_TYPE", "inputs[0].data_type is not set."),
        ({"data_type": 99, "shape": [1]}, "BAD_DATA_TYPE", "inputs[0].data_type is 99, which this server"),
        ({"data_type": 1, "shape": [-1]}, "BAD_SHAPE", "inputs[0].shape[0] is -1; a size is 0 or more."),
        ({"data_type": 1, "shape": [1] * 33, "data": b"\0" * 4}, "BAD_SHAPE", "33 axes"),
        ({"data_type": 1, "shape": [2**40, 2**40, 0]}, "BAD_SHAPE", "an array has at most"),
    ],
)  # fmt: skip
def test_tensors_that_are_not_what_they_say(tensor: dict[str, Any], reason: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        decode_tensor(tensor_pb2.Tensor(**tensor), "inputs[0]")
    assert caught.value.reason == reason
    assert said in caught.value.message


def test_tensors_have_names_of_their_own() -> None:
    tensors = [encode_tensor("x", np.zeros(1, np.float32))] * 2
    with pytest.raises(InvalidRequestError, match='inputs holds "x" twice'):
        decode_tensors(tensors, "inputs")
