"""/metrics, /healthz and /readyz over HTTP/1.1: one short answer a connection, on the server's own event loop.

A hundred lines on asyncio rather than a web framework or threads: nothing but GET and HEAD of three paths is
served, every connection has a time limit, and their number is bounded.
"""

import asyncio
import contextlib
import socket
from http import HTTPStatus

from lamina_server.services.health import Health
from lamina_server.services.metrics import CONTENT_TYPE, Metrics

MAX_CONNECTIONS = 64
MAX_REQUEST_BYTES = 16 * 1024
TIMEOUT_SECONDS = 5.0
_PLAIN = "text/plain; charset=utf-8"


class HttpServer:
    """Serves until closed."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serves on `listener`, a bound TCP socket."""
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=MAX_REQUEST_BYTES)

    def close(self) -> None:
        """Takes no more connections."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            # A client that is gone, stuck or slow is no news.
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    writer.write(await self._answer(reader))
                    await writer.drain()
                    writer.write_eof()
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        if self._open > MAX_CONNECTIONS:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request too large\n")
        except asyncio.IncompleteReadError:
            return _response(HTTPStatus.BAD_REQUEST, "incomplete request\n")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, "not an HTTP/1 request\n")
        if words[0] not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "GET or HEAD only\n", extra="Allow: GET, HEAD\r\n")
        response = self._get(words[1].split(b"?", 1)[0])
        return response.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n" if words[0] == b"HEAD" else response

    def _get(self, path: bytes) -> bytes:
        if path == b"/metrics":
            return _response(HTTPStatus.OK, self._metrics.render(), CONTENT_TYPE)
        if path == b"/healthz":
            return _response(HTTPStatus.OK, "alive\n")
        if path == b"/readyz":
            if self._health.ready:
                return _response(HTTPStatus.OK, "ready\n")
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "not ready\n")
        return _response(HTTPStatus.NOT_FOUND, "there are /metrics, /healthz and /readyz\n")


def _response(status: HTTPStatus, body: str | bytes, content_type: str = _PLAIN, extra: str = "") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{extra}\r\n"
    )
    return head.encode("ascii") + data
