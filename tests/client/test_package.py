"""`import lamina`: fast, complete, and without the server."""

import subprocess
import sys
from importlib import import_module

import pytest

import lamina as lm

NAMES: list[str] = import_module("lamina").__all__


def run(code: str) -> str:
    """What Python prints, in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def loaded(code: str) -> set[str]:
    """Top-level packages and modules that code loads."""
    return set(run(f"import sys\n{code}\nprint(*sys.modules)").split())


def test_the_package_alone_loads_nothing_heavy() -> None:
    assert not loaded("import lamina") & {"grpc", "numpy", "google.protobuf", "lamina.layers", "typing_extensions"}


def test_building_a_stack_needs_no_transport_and_no_arrays() -> None:
    code = "import lamina as lm; lm.Stack([lm.Input((4,)), lm.Dense(2, activation='relu')]).to_json()"
    assert not loaded(code) & {"grpc", "numpy", "lamina.client"}


def test_errors_need_no_transport() -> None:
    assert not loaded("import lamina as lm; lm.LaminaError") & {"grpc", "numpy", "google.protobuf"}


def test_nothing_loads_the_server() -> None:
    code = "import lamina as lm; [getattr(lm, name) for name in lm.__all__]"
    assert not {name for name in loaded(code) if name.split(".")[0] in ("lamina_server", "onnx", "onnxruntime")}


def test_every_name_is_there() -> None:
    names = run("from lamina import *; print(*sorted(globals()))").split()
    assert set(NAMES) <= set(names)
    assert {"Client", "AsyncClient", "LocalServer", "Stack", "Conv1D", "LSTM", "LayerShapeError", "Dim"} <= set(NAMES)
    assert set(dir(lm)) >= set(NAMES)


@pytest.mark.parametrize(
    ("name", "near"), [("Conv1d", "Conv1D"), ("Clinet", "Client"), ("maxpooling1D", "MaxPooling1D")]
)
def test_a_misspelt_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'.*'{near}'"):
        getattr(lm, name)


def test_a_name_unlike_any_other() -> None:
    with pytest.raises(AttributeError, match=r"^module 'lamina' has no attribute 'zzzzzz'$"):
        _ = lm.zzzzzz  # type: ignore[attr-defined]
    assert not hasattr(lm, "__wrapped__")


def test_names_are_loaded_once() -> None:
    assert lm.Conv1D is lm.Conv1D
    assert "Conv1D" in vars(lm)


def test_every_error_is_in_the_tree_and_has_a_code() -> None:
    kinds = [getattr(lm, name) for name in NAMES if name.endswith("Error")]
    assert len(kinds) == 16
    assert all(issubclass(kind, lm.LaminaError) for kind in kinds)
    for kind in kinds:
        assert kind("why").code == kind.default_code == kind("why").reason
        assert str(kind("why")) == "why"
