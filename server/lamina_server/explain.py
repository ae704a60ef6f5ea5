"""Derivations into words: the one place where sentences about a layer are put together."""

from lamina_server.layers.base import Derivation, grouped
from lamina_server.layers.tensors import Role
from lamina_server.records import LayerTrace


def explain(layer: LayerTrace) -> str:
    """Why a layer's output looks as it does: one paragraph for each axis, one for the parameters. Notes stand apart."""
    done = layer.done
    parts = [_derivation(row) for row in done.derivations] or [_upper(f"{done.how}.")]
    if len({part.split(". ", 1)[-1] for part in parts}) == 1 and len(parts) > 1:  # one reason for several axes
        parts = ["; ".join(part.split(". ", 1)[0] for part in parts) + ". " + parts[0].split(". ", 1)[1]]
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
    return f"{layer.done.params_reason}: {times(params.substitution)} = {grouped(params.value)} parameters{rest}."


def times(arithmetic: str) -> str:
    """Arithmetic as people write it: x for *."""
    return arithmetic.replace(" * ", " x ")


def _derivation(row: Derivation) -> str:
    name, result, arithmetic = _axis(row), row.derived.value, row.derived.substitution
    if row.before is None:
        head = f"{name} {grouped(result)}"
    elif row.before == result:
        head = f"{name} stay {grouped(result)}" if name.endswith("s") else f"{name} stays {grouped(result)}"
    else:
        head = f"{name} {grouped(row.before)} -> {grouped(result)}"
    if any(c in arithmetic for c in "+*/") and arithmetic != str(result) and arithmetic not in row.reason:
        head += f": {times(arithmetic)} = {grouped(result)}"
    return f"{head}. {row.reason}".rstrip()


def _arithmetic(row: Derivation) -> str:
    text = times(row.derived.substitution)
    return (
        f"{_axis(row)} {text}"
        if text == str(row.derived.value)
        else f"{_axis(row)} {text} = {grouped(row.derived.value)}"
    )


def _axis(row: Derivation) -> str:
    return row.role.value if row.role is not Role.NONE else f"axis {row.axis}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
