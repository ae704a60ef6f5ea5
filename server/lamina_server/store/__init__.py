"""Registered stacks by content: save, load, list, delete. See README.md."""

from .directory import DirectoryStore, Recovered
from .model import (
    CorruptStackError,
    Entry,
    InvalidManifestError,
    InvalidNameError,
    InvalidPageError,
    Manifest,
    NameTakenError,
    Registered,
    StackNotFoundError,
    StackStore,
    Staging,
    StoreError,
    StoreUnavailableError,
    WeightRef,
    WeightSizeError,
    WeightWriter,
)

__all__ = [
    "CorruptStackError",
    "DirectoryStore",
    "Entry",
    "InvalidManifestError",
    "InvalidNameError",
    "InvalidPageError",
    "Manifest",
    "NameTakenError",
    "Recovered",
    "Registered",
    "StackNotFoundError",
    "StackStore",
    "Staging",
    "StoreError",
    "StoreUnavailableError",
    "WeightRef",
    "WeightSizeError",
    "WeightWriter",
]
