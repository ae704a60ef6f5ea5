"""What is generated from the kinds: up to date, the same every time, and rewritten only where it is stale."""

import ast
import inspect
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

import lamina.activations
import lamina.layers
from lamina_server import generate_sdk
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.base import IN_NAME, Kind, Sdk
from lamina_server.layers.core.basics import Input
from tests.support import require_program

CONSTRUCTORS = [(kind, sdk) for kind in KINDS for sdk in kind.sdk]


def test_what_is_committed_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    require_program("ruff")
    assert generate_sdk.main(["--check"]) == 0, capsys.readouterr().err


def test_sources_are_the_same_every_time_and_legal() -> None:
    require_program("ruff")
    for source in (generate_sdk.layers_source, generate_sdk.activations_source):
        text = source()
        assert text == source()
        assert "do not edit" in (ast.get_docstring(ast.parse(text)) or "")
        assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(("kind", "sdk"), CONSTRUCTORS, ids=lambda value: getattr(value, "name", None))
def test_constructors_have_the_kinds_own_options(kind: type[Kind], sdk: Sdk) -> None:
    parameters = inspect.signature(getattr(lamina.layers, sdk.name)).parameters
    options = {item.name: item for item in fields(kind) if item.name not in IN_NAME}
    positional = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == sdk.arranged(options)
    inputs = ["inputs"] * (kind.inputs[1] != 0)
    common = ["name"] if kind is Input else ["name", *inputs, "expect", "weights", "weights_of"]
    assert [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY] == common
    for name, item in options.items():
        usual = generate_sdk.usual_value(item, sdk)
        required = item.default is MISSING and usual is None
        assert (parameters[name].default is inspect.Parameter.empty) == required
        if not required:
            assert parameters[name].default == usual


@pytest.mark.parametrize(("kind", "sdk"), CONSTRUCTORS, ids=lambda value: getattr(value, "name", None))
def test_constructors_are_documented(kind: type[Kind], sdk: Sdk) -> None:
    text = inspect.getdoc(getattr(lamina.layers, sdk.name)) or ""
    first = inspect.cleandoc(kind.__doc__ or "").splitlines()[0]
    assert text.startswith(sdk.doc or first) and first in text
    for item in fields(kind):
        if item.name not in IN_NAME:
            assert f"    {item.name}: {item.metadata['doc'][0].upper()}{item.metadata['doc'][1:]}." in text


def test_everything_is_exported() -> None:
    names = {sdk.name for _, sdk in CONSTRUCTORS}
    aliases = {sdk.alias for kind, sdk in CONSTRUCTORS if sdk.alias in kind.keras_names()}
    assert not names & aliases
    assert set(lamina.layers.__all__) == names | aliases
    assert {function.name for function in FUNCTIONS} < set(lamina.activations.__all__)


def test_pools_take_no_causal_padding() -> None:
    for name in ("MaxPooling1D", "AveragePooling1D"):
        assert "causal" not in str(inspect.signature(getattr(lamina.layers, name)).parameters["padding"])
    assert "causal" in str(inspect.signature(lamina.layers.Conv1D).parameters["padding"])


def test_the_catalogue_names_every_kind_and_option() -> None:
    text = generate_sdk.CATALOGUE.read_text(encoding="utf-8")
    assert generate_sdk.catalogue_source(text) == text
    for kind in KINDS:
        section = text.split(f"\n### {kind.__name__}\n")[1].split("\n## ")[0]
        for item in fields(kind):
            assert f"| `{item.name}` |" in section
        assert "Example: `" in section


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is generated, to be written to."""
    require_program("ruff")
    modules = [generate_sdk.CLIENT / name for name in ("layers.py", "activations.py", "cells.py")]
    for path in (*modules, generate_sdk.CATALOGUE):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(generate_sdk, "CLIENT", tmp_path)
    monkeypatch.setattr(generate_sdk, "CATALOGUE", tmp_path / "README.md")
    return tmp_path


def test_stale_files_are_named_and_left_alone_by_a_check(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "layers.py").write_text("stale", encoding="utf-8")
    (elsewhere / "activations.py").unlink()
    assert generate_sdk.main(["--check"]) == 1
    assert capsys.readouterr().err == "stale: layers.py, activations.py; run `make generate`\n"
    assert (elsewhere / "layers.py").read_text(encoding="utf-8") == "stale"


def test_stale_files_are_written_anew_and_the_others_are_not(elsewhere: Path) -> None:
    wanted = (elsewhere / "layers.py").read_text(encoding="utf-8")
    (elsewhere / "layers.py").write_text("stale", encoding="utf-8")
    before = (elsewhere / "activations.py").stat()
    assert generate_sdk.main([]) == 0
    assert (elsewhere / "layers.py").read_text(encoding="utf-8") == wanted
    assert (elsewhere / "activations.py").stat().st_mtime_ns == before.st_mtime_ns
    assert generate_sdk.main(["--check"]) == 0
