"""Enum values as people write them: "channels_last" for LAYOUT_CHANNELS_LAST, "float32" or numpy.float32."""

from functools import cache

from google.protobuf.descriptor import EnumDescriptor

from lamina.errors import suggest
from lamina.place import Place, shown


@cache
def names_of(enum: EnumDescriptor) -> dict[str, int]:
    """Numbers by short name, without the value that means "not given"."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix).lower(): value.number for value in enum.values if value.number}


@cache
def _by_number(enum: EnumDescriptor) -> dict[int, str]:
    return {number: name for name, number in names_of(enum).items()}


def name_of(enum: EnumDescriptor, number: int) -> str:
    """Short name of a number: "" for 0, and "number 7" for one that this version does not know."""
    return _by_number(enum).get(number, f"number {number}" if number else "")


def number_of(enum: EnumDescriptor, value: object, at: Place) -> int:
    """Number of a short name, a full name, a known number or, for DataType, a numpy type.

    Raises InvalidArgumentError, with the nearest names.
    """
    names = names_of(enum)
    if isinstance(value, int) and not isinstance(value, bool):
        if value in enum.values_by_number:
            return int(value)
    elif isinstance(value, str):
        if value in enum.values_by_name:
            return enum.values_by_name[value].number
        if value.lower() in names:  # Keras takes "SAME" too
            return names[value.lower()]
        hint = suggest(value, names, what="value", most=20)
        raise at.error(f"knows no value {value!r}.{hint}", "UNKNOWN_VALUE")
    elif enum.name == "DataType" and (name := _dtype_name(value)) in names:
        return names[name]
    raise at.error(f"is one of {', '.join(map(repr, names))}; {shown(value)} was given.", "UNKNOWN_VALUE")


def _dtype_name(value: object) -> str:
    """Name of a numpy (or ml_dtypes) data type or scalar type, else ""."""
    if isinstance(value, type):
        known = value.__module__ in ("numpy", "ml_dtypes")
        return value.__name__.removesuffix("_") if known else ""
    name = getattr(value, "name", "")
    return name if isinstance(name, str) and type(value).__module__.partition(".")[0] == "numpy" else ""
