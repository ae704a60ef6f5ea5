"""The Dockerfile passes the linter and keeps what the images promise; the server's own settings are the reference."""

import importlib.util
import json
import subprocess
import tomllib
from fnmatch import fnmatch
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.dockerfile import Dockerfile
from tests.deploy.manifests import DEPLOY, ROOT, container_of, of_kind, pod_of, render, settings_in
from tests.support import require_program

TARGETS = ("cpu", "gpu")
TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    return Dockerfile.parse(TEXT)


@pytest.fixture(scope="module")
def extras() -> dict[str, list[str]]:
    """Requirements by extra; those without one are \"core\"."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared: dict[str, list[str]] = project["optional-dependencies"]
    return declared | {"core": project["dependencies"]}


def _lint(text: str) -> subprocess.CompletedProcess[str]:
    # --config: the verdict must not depend on a configuration in somebody's home folder.
    command = [
        str(require_program("hadolint")),
        "--config",
        "/dev/null",
        "--no-color",
        "--failure-threshold",
        "style",
        "-",
    ]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


def test_linter_finds_nothing() -> None:
    done = _lint(TEXT)
    assert (done.returncode, done.stdout) == (0, "")


def test_linter_would_find_something() -> None:
    done = _lint("FROM debian\nRUN cd /tmp\nENTRYPOINT lamina\n")
    assert done.returncode != 0
    assert {"DL3006", "DL3003", "DL3025"} <= set(done.stdout.split())


def test_targets_come_from_one_base(dockerfile: Dockerfile) -> None:
    assert dockerfile.arguments.keys() == {"BASE"}
    assert all(stage.base == "${BASE}" or stage.base in dockerfile.stages for stage in dockerfile.stages.values())
    # A build that names no target gives the last stage: the image that runs anywhere.
    assert list(dockerfile.stages)[-1] == "cpu"


def test_nothing_that_older_buildah_lacks() -> None:
    assert "<<" not in TEXT
    assert "--link" not in TEXT


@pytest.mark.parametrize("target", TARGETS)
def test_telemetry_is_off_where_onnxruntime_is_imported(dockerfile: Dockerfile, target: str) -> None:
    assert dockerfile.env(target)["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize("target", TARGETS)
def test_runs_as_the_user_the_deployment_names(dockerfile: Dockerfile, target: str) -> None:
    security = pod_of(render(DEPLOY / "overlays" / target))["securityContext"]
    user = dockerfile.final(target, "USER")
    assert user == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert not user.startswith("0")
    assert not dockerfile.stages[target].arguments("RUN")


@pytest.mark.parametrize("target", TARGETS)
def test_server_is_the_process_that_is_signalled(dockerfile: Dockerfile, target: str) -> None:
    python, *rest = json.loads(dockerfile.final(target, "ENTRYPOINT"))
    assert python.endswith("/python")
    assert rest == ["-m", "lamina_server"]
    assert importlib.util.find_spec("lamina_server.__main__") is not None
    assert dockerfile.final(target, "STOPSIGNAL") == "SIGTERM"
    assert not any(stage.arguments("CMD") for stage in dockerfile.lineage(target))


@pytest.mark.parametrize("target", TARGETS)
def test_environment_is_one_the_server_reads(
    dockerfile: Dockerfile, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(dockerfile.env(target), monkeypatch)
    assert settings.host == "0.0.0.0"
    assert settings.device == {"cpu": "cpu", "gpu": "cuda"}[target]
    assert dockerfile.final(target, "EXPOSE").split() == [str(settings.port), str(settings.http_port)]
    assert json.loads(dockerfile.final(target, "VOLUME")) == [str(settings.store_dir)]


@pytest.mark.parametrize("target", TARGETS)
def test_image_and_deployment_agree_on_paths(dockerfile: Dockerfile, target: str) -> None:
    manifests, env = render(DEPLOY / "overlays" / target), dockerfile.env(target)
    assert of_kind(manifests, "ConfigMap")["data"]["LAMINA_STORE_DIR"] == env["LAMINA_STORE_DIR"]
    home = {variable["name"]: variable["value"] for variable in container_of(manifests)["env"]}["HOME"]
    assert home == env["HOME"]


def test_no_gpu_is_claimed_by_the_image_itself(dockerfile: Dockerfile) -> None:
    for target in TARGETS:
        assert "NVIDIA_VISIBLE_DEVICES" not in dockerfile.env(target)
    assert dockerfile.env("gpu")["LD_LIBRARY_PATH"] == dockerfile.env("packages-gpu")["LD_LIBRARY_PATH"]


@pytest.mark.parametrize("target", TARGETS)
def test_lock_holds_what_the_extras_declare(dockerfile: Dockerfile, target: str, extras: dict[str, list[str]]) -> None:
    (copied,) = dockerfile.stages[f"packages-{target}"].arguments("COPY")
    lock = (ROOT / copied.split()[0]).read_text(encoding="utf-8")
    pins = dict(line.split("==") for line in lock.splitlines() if not line.startswith("#"))
    for extra in ("core", "server", "cli", target):
        for requirement in map(Requirement, extras[extra]):
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), (extra, requirement)
    # onnxruntime and onnxruntime-gpu are the same module: an image holds one of them.
    assert {"onnxruntime", "onnxruntime-gpu"} & pins.keys() == {
        {"cpu": "onnxruntime", "gpu": "onnxruntime-gpu"}[target]
    }


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_unlocked_is_installed(dockerfile: Dockerfile, target: str) -> None:
    installs = [
        line
        for name in (f"packages-{target}", "lamina", *(stage.name for stage in dockerfile.lineage(target)))
        for line in dockerfile.stages[name].arguments("RUN")
        if "pip install" in line
    ]
    assert len(installs) == 2
    assert all("--no-deps" in line for line in installs)
    assert all("-r " in line or "PIP_CONSTRAINT=" in line for line in installs)


def test_what_is_copied_reaches_the_build(dockerfile: Dockerfile) -> None:
    copies = [line for stage in dockerfile.stages.values() for line in stage.arguments("COPY") if "--from" not in line]
    sources = [source.rstrip("/") for line in copies for source in line.split()[:-1]]
    assert {"pyproject.toml", "client", "server"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not _ignored(source), source
    for unwanted in (".git", ".venv", "tests", "deploy/base", "client/examples", "server/lamina_server/__pycache__"):
        assert _ignored(unwanted), unwanted


def _ignored(path: str) -> bool:
    """Whether .dockerignore keeps ``path`` out: the last pattern that meets it or a folder above it decides."""
    verdict = False
    parts = path.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        if any(fnmatch(folder, pattern) and folder.count("/") == pattern.count("/") for folder in above):
            verdict = not line.startswith("!")
        if pattern.startswith("**/") and any(fnmatch(part, pattern[3:]) for part in parts):
            verdict = not line.startswith("!")
    return verdict
