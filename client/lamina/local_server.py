"""A server of one's own: `lamina_server` as a child process on a free port, with a store that lasts as long as it does.

The server is started, never imported. It ends with its parent, even when that is killed.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lamina.errors import InvalidArgumentError, ServerStartError
from lamina.place import shown
from lamina.transport import checked_timeout

_MOST_LOG = 4_000
# The server gives running calls 10 s (LAMINA_DRAIN_SECONDS).
_STOP_SECONDS = 12.0


class LocalServer:
    """A Lamina server on this machine, for tests, notebooks and demonstrations.

    `device` is "cpu" or "cuda". `store_dir` keeps registered stacks; a temporary folder, removed at the end, unless
    given. `port` 0 takes a free one. `settings` are further settings by name, `{"max_layers": 10}` or
    `{"LAMINA_MAX_LAYERS": "10"}`; a name that sets nothing is a warning in `logs`. Raises ServerStartError, with what
    the server said, where it is not ready within `startup_timeout` seconds. Close it with `stop()` or use it as a
    context manager.
    """

    def __init__(
        self,
        device: str = "cpu",
        *,
        store_dir: "str | os.PathLike[str] | None" = None,
        port: int = 0,
        settings: Mapping[str, object] | None = None,
        startup_timeout: float = 30.0,
    ) -> None:
        seconds = checked_timeout(startup_timeout, 30.0)
        variables = _variables(settings or {})
        self._folder = Path(tempfile.mkdtemp(prefix="lamina-"))
        self._log = self._folder / "log"
        self._said = ""
        store = Path(store_dir) if store_dir is not None else self._folder / "store"
        environment = {
            # Settings of another server on this machine are not meant for this one.
            **{name: value for name, value in os.environ.items() if not name.startswith("LAMINA_")},
            "ORT_DISABLE_TELEMETRY": "1",
            "LAMINA_HOST": "127.0.0.1",
            "LAMINA_PORT": str(port),
            "LAMINA_HTTP_PORT": "0",
            "LAMINA_DEVICE": device,
            "LAMINA_STORE_DIR": str(store),
            "LAMINA_PARENT_PID": str(os.getpid()),
            **variables,
        }
        announced, announce = os.pipe()
        try:
            self._process = self._start(environment, announce)
            self._finalizer = weakref.finalize(self, _discard, self._process, self._folder, os.getpid())
            os.close(announce)
            announce = -1
            addresses = self._wait(announced, seconds)
        except BaseException:
            self._abandon()
            raise
        finally:
            os.close(announced)
            if announce >= 0:
                os.close(announce)
        self.address: str = addresses["grpc"]
        self.http_address: str = addresses["http"]

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server still runs."""
        return self._process.poll() is None

    @property
    def logs(self) -> str:
        """What the server wrote so far: a JSON line for each call, and its complaints."""
        return self._log.read_text(errors="replace") if self._log.exists() else self._said

    def stop(self) -> None:
        """Ends the server: what runs is finished, what takes longer than 10 s is cut off. Twice does no harm."""
        _end(self._process)
        self._said = self.logs
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"LocalServer({self.address!r}{'' if self.running else ', stopped'})"

    def _start(self, environment: dict[str, str], announce: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "lamina_server"]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command,
                env={**environment, "LAMINA_ANNOUNCE_FD": str(announce)},
                pass_fds=[announce],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the program; the server is stopped by it, in its own time.
                start_new_session=True,
            )

    def _wait(self, announced: int, seconds: float) -> dict[str, str]:
        """The line that the server writes when it is ready."""
        end = time.monotonic() + seconds
        line = b""
        poll = select.poll()  # select.select knows no descriptors from 1024 on
        poll.register(announced, select.POLLIN)
        while not line.endswith(b"\n"):
            if not poll.poll(max(end - time.monotonic(), 0) * 1000):
                raise ServerStartError(self._failure(f"was not ready within {seconds:g} s"), reason="SERVER_START")
            part = os.read(announced, 4096)
            if not part:  # the other end is closed: it died, or is about to
                code = self._process.wait(_STOP_SECONDS)
                raise ServerStartError(self._failure(f"ended with status {code}"), reason="SERVER_START")
            line += part
        addresses: dict[str, str] = json.loads(line)
        return addresses

    def _failure(self, what: str) -> str:
        said = self.logs.strip()[-_MOST_LOG:]
        if "No module named" in said:  # the server itself, or what only its extras bring
            return "The server is not installed here: pip install 'lamina[server,cpu]', or give a Client its address."
        return f"The server {what}. It said:\n{said}" if said else f"The server {what}, and said nothing."

    def _abandon(self) -> None:
        """Leaves nothing behind where the start failed."""
        if hasattr(self, "_finalizer"):
            self._finalizer()
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def _variables(settings: Mapping[Any, object]) -> dict[str, str]:
    """Settings as environment variables: max_layers is LAMINA_MAX_LAYERS, True is true."""
    variables = {}
    for name, value in settings.items():
        if not isinstance(name, str) or not isinstance(value, str | int | float):
            raise InvalidArgumentError(
                f"LocalServer: settings are text or numbers by name; {shown(name)}: {shown(value)} was given.",
                field="settings",
            )
        upper = name.upper()
        text = str(value).lower() if isinstance(value, bool) else str(value)
        variables[upper if upper.startswith("LAMINA_") else f"LAMINA_{upper}"] = text
    return variables


def _discard(process: "subprocess.Popen[bytes]", folder: Path, owner: int) -> None:
    """Ends a server and removes its folder, where nobody holds it any more, and at exit."""
    if os.getpid() != owner:  # a fork of the program that started it
        return
    _end(process)
    shutil.rmtree(folder, ignore_errors=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
