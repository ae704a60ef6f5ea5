"""The generated code imports and works on the lowest and on the highest protobuf that pyproject.toml admits."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, require_path

# Imports all of lamina.v1, then sends a message of each file's through bytes and ProtoJSON. Warnings are errors here
# too: protobuf warns where generated code is about to become too old for it.
PROBE = """
import importlib, json, pathlib
import google.protobuf, grpc, lamina.v1
from google.protobuf import json_format
names = sorted(path.stem for path in pathlib.Path(lamina.v1.__path__[0]).glob("*_pb2*.py"))
messages = 0
for name in names:
    module = importlib.import_module("lamina.v1." + name)
    for kind in getattr(getattr(module, "DESCRIPTOR", None), "message_types_by_name", ()):
        message = getattr(module, kind)()
        assert type(message).FromString(message.SerializeToString()) == message
        assert json_format.Parse(json_format.MessageToJson(message), type(message)()) == message
        messages += 1
versions = {"protobuf": google.protobuf.__version__, "grpcio": grpc.__version__}
print(json.dumps({**versions, "modules": names, "messages": messages}))
"""


def probe(python: Path) -> dict[str, Any]:
    """Run the probe with another environment's Python and return what it found."""
    done = subprocess.run(
        [str(python), "-W", "error", "-c", PROBE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def declared(package: str) -> str:
    """Return what pyproject.toml's core dependencies say of a package: ">=6.31.1,<8" for protobuf."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies: list[str] = tomllib.loads(text)["project"]["dependencies"]
    return next(entry.removeprefix(package) for entry in dependencies if re.match(rf"{package}[<>=]", entry))


@pytest.mark.parametrize("package", ["protobuf", "grpcio"])
def test_lowest(package: str) -> None:
    python = require_path(ROOT / ".venv-lowest" / "bin" / "python", "`make lowest` makes it")
    found = probe(python)
    assert declared(package).split(",")[0] == f">={found[package]}"
    assert {"layers_pb2", "service_pb2", "service_pb2_grpc", "tensor_pb2", "trace_pb2"} <= set(found["modules"])
    assert found["messages"] > len(found["modules"])


def test_highest() -> None:
    found = probe(Path(sys.executable))
    major = int(found["protobuf"].split(".")[0])
    assert declared("protobuf").split(",")[1] == f"<{major + 1}"
    assert found["messages"] > len(found["modules"])
