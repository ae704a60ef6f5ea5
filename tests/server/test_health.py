"""Health over gRPC and HTTP, and what a hostile peer cannot do to either."""

import asyncio
import contextlib
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lamina.v1 import service_pb2
from lamina_server.services.health import HEALTH_SERVICES
from lamina_server.services.http import MAX_CONNECTIONS
from tests.server.half_open import half_open_calls
from tests.server.stub import Running, running

SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3
SERVICE = "/lamina.v1.LaminaService/"


def request(name: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=name)


def health(server: Running) -> Any:
    return health_pb2_grpc.HealthStub(server.channel)


async def check_all(server: Running) -> dict[str, int]:
    stub = health(server)
    return {name: (await stub.Check(request(name))).status for name in HEALTH_SERVICES}


async def test_check_goes_from_starting_to_serving_to_draining() -> None:
    async with running() as server:
        assert set((await check_all(server)).values()) == {NOT_SERVING}
        await server.health.serve()
        assert set((await check_all(server)).values()) == {SERVING}
        await server.health.drain()
        draining = await check_all(server)
        assert {name for name, status in draining.items() if status == SERVING} == {"startup", "liveness"}
        assert draining["readiness"] == draining["lamina.v1.LaminaService"] == draining[""] == NOT_SERVING


async def test_check_of_an_unknown_service_is_not_found() -> None:
    async with running() as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health(server).Check(request("nobody"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("readiness", [NOT_SERVING, SERVING, NOT_SERVING]),
        ("liveness", [NOT_SERVING, SERVING]),
        ("nobody", [UNKNOWN]),
    ],
)
async def test_watch_tells_every_change_and_ends_when_the_server_drains(name: str, seen: list[int]) -> None:
    async with running() as server:
        call: Any = health(server).Watch(request(name))
        statuses: list[int] = []
        statuses.append((await call.read()).status)
        await server.health.serve()
        if len(seen) > 1:
            statuses.append((await call.read()).status)
        await server.health.drain()
        while (answer := await call.read()) is not grpc.aio.EOF:
            statuses.append(answer.status)
        assert statuses == seen


async def test_health_is_neither_logged_nor_limited() -> None:
    async with running(max_concurrent_rpcs=1) as server:
        server.calls.admitted = 1
        await server.health.serve()
        await check_all(server)
        assert server.lines == []


# --- HTTP


async def test_http_answers_what_it_has_and_nothing_else() -> None:
    async with running() as server:
        assert await server.http("GET /healthz") == (200, "alive\n")
        assert await server.http("GET /readyz") == (503, "not ready\n")
        await server.health.serve()
        assert await server.http("GET /readyz?verbose=1") == (200, "ready\n")
        assert await server.http("HEAD /readyz") == (200, "")
        status, text = await server.http("GET /metrics")
        assert status == 200 and 'lamina_build_info{device="cpu",onnxruntime="0",version="0"} 1.0' in text
        assert (await server.http("GET /"))[0] == 404
        assert (await server.http("GET /metrics/../etc"))[0] == 404
        assert (await server.http("POST /metrics"))[0] == 405
        await server.health.drain()
        assert await server.http("GET /readyz") == (503, "not ready\n")
        assert await server.http("GET /healthz") == (200, "alive\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz SPDY/3\r\n\r\n", 400),
        (b"\x00\xff\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 40_000, 431),
    ],
)
async def test_http_refuses_what_is_none(sent: bytes, status: int) -> None:
    async with running() as server:
        assert (await server.http(sent))[0] == status
        assert (await server.http("GET /healthz"))[0] == 200


async def test_slow_http_clients_are_bounded_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina_server.services.http.TIMEOUT_SECONDS", 0.5)
    async with running() as server:
        slow = [await asyncio.open_connection("127.0.0.1", server.http_port) for _ in range(MAX_CONNECTIONS)]
        for _, writer in slow:
            writer.write(b"GET /hea")
        assert (await server.http("GET /healthz"))[0] == 503
        assert [await asyncio.wait_for(reader.read(), 5) for reader, _ in slow] == [b""] * MAX_CONNECTIONS
        assert (await server.http("GET /healthz"))[0] == 200
        for _, writer in slow:
            writer.close()


# --- calls that never send a message


@pytest.mark.parametrize("method", ["GetServerInfo", "RegisterStack"])
async def test_half_open_calls_hold_nobody_up(method: str) -> None:
    async with running(max_concurrent_rpcs=8) as server:
        _, writer = await half_open_calls(server.port, SERVICE + method, 40)
        call = server.stub.GetServerInfo(service_pb2.GetServerInfoRequest(), timeout=5)
        assert (await call).version == "stub"
        assert server.calls.admitted == 0
        writer.close()


async def test_old_connections_are_closed_and_take_half_open_calls_with_them() -> None:
    async with running(max_connection_age_seconds=1, default_deadline_seconds=0.1) as server:
        reader, writer = await half_open_calls(server.port, SERVICE + "GetServerInfo", 40)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 10)  # to its end
        writer.close()
        assert (await server.stub.GetServerInfo(service_pb2.GetServerInfoRequest(), timeout=5)).version == "stub"
