"""A store that is killed, refused by the disk, cut from power or used by many at once keeps whole stacks only."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lamina_server import store as store_package
from lamina_server.store import DirectoryStore, NameTakenError, Registered, StoreUnavailableError
from tests.server import store_killer
from tests.server.store_killer import State, Step, after, apply, garbage, interrupted, read_all, register

LONG_NAME = "ё" * 100
# Steps before, then the step that is cut off at each of its file operations. A third element "cut" leaves garbage:
# that step is killed late.
SCENARIOS: dict[str, tuple[list[Step], Step]] = {
    "first": ([], ("register", "har", "A")),
    "replace": ([("register", "har", "A"), ("register", "other", "C")], ("replace", "har", "B")),
    "replace shared": ([("register", "har", "A"), ("register", "other", "A")], ("replace", "har", "B")),
    "second name": ([("register", "har", "A")], ("register", LONG_NAME, "A")),
    "again": ([("register", "har", "A")], ("register", "har", "A")),
    "delete last": ([("register", "har", "A"), ("register", "other", "B")], ("delete", "har", "")),
    "delete one of two": ([("register", "har", "A"), ("register", "other", "A")], ("delete", "har", "")),
}
FEWEST_OPERATIONS = 4


def child_environment() -> dict[str, str]:
    server = str(Path(store_package.__file__).parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join([server, *filter(None, sys.path)])}


def start_killer(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    # -S: without the virtual environment's start-up hooks, and so in a third of the time.
    command = [sys.executable, "-S", store_killer.__file__, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment(), **options)


KillAt = Callable[[Path, Step, int], bool]


@pytest.fixture(scope="module")
def kill_at() -> Iterator[KillAt]:
    """Runs a step on a store in a process that dies before its n-th operation; False where it was through before."""
    with start_killer("zygote", stdin=subprocess.PIPE) as zygote:

        def run(root: Path, step: Step, at: int) -> bool:
            assert zygote.stdin is not None and zygote.stdout is not None
            zygote.stdin.write(json.dumps({"root": str(root), "step": step, "kill_at": at}) + "\n")
            zygote.stdin.flush()
            outcome = int(zygote.stdout.readline())
            assert outcome in (0, 9), "the step failed on its own; see stderr"
            return outcome == 9

        yield run


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process leaves does not depend on the disk."""
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if os.access(shared_memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def prepare(root: Path, steps: list[Step]) -> State:
    store, state = DirectoryStore(root), State()
    for step in steps:
        apply(store, step)
        state = after(state, step)
    assert read_all(store) == state
    return state


def assert_whole(root: Path, allowed: list[State]) -> State:
    """The set is one of `allowed` to a running replica already, and without garbage once recovered."""
    store = DirectoryStore(root)
    state = read_all(store)
    assert state in allowed
    store.recover()
    assert read_all(store) == state
    assert garbage(root, state) == set()
    return state


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_every_operation(scenario: str, memory_path: Path, kill_at: KillAt) -> None:
    steps, step = SCENARIOS[scenario]
    old = prepare(memory_path / "before", steps)
    new = after(old, step)
    seen = []
    for at in range(1, 1000):
        root = memory_path / "killed"
        shutil.copytree(memory_path / "before", root)
        killed = kill_at(root, step, at)
        seen.append(assert_whole(root, [old, new] if killed else [new]))
        if not killed:
            break
        apply(DirectoryStore(root), step)  # the caller tries again
        assert assert_whole(root, [new]) == new
        shutil.rmtree(root)
    assert len(seen) > FEWEST_OPERATIONS
    turn = seen.index(new)
    assert all(state == old for state in seen[:turn]) and all(state == new for state in seen[turn:])


def test_recovery_killed_at_every_operation(memory_path: Path, kill_at: KillAt) -> None:
    before = memory_path / "before"
    old = prepare(before, [("register", "har", "A")])
    for at in (9, 20):  # dies while weights are staged
        assert kill_at(before, ("replace", "har", "B"), at)
    replaced, at = False, 21
    while not replaced:  # dies with the old stack replaced and not yet removed
        assert kill_at(before, ("replace", "har", "B"), at)
        replaced, at = read_all(DirectoryStore(before)) != old, at + 1
    new = {"har": "B"}
    assert len(garbage(before, new)) > FEWEST_OPERATIONS
    for at in range(1, 1000):
        root = memory_path / "killed"
        shutil.copytree(before, root)
        killed = kill_at(root, ("recover", "", ""), at)
        assert_whole(root, [new])
        shutil.rmtree(root)
        if not killed:
            break
    assert at > FEWEST_OPERATIONS


def test_killed_at_random_moments(tmp_path: Path) -> None:
    chance, state, cut_off = random.Random(), State(), 0
    for kill in range(64):
        with start_killer("loop", tmp_path, kill) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.04))
            process.kill()
            lines = process.stdout.read().splitlines()
        allowed = [state]
        for word, step in (line.split(" ", 1) for line in lines):
            changed = after(allowed[0], tuple(json.loads(step)))
            allowed = [changed] if word == "done" else [allowed[0], changed]
        cut_off += len(lines) % 2
        state = assert_whole(tmp_path, allowed)
    assert cut_off > 16, "most kills should fall into a change"


def error_of(store: DirectoryStore, step: Step) -> StoreUnavailableError | None:
    try:
        apply(store, step)
    except StoreUnavailableError as error:
        return error
    return None


def failure(number: int) -> store_killer.Interrupt:
    def fail(operation: str, function: object, arguments: tuple[object, ...]) -> None:
        raise OSError(number, os.strerror(number), str(arguments[0]))

    return fail


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_disk_fails_at_every_operation(scenario: str, lasting: bool, memory_path: Path) -> None:
    steps, step = SCENARIOS[scenario]
    old = prepare(memory_path / "before", steps)
    new = after(old, step)
    for at in range(1, 1000):
        root = memory_path / "failing"
        shutil.copytree(memory_path / "before", root)
        store = DirectoryStore(root)
        with interrupted(at, failure(errno.ENOSPC), 10_000 if lasting else None) as operations:
            error = error_of(store, step)
        if error is not None:
            assert error.errno == errno.ENOSPC
            assert str(error).endswith("failed: No space left on device")
            assert str(memory_path) not in str(error)
        assert_whole(root, [old, new] if error else [new])
        apply(store, step)
        assert_whole(root, [new])
        shutil.rmtree(root)
        if len(operations) < at:
            break
    assert at > FEWEST_OPERATIONS


def test_failed_registration_frees_the_disk(tmp_path: Path) -> None:
    """Weights already in place go at once, not at the next start, when the manifest cannot be written."""
    old = prepare(tmp_path, [("register", "har", "A")])
    store = DirectoryStore(tmp_path)
    with store.stage() as staging:
        manifest = store_killer.manifest_for("B", staging)

        def refuse_writes(operation: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
            if operation == "write":
                assert "replace" in operations
                failure(errno.ENOSPC)(operation, function, arguments)

        with (
            interrupted(1, refuse_writes, 10_000) as operations,
            pytest.raises(StoreUnavailableError, match="registering 'new' failed: No space left on device"),
        ):
            staging.commit(manifest, "new")
    assert read_all(store) == old
    assert garbage(tmp_path, old) == set()


class Journal:
    """Records what a power cut could undo, and checks each step against what must be durable by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: dict[int, Path] = {}
        self.pending: dict[Path, str] = {}  # entries changed since the last fsync of their directory, and how
        self.unsynced: set[Path] = set()  # files with bytes since their last fsync
        self.moves: list[str] = []
        for operation in ("open", "write", "fsync", "mkdir", "replace", "unlink"):
            monkeypatch.setattr(os, operation, self._wrap(getattr(os, operation), getattr(self, operation)))

    def _wrap(self, original: Callable[..., Any], record: Callable[..., None]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = original(*arguments)
            record(result, *arguments)
            return result

        return call

    def open(self, descriptor: int, path: Path, *_: object) -> None:
        self.paths[descriptor] = Path(path)

    def write(self, count: int, descriptor: int, _: object) -> None:
        self.unsynced.add(self.paths[descriptor])

    def fsync(self, _: None, descriptor: int) -> None:
        self.unsynced.discard(self.paths[descriptor])
        self.pending = {path: move for path, move in self.pending.items() if path.parent != self.paths[descriptor]}

    def mkdir(self, _: None, path: Path) -> None:
        self.pending[path] = f"into {self.room(path)}"

    def replace(self, _: None, source: Path, target: Path) -> None:
        assert source not in self.unsynced, f"{source.name} moved before its bytes were durable"
        earlier = {"stacks": {"into weights"}, "names": {"into weights", "into stacks"}}
        self.change(target, "into", earlier)

    def unlink(self, _: None, path: Path) -> None:
        if path.name.startswith(".tmp-"):
            return  # leads to nothing: it may come back
        names = {"into names", "out of names"}
        self.change(path, "out of", {"stacks": names, "weights": names | {"out of stacks"}})

    def change(self, path: Path, direction: str, earlier: dict[str, set[str]]) -> None:
        room = self.room(path)
        late = set(self.pending.values()) & earlier.get(room, set())
        assert not late, f"{direction} {room} before {late} was durable"
        self.pending[path] = f"{direction} {room}"
        self.moves.append(self.pending[path])

    @staticmethod
    def room(path: Path) -> str:
        return next((part for part in reversed(path.parts) if part in {"weights", "stacks", "names", "staging"}), "")


def test_power_cut_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes before the rename; weights before manifest before pointer; pointer before manifest before weights."""
    store = DirectoryStore(tmp_path)
    journal = Journal(monkeypatch)
    register(store, "A", "har")
    register(store, "B", "har", replace=True)
    store.delete("har")
    moves = [move for move in journal.moves if "staging" not in move]
    created = ["into weights"] * 4 + ["into stacks", "into names"]  # A has 4 weights, two of them equal
    replaced = ["into weights", "into stacks", "into names", "out of stacks"] + ["out of weights"] * 2
    deleted = ["out of names", "out of stacks"] + ["out of weights"] * 2
    assert moves == created + replaced + deleted


class Death(BaseException):
    """Ends a step in this process, so that the journal goes on."""


def die(operation: str, function: object, arguments: tuple[object, ...]) -> None:
    raise Death


def register_in_vain(store: DirectoryStore) -> None:
    """Fails at its first write, and removes unused files then."""

    def refuse_writes(operation: str, function: object, arguments: tuple[object, ...]) -> None:
        if operation == "write":
            failure(errno.ENOSPC)("write", bool, arguments)

    with interrupted(1, refuse_writes, 10_000), pytest.raises(StoreUnavailableError):
        register(store, "C", "new")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_power_cut_after_a_kill(scenario: str, memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes on after a process that died makes durable first what that one had not."""
    steps, step = SCENARIOS[scenario]
    journal = Journal(monkeypatch)
    go_on: list[Callable[[DirectoryStore], object]] = [DirectoryStore.recover, register_in_vain, bool]
    for at in range(1, 1000):
        root = memory_path / str(at)
        prepare(root, steps)
        journal.pending.clear()
        try:
            with interrupted(at, die, 10_000):
                apply(DirectoryStore(root), step)
            break
        except Death:
            go_on[at % len(go_on)](DirectoryStore(root))
            apply(DirectoryStore(root), step)
            assert step[0] == "delete" or "into names" not in journal.pending.values()
            DirectoryStore(root).recover()
            assert not {"into names", "out of names"} & set(journal.pending.values())
    assert at > FEWEST_OPERATIONS


def test_processes_change_the_same_names(tmp_path: Path) -> None:
    processes = [start_killer("storm", tmp_path, seed, 40, stderr=subprocess.PIPE) for seed in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert_whole(tmp_path, [read_all(DirectoryStore(tmp_path))])


def test_threads_race_for_one_name(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)

    def try_to_register(content: str) -> Registered | str:
        try:
            return register(store, content, "har")
        except NameTakenError as error:
            return error.existing_id

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(try_to_register, "ABAB" * 4))
    created = [outcome for outcome in outcomes if isinstance(outcome, Registered) and outcome.created]
    assert len(created) == 1
    ids = {outcome if isinstance(outcome, str) else outcome.id for outcome in outcomes}
    assert ids == {created[0].id}
    assert_whole(tmp_path, [{"har": "A"}, {"har": "B"}])
