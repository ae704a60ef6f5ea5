"""The server as a process: it says where it is, drains, follows its parent, and explains why it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lamina.v1 import service_pb2, service_pb2_grpc
from lamina_server.config import describe

SERVING, NOT_SERVING = 1, 2
INFO = service_pb2.GetServerInfoRequest()


class Process:
    """A stub server in a child process that has announced itself."""

    def __init__(self, folder: Path, **settings: object) -> None:
        receiving, sending = os.pipe()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.server.stub_process"],
            env=environment(folder, announce_fd=sending, **settings),
            pass_fds=(sending,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(sending)
        with os.fdopen(receiving) as announcement:
            line = announcement.readline()
        self.addresses = json.loads(line) if line else pytest.fail(self.child.communicate()[1])
        self.channel: Any = grpc.insecure_channel(self.addresses["grpc"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.child.kill()
        self.child.communicate()

    def start_call(self) -> Any:
        """A call that the service is working on."""
        stub: Any = service_pb2_grpc.LaminaServiceStub(self.channel)
        call = stub.GetServerInfo.future(INFO, timeout=20)
        assert self.child.stdout is not None and self.child.stdout.readline() == "entered\n"
        return call

    def watch(self, name: str) -> Iterator[int]:
        """Statuses as they come."""
        request = health_pb2.HealthCheckRequest(service=name)
        stub: Any = health_pb2_grpc.HealthStub(self.channel)
        return (answer.status for answer in stub.Watch(request, timeout=20))

    def end(self, line: str = "") -> tuple[int, list[dict[str, Any]]]:
        """Exit code and log lines; `line` lets calls finish."""
        _, text = self.child.communicate(line, timeout=15)
        return self.child.returncode, [json.loads(entry) for entry in text.splitlines()]


def environment(folder: Path, **settings: object) -> dict[str, str]:
    chosen = {"port": 0, "http_port": 0, "store_dir": folder / "store", **settings}
    return {**os.environ, **{f"LAMINA_{name.upper()}": str(value) for name, value in chosen.items()}}


def refused(folder: Path, *arguments: str, **settings: object) -> tuple[int, str]:
    """Exit code and words of a server that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.server.stub_process", *arguments],
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=20,
    )
    words = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert "Traceback" not in done.stderr
    return done.returncode, "\n".join(words)


def code_of(error: Any) -> grpc.StatusCode:
    """The code of a failed call; gRPC types its errors without one."""
    code: grpc.StatusCode = error.code()
    return code


# --- life


def test_sigterm_finishes_what_runs_takes_nothing_new_and_exits_clean(tmp_path: Path) -> None:
    with Process(tmp_path) as server:
        readiness = server.watch("readiness")
        assert next(readiness) == SERVING
        call = server.start_call()
        server.child.send_signal(signal.SIGTERM)
        assert list(readiness) == [NOT_SERVING]
        with grpc.insecure_channel(server.addresses["grpc"]) as late, pytest.raises(grpc.RpcError) as caught:
            service_pb2_grpc.LaminaServiceStub(late).GetServerInfo(INFO, timeout=5)
        assert code_of(caught.value) is grpc.StatusCode.UNAVAILABLE
        assert server.child.poll() is None and not call.done()
        code, log = server.end("go on\n")
        assert call.result().version == "finished"
        assert code == 0
        assert [entry["code"] for entry in log if "rpc" in entry] == ["OK"]
        assert "draining: 1 calls" in log[-2]["message"] or "draining: 1 calls" in log[-1]["message"]


def test_calls_that_outlast_the_drain_learn_why(tmp_path: Path) -> None:
    with Process(tmp_path, drain_seconds=0.2) as server:
        call = server.start_call()
        server.child.send_signal(signal.SIGINT)
        assert call.code() is grpc.StatusCode.UNAVAILABLE and "shutting down" in call.details()
        server.child.wait(10)
        code, log = server.end()
        assert code == 0 and log[-1]["reason"] == "SHUTTING_DOWN"


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with Process(tmp_path) as server:
        liveness = server.watch("liveness")
        assert next(liveness) == SERVING
        call = server.start_call()
        server.child.send_signal(signal.SIGINT)
        assert list(liveness) == []  # it drains
        assert not call.done()
        server.child.send_signal(signal.SIGINT)
        assert server.child.wait(5) == 128 + signal.SIGINT


def test_it_ends_with_its_parent_even_one_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with Process(tmp_path, parent_pid=parent.pid) as server:
        assert urllib.request.urlopen(f"http://{server.addresses['http']}/readyz", timeout=5).read() == b"ready\n"
        parent.kill()
        parent.communicate()
        assert server.end()[0] == 0


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[Process] = []
    thread = threading.Thread(target=lambda: started.append(Process(tmp_path, parent_pid=os.getpid())))
    thread.start()
    thread.join()
    with started[0] as server:
        assert next(server.watch("readiness")) == SERVING


def test_a_parent_that_is_gone_already_ends_it(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    with Process(tmp_path, parent_pid=parent.pid) as server:
        assert server.end()[0] == 0


def test_metrics_are_served_beside_the_calls(tmp_path: Path) -> None:
    with Process(tmp_path) as server:
        call = server.start_call()
        text = urllib.request.urlopen(f"http://{server.addresses['http']}/metrics", timeout=5).read().decode()
        assert "lamina_in_flight 1.0" in text and "lamina_sessions 0.0" in text
        assert 'device="cpu"' in text and "process_resident_memory_bytes" in text
        call.cancel()
        server.child.terminate()
        assert server.end("\n")[0] == 0


def test_reflection_only_where_asked_for(tmp_path: Path) -> None:
    reflect = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    with Process(tmp_path, reflection=True) as server:
        listed = server.channel.stream_stream(reflect)(iter([b"\x3a\x00"]), timeout=5)
        assert b"lamina.v1.LaminaService" in next(listed)
    with Process(tmp_path) as server, pytest.raises(grpc.RpcError) as caught:
        next(server.channel.stream_stream(reflect)(iter([b"\x3a\x00"]), timeout=5))
    assert code_of(caught.value) is grpc.StatusCode.UNIMPLEMENTED


# --- what it says when it cannot start


@pytest.mark.parametrize("name", ["port", "http_port"])
def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, words = refused(tmp_path, **{name: str(port)})
    assert code == 1
    assert words.startswith(f"lamina: Port {port} on 127.0.0.1 is taken by another program.")
    assert f"LAMINA_{name.upper()}" in words


def test_a_host_that_is_none(tmp_path: Path) -> None:
    assert refused(tmp_path, host="203.0.113.7")[0] == 1
    code, words = refused(tmp_path, host="no such host")
    assert code == 1 and "LAMINA_HOST is 'no such host', which is no address here" in words


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    code, words = refused(tmp_path, device="cuda")
    assert code == 1 and words.startswith("lamina: LAMINA_DEVICE asks for cuda, but")


def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    code, words = refused(tmp_path)
    assert code == 1 and "LAMINA_STORE_DIR" in words and str(tmp_path / "store") in words


def test_nonsense_settings_and_arguments_exit_with_2(tmp_path: Path) -> None:
    code, words = refused(tmp_path, max_layers="many")
    assert code == 2 and words.startswith("lamina: LAMINA_MAX_LAYERS is 'many', but must be a whole number")
    assert refused(tmp_path, "--port", "80")[0] == 2


def test_a_descriptor_that_is_none(tmp_path: Path) -> None:
    code, words = refused(tmp_path, announce_fd=99)
    assert code == 1 and "LAMINA_ANNOUNCE_FD is 99" in words


def test_unknown_variables_are_warned_about(tmp_path: Path) -> None:
    """The port is taken, so that the server ends by itself, after the warning."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = environment(tmp_path, max_layer=3, port=taken.getsockname()[1])
        command = [sys.executable, "-m", "tests.server.stub_process"]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=20)
    warned = next(json.loads(line) for line in done.stderr.splitlines() if line.startswith("{"))
    assert (done.returncode, warned["level"]) == (1, "warning")
    assert warned["message"] == "LAMINA_MAX_LAYER sets nothing; did you mean LAMINA_MAX_LAYERS?"


def test_unknown_variables_are_refused_where_a_program_chose_them_all(tmp_path: Path) -> None:
    code, words = refused(tmp_path, max_layer=3, announce_fd=1)
    assert code == 2 and words.startswith("lamina: LAMINA_MAX_LAYER sets nothing; did you mean LAMINA_MAX_LAYERS?")


def test_help_lists_every_setting(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "lamina_server", "--help"], capture_output=True, text=True, check=True)
    assert all(f"{item.variable}  [{item.default}]" in done.stdout for item in describe())
    done = subprocess.run(
        [sys.executable, "-m", "lamina_server", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("lamina ")
