"""A server whose transport is real and whose service does what a test tells it to."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from lamina.v1 import service_pb2, service_pb2_grpc, trace_pb2
from lamina_server.config import Settings
from lamina_server.errors import StackError
from lamina_server.ports import listen
from lamina_server.server import channel_options
from lamina_server.services.guard import Calls
from lamina_server.services.health import Health
from lamina_server.services.http import HttpServer
from lamina_server.services.interceptors import CallInterceptor
from lamina_server.services.metrics import Metrics


class StubService(service_pb2_grpc.LaminaServiceServicer):
    """GetServerInfo awaits `behave`, Export streams `chunks`, RegisterStack counts messages; the rest is not there."""

    def __init__(self) -> None:
        self.chunks = [b"a", b"b"]
        self.behave: Callable[[], Awaitable[Any]] = self.answer

    async def answer(self) -> Any:
        return service_pb2.GetServerInfoResponse(version="stub")

    async def GetServerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self.behave()

    async def Infer(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self.behave()
        return service_pb2.InferResponse(outputs=request.inputs)

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        for chunk in self.chunks:
            yield service_pb2.ExportResponse(chunk=chunk)
        await self.behave()

    async def RegisterStack(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        messages = [message async for message in request_iterator]
        return service_pb2.RegisterStackResponse(info=service_pb2.StackInfo(name=f"{len(messages)} messages"))

    async def absent(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    Trace = GetStack = ListStacks = UnregisterStack = ListLayerKinds = absent


def diagnostic(error: StackError) -> trace_pb2.Diagnostic:
    """What the status of a StackError carries here."""
    return trace_pb2.Diagnostic(reason=error.reason, message=error.message)


@dataclass
class Running:
    """A server that runs in this process."""

    service: StubService
    port: int
    http_port: int
    health: Health
    calls: Calls
    interceptor: CallInterceptor
    channel: Any
    stub: Any
    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log lines of the calls so far, decoded."""
        return [json.loads(line) for line in self.lines]

    async def http(self, request: str | bytes) -> tuple[int, str]:
        """Status code and body of the answer to `request`, a method and a path or raw bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http_port)
        writer.write(f"{request} HTTP/1.1\r\nHost: x\r\n\r\n".encode() if isinstance(request, str) else request)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


@contextlib.asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Running]:
    """A stub server with `settings`."""
    chosen = Settings(port=0, http_port=0, **settings)
    metrics = Metrics(version="0", device="cpu", onnxruntime_version="0")
    lines: list[str] = []
    calls = Calls(chosen, metrics, diagnostic=diagnostic, write_line=lines.append)
    interceptor = CallInterceptor(calls)
    server = grpc.aio.server(interceptors=(interceptor,), options=channel_options(chosen))
    service, health = StubService(), Health()
    service_pb2_grpc.add_LaminaServiceServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    http, listener = HttpServer(metrics, health), listen("127.0.0.1", 0, "LAMINA_HTTP_PORT")
    http_port = listener.getsockname()[1]
    await http.start(listener)
    await server.start()
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        stub = service_pb2_grpc.LaminaServiceStub(channel)
        try:
            yield Running(service, port, http_port, health, calls, interceptor, channel, stub, lines)
        finally:
            await server.stop(0)
            http.close()
