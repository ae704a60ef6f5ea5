"""Where the numbers of weights come from: the caller, a seed, or both.

A seed gives the same bits on every machine: uniform within Glorot's limits from raw Philox bits by integer scaling.
Only integers, one square root and one product are involved, all of which IEEE 754 rounds exactly; no logarithm, whose
last bit differs between processors.
"""

import hashlib
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

import numpy as np

from lamina_server.errors import InvalidRequestError
from lamina_server.layers.base import Weight
from lamina_server.records import Trace, owned
from lamina_server.words import nearest, shortened

Array = np.ndarray[Any, Any]
GENERATOR = "philox-glorot-uniform-1"
_CHUNK = 1 << 22
_STARTS = {"zeros": 0.0, "ones": 1.0}


def weights_of(trace: Trace) -> Iterator[tuple[str, Weight]]:
    """Every weight a stack needs, by its full name "layer/weight"."""
    return owned(trace.walk())


def check_given(trace: Trace, given: Mapping[str, tuple[str, tuple[int, ...]]], *, rest_drawn: bool) -> None:
    """Checks the names, types and shapes of given weights (name -> dtype name, shape).

    Raises InvalidRequestError naming the weight: unknown, of another type or shape, or missing without a seed.
    """
    needed = dict(weights_of(trace))
    for name, (dtype, shape) in given.items():
        if name not in needed:
            raise _fault(
                "UNKNOWN_WEIGHT", f"{shortened(name)} is no weight of this stack; {nearest(name, needed)}", name
            )
        want = needed[name]
        if tuple(shape) != want.shape:
            raise _fault(
                "WEIGHT_SHAPE",
                f"{name} has shape {_text(shape)}; the stack needs {_text(want.shape)}{_hint(want, shape)}.",
                name,
                got=_text(shape),
                expected=_text(want.shape),
            )
        if dtype != want.dtype.value:
            raise _fault("WEIGHT_DTYPE", f"{name} is {dtype}; the stack needs {want.dtype.value}.", name, got=dtype)
    missing = [name for name in needed if name not in given]
    if missing and not rest_drawn:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise _fault(
            "MISSING_WEIGHT",
            f"{missing[0]} {_text(needed[missing[0]].shape)}{more} {'are' if more else 'is'} not given. "
            "Give every weight, or a seed from which the others are drawn.",
            missing[0],
            missing=len(missing),
        )


def complete(trace: Trace, given: Mapping[str, Array], seed: int | None) -> dict[str, Array]:
    """All weights of a stack: those given, the others drawn. Raises as `check_given`."""
    check_given(
        trace, {name: (array.dtype.name, array.shape) for name, array in given.items()}, rest_drawn=seed is not None
    )
    return {name: given[name] if name in given else draw(name, weight, seed or 0) for name, weight in weights_of(trace)}


def draw(name: str, weight: Weight, seed: int) -> Array:
    """One weight from a seed; its name is part of the key, so that its bits do not depend on the other layers."""
    if weight.init != "glorot":
        start = _STARTS[weight.init] if isinstance(weight.init, str) else weight.init
        return np.full(weight.shape, start, weight.dtype.numpy)
    key = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16], "little")
    bits = np.random.Philox(key=key)
    scale = sqrt(6 / (weight.fan_in + weight.fan_out)) / 2**24
    flat = np.empty(weight.size, np.float32)
    for start in range(0, weight.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        odd = (bits.random_raw(len(part)) >> np.uint64(40)).astype(np.int64) * 2 + (1 - 2**24)  # odd: symmetric about 0
        part[:] = odd * scale
    return flat.reshape(weight.shape).astype(weight.dtype.numpy, copy=False)


def _hint(want: Weight, shape: tuple[int, ...]) -> str:
    if sorted(shape) == sorted(want.shape) and len(shape) > 1:
        return (
            ": the same sizes in another order. Kernels are laid out as in Keras, (spatial..., in, out); "
            "PyTorch has (out, in, spatial...)"
        )
    return ""


def _text(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _fault(reason: str, message: str, name: str, **facts: object) -> InvalidRequestError:
    return InvalidRequestError(message, reason=reason, field="weights", facts={"weight": name[:128], **facts})
