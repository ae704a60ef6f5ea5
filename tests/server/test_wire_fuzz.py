"""Random messages: a stack is traced or refused with a reason, and nothing else happens, whatever the bytes."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from lamina.v1 import layers_pb2
from lamina_server.errors import LaminaError, StackError
from lamina_server.layers import KINDS
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.repair import repaired
from lamina_server.services.catalogue import example_stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_diagnosis, encode_trace


def _everything(raw: bytes) -> None:
    """What a server does with bytes: read, decode, trace, note, repair, and write again."""
    stack = decode_stack(layers_pb2.Stack.FromString(raw))
    limits = Limits(max_tensor_elements=10**6, max_macs=10**9)
    try:
        encode_trace(annotate(trace(stack, limits), limits)).SerializeToString()
    except StackError as error:
        encode_diagnosis(repaired(stack, error.diagnosis, limits)).SerializeToString()
        raise


def _mutated(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data.insert(at, rng.randrange(256))
            case 2:
                del data[at : at + rng.randint(1, 3)]
            case 3:
                data[at:at] = data[at : at + rng.randint(1, 12)]
        if not data:
            break
    return bytes(data)


def _seeds() -> Iterator[bytes]:
    for kind in KINDS:
        for example in kind.examples():
            yield encode_stack(example_stack(example)).SerializeToString()


@pytest.mark.parametrize("before", [2**31, 2**63 - 1])
def test_an_axis_is_limited_beside_a_symbol_too(before: int) -> None:
    pads = {"padding": [{"before": before, "after": 2}]}
    shape = {"dims": [{"size": 9}, {"expression": "T"}]}
    made = json_format.ParseDict({"layers": [{"input": {"shape": shape}}, {"zeroPadding": pads}]}, layers_pb2.Stack())
    with pytest.raises(LaminaError):
        _everything(made.SerializeToString())


NUMBERS = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 64, 2**31 - 1, 2**31, 2**40, 2**63 - 1)


def _changed(raw: bytes, rng: random.Random) -> bytes:
    """Another legal message: fields at random places are set to hostile values, cleared, doubled or taken out."""
    made = layers_pb2.Stack.FromString(raw)
    for _ in range(rng.randint(1, 3)):
        part: Any = made
        while True:
            inner = [m for f, v in part.ListFields() if f.message_type for m in (v if f.is_repeated else [v])]
            if not inner or rng.random() < 0.2:
                break
            part = rng.choice(inner)
        if part.DESCRIPTOR.fields:
            _change(part, rng.choice(part.DESCRIPTOR.fields), rng)
    return bytes(made.SerializeToString())


def _change(part: Any, field: Any, rng: random.Random) -> None:
    value = getattr(part, field.name)
    if rng.random() < 0.2:
        part.ClearField(field.name)
    elif field.is_repeated and len(value) and rng.random() < 0.5:
        value.extend([rng.choice(value)]) if rng.random() < 0.5 else value.pop(rng.randrange(len(value)))
    elif field.is_repeated:
        value.add() if field.message_type else value.append(_hostile(field, rng))
    elif field.message_type:
        value.SetInParent()
    else:
        setattr(part, field.name, _hostile(field, rng))


def _hostile(field: Any, rng: random.Random) -> Any:
    match field.cpp_type:
        case field.CPPTYPE_STRING:
            return rng.choice(["", "x0", "it", "T", "?", "\x00", "x0:state_h", "ä" * 200])
        case field.CPPTYPE_DOUBLE:
            return rng.choice([float("nan"), float("inf"), -1.0, 0.0, 1e300, 5e-324])
        case field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        case field.CPPTYPE_ENUM:
            return rng.randrange(-1, 5)
    return rng.choice(NUMBERS)


@pytest.mark.parametrize("mutate", [_mutated, _changed], ids=["bytes", "fields"])
def test_random_messages_are_traced_or_refused_and_nothing_else(
    mutate: Callable[[bytes, random.Random], bytes],
) -> None:
    rng = random.Random(20240229)
    outcomes = {_outcome(mutate(raw, rng)) for raw in _seeds() for _ in range(60)}
    assert {"traced", "UNKNOWN_FIELD" if mutate is _mutated else "OUT_OF_RANGE"} < outcomes
    assert len(outcomes) >= 8


def _outcome(raw: bytes) -> str:
    try:
        _everything(raw)
    except DecodeError:
        return "DecodeError"
    except LaminaError as error:
        return error.reason
    return "traced"
