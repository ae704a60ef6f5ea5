"""A server for all tests of this folder, and three ways to run a command against it."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import lamina as lm
from lamina import files
from lamina.cli.app import app

HAR = lm.Stack([
    lm.Input((128, 9)),
    lm.Conv1D(100, 10, activation="relu"),
    lm.GlobalAveragePooling1D(),
    lm.Dense(6, activation="softmax"),
])  # fmt: skip
Q2 = lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2, padding="same", activation="relu", name="convLayer")])


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON document it printed, and nothing else."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def server() -> Iterator[lm.LocalServer]:
    with lm.LocalServer() as running:
        yield running


@pytest.fixture(scope="session")
def client(server: lm.LocalServer) -> Iterator[lm.Client]:
    with lm.Client(server.address) as connection:
        yield connection


Run = Callable[..., Ran]


@pytest.fixture
def lamina(server: lm.LocalServer) -> Run:
    """Runs a command in this process: lamina("trace", path, stdin="", env={})."""

    def run(*words: object, stdin: str | bytes = "", env: Mapping[str, str | None] | None = None) -> Ran:
        variables = {"LAMINA_ADDRESS": server.address, "NO_COLOR": None, "FORCE_COLOR": None, **(env or {})}
        result = CliRunner().invoke(app, [str(word) for word in words], input=stdin, env=variables)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def environment(address: str | None, **more: str) -> dict[str, str]:
    """The environment of a program of its own, which finds the packages where this process does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAMINA_", "COLUMNS", "LINES"))}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        kept.pop(name, None)
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**kept, "PYTHONPATH": paths, **({"LAMINA_ADDRESS": address} if address else {}), **more}


@pytest.fixture
def program(server: lm.LocalServer) -> Run:
    """Runs a command as a program of its own, its outputs into pipes."""

    def run(*words: object, address: str | None = server.address, stdin: str = "", **more: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "lamina.cli", *map(str, words)],
            env=environment(address, **more), input=stdin, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def on_terminal(server: lm.LocalServer) -> Callable[..., str]:
    """Runs a command on a terminal of a width; returns everything that appears there, escape codes included."""

    def run(*words: object, width: int = 80, **more: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "lamina.cli", *map(str, words)],
            env=environment(server.address, TERM="xterm-256color", **more), stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        process.wait(60)
        return seen.decode().replace("\r\n", "\n")

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # EIO: the other end is closed
        return b""


@pytest.fixture
def net(tmp_path: Path) -> Callable[[lm.Stack | str], Path]:
    """Writes a stack, or a text, to a file."""

    def write(content: lm.Stack | str, name: str = "net.yaml") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else files.dump(content), encoding="utf-8")
        return path

    return write


Net = Callable[..., Path]
