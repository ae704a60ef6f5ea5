"""Where things lie in the store's directory, and the two file formats: manifests and name pointers."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from .files import make_directory, write_durably
from .model import CorruptStackError, Manifest, StoreError, WeightRef, check_name, is_id

_FORMAT = 1
_LONGEST_FILE_NAME = 200
_HASHED = "~"  # in no name and in no quoted name


@dataclass(frozen=True)
class Layout:
    """Paths below one root. Readers raise FileNotFoundError where nothing is stored, CorruptStackError for damage."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    @cached_property
    def stacks(self) -> Path:
        return self.root / "stacks"

    @cached_property
    def names(self) -> Path:
        return self.root / "names"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    def weight(self, sha256: str) -> Path:
        """The file of the weight with this digest."""
        return self.weights / sha256[:2] / sha256

    def manifest(self, id: str) -> Path:
        """The file of the manifest with this id."""
        return self.stacks / f"{id}.json"

    def pointer(self, name: str) -> Path:
        """The file that holds the id `name` points to."""
        return self.names / pointer_file_name(name)

    def create(self) -> None:
        """Make the directories that are missing."""
        for directory in (self.weights, self.stacks, self.names, self.staging):
            make_directory(directory)

    def read_manifest(self, id: str) -> Manifest:
        """The stored manifest."""
        return decode_manifest(self.manifest(id).read_bytes(), id)

    def write_manifest(self, manifest: Manifest) -> None:
        """Store it durably; the weights it names must be there."""
        write_durably(self.manifest(manifest.id), encode_manifest(manifest))

    def read_pointer(self, name: str) -> str:
        """The id that `name` points to."""
        stored, id = _decode_pointer(self.pointer(name).read_bytes(), name)
        if stored != name:
            raise CorruptStackError(name, f"its pointer belongs to the name {stored!r}")
        return id

    def write_pointer(self, name: str, id: str) -> None:
        """Point `name` to a stored manifest, durably."""
        content = json.dumps({"format": _FORMAT, "id": id, "name": name}).encode()
        write_durably(self.pointer(name), content)

    def list_names(self) -> list[str]:
        """Every name in order; one whose hashed pointer is damaged is given as its file name, which starts with ~."""
        names = (self._name_of(file_name) for file_name in os.listdir(self.names))
        return sorted(name for name in names if name is not None)

    def list_ids(self) -> list[str]:
        """The id of every manifest file."""
        files = (Path(file_name) for file_name in os.listdir(self.stacks))
        return [file.stem for file in files if file.suffix == ".json" and is_id(file.stem)]

    def _name_of(self, file_name: str) -> str | None:
        """The name a file in `names` stands for; None for a file that is not the store's, or has just gone."""
        if not file_name.startswith(_HASHED):
            name = unquote(file_name)
            return name if _is_name(name) and pointer_file_name(name) == file_name else None
        try:
            return _decode_pointer((self.names / file_name).read_bytes(), file_name)[0]
        except FileNotFoundError:
            return None
        except CorruptStackError:
            return file_name


def is_readable_name(name: str) -> bool:
    """False for what `list_names` gives in place of a name that is lost."""
    return not name.startswith(_HASHED)


@lru_cache(maxsize=4096)
def pointer_file_name(name: str) -> str:
    """A file name for any valid name: UTF-8 bytes outside [A-Za-z0-9_.-] as %XX; the name's hash where that is long."""
    quoted = quote(name, safe="")
    return quoted if len(quoted) <= _LONGEST_FILE_NAME else _HASHED + hashlib.sha256(name.encode()).hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON with a SHA-256 of itself, so that a flipped bit anywhere in the file is noticed."""
    body = {"format": _FORMAT, **asdict(manifest)}
    return _canonical({"manifest": body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()})


def decode_manifest(raw: bytes, id: str) -> Manifest:
    """The inverse; raises CorruptStackError for anything but the manifest of stack `id`."""
    try:
        document = json.loads(raw)
        body = document["manifest"]
        if hashlib.sha256(_canonical(body)).hexdigest() != document["sha256"]:
            raise CorruptStackError(id, "its manifest does not match the manifest's own checksum", id=id)
        _check_format(body, id)
        weights = tuple(WeightRef(**{**ref, "shape": tuple(ref["shape"])}) for ref in body["weights"])
        manifest = Manifest(body["id"], body["spec"], weights, body["seed"], body["created"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptStackError(id, "its manifest cannot be read", id=id) from error
    if manifest.id != id:
        raise CorruptStackError(id, f"its manifest is that of stack {manifest.id}", id=id)
    return manifest


@lru_cache(maxsize=4096)  # asked at every call by name, of bytes that seldom change
def _decode_pointer(raw: bytes, name: str) -> tuple[str, str]:
    """Name and id in a pointer file; `name` is for the error."""
    try:
        document = json.loads(raw)
        _check_format(document, name)
        stored, id = document["name"], document["id"]
        if not (is_id(id) and _is_name(stored)):
            raise ValueError("no id or no name")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptStackError(name, "its name pointer cannot be read") from error
    return stored, id


def _check_format(document: dict[str, Any], stack: str) -> None:
    if document["format"] != _FORMAT:
        raise CorruptStackError(stack, f"it is stored in format {document['format']}, this server reads {_FORMAT}")


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except StoreError:
        return False
    return True


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
