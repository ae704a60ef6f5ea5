"""Names as Keras gives them: the class of a layer, and the name it has when none was given."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from google.protobuf.message import Message

from lamina.enums import name_of
from lamina.v1 import activations_pb2, layers_pb2

_RANK = re.compile(r"[123]D")


def class_name(layer: layers_pb2.Layer) -> str:
    """Keras class name of a layer's message: "Conv1D" for a conv with one kernel size, "Layer" where unset."""
    field = layer.WhichOneof("kind")
    if field is None:
        return "Layer"
    return constructor(getattr(layer, field))


def constructor(message: Message) -> str:
    """Name of the constructor that makes the message of a kind: "Conv1D"."""
    base = message.DESCRIPTOR.name
    operation: Any = message.DESCRIPTOR.fields_by_name.get("operation")  # protobuf's stubs name two classes for one
    if operation is not None:
        words = name_of(operation.enum_type, getattr(message, "operation")).split("_")  # noqa: B009 - as below
        return "".join(word.capitalize() for word in words) or base
    known = _constructors().get(_key(base), ())
    ranked = [name for name in known if _RANK.search(name)]
    if not ranked:
        return known[0] if known else base
    rank = spatial_rank(message)
    return next((name for name in ranked if f"{rank}D" in name), _RANK.sub("", ranked[0]))


def called(layer: layers_pb2.Layer, kind: str) -> str:
    """What a layer of a class is named after: the class, but for an activation function its field, "silu" for SiLU."""
    field = layer.WhichOneof("kind")
    if field is None:
        return kind
    functions = activations_pb2.ActivationFunction.DESCRIPTOR.oneofs_by_name["function"].fields
    message = layer.DESCRIPTOR.fields_by_name[field].message_type
    return field if message in [function.message_type for function in functions] else kind


def spatial_rank(message: Message) -> int:
    """Number of spatial axes that a kind's message speaks of; 0 where it does not say."""
    if "rank" in message.DESCRIPTOR.fields_by_name:
        return int(getattr(message, "rank"))  # noqa: B009 - Message declares no field
    return next((len(getattr(message, field.name)) for field in message.DESCRIPTOR.fields if field.is_repeated), 0)


def says(class_name: str, option: str) -> bool:
    """Whether a class name says an option, so that nobody writes it: Conv1D its rank, Mean its operation."""
    return option == "operation" or (option == "rank" and _RANK.search(class_name) is not None)


def default_names(classes: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """The name of every layer: the given one, else "conv1d", "conv1d_1", ..., passing over names that are given."""
    taken = {name for name in given if name}
    counts: dict[str, int] = {}
    names = []
    for name, kind in zip(given, classes, strict=True):
        names.append(name or _next_free(snake_case(kind), counts, taken))
    return names


def snake_case(kind: str) -> str:
    """A class name in Keras' snake case: max_pooling1d for MaxPooling1D, lstm for LSTM."""
    text = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()


def _next_free(base: str, counts: dict[str, int], taken: Iterable[str]) -> str:
    while True:
        count = counts.get(base, 0)
        counts[base] = count + 1
        name = f"{base}_{count}" if count else base
        if name not in taken:
            return name


@cache
def _constructors() -> dict[str, list[str]]:
    """The generated constructors by the message they fill: Conv1D, Conv2D and Conv3D for Conv."""
    found: dict[str, list[str]] = {}
    layers = import_module("lamina.layers")
    for name in layers.__all__:
        if getattr(layers, name).__name__ == name:  # not another name of it
            found.setdefault(_key(name), []).append(name)
    return found


def _key(name: str) -> str:
    """What a message and its constructors share: Pooling is Pool in the schema, ReLU is Relu, Squeeze SqueezeAxes."""
    return _RANK.sub("", name).lower().replace("pooling", "pool").removesuffix("axes")
