"""Durable file operations on a POSIX file system, and the words for their failures.

Every operation goes through a function of `os`, one system call each, so that a test can stop a process at any of
them.
"""

import fcntl
import hashlib
import mmap
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .model import StoreUnavailableError

TEMPORARY_PREFIX = ".tmp-"
# Each mapping costs a file descriptor; below this size a copy is cheaper, and a stack within ONNX's 2 GiB limit
# needs fewer than 512 of them.
_MAP_FROM_BYTES = 4 << 20


@contextmanager
def reporting(action: str) -> Iterator[None]:
    """Raise StoreUnavailableError ("`action` failed: ...") for an OSError inside; paths stay out of the message."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StoreUnavailableError(action, reason, error.errno) from error


@contextmanager
def exclusive_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold `path` locked against other processes and threads; StoreUnavailableError after `timeout` seconds."""
    # A descriptor per call: flock then excludes threads too, and the kernel releases it whatever happens to us.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _acquire(descriptor, timeout)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, timeout: float) -> None:
    deadline, pause = time.monotonic() + timeout, 0.001
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise StoreUnavailableError("locking the stack store", f"another process has held it for {timeout:g} s")
        time.sleep(pause)  # flock cannot wait with a limit
        pause = min(pause * 2, 0.05)


def try_lock(descriptor: int) -> bool:
    """Lock the open file if nobody holds it, without waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def create_file(path: Path) -> int:
    """Open a file that must not exist yet for writing; returns the descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte, however many calls the system takes."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(path: Path) -> None:
    """Make entries added to, moved in or removed from the directory last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Give `path` this content in one step that a crash cannot split.

    A failure may leave a temporary file beside it, which `sweep` removes.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    descriptor = create_file(temporary)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Create the directory and its parents, durably, unless it is there."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with suppress(FileExistsError):  # another process was quicker
        os.mkdir(path)
    sync_directory(path.parent)


def remove_flat_tree(path: Path) -> None:
    """Remove a directory of plain files, also while its owner does the same."""
    with suppress(FileNotFoundError):
        for name in os.listdir(path):
            with suppress(FileNotFoundError):
                os.unlink(path / name)
        os.rmdir(path)


def read_verified(path: Path) -> tuple[memoryview, str]:
    """The file's bytes (mapped where large) and their SHA-256 in hex; raises FileNotFoundError.

    The digest is taken through `read`, because an unreadable disk block is an OSError there and kills the process
    when it is met in a mapping.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size < _MAP_FROM_BYTES:
            data = file.readall()
            return memoryview(data), hashlib.sha256(data).hexdigest()
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)), digest
