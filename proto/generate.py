"""Generate `client/lamina/v1` from `proto/lamina/v1`, or with `--check` say what is out of date there.

Run it by `make generate` and `make check-generated`, which give it the environment that `deploy/locks/generate.txt`
names. grpcio-tools is old on purpose: generated code refuses a protobuf older than its generator, and this one's output
imports on every protobuf that pyproject.toml admits.

A proto file's path is the Python package's path, so the imports in the output are right as they are.
"""

import argparse
import filecmp
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
CLIENT = PROTO.parent / "client"
PACKAGE = Path("lamina/v1")
SERVICES = ("service.proto",)  # only these have stubs
MARKER = '"""The messages and stubs of lamina.v1: generated from proto/lamina/v1 by `make generate`, never edited."""\n'


def run_protoc(*arguments: str) -> None:
    """Run the bundled protoc; raises SystemExit where it fails, having printed why."""
    plugin = Path(sys.executable).parent / "protoc-gen-mypy_grpc"
    well_known = resources.files("grpc_tools") / "_proto"
    flags = [f"-I{PROTO}", f"-I{well_known}", f"--plugin=protoc-gen-mypy_grpc={plugin}", *arguments]
    if status := protoc.main(["protoc", *flags]):
        raise SystemExit(status)


def generate(root: Path) -> None:
    """Write the whole package below `root`: modules, their types, the stubs and the stubs' types."""
    sources = sorted(path.relative_to(PROTO).as_posix() for path in (PROTO / PACKAGE).glob("*.proto"))
    services = [source for source in sources if Path(source).name in SERVICES]
    run_protoc(f"--python_out={root}", f"--pyi_out={root}", *sources)
    run_protoc(f"--grpc_python_out={root}", f"--mypy_grpc_out=quiet:{root}", *services)
    (root / PACKAGE / "__init__.py").write_text(MARKER, encoding="utf-8")


def files(folder: Path) -> set[str]:
    """Return the names of the files in `folder`; none where it does not exist."""
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def differences(fresh: Path, committed: Path) -> list[str]:
    """Say how `committed` differs from `fresh`, a line a file."""
    new, old = files(fresh), files(committed)
    _, changed, unreadable = filecmp.cmpfiles(fresh, committed, sorted(new & old), shallow=False)
    return [
        *(f"missing  {name}" for name in sorted(new - old)),
        *(f"stale    {name}" for name in [*changed, *unreadable]),
        *(f"orphaned {name}" for name in sorted(old - new)),
    ]


def replace(fresh: Path, committed: Path) -> None:
    """Make `committed` hold the files of `fresh` and no others; a file that is as it should be is left alone."""
    committed.mkdir(parents=True, exist_ok=True)
    for name in files(committed) - files(fresh):
        (committed / name).unlink()
    for name in files(fresh):
        content = (fresh / name).read_bytes()
        if not (committed / name).is_file() or (committed / name).read_bytes() != content:
            (committed / name).write_bytes(content)


def main(arguments: Sequence[str]) -> int:
    """Generate, or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the committed code is stale")
    check = parser.parse_args(arguments).check
    committed = CLIENT / PACKAGE
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = Path(folder) / PACKAGE
        found = differences(fresh, committed)
        if not check:
            replace(fresh, committed)
    for line in found:
        print(f"{committed.relative_to(PROTO.parent)}: {line}")
    if check and found:
        print("The generated code is not what proto/lamina/v1 says. Run `make generate` and commit the result.")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
