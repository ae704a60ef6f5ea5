"""One server for the whole run, and clients that reach it over a real channel."""

import json
from collections.abc import Iterator

import pytest

import lamina as lm
from tests.client.clients import AnyClient, connected

_DEFECTS = ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lm.LocalServer]:
    """The server that every question is put to; at the end it must still run, and must never have had a defect."""
    with lm.LocalServer(store_dir=tmp_path_factory.mktemp("store")) as one:
        yield one
        logs = one.logs
        assert one.running, logs[-4000:]
    assert "Traceback" not in logs, logs[logs.index("Traceback") - 500 :][:4000]
    lines = [json.loads(line) for line in logs.splitlines()]
    assert [line for line in lines if line.get("code") in _DEFECTS] == []


@pytest.fixture(scope="session")
def client(server: lm.LocalServer) -> Iterator[lm.Client]:
    """The synchronous client."""
    with lm.Client(server.address) as one:
        yield one


@pytest.fixture(scope="session")
def async_client(server: lm.LocalServer) -> Iterator[AnyClient]:
    """The asynchronous client, on a loop of its own."""
    with connected("async", server.address) as one:
        yield one


@pytest.fixture(scope="session", params=["sync", "async"])
def caller(request: pytest.FixtureRequest, server: lm.LocalServer) -> Iterator[AnyClient]:
    """Each client in turn, behind one face: what one can do, the other must."""
    if request.param == "async":
        yield request.getfixturevalue("async_client")
    else:
        with connected("sync", server.address) as one:
            yield one
