"""grpc.health.v1: whether this server serves, for each name that asks (Check) or keeps asking (Watch)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVICE = "lamina.v1.LaminaService"
# Kubernetes gives each probe a name of its own. Only "liveness" and "startup" stay while the server drains: a
# server that is leaving must get no new calls, and must not be killed for it.
HEALTH_SERVICES = ("", SERVICE, "startup", "readiness", "liveness")
_STAY = ("startup", "liveness")

_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: int = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

Context = grpc.aio.ServicerContext[Any, Any]


class Health(health_pb2_grpc.HealthServicer):
    """The state of the server: starting, serving, draining.

    The servicer of grpcio-health-checking is not used: its Watch never ends, so every watcher would hold up a
    shutdown until the time for running calls is over.
    """

    def __init__(self) -> None:
        self._status: dict[str, Any] = dict.fromkeys(HEALTH_SERVICES, _NOT_SERVING)
        self._changed = asyncio.Condition()
        self._draining = False

    @property
    def ready(self) -> bool:
        """Whether calls are wanted."""
        return bool(self._status["readiness"] == _SERVING)

    async def serve(self) -> None:
        """Everything is ready."""
        await self._set(dict.fromkeys(HEALTH_SERVICES, _SERVING))

    async def drain(self) -> None:
        """No more calls; those who watch are told so, then their streams end."""
        self._draining = True
        await self._set({name: _NOT_SERVING for name in HEALTH_SERVICES if name not in _STAY})

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """The status of `request.service`; NOT_FOUND where there is no such name."""
        status = self._status.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service called {request.service[:100]!r}.")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status of `request.service` now and whenever it changes."""
        sent: int | None = None
        while True:
            status = self._status.get(request.service, _UNKNOWN)
            if status != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status
            async with self._changed:
                # What changed while the message was on its way is seen here: nothing is awaited in between.
                if self._draining and self._status.get(request.service, _UNKNOWN) == sent:
                    return
                if self._status.get(request.service, _UNKNOWN) == sent:
                    await self._changed.wait()

    async def _set(self, statuses: dict[str, Any]) -> None:
        async with self._changed:
            self._status.update(statuses)
            self._changed.notify_all()
