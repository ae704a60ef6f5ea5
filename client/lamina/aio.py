"""The asynchronous client: the same methods as `Client`, to be awaited."""
# ruff: noqa: ASYNC109 - `timeout=` as in Client: gRPC keeps the deadline, and the server learns of it

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc
import grpc.aio

from lamina import transport
from lamina.batches import Gatherer, Sample
from lamina.calls import Call, Calls, per_sample
from lamina.errors import FailedPreconditionError, NotFoundError
from lamina.model import Model
from lamina.results import LayerKind, RegisteredStack, Registration, Result, ServerInfo, StackInfo
from lamina.rpc_errors import from_rpc_error
from lamina.stack import Stack
from lamina.traces import Trace

if TYPE_CHECKING:
    from lamina.typing import ArraysLike, InputsLike, ShapesLike, SourceLike, WeightsLike

Answer = TypeVar("Answer")


class AsyncClient:
    """A connection to a Lamina server, for any number of tasks of one event loop.

    Arguments, methods and errors are those of `Client`. The connection belongs to the loop of the first call.
    """

    def __init__(
        self,
        address: str = transport.DEFAULT_ADDRESS,
        *,
        timeout: float = transport.DEFAULT_TIMEOUT,
        max_message_bytes: int = transport.DEFAULT_MAX_MESSAGE_BYTES,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str | bytes] | None = None,
        reregister: bool = True,
    ) -> None:
        self.address = transport.checked_address(address)
        self.timeout = transport.checked_timeout(timeout, transport.DEFAULT_TIMEOUT)
        self._calls = Calls(max_message_bytes)
        self._credentials = credentials
        self._metadata = transport.checked_metadata(metadata)
        self._reregister = reregister
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[str, Any] = {}
        self._closed = False

    async def trace(
        self,
        source: "SourceLike",
        shapes: "ShapesLike | None" = None,
        *,
        at: "Mapping[str, int] | None" = None,
        partial: bool = False,
        timeout: float | None = None,
    ) -> Trace:
        """The shape of every tensor of a stack, and why; see `Client.trace`."""
        return await self._run(self._calls.trace(source, shapes, at=at, partial=partial), timeout)

    async def infer(
        self,
        source: "SourceLike",
        x: "ArraysLike",
        *,
        fetch: "InputsLike" = (),
        weights: "WeightsLike | None" = None,
        seed: int | None = None,
        trace: bool = True,
        timeout: float | None = None,
    ) -> Result:
        """Runs a stack, or a registered one by name or id, on arrays; see `Client.infer`."""
        call = self._calls.infer(source, x, fetch=fetch, weights=weights, seed=seed, trace=trace)
        return await self._run(call, timeout)

    async def map(
        self,
        source: "SourceLike",
        samples: Iterable[Sample] | AsyncIterable[Sample],
        *,
        batch_size: int = 32,
        fetch: "InputsLike" = (),
        timeout: float | None = None,
    ) -> AsyncIterator[Result]:
        """Runs a stack on many samples and yields a result for each, in order; see `Client.map`."""
        gatherer = Gatherer(batch_size)
        async for sample in _each(samples):
            if full := gatherer.add(sample):
                for result in await self._batch(source, *full, fetch, timeout):
                    yield result
        if last := gatherer.rest():
            for result in await self._batch(source, *last, fetch, timeout):
                yield result

    async def _batch(
        self, source: "SourceLike", batch: Any, count: int, fetch: "InputsLike", timeout: float | None
    ) -> Iterable[Result]:
        return per_sample(await self.infer(source, batch, fetch=fetch, trace=False, timeout=timeout), count)

    async def export(
        self,
        source: "SourceLike",
        *,
        fetch: "InputsLike" = (),
        weights: "WeightsLike | None" = None,
        seed: int | None = None,
        timeout: float | None = None,
    ) -> Model:
        """The ONNX model of a stack; see `Client.export`."""
        return await self._run(self._calls.export(source, fetch, weights, seed), timeout)

    async def register(
        self,
        name: str,
        stack: Stack,
        weights: "WeightsLike | None" = None,
        *,
        seed: int | None = None,
        replace: bool = False,
        timeout: float | None = None,
    ) -> Registration:
        """Keeps a stack and its weights on the server under a name; see `Client.register`."""
        return await self._run(self._calls.register(name, stack, weights, seed, replace), timeout)

    async def get(self, name: str, *, timeout: float | None = None) -> RegisteredStack:
        """A registered stack by name or id, without its weights. Raises NotFoundError."""
        return await self._run(self._calls.get(name), timeout)

    async def list(self, *, timeout: float | None = None) -> AsyncIterator[StackInfo]:
        """Registered stacks, ordered by name, fetched page by page; `timeout` holds for each page."""
        token = ""
        while True:
            stacks, token = await self._run(self._calls.page(token), timeout)
            for stack in stacks:
                yield stack
            if not token:
                return

    async def unregister(self, name: str, *, timeout: float | None = None) -> None:
        """Forgets a name, and its stack when no other name stands for it. Raises NotFoundError."""
        await self._run(self._calls.unregister(name), timeout)

    async def kinds(self, *, timeout: float | None = None) -> tuple[LayerKind, ...]:
        """The kinds of layer the server knows, with their documentation."""
        return await self._run(self._calls.kinds(), timeout)

    async def info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server is: versions, device, limits."""
        return await self._run(self._calls.info(), timeout)

    async def close(self) -> None:
        """Ends the connection; calls that run are cancelled. Closing twice does no harm."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self.address!r}{', closed' if self._closed else ''})"

    async def _run(self, call: Call[Answer], timeout: float | None) -> Answer:
        """Makes a call; where the server lost the registered stack it needs, registers that and makes it once more."""
        deadline = transport.Deadline(transport.checked_timeout(timeout, self.timeout))
        try:
            return await self._send(call, deadline)
        except NotFoundError:
            again = self._calls.again(call) if self._reregister else None
            if again is None:
                raise
        await self._send(again, deadline)
        return await self._send(call, deadline)

    async def _send(self, call: Call[Answer], deadline: transport.Deadline) -> Answer:
        if self._closed:
            raise FailedPreconditionError(f"This client of {self.address} is closed.", reason="CLIENT_CLOSED")
        request_id, metadata = transport.headers(self._metadata)
        request = call.request() if callable(call.request) else call.request
        try:
            rpc = self._method(call.method)(request, timeout=deadline.left(), metadata=metadata)
            streaming = transport.method(call.method).server_streaming
            response = [part async for part in rpc] if streaming else await rpc
        except grpc.RpcError as error:
            raise from_rpc_error(
                error, request_id=request_id, address=self.address, method=call.method, timeout=deadline.seconds
            ) from None
        return call.read(response)

    def _method(self, name: str) -> Any:
        if name not in self._methods:
            if self._channel is None:
                self._channel = self._connect()
            self._methods[name] = transport.method(name).on(self._channel)
        return self._methods[name]

    def _connect(self) -> grpc.aio.Channel:
        options = transport.channel_options(self.address, self._calls.max_message_bytes)
        if self._credentials:
            return grpc.aio.secure_channel(self.address, self._credentials, options=options)
        return grpc.aio.insecure_channel(self.address, options=options)


async def _each(samples: Iterable[Sample] | AsyncIterable[Sample]) -> AsyncIterator[Sample]:
    if isinstance(samples, AsyncIterable):
        async for sample in samples:
            yield sample
    else:
        for sample in samples:
            yield sample
