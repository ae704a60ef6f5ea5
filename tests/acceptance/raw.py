"""Requests as bytes over a channel of their own: what no SDK would send, and what must hold of every refusal."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from lamina.v1 import service_pb2, trace_pb2

HANG_SECONDS = 5.0  # an answer takes milliseconds; this only tells a hang from a slow machine
MOST_STATUS_BYTES = 4096
SERVICE = service_pb2.DESCRIPTOR.services_by_name["LaminaService"]
RPCS = tuple(method.name for method in SERVICE.methods)
_REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_PATH = re.compile(r"[a-z_]+(\[\d+\])?(\.[a-z_]+(\[\d+\])?)*")


class Refusal(NamedTuple):
    """A refusal, taken apart; `diagnostic` is None where none came."""

    code: str
    message: str
    reason: str
    field: str
    diagnostic: trace_pb2.Diagnostic | None
    facts: dict[str, str]


class Raw:
    """A channel without stubs."""

    def __init__(self, address: str) -> None:
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(address, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, rpc: str, request: bytes | Message | Iterable[bytes | Message]) -> bytes:
        """The answer to a request, or to a stream of them, as bytes; all messages of a stream joined."""
        method = SERVICE.methods_by_name[rpc]
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        callable_: Any = getattr(self.channel, kind)(f"/{SERVICE.full_name}/{rpc}")
        messages = [request] if isinstance(request, bytes | Message) else request
        sent = iter([_bytes(message) for message in messages])
        answer = callable_(sent if method.client_streaming else next(sent), timeout=HANG_SECONDS)
        return b"".join(answer) if method.server_streaming else answer

    def refusal(self, rpc: str, request: bytes | Message | Iterable[bytes | Message]) -> Refusal:
        """The refusal of a request that must be refused, after looking whether it keeps every promise."""
        try:
            answer = self.call(rpc, request)
        except grpc.RpcError as error:
            return taken_apart(error)
        raise AssertionError(f"{rpc} took it and answered {answer[:200]!r}")

    def infer(self, request: service_pb2.InferRequest) -> service_pb2.InferResponse:
        """The answer to an Infer that is legal."""
        return service_pb2.InferResponse.FromString(self.call("Infer", request))


def _bytes(request: bytes | Message) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def taken_apart(error: Any) -> Refusal:
    """An RpcError's parts, after looking whether it keeps every promise."""
    trailers = dict(error.trailing_metadata())
    code, text = error.code().name, error.details()
    packed = trailers.get("grpc-status-details-bin")
    assert packed is not None, f"no details: {code} {text}"
    assert len(packed) <= MOST_STATUS_BYTES
    status = status_pb2.Status.FromString(packed)
    assert (status.code, status.message) == (error.code().value[0], text)
    assert text.isprintable() and text.rstrip()[-1] in ".?", ascii(text)
    assert re.fullmatch(r"[\w.-]+", trailers["x-request-id"])
    info, bad, diagnostic = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), trace_pb2.Diagnostic()
    found = [
        target.DESCRIPTOR.name
        for detail in status.details
        for target in (info, bad, diagnostic)
        if detail.Unpack(target)
    ]
    assert info.domain == "lamina"
    assert _REASON.fullmatch(info.reason), info.reason
    field = bad.field_violations[0].field if bad.field_violations else ""
    assert not field or _PATH.fullmatch(field), field
    if "Diagnostic" in found:
        assert (diagnostic.reason, diagnostic.field, diagnostic.message) == (info.reason, field, text)
        assert len(diagnostic.fixes) <= 3
    return Refusal(code, text, info.reason, field, diagnostic if "Diagnostic" in found else None, dict(info.metadata))
