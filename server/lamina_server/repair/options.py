"""Fixes that a kind's own table of options suggests, whatever the kind: what is left out, evened out, turned round."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from math import isqrt
from typing import Any

from lamina_server.layers.base import Kind, option_text, plural
from lamina_server.layers.core.basics import Cast, Dense
from lamina_server.layers.shaping.reshaping import Reshape
from lamina_server.layers.shaping.slicing import SqueezeAxes
from lamina_server.layers.tensors import DType, Layout
from lamina_server.repair.fault import Candidate, Fault

_PAIRS = (("min", "max"), ("min_val", "max_val"), ("lower", "upper"))
_BESIDE = ("kernel_size", "pool_size", "axis", "axes")  # options of which others have one number for each


def left_out(fault: Fault) -> Iterator[Candidate]:
    """An option that cannot be together with the others, or is outside its range, at its default."""
    name, value, default = _named(fault)
    if value in (MISSING, None) or default is MISSING or value == default:
        return
    said = f"{name} not given" if default in (None, ()) else f"{name}={option_text(default)}"
    yield f"as it is by default: {said}", fault.changed(**{name: default})


def evened(fault: Fault) -> Iterator[Candidate]:
    """As many numbers as there are axes: the one that is given for each, or the first ones."""
    name, value, _ = _named(fault)
    if not isinstance(value, tuple) or not value:
        return
    counts = [len(other) for option in _BESIDE if isinstance(other := getattr(fault.kind, option, None), tuple)]
    counts += [fault.x.rank - 2, fault.x.rank - 1] if fault.got else []
    noun = "pair" if isinstance(value[0], tuple) else "number"
    for count in dict.fromkeys(n for n in counts if 0 < n != len(value)):
        if len(set(value)) > 1 and count > len(value):
            continue  # nobody can say which number is meant for the others
        numbers = (value * count)[:count]
        yield f"{plural(count, noun)}: {name}={_shown(numbers)}", fault.changed(**{name: numbers})


def nearest_divisors(fault: Fault) -> Iterator[Candidate]:
    """The nearest numbers that divide, where the refusal says which do."""
    name, value, _ = _named(fault)
    legal = fault.facts.get("legal")
    if isinstance(legal, tuple) and type(value) is int:
        for n in sorted(legal, key=lambda n: (abs(n - value), n))[:2]:
            yield f"the nearest that divides: {name}={n}", fault.changed(**{name: n})


def nearest_range(fault: Fault) -> Iterator[Candidate]:
    """Bounds the other way round; lengths of windows within their range; numbers in a type that holds them."""
    for low, high in _PAIRS:
        one, other = getattr(fault.kind, low, None), getattr(fault.kind, high, None)
        if isinstance(one, float | int) and isinstance(other, float | int) and one > other:
            swapped = {low: other, high: one}
            said = ", ".join(f"{name}={option_text(value)}" for name, value in swapped.items())
            yield f"the other way round: {said}", fault.changed(**swapped)
    name, value, default = _named(fault)
    if isinstance(value, tuple) and default is MISSING and all(type(n) is int for n in value):
        low = next(item.metadata["minimum"] for item in fields(fault.kind) if item.name == name)
        if low is not None and min(value, default=low) < low:
            least = tuple(max(n, int(low)) for n in value)
            yield f"the least that is legal: {name}={_shown(least)}", fault.changed(**{name: least})
    holds = isinstance(fault.facts.get("got"), float) or isinstance(value, float)
    if holds and len(fault.got) == 1 and fault.x.dtype is not DType.FLOAT32:
        yield 'numbers that any of these can be: put Cast("float32") before it', fault.before(Cast(DType.FLOAT32))
    yield from left_out(fault)


def own_only(fault: Fault) -> Iterator[Candidate]:
    """Of several axes those that there are, each once; for one, the last and the first after the batch."""
    name, value, _ = _named(fault)
    if not fault.got:
        return
    rank = fault.x.rank
    if isinstance(value, tuple) and all(type(axis) is int for axis in value):
        own = tuple(sorted({axis % rank for axis in value if -rank <= axis < rank and axis % rank > 0}))
        if own and own != value:
            yield f"the axes that there are, each once: {name}={_shown(own)}", fault.changed(**{name: own})
    elif type(value) is int and name != "axis":
        yield f"the last axis: {name}=-1", fault.changed(**{name: -1})
        yield f"the first axis after the batch: {name}=1", fault.changed(**{name: 1})


def without_holes(fault: Fault) -> Iterator[Candidate]:
    """Windows that are spread no more."""
    for name in ("dilation_rate", "dilation"):
        value = getattr(fault.kind, name, None)
        if isinstance(value, tuple) and any(n != 1 for n in value):
            yield f"windows without holes: {name}=1", fault.changed(**{name: (1,) * len(value)})


def widths(fault: Fault) -> Iterator[Candidate]:
    """A tensor with another number of features than is wanted: the option that says how many, or a dense layer."""
    name, value, _ = _named(fault)
    have, want = fault.facts.get("have"), fault.facts.get("wanted")
    if not isinstance(have, int) or not isinstance(want, int):
        return
    if type(value) is int and value == want:
        yield f"as many as come: {name}={have}", fault.changed(**{name: have})
    elif isinstance(value, tuple) and want in value and name == "shape":
        shape = tuple(-1 if size == want else size for size in value)
        yield f"the axes of {want} as long as they are: {name}={_shown(shape)}", fault.changed(**{name: shape})
    position = fault.facts.get("position", 1)
    if "position" in fault.facts and isinstance(position, int) and len(fault.got) >= position:
        source = fault.refs[position - 1]
        yield f"bring {source} to {want} by a dense layer", fault.before(Dense(want), position - 1)


def axes_of_one(fault: Fault, wanted: int) -> Iterator[Candidate]:
    """As many axes as are wanted: those of size 1 taken out, or a square put where one long axis is."""
    x, first = fault.x, fault.layout is Layout.CHANNELS_FIRST
    ones = [i for i, size in enumerate(x.shape) if i and size == 1]
    if 0 < x.rank - wanted <= len(ones):
        gone = tuple(ones[: x.rank - wanted])
        said = f"an axis of size 1 is no axis: put Squeeze({_shown(gone)}) before it"
        yield (
            said if len(gone) == 1 else said.replace("an axis of size 1 is no axis", "axes of size 1 are no axes"),
            (fault.before(SqueezeAxes(gone))),
        )
    if wanted == 4 and x.rank == 2 and isinstance(x.shape[1], int) and (side := isqrt(x.shape[1])) > 1:
        for channels in (1, 3):
            if (side := isqrt(x.shape[1] // channels)) ** 2 * channels == x.shape[1]:
                target = (channels, side, side) if first else (side, side, channels)
                what = f"an image of {side} x {side}" + (" in 3 channels" if channels == 3 else "")
                yield f"{what}: put Reshape({_shown(target)}) before it", fault.before(Reshape(target))


def _named(fault: Fault) -> tuple[str, Any, Any]:
    """The option that a fault is about, with what it is and its default; MISSING where there is none."""
    name = fault.found.field.rpartition(".")[2].partition("[")[0]
    kind: Kind = fault.kind
    item = next((item for item in fields(kind) if item.name == name), None)
    return (name, getattr(kind, name), item.default) if item else (name, MISSING, MISSING)


def _shown(values: tuple[Any, ...]) -> str:
    return option_text(values, per_axis=False)
