"""ONNX Runtime behind its room's door: devices, sessions, the cache, workers."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from lamina_server.config import Settings
from lamina_server.errors import LimitError, MismatchError, UnavailableError
from lamina_server.runtime import Device, DeviceError, Session, SessionCache, Workers, open_device
from lamina_server.runtime import device as device_module
from lamina_server.runtime.session import Array, RunControl
from tests.server.models import dense, expand, folding_bomb


@pytest.fixture(scope="module")
def cpu() -> Device:
    return open_device(Settings())


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


def ones(rows: int, size: int = 4) -> dict[str, Array]:
    return {"x": np.ones((rows, size), np.float32)}


# --- device


def test_cpu_is_one_provider_and_one_thread(cpu: Device) -> None:
    assert (cpu.name, cpu.provider_names, cpu.intra_op_threads) == ("cpu", ["CPUExecutionProvider"], 1)


def test_cuda_without_a_cuda_build_says_what_to_install() -> None:
    if "CUDAExecutionProvider" in sys.modules["onnxruntime"].get_available_providers():
        pytest.skip("this ONNX Runtime is a CUDA build")
    with pytest.raises(DeviceError) as caught:
        open_device(Settings(device="cuda"))
    assert "a build without CUDA" in str(caught.value)
    assert "pip install 'lamina[server,gpu]'" in str(caught.value) and "LAMINA_DEVICE=cpu" in str(caught.value)


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with the GPU build and a driver, where the provider then does not come."""
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(device_module, "_need_driver", lambda: None)


def test_cuda_that_does_not_load_is_never_replaced_by_the_cpu(cuda_build: None) -> None:
    # What ONNX Runtime does by itself here is to warn and to take the CPU.
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), pytest.raises(DeviceError) as caught:
        open_device(Settings(device="cuda"))
    assert "LAMINA_DEVICE asks for cuda, but" in str(caught.value)


def test_cuda_that_turns_out_to_be_the_cpu_is_refused(cuda_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "_run_probe", lambda _: (["CPUExecutionProvider"], [2.0, 2.0]))
    with pytest.raises(DeviceError, match="took CPUExecutionProvider"):
        open_device(Settings(device="cuda"))


def test_cuda_without_a_driver_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("ctypes.CDLL", _no_library)
    with pytest.raises(DeviceError, match="no NVIDIA driver"):
        open_device(Settings(device="cuda"))


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file: No such file or directory")


def test_importing_the_runtime_leaves_no_telemetry(tmp_path: Path) -> None:
    script = "import threading, lamina_server.runtime as r; print(len(threading.enumerate()))"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert not list(tmp_path.rglob("*.db"))


# --- session


def test_session_runs_and_says_where(cpu: Device) -> None:
    session = Session(dense(depth=3), cpu)
    (y,) = session.run(ones(2), ["y"])
    assert y.tolist() == [[8.0] * 4] * 2
    (placement,) = session.placements
    assert (placement.provider, placement.fallback_reason) == ("CPUExecutionProvider", "")
    assert placement.nodes >= 3 and "MatMul" in placement.op_types
    assert session.input_names == ["x"] and session.output_names == ["y"]
    assert session.size_bytes == len(dense(depth=3))


@pytest.mark.parametrize(
    "inputs", [ones(1, 5), {"x": np.ones((1, 4), np.float64)}, {"z": np.ones((1, 4), np.float32)}, {}]
)
def test_what_onnx_runtime_refuses_is_a_defect_in_plain_words(cpu: Device, inputs: dict[str, Array]) -> None:
    with pytest.raises(MismatchError) as caught:
        Session(dense(), cpu).run(inputs, ["y"])
    assert caught.value.reason == "RUNTIME_REFUSED"
    assert "ONNXRuntimeError" not in caught.value.message and "onnxruntime_src" not in caught.value.message


def test_a_model_that_is_none_is_a_defect(cpu: Device) -> None:
    with pytest.raises(MismatchError, match="load the model"):
        Session(b"no model", cpu)


def test_memory_that_is_not_there_is_a_limit(cpu: Device) -> None:
    session = Session(expand(), cpu)
    with pytest.raises(LimitError) as caught:
        session.run({"x": np.ones(1, np.float32), "shape": np.array([2**20, 2**24], np.int64)}, ["y"])
    assert caught.value.reason == "OUT_OF_MEMORY"


def test_constants_do_not_unfold_while_a_model_is_loaded(cpu: Device) -> None:
    before = _resident_bytes()
    Session(folding_bomb(), cpu)
    assert _resident_bytes() - before < 256 * 2**20


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- workers


class Watched(Session):
    """Remembers on which threads it ran, and how."""

    def __init__(self, model: bytes, device: Device) -> None:
        super().__init__(model, device)
        self.threads: list[str] = []
        self.error: UnavailableError | None = None
        self.running, self.finished = threading.Event(), threading.Event()

    def run(
        self, inputs: Mapping[str, Array], outputs: Sequence[str], control: RunControl | None = None
    ) -> list[Array]:
        self.threads.append(threading.current_thread().name)
        self.running.set()
        try:
            return super().run(inputs, outputs, control)
        except UnavailableError as error:
            self.error = error
            raise
        finally:
            self.finished.set()


async def test_tiny_runs_stay_on_the_loop_and_large_ones_leave_it(cpu: Device, workers: Workers) -> None:
    session = Watched(dense(), cpu)
    for _ in range(50):
        await workers.run(session, ones(1), ["y"])
    assert session.threads[0].startswith("lamina-worker"), "nothing is known of a first run"
    assert session.threads[-1] == threading.main_thread().name
    await workers.run(session, ones(1_000_000), ["y"])
    assert session.threads[-1].startswith("lamina-worker")


async def test_a_cancelled_run_stops(cpu: Device, workers: Workers) -> None:
    session = Watched(dense(1024, depth=200), cpu)  # a minute of work on a slow core
    task = asyncio.create_task(workers.run(session, ones(256, 1024), ["y"]))
    await asyncio.to_thread(session.running.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(session.finished.wait, 10)
    assert session.error is not None and session.error.reason == "RUN_STOPPED"


async def test_closed_workers_say_that_the_server_leaves(workers: Workers) -> None:
    workers.close()
    with pytest.raises(UnavailableError):
        await workers.call(lambda: None)


# --- cache


class Builds:
    """Counts what is built, and lets builds wait."""

    def __init__(self, device: Device) -> None:
        self.device, self.count, self.gate = device, 0, threading.Event()
        self.gate.set()

    def __call__(self) -> Session:
        self.count += 1
        assert self.gate.wait(20)
        return Session(dense(), self.device)


@pytest.fixture
def builds(cpu: Device) -> Iterator[Builds]:
    made = Builds(cpu)
    yield made
    made.gate.set()


def cache(workers: Workers, entries: int = 10, size: int = 10**9) -> SessionCache:
    return SessionCache(workers, max_entries=entries, max_bytes=size)


async def use(sessions: SessionCache, key: str, build: Callable[[], Session]) -> tuple[Session, bool]:
    async with sessions.lease(key, build) as lease:
        return lease.session, lease.hit


async def test_many_askers_build_once(workers: Workers, builds: Builds) -> None:
    sessions = cache(workers)
    builds.gate.clear()
    asking = [asyncio.create_task(use(sessions, "a", builds)) for _ in range(50)]
    await asyncio.sleep(0)
    builds.gate.set()
    results = await asyncio.gather(*asking)
    assert builds.count == 1 and len({id(session) for session, _ in results}) == 1
    assert not any(hit for _, hit in results), "it was not there when they asked"
    assert (await use(sessions, "a", builds))[1]
    assert sessions.stats[0] == 1 and sessions.stats[2:] == (1, 50)


async def test_a_failure_reaches_every_waiter_and_is_not_remembered(workers: Workers, builds: Builds) -> None:
    sessions = cache(workers)
    started, failing = threading.Event(), threading.Event()

    def fail() -> Session:
        started.set()
        failing.wait(20)
        raise LimitError("no")

    asking = [asyncio.create_task(use(sessions, "a", fail)) for _ in range(5)]
    await asyncio.to_thread(started.wait)
    failing.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(result) for result in results] == [LimitError] * 5
    assert sessions.stats.entries == 0
    await use(sessions, "a", builds)
    assert builds.count == 1


async def test_a_waiter_that_leaves_takes_nothing_from_the_others(workers: Workers, builds: Builds) -> None:
    sessions = cache(workers)
    builds.gate.clear()
    first, second = (asyncio.create_task(use(sessions, "a", builds)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    builds.gate.set()
    assert (await second)[0].output_names == ["y"] and builds.count == 1


async def test_least_recently_used_goes_first_by_count_and_by_bytes(workers: Workers, builds: Builds) -> None:
    size = len(dense())
    for sessions in (cache(workers, entries=2), cache(workers, size=2 * size + 1)):
        for key in ("a", "b", "a", "c"):
            await use(sessions, key, builds)
        assert sessions.stats.entries == 2 and sessions.stats.size_bytes == 2 * size
        assert (await use(sessions, "a", builds))[1] and (await use(sessions, "c", builds))[1]
        assert not (await use(sessions, "b", builds))[1]


async def test_a_session_in_use_is_not_let_go(workers: Workers, builds: Builds) -> None:
    sessions = cache(workers, entries=1)
    async with sessions.lease("a", builds) as lease:
        await use(sessions, "b", builds)
        assert sessions.stats.entries == 1
        assert (await use(sessions, "a", builds)) == (lease.session, True)
    sessions.clear()
    assert sessions.stats[:2] == (0, 0)
