"""When the server begins to be wanted and when it ceases to be: announcement, signals, the parent's end."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping

from .config import StartupError

_POLL_SECONDS = 0.5


def announce(descriptor: int | None, addresses: Mapping[str, str]) -> None:
    """Writes `addresses` to an inherited descriptor as one line of JSON and closes it; StartupError where it cannot."""
    if descriptor is None:
        return
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(json.dumps(dict(addresses)) + "\n")
    except OSError as error:
        raise StartupError(
            f"LAMINA_ANNOUNCE_FD is {descriptor}, which cannot be written to: {error.strerror or error}."
        ) from error


def stop_on_signals() -> asyncio.Event:
    """An event set by SIGTERM or SIGINT. Whoever sends a second one does not want to wait: the process ends at once."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, int(number))
    return stop


@contextlib.asynccontextmanager
async def watched_parent(pid: int | None, stop: asyncio.Event) -> AsyncIterator[None]:
    """Sets `stop` when process `pid` ends, however it ends, while in the block.

    A descriptor of the process, not PR_SET_PDEATHSIG: that signal comes when the *thread* ends which started this
    process, and a caller may have started it from a thread that does not live long.
    """
    if pid is None:
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.set()  # it ended before we looked
        yield
        return
    except (AttributeError, OSError):  # not Linux, or a kernel before 5.3, or forbidden
        polling = loop.create_task(_poll(pid, stop))
        try:
            yield
        finally:
            polling.cancel()
        return
    loop.add_reader(descriptor, stop.set)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _poll(pid: int, stop: asyncio.Event) -> None:
    """Sets `stop` once `pid` is neither our parent, if it was, nor alive."""
    was_parent = os.getppid() == pid
    while _alive(pid) and (os.getppid() == pid or not was_parent):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            return
    stop.set()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
