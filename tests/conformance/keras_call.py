"""A call of a Keras layer, with everything that is needed to make it again: class, configuration, inputs, arguments."""

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from tests.conformance.lamina import Array, Check, Unmapped
from tests.support import require

torch = require("torch")
keras = require("keras")
tree = keras.tree

LAYERS = "keras.src.layers"


@dataclass(frozen=True)
class Call:
    """`arrays` are the tensors in the order of the call's arguments, `named` those given by name."""

    cls: Any
    config: dict[str, Any]
    arrays: tuple[Array, ...]
    named: dict[str, Any]
    listed: bool = False  # whether the arrays were given as one list

    @property
    def key(self) -> str:
        """What makes it another call than one that was seen."""
        plain = {key: value for key, value in self.config.items() if key not in ("name", "seed")}
        shapes = [(array.shape, array.dtype.name) for array in self.arrays]
        named = {key: getattr(value, "shape", value) for key, value in self.named.items()}
        return f"{self.cls.__name__} {plain} {shapes} {named}"


@dataclass
class Made:
    """The layer made again, with random weights, and what it gives."""

    layer: Any
    call: Call
    weights: dict[str, Array]
    outputs: list[Array]
    arrays: list[Array]

    @property
    def config(self) -> dict[str, Any]:
        """The options."""
        return self.call.config


def make(call: Call) -> Made:
    """Makes the layer from its configuration and calls it. Raises Unmapped where Keras itself refuses."""
    dtype = call.config.get("dtype")
    policy = dtype["config"].get("name", "") if isinstance(dtype, dict) else dtype or "float32"
    if policy not in ("float32", "float64", "float16", "bfloat16"):
        raise Unmapped("Lamina computes in the type that comes: no mixed precision, no quantization")
    try:
        layer = call.cls.from_config(call.config)
    except Exception as error:
        raise Unmapped("a class of the test's own, which has no configuration") from error
    arrays = [array.astype(policy) if array.dtype.kind == "f" else array for array in call.arrays]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        _called(layer, call, arrays)
        weights = _drawn(layer)
        results = _called(layer, call, arrays)
    outputs = [numpy(item) for item in tree.flatten(results)]
    return Made(layer, call, weights, outputs, arrays)


def _called(layer: Any, call: Call, arrays: list[Array]) -> Any:
    given = [tensor(array) for array in arrays]
    named = {key: tensor(value) if isinstance(value, np.ndarray) else value for key, value in call.named.items()}
    try:
        return layer(given, **named) if call.listed else layer(*given, **named)
    except Exception as error:
        raise Unmapped(f"Keras on PyTorch itself refuses ({_said(error)})") from error


def _said(error: Exception) -> str:
    """The beginning of what Keras says, without numbers, so that like refusals are one."""
    text = re.sub(r"\x1b\[\d+m|Exception encountered when calling \S+\s*", "", str(error))
    return re.split(r"[.\n\[(:`]|Received", re.sub(r"\(?\d+\)?", "n", text))[0].strip()[:60]


def tensor(array: Array) -> Any:
    """A torch tensor; also of the types that torch takes from numpy under another name."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(np.float32)).bfloat16()
    return torch.from_numpy(np.array(array, order="C"))


def numpy(value: Any) -> Array:
    """A tensor as an array."""
    value = value.detach() if hasattr(value, "detach") else value
    if getattr(value, "dtype", None) is torch.bfloat16:
        return value.float().numpy().astype(ml_dtypes.bfloat16)  # type: ignore[no-any-return]
    return np.array(value)


def own(variable: Any) -> str:
    """A weight's path below its layer: `query/kernel`."""
    path: str = variable.path.partition("/")[2]
    return path


def _drawn(layer: Any) -> dict[str, Array]:
    """Puts numbers into every weight: variances in [0.5, 2], the rest around 0. Returns them by path, in order."""
    rng = np.random.default_rng(5)
    found: dict[str, Array] = {}
    for variable in layer.weights:
        low, high = (0.5, 2.0) if "variance" in variable.name else (-1.0, 1.0)
        scale = np.sqrt(3 / max(int(np.prod(variable.shape[:-1])), 1)) if "kernel" in variable.name else 1.0
        drawn = (rng.uniform(low, high, tuple(variable.shape)) * scale).astype(np.float32)
        if variable.dtype not in ("float32", "float64", "float16", "bfloat16"):
            raise Unmapped("Lamina computes in the type that comes: no mixed precision, no quantization")
        variable.assign(tensor(drawn))
        path = own(variable) or variable.name
        found[f"{len(found)}/{path}" if path in found else path] = numpy(variable.value)  # two directions of one name
    return found


Convert = Callable[[Made], Check]
CONVERTERS: dict[str, Convert] = {}


def converts(*classes: str) -> Callable[[Convert], Convert]:
    """Registers the function that turns these classes into layers of Lamina."""

    def register(function: Convert) -> Convert:
        CONVERTERS.update(dict.fromkeys(classes, function))
        return function

    return register


def distinct(calls: Iterator[tuple[str, Call]]) -> Iterator[tuple[str, Call]]:
    """Every call once."""
    seen: set[int] = set()
    for name, call in calls:
        key = hash(call.key)
        if key not in seen:
            seen.add(key)
            yield name, call
