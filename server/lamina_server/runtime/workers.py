"""The threads that build and run models, so that the event loop stays free."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lamina_server.errors import UnavailableError
from lamina_server.runtime.session import Array, RunControl, Session

T = TypeVar("T")

# A hop to a thread and back costs about as much; a longer run would hold up the calls beside it.
INLINE_SECONDS = 200e-6


class Workers:
    """A bounded set of threads; ONNX Runtime lets go of the interpreter while it builds and runs."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lamina-worker")
        self._runs: set[RunControl] = set()
        self._closed = False

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, computed in a thread. A cancelled caller leaves it running, or never starts it.

        Raises UnavailableError once closed, else what `function` raises.
        """
        if self._closed:
            raise UnavailableError("This server is shutting down.", reason="SHUTTING_DOWN")
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    async def run(self, session: Session, inputs: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        """`session.run` in a thread, or right here where it takes less time than the hop.

        A cancelled caller stops the run before its next node. Raises what `Session.run` raises.
        """
        if session.expected_seconds(inputs) < INLINE_SECONDS:
            return session.run(inputs, outputs)
        control = RunControl()
        self._runs.add(control)
        try:
            return await self.call(lambda: session.run(inputs, outputs, control))
        except asyncio.CancelledError:
            control.stop()
            raise
        finally:
            self._runs.discard(control)

    def close(self) -> None:
        """Stops the runs that are under way before their next node, and takes no more."""
        self._closed = True
        for control in self._runs:
            control.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
