"""What a store keeps, what it promises and how it fails. No file is touched here."""

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"\w[\w.\-]{0,127}")


class StoreError(Exception):
    """Base of every error a store raises."""


class InvalidNameError(StoreError, ValueError):
    """The name cannot be given to a stack."""


class InvalidPageError(StoreError, ValueError):
    """The page size is below 1, or the page token is not one that `list` returned."""


class InvalidManifestError(StoreError, ValueError):
    """The manifest contradicts itself or the weights that were staged for it."""


class WeightSizeError(StoreError, ValueError):
    """A staged weight has other than the announced number of bytes; `found` counts those offered so far."""

    def __init__(self, weight: str, expected: int, found: int) -> None:
        super().__init__(f"weight '{weight}' must have {expected} bytes, and {found} were sent")
        self.weight, self.expected, self.found = weight, expected, found


class NameTakenError(StoreError):
    """The name already points to other content, and the caller did not ask to replace it."""

    def __init__(self, name: str, existing_id: str, new_id: str) -> None:
        super().__init__(f"the name '{name}' is taken by stack {existing_id}; the stack to register is {new_id}")
        self.name, self.existing_id, self.new_id = name, existing_id, new_id


class StackNotFoundError(StoreError):
    """No stack answers to `key`, a name or an id; `reason` says what may have happened."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"no stack '{key}': {reason}")
        self.key, self.reason = key, reason


class CorruptStackError(StoreError):
    """What is stored for one stack is damaged; other stacks are not affected.

    `stack` is the name or id that was asked for, `id` the content id where it is known. For a damaged weight,
    `weight` is its name, `expected` and `found` are SHA-256 digests in hex (`found` is None for a missing file).
    """

    def __init__(
        self,
        stack: str,
        detail: str,
        *,
        id: str | None = None,
        weight: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        super().__init__(f"stack '{stack}' is damaged in the store: {detail}")
        self.stack, self.detail, self.id = stack, detail, id
        self.weight, self.expected, self.found = weight, expected, found


class StoreUnavailableError(StoreError):
    """The storage refused an operation: full, read-only, locked for too long.

    Every name still leads to a whole stack, the one before or, where only the last flush failed, the one asked for.
    `action` is what was being done, `reason` the system's words; neither holds a path. `errno` where there is one.
    """

    def __init__(self, action: str, reason: str, errno: int | None = None) -> None:
        super().__init__(f"{action} failed: {reason}")
        self.action, self.reason, self.errno = action, reason, errno


def is_id(key: str) -> bool:
    """Whether `key` has the form of a content id: 64 lower-case hex digits."""
    return _DIGEST.fullmatch(key) is not None


def check_name(name: str) -> None:
    """Raise InvalidNameError unless `name` is 1 to 128 letters, digits, `_`, `.`, `-` and cannot be taken for an id."""
    if _NAME.fullmatch(name) is None:
        raise InvalidNameError(
            f"{name[:200]!r} cannot name a stack: 1 to 128 letters, digits, '_', '.' and '-' are allowed, "
            "the first one a letter, a digit or '_'"
        )
    if is_id(name):
        raise InvalidNameError(f"'{name}' cannot name a stack: 64 hex digits are read as a content id")


@dataclass(frozen=True)
class WeightRef:
    """One weight of a stack: name, data type, shape; SHA-256 (hex) and number of its little-endian bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    nbytes: int

    def __post_init__(self) -> None:
        if not is_id(self.sha256) or self.nbytes < 0:
            raise InvalidManifestError(f"weight '{self.name}' has no valid digest and size")


@dataclass(frozen=True)
class Manifest:
    """A registered stack without its weights' bytes.

    `id` is the SHA-256 (hex) of the content, computed by the caller; `spec` the stack as canonical JSON text; `seed`
    is set where weights come from a seed; `created` is an RFC 3339 time in UTC and no part of the content.
    """

    id: str
    spec: str
    weights: tuple[WeightRef, ...]
    seed: int | None
    created: str

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise InvalidManifestError(f"{self.id[:80]!r} is not a content id")
        if len({ref.name for ref in self.weights}) != len(self.weights):
            raise InvalidManifestError(f"stack {self.id} names one weight twice")

    @property
    def content(self) -> tuple[str, tuple[WeightRef, ...], int | None]:
        """What the id stands for: everything but the time, weights in order of name."""
        return self.spec, tuple(sorted(self.weights, key=lambda ref: ref.name)), self.seed


@dataclass(frozen=True)
class Registered:
    """Outcome of a registration; `created` is False where the name already pointed to this content."""

    id: str
    name: str
    created: bool


@dataclass(frozen=True)
class Entry:
    """One stack as `list` and `stat` show it.

    `name` is None where an id was asked for. `error` says what is damaged, None for nothing; `id` and `manifest` are
    None where the damage hides them.
    """

    name: str | None
    id: str | None
    manifest: Manifest | None
    error: str | None = None


class WeightWriter(Protocol):
    """Takes the bytes of one weight in order."""

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append; raises WeightSizeError beyond the announced size, StoreUnavailableError."""

    def close(self) -> WeightRef:
        """Finish the weight; raises WeightSizeError where bytes are missing, StoreUnavailableError."""


class Staging(Protocol):
    """One registration under way, seen by nobody until `commit`; leaving it (`with` or `close`) drops the rest."""

    def begin_weight(self, name: str, dtype: str, shape: tuple[int, ...], nbytes: int) -> WeightWriter:
        """Start a weight of exactly `nbytes` bytes; raises InvalidManifestError for a name begun before."""

    def commit(self, manifest: Manifest, name: str, replace: bool = False) -> Registered:
        """Make the stack visible under `name`, all at once.

        Raises NameTakenError (the staging stays usable), InvalidNameError, InvalidManifestError where the manifest's
        weights are not the staged ones, CorruptStackError where the name's pointer is damaged and `replace` is
        False, StoreUnavailableError (stage again: the staged files may be used up).
        """

    def close(self) -> None:
        """Drop what was not committed; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class StackStore(Protocol):
    """Registered stacks by content id, with names that point to them. Every method may raise StoreUnavailableError."""

    def stage(self) -> Staging:
        """Begin a registration."""

    def get(self, key: str) -> Manifest:
        """The stack with this name or id; raises StackNotFoundError, CorruptStackError, InvalidNameError."""

    def id_of(self, key: str) -> str | None:
        """The content id that a name or id leads to now, told at once; None where only `get` can tell, or why not.

        Raises InvalidNameError.
        """

    def open_weight(self, manifest: Manifest, ref: WeightRef) -> memoryview:
        """The weight's bytes, read-only, digest verified; raises CorruptStackError, StackNotFoundError."""

    def stat(self, key: str) -> Entry:
        """As `get`, but damage is told in the entry's `error`, weights that are missing or cut short included."""

    def list(self, page_size: int, page_token: str = "") -> tuple[tuple[Entry, ...], str]:
        """Up to `page_size` entries in order of name, and the next page's token ("" at the end).

        Raises InvalidPageError. A name registered or deleted between two pages never hides or repeats another.
        """

    def delete(self, name: str) -> None:
        """Take the name away, and the content with its last name; raises StackNotFoundError, InvalidNameError."""
