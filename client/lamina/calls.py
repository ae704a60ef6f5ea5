"""Requests from what the caller gives, results from what the server answers: no transport, shared by both clients."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.protobuf.message import Message

from lamina import arguments
from lamina.diagnostics import Diagnostic
from lamina.errors import InvalidArgumentError
from lamina.messages import whole
from lamina.model import Model
from lamina.place import Place, shown
from lamina.results import LayerKind, RegisteredStack, Registration, Result, ServerInfo, StackInfo
from lamina.stack import Stack
from lamina.tensors import chunks, data_type_of, to_tensor
from lamina.traces import Trace
from lamina.transport import CHUNK_BYTES
from lamina.v1 import service_pb2

if TYPE_CHECKING:
    from lamina.typing import Array, ArraysLike, InputsLike, ShapesLike, SourceLike, WeightsLike

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One RPC to be made: `request` is the message, or makes the messages anew for each attempt.

    `read` turns the response, or the list of responses, into the answer; `name` is the registered stack it needs.
    """

    method: str
    request: Message | Callable[[], Iterator[Message]]
    read: Callable[[Any], Answer]
    name: str = ""


@dataclass(frozen=True)
class Kept:
    """What was registered under a name: enough to do it again."""

    name: str
    stack: Stack
    weights: "Mapping[str, Array]"
    seed: int | None


class Calls:
    """Makes the calls of one client. `registered` remembers what was registered through it, by name and by id."""

    def __init__(self, max_message_bytes: int) -> None:
        self.max_message_bytes = whole(max_message_bytes, Place("Client", "max_message_bytes"), 1024, 2**31 - 1)
        self.registered: dict[str, Kept] = {}

    def trace(
        self,
        source: "SourceLike",
        shapes: "ShapesLike | None" = None,
        *,
        at: "Mapping[str, int] | None" = None,
        partial: bool = False,
    ) -> Call[Trace]:
        """The call behind `Client.trace`."""
        request = service_pb2.TraceRequest(partial=partial)
        stack = self._set_source(request, source)
        if shapes is not None:
            request.shapes.extend(arguments.shapes(shapes, stack))
        request.symbol_values.update(arguments.symbol_values(at or {}))
        name = _name(source)

        def read(response: service_pb2.TraceResponse) -> Trace:
            faults = tuple(map(Diagnostic.from_proto, response.diagnostics))
            return Trace(response.trace, name, response.stack_id, faults)

        return self._sized(Call("Trace", request, read, name))

    def infer(
        self,
        source: "SourceLike",
        x: "ArraysLike",
        *,
        fetch: "InputsLike" = (),
        weights: "WeightsLike | None" = None,
        seed: int | None = None,
        trace: bool = True,
    ) -> Call[Result]:
        """The call behind `Client.infer`."""
        request = service_pb2.InferRequest(omit_trace=not trace, fetch=arguments.fetch(fetch))
        stack = self._set_source(request, source)
        arrays = arguments.arrays(x, stack)
        input_bytes = sum(array.nbytes for array in arrays.values())
        self._set_weights(request, source, weights, seed, input_bytes)
        request.inputs.extend(to_tensor(name, array) for name, array in arrays.items())
        name = _name(source)
        return self._sized(Call("Infer", request, lambda response: Result.from_proto(response, name=name), name))

    def export(
        self, source: "SourceLike", fetch: "InputsLike", weights: "WeightsLike | None", seed: int | None
    ) -> Call[Model]:
        """The call behind `Client.export`."""
        request = service_pb2.ExportRequest(fetch=arguments.fetch(fetch))
        self._set_source(request, source)
        self._set_weights(request, source, weights, seed)
        return self._sized(Call("Export", request, _read_model, _name(source)))

    def register(
        self, name: str, stack: Stack, weights: "WeightsLike | None", seed: int | None, replace: bool
    ) -> Call[Registration]:
        """The call behind `Client.register`. What it registers is remembered when the answer is read."""
        if not isinstance(stack, Stack):
            raise InvalidArgumentError(f"register takes a Stack; {shown(stack)} was given.", field="stack")
        kept = Kept(
            _checked_name(name, "register"), stack, arguments.weights(stack, weights), _checked_seed(seed, "register")
        )
        return self._register(kept, replace)

    def again(self, call: Call[Answer]) -> "Call[Registration] | None":
        """The call that registers again what another call needs, where this client registered it before."""
        kept = self.registered.get(call.name)
        return self._register(kept, False) if kept else None

    def _register(self, kept: Kept, replace: bool) -> Call[Registration]:
        header = service_pb2.RegisterHeader(
            name=kept.name, stack=kept.stack.proto, replace=replace, weight_count=len(kept.weights)
        )
        if kept.seed is not None:
            header.seed = kept.seed
        first = service_pb2.RegisterStackRequest(header=header)
        self._check(first.ByteSize(), 0)

        def messages() -> Iterator[Message]:
            yield first
            for weight, array in kept.weights.items():
                start = service_pb2.WeightStart(name=weight, data_type=data_type_of(array), shape=array.shape)
                yield service_pb2.RegisterStackRequest(weight=start)
                for chunk in chunks(array, min(CHUNK_BYTES, self.max_message_bytes // 2)):
                    yield service_pb2.RegisterStackRequest(chunk=chunk)

        def read(response: service_pb2.RegisterStackResponse) -> Registration:
            self.registered[kept.name] = self.registered[response.info.id] = kept
            return Registration(StackInfo.from_proto(response.info), response.created)

        return Call("RegisterStack", messages, read)

    def get(self, name: str) -> Call[RegisteredStack]:
        """The call behind `Client.get`."""

        def read(response: service_pb2.GetStackResponse) -> RegisteredStack:
            return RegisteredStack(StackInfo.from_proto(response.info), Stack.from_proto(response.stack))

        return Call("GetStack", service_pb2.GetStackRequest(stack_id=_checked_name(name, "get")), read, name)

    def unregister(self, name: str) -> Call[None]:
        """The call behind `Client.unregister`. The name is forgotten here before it is there."""
        _checked_name(name, "unregister")
        self.registered = {key: kept for key, kept in self.registered.items() if kept.name != name}
        return Call("UnregisterStack", service_pb2.UnregisterStackRequest(name=name), lambda _: None)

    def page(self, token: str) -> Call[tuple[list[StackInfo], str]]:
        """A page of the call behind `Client.list`, and the token of the next; "" on the last."""

        def read(response: service_pb2.ListStacksResponse) -> tuple[list[StackInfo], str]:
            return [StackInfo.from_proto(info) for info in response.stacks], response.next_page_token

        return Call("ListStacks", service_pb2.ListStacksRequest(page_token=token), read)

    def kinds(self) -> Call[tuple[LayerKind, ...]]:
        """The call behind `Client.kinds`."""

        def read(response: service_pb2.ListLayerKindsResponse) -> tuple[LayerKind, ...]:
            return tuple(map(LayerKind.from_proto, response.kinds))

        return Call("ListLayerKinds", service_pb2.ListLayerKindsRequest(), read)

    def info(self) -> Call[ServerInfo]:
        """The call behind `Client.info`."""
        return Call("GetServerInfo", service_pb2.GetServerInfoRequest(), ServerInfo.from_proto)

    def _set_source(self, request: Any, source: "SourceLike") -> Stack | None:
        """Sets what a request is about; returns the stack where it is known here."""
        if isinstance(source, Stack):
            request.stack.CopyFrom(source.proto)
            return source
        request.stack_id = _checked_name(source, "a call", "a Stack, or the name or id of a registered one")
        kept = self.registered.get(source)
        return kept.stack if kept else None

    def _set_weights(
        self, request: Any, source: "SourceLike", weights: "WeightsLike | None", seed: int | None, other_bytes: int = 0
    ) -> None:
        if not isinstance(source, Stack):
            if weights is not None or seed is not None:
                raise InvalidArgumentError(
                    f"{source!r} has its weights since it was registered: give weights= and seed= to register.",
                    reason="WEIGHTS_WITH_NAME",
                    field="weights" if weights is not None else "seed",
                )
            self._check(other_bytes, 0)
            return
        arrays = arguments.weights(source, weights)
        weight_bytes = sum(array.nbytes for array in arrays.values())
        self._check(weight_bytes + other_bytes, weight_bytes)
        if arrays:  # extending by nothing would make the message present
            request.weights.tensors.extend(to_tensor(name, array) for name, array in arrays.items())
        if seed is not None:
            request.weights.seed = _checked_seed(seed, "a call")

    def _sized(self, call: Call[Answer]) -> Call[Answer]:
        if isinstance(call.request, Message):
            self._check(call.request.ByteSize(), 0)
        return call

    def _check(self, size: int, weight_bytes: int) -> None:
        """Refuses what would be too long to send, before it is copied."""
        if size > self.max_message_bytes:
            raise arguments.too_large(size, weight_bytes, self.max_message_bytes)


def per_sample(result: Result, count: int) -> Iterator[Result]:
    """The results of a batch, one for each sample."""
    for name, array in result.outputs.items():
        if array.shape[:1] != (count,):
            raise InvalidArgumentError(
                f"map: output {name!r} has shape {array.shape} for {count} samples: it has no batch axis to go by. "
                "Use infer, one sample at a time.",
                reason="NO_BATCH_AXIS",
            )
    for i in range(count):
        yield replace(result, outputs={name: array[i] for name, array in result.outputs.items()})


def _read_model(responses: Sequence[service_pb2.ExportResponse]) -> Model:
    info = responses[0].info if responses else service_pb2.ModelInfo()
    return Model.from_parts(info, b"".join(response.chunk for response in responses[1:]))


def _name(source: "SourceLike") -> str:
    return source if isinstance(source, str) else ""


def _checked_name(name: object, where: str, what: str = "the name of a stack") -> str:
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(
            f"{where} takes {what}; {shown(name)} was given.",
            reason="WRONG_TYPE",
            field="stack",
        )
    return name


def _checked_seed(seed: int | None, where: str) -> int | None:
    return None if seed is None else whole(seed, Place(where, "seed"), 0, 2**64 - 1)
