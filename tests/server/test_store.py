"""The directory store: what it keeps, under which names, and what it says about misuse and refusals.

Damaged files are in test_store_damage.py; kills, failing disks and concurrency in test_store_crash.py.
"""

import errno
import fcntl
import hashlib
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.store import (
    DirectoryStore,
    InvalidManifestError,
    InvalidNameError,
    InvalidPageError,
    Manifest,
    NameTakenError,
    StackNotFoundError,
    StoreError,
    StoreUnavailableError,
    WeightRef,
    WeightSizeError,
)
from tests.server.store_killer import (
    CONTENTS,
    State,
    after,
    apply,
    content_of,
    garbage,
    id_of,
    interrupted,
    manifest_for,
    read_all,
    register,
    register_bytes,
)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def files(root: Path) -> dict[Path, tuple[int, int]]:
    """Every file with its inode and time of change."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def test_keeps_a_stack_by_name_and_id(store: DirectoryStore, tmp_path: Path) -> None:
    outcome = register(store, "A", "har")
    assert (outcome.id, outcome.name, outcome.created) == (id_of("A"), "har", True)
    reopened = DirectoryStore(tmp_path)
    manifest = reopened.get("har")
    assert reopened.get(id_of("A")) == manifest
    assert manifest.created == "2025-01-02T03:04:05Z"
    assert manifest.weights[1].shape == (256 * 128,)
    assert content_of(reopened, manifest) == "A"
    assert reopened.stat("har").manifest == manifest
    assert (reopened.stat(id_of("A")).name, reopened.stat("har").name) == (None, "har")


def test_keeps_seeds_and_any_text(store: DirectoryStore) -> None:
    manifest = Manifest(id_of("x"), '{"name": "слой \\" \u2028"}', (), 2**64 - 1, "2025-01-02T03:04:05Z")
    with store.stage() as staging:
        staging.commit(manifest, "seeded")
    assert store.get("seeded") == manifest


def test_large_weight_is_mapped_and_outlives_its_stack(store: DirectoryStore) -> None:
    data = os.urandom(5 << 20)
    weight = store.open_weight(*register_bytes(store, "large", data))
    assert weight.readonly and not isinstance(weight.obj, bytes)
    store.delete("large")
    assert weight == data


def test_same_content_again_changes_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "A", "har")
    before = files(tmp_path)
    for replace in (False, True):
        assert not register(store, "A", "har", replace).created
    assert files(tmp_path) == before


def test_taken_name(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "A", "har")
    with store.stage() as staging:
        manifest = manifest_for("B", staging)
        with pytest.raises(NameTakenError) as caught:
            staging.commit(manifest, "har")
        error = caught.value
        assert (error.name, error.existing_id, error.new_id) == ("har", id_of("A"), id_of("B"))
        assert read_all(store) == {"har": "A"}
        assert staging.commit(manifest, "har", replace=True).created
    assert read_all(store) == {"har": "B"}
    assert garbage(tmp_path, {"har": "B"}) == set()


def test_content_stays_until_its_last_name_goes(store: DirectoryStore, tmp_path: Path) -> None:
    for name, content in {"one": "A", "two": "A", "three": "B"}.items():
        register(store, content, name)
    register(store, "C", "one", replace=True)
    assert garbage(tmp_path, {"one": "C", "two": "A", "three": "B"}) == set()
    store.delete("two")
    assert garbage(tmp_path, {"one": "C", "three": "B"}) == set()
    with pytest.raises(StackNotFoundError):
        store.get(id_of("A"))
    assert read_all(store) == {"one": "C", "three": "B"}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["replace", "replace", "delete", "recover"]),
            st.sampled_from(["a", "B", "c.d-e", "ß" * 128]),
            st.sampled_from(sorted(CONTENTS)),
        ),
        max_size=12,
    )
)
def test_any_sequence_equals_a_dictionary(steps: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, state = DirectoryStore(folder), State()
        for step in steps:
            apply(store, step)
            state = after(state, step)
            assert read_all(store) == state
            assert garbage(Path(folder), state) <= {"lock"}


def failing_chunk() -> bytes:
    raise BufferError("the caller's own error")


def test_leaving_without_commit_leaves_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    with store.stage() as staging:
        manifest_for("A", staging)
    with pytest.raises(BufferError), store.stage() as staging:
        staging.begin_weight("kernel", "float32", (1,), 4).write(failing_chunk())
    assert garbage(tmp_path, {}) == set()
    with pytest.raises(StoreError, match="over"):
        staging.begin_weight("kernel", "float32", (1,), 4)


def test_weight_sizes_are_checked(store: DirectoryStore) -> None:
    with store.stage() as staging:
        writer = staging.begin_weight("kernel", "float32", (2,), 8)
        writer.write(b"12345")
        with pytest.raises(WeightSizeError, match=r"'kernel' must have 8 bytes, and 5 were sent"):
            writer.close()
        with pytest.raises(WeightSizeError) as caught:
            writer.write(b"6789")
        assert (caught.value.weight, caught.value.expected, caught.value.found) == ("kernel", 8, 9)
        writer.write(b"678")
        assert writer.close() == WeightRef("kernel", "float32", (2,), hashlib.sha256(b"12345678").hexdigest(), 8)


def test_manifest_must_match_the_staging(store: DirectoryStore, tmp_path: Path) -> None:
    with store.stage() as staging:
        manifest = manifest_for("B", staging)
        with pytest.raises(InvalidManifestError, match="'shared' was begun before"):
            staging.begin_weight("shared", "uint8", (1,), 1)
        with pytest.raises(InvalidManifestError, match="'b/kernel' is not the same"):
            staging.commit(Manifest(manifest.id, "{}", manifest.weights[:1], None, ""), "har")
        staging.begin_weight("open", "uint8", (1,), 1)
        with pytest.raises(InvalidManifestError, match="'open' was begun and not closed"):
            staging.commit(manifest, "har")
    with pytest.raises(InvalidManifestError, match="twice"):
        Manifest(manifest.id, "{}", manifest.weights[:1] * 2, None, "")
    with pytest.raises(InvalidManifestError, match="not a content id"):
        Manifest("../../etc/passwd", "{}", (), None, "")
    register(store, "C", "har")
    with pytest.raises(InvalidManifestError, match="stored with other content"), store.stage() as staging:
        staging.commit(Manifest(id_of("C"), "other", (), 7, ""), "har")
    assert garbage(tmp_path, {"har": "C"}) == set()


@pytest.mark.parametrize("key", ["unknown", id_of("unknown")])
def test_unknown_stack(store: DirectoryStore, key: str) -> None:
    for ask in (store.get, store.stat):
        with pytest.raises(StackNotFoundError, match="never registered here, or has been unregistered") as caught:
            ask(key)
        assert caught.value.key == key
    with pytest.raises(StackNotFoundError):
        store.delete("unknown")


BAD_NAMES = ["", ".", "..", "../x", "a/b", "/etc/passwd", "-a", ".tmp-1", "~a", "a b", "a\n", "a\0", "a%2e", "x" * 129]


@pytest.mark.parametrize("name", [*BAD_NAMES, "\udc80", id_of("A")])
def test_hostile_names(store: DirectoryStore, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError):
        register(store, "C", name)
    with pytest.raises(InvalidNameError):
        store.delete(name)
    if name != id_of("A"):
        with pytest.raises(InvalidNameError):
            store.get(name)
    assert garbage(tmp_path, {}) == set()


@pytest.mark.parametrize("name", ["a", "_", "ResNet-50.v1", "слой", "ß" * 33, "ß" * 34, "層" * 128, "𠮷" * 128])
def test_unicode_names(store: DirectoryStore, name: str, tmp_path: Path) -> None:
    register(store, "A", name)
    assert read_all(DirectoryStore(tmp_path)) == {name: "A"}
    assert all(len(os.fsencode(path.name)) <= 255 and path.name.isascii() for path in tmp_path.rglob("*"))
    store.delete(name)
    assert read_all(store) == {}


def test_pages_are_ordered_and_survive_changes(store: DirectoryStore) -> None:
    names = sorted(["b", "d", "f", "h", "я", "Z", "層" * 100])
    for name in names:
        register(store, "C", name)
    assert [entry.name for entry in store.list(100)[0]] == names
    page, token = store.list(3)
    assert [entry.name for entry in page] == names[:3]
    store.delete(names[2])
    register(store, "C", "a")
    register(store, "C", "e")
    page, token = store.list(2, token)
    assert [entry.name for entry in page] == ["e", "f"]
    page, token = store.list(3, token)
    assert [entry.name for entry in page] == names[4:]
    assert token == ""


@pytest.mark.parametrize(("size", "token"), [(0, ""), (-1, ""), (5, "*"), (5, "/w=="), (5, "ä")])
def test_bad_pages(store: DirectoryStore, size: int, token: str) -> None:
    with pytest.raises(InvalidPageError):
        store.list(size, token)


def test_recovery_spares_the_living_and_the_foreign(store: DirectoryStore, tmp_path: Path) -> None:
    foreign = [tmp_path / "weights/.nfs01", tmp_path / "names/.nfs02", tmp_path / "stacks/lost+found"]
    for path in foreign:
        path.touch()
    with store.stage() as staging:
        manifest = manifest_for("A", staging)
        (tmp_path / "staging/dead").mkdir()
        (tmp_path / "staging/dead/weight-0").touch()
        (tmp_path / "names/.tmp-1").touch()
        recovered = DirectoryStore(tmp_path).recover()
        assert (recovered.abandoned, recovered.temporary) == (1, 1)
        staging.commit(manifest, "har")
    assert read_all(store) == {"har": "A"}
    assert all(path.exists() for path in foreign)


def test_replaced_between_get_and_open(store: DirectoryStore) -> None:
    register(store, "A", "har")
    manifest = store.get("har")
    register(store, "B", "har", replace=True)
    with pytest.raises(StackNotFoundError, match="unregistered or replaced since"):
        store.open_weight(manifest, manifest.weights[1])


def test_the_id_of_a_name_is_what_it_leads_to_now(store: DirectoryStore) -> None:
    assert store.id_of("har") is None and store.id_of(id_of("A")) is None
    for content in "ABAC":
        register(store, content, "har", replace=True)
        assert store.id_of("har") == store.id_of(id_of(content)) == id_of(content)
    store.delete("har")
    assert store.id_of("har") is None and store.id_of(id_of("C")) is None
    with pytest.raises(InvalidNameError):
        store.id_of("../har")


@pytest.mark.parametrize(("ask", "room"), [("get", "names"), ("stat", "names"), ("stat", "stacks")])
def test_replaced_while_it_is_read(ask: str, room: str, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the new stack, not damage: in `room` the old one was found, and then it was removed."""
    register(store, "A", "har")
    read, replacements = Path.read_bytes, ["B"]

    def read_and_replace(path: Path) -> bytes:
        data = read(path)
        if path.parent.name == room and replacements:
            register(store, replacements.pop(), "har", replace=True)
        return data

    monkeypatch.setattr(Path, "read_bytes", read_and_replace)
    answer = getattr(store, ask)("har")
    assert not replacements
    assert answer.id == id_of("B")
    assert ask == "get" or (answer.error is None and answer.manifest == store.get("har"))


def test_waiting_for_the_lock_ends(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, lock_timeout=0.05)
    register(store, "A", "har")
    with (tmp_path / "lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailableError, match=r"another process has held it for 0.05 s"):
            store.delete("har")
        assert read_all(store) == {"har": "A"}
    store.delete("har")


def test_the_systems_refusal_to_write(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "A", "har")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        with pytest.raises(StoreUnavailableError) as caught:
            register(store, "B", "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value) == "writing weight 'b/kernel' to the staging area failed: File too large"
    assert caught.value.errno == errno.EFBIG
    assert read_all(store) == {"har": "A"}
    assert garbage(tmp_path, {"har": "A"}) == set()


def test_read_only_store_still_reads(store: DirectoryStore, tmp_path: Path) -> None:
    register(store, "A", "har")

    def refuse(operation: str, function: object, arguments: tuple[object, ...]) -> None:
        if operation != "open" or int(str(arguments[1])) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))

    changes: list[Callable[[], object]] = [
        lambda: register(store, "B", "har", replace=True),
        lambda: store.delete("har"),
        lambda: DirectoryStore(tmp_path).recover(),
    ]
    with interrupted(1, refuse, 10_000):
        assert read_all(DirectoryStore(tmp_path)) == {"har": "A"}
        for change in changes:
            with pytest.raises(StoreUnavailableError, match=r"failed: Read-only file system$"):
                change()
    assert read_all(store) == {"har": "A"}
