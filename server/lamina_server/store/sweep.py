"""Removes what no name leads to: manifests, then weights, so that a crash leaves no stack without its weights."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .files import TEMPORARY_PREFIX, sync_directory
from .layout import Layout, is_readable_name
from .model import CorruptStackError, is_id


@dataclass(frozen=True)
class Swept:
    """How much a sweep removed."""

    temporary: int
    manifests: int
    weights: int


def sweep(layout: Layout) -> Swept:
    """Remove temporary files, manifests without a name and weights without a manifest.

    The caller holds the store's lock. Where a name's pointer is damaged no manifest is removed, and where a manifest
    is damaged no weight: they may belong together, and a person may still repair them. Raises OSError.
    """
    temporary = sum(_remove(_temporary_files(directory)) for directory in (layout.names, layout.stacks))
    manifests = _unnamed_manifests(layout)
    if manifests:
        # What led to them is gone, but whoever took it away may have died before that was durable.
        sync_directory(layout.names)
        _remove(manifests)
    weights = _unused_weights(layout)
    if weights:
        sync_directory(layout.stacks)
        _remove(weights)
    return Swept(temporary, len(manifests), len(weights))


def _unnamed_manifests(layout: Layout) -> list[Path]:
    named = _named_ids(layout)
    return [] if named is None else [layout.manifest(id) for id in layout.list_ids() if id not in named]


def _unused_weights(layout: Layout) -> list[Path]:
    used = _used_digests(layout)
    return [] if used is None else [path for path in _weight_files(layout) if path.name not in used]


def _named_ids(layout: Layout) -> set[str] | None:
    names = layout.list_names()
    if not all(map(is_readable_name, names)):
        return None
    try:
        return {layout.read_pointer(name) for name in names}
    except CorruptStackError:
        return None


def _used_digests(layout: Layout) -> set[str] | None:
    try:
        return {ref.sha256 for id in layout.list_ids() for ref in layout.read_manifest(id).weights}
    except CorruptStackError:
        return None


def _temporary_files(directory: Path) -> list[Path]:
    return [directory / name for name in os.listdir(directory) if name.startswith(TEMPORARY_PREFIX)]


def _weight_files(layout: Layout) -> list[Path]:
    shelves = [layout.weights / name for name in os.listdir(layout.weights) if len(name) == len("aa")]
    return [shelf / name for shelf in shelves for name in os.listdir(shelf) if is_id(name)]


def _remove(paths: Sequence[Path]) -> int:
    for path in paths:
        os.unlink(path)
    return len(paths)
