"""Requests with bytes and fields changed at random: each is answered, or refused as everything is refused."""

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.v1 import service_pb2
from tests.acceptance.raw import Raw, taken_apart
from tests.acceptance.requests import INPUT, ORDINARY, asking, infer, stack, tensor

pytestmark = pytest.mark.usefixtures("harmless")

STACKS = (
    ORDINARY,
    INPUT + "layers { lstm { units: 2 return_state: true recurrent_activation { elu { alpha: 0.5 } } } }",
    INPUT
    + """layers { name: "p" max_pool { pool_size: 2 ceil_mode: true padding { explicit { pads { after: 1 } } } } }
         layers { name: "s" concatenate { axis: 1 } inputs: "p" inputs: "x" } layers { flatten {} } outputs: "s" """,
    """layers { input { shape { dims { expression: "T" } dims { expression: "?" } dims { size: 2 } } } }
       layers { depthwise_conv { kernel_size: [2, 3] strides: [2, 1] padding { mode: PADDING_MODE_SAME } } }
       layers { global_average_pool { keepdims: true } } layers { reshape { target_shape { dims { size: -1 } } } }""",
    INPUT
    + """layers { permute { dims: 2 dims: 1 } } layers { batch_normalization { epsilon: 0.1 } }
         layers { activation { activation { softmax { axis: 1 } } } expect { dims { size: 3 } dims { size: 8 } } }""",
)
FED = [tensor(np.ones((2, 8, 3)))]
REQUESTS: dict[str, list[Message]] = {
    "Trace": [asking("Trace", stack(text)) for text in STACKS],
    "Infer": [infer(stack(text), *FED, fetch=["*"], weights=service_pb2.Weights(seed=1)) for text in STACKS],
}
INTEGERS = (0, 1, 2, 3, -1, 7, 4096, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -(2**63))
DOUBLES = (0.0, -1.0, float("nan"), float("inf"), 1e300, 1e-300)
TEXTS = ("", "T", "?", "batch", "x", "x:state_h", "a" * 300, "\u202e", "{input_1}", "*", "\n")
FUZZ = settings(
    max_examples=75,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # what they check holds after all examples as well
)


def survives(raw: Raw, rpc: str, data: bytes) -> None:
    """The server answers, or refuses in order."""
    try:
        raw.call(rpc, data)
    except grpc.RpcError as error:
        refusal = taken_apart(error)
        assert refusal.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "NOT_FOUND"), refusal


@pytest.mark.parametrize("rpc", REQUESTS)
def test_changed_bytes(raw: Raw, rpc: str) -> None:
    edit = st.tuples(st.sampled_from(["set", "delete", "insert", "cut"]), st.integers(0, 2**16), st.integers(0, 255))

    @FUZZ
    @given(st.sampled_from(REQUESTS[rpc]), st.lists(edit, min_size=1, max_size=6))
    def fuzz(request: Message, edits: list[tuple[str, int, int]]) -> None:
        data = bytearray(request.SerializeToString())
        for what, place, value in edits:
            at = place % (len(data) + 1)
            match what:
                case "set":
                    data[at : at + 1] = bytes([value])
                case "delete":
                    del data[at : at + 1]
                case "insert":
                    data[at:at] = bytes([value])
                case _:
                    del data[at:]
        survives(raw, rpc, bytes(data))

    fuzz()


@pytest.mark.parametrize("rpc", REQUESTS)
def test_changed_fields(raw: Raw, rpc: str) -> None:
    @FUZZ
    @given(st.sampled_from(REQUESTS[rpc]), st.data())
    def fuzz(request: Message, data: st.DataObject) -> None:
        other = type(request)()
        other.CopyFrom(request)
        for _ in range(data.draw(st.integers(1, 4))):
            change(other, lambda options: data.draw(st.sampled_from(options)))
        survives(raw, rpc, other.SerializeToString())

    fuzz()


def change(message: Any, draw: Callable[[Any], Any]) -> None:
    """Changes a field of a message, or of one inside it."""
    if not message.DESCRIPTOR.fields:
        return
    field = draw(list(message.DESCRIPTOR.fields))
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, number = field.message_type.fields
        value[drawn(key, draw)] = drawn(number, draw)
    elif field.is_repeated and field.message_type is not None:
        if not value or draw([False, True, True]):
            change(draw(list(value)) if value else value.add(), draw)
        elif draw([False, True]):
            value.add().CopyFrom(draw(list(value)[:-1] or [value[0]]))
        else:
            del value[0]
    elif field.is_repeated:
        value.append(drawn(field, draw))
    elif field.message_type is not None:
        value.SetInParent()
        change(value, draw)
    elif draw([False, True, True]):
        setattr(message, field.name, drawn(field, draw))
    else:
        message.ClearField(field.name)


def drawn(field: Any, draw: Callable[[Any], Any]) -> Any:
    """A value that a field can hold, seldom one that it should."""
    if field.enum_type is not None:
        return draw((0, 1, 2, 3, 4, 99, -1))
    if field.type in (field.TYPE_INT64, field.TYPE_INT32):
        return draw(INTEGERS)
    if field.type == field.TYPE_UINT64:
        return draw((0, 1, 2**64 - 1))
    if field.type == field.TYPE_DOUBLE:
        return draw(DOUBLES)
    if field.type == field.TYPE_BOOL:
        return draw((False, True))
    return draw((b"", b"1", bytes(192))) if field.type == field.TYPE_BYTES else draw(TEXTS)
