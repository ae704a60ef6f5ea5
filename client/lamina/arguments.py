"""What callers give to calls - arrays, shapes, weights, names - as what requests hold."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lamina.errors import InvalidArgumentError, ResourceExhaustedError, UnknownNameError, listed, suggest
from lamina.messages import whole
from lamina.place import Place, shown
from lamina.render.words import bytes_
from lamina.stack import Stack, references
from lamina.tensors import to_array
from lamina.v1 import tensor_pb2
from lamina.weights import flatten

if TYPE_CHECKING:
    from lamina.typing import Array, ArraysLike, InputsLike, ShapesLike, WeightsLike

_FLOAT32 = tensor_pb2.DATA_TYPE_FLOAT32


def arrays(x: "ArraysLike", stack: Stack | None) -> "dict[str, Array]":
    """Arrays by the name of their Input, of its declared type; the name is "" where it is not known here.

    Raises InvalidArgumentError where they are not as many as the Inputs, or no numbers.
    """
    wanted = {name: layer.proto.input.dtype or _FLOAT32 for name, layer in stack.inputs} if stack else {}
    given = _by_input(x, list(wanted))
    return {
        name: to_array(cast("Any", value), wanted.get(name, _FLOAT32), f"input {name!r}" if name else "x")
        for name, value in given.items()
    }


def shapes(given: "ShapesLike", stack: Stack | None) -> list[tensor_pb2.ArrayShape]:
    """Shapes of the caller's arrays, from shapes or arrays, by name or in the order of the Inputs."""
    names = [name for name, _ in stack.inputs] if stack else []
    if isinstance(given, Mapping):
        _check_names(given, names)
        pairs: list[tuple[str, object]] = list(given.items())
    else:
        items = [given] if _is_shape(given) else list(given)
        if names and len(items) != len(names):
            raise InvalidArgumentError(_count(names, len(items), "shapes"), reason="INPUT_COUNT", field="shapes")
        pairs = list(zip(names or [""] * len(items), items, strict=True))
    return [tensor_pb2.ArrayShape(name=name, shape=_shape(value, name)) for name, value in pairs]


def symbol_values(given: Mapping[str, int]) -> dict[str, int]:
    """Numbers for symbols."""
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f'at takes numbers by symbol, {{"T": 128}}; {shown(given)} was given.', field="at")
    return {str(name): whole(value, Place("", f"at[{name!r}]"), 1) for name, value in given.items()}


def weights(stack: Stack, given: "WeightsLike | None") -> "dict[str, Array]":
    """Weights by flat name: those that layers carry, and over them those given."""
    flat = {**flatten(stack.weights), **flatten(given or {})}
    return {name: to_array(value, _FLOAT32, f"weight {name!r}") for name, value in flat.items()}


def fetch(given: "InputsLike") -> list[str]:
    """Names of what to return besides the outputs."""
    return references(given, "fetch", "fetch")


def too_large(size: int, weight_bytes: int, most: int) -> ResourceExhaustedError:
    """The error for a request that would not be taken, with the way around it."""
    if weight_bytes * 2 > size:
        way = "Register the stack once, client.register(name, stack): its weights go in pieces, and infer by name."
    else:
        way = "Send fewer samples at a time: client.map(stack, samples, batch_size=...)."
    return ResourceExhaustedError(
        f"The request has {bytes_(size)}; one message holds {bytes_(most)} at most (max_message_bytes here, "
        f"LAMINA_MAX_MESSAGE_BYTES on the server). {way}",
        reason="MESSAGE_TOO_LARGE",
        details={"size_bytes": str(size), "max_bytes": str(most)},
    )


def _by_input(x: object, names: list[str]) -> dict[str, object]:
    if isinstance(x, Mapping):
        _check_names(x, names)
        missing = [name for name in names if name not in x]
        if missing:
            raise InvalidArgumentError(
                f"Nothing is given for input {listed([repr(name) for name in missing])}.",
                reason="INPUT_MISSING",
                field="inputs",
            )
        return dict(x)
    if len(names) < 2:
        return {names[0] if names else "": x}
    if not isinstance(x, list | tuple) or len(x) != len(names):
        count = len(x) if isinstance(x, list | tuple) else 1
        raise InvalidArgumentError(_count(names, count, "arrays"), reason="INPUT_COUNT", field="inputs")
    return dict(zip(names, x, strict=True))


def _check_names(given: Mapping[Any, object], names: list[str]) -> None:
    for name in given:
        if not isinstance(name, str) or (names and name not in names):
            raise UnknownNameError(f"The stack has no input {name!r}.{suggest(str(name), names, what='input')}")


def _count(names: list[str], count: int, what: str) -> str:
    wanted = f"{len(names)} inputs, {listed(names)}" if len(names) > 1 else f"1 input, {names[0]}"
    example = ", ".join(f'"{name}": ...' for name in names)
    return (
        f"The stack has {wanted}; {count} {what if count != 1 else what[:-1]} given. Give them by name: {{{example}}}."
    )


def _is_shape(value: object) -> bool:
    """Whether this is one shape, or one array, and not a list of them."""
    if hasattr(value, "shape"):
        return True
    return isinstance(value, Sequence) and value != [] and all(isinstance(item, int | np.integer) for item in value)


def _shape(value: object, name: str) -> list[int]:
    sizes = getattr(value, "shape", value)
    at = Place(f"input {name!r}" if name else "x", "shape")
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise at.error(f"takes an array or its shape; {shown(value)} was given.")
    return [whole(size, at.item(i), 0) for i, size in enumerate(sizes)]
