"""Errors as google.rpc.Status: right code, all the details, small enough to arrive."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st

from lamina.v1 import trace_pb2
from lamina_server import errors
from lamina_server.services.status import (
    MAX_STATUS_BYTES,
    MAX_TRAILER_BYTES,
    BusyError,
    DeadlineError,
    DefectError,
    code_of,
    to_status,
)


def unpack(status: status_pb2.Status, kind: type[Message]) -> Any:
    for packed in status.details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequestError("m"), "INVALID_ARGUMENT"),
        (
            errors.StackError(SimpleNamespace(message="m", reason="RANK_MISMATCH", field="stack", facts={})),
            "INVALID_ARGUMENT",
        ),
        (errors.LimitError("m"), "RESOURCE_EXHAUSTED"),
        (errors.NotFoundError("m"), "NOT_FOUND"),
        (errors.ConflictError("m"), "ALREADY_EXISTS"),
        (errors.UnavailableError("m"), "UNAVAILABLE"),
        (errors.CorruptDataError("m"), "DATA_LOSS"),
        (errors.MismatchError("m"), "INTERNAL"),
        (errors.LaminaError("m"), "INTERNAL"),
        (DefectError("m"), "INTERNAL"),
        (BusyError("m"), "RESOURCE_EXHAUSTED"),
        (DeadlineError("m"), "DEADLINE_EXCEEDED"),
    ],
)
def test_every_error_has_its_code_and_reason(error: errors.LaminaError, code: str) -> None:
    status = to_status(error)
    assert code_of(error).name == code and status.code == getattr(grpc.StatusCode, code).value[0]
    info = unpack(status, details_pb2.ErrorInfo)
    assert (info.domain, info.reason) == ("lamina", error.reason)


def test_field_numbers_and_diagnostic_travel_along() -> None:
    error = errors.InvalidRequestError("3 axes, not 2", field="stack.layers[3].conv", facts={"got": 3, "expected": 2})
    diagnostic = trace_pb2.Diagnostic(reason="RANK_MISMATCH", layer="conv1d", index=3)
    diagnostic.fixes.extend(trace_pb2.Fix(title=f"fix {number}") for number in range(5))
    status = to_status(error, diagnostic)
    (violation,) = unpack(status, details_pb2.BadRequest).field_violations
    assert (violation.field, violation.description) == ("stack.layers[3].conv", "3 axes, not 2")
    assert dict(unpack(status, details_pb2.ErrorInfo).metadata) == {"got": "3", "expected": "2"}
    found = unpack(status, trace_pb2.Diagnostic)
    assert found.layer == "conv1d" and [fix.title for fix in found.fixes] == ["fix 0", "fix 1", "fix 2"]
    assert len(diagnostic.fixes) == 5, "the caller's own is left as it was"


@pytest.mark.parametrize(("error", "seconds"), [(errors.UnavailableError("m"), 1.0), (BusyError("m"), 0.25)])
def test_what_may_be_tried_again_says_when(error: errors.LaminaError, seconds: float) -> None:
    delay = unpack(to_status(error), details_pb2.RetryInfo).retry_delay
    assert delay.seconds + delay.nanos / 1e9 == seconds


def test_what_cannot_succeed_is_not_to_be_tried_again() -> None:
    assert unpack(to_status(errors.LimitError("m")), details_pb2.RetryInfo) is None


def test_fixes_go_first_where_room_is_short() -> None:
    diagnostic = trace_pb2.Diagnostic(layer="conv1d")
    diagnostic.fixes.extend(trace_pb2.Fix(title="x" * 1500) for _ in range(3))
    error = errors.InvalidRequestError("m", field="stack", facts={"a": 1})
    status = to_status(error, diagnostic)
    assert len(unpack(status, trace_pb2.Diagnostic).fixes) == 2
    assert unpack(status, details_pb2.ErrorInfo).metadata["a"] == "1"
    diagnostic.message = "y" * 4000
    status = to_status(error, diagnostic)
    assert unpack(status, trace_pb2.Diagnostic) is None
    assert unpack(status, details_pb2.BadRequest).field_violations[0].field == "stack"


texts = st.text(st.characters(codec="utf-8"), max_size=3000) | st.sampled_from(["é" * 4000, "\n%" * 3000, "\ud800 %"])


@given(
    message=texts,
    field=texts,
    facts=st.dictionaries(st.text("ab", max_size=5), texts, max_size=20),
    title=texts.filter(str.isprintable),
)
def test_every_status_is_small_enough_and_keeps_its_reason(
    message: str, field: str, facts: dict[str, str], title: str
) -> None:
    error = errors.InvalidRequestError(message, field=field.replace("\ud800", ""), facts=facts)
    status = to_status(error, trace_pb2.Diagnostic(fixes=[trace_pb2.Fix(title=title)] * 4))
    encoded = status.SerializeToString()
    assert len(encoded) <= MAX_STATUS_BYTES
    assert len(encoded) * 4 // 3 + len(quote(status.message)) <= MAX_TRAILER_BYTES
    assert unpack(status, details_pb2.ErrorInfo).reason == "INVALID_REQUEST"
    assert not message or status.message
