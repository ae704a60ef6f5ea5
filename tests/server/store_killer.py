"""Stacks to store, ways to interrupt the storing, and a program that is killed while it stores.

`python store_killer.py loop ROOT SEED` changes a store until it is killed and tells each step before and after it;
`storm ROOT SEED ROUNDS` changes and reads it beside others; `zygote` reads JSON lines {root, step, kill_at} and runs
each step in a fork that dies before its kill_at-th file operation (in the middle of it, where it is a write).
"""

import hashlib
import itertools
import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from lamina_server.store import (
    DirectoryStore,
    Manifest,
    NameTakenError,
    Registered,
    StackNotFoundError,
    StackStore,
    Staging,
    WeightRef,
)

Step = tuple[str, str, str]  # operation, name, content
State = dict[str, str]  # name -> content

OPERATIONS = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir")
CHUNK = 16 << 10
# A and B share a weight and a digest under two names; C has no weights.
CONTENTS: dict[str, dict[str, bytes]] = {
    "A": {"shared": b"s" * 64, "a/kernel": bytes(range(256)) * 128, "twin": b"s" * 64, "empty": b""},
    "B": {"shared": b"s" * 64, "b/kernel": b"b" * 40_000},
    "C": {},
}


def manifest_for(content: str, staging: Staging | None = None) -> Manifest:
    """The content's manifest, its weights streamed into `staging` on the way."""
    refs = []
    for name, data in CONTENTS[content].items() if staging else ():
        assert staging is not None
        writer = staging.begin_weight(name, "uint8", (len(data),), len(data))
        for start in range(0, len(data), CHUNK):
            writer.write(data[start : start + CHUNK])
        refs.append(writer.close())
    spec = json.dumps({"layers": content})
    return Manifest(id_of(content), spec, tuple(refs), None if refs else 7, "2025-01-02T03:04:05Z")


def id_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def register(store: StackStore, content: str, name: str, replace: bool = False) -> Registered:
    with store.stage() as staging:
        return staging.commit(manifest_for(content, staging), name, replace)


def weight_file(root: Path, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()
    return root / "weights" / digest[:2] / digest


def register_bytes(store: StackStore, name: str, data: bytes) -> tuple[Manifest, WeightRef]:
    with store.stage() as staging:
        writer = staging.begin_weight("kernel", "float32", (len(data) // 4,), len(data))
        writer.write(memoryview(data))
        ref = writer.close()
        manifest = Manifest(hashlib.sha256(data).hexdigest(), "{}", (ref,), None, "2025-01-02T03:04:05Z")
        staging.commit(manifest, name)
    return manifest, ref


def apply(store: DirectoryStore, step: Step) -> None:
    operation, name, content = step
    if operation == "recover":
        store.recover()
    elif operation == "delete":
        with suppress(StackNotFoundError):
            store.delete(name)
    else:
        register(store, content, name, replace=operation == "replace")


def after(state: State, step: Step) -> State:
    """What `apply` makes of `state`, for steps that raise nothing."""
    operation, name, content = step
    if operation == "recover":
        return state
    others = {key: value for key, value in state.items() if key != name}
    return others if operation == "delete" else others | {name: content}


def content_of(store: StackStore, manifest: Manifest) -> str:
    """Which content this is, every byte compared."""
    content: str = json.loads(manifest.spec)["layers"]
    assert manifest.id == id_of(content)
    found = {ref.name: bytes(store.open_weight(manifest, ref)) for ref in manifest.weights}
    assert found == CONTENTS[content]
    return content


def read_all(store: StackStore) -> State:
    """Every listed name with its content; fails where one is damaged or does not resolve."""
    state, token = {}, ""
    while True:
        entries, token = store.list(2, token)
        for entry in entries:
            assert entry.error is None and entry.name is not None, entry
            state[entry.name] = content_of(store, store.get(entry.name))
        if not token:
            return state


def garbage(root: Path, state: State) -> set[str]:
    """Files below `root` that a store in this state has no use for, and those it lacks."""
    digests = {hashlib.sha256(data).hexdigest() for content in state.values() for data in CONTENTS[content].values()}
    wanted = {f"weights/{digest[:2]}/{digest}" for digest in digests}
    wanted |= {f"stacks/{id_of(content)}.json" for content in state.values()} | {"lock"}
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() or path.parent.name == "staging"}
    pointers = {path for path in found if path.startswith("names/") and not path.startswith("names/.tmp-")}
    assert len(pointers) == len(state), pointers
    return (found - pointers) ^ wanted


Interrupt = Callable[[str, Callable[..., Any], tuple[Any, ...]], None]


@contextmanager
def interrupted(first: int, interrupt: Interrupt, last: int | None = None) -> Iterator[list[str]]:
    """Call `interrupt(operation, function, arguments)` before the operations `first` to `last` (default: `first`).

    Yields the operations so far.
    """
    done: list[str] = []
    originals = {operation: getattr(os, operation) for operation in OPERATIONS}

    def wrap(operation: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            done.append(operation)
            if first <= len(done) <= (last or first):
                interrupt(operation, originals[operation], arguments)
            return originals[operation](*arguments, **options)

        return call

    for operation in OPERATIONS:
        setattr(os, operation, wrap(operation))
    try:
        yield done
    finally:
        for operation, original in originals.items():
            setattr(os, operation, original)


def kill_myself(operation: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Die as a process dies: at once, and a write half done."""
    if operation == "write":
        descriptor, data = arguments
        function(descriptor, data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def zygote() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run_killed(order["root"], tuple(order["step"]), order["kill_at"])
        _, status = os.waitpid(child, 0)
        print(json.dumps(-os.waitstatus_to_exitcode(status)), flush=True)


def run_killed(root: str, step: Step, kill_at: int) -> NoReturn:
    store = DirectoryStore(root)
    with interrupted(kill_at, kill_myself):
        apply(store, step)
    os._exit(0)


def loop(root: str, seed: int) -> NoReturn:
    store, chance = DirectoryStore(root), random.Random(seed)
    tell("ready")
    for turn in itertools.count(seed):
        content = "ABC"[turn % 3]
        name = f"name-{chance.randrange(4)}"
        step = chance.choice([("replace", "har", content), ("replace", name, content), ("delete", name, "")])
        tell(f"begin {json.dumps(step)}")
        apply(store, step)
        tell(f"done {json.dumps(step)}")
    raise AssertionError("unreachable")


def tell(line: str) -> None:
    """In one system call, which a kill cannot split; `print` makes several where Python runs unbuffered."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def storm(root: str, seed: int, rounds: int) -> None:
    store, chance = DirectoryStore(root), random.Random(seed)
    for _ in range(rounds):
        name, content = f"name-{chance.randrange(3)}", chance.choice("ABC")
        with suppress(NameTakenError, StackNotFoundError):
            apply(store, (chance.choice(["register", "replace", "replace", "delete", "recover"]), name, content))
        for key in (name, id_of(content)):
            with suppress(StackNotFoundError):
                content_of(store, store.get(key))
        entries, _ = store.list(10)
        assert all(entry.error is None for entry in entries), entries


if __name__ == "__main__":
    if sys.argv[1] == "zygote":
        zygote()
    elif sys.argv[1] == "loop":
        loop(sys.argv[2], int(sys.argv[3]))
    else:
        storm(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
