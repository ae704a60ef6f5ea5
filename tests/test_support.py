"""The mechanism by which a test says what it needs: skipped for a developer, failed in CI, said in the summary."""

import json
from types import SimpleNamespace

import pytest

from tests.support import ROOT, missing, require, require_path, require_program, unmet


@pytest.fixture
def developer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def test_what_is_here_is_returned() -> None:
    assert require("json") is json
    assert require_program("python").exists()
    assert require_path(ROOT / "Makefile", "") == ROOT / "Makefile"


@pytest.mark.usefixtures("developer")
def test_a_developer_sees_a_skip_that_names_the_need() -> None:
    with pytest.raises(pytest.skip.Exception, match="needs the module no_such_module"):
        require("no_such_module.inner")
    with pytest.raises(pytest.skip.Exception, match="needs the program no-such-program: ask"):
        require_program("no-such-program", "ask for it")
    with pytest.raises(pytest.skip.Exception, match=r"needs .*no-such-file"):
        require_path(ROOT / "no-such-file", "make it")


def test_ci_sees_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs a GPU: buy one"):
        missing("a GPU", "buy one")


@pytest.mark.usefixtures("developer")
def test_a_broken_module_is_no_missing_one(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "lamina_broken_module.py").write_text("import no_such_dependency\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("lamina_broken_module")


def test_the_summary_counts_needs_and_leaves_other_skips_out() -> None:
    reasons = ["Skipped: needs torch: install it", "Skipped: needs torch: install it", "Skipped: not on this platform"]
    reports = [SimpleNamespace(longrepr=("test_x.py", 1, reason)) for reason in reasons]
    assert unmet(reports) == {"needs torch: install it": 2}
