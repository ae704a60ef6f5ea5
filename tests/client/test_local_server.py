"""A server of one's own: it starts, says what is wrong where it does not, and never outlives its parent."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import layers

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2, name="d")])


@pytest.fixture(scope="module")
def server() -> Iterator[lm.LocalServer]:
    with lm.LocalServer(settings={"max_layers": 50}) as one:
        yield one


def ended(pid: int, seconds: float = 20) -> bool:
    """Whether a process is gone within some seconds, be it a child of this one or not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_serves_on_free_ports_with_its_settings(server: lm.LocalServer) -> None:
    assert server.running
    assert server.address.startswith("127.0.0.1:")
    assert server.http_address != server.address
    with lm.Client(server.address) as client:
        limits = {limit.name: limit.value for limit in client.info().limits}
    assert limits["LAMINA_MAX_LAYERS"] == 50


def test_default_names_are_those_the_server_gives(server: lm.LocalServer) -> None:
    with lm.Client(server.address) as client:
        kinds = client.kinds()
    for kind in kinds:
        for layer in kind.example.proto.layers:
            options = getattr(layer, layer.WhichOneof("kind") or "")
            if "rank" in options.DESCRIPTOR.fields_by_name:  # the constructors set it; only a trace can tell it else
                options.rank = 1
        example = lm.Stack.from_proto(kind.example.proto)
        named = dict(zip(example.names, (layer.class_name for layer in example), strict=True))
        assert named == {layer.name: layer.kind for layer in kind.example_trace}
        assert set(kind.constructors) <= set(layers.__all__)
    names = {name for name in layers.__all__ if getattr(layers, name).__name__ == name}  # and not another name of it
    assert {name for kind in kinds for name in kind.constructors} == names
    assert set(layers.__all__) - names < {name for kind in kinds for name in kind.keras}


def test_what_the_environment_says_is_for_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_MAX_LAYERS", "nonsense")
    with lm.LocalServer() as one:
        assert one.running


def test_stop_ends_it_and_removes_its_folder_and_keeps_its_log() -> None:
    one = lm.LocalServer()
    with lm.Client(one.address) as client, pytest.raises(lm.LayerShapeError) as caught:
        client.trace(lm.Stack([lm.Input((4,)), lm.Conv1D(2, 3)]))
    folder, pid, address = one._folder, one.pid, one.address
    assert (folder / "store").exists()
    one.stop()
    one.stop()
    assert not one.running
    assert ended(pid)
    assert not folder.exists()
    assert repr(one) == f"LocalServer('{address}', stopped)"
    assert caught.value.request_id
    assert caught.value.request_id in one.logs


def test_a_store_of_ones_own_outlives_the_server(tmp_path: Path) -> None:
    with lm.LocalServer(store_dir=tmp_path / "store") as one, lm.Client(one.address) as client:
        first = client.register("d", STACK, seed=1)
        expected = client.infer("d", np.ones((1, 4))).output
    with lm.LocalServer(store_dir=tmp_path / "store") as one, lm.Client(one.address) as client:
        assert [info.id for info in client.list()] == [first.id]
        np.testing.assert_array_equal(client.infer("d", np.ones((1, 4))).output, expected)


def test_a_stack_lost_with_the_server_is_registered_again() -> None:
    with lm.LocalServer() as one:
        port = int(one.address.split(":")[1])
        client = lm.Client(one.address)
        client.register("d", STACK, seed=1)
        expected = client.infer("d", np.ones((1, 4))).output
    with client, lm.LocalServer(port=port):
        np.testing.assert_array_equal(client.infer("d", np.ones((1, 4))).output, expected)
        assert client.register("d", STACK, seed=1).created is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"settings": {"max_layers": "many"}}, "LAMINA_MAX_LAYERS"),
        ({"settings": {"LAMINA_MAX_RANK": -3}}, "LAMINA_MAX_RANK"),
        ({"device": "abacus"}, "LAMINA_DEVICE"),
    ],
)
def test_a_setting_that_is_nonsense_is_an_error_that_names_it(options: dict[str, Any], said: str) -> None:
    with pytest.raises(lm.ServerStartError, match=r"(?s)ended with status.*It said:") as caught:
        lm.LocalServer(**options)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert caught.value.code == "UNAVAILABLE"


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(lm.ServerStartError, match=f"Port {port} on 127.0.0.1 is taken"):
            lm.LocalServer(port=port)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"settings": {"max_layers": [1]}}, "settings are text or numbers"), ({"startup_timeout": 0}, "in seconds")],
)
def test_nonsense_is_refused_before_anything_starts(options: dict[str, Any], said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        lm.LocalServer(**options)


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a script in the place of the interpreter that runs the server."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_server_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "echo 'python: No module named lamina_server' >&2; exit 1")
    with pytest.raises(lm.ServerStartError, match=r"pip install 'lamina\[server,cpu\]'"):
        lm.LocalServer()


def test_a_server_that_dies_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(lm.ServerStartError, match="ended with status 3, and said nothing"):
        lm.LocalServer()


def test_a_server_that_never_gets_ready_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "exec sleep 600")
    begin = time.monotonic()
    with pytest.raises(lm.ServerStartError, match=r"was not ready within 0\.5 s"):
        lm.LocalServer(startup_timeout=0.5)
    assert time.monotonic() - begin < 10
    assert ended(int((tmp_path / "pid").read_text()))


PARENT = """
import os, sys
import lamina as lm
server = lm.LocalServer()
print(server.pid, server._folder, flush=True)
{end}
"""


def parent(end: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PARENT.format(end=end)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("end", "folder_stays"),
    [
        ("sys.stdin.read(); os._exit(0)", True),
        ("", False),
        ("raise SystemExit(1)", False),
        ("os.fork() or sys.exit(); os.wait()", False),
    ],
)
def test_it_ends_with_a_parent_that_ends(end: str, folder_stays: bool) -> None:
    with parent(end) as process:
        assert process.stdout is not None
        pid, folder = process.stdout.readline().split()
        process.wait(30)
    assert ended(int(pid))
    assert Path(folder).exists() is folder_stays


def test_it_ends_with_a_parent_that_is_killed() -> None:
    with parent("import signal; signal.pause()") as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[0])
        assert not ended(pid, 0)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert ended(pid)
