"""Write the locks beside this file: pip constraints, `name==version` a line, without URLs or hashes.

Run it by `make lock`. pip resolves each set of packages without installing it, so that no environment is made or
changed; the sets come from pyproject.toml, the generator's and the pins from the tables below.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = Path(__file__).resolve().parent
PROJECT = tomllib.loads((LOCKS.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# lock -> extras of pyproject.toml, beside the core
EXTRAS = {
    "dev": ("server", "cpu", "cli", "keras", "torch", "counts", "dev"),
    "server": ("server", "cpu", "cli"),
    "gpu": ("server", "gpu", "cli"),
}
LOWEST = ("server", "cpu", "cli")
BUILD = ("hatchling", "editables")

# The generator has an environment of its own: it is older than the grpc and the protobuf that the tests run on.
GENERATOR = (
    "grpcio-tools==1.73.1",  # see proto/generate.py
    "setuptools<81",  # grpcio-tools imports pkg_resources where it is there, which newer releases do not bring
    "mypy-protobuf>=3.7",  # types of the stubs, which grpcio-tools does not write
)
# Pinned by hand, so that a new release is a decision and not a side effect of `make lock`.
PINS = (
    "grpcio==1.85.1",  # the release of its companions (status, health checking, reflection), which have fewer
    "torch==2.13.0",  # the largest package by far
)
# What has no wheels.
FROM_SOURCE = "fvcore,iopath"


def requirements(extras: Iterable[str]) -> list[str]:
    """Return the core's requirements and those of `extras`."""
    optional = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *(requirement for extra in extras for requirement in optional[extra])]


def lowest(declared: Iterable[str]) -> Iterator[str]:
    """Turn each requirement into one for the lowest version that it admits; raises ValueError where it has none."""
    for requirement in map(Requirement, declared):
        bounds = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
        if not bounds:
            raise ValueError(f"{requirement} in pyproject.toml has no lower bound (>=)")
        yield f"{requirement.name}=={max(bounds)}"


def resolve(wanted: Iterable[str], pins: Iterable[str] = ()) -> dict[str, str]:
    """Return name -> version of everything that pip would install for `wanted`, in an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "pins.txt"
        constraints.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        report = Path(folder) / "report.json"
        options = ["--dry-run", "--ignore-installed", "--quiet", "--only-binary=:all:", f"--no-binary={FROM_SOURCE}"]
        command = [sys.executable, "-m", "pip", "install", *options, "--constraint", str(constraints)]
        subprocess.run([*command, "--report", str(report), *wanted], check=True)
        packages = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    # A local part (2.13.0+cpu) names one machine's build; the public version is what others can find.
    return {canonicalize_name(package["name"]): Version(package["version"]).public for package in packages}


def write(name: str, content: str, versions: dict[str, str]) -> None:
    """Write the lock `name`, sorted, with a first line that says what it is for."""
    lines = [f"# {content} Written by `make lock`.", *(f"{key}=={versions[key]}" for key in sorted(versions))]
    (LOCKS / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}.txt: {len(versions)} packages")


def main() -> None:
    """Resolve every set and write its lock."""
    dev = resolve(requirements(EXTRAS["dev"]), PINS)
    agreed = [f"{name}=={version}" for name, version in dev.items()]  # no image runs what was not tested
    write("dev", "Everything the demo and the tests run on.", dev)
    write("server", "The CPU image.", resolve(requirements(EXTRAS["server"]), agreed))
    write("gpu", "The GPU image.", resolve(requirements(EXTRAS["gpu"]), agreed))
    write("build", "What builds the wheel.", resolve(BUILD, agreed))
    write("generate", "The protobuf generator.", resolve(GENERATOR))
    oldest = resolve([*lowest(requirements(LOWEST)), *BUILD])
    write("lowest", "The lowest versions that pyproject.toml declares.", oldest)


if __name__ == "__main__":
    main()
