"""Registrations out of order, cut off, too long or under names that cannot be: none leaves anything behind."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from lamina.v1 import service_pb2
from tests.acceptance.conftest import files
from tests.acceptance.raw import Raw
from tests.acceptance.requests import ORDINARY, stack, tensor
from tests.acceptance.test_bad_input_stacks import HOSTILE
from tests.acceptance.words import says

pytestmark = [pytest.mark.usefixtures("harmless", "nothing_left")]

Part = service_pb2.RegisterStackRequest
FLOAT32 = "DATA_TYPE_FLOAT32"
KERNEL = Part(weight=service_pb2.WeightStart(name="c/kernel", data_type=FLOAT32, shape=[3, 3, 2]))
BIAS = Part(weight=service_pb2.WeightStart(name="c/bias", data_type=FLOAT32, shape=[2]))
BYTES = Part(chunk=bytes(72))


def header(name: str = "bad", **fields: object) -> Part:
    """The first message of a registration."""
    return Part(header=service_pb2.RegisterHeader(name=name, stack=stack(ORDINARY), **fields))  # type: ignore[arg-type]


def listed(raw: Raw) -> list[str]:
    """Names that are registered."""
    answer = service_pb2.ListStacksResponse.FromString(raw.call("ListStacks", b""))
    return [info.name for info in answer.stacks]


@pytest.fixture
def nothing_left(raw: Raw, store: Path) -> Iterator[None]:
    """What was refused left no name and no file."""
    names, before = listed(raw), files(store)
    yield
    end = time.monotonic() + 5
    while files(store) != before and time.monotonic() < end:  # a caller who goes cannot be told when that is noticed
        assert listed(raw) == names
    assert files(store) == before
    assert listed(raw) == names


@pytest.mark.parametrize(
    ("parts", "reason", "words"),
    [
        ([], "MESSAGE_ORDER", ["header"]),
        ([Part()], "MESSAGE_ORDER", ["header"]),
        ([BYTES], "MESSAGE_ORDER", ["first message", "header"]),
        ([KERNEL, BYTES], "MESSAGE_ORDER", ["first message", "header"]),
        ([header(), BYTES], "MESSAGE_ORDER", ["a chunk needs a weight before it"]),
        ([header(), header()], "MESSAGE_ORDER", ["header came there"]),
        ([header(), KERNEL, BYTES, header()], "MESSAGE_ORDER", ["header came there"]),
        ([header(), Part()], "MESSAGE_ORDER", ["empty message"]),
        ([header(), KERNEL, Part()], "MESSAGE_ORDER", ["empty message"]),
        ([header(weight_count=2), KERNEL, BYTES], "WEIGHT_COUNT", [r"\b2 weights", r"\b1 came"]),
        ([header(weight_count=1), KERNEL, BYTES], "MISSING_WEIGHT", ["c/bias", r"\(2,\)", "seed"]),
        ([header(), KERNEL, BIAS], "BYTES_MISMATCH", ["c/kernel", r"\b72 bytes", r"\b0 were sent"]),
        ([header(), KERNEL], "BYTES_MISMATCH", ["c/kernel", r"\b72 bytes", r"\b0 were sent"]),
        ([header(), KERNEL, Part(chunk=bytes(71)), BIAS], "BYTES_MISMATCH", [r"\b72 bytes", r"\b71 were sent"]),
        ([header(), KERNEL, BYTES, Part(chunk=b"1")], "BYTES_MISMATCH", [r"\b72 bytes", r"\b73 were sent"]),
        ([header(), KERNEL, Part(chunk=bytes(2**20))], "BYTES_MISMATCH", [r"\b72 bytes", r"\b1048576 were sent"]),
        ([header(), KERNEL, BYTES, KERNEL], "DUPLICATE_NAME", ["c/kernel", "twice"]),
        ([header(replace=True), KERNEL, BYTES, KERNEL, BYTES], "DUPLICATE_NAME", ["c/kernel", "twice"]),
    ],
)
def test_messages_that_make_no_registration(raw: Raw, parts: list[Part], reason: str, words: list[str]) -> None:
    refusal = raw.refusal("RegisterStack", parts)
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    says(refusal.message, *words)


def started(name: str = "c/kernel", shape: Sequence[int] = (3, 3, 2), data_type: int = 1) -> Part:
    """A weight announced."""
    weight = service_pb2.WeightStart(name=name, shape=shape)
    weight.data_type = data_type  # type: ignore[assignment]  # also numbers that the schema lacks
    return Part(weight=weight)


@pytest.mark.parametrize(
    ("start", "reason", "words"),
    [
        (started("c/kernal"), "UNKNOWN_WEIGHT", ['did you mean "c/kernel"']),
        (started("\u202e\n" * 5_000), "UNKNOWN_WEIGHT", ["u202e", "no weight"]),
        (started("../../c/kernel"), "UNKNOWN_WEIGHT", ["no weight"]),
        (started(shape=[2, 3, 3]), "WEIGHT_SHAPE", [r"\(2, 3, 3\)", r"\(3, 3, 2\)", "PyTorch"]),
        (started(shape=[]), "WEIGHT_SHAPE", [r"\(3, 3, 2\)"]),
        (started(shape=[-3, -3, 2]), "BAD_SHAPE", ["-3"]),
        (started(shape=[1] * 33), "BAD_SHAPE", [r"\b33\b", r"\b32\b"]),
        (started(shape=[2**62, 0, 2**62]), "BAD_SHAPE", [str(2**62)]),
        (started(shape=[2**40]), "WEIGHT_SHAPE", [str(2**40)]),
        (started(data_type=0), "BAD_DATA_TYPE", ["not set"]),
        (started(data_type=99), "BAD_DATA_TYPE", [r"\b99\b"]),
        (started(data_type=2), "WEIGHT_DTYPE", ["float64", "float32"]),
    ],
)
def test_a_weight_that_is_not_this_stacks(raw: Raw, start: Part, reason: str, words: list[str]) -> None:
    refusal = raw.refusal("RegisterStack", [header(seed=1), start, BYTES])
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert refusal.field.startswith("weight")
    says(refusal.message, *words)


@pytest.mark.parametrize("name", [*HOSTILE.values(), ".", "..", "f" * 64], ids=[*HOSTILE, "dot", "dots", "an id"])
def test_a_name_that_cannot_be_registered(raw: Raw, name: str) -> None:
    refusal = raw.refusal("RegisterStack", [header(name, seed=1)])
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "BAD_NAME", "header.name")
    assert refusal.message.isascii()
    assert len(refusal.message) < 800


def test_a_header_without_a_stack(raw: Raw) -> None:
    refusal = raw.refusal("RegisterStack", Part(header=service_pb2.RegisterHeader(name="bad")))
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "NO_STACK", "header.stack")


@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("sent", [1, 2, 3], ids=["header", "weight", "chunk"])
def test_a_caller_who_goes_in_the_middle(raw: Raw, sent: int, turn: int) -> None:
    """The stream is cancelled by the caller after some messages; a later call must find nothing of it.

    With a seed, what had arrived would make a whole stack: only that the stream was not ended says that it is none.
    """
    gone, taken = threading.Event(), threading.Event()

    def messages() -> Iterator[bytes]:
        for part in [header(seed=turn), KERNEL, BYTES][:sent]:
            yield part.SerializeToString()
        taken.set()
        gone.wait()

    call: Any = raw.channel.stream_unary("/lamina.v1.LaminaService/RegisterStack")
    future = call.future(messages(), timeout=5)
    assert taken.wait(5)
    assert future.cancel()
    gone.set()
    assert future.code() is grpc.StatusCode.CANCELLED


def test_weights_go_with_a_stack_not_with_an_id(raw: Raw) -> None:
    parts = [header("kept", seed=1)]
    raw.call("RegisterStack", parts)
    try:
        for rpc in ("Infer", "Export"):
            request = getattr(service_pb2, f"{rpc}Request")(stack_id="kept", weights=service_pb2.Weights())
            refusal = raw.refusal(rpc, request)
            assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", "WEIGHTS_WITH_ID", "weights")
        fed = service_pb2.InferRequest(stack_id="kept", inputs=[tensor(np.ones((1, 7, 3)))])
        refusal = raw.refusal("Infer", fed)
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "ARRAY_MISMATCH")
        says(refusal.message, "8 steps", r"\(1, 7, 3\)")
        taken = raw.refusal("RegisterStack", [header("kept", seed=2)])
        assert (taken.code, taken.reason) == ("ALREADY_EXISTS", "NAME_TAKEN")
        says(taken.message, "'kept'", "replace")
    finally:
        raw.call("UnregisterStack", service_pb2.UnregisterStackRequest(name="kept"))
