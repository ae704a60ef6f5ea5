"""Numbers, sizes and axes as people write them."""

from collections.abc import Iterable

from lamina.dims import Dim
from lamina.specs import Axis, Size, TensorSpec

_UNITS = ("", " k", " M", " G", " T", " P")
# Axes that are counted, "119 steps", in a row and in full; the others are measured, "height 28".
_SHORT = {"steps": "steps", "channels": "ch", "features": "", "": ""}
_LONG = {"steps": "steps", "channels": "channels", "features": "features", "": ""}


def grouped(number: int, least: int = 1_000) -> str:
    """Digits in groups of three from `least` on: 9 100."""
    return f"{number:,}".replace(",", " ") if abs(number) >= least else str(number)


def scaled(number: int) -> str:
    """Three leading digits and a unit: 1.07 M."""
    if abs(number) < 1_000:
        return str(number)
    value, unit = float(number), 0
    while abs(value) >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1_000, unit + 1
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{digits}f}{_UNITS[unit]}"


def size(value: Size) -> str:
    """A size: grouped from five digits on, an expression as it is."""
    return str(value) if isinstance(value, Dim) else grouped(value, 10_000)


def tensor(spec: TensorSpec, *, full: bool = False) -> str:
    """Axes of a tensor: "batch, 119 steps, 100 ch"; `full` spells channels and features out."""
    return ", ".join(_axis(axis, _LONG if full else _SHORT) for axis in spec.axes) or "one number"


def _axis(axis: Axis, nouns: dict[str, str]) -> str:
    if axis.role == "batch" and isinstance(axis.size, Dim):
        return str(axis.size)  # "batch", or with other axes folded into it: "T * batch"
    if axis.role not in nouns:
        return f"{axis.role} {size(axis.size)}"
    noun = nouns[axis.role]
    return f"{size(axis.size)} {noun.removesuffix('s') if axis.size == 1 else noun}".rstrip()


def multiply_adds(macs: Size) -> str:
    """Multiply-adds with their unit: "1.07 M multiply-adds per sample"; "" for none."""
    if isinstance(macs, Dim):
        return f"{macs} multiply-adds per sample"
    noun = "multiply-add" if macs == 1 else "multiply-adds"
    return f"{scaled(macs)} {noun} per sample" if macs else ""


def printable(text: str) -> str:
    """Text for one line of a terminal: what is not printable is written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def bytes_(count: int) -> str:
    """A number of bytes with a binary unit: 64 MiB, 1.9 GiB."""
    value, unit = float(count), 0
    while value >= 1024 and unit < 4:
        value, unit = value / 1024, unit + 1
    digits = 0 if unit == 0 or value == int(value) else 1
    return f"{value:.{digits}f} {('bytes' if count != 1 else 'byte', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"


def joined(parts: Iterable[str], separator: str) -> str:
    """The parts that are not empty."""
    return separator.join(part for part in parts if part)
