"""One registration under way: weights stream into a directory of their own until the commit."""

import hashlib
import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from .files import create_file, remove_flat_tree, reporting, try_lock, write_all
from .layout import Layout
from .model import InvalidManifestError, Manifest, Registered, StoreError, WeightRef, WeightSizeError

_logger = logging.getLogger(__name__)
_OWNER_LOCK = "lock"

Staged = Mapping[WeightRef, Path]


class Commit(Protocol):
    """The store's half of a commit: makes staged weights and their manifest visible under a name."""

    def __call__(self, staged: Staged, manifest: Manifest, name: str, replace: bool) -> Registered: ...


class DirectoryWeightWriter:
    """Writes one weight to a file of the staging directory, hashing on the way. For one thread at a time."""

    def __init__(self, path: Path, name: str, dtype: str, shape: tuple[int, ...], nbytes: int) -> None:
        self.path = path
        self.ref: WeightRef | None = None
        self._name, self._dtype, self._shape, self._nbytes = name, dtype, shape, nbytes
        self._digest = hashlib.sha256()
        self._written = 0
        with self._reporting():
            self._file = os.fdopen(create_file(path), "wb", buffering=0)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append; raises WeightSizeError beyond the announced size, StoreUnavailableError."""
        size = memoryview(chunk).nbytes
        if self._written + size > self._nbytes:
            raise WeightSizeError(self._name, self._nbytes, self._written + size)
        if self._file.closed:
            raise StoreError(f"weight '{self._name}' is closed")
        with self._reporting():
            write_all(self._file.fileno(), chunk)
        self._digest.update(chunk)
        self._written += size

    def close(self) -> WeightRef:
        """Make the bytes durable; raises WeightSizeError where some are missing, StoreUnavailableError."""
        if self.ref is not None:
            return self.ref
        if self._written != self._nbytes:
            raise WeightSizeError(self._name, self._nbytes, self._written)
        if self._file.closed:
            raise StoreError(f"weight '{self._name}' was dropped with its staging area")
        with self._reporting():
            # Here and not at the commit: the store's lock is not held yet, and unwritten memory stays bounded.
            os.fsync(self._file.fileno())
            self._file.close()
        self.ref = WeightRef(self._name, self._dtype, self._shape, self._digest.hexdigest(), self._nbytes)
        return self.ref

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        self._file.close()

    def _reporting(self) -> AbstractContextManager[None]:
        return reporting(f"writing weight '{self._name}' to the staging area")


class DirectoryStaging:
    """A directory that lives as long as this object: its lock file is held, so that `recover` leaves it alone."""

    def __init__(self, layout: Layout, commit: Commit) -> None:
        """The caller holds the store's lock: no `recover` may see the directory before its lock file is held."""
        self._commit = commit
        self._writers: dict[str, DirectoryWeightWriter] = {}
        self._directory = layout.staging / secrets.token_hex(8)
        os.mkdir(self._directory)
        self._owner = os.fdopen(create_file(self._directory / _OWNER_LOCK), "wb", buffering=0)
        try_lock(self._owner.fileno())

    def begin_weight(self, name: str, dtype: str, shape: tuple[int, ...], nbytes: int) -> DirectoryWeightWriter:
        """Start a weight of exactly `nbytes` bytes; raises InvalidManifestError for a name begun before."""
        self._check_open()
        if name in self._writers:
            raise InvalidManifestError(f"weight '{name}' was begun before")
        path = self._directory / f"weight-{len(self._writers)}"
        writer = DirectoryWeightWriter(path, name, dtype, shape, nbytes)
        self._writers[name] = writer
        return writer

    def commit(self, manifest: Manifest, name: str, replace: bool = False) -> Registered:
        """Make the stack visible under `name`; see `Staging.commit` for what it raises."""
        self._check_open()
        registered = self._commit(self._staged_for(manifest), manifest, name, replace)
        self.close()
        return registered

    def close(self) -> None:
        """Drop what was not committed; may be called twice. Never raises: what stays behind, `recover` removes."""
        if self._owner.closed:
            return
        for writer in self._writers.values():
            writer.abandon()
        with self._owner:
            try:
                remove_flat_tree(self._directory)
            except OSError as error:
                _logger.warning("a staging area could not be cleared: %s", error.strerror)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._owner.closed:
            raise StoreError("this registration is over; stage a new one")

    def _staged_for(self, manifest: Manifest) -> dict[WeightRef, Path]:
        staged = {}
        for name, writer in self._writers.items():
            if writer.ref is None:
                raise InvalidManifestError(f"weight '{name}' was begun and not closed")
            staged[writer.ref] = writer.path
        for ref in staged.keys() ^ set(manifest.weights):
            raise InvalidManifestError(f"weight '{ref.name}' is not the same in the manifest and in the staging area")
        return staged


def remove_abandoned(layout: Layout) -> int:
    """Remove staging directories whose owner has died and count them. The caller holds the store's lock."""
    directories = [Path(entry) for entry in os.scandir(layout.staging) if entry.is_dir(follow_symlinks=False)]
    return sum(_remove_if_abandoned(directory) for directory in directories)


def _remove_if_abandoned(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / _OWNER_LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # killed before it was made or after it was removed
        remove_flat_tree(directory)
        return True
    try:
        abandoned = try_lock(descriptor)
        if abandoned:
            remove_flat_tree(directory)
        return abandoned
    finally:
        os.close(descriptor)
