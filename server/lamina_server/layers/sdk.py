"""How the constructors of the Python SDK follow from a kind: their names and the order of their arguments."""

from collections.abc import Iterable
from typing import NamedTuple


class Sdk(NamedTuple):
    """A constructor of the Python SDK. `rank` is its number of spatial axes, or None where there is none.

    Arguments stand in the order of the kind's fields, but for two in `swapped` that change places, as Keras has them.
    A kind with an option `operation` has a constructor for each of its values, named as the value is in CamelCase;
    `doc` is what such a constructor says first.
    """

    name: str
    rank: int | None = None
    swapped: tuple[str, str] | None = None
    operation: str = ""
    doc: str = ""

    @property
    def alias(self) -> str:
        """The other name that Keras has for it, such as MaxPool2D for MaxPooling2D; "" where it has none."""
        kind, rank, rest = self.name.partition(f"{self.rank}D")
        return f"{_KERAS_ALIASES[kind]}{rank}{rest}" if rank and kind in _KERAS_ALIASES else ""

    def arranged(self, names: Iterable[str]) -> list[str]:
        """The names of the kind's fields in the order of the arguments."""
        places = dict(zip(self.swapped, reversed(self.swapped), strict=True)) if self.swapped else {}
        return [places.get(name, name) for name in names]


_KERAS_ALIASES = {
    "MaxPooling": "MaxPool",
    "AveragePooling": "AvgPool",
    "GlobalMaxPooling": "GlobalMaxPool",
    "GlobalAveragePooling": "GlobalAvgPool",
    "Conv": "Convolution",
    "SeparableConv": "SeparableConvolution",
}
IN_NAME = ("rank", "operation")  # options that a constructor's name says, so that nobody writes them
