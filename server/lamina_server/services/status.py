"""LaminaError -> google.rpc.Status, small enough to arrive: trailing metadata is lost at random from 8 KiB."""

from collections.abc import Iterator
from urllib.parse import quote

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from lamina.v1 import trace_pb2
from lamina_server.errors import (
    ConflictError,
    CorruptDataError,
    InvalidRequestError,
    LaminaError,
    LimitError,
    MismatchError,
    NotFoundError,
    UnavailableError,
)

DOMAIN = "lamina"
MAX_STATUS_BYTES = 4096
# The status travels base64-encoded beside its own message, percent-encoded.
MAX_TRAILER_BYTES = 7168
MAX_MESSAGE_BYTES = 1024
MAX_FACT_CHARACTERS = 200
MAX_FIXES = 3


class BusyError(LimitError):
    """As many calls as this server admits are being worked on."""

    default_reason = "TOO_MANY_CALLS"


class DeadlineError(LaminaError):
    """The call's time is over."""

    default_reason = "DEADLINE_EXCEEDED"


class DefectError(LaminaError):
    """Something went wrong that nobody foresaw: a defect of this server."""

    default_reason = "INTERNAL_DEFECT"


_CODES: tuple[tuple[type[LaminaError], grpc.StatusCode], ...] = (
    (InvalidRequestError, grpc.StatusCode.INVALID_ARGUMENT),
    (LimitError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (ConflictError, grpc.StatusCode.ALREADY_EXISTS),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (CorruptDataError, grpc.StatusCode.DATA_LOSS),
    (MismatchError, grpc.StatusCode.INTERNAL),
    (DeadlineError, grpc.StatusCode.DEADLINE_EXCEEDED),
)
_RETRY_SECONDS: dict[type[LaminaError], float] = {BusyError: 0.25, UnavailableError: 1.0}


def code_of(error: LaminaError) -> grpc.StatusCode:
    """The gRPC code that `error` is answered with."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def to_status(error: LaminaError, diagnostic: trace_pb2.Diagnostic | None = None) -> status_pb2.Status:
    """The status for `error`: ErrorInfo, RetryInfo where trying again can help, BadRequest where a field is at fault,
    and `diagnostic`.

    Where that is more than arrives safely, it leaves out, in this order: fixes, the diagnostic, the field's
    description, the numbers, the field. A message of more than 1 KiB is cut in any case.
    """
    message = _cut(error.message, MAX_MESSAGE_BYTES)
    status = status_pb2.Status()
    for details in _ever_less(error, diagnostic):  # the last of them always arrives
        packed = [_packed(detail) for detail in details]
        status = status_pb2.Status(code=code_of(error).value[0], message=message, details=packed)
        if _arrives(status):
            break
    return status


def _ever_less(error: LaminaError, diagnostic: trace_pb2.Diagnostic | None) -> Iterator[list[Message]]:
    """Lists of details, the fullest first."""
    facts = {name: _cut(value, MAX_FACT_CHARACTERS) for name, value in error.facts.items()}
    reason = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=facts)
    retry = _retry(error)
    field = _bad_request(error.field, _cut(error.message, MAX_MESSAGE_BYTES))
    if diagnostic is not None:
        for fixes in range(min(MAX_FIXES, len(diagnostic.fixes)), -1, -1):
            fewer = trace_pb2.Diagnostic()
            fewer.CopyFrom(diagnostic)
            del fewer.fixes[fixes:]
            yield [info, *retry, *field, fewer]
    yield [info, *retry, *field]
    yield [info, *retry, *_bad_request(error.field, "")]
    yield [reason, *retry, *_bad_request(error.field, "")]
    yield [reason, *retry]


def _retry(error: LaminaError) -> list[Message]:
    seconds = next((wait for kind, wait in _RETRY_SECONDS.items() if isinstance(error, kind)), None)
    if seconds is None:
        return []
    delay = duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
    return [error_details_pb2.RetryInfo(retry_delay=delay)]


def _bad_request(field: str, description: str) -> list[Message]:
    if not field:
        return []
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
    return [error_details_pb2.BadRequest(field_violations=[violation])]


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _arrives(status: status_pb2.Status) -> bool:
    size = status.ByteSize()
    return size <= MAX_STATUS_BYTES and size * 4 // 3 + len(quote(status.message)) <= MAX_TRAILER_BYTES


def _cut(text: str, size: int) -> str:
    """`text` in at most `size` bytes of UTF-8, cut between characters; what UTF-8 cannot hold becomes "?"."""
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return data.decode()
    return data[: size - 3].decode("utf-8", "ignore") + "…"
