"""The rendered manifests are valid for the Kubernetes versions we name and say what the server really does."""

import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from lamina_server.config import Settings, variable
from lamina_server.services.health import HEALTH_SERVICES
from tests.deploy.manifests import (
    DEPLOY,
    OVERLAYS,
    ROOT,
    Manifest,
    bytes_of,
    container_of,
    environment,
    of_kind,
    pod_of,
    render,
    restricted_violations,
    settings_in,
    without,
)

# The oldest that knows every field used (preStop.sleep is on by default from 1.30), one between, the newest released.
KUBERNETES = ("1.30", "1.34", "1.37")
MIB = 2**20


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def manifests(overlay: str) -> list[Manifest]:
    return render(DEPLOY / "overlays" / overlay)


@pytest.fixture
def settings(manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a server finds in the pod's environment."""
    return settings_in(environment(manifests), monkeypatch)


@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_fit_the_schemas(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


@pytest.mark.parametrize("version", KUBERNETES)
def test_base_alone_fits_the_schemas(version: str) -> None:
    for manifest in render(DEPLOY / "base"):
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("startupProbe:", "startupProb:"),
        ("failureThreshold: 90", "failureThreshold: many"),
        ("replicas: 1", "replicas: []"),
    ],
)
def test_a_broken_manifest_is_refused(right: str, wrong: str) -> None:
    text = (DEPLOY / "base" / "deployment.yaml").read_text(encoding="utf-8")
    assert text.count(right) == 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(yaml.safe_load(text.replace(right, wrong)), KUBERNETES[-1], strict=True)


def test_probes_ask_for_services_the_server_has(manifests: list[Manifest], settings: Settings) -> None:
    container = container_of(manifests)
    for name in ("startup", "readiness", "liveness"):
        probe = container[f"{name}Probe"]["grpc"]
        assert probe["service"] == name
        assert probe["service"] in HEALTH_SERVICES
        assert probe["port"] == settings.port


def test_startup_waits_for_minutes(manifests: list[Manifest]) -> None:
    probe = container_of(manifests)["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] >= 120


def test_server_reads_every_setting(manifests: list[Manifest], settings: Settings, overlay: str) -> None:
    given = {name for name in environment(manifests) if name.startswith("LAMINA_")}
    assert given <= {variable(field) for field in Settings.model_fields}
    assert settings.device == {"cpu": "cpu", "gpu": "cuda"}[overlay]


def test_a_misspelt_setting_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="LAMINA_DRAIN_SECONDS"):
        settings_in({"LAMINA_DRAIN_SECOND": "3"}, monkeypatch)


def test_ports_agree(manifests: list[Manifest], settings: Settings) -> None:
    served = {"grpc": settings.port, "http": settings.http_port}
    assert {port["name"]: port["containerPort"] for port in container_of(manifests)["ports"]} == served
    service = of_kind(manifests, "Service")["spec"]["ports"]
    assert {port["name"]: port["port"] for port in service} == served
    assert all(port["targetPort"] == port["name"] for port in service)
    annotations = of_kind(manifests, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(settings.http_port)


def test_service_links_cannot_overwrite_the_port(manifests: list[Manifest]) -> None:
    assert pod_of(manifests)["enableServiceLinks"] is False


def test_service_is_headless_and_finds_the_pods(manifests: list[Manifest]) -> None:
    service = of_kind(manifests, "Service")["spec"]
    assert service["clusterIP"] == "None"
    assert {port["name"]: port["appProtocol"] for port in service["ports"]} == {"grpc": "grpc", "http": "http"}
    deployment = of_kind(manifests, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    assert service["selector"].items() <= labels
    assert service["selector"] == deployment["selector"]["matchLabels"]


def test_policy_holds_this_pod_and_no_other(manifests: list[Manifest]) -> None:
    policy = of_kind(manifests, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == of_kind(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["egress"] == []
    opened = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert opened == {port["name"] for port in container_of(manifests)["ports"]}
    assert all(rule["from"] for rule in policy["ingress"])


def test_there_is_time_to_drain(manifests: list[Manifest], settings: Settings) -> None:
    wait = container_of(manifests)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert wait > 0
    assert pod_of(manifests)["terminationGracePeriodSeconds"] >= wait + settings.drain_seconds + 5


def test_one_writer_on_the_volume(manifests: list[Manifest]) -> None:
    deployment = of_kind(manifests, "Deployment")["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}
    claim = of_kind(manifests, "PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    claimed = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod_of(manifests)["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert claimed == [claim["metadata"]["name"]]


def test_restricted_profile(manifests: list[Manifest]) -> None:
    assert list(restricted_violations(pod_of(manifests))) == []


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("runAsNonRoot", ("securityContext", "runAsNonRoot")),
        ("seccompProfile", ("securityContext", "seccompProfile")),
        ("allowPrivilegeEscalation", ("containers", 0, "securityContext", "allowPrivilegeEscalation")),
        ("capabilities", ("containers", 0, "securityContext", "capabilities", "drop")),
        ("volume tmp", ("volumes", 1, "emptyDir")),
    ],
)
def test_restricted_profile_check_notices(rule: str, path: tuple[str | int, ...]) -> None:
    pod = pod_of(render(DEPLOY / "overlays" / "cpu"))
    assert list(restricted_violations(without(pod, *path))) == [rule]


def test_beyond_the_restricted_profile(manifests: list[Manifest]) -> None:
    pod, context = pod_of(manifests), container_of(manifests)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    account = of_kind(manifests, "ServiceAccount")
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"] != 0


def test_what_the_server_writes_lies_on_a_volume(manifests: list[Manifest]) -> None:
    container = container_of(manifests)
    mounts = {
        mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"] if not mount.get("readOnly")
    }
    assert mounts.keys() == {volume["name"] for volume in pod_of(manifests)["volumes"]}
    variables = environment(manifests)
    for name in (
        "HOME",
        "TMPDIR",
        "LAMINA_STORE_DIR",
        *(["CUDA_CACHE_PATH"] if "CUDA_CACHE_PATH" in variables else []),
    ):
        assert any(Path(variables[name]).is_relative_to(mount) for mount in mounts.values()), name
    assert Path(variables["LAMINA_STORE_DIR"]) == mounts["store"]


def test_memory_is_reserved_and_holds_what_settings_allow(manifests: list[Manifest], settings: Settings) -> None:
    resources = container_of(manifests)["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    worker = max(3 * settings.max_weight_bytes, settings.max_weight_bytes + settings.max_activation_bytes)
    messages = settings.max_concurrent_rpcs * settings.max_message_bytes
    needed = 512 * MIB + settings.session_cache_bytes + settings.workers * worker + messages
    assert needed <= bytes_of(resources["limits"]["memory"])
    assert settings.workers <= int(resources["requests"]["cpu"])


def test_image_is_this_version_of_the_right_target(manifests: list[Manifest], overlay: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert container_of(manifests)["image"] == f"lamina:{project['version']}-{overlay}"


def test_a_changed_setting_changes_the_pod(manifests: list[Manifest]) -> None:
    assert re.fullmatch(r"lamina-[a-z0-9]{10}", of_kind(manifests, "ConfigMap")["metadata"]["name"])


def test_gpu_is_asked_for_where_it_is_meant(manifests: list[Manifest], overlay: str) -> None:
    pod, container = pod_of(manifests), container_of(manifests)
    gpu = overlay == "gpu"
    assert container["resources"]["limits"].get("nvidia.com/gpu") == (1 if gpu else None)
    assert [taint["key"] for taint in pod.get("tolerations", [])] == (["nvidia.com/gpu"] if gpu else [])
    assert ("CUDA_CACHE_PATH" in environment(manifests)) is gpu
    assert "NVIDIA_VISIBLE_DEVICES" not in environment(manifests)


def _admits(pod: Manifest, labels: dict[str, str]) -> bool:
    """Whether the pod's required node affinity lets it onto a node with these labels (terms are alternatives)."""
    wanted = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]

    def holds(rule: Any) -> bool:
        inside = labels.get(rule["key"]) in rule["values"]
        return {"In": inside, "NotIn": not inside}[rule["operator"]]

    return any(all(holds(rule) for rule in term["matchExpressions"]) for term in wanted)


@pytest.mark.parametrize(
    ("capability", "runs"),
    [
        ("7.0", False),
        ("7.5", True),
        ("8.0", True),
        ("8.9", True),
        ("9.0", True),
        ("10.0", False),
        ("10.3", False),
        ("12.0", True),
    ],
)
def test_gpus_without_kernels_are_left_out(capability: str, runs: bool) -> None:
    major, minor = capability.split(".")
    labels = {"nvidia.com/gpu.compute.major": major, "nvidia.com/gpu.compute.minor": minor}
    pod = pod_of(render(DEPLOY / "overlays" / "gpu"))
    assert _admits(pod, labels) is runs
    assert _admits(pod, {})


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_only_put_things_together(name: str) -> None:
    overlay = yaml.safe_load((DEPLOY / "overlays" / name / "kustomization.yaml").read_text(encoding="utf-8"))
    assert overlay.keys() - {"apiVersion", "kind"} <= {"namespace", "labels", "resources", "components"}
    assert overlay["resources"] == ["../../base"]
    assert all(
        manifest["metadata"]["namespace"] == overlay["namespace"] for manifest in render(DEPLOY / "overlays" / name)
    )
