"""The synchronous client: one channel, one method for each thing the server does."""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc

from lamina import transport
from lamina.batches import Sample, batches
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


class Client:
    """A connection to a Lamina server, for any number of threads.

    `timeout` is in seconds and holds for each call; `timeout=float("inf")` waits for ever. `max_message_bytes` is what
    one message may have, as on the server. `credentials` are gRPC's channel credentials, for TLS. `metadata` goes with
    every call. A stack registered through this client is registered again by itself where a call finds that the server
    has lost it, unless `reregister=False`; for that its weights are kept here.

    Every method raises `LaminaError`: InvalidArgumentError before anything is sent where the arguments are wrong,
    LayerShapeError with fixes where a layer does not fit, UnavailableError where no server answers.
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
        self._metadata = transport.checked_metadata(metadata)
        self._reregister = reregister
        options = transport.channel_options(address, max_message_bytes)
        self._channel = (
            grpc.secure_channel(address, credentials, options=options)
            if credentials
            else grpc.insecure_channel(address, options=options)
        )
        self._methods: dict[str, Any] = {}
        self._closed = False

    def trace(
        self,
        source: "SourceLike",
        shapes: "ShapesLike | None" = None,
        *,
        at: "Mapping[str, int] | None" = None,
        partial: bool = False,
        timeout: float | None = None,
    ) -> Trace:
        """The shape of every tensor of a stack, and why; nothing is built or run.

        `shapes` are those of the caller's arrays, the batch axis included, to be compared with the Inputs: a list in
        their order, or by name. `at` gives numbers for symbols, {"T": 128}: the trace is of these sizes. With `partial`
        an illegal stack is answered with the layers before the fault and `Trace.diagnostics`, not with an error.
        """
        return self._run(self._calls.trace(source, shapes, at=at, partial=partial), timeout)

    def infer(
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
        """Runs a stack, or a registered one by name or id, on arrays with the batch axis first.

        `x` is one array, a list of arrays in the order of the Inputs, or arrays by their names; lists, integers and
        float64 are converted to the Input's type. `fetch` names layers whose activations to return, "*" all of them.
        Weights come from `weights`, from the layers, or from a `seed` (0 where nothing is said).
        """
        call = self._calls.infer(source, x, fetch=fetch, weights=weights, seed=seed, trace=trace)
        return self._run(call, timeout)

    def map(
        self,
        source: "SourceLike",
        samples: Iterable[Sample],
        *,
        batch_size: int = 32,
        fetch: "InputsLike" = (),
        timeout: float | None = None,
    ) -> Iterator[Result]:
        """Runs a stack on many samples, without batch axis, and yields a result for each, in order.

        Samples travel in batches of at most `batch_size` of the same shape; no more than one batch is held. A sample
        is an array, or arrays by the names of the Inputs. `timeout` holds for each batch.
        """
        for batch, count in batches(samples, batch_size):
            yield from per_sample(self.infer(source, batch, fetch=fetch, trace=False, timeout=timeout), count)

    def export(
        self,
        source: "SourceLike",
        *,
        fetch: "InputsLike" = (),
        weights: "WeightsLike | None" = None,
        seed: int | None = None,
        timeout: float | None = None,
    ) -> Model:
        """The ONNX model of a stack; `fetch` names layers it shall return besides the stack's outputs."""
        return self._run(self._calls.export(source, fetch, weights, seed), timeout)

    def register(
        self,
        name: str,
        stack: Stack,
        weights: "WeightsLike | None" = None,
        *,
        seed: int | None = None,
        replace: bool = False,
        timeout: float | None = None,
    ) -> Registration:
        """Keeps a stack and its weights on the server under a name; weights travel in pieces of 1 MiB.

        The same content again changes nothing. Raises AlreadyExistsError where the name stands for other content and
        `replace` is not set.
        """
        return self._run(self._calls.register(name, stack, weights, seed, replace), timeout)

    def get(self, name: str, *, timeout: float | None = None) -> RegisteredStack:
        """A registered stack by name or id, as it was sent, without its weights. Raises NotFoundError."""
        return self._run(self._calls.get(name), timeout)

    def list(self, *, timeout: float | None = None) -> Iterator[StackInfo]:
        """Registered stacks, ordered by name, fetched page by page; `timeout` holds for each page."""
        token = ""
        while True:
            stacks, token = self._run(self._calls.page(token), timeout)
            yield from stacks
            if not token:
                return

    def unregister(self, name: str, *, timeout: float | None = None) -> None:
        """Forgets a name, and its stack when no other name stands for it. Raises NotFoundError."""
        self._run(self._calls.unregister(name), timeout)

    def kinds(self, *, timeout: float | None = None) -> tuple[LayerKind, ...]:
        """The kinds of layer the server knows, with their documentation."""
        return self._run(self._calls.kinds(), timeout)

    def info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server is: versions, device, limits."""
        return self._run(self._calls.info(), timeout)

    def close(self) -> None:
        """Ends the connection; calls that run are cancelled. Closing twice does no harm."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.address!r}{', closed' if self._closed else ''})"

    def _run(self, call: Call[Answer], timeout: float | None) -> Answer:
        """Makes a call; where the server lost the registered stack it needs, registers that and makes it once more."""
        deadline = transport.Deadline(transport.checked_timeout(timeout, self.timeout))
        try:
            return self._send(call, deadline)
        except NotFoundError:
            again = self._calls.again(call) if self._reregister else None
            if again is None:
                raise
        self._send(again, deadline)
        return self._send(call, deadline)

    def _send(self, call: Call[Answer], deadline: transport.Deadline) -> Answer:
        if self._closed:
            raise FailedPreconditionError(f"This client of {self.address} is closed.", reason="CLIENT_CLOSED")
        request_id, metadata = transport.headers(self._metadata)
        request = call.request() if callable(call.request) else call.request
        try:
            response = self._method(call.method)(request, timeout=deadline.left(), metadata=metadata)
            if transport.method(call.method).server_streaming:
                response = [*response]
        except grpc.RpcError as error:
            raise from_rpc_error(
                error, request_id=request_id, address=self.address, method=call.method, timeout=deadline.seconds
            ) from None
        return call.read(response)

    def _method(self, name: str) -> Any:
        if name not in self._methods:
            self._methods[name] = transport.method(name).on(self._channel)
        return self._methods[name]
