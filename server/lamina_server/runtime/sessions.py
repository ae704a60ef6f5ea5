"""Models kept ready: each built once however many ask, the least recently used let go first."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from lamina_server.runtime.session import Session
from lamina_server.runtime.workers import Workers


class CacheStats(NamedTuple):
    """What a cache holds, and how often it had what was asked for."""

    entries: int
    size_bytes: int
    hits: int
    misses: int


class Lease(NamedTuple):
    """A session in use."""

    session: Session
    hit: bool
    """Whether it was there already; false also for those who waited while another caller's request built it."""


@dataclass(eq=False)
class _Entry:
    task: asyncio.Task[Session]
    users: int = 0
    size_bytes: int = field(default=0)  # 0 until built


class SessionCache:
    """Sessions by key, within `max_entries` and `max_bytes`; belongs to one event loop.

    A session in use is never let go; should those in use exceed the budget, it is met again as they are given back.
    A session is taken to cost what its model does, in bytes.
    """

    def __init__(self, workers: Workers, *, max_entries: int, max_bytes: int) -> None:
        self._workers = workers
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size_bytes = 0
        self._hits = 0
        self._misses = 0

    @property
    def stats(self) -> CacheStats:
        """What is held now, and hits and misses so far."""
        return CacheStats(len(self._entries), self._size_bytes, self._hits, self._misses)

    @asynccontextmanager
    async def lease(self, key: str, build: Callable[[], Session]) -> AsyncIterator[Lease]:
        """The session of `key`, built by `build` in a worker thread where it is not there; held while in the block.

        Whoever asks while it is being built waits for the same build and gets its error if it fails; a failure is not
        remembered. A caller that is cancelled leaves the build to the others.
        """
        entry = self._entries.get(key)
        hit = entry is not None and entry.size_bytes > 0
        self._hits, self._misses = self._hits + hit, self._misses + (not hit)
        if entry is None:
            entry = self._entries[key] = _Entry(asyncio.create_task(self._build(key, build)))
            entry.task.add_done_callback(_retrieve)
        self._entries.move_to_end(key)
        entry.users += 1
        try:
            yield Lease(entry.task.result() if hit else await asyncio.shield(entry.task), hit)
        finally:
            entry.users -= 1
            self._trim()

    def clear(self) -> None:
        """Lets go of every session that is not in use."""
        self._trim(0, 0)

    async def _build(self, key: str, build: Callable[[], Session]) -> Session:
        try:
            session = await self._workers.call(build)
        except BaseException:
            del self._entries[key]
            raise
        self._entries[key].size_bytes = max(1, session.size_bytes)
        self._size_bytes += self._entries[key].size_bytes
        return session

    def _trim(self, max_entries: int | None = None, max_bytes: int | None = None) -> None:
        """Lets go of the least recently used idle sessions until the budget is met."""
        entries = self._max_entries if max_entries is None else max_entries
        size = self._max_bytes if max_bytes is None else max_bytes
        if len(self._entries) <= entries and self._size_bytes <= size:
            return
        for key, entry in list(self._entries.items()):
            if len(self._entries) <= entries and self._size_bytes <= size:
                return
            if entry.users == 0 and entry.size_bytes > 0:
                del self._entries[key]
                self._size_bytes -= entry.size_bytes


def _retrieve(task: asyncio.Task[Session]) -> None:
    """Marks an error as seen, which nobody else does where every caller was cancelled."""
    if not task.cancelled():
        task.exception()
