"""How calls travel: channel options, method paths, metadata. Shared by both clients; decides nothing about content."""

import json
import math
import re
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from lamina.errors import InvalidArgumentError
from lamina.place import shown
from lamina.v1 import service_pb2

DEFAULT_ADDRESS = "127.0.0.1:8500"
DEFAULT_TIMEOUT = 60.0
# A server's LAMINA_MAX_MESSAGE_BYTES where nothing else was set.
DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
# What a client sends of a weight in one message of a registration.
CHUNK_BYTES = 1024 * 1024

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["LaminaService"]
# Everything but UnregisterStack, which would answer its own success with NOT_FOUND the second time.
_RETRIED = [method.name for method in _SERVICE.methods if method.name != "UnregisterStack"]
_KEY = re.compile(r"[a-z0-9_.-]+")
_LOOPBACK = ("127.", "localhost:", "[::1]", "ipv4:127.", "ipv6:[::1]", "unix:")


class Method(NamedTuple):
    """Path of an RPC, its kind as gRPC calls it ("unary_stream"), and how its messages are written and read."""

    path: str
    kind: str
    serialize: Any
    deserialize: Any

    @property
    def server_streaming(self) -> bool:
        """Whether the answer is a stream."""
        return self.kind.endswith("stream")

    def on(self, channel: Any) -> Any:
        """The method of a channel, synchronous or not, to be called."""
        make = getattr(channel, self.kind)
        return make(self.path, request_serializer=self.serialize, response_deserializer=self.deserialize)


@cache
def method(name: str) -> Method:
    """An RPC of the service by its name, from the schema."""
    found = _SERVICE.methods_by_name[name]
    return Method(
        path=f"/{_SERVICE.full_name}/{name}",
        kind=f"{_number(found.client_streaming)}_{_number(found.server_streaming)}",
        serialize=_serialize,
        deserialize=GetMessageClass(found.output_type).FromString,
    )


def _number(streaming: bool) -> str:
    return "stream" if streaming else "unary"


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def channel_options(address: str, max_message_bytes: int) -> list[tuple[str, str | int]]:
    """Options of a channel; every one differs from gRPC's default for the reason beside it."""
    return [
        ("grpc.max_send_message_length", max_message_bytes),
        # What comes back is as large as the outputs asked for.
        ("grpc.max_receive_message_length", 2**31 - 1),
        # Errors with their fixes come in trailing metadata, which gRPC starts to drop at 8 KiB.
        ("grpc.max_metadata_size", 64 * 1024),
        ("grpc.absolute_max_metadata_size", 64 * 1024),
        ("grpc.service_config", _service_config()),
        # Retries stop silently for requests above this buffer, 256 KiB unless said otherwise.
        ("grpc.per_rpc_retry_buffer_size", max_message_bytes + CHUNK_BYTES),
        # Servers send clients away that ping more often than every 300 s.
        ("grpc.keepalive_time_ms", 330_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # How long one attempt to connect may take: a host that swallows packets is found out in seconds.
        ("grpc.min_reconnect_backoff_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        # Below the time that retries take together: a call finds a server that is back.
        ("grpc.max_reconnect_backoff_ms", 800),
        # A connection of its own: no other client's back-off, no other client's window.
        ("grpc.use_local_subchannel_pool", 1),
        # A proxy for the web is none for this machine.
        ("grpc.enable_http_proxy", 0 if address.startswith(_LOOPBACK) else 1),
    ]


def _service_config() -> str:
    retry = {
        "maxAttempts": 5,  # the most that gRPC makes
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [{"service": _SERVICE.full_name, "method": name} for name in _RETRIED]
    config = {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": names, "retryPolicy": retry}]}
    return json.dumps(config)


def checked_address(address: object) -> str:
    """An address gRPC can resolve. Raises InvalidArgumentError for a URL or no text at all."""
    if not isinstance(address, str) or not address or "://" in address.replace("dns:///", ""):
        raise InvalidArgumentError(
            f'Client: address is "host:port", such as "{DEFAULT_ADDRESS}"; {shown(address)} was given.', field="address"
        )
    return address


def checked_timeout(timeout: object, default: float) -> float:
    """Seconds a call may take. Raises InvalidArgumentError for what is no positive number; inf means no end."""
    seconds = default if timeout is None else timeout
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:  # nor NaN
        raise InvalidArgumentError(f"timeout is in seconds, above 0; {shown(seconds)} was given.", field="timeout")
    return float(seconds)


def checked_metadata(metadata: Mapping[Any, Any] | None) -> dict[str, str | bytes]:
    """Metadata that gRPC takes. Raises InvalidArgumentError for a key it refuses, or a value of the wrong kind."""
    checked = dict(metadata or {})
    for key, value in checked.items():
        wanted = bytes if str(key).endswith("-bin") else str
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(value, wanted):
            raise InvalidArgumentError(
                f"Client: metadata is text by lower-case names, bytes where the name ends in -bin; {shown(key)}: "
                f"{type(value).__name__} was given.",
                field="metadata",
            )
    return checked


class Deadline:
    """A moment that several attempts share."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, at least a little so that gRPC says what happened; None for no end."""
        return None if math.isinf(self.seconds) else max(self._end - time.monotonic(), 0.001)


def headers(metadata: Mapping[str, str | bytes]) -> tuple[str, list[tuple[str, str | bytes]]]:
    """A fresh request id, and the metadata that carries it."""
    request_id = uuid4().hex
    return request_id, [*metadata.items(), ("x-request-id", request_id)]
