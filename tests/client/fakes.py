"""A server whose answers a test writes itself: for what the transport does, not for what Lamina says."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from lamina.tensors import from_tensor, to_tensor
from lamina.transport import method
from lamina.v1 import service_pb2

SERVICE = service_pb2.DESCRIPTOR.services_by_name["LaminaService"]
Answer = Callable[[Any, grpc.ServicerContext], Any]


@dataclass
class Received:
    """One call that arrived."""

    method: str
    metadata: dict[str, str | bytes]
    request: Any
    seconds_left: float


@dataclass
class FakeServer:
    """`answers` by method name; `received` in order. An answer is a function of the request (or the list of them)."""

    address: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def calls(self, name: str) -> list[Received]:
        """The calls of one method."""
        return [call for call in self.received if call.method == name]

    def _answer(self, name: str, request: Any, context: grpc.ServicerContext) -> Any:
        requests = request if isinstance(request, Message) else list(request)
        metadata = {str(key): value for key, value in context.invocation_metadata()}
        self.received.append(Received(name, metadata, requests, context.time_remaining()))
        return self.answers[name](requests, context)


@contextmanager
def serving(*, max_message_bytes: int = 4 * 2**20) -> Iterator[FakeServer]:
    """A fake server on a free port."""
    fake = FakeServer()
    options = [("grpc.max_receive_message_length", max_message_bytes), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(8), options=options)
    handlers = {rpc.name: _handler(fake, rpc) for rpc in SERVICE.methods}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)])
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fake
    finally:
        server.stop(grace=None).wait()


def _handler(fake: FakeServer, rpc: Any) -> Any:
    name = rpc.name
    make = getattr(grpc, f"{method(name).kind}_rpc_method_handler")
    request_type: Any = rpc.input_type._concrete_class

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        return fake._answer(name, request, context)

    return make(
        answer,
        request_deserializer=request_type.FromString,
        response_serializer=lambda reply: reply.SerializeToString(),
    )


def refuse(context: grpc.ServicerContext, code: str, message: str, *details: Message) -> NoReturn:
    """Answers with a rich status, as the real server does."""
    packed = []
    for detail in details:
        wrapped = any_pb2.Any()
        wrapped.Pack(detail)
        packed.append(wrapped)
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message, details=packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort_with_status raises")


def reason(name: str, **numbers: str) -> error_details_pb2.ErrorInfo:
    """An ErrorInfo of this service."""
    return error_details_pb2.ErrorInfo(reason=name, domain="lamina", metadata=numbers)


def at(path: str) -> error_details_pb2.BadRequest:
    """A BadRequest that names a field."""
    violation = error_details_pb2.BadRequest.FieldViolation(field=path, description="")
    return error_details_pb2.BadRequest(field_violations=[violation])


def _written(reply: Message) -> bytes:
    return reply.SerializeToString()


def doubled(request: service_pb2.InferRequest, _: object) -> service_pb2.InferResponse:
    """Every input times two, under its own name, or "y"."""
    outputs = [to_tensor(tensor.name or "y", from_tensor(tensor) * 2) for tensor in request.inputs]
    receipt = service_pb2.Receipt(device="cpu", stages=[service_pb2.StageTime(name="run", seconds=0.5)])
    return service_pb2.InferResponse(outputs=outputs, receipt=receipt)


def registered(requests: list[service_pb2.RegisterStackRequest], _: object) -> service_pb2.RegisterStackResponse:
    """An id for whatever was sent."""
    info = service_pb2.StackInfo(name=requests[0].header.name, id="ab" * 32)
    return service_pb2.RegisterStackResponse(info=info, created=True)
