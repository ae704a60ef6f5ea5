"""The server's life: device, store, ports, serving, draining. `lamina_services` is where services join it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from lamina_server.config import Settings, SettingsError, StartupError, unknown_variables, version
from lamina_server.errors import StackError
from lamina_server.lifetime import announce, stop_on_signals, watched_parent
from lamina_server.limits import Limits
from lamina_server.ports import listen, reachable, with_port
from lamina_server.runtime import Device, SessionCache, Workers, open_device
from lamina_server.services.engine import Engine
from lamina_server.services.guard import Calls
from lamina_server.services.health import Health
from lamina_server.services.http import HttpServer
from lamina_server.services.interceptors import CallInterceptor
from lamina_server.services.lamina import LaminaService, diagnostic
from lamina_server.services.metrics import Metrics
from lamina_server.services.registry import Registry
from lamina_server.store import DirectoryStore, StoreError

_log = logging.getLogger("lamina_server")
_LAST_WORDS_SECONDS = 0.5


@dataclass(frozen=True)
class Parts:
    """What services are made from."""

    settings: Settings
    device: Device
    workers: Workers
    sessions: SessionCache
    store: DirectoryStore
    metrics: Metrics


@dataclass(frozen=True)
class Services:
    """The services of a server."""

    names: tuple[str, ...]
    """Full names, for reflection."""
    add: Callable[[grpc.aio.Server, Parts], None]
    """Adds their servicers to a server."""
    diagnostic: Callable[[StackError], Any]
    """The detail that the status of a StackError carries."""


def lamina_services() -> Services:
    """The services of this server: the one place where they join it."""
    return Services(names=("lamina.v1.LaminaService",), add=_add_lamina, diagnostic=diagnostic)


def _add_lamina(server: grpc.aio.Server, parts: Parts) -> None:
    settings = parts.settings
    limits = Limits(**{item.name: getattr(settings, item.name) for item in fields(Limits)})
    engine = Engine(limits, parts.device, parts.workers, parts.sessions, settings.max_message_bytes)
    LaminaService(settings, engine, Registry(parts.store, engine, parts.workers)).join(server)


async def serve(settings: Settings, services: Services, write_line: Callable[[str], None] | None = None) -> None:
    """Serves until SIGTERM, SIGINT or the end of the parent, then lets running calls finish.

    `write_line` takes one log line for each call. Raises StartupError where the device, the store or a port is not
    to be had.
    """
    stop = stop_on_signals()
    unknown = unknown_variables()
    if unknown and settings.announce_fd is not None:  # the process that started this one chose every setting
        raise SettingsError(" ".join(unknown))
    for sentence in unknown:
        _log.warning("%s", sentence)
    parts = await _open(settings)
    health = Health()
    calls = Calls(settings, parts.metrics, diagnostic=services.diagnostic, write_line=write_line)
    server = grpc.aio.server(interceptors=(CallInterceptor(calls),), options=channel_options(settings))
    services.add(server, parts)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if settings.reflection:
        _add_reflection(server, services.names)
    http = HttpServer(parts.metrics, health)
    listener = listen(settings.host, settings.http_port, "LAMINA_HTTP_PORT")
    port = _bind(server, settings.host, settings.port)
    addresses = {
        "grpc": reachable(settings.host, port),
        "http": reachable(settings.host, listener.getsockname()[1]),
    }
    await http.start(listener)
    await server.start()
    await health.serve()
    _log.info("serving gRPC on %s, HTTP on %s, device %s", *addresses.values(), settings.device)
    try:
        announce(settings.announce_fd, addresses)
        async with watched_parent(settings.parent_pid, stop):
            await stop.wait()
    finally:
        _log.info("draining: %d calls under way, at most %g s", calls.admitted, settings.drain_seconds)
        await health.drain()
        # Calls that are not done in time learn why; what is left then are calls that never sent their message.
        asyncio.get_running_loop().call_later(settings.drain_seconds, calls.end_all)
        await server.stop(settings.drain_seconds + _LAST_WORDS_SECONDS)
        parts.workers.close()
        http.close()


def channel_options(settings: Settings) -> list[tuple[str, Any]]:
    """gRPC's own limits."""
    return [
        # On by default: a second server would share the port and half of the calls, unnoticed.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", settings.max_concurrent_streams),
        ("grpc.max_connection_age_ms", int(settings.max_connection_age_seconds * 1000)),
        # A call may last as long as a deadline; this also bounds calls whose message never comes.
        ("grpc.max_connection_age_grace_ms", int(settings.default_deadline_seconds * 1000)),
        ("grpc.server_handshake_timeout_ms", 20_000),
        # Peers that vanished are noticed within a minute and a half; clients may ask every ten seconds likewise.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]


async def _open(settings: Settings) -> Parts:
    device = await asyncio.to_thread(open_device, settings)
    store = await asyncio.to_thread(_open_store, settings)
    workers = Workers(settings.workers)
    sessions = SessionCache(workers, max_entries=settings.max_sessions, max_bytes=settings.session_cache_bytes)
    metrics = Metrics(version=version(), device=device.name, onnxruntime_version=device.onnxruntime_version)
    metrics.watch_sessions(lambda: sessions.stats)
    return Parts(settings, device, workers, sessions, store, metrics)


def _open_store(settings: Settings) -> DirectoryStore:
    """The store, cleaned of what a crash left behind."""
    try:
        store = DirectoryStore(settings.store_dir)
        recovered = store.recover()
    except StoreError as error:
        raise StartupError(f"The store {settings.store_dir} (LAMINA_STORE_DIR) cannot be opened: {error}.") from error
    _log.info("store %s is whole; %s", settings.store_dir, recovered)
    return store


def _bind(server: grpc.aio.Server, host: str, port: int) -> int:
    """The port that the server is bound to. gRPC does not say why it cannot be; `listen`, tried before, does."""
    if port:
        listen(host, port, "LAMINA_PORT").close()
    try:
        return server.add_insecure_port(with_port(host, port))
    except RuntimeError as error:
        raise StartupError(f"gRPC cannot listen on {with_port(host, port)} (LAMINA_HOST, LAMINA_PORT).") from error


def _add_reflection(server: grpc.aio.Server, names: tuple[str, ...]) -> None:
    from grpc_reflection.v1alpha import reflection

    reflection.enable_server_reflection((*names, "grpc.health.v1.Health", reflection.SERVICE_NAME), server)
