"""A client for one command: of the server at an address, or of one that is started for it and ends with it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import lamina as lm
from lamina.cli.console import Out
from lamina.cli.reporting import usage

if TYPE_CHECKING:
    from lamina import Client


@contextmanager
def connected(address: str | None, timeout: float, out: Out) -> "Iterator[Client]":
    """A client; a server of its own where no address is given. Raises LaminaError where that does not start."""
    if address:
        try:
            client = lm.Client(address, timeout=timeout)
        except lm.InvalidArgumentError as error:
            raise usage(error.message.removeprefix("Client: "), "--address") from error
        with client:
            yield client
        return
    with _ended_properly():
        with out.waiting("Starting a server"):
            server = lm.LocalServer()
        with server, lm.Client(server.address, timeout=timeout) as client:
            yield client


@contextmanager
def _ended_properly() -> Iterator[None]:
    """Lets SIGTERM unwind the program as Ctrl-C does, so that the server's folder is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
