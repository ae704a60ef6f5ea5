"""Derivations into words: the one place where sentences about a layer are put together."""

from itertools import groupby

from lamina_server.layers.base import Derivation, grouped, plural
from lamina_server.layers.tensors import Role
from lamina_server.records import LayerTrace


def explain(layer: LayerTrace) -> str:
    """Why a layer's output looks as it does: one paragraph for each axis, one for the parameters. Notes stand apart."""
    done = layer.done
    parts = [_paragraph(list(rows)) for _, rows in groupby(done.derivations, key=lambda row: row.reason)]
    parts = parts or [_upper(f"{done.how}.")]
    parts.append(" ".join(filter(None, (parameters(layer), *done.sentences))))
    return "\n".join(filter(None, parts))


def how(layer: LayerTrace) -> str:
    """One line: `steps 128 - 10 + 1 = 119`."""
    if layer.done.how:
        return layer.done.how
    moved = [row for row in layer.done.derivations if row.role is not Role.CHANNELS or len(layer.done.derivations) == 1]
    return ", ".join(map(_arithmetic, moved))


def parameters(layer: LayerTrace) -> str:
    """What a count is made of: `Each filter has 5 x 1 weights and a bias: 32 x (5 x 1 + 1) = 192 parameters.`"""
    params = layer.done.params
    if params is None:
        return ""
    frozen = sum(weight.size for weight in layer.done.weights if not weight.trainable)
    rest = f", {grouped(frozen)} of them not trained" if frozen else ""
    total = plural(params.value, "parameter")
    arithmetic = times(params.substitution)
    shown = total if arithmetic == str(params.value) else f"{arithmetic} = {total}"
    return f"{layer.done.params_reason}: {shown}{rest}."


def times(arithmetic: str) -> str:
    """Arithmetic as people write it: x for *."""
    return arithmetic.replace(" * ", " x ")


def _paragraph(rows: list[Derivation]) -> str:
    """Axes that have the same reason, and the reason."""
    return f"{'; '.join(map(_head, rows))}. {rows[0].reason}".rstrip()


def _head(row: Derivation) -> str:
    name, result, arithmetic = _axis(row), row.derived.value, row.derived.substitution
    if row.before is None:
        head = f"{name} {'is ' if row.role is Role.NONE else ''}{grouped(result)}"
    elif row.before == result:
        head = f"{name} {'stay' if name.endswith('s') else 'stays'} {grouped(result)}"
    else:
        head = f"{name} {grouped(row.before)} -> {grouped(result)}"
    computed = any(sign in arithmetic for sign in "+*/") and arithmetic != str(result)
    return f"{head}: {times(arithmetic)} = {grouped(result)}" if computed and arithmetic not in row.reason else head


def _arithmetic(row: Derivation) -> str:
    text = times(row.derived.substitution)
    axis = f"{_axis(row)} is" if row.role is Role.NONE else _axis(row)
    return f"{axis} {text}" if text == str(row.derived.value) else f"{axis} {text} = {grouped(row.derived.value)}"


def _axis(row: Derivation) -> str:
    return row.role.value if row.role is not Role.NONE else f"axis {row.axis}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
