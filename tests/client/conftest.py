"""A fake server, and both clients of it."""

from collections.abc import Iterator

import pytest

from lamina.v1 import service_pb2
from tests.client import samples
from tests.client.clients import AnyClient, connected
from tests.client.fakes import FakeServer, doubled, registered, serving


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with serving() as server:
        server.answers["Infer"] = doubled
        server.answers["Trace"] = lambda *_: service_pb2.TraceResponse(trace=samples.har())
        server.answers["RegisterStack"] = registered
        yield server


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, fake: FakeServer) -> Iterator[AnyClient]:
    with connected(request.param, fake.address, timeout=10) as one:
        yield one
