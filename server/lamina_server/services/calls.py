"""The call being served: what its log line and the metrics will say of it."""

import time
from contextvars import ContextVar
from types import TracebackType


class Call:
    """One call under way. Services fill in `stack_id` and time their stages; nothing here holds tensor content."""

    __slots__ = ("reason", "request_id", "rpc", "stack_id", "stages", "started")

    def __init__(self, rpc: str, request_id: str) -> None:
        self.rpc = rpc
        self.request_id = request_id
        self.stack_id = ""
        self.stages: dict[str, float] = {}
        """Seconds by stage, in the order in which the stages were first entered."""
        self.reason = ""
        """Reason of the error the call ended with; "" where it ended with none."""
        self.started = time.perf_counter()

    def stage(self, name: str) -> "Stage":
        """Times a block: `with call.stage("trace"): ...`. Entered again, it adds up."""
        return Stage(self.stages, name)


class Stage:
    """Adds the seconds spent in its block to a stage."""

    __slots__ = ("_name", "_stages", "_started")

    def __init__(self, stages: dict[str, float], name: str) -> None:
        self._stages, self._name = stages, name
        stages.setdefault(name, 0.0)

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stages[self._name] += time.perf_counter() - self._started


_current: ContextVar[Call | None] = ContextVar("lamina_call", default=None)


def current_call() -> Call:
    """The call that this task serves; outside of one, a fresh record that nobody reads."""
    return _current.get() or Call("", "")


def enter_call(call: Call) -> None:
    """Makes `call` the one this task serves. gRPC gives every call a task of its own, so nothing need be undone."""
    _current.set(call)
