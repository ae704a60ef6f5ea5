"""What holds for every call: an id, a deadline, a limit on how many at once, plain errors, a log line, metrics."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from lamina.v1 import trace_pb2
from lamina_server.config import Settings
from lamina_server.errors import (
    InvalidRequestError,
    LaminaError,
    LimitError,
    MismatchError,
    StackError,
    UnavailableError,
)
from lamina_server.services.calls import Call, enter_call
from lamina_server.services.logs import call_line
from lamina_server.services.metrics import Metrics
from lamina_server.services.status import BusyError, DeadlineError, DefectError, code_of, to_status

REQUEST_ID = "x-request-id"
_SANE_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_log = logging.getLogger("lamina_server")

Context = Any  # grpc.aio.ServicerContext: its published types leave out that there may be no deadline, no metadata

_CANCELLATION_SECONDS = 0.02  # it follows within a turn or two of the loop


class Calls:
    """The calls under way, and what they share.

    `diagnostic` turns a StackError into the detail its status carries; `write_line` takes the log line of each call
    (None: nothing is logged).
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        diagnostic: Callable[[StackError], trace_pb2.Diagnostic],
        write_line: Callable[[str], None] | None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.diagnostic = diagnostic
        self.write_line = write_line
        self.admitted = 0
        """How many have a request and are worked on; calls that have sent nothing yet are not among them."""
        self._open: set[Guard] = set()
        self._sweeping = False
        # One timer for all, not one a call: a deadline is kept to within a tenth of it.
        self._sweep_seconds = min(1.0, settings.default_deadline_seconds / 10)
        metrics.watch_calls(lambda: self.admitted)

    def enter(self, guard: "Guard") -> None:
        """A call has begun."""
        self._open.add(guard)
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)

    def leave(self, guard: "Guard") -> None:
        """A call has ended."""
        self._open.discard(guard)

    def end_all(self) -> None:
        """Ends the calls under way with UNAVAILABLE: the time for finishing them is over."""
        for guard in self._open:
            guard.end(UnavailableError("This server is shutting down.", reason="SHUTTING_DOWN"))

    def _sweep(self) -> None:
        """Ends calls that came without a deadline and outlast the one they got; gRPC sees to the others."""
        limit = self.settings.default_deadline_seconds
        oldest = time.perf_counter() - limit
        for guard in self._open:
            if not guard.has_deadline and guard.call.started < oldest:
                guard.end(
                    DeadlineError(
                        f"The call took more than the {limit:g} seconds given to calls that come without a deadline"
                        " (LAMINA_DEFAULT_DEADLINE_SECONDS)."
                    )
                )
        self._sweeping = bool(self._open)
        if self._sweeping:
            asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)


class Guard:
    """One call from its arrival to its last word; the block is the service's work."""

    __slots__ = ("_admitted", "_calls", "_context", "_decode", "_encode", "_ending", "_task", "call", "has_deadline")

    def __init__(
        self,
        calls: Calls,
        rpc: str,
        context: Context,
        decode: Callable[[bytes], Any],
        encode: Callable[[Any], bytes],
    ) -> None:
        self._calls, self._context, self._decode, self._encode = calls, context, decode, encode
        self._admitted = False
        self._ending: LaminaError | None = None
        self._task = asyncio.current_task()
        self.call = Call(rpc, _request_id(context))
        self.has_deadline = context.time_remaining() is not None

    async def __aenter__(self) -> "Guard":
        enter_call(self.call)
        self._calls.enter(self)
        self._context.set_trailing_metadata(((REQUEST_ID, self.call.request_id),))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError) and self._ending is not None:
            error = self._ending
        # The call is counted and logged before its last word is sent: a server that leaves waits for that word only.
        if error is None:
            self._end(grpc.StatusCode.OK)
        elif isinstance(error, Exception) and not isinstance(error, grpc.aio.AbortError):
            refusal, status = self._answer(error)
            self.call.reason = refusal.reason
            self._end(code_of(refusal))
            await self._abort(code_of(refusal), status)
        else:
            self._end(self._code_of_end())

    def end(self, error: LaminaError) -> None:
        """Ends the call with `error`, whatever it is doing."""
        self._ending = error
        if self._task is not None:
            self._task.cancel()

    def request(self, received: bytes) -> Any:
        """The request that came in as bytes; from here on the call is worked on."""
        self._admit()
        return self._decoded(received)

    async def requests(self, received: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """The requests of a stream. It is worked on from its first message on, not before."""
        idle = self._calls.settings.stream_idle_seconds
        while True:
            waiting = asyncio.timeout(idle)
            try:
                async with waiting:
                    data = await anext(received)
            except StopAsyncIteration:
                # gRPC ends the stream of a caller who has gone as it ends a whole one; only then it cancels the call.
                await asyncio.sleep(_CANCELLATION_SECONDS)
                return
            except TimeoutError:
                if not waiting.expired():
                    raise
                raise DeadlineError(
                    f"No message came for {idle:g} seconds (LAMINA_STREAM_IDLE_SECONDS).", reason="STREAM_IDLE"
                ) from None
            if not self._admitted:
                self._admit()
            yield self._decoded(data)

    def encode(self, reply: Any) -> bytes:
        """The reply's bytes; LimitError where they are more than a message may have."""
        with self.call.stage("encode"):
            data = self._encode(reply)
        limit = self._calls.settings.max_message_bytes
        if len(data) > limit:
            raise LimitError(
                f"The reply has {len(data)} bytes, but a message may have {limit} (LAMINA_MAX_MESSAGE_BYTES)."
                " Ask for less at once: a smaller batch, or fewer activations.",
                reason="REPLY_TOO_LARGE",
                facts={"bytes": len(data), "limit": limit},
            )
        return data

    def _decoded(self, data: bytes) -> Any:
        with self.call.stage("decode"):
            try:
                return self._decode(data)
            except DecodeError:
                raise InvalidRequestError(
                    f"The request ({len(data)} bytes) is not a message of {self.call.rpc}: it is damaged, or written"
                    " for another schema.",
                    reason="MALFORMED_MESSAGE",
                    facts={"bytes": len(data)},
                ) from None

    def _admit(self) -> None:
        if self.has_deadline and self._context.time_remaining() <= 0:
            raise DeadlineError("The call's deadline had passed when it arrived.")
        limit = self._calls.settings.max_concurrent_rpcs
        if self._calls.admitted >= limit:
            raise BusyError(
                f"{limit} calls are being worked on, which is this server's limit (LAMINA_MAX_CONCURRENT_RPCS)."
                " Try again in a moment.",
                facts={"limit": limit},
            )
        self._calls.admitted += 1
        self._admitted = True

    def _answer(self, error: Exception) -> tuple[LaminaError, status_pb2.Status]:
        """What the caller is told of `error`, also as a status."""
        refusal = self._refusal(error)
        if not isinstance(refusal, StackError):
            return refusal, to_status(refusal)
        try:
            return refusal, to_status(refusal, self._calls.diagnostic(refusal))
        except Exception as unforeseen:  # noqa: BLE001  (whatever it is, gRPC would show it to the caller)
            defect = self._defect(unforeseen)
            return defect, to_status(defect)

    def _refusal(self, error: Exception) -> LaminaError:
        """What the caller is told of `error`."""
        if isinstance(error, MismatchError):
            _log.error("request %s: %s", self.call.request_id, error, exc_info=error)
            if error.reason == MismatchError.default_reason:
                self._calls.metrics.trace_mismatches.inc()
        if isinstance(error, LaminaError):
            return error
        if isinstance(error, MemoryError):
            return LimitError("There is not enough memory for this call.", reason="OUT_OF_MEMORY")
        return self._defect(error)

    def _defect(self, error: Exception) -> LaminaError:
        _log.error("request %s: %s failed", self.call.request_id, self.call.rpc, exc_info=error)
        return DefectError(
            f"A defect of this server ended the call; its log says more under request id {self.call.request_id}."
        )

    async def _abort(self, code: grpc.StatusCode, status: status_pb2.Status) -> None:
        details = ("grpc-status-details-bin", status.SerializeToString())
        await self._context.abort(code, status.message, ((REQUEST_ID, self.call.request_id), details))

    def _code_of_end(self) -> grpc.StatusCode:
        """The code of a call that the service aborted itself, or that was cancelled."""
        aborted = self._context.code()
        if isinstance(aborted, grpc.StatusCode) and aborted is not grpc.StatusCode.OK:
            return aborted
        late = self.has_deadline and self._context.time_remaining() <= 0
        return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED

    def _end(self, code: grpc.StatusCode) -> None:
        calls = self._calls
        calls.leave(self)
        if self._admitted:
            calls.admitted -= 1
        seconds = time.perf_counter() - self.call.started
        calls.metrics.record(self.call, code.name, seconds)
        if calls.write_line is not None:
            calls.write_line(call_line(self.call, code.name, seconds))


def _request_id(context: Context) -> str:
    """The caller's id of the request where it is fit for a log, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and _SANE_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)
