"""The house rules that no linter holds: which way the arrows run, who may use which library, what must lie where.

Imports are read from the source with `ast`, wherever they stand, inside a function too. Those under TYPE_CHECKING are
held to the rules for libraries, but make no arrow: nothing runs because of them.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import ROOT, require_program

# The rooms of the server, lowest first. A room uses those on lower levels, never its own level's or a higher one's.
LEVELS = (
    ("errors", "config", "words", "lru"),
    ("dims", "ports", "allocator", "lifetime", "store"),
    ("formula", "limits"),
    ("layers",),
    ("stack",),
    ("wiring", "receptive", "nesting"),
    ("records", "origins"),
    ("binding", "checks", "inputs", "totals"),
    ("budget",),
    ("trace",),
    ("explain", "elsewhere", "repair", "notes", "compare", "solve", "export", "weights", "widen"),
    ("runtime", "wire"),
    ("services",),
    ("server",),
    ("__main__", "generate_sdk"),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
# Rooms that not everyone above may use.
ONLY_FOR = {"wire": {"services"}}

# Who may import what is neither Python's own nor numpy.
GRPC = {"services", "server", "__main__"}
PROTOBUF = {"wire", "services"}
SERVER_LIBRARIES = {
    "google.protobuf": PROTOBUF,
    "google.rpc": PROTOBUF,
    "grpc": GRPC,
    "grpc_health": GRPC,
    "grpc_reflection": GRPC,
    "grpc_status": GRPC,
    "lamina.v1": PROTOBUF,
    "ml_dtypes": {"layers", "runtime"},
    "onnx": {"layers", "export", "widen"},
    "onnxruntime": {"runtime"},
    "prometheus_client": {"services"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "pydantic_settings": {"config"},
    "rfc8785": {"wire"},
}
# The core of the client is what `pip install lamina` brings; all else stays in the room of its extra.
EVERYWHERE = None
CLIENT_LIBRARIES = {
    "click": {"cli"},
    "google.protobuf": EVERYWHERE,
    "google.rpc": EVERYWHERE,
    "grpc": EVERYWHERE,
    "grpc_status": EVERYWHERE,
    "keras": {"importers"},
    "ml_dtypes": {"tensors"},
    "onnx": {"importers"},
    "rich": {"cli", "render"},
    "torch": {"importers"},
    "typer": {"cli"},
    "yaml": {"documents"},
}

GENERATED = ("client/lamina/v1/", "client/lamina/layers.py")
TOP = {
    "pyproject.toml",
    "README.md",
    "Makefile",
    "CHANGELOG.md",
    "LICENSE",
    "proto",
    "client",
    "server",
    "tests",
    "deploy",
}
FILE_LINES, FUNCTION_LINES = 400, 60


class Import(NamedTuple):
    """One import: where it stands and the dotted name it asks for."""

    module: str
    line: int
    target: str
    types_only: bool

    @property
    def room(self) -> str:
        """The room that imports."""
        return room_of(self.module)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def room_of(module: str) -> str:
    """Return the part after the package: "layers" for lamina_server.layers.core.basics, "" for a package itself."""
    return module.split(".")[1] if "." in module else ""


def within(name: str, package: str) -> bool:
    """Whether `name` is `package` or lies in it."""
    return name == package or name.startswith(f"{package}.")


@cache
def modules(source_root: str, package: str) -> dict[str, Path]:
    """Return the dotted name -> file of each module of `package`, the generated protobuf code left out."""
    root = ROOT / source_root
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        if not within(name, "lamina.v1"):
            found[name] = path
    return found


SERVER = modules("server", "lamina_server")
CLIENT = modules("client", "lamina")


def targets(node: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Yield the dotted names that an import statement asks for, relative ones made absolute."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = module.split(".") if is_package else module.split(".")[:-1]
        above = parents[: len(parents) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def types_only(tree: ast.AST) -> set[ast.AST]:
    """Return the nodes of `tree` that stand under `if TYPE_CHECKING:`."""
    blocks = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    ]
    return {node for block in blocks for statement in block.body for node in ast.walk(statement)}


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """Yield the imports of one module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    quiet = types_only(tree)
    for node in ast.walk(tree):
        for target in targets(node, module, path.name == "__init__.py"):
            yield Import(module, getattr(node, "lineno", 0), target, node in quiet)


@cache
def imports(package: str) -> tuple[Import, ...]:
    """Return every import of the server's or the client's modules."""
    known = SERVER if package == "lamina_server" else CLIENT
    return tuple(found for module, path in known.items() for found in imports_of(module, path))


def foreign(package: str) -> Iterator[Import]:
    """Yield the imports of what is neither the package, nor Python's own, nor numpy."""
    free = {package, "numpy", "__future__", *sys.stdlib_module_names}
    for found in imports(package):
        if found.target.split(".")[0] not in free or within(found.target, "lamina.v1"):
            yield found


def misuses(package: str, libraries: Mapping[str, set[str] | None]) -> list[str]:
    """Say which imports of libraries stand in a room that may not use them."""
    wrong = []
    for found in foreign(package):
        owner = next((library for library in libraries if within(found.target, library)), None)
        if owner is None:
            wrong.append(f"{found}: not in the list of libraries of tests/test_house.py")
        elif (rooms := libraries[owner]) is not EVERYWHERE and found.room not in rooms:
            wrong.append(f"{found}: {owner} is for {', '.join(sorted(rooms))}")
    return wrong


def test_server_arrows_run_one_way() -> None:
    wrong = []
    for found in imports("lamina_server"):
        room = room_of(found.target)
        if found.types_only or not within(found.target, "lamina_server") or room == found.room:
            continue
        if room not in LEVEL or found.room not in LEVEL:
            continue  # a package itself, or a room that the next test asks to be placed
        if LEVEL[room] >= LEVEL[found.room] or found.room not in ONLY_FOR.get(room, {found.room}):
            wrong.append(f"{found}: {found.room} may not use {room}")
    assert not wrong, "\n".join(wrong)


def test_every_server_room_has_its_level() -> None:
    unplaced = {room_of(module) for module in SERVER} - {""} - set(LEVEL)
    assert not unplaced, f"give {', '.join(sorted(unplaced))} a level in LEVELS of tests/test_house.py"


def test_server_rooms_use_their_own_libraries() -> None:
    wrong = misuses("lamina_server", SERVER_LIBRARIES)
    assert not wrong, "\n".join(wrong)


def test_client_rooms_use_their_own_libraries() -> None:
    wrong = misuses("lamina", {**CLIENT_LIBRARIES, "lamina.v1": EVERYWHERE})
    assert not wrong, "\n".join(wrong)


def test_examples_use_the_client_only() -> None:
    for path in (ROOT / "client" / "examples").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, path.stem, is_package=False):
                assert not within(target, "lamina_server"), f"{path.name}: {target}"


@pytest.mark.parametrize("package", ["lamina_server", "lamina"])
def test_no_cycles(package: str) -> None:
    known = SERVER if package == "lamina_server" else CLIENT
    graph: dict[str, set[str]] = {module: set() for module in known}
    for found in imports(package):
        # `from a.b import c`: the module a.b.c if there is one, else a name in a.b.
        target = found.target if found.target in known else found.target.rpartition(".")[0]
        if target in known and target != found.module and not found.types_only:
            graph[found.module].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]), pytrace=False)


@cache
def tracked() -> tuple[str, ...]:
    """Return the files of the repository: committed, or new and not ignored."""
    git = require_program("git", "install git, and run the tests in a clone")
    command = [str(git), "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(name for name in sorted(set(listed)) if name and (ROOT / name).is_file())


def test_top_level_holds_what_the_design_names() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_every_folder_has_a_readme() -> None:
    inside: dict[str, set[str]] = {}
    for name in tracked():
        if not name.startswith((".", *GENERATED)):
            parts = name.split("/")
            for depth in range(len(parts)):
                inside.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    # A folder that only leads to another one (proto/lamina) holds nothing to explain.
    rooms = {
        folder: names for folder, names in inside.items() if len(names) > 1 or not (ROOT / folder / min(names)).is_dir()
    }
    lacking = [folder or "." for folder, names in sorted(rooms.items()) if "README.md" not in names]
    assert not lacking, f"no README.md in {', '.join(lacking)}"


def written_python() -> Iterator[tuple[str, str]]:
    """Yield name and text of each Python file that people write."""
    for name in tracked():
        if name.endswith(".py") and not name.startswith(GENERATED):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def test_files_stay_short() -> None:
    lengths = {name: len(text.splitlines()) for name, text in written_python()}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_functions_stay_short() -> None:
    long = []
    for name, text in written_python():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{name}:{node.lineno} {node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_packages_ship_their_types() -> None:
    assert {"client/lamina/py.typed", "server/lamina_server/py.typed"} <= set(tracked())
