"""Weights by name: nested as Keras people write them, or flat as they travel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from lamina.errors import InvalidArgumentError
from lamina.place import shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamina.typing import WeightsLike


def flatten(weights: "WeightsLike") -> "dict[str, ArrayLike]":
    """{"conv1d/kernel": array} from {"conv1d": {"kernel": array}}, or from flat names, or from both.

    Raises InvalidArgumentError where the weights are no mapping, a weight names no layer, or comes twice.
    """
    flat: dict[str, ArrayLike] = {}
    for name, value in joined(weights, "weights"):
        layer, slash, weight = name.partition("/")
        if not (layer and slash and weight):
            raise InvalidArgumentError(
                f'weights: {name!r} must say which weight of which layer: write "{layer or "layer"}/kernel", '
                f'or {{"{layer or "layer"}": {{"kernel": ...}}}}.',
                reason="WEIGHT_NAME",
                field="weights",
            )
        if name in flat:
            raise InvalidArgumentError(f"weights: {name!r} is given twice.", reason="DUPLICATE_WEIGHT", field="weights")
        flat[name] = value
    return flat


def of_layer(weights: object, where: str) -> "dict[str, ArrayLike]":
    """Weights of one layer: {"kernel": array, "bias": array}.

    Raises InvalidArgumentError where they are no mapping from names.
    """
    return dict(joined(weights, where))


def nest(flat: "Mapping[str, ArrayLike]") -> "dict[str, dict[str, ArrayLike]]":
    """{"conv1d": {"kernel": array}} from {"conv1d/kernel": array}; deeper names stay joined by "/"."""
    nested: dict[str, dict[str, ArrayLike]] = {}
    for name, value in flat.items():
        layer, _, weight = name.partition("/")
        nested.setdefault(layer, {})[weight] = value
    return nested


def joined(weights: object, where: str) -> "list[tuple[str, ArrayLike]]":
    """All weights of a mapping, however deep, with their names joined by "/"."""
    if not isinstance(weights, Mapping):
        raise InvalidArgumentError(
            f"{where}: weights are given by name, as {{'kernel': array, 'bias': array}}; {shown(weights)} was given.",
            reason="WRONG_TYPE",
            field="weights",
        )
    pairs: list[tuple[str, ArrayLike]] = []
    for name, value in weights.items():
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"{where}: the name of a weight is text; {shown(name)} was given.", reason="WRONG_TYPE", field="weights"
            )
        if isinstance(value, Mapping):
            pairs += [(f"{name}/{inner}", array) for inner, array in joined(value, where)]
        else:
            pairs.append((name, cast("ArrayLike", value)))
    return pairs
