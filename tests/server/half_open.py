"""HTTP/2 by hand: calls that send their headers and then nothing, which no gRPC client would do."""

import asyncio
import struct

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _HEADERS, _END_HEADERS = 4, 1, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field in HPACK: literal, not indexed, no Huffman coding."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _headers(method: str) -> bytes:
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": method.encode(),
        b":authority": b"localhost",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
    }
    return b"".join(_literal(name, value) for name, value in fields.items())


async def half_open_calls(port: int, method: str, count: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Opens `count` calls of `method` on one connection and leaves them; its streams, once the server has seen them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_PREFACE + _frame(_SETTINGS, 0, 0))
    for index in range(count):
        writer.write(_frame(_HEADERS, _END_HEADERS, 2 * index + 1, _headers(method)))
    # The answer to a ping comes after everything sent before it was read.
    writer.write(_frame(6, 0, 0, b"12345678"))
    await writer.drain()
    while True:
        head = await reader.readexactly(9)
        payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] == 6 and head[4] == 1 and payload == b"12345678":
            return reader, writer
