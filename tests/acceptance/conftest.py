"""One server for the whole run, and clients that reach it over a real channel."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lamina as lm
from tests.acceptance.raw import Raw
from tests.acceptance.requests import ordinary
from tests.client.clients import AnyClient, connected
from tests.support import missing

_DEFECTS = ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS")
MOST_GROWTH = 100 * 2**20  # bytes of server memory, over all that is sent to it and refused


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where that server keeps registered stacks."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def server(store: Path) -> Iterator[lm.LocalServer]:
    """The server that every question is put to; at the end it must still run, and must never have had a defect."""
    with lm.LocalServer(store_dir=store) as one:
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


@pytest.fixture(scope="session")
def raw(server: lm.LocalServer) -> Iterator[Raw]:
    """A channel without stubs, for what no SDK sends."""
    with Raw(server.address) as one:
        yield one


@pytest.fixture(scope="session")
def first_memory(server: lm.LocalServer, raw: Raw) -> int:
    """Bytes that the server held before anything bad was sent, but after one ordinary call."""
    ordinary(raw)
    return resident(server.pid)


@pytest.fixture
def harmless(server: lm.LocalServer, raw: Raw, first_memory: int) -> Iterator[None]:
    """After what the test sent, an ordinary call gives what it should, and no memory has been spent."""
    yield
    ordinary(raw)
    assert resident(server.pid) - first_memory < MOST_GROWTH


def files(store: Path) -> set[Path]:
    """What lies in a store, also while a server works on it."""
    return {Path(folder, name) for folder, _, names in os.walk(store) for name in names}


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        missing("Linux's /proc", "memory is measured there")
    (line,) = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024
