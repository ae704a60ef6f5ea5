"""Bytes that are no message, and messages with more, less or other in them than this server knows."""

import pytest
from google.protobuf.message import Message

from lamina.v1 import service_pb2
from tests.acceptance.raw import RPCS, Raw
from tests.acceptance.requests import INPUT, ORDINARY, TAKING_STACKS, after_input, asking, infer, stack
from tests.acceptance.words import says

pytestmark = pytest.mark.usefixtures("harmless")

# A field cut off, an endless length, a group never ended, a wire type that there is not, and text.
MALFORMED = (b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b", b"\x07", b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n")
FIELD_999 = b"\xba\x3e\x02hi"
RULE = "layers { conv { filters: 2 kernel_size: 3 "


@pytest.mark.parametrize("rpc", RPCS)
@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_bytes_that_are_no_message(raw: Raw, rpc: str, data: bytes) -> None:
    refusal = raw.refusal(rpc, data)
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "MALFORMED_MESSAGE")
    says(refusal.message, rpc, rf"{len(data)} bytes")
    assert refusal.facts["bytes"] == str(len(data))


@pytest.mark.parametrize("rpc", TAKING_STACKS)
def test_a_request_cut_off_anywhere_is_refused_or_legal(raw: Raw, rpc: str) -> None:
    whole = asking(rpc, stack(ORDINARY)).SerializeToString()
    for length in range(1, len(whole)):
        assert raw.refusal(rpc, whole[:length]).code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("rpc", RPCS)
def test_a_field_of_a_newer_schema(raw: Raw, rpc: str) -> None:
    refusal = raw.refusal(rpc, FIELD_999)
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "UNKNOWN_FIELD", "request")
    says(refusal.message, r"\b999\b", "malformed", "newer")


def with_unknown(message: Message, path: str) -> None:
    """Puts field 999 into a message inside another: `layers[1].conv`."""
    for step in path.split("."):
        name, _, index = step.partition("[")
        message = getattr(message, name)
        message = message[int(index[:-1])] if index else message  # type: ignore[index]
    message.MergeFromString(FIELD_999)


@pytest.mark.parametrize("rpc", TAKING_STACKS)
@pytest.mark.parametrize(
    "path", ["layers[0]", "layers[1].conv", "layers[0].input.shape.dims[1]", "layers[1].conv.padding.explicit.pads[0]"]
)
def test_an_unknown_field_deep_inside_is_named_with_its_path(raw: Raw, rpc: str, path: str) -> None:
    sent = stack(INPUT + RULE + "padding { explicit { pads { before: 1 } } } } }")
    with_unknown(sent, path)
    refusal = raw.refusal(rpc, asking(rpc, sent))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "UNKNOWN_FIELD")
    says(refusal.message, r"\b999\b", path.replace("[", r"\[").replace("]", r"\]"))
    assert refusal.field.endswith(f"stack.{path}")


@pytest.mark.parametrize("field", ["inputs", "weights.tensors"])
def test_an_unknown_field_in_a_tensor(raw: Raw, field: str) -> None:
    request = infer(stack(ORDINARY))
    tensors = request.inputs if field == "inputs" else request.weights.tensors
    tensors.add().MergeFromString(FIELD_999)
    refusal = raw.refusal("Infer", request)
    assert (refusal.reason, refusal.field) == ("UNKNOWN_FIELD", f"{field}[0]")


@pytest.mark.parametrize("rpc", TAKING_STACKS)
@pytest.mark.parametrize(
    ("text", "field", "number"),
    [
        (f"{ORDINARY} layout: 99", "stack.layout", 99),
        (f"{INPUT}{RULE}data_format: 7 }} }}", "stack.layers[1].conv.data_format", 7),
        (f"{INPUT}{RULE}padding {{ mode: 12 }} }} }}", "stack.layers[1].conv.padding.mode", 12),
        ("layers { input { shape { dims { size: 8 } } dtype: 77 } }", "stack.layers[0].input.dtype", 77),
        (f"{ORDINARY} layout: -1", "stack.layout", -1),
    ],
)
def test_an_enum_number_of_a_newer_schema(raw: Raw, rpc: str, text: str, field: str, number: int) -> None:
    refusal = raw.refusal(rpc, asking(rpc, stack(text)))
    assert refusal.code == "INVALID_ARGUMENT"
    says(refusal.message, rf"(?<!\d){number}\b", field.rpartition(".")[2])
    assert refusal.field.endswith(field)


@pytest.mark.parametrize("rpc", TAKING_STACKS)
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("layers {}", "stack.layers[0]"),
        (INPUT + 'layers { name: "later" }', "stack.layers[1]"),
        ("layers { input { shape { dims {} } } }", "stack.layers[0].input.shape.dims[0]"),
        (INPUT + RULE + "padding {} } }", "stack.layers[1].conv.padding"),
        (INPUT + "layers { dense { units: 2 activation {} } }", "stack.layers[1].dense.activation"),
        (INPUT + "layers { activation { activation {} } }", "stack.layers[1].activation.activation"),
        (INPUT + "layers { lstm { units: 2 recurrent_activation {} } }", "stack.layers[1].lstm.recurrent_activation"),
        (INPUT + "layers { flatten {} expect { dims {} } }", "stack.layers[1].expect.dims[0]"),
    ],
)
def test_an_empty_union_says_both_things_it_can_mean(raw: Raw, rpc: str, text: str, path: str) -> None:
    refusal = raw.refusal(rpc, asking(rpc, stack(text)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "EMPTY_UNION")
    assert refusal.field.endswith(path)
    says(refusal.message, path.replace("[", r"\[").replace("]", r"\]"), "newer than this server")
    assert refusal.diagnostic is not None


@pytest.mark.parametrize("rpc", ["Trace", "Export", "Infer"])
def test_no_stack_at_all(raw: Raw, rpc: str) -> None:
    refusal = raw.refusal(rpc, b"")
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "NO_STACK", "stack")


@pytest.mark.parametrize("rpc", ["Trace", "Export", "Infer", "GetStack", "UnregisterStack"])
@pytest.mark.parametrize("name", ["", "nobody", "../../etc/passwd", "a" * 10_000, "\n\r\t", "f" * 64, "<b>&amp;"])
def test_names_that_nothing_stands_under(raw: Raw, rpc: str, name: str) -> None:
    field = "name" if rpc == "UnregisterStack" else "stack_id"
    refusal = raw.refusal(rpc, getattr(service_pb2, f"{rpc}Request")(**{field: name}))
    assert refusal.code in ("NOT_FOUND", "INVALID_ARGUMENT")
    assert refusal.field == field
    assert len(refusal.message) < 600
    if name in ("nobody", "f" * 64) and rpc != "UnregisterStack":
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", "STACK_NOT_FOUND")
        says(refusal.message, name)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (service_pb2.ListStacksRequest(page_size=-1), "page_size"),
        (service_pb2.ListStacksRequest(page_size=-(2**31)), "page_size"),
        (service_pb2.ListStacksRequest(page_token="no token of ours"), "page_token"),
        (service_pb2.ListStacksRequest(page_token="\n" * 5_000), "page_token"),
        (service_pb2.ListStacksRequest(page_token="../../etc/passwd"), "page_token"),
    ],
)
def test_pages_that_there_are_not(raw: Raw, request_: service_pb2.ListStacksRequest, field: str) -> None:
    refusal = raw.refusal("ListStacks", request_)
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "BAD_PAGE", field)


def test_a_partial_trace_tells_a_fault_in_its_answer_but_not_one_that_is_no_layers(raw: Raw) -> None:
    request = service_pb2.TraceRequest(stack=after_input("dense { units: 0 }"), partial=True)
    answer = service_pb2.TraceResponse.FromString(raw.call("Trace", request))
    assert [layer.name for layer in answer.trace.layers] == ["input"]
    assert [found.field for found in answer.diagnostics] == ["stack.layers[1].dense.units"]
    assert raw.refusal("Trace", service_pb2.TraceRequest(stack_id="nobody", partial=True)).code == "NOT_FOUND"
