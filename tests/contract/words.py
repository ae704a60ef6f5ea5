"""Checks of what a sentence says: its plurals, and that every number in it comes from the trace."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any

from lamina_server.dims import Dim
from lamina_server.formula import Derived
from lamina_server.layers.tensors import Spec
from lamina_server.records import LayerTrace

# "1 steps", "1 zeros are added", but not "5 x 1 weights" or "3 + 1 weights", where 1 is a factor or a term.
_ONE_OF_MANY = re.compile(
    r"(?<![\w.,+*/x-] )(?<![\w.=-])1 (?!is\b|axis\b|new axis\b|x\b|this\b)(?:[a-z]+ )?([a-z]{2,}[^s\W]s)\b(?! the\b)"
)
_MANY_OF_ONE = re.compile(
    r"(?<![x+*/-] )\b(?:[02-9]|[1-9]\d+) "
    r"(step|channel|filter|zero|row|column|slice|window|weight|parameter|number|unit|value|copy|tensor|position)\b"
)
_IS = re.compile(r"\b(?:[02-9]|[1-9]\d+) [a-z]+s is\b|\b1 [a-z]+ are\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[  ]\d{3})*(?:\.\d+)?(?![\w])")
_EQUATION = re.compile(r"([\d(][\d ()+*/x-]*|(?:floor|ceil)\([\d ()+*/x-]+\)(?: \+ 1)?) = (\d+(?: \d{3})*)")


def faults(text: str) -> list[str]:
    """Every disagreement of number and noun in a text."""
    return [match[0] for pattern in (_ONE_OF_MANY, _MANY_OF_ONE, _IS) for match in pattern.finditer(text)]


def strange_numbers(text: str, known: Iterable[float]) -> list[str]:
    """The numbers in a text that are neither known nor the right result of arithmetic in it over known ones."""
    allowed = {*map(abs, known), 0, 1}  # the sign is not part of what is found
    for arithmetic, result in _EQUATION.findall(text):
        if set(map(_read, _NUMBER.findall(arithmetic))) <= allowed and _computed(arithmetic) == _read(result):
            allowed.add(_read(result))
    return [number for number in _NUMBER.findall(text) if _read(number) not in allowed]


def numbers_of(layer: LayerTrace) -> set[float]:
    """Every number that a trace of a layer holds as a field."""
    done = layer.done
    found = set(_walk((layer.node.kind, layer.inputs, done.outputs, done.weights, done.windows)))
    for derived in (*(row.derived for row in done.derivations), done.params, done.macs):
        if derived is not None:
            found |= set(_walk((derived, _constants(derived))))
    found |= {float(row.axis) for row in done.derivations}
    for window in done.windows:
        found |= set(_walk((window.before + window.after, window.stride - 1, window.stride - window.extent)))
    found |= {float(step - 1) for step in getattr(layer.node.kind, "strides", ())}  # zeros between what is spread
    found |= {float(spec.elements) for spec in layer.inputs if isinstance(spec.elements, int)}
    found |= {float(prod(weight.shape[:-1])) for weight in done.weights}
    found |= {float(sum(weight.size for weight in done.weights if not weight.trainable)), float(len(layer.inputs))}
    found.add(float(len(done.outputs)))
    return found


def _constants(derived: Derived) -> list[int]:
    return [int(number) for number in re.findall(r"(?<![\w.])\d+", derived.text)]


def _walk(value: Any) -> Iterator[float]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, Dim):
        yield from (float(number) for number in re.findall(r"\d+", value.text))
    elif isinstance(value, Derived):
        yield from _walk((value.value, list(value.values.values())))
    elif isinstance(value, Spec):
        yield from _walk(value.shape)
    elif isinstance(value, Mapping):
        yield from _walk(list(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _walk([getattr(value, item.name) for item in fields(value)])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item)


def _read(number: str) -> float:
    return float(re.sub(r"\s", "", number))


def _computed(arithmetic: str) -> float | None:
    """Value of arithmetic as answers write it; None where it is not arithmetic."""
    text = re.sub(r"(?<=\d) (?=\d{3}\b)", "", arithmetic).replace(" x ", " * ")
    text = re.sub(r"floor\(((?:[^()]|\([^()]*\))*) / (\d+)\)", r"((\1) // \2)", text)
    text = re.sub(r"ceil\(((?:[^()]|\([^()]*\))*) / (\d+)\)", r"-(-(\1) // \2)", text)
    try:
        return float(eval(text, {"__builtins__": {}}))
    except (SyntaxError, NameError):
        return None
