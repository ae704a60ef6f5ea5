"""The store in a local directory, shared by any number of threads, processes and replicas.

Readers take no lock. Writers take one lock for the whole store and end with one rename, that of the name's pointer:
a crash leaves the old or the new, and at most files that no name leads to.
"""

import base64
import logging
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .files import exclusive_lock, make_directory, read_verified, reporting, sync_directory
from .layout import Layout, is_readable_name
from .model import (
    CorruptStackError,
    Entry,
    InvalidManifestError,
    InvalidPageError,
    Manifest,
    NameTakenError,
    Registered,
    StackNotFoundError,
    StackStore,
    StoreUnavailableError,
    WeightRef,
    check_name,
    is_id,
)
from .staging import DirectoryStaging, Staged, remove_abandoned
from .sweep import sweep

T = TypeVar("T")
_logger = logging.getLogger(__name__)
# A replacement between the reads of pointer and manifest makes one attempt fail; this many in a row are damage.
_READ_ATTEMPTS = 16
_UNKNOWN = "it was never registered here, or has been unregistered or replaced since"


@dataclass(frozen=True)
class Recovered:
    """What `recover` removed: registrations whose process died, and files they left behind."""

    abandoned: int
    temporary: int
    manifests: int
    weights: int


class DirectoryStore(StackStore):
    """Stacks in `root`, which is created if missing and needs `flock` and atomic renames (any POSIX file system).

    `lock_timeout` is the longest wait, in seconds, for another writer. May raise StoreUnavailableError.
    """

    def __init__(self, root: str | Path, lock_timeout: float = 30.0) -> None:
        self._layout = Layout(Path(root))
        self._lock_timeout = lock_timeout
        with reporting("opening the stack store"):
            self._layout.create()

    def recover(self) -> Recovered:
        """Remove what processes that died left behind; to be called at every start, beside others that run."""
        with reporting("cleaning the stack store"), self._locked():
            for directory in (self._layout.root, self._layout.names):
                sync_directory(directory)  # whoever changed them may have died before this
            abandoned = remove_abandoned(self._layout)
            swept = sweep(self._layout)
        return Recovered(abandoned, swept.temporary, swept.manifests, swept.weights)

    def stage(self) -> DirectoryStaging:
        """Begin a registration."""
        with reporting("starting a registration"), self._locked():
            return DirectoryStaging(self._layout, self._commit)

    def get(self, key: str) -> Manifest:
        """The stack with this name or id; raises StackNotFoundError, CorruptStackError, InvalidNameError."""
        if not is_id(key):
            check_name(key)
        with reporting(f"reading stack '{key}'"):
            return self._get_by_id(key) if is_id(key) else self._get_by_name(key)

    def id_of(self, key: str) -> str | None:
        """See `StackStore.id_of`: one small file is read for a name, one is looked up for an id."""
        if is_id(key):
            return key if self._layout.manifest(key).exists() else None
        check_name(key)
        with suppress(OSError, CorruptStackError):
            return self._layout.read_pointer(key)
        return None

    def open_weight(self, manifest: Manifest, ref: WeightRef) -> memoryview:
        """The weight's bytes, read-only, digest verified; raises CorruptStackError, StackNotFoundError."""
        with reporting(f"reading weight '{ref.name}' of stack '{manifest.id}'"):
            data, digest = self._read_weight(manifest, ref, read_verified)
        if digest != ref.sha256:
            raise _damaged_weight(manifest, ref, digest)
        return data

    def stat(self, key: str) -> Entry:
        """As `get`, but damage is told in the entry's `error`, weights that are missing or cut short included."""
        name = None if is_id(key) else key
        for _ in range(_READ_ATTEMPTS):
            try:
                manifest = self.get(key)
            except CorruptStackError as error:
                return Entry(name, error.id, None, error.detail)
            with suppress(StackNotFoundError):  # replaced since; the next `get` tells
                return Entry(name, manifest.id, manifest, self._weight_damage(manifest))
        raise StackNotFoundError(key, "it is being replaced over and over")

    def list(self, page_size: int, page_token: str = "") -> tuple[tuple[Entry, ...], str]:
        """Up to `page_size` entries in order of name, and the next page's token; see `StackStore.list`."""
        if page_size < 1:
            raise InvalidPageError(f"a page must have at least 1 entry, not {page_size}")
        after = _decode_page_token(page_token)
        with reporting("listing the stacks"):
            names = self._layout.list_names()
        entries: list[Entry] = []
        last = after
        for name in names[bisect_right(names, after) :]:
            if len(entries) == page_size:
                return tuple(entries), _encode_page_token(last)
            with suppress(StackNotFoundError):  # deleted since the names were read
                entries.append(self._list_entry(name))
            last = name
        return tuple(entries), ""

    def delete(self, name: str) -> None:
        """Take the name away, and the content with its last name; raises StackNotFoundError, InvalidNameError."""
        check_name(name)
        with reporting(f"unregistering '{name}'"), self._locked():
            try:
                os.unlink(self._layout.pointer(name))
            except FileNotFoundError:
                raise StackNotFoundError(name, _UNKNOWN) from None
            sync_directory(self._layout.names)
            self._tidy()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with exclusive_lock(self._layout.lock, self._lock_timeout):
            yield

    def _get_by_id(self, id: str) -> Manifest:
        try:
            return self._layout.read_manifest(id)
        except FileNotFoundError:
            raise StackNotFoundError(id, _UNKNOWN) from None

    def _get_by_name(self, name: str) -> Manifest:
        id = ""
        for _ in range(_READ_ATTEMPTS):
            try:
                id = self._layout.read_pointer(name)
            except FileNotFoundError:
                raise StackNotFoundError(name, _UNKNOWN) from None
            with suppress(FileNotFoundError):
                return self._layout.read_manifest(id)
        raise CorruptStackError(name, f"its manifest {id} is missing", id=id)

    def _list_entry(self, name: str) -> Entry:
        if not is_readable_name(name):
            return Entry(name, None, None, "its name pointer cannot be read, and the name is only known by its hash")
        try:
            return self.stat(name)
        except StoreUnavailableError as error:  # one unreadable file must not hide the other stacks
            return Entry(name, None, None, str(error))

    def _read_weight(self, manifest: Manifest, ref: WeightRef, read: Callable[[Path], T]) -> T:
        """`read` of the weight's file; raises StackNotFoundError where the stack has gone, CorruptStackError."""
        for _ in range(_READ_ATTEMPTS):
            with suppress(FileNotFoundError):
                return read(self._layout.weight(ref.sha256))
            self._get_by_id(manifest.id)
        raise _damaged_weight(manifest, ref, None)

    def _weight_damage(self, manifest: Manifest) -> str | None:
        """What is wrong with the weights as far as their sizes tell, in words."""
        for ref in manifest.weights:
            with reporting(f"reading weight '{ref.name}' of stack '{manifest.id}'"):
                try:
                    size = self._read_weight(manifest, ref, lambda path: path.stat().st_size)
                except CorruptStackError as error:
                    return error.detail
            if size != ref.nbytes:
                return f"weight '{ref.name}' has {size} bytes, not {ref.nbytes}"
        return None

    def _commit(self, staged: Staged, manifest: Manifest, name: str, replace: bool) -> Registered:
        check_name(name)
        with reporting(f"registering '{name}'"):
            damaged = self._damaged(staged)  # reads every byte: not while the lock is held
            with self._locked():
                current = self._current_id(name, replace)
                if current is not None and current != manifest.id and not replace:
                    raise NameTakenError(name, current, manifest.id)
                try:
                    created = self._install(staged, damaged, manifest, name, current)
                except BaseException:
                    self._tidy()  # what was installed without a name must not fill the disk
                    raise
                if replace and created:
                    self._tidy()
        return Registered(manifest.id, name, created)

    def _install(
        self, staged: Staged, damaged: frozenset[str], manifest: Manifest, name: str, current: str | None
    ) -> bool:
        """Weights, manifest, pointer: each durable before what refers to it. False where the name was there before."""
        missing = {
            ref: path
            for ref, path in staged.items()
            if ref.sha256 in damaged or not self._layout.weight(ref.sha256).exists()
        }
        stored = self._has_manifest(manifest)
        if missing or not stored or current != manifest.id:
            self._install_weights(staged, missing)
        if not stored:
            self._layout.write_manifest(manifest)
        if current == manifest.id:
            sync_directory(self._layout.names)  # whoever wrote the pointer may have died before this
        else:
            # Also where the manifest is an old one: a process may have died before it made that durable.
            sync_directory(self._layout.stacks)
            self._layout.write_pointer(name, manifest.id)
        return current != manifest.id

    def _install_weights(self, staged: Staged, missing: Staged) -> None:
        for ref, path in missing.items():
            target = self._layout.weight(ref.sha256)
            make_directory(target.parent)
            os.replace(path, target)
        for shelf in {self._layout.weight(ref.sha256).parent for ref in staged}:
            sync_directory(shelf)
        sync_directory(self._layout.weights)

    def _damaged(self, staged: Staged) -> frozenset[str]:
        """Digests among the staged that are stored already with other bytes: registering again repairs them."""
        damaged = set()
        for ref in staged:
            with suppress(FileNotFoundError):
                if read_verified(self._layout.weight(ref.sha256))[1] != ref.sha256:
                    damaged.add(ref.sha256)
        return frozenset(damaged)

    def _has_manifest(self, manifest: Manifest) -> bool:
        """Whether it is stored intact; raises InvalidManifestError where its id stands for other content."""
        try:
            stored = self._layout.read_manifest(manifest.id)
        except (FileNotFoundError, CorruptStackError):
            return False
        if stored.content != manifest.content:
            raise InvalidManifestError(f"id {manifest.id} is stored with other content: ids must be content hashes")
        return True

    def _current_id(self, name: str, replace: bool) -> str | None:
        """What the name points to, None for nothing; a damaged pointer counts as nothing where it may be replaced."""
        try:
            return self._layout.read_pointer(name)
        except FileNotFoundError:
            return None
        except CorruptStackError:
            if replace:
                return None
            raise

    def _tidy(self) -> None:
        """Sweep where the outcome is decided already: a failure is only logged, the next sweep tries again."""
        try:
            sweep(self._layout)
        except OSError as error:
            _logger.warning("the stack store could not remove unused files: %s", error.strerror)


def _damaged_weight(manifest: Manifest, ref: WeightRef, found: str | None) -> CorruptStackError:
    detail = f"weight '{ref.name}' should have SHA-256 {ref.sha256} and " + (f"has {found}" if found else "is missing")
    return CorruptStackError(manifest.id, detail, id=manifest.id, weight=ref.name, expected=ref.sha256, found=found)


def _encode_page_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _decode_page_token(token: str) -> str:
    try:
        name = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidPageError("the page token is not one that this store gave out") from error
    return name
