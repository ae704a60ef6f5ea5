"""`python -m lamina_server` with the stub service, as a child process: the same life, scripted calls.

GetServerInfo writes "entered" to stdout and answers when a line comes on stdin.
"""

import asyncio
import sys
from typing import Any

import grpc

from lamina.v1 import service_pb2, service_pb2_grpc
from lamina_server import __main__, server
from lamina_server.server import Parts, Services
from tests.server.stub import StubService, diagnostic


class SlowService(StubService):
    """Answers when it is told to."""

    async def answer(self) -> Any:
        print("entered", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return service_pb2.GetServerInfoResponse(version="finished")


def _add(made: grpc.aio.Server, parts: Parts) -> None:
    assert parts.store.list(1) == ((), "") and parts.sessions.stats.entries == 0
    service_pb2_grpc.add_LaminaServiceServicer_to_server(SlowService(), made)


if __name__ == "__main__":
    server.lamina_services = lambda: Services(("lamina.v1.LaminaService",), _add, diagnostic)
    __main__.leave(__main__.main(sys.argv[1:]))
