"""What a test needs from outside: found, or else said so. A developer sees a loud skip, CI (`CI` set) a failure."""

import importlib
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

NEED = "needs "  # how each reason starts: conftest.py finds them by it
ROOT = Path(__file__).resolve().parents[1]


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the running test, or module, because `what` is not here; in CI fail it. `remedy` says how to get it."""
    reason = f"{NEED}{what}: {remedy}"
    if os.environ.get("CI", "") in ("", "0", "false"):
        pytest.skip(reason, allow_module_level=True)
    pytest.fail(reason, pytrace=False)


def require(name: str) -> ModuleType:
    """Import the module `name` and return it; one that is installed but broken raises what it raises."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        missing(f"the module {name}", "`make test` installs it")


def require_program(name: str, remedy: str = "install it, or put it on PATH") -> Path:
    """Return the path of the program `name`: the virtual environment's own, or the first on PATH."""
    own = Path(sys.prefix) / "bin"
    found = shutil.which(name, path=f"{own}{os.pathsep}{os.environ.get('PATH', '')}")
    return Path(found) if found else missing(f"the program {name}", remedy)


def require_path(path: Path, remedy: str) -> Path:
    """Return `path`, somewhere in the repository, if it is there."""
    return path if path.exists() else missing(str(path.relative_to(ROOT)), remedy)


def unmet(skipped: list[Any]) -> dict[str, int]:
    """Return need -> number of tests skipped for it, from pytest's reports of skipped tests."""
    needs: dict[str, int] = {}
    for report in skipped:
        _, _, reason = report.longrepr
        text = reason.removeprefix("Skipped: ")
        if text.startswith(NEED):
            needs[text] = needs.get(text, 0) + 1
    return needs
