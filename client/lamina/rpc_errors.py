"""gRPC's errors into ours: what the server said in its status details, or what the transport means in plain words."""

import re
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from lamina.diagnostics import Diagnostic
from lamina.errors import BY_CODE, LaminaError, LayerShapeError
from lamina.render.words import bytes_
from lamina.v1 import trace_pb2

_TOO_LARGE = re.compile(r"larger than max \((\d+) vs\. (\d+)\)")
_CAUSES = {
    "Connection refused": "connection refused",
    "DNS": "its name is not known",
    "Domain name not found": "its name is not known",
    "imeout": "it does not react",
    "imed out": "it does not react",
    "No route": "no way leads there",
    "unreachable": "no way leads there",
    "Ssl": "the two ends do not agree on TLS",
    "SSL": "the two ends do not agree on TLS",
}


class _Details:
    """What a rich status said; empty where it was lost on the way, or never sent."""

    def __init__(self) -> None:
        self.reason = ""
        self.field = ""
        self.numbers: dict[str, str] = {}
        self.diagnostic: Diagnostic | None = None
        self.retry_after: float | None = None


def from_rpc_error(
    error: grpc.RpcError, *, request_id: str = "", address: str = "", method: str = "", timeout: float | None = None
) -> LaminaError:
    """The error of this package for one of gRPC's, synchronous or not, with the fixes that came along."""
    call: Any = error
    code = call.code().name
    details = _read(call)
    known = bool(details.reason or details.diagnostic)
    text = call.details() or ""
    message = text if known else _plain(code, text, address, method, timeout)
    kind = BY_CODE.get(code, LaminaError)
    if code == "INVALID_ARGUMENT" and details.diagnostic and details.diagnostic.layer:
        kind = LayerShapeError
    return kind(
        message,
        code=code,
        reason=details.reason,
        field=details.field,
        details=details.numbers,
        diagnostic=details.diagnostic,
        request_id=request_id,
        retry_after=details.retry_after,
    )


def _read(call: Any) -> _Details:
    try:
        status = rpc_status.from_call(call)
    except (ValueError, DecodeError):  # lost in part: gRPC drops metadata that is too long, and then the code differs
        return _Details()
    read = _Details()
    for detail in status.details if status else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            read.reason, read.numbers = info.reason, dict(info.metadata)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            violations = error_details_pb2.BadRequest.FromString(detail.value).field_violations
            read.field = violations[0].field if violations else ""
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
            read.retry_after = delay.seconds + delay.nanos / 1e9
        elif detail.Is(trace_pb2.Diagnostic.DESCRIPTOR):
            read.diagnostic = Diagnostic.from_proto(trace_pb2.Diagnostic.FromString(detail.value))
    if read.diagnostic:
        read.reason = read.reason or read.diagnostic.reason
        read.field = read.field or read.diagnostic.field
    return read


def _plain(code: str, text: str, address: str, method: str, timeout: float | None) -> str:
    """What a status without details means. It came from gRPC itself, or from something on the way."""
    if code == "UNAVAILABLE":
        cause = next((words for sign, words in _CAUSES.items() if sign in text), "")
        if "failed to connect" in text or cause:
            return (
                f"No Lamina server answers at {address}: {cause or text}. "
                "Start one with `lamina serve`, or use lm.LocalServer()."
            )
        return f"The connection to {address} broke: {text}."
    if code == "DEADLINE_EXCEEDED" and timeout is not None:
        return f"{method} had no answer from {address} within {timeout:g} s. Give it more with timeout=."
    if code == "RESOURCE_EXHAUSTED" and (match := _TOO_LARGE.search(text)):
        sent, most = (bytes_(int(number)) for number in match.groups())
        return (
            f"The message has {sent}; the other end takes {most} (LAMINA_MAX_MESSAGE_BYTES on the server). "
            "Register large weights: client.register(name, stack) sends them in pieces."
        )
    if code == "UNIMPLEMENTED":
        return f"What answers at {address} does not know {method}: another service, or an older Lamina. It said: {text}"
    return text or f"{method} failed with {code}."
