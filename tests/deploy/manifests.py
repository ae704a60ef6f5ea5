"""Render the kustomizations and look into what comes out; also the rules of Kubernetes' restricted Pod Security."""

import copy
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamina_server.config import Settings, load_settings, unknown_variables
from tests.support import require_program

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = ("cpu", "gpu")

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """Return the objects that ``kubectl kustomize folder`` prints; raises CalledProcessError where it refuses."""
    command = [str(require_program("kubectl")), "kustomize", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(manifests: list[Manifest], kind: str) -> Manifest:
    """Return the only object of ``kind``."""
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod_of(manifests: list[Manifest]) -> Manifest:
    """Return the Deployment's pod spec."""
    spec: Manifest = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


def container_of(manifests: list[Manifest]) -> Manifest:
    """Return the pod's only container."""
    container: Manifest
    (container,) = pod_of(manifests)["containers"]
    return container


def environment(manifests: list[Manifest]) -> dict[str, str]:
    """Return the container's environment: its ConfigMap, then what stands in the pod spec itself."""
    container = container_of(manifests)
    config_map = of_kind(manifests, "ConfigMap")
    (source,) = container["envFrom"]
    assert source["configMapRef"]["name"] == config_map["metadata"]["name"]
    data: dict[str, str] = config_map["data"]
    return data | {variable["name"]: variable["value"] for variable in container.get("env", [])}


def settings_in(variables: dict[str, str], patch: pytest.MonkeyPatch) -> Settings:
    """Return what a server reads where these variables are set and no other; fails on one that it does not know."""
    for name in [name for name in os.environ if name.startswith("LAMINA_")]:
        patch.delenv(name)
    for name, value in variables.items():
        if name.startswith("LAMINA_"):
            patch.setenv(name, value)
    strays = unknown_variables()
    assert not strays, strays
    return load_settings()


def bytes_of(quantity: str) -> int:
    """Return a Kubernetes quantity of bytes as a number: ``"8Gi"`` is 8 589 934 592."""
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    return int(quantity[:-2]) * units[quantity[-2:]]


def without(spec: Manifest, *path: str | int) -> Manifest:
    """Return a deep copy of ``spec`` that lacks the entry at ``path``; raises KeyError where there is none."""
    changed = copy.deepcopy(spec)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


def restricted_violations(pod: Manifest) -> Iterator[str]:
    """Yield what keeps a pod spec from the restricted profile of Kubernetes' Pod Security Standards."""
    shared = pod.get("securityContext", {})
    for host in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(host):
            yield host
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for volume in pod.get("volumes", []):
        if not allowed & volume.keys():
            yield f"volume {volume['name']}"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        own = container.get("securityContext", {})
        yield from _container_violations(shared | own, container)


def _container_violations(context: Manifest, container: Manifest) -> Iterator[str]:
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if context.get("privileged"):
        yield "privileged"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
