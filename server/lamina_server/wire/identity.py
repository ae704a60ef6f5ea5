"""Content ids: SHA-256 over canonical JSON (RFC 8785) of a stack and its weights, never over protobuf bytes.

    {"spec": <ProtoJSON of the stack>, "weights": {"conv1d/kernel": {"dtype", "shape", "sha256"}, ...}, "seed": {...}}

`seed` is there only where weights are drawn. What the caller left unset stays unset, so equal ids mean equal
messages, in any language; the golden vectors in the tests must never change.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import rfc8785
from google.protobuf import json_format

from lamina.v1 import layers_pb2
from lamina_server.weights import GENERATOR

Array = np.ndarray[Any, Any]


class Digest(NamedTuple):
    """A weight by content."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str


def canonical_spec(stack: layers_pb2.Stack) -> str:
    """Canonical JSON of a stack's message."""
    return rfc8785.dumps(json_format.MessageToDict(stack)).decode()


def stack_id(spec: str, digests: Mapping[str, Digest], seed: int | None) -> str:
    """The content id, in hex, of a canonical spec with weights given by digest and the others by seed."""
    weights = {
        name: {"dtype": d.dtype, "shape": [str(n) for n in d.shape], "sha256": d.sha256} for name, d in digests.items()
    }
    content: dict[str, Any] = {"spec": json.loads(spec), "weights": weights}
    if seed is not None:
        content["seed"] = {"generator": GENERATOR, "seed": str(seed)}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def digest(array: Array) -> Digest:
    """Digest of a weight's little-endian, row-major bytes."""
    # Numpy cannot turn bfloat16 round; it comes little-endian.
    little = array.dtype if array.dtype.kind == "V" else array.dtype.newbyteorder("<")
    data = np.ascontiguousarray(array, dtype=little)
    return Digest(
        array.dtype.name,
        array.shape,
        hashlib.sha256(data.view(np.uint8).reshape(-1).data if data.size else b"").hexdigest(),
    )
