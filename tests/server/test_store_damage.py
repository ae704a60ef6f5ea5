"""Damage is told of the one stack it hit, is never taken for unused files, and goes when the stack is registered."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lamina_server.store import CorruptStackError, DirectoryStore
from tests.server.store_killer import (
    CONTENTS,
    content_of,
    garbage,
    id_of,
    read_all,
    register,
    register_bytes,
    weight_file,
)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def flip(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)


KERNEL = CONTENTS["B"]["b/kernel"]
DAMAGES: dict[str, Callable[[Path], object]] = {
    "weight flipped": lambda root: flip(weight_file(root, KERNEL), 7),
    "weight cut": lambda root: os.truncate(weight_file(root, KERNEL), 7),
    "weight missing": lambda root: weight_file(root, KERNEL).unlink(),
    "manifest flipped": lambda root: flip(root / f"stacks/{id_of('B')}.json", 40),
    "manifest empty": lambda root: os.truncate(root / f"stacks/{id_of('B')}.json", 0),
    "manifest missing": lambda root: (root / f"stacks/{id_of('B')}.json").unlink(),
    "pointer empty": lambda root: os.truncate(root / "names/bad", 0),
    "pointer of another": lambda root: (root / "names/bad").write_bytes((root / "names/good").read_bytes()),
    "pointer of no use": lambda root: (root / "names/bad").write_text('{"format": 1, "id": "../x", "name": "bad"}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told_of_one_stack_and_repaired_by_registering(
    damage: str, store: DirectoryStore, tmp_path: Path
) -> None:
    register(store, "A", "good")
    register(store, "B", "bad")
    DAMAGES[damage](tmp_path)
    with pytest.raises(CorruptStackError):
        content_of(store, store.get("bad"))
    bad, good = store.list(10)[0]
    assert good.error is None and content_of(store, store.get("good")) == "A"
    assert bad.name == "bad"
    assert (bad.error is None) == (damage == "weight flipped"), "only a digest finds that, and listing takes none"
    store.recover()  # must not take damaged for unused
    store.delete("good")
    assert weight_file(tmp_path, KERNEL).exists() == ("missing" not in damage)
    register(store, "A", "good")
    register(store, "B", "bad", replace=True)
    assert read_all(store) == {"good": "A", "bad": "B"}
    assert garbage(tmp_path, {"good": "A", "bad": "B"}) == set()


@pytest.mark.parametrize("size", [16, 5 << 20])
def test_damaged_weight_names_both_digests(size: int, store: DirectoryStore, tmp_path: Path) -> None:
    manifest, ref = register_bytes(store, "har", b"\1" * size)
    flip(weight_file(tmp_path, b"\1" * size), size // 2)
    with pytest.raises(CorruptStackError) as caught:
        store.open_weight(manifest, ref)
    error = caught.value
    assert (error.stack, error.weight, error.expected) == (manifest.id, "kernel", ref.sha256)
    assert error.found is not None and error.found != ref.sha256
    assert all(word in str(error) for word in (manifest.id, "kernel", ref.sha256, error.found))


def test_no_flipped_bit_of_a_manifest_goes_unnoticed(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "B", "har")
    path = tmp_path / f"stacks/{id_of('B')}.json"
    for position in range(path.stat().st_size):
        flip(path, position)
        with pytest.raises(CorruptStackError):
            store.get("har")
        flip(path, position)
    assert read_all(store) == {"har": "B"}


def test_stack_of_a_newer_server_is_kept(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "B", "newer")
    pointer = tmp_path / "names/newer"
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"format": 2}))
    assert "format 2, this server reads 1" in str(store.stat("newer").error)
    store.recover()
    assert garbage(tmp_path, {"newer": "B"}) == set()


def test_damaged_hashed_pointer_is_listed_and_can_be_deleted(store: DirectoryStore, tmp_path: Path) -> None:
    name = "層" * 100
    register(store, "A", name)
    register(store, "B", "other")
    (pointer,) = (tmp_path / "names").glob("~*")
    pointer.write_text("{}")
    entries, _ = store.list(10)
    assert [(entry.name, entry.error is None) for entry in entries] == [("other", True), (pointer.name, False)]
    with pytest.raises(CorruptStackError):
        register(store, "A", name)
    store.delete(name)
    assert read_all(store) == {"other": "B"}
    assert garbage(tmp_path, {"other": "B"}) == set()


def test_unreadable_pointer_does_not_hide_others(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "A", "good")
    (tmp_path / "names/bad").mkdir()
    bad, good = store.list(10)[0]
    assert bad.error == "reading stack 'bad' failed: Is a directory"
    assert good.error is None
