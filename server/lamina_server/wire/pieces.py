"""Messages from pieces: the bytes of a message are those of its fields one after the other, in any order.

Most of what a trace says of a layer is the same wherever such a layer stands. It is encoded once, as bytes, and joined
with what is its own, which takes a fraction of the time that building messages inside messages does.
"""

from collections.abc import Iterable
from functools import cache


def piece(number: int, data: bytes) -> bytes:
    """A field that holds a message, text or bytes."""
    return tag(number) + sized(data)


def text(number: int, value: str) -> bytes:
    """A text field; nothing where it is empty, as proto3 has it."""
    return piece(number, value.encode()) if value else b""


def pieces(number: int, items: Iterable[bytes]) -> bytes:
    """A repeated field of messages."""
    begin = tag(number)
    return b"".join([part for data in items for part in (begin, _varint(len(data)), data)])


def sized(data: bytes) -> bytes:
    """What follows the tag of a field that holds a message."""
    return _varint(len(data)) + data


@cache
def tag(number: int) -> bytes:
    """How a field begins that holds a message, text or bytes."""
    return _varint(number << 3 | 2)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _SMALL[value]
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


_SMALL = [bytes([value]) for value in range(0x80)]
