"""kill -9 in the middle of a registration: afterwards the old set is whole and nothing is half-registered."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.conftest import files

SIDE = 2_236  # a kernel of 20 MB
LARGE = lm.Stack([lm.Input((SIDE,)), lm.Dense(SIDE, use_bias=False, name="d")])
KERNEL = np.random.default_rng(1).standard_normal((SIDE, SIDE)).astype("float32")
# The name, and the bytes that have been sent when the server is killed.
POINTS = (("old", 10_000), ("new", 5_000_000), ("old", 10_000_000), ("new", 15_000_000), ("old", 19_000_000))
OLD = lm.Stack([lm.Input((8, 3)), lm.Conv1D(4, 3), lm.GlobalMaxPooling1D()])
X = np.random.default_rng(2).standard_normal((3, 8, 3))


@contextmanager
def proxy(address: str, most: int, then: Callable[[], None]) -> Iterator[str]:
    """An address behind which a server stands until `most` bytes have been sent to it; `then` is called once."""
    host, _, port = address.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        own = f"127.0.0.1:{listening.getsockname()[1]}"

        def forward() -> None:
            near, _ = listening.accept()
            listening.close()  # so that a second try is refused, as by a server that is dead
            with near, socket.create_connection((host, int(port))) as far:
                threading.Thread(target=copy, args=(far, near), daemon=True).start()
                if copy(near, far, most):
                    then()

        worker = threading.Thread(target=forward, daemon=True)
        worker.start()
        yield own
        worker.join(10)
        assert not worker.is_alive()


def copy(source: socket.socket, target: socket.socket, most: int | None = None) -> bool:
    """Copies until either end closes (False) or `most` bytes have gone (True)."""
    sent = 0
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
            sent += len(data)
            if most is not None and sent >= most:
                return True
    except OSError:  # the server is dead, which is the point
        return False
    return False


def test_killed_at_any_point_of_a_registration(tmp_path: Path) -> None:
    """Each restart is checked, then killed in its turn, while a new name is made or an old one is moved."""
    with lm.LocalServer(store_dir=tmp_path) as server, lm.Client(server.address) as client:
        client.register("old", OLD, seed=1)
        whole, wanted = files(tmp_path), client.infer("old", X).output.tobytes()
        kill_during(server, *POINTS[0])
    for name, most in (*POINTS[1:], ("", 0)):
        with lm.LocalServer(store_dir=tmp_path) as server, lm.Client(server.address) as client:
            assert [(info.name, info.error) for info in client.list()] == [("old", "")]
            assert client.infer("old", X).output.tobytes() == wanted
            assert files(tmp_path) == whole
            if name:
                kill_during(server, name, most)


def test_killed_when_everything_has_been_sent(tmp_path: Path) -> None:
    """Then it is there, whole, or it is not."""
    with lm.LocalServer(store_dir=tmp_path) as server:
        kill_during(server, "new", KERNEL.nbytes)
    with lm.LocalServer(store_dir=tmp_path) as server, lm.Client(server.address) as client:
        listed = list(client.list())
        for info in listed:
            assert (info.name, info.error, info.weight_bytes) == ("new", "", KERNEL.nbytes)
            x = np.ones((1, SIDE), "float32")
            np.testing.assert_allclose(client.infer("new", x).output, x @ KERNEL, rtol=1e-3, atol=1e-3)
        assert bool(listed) == any(path.stat().st_size == KERNEL.nbytes for path in files(tmp_path))
        # What was cut off is no obstacle to doing it again.
        assert client.register("new", LARGE, {"d/kernel": KERNEL}).created is not bool(listed)


def kill_during(server: lm.LocalServer, name: str, most: int) -> None:
    """Registers through a proxy that kills the server once it has sent it so many bytes."""
    with (
        proxy(server.address, most, lambda: os.kill(server.pid, signal.SIGKILL)) as address,
        lm.Client(address) as client,
        pytest.raises(lm.UnavailableError),
    ):
        client.register(name, LARGE, {"d/kernel": KERNEL}, replace=True)
    assert not server.running
