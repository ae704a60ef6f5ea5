"""Receptive fields: how far back into the stack's inputs one output element looks, through windows and branches.

r' = r + (ke - 1) j, j' = j s, start' = start + ((ke - 1) / 2 - a) j (Araujo et al. 2019, distill 00021).
"""

from collections.abc import Sequence
from typing import NamedTuple

from lamina_server.layers.base import Inference, Window
from lamina_server.layers.tensors import Role, Spec

_MOST = (
    2**53
)  # elements a field may span: up to here its centre, a double, is exact; the message's integers end at 2^63
_SPATIAL = (Role.STEPS, Role.DEPTH, Role.HEIGHT, Role.WIDTH)


class Field(NamedTuple):
    """Receptive field along one axis: elements seen, step between neighbours, centre of the first (None: depends)."""

    size: int = 1
    jump: int = 1
    start: float | None = 0.0

    def through(self, window: Window) -> "Field":
        """The field after a window has slid over the axis."""
        before = window.before
        known = self.start is not None and isinstance(before, int)
        start = self.start + ((window.extent - 1) / 2 - before) * self.jump if known else None  # type: ignore[operator]
        return Field(self.size + (window.extent - 1) * self.jump, self.jump * window.stride, start)


Fields = dict[Role, Field]


def fields_of_input(spec: Spec) -> Fields:
    """Every spatial axis of an Input sees itself."""
    return {axis.role: Field() for axis in spec.axes if axis.role in _SPATIAL}


def fields_after(branches: Sequence[Fields], inputs: Sequence[Spec], done: Inference, *, first: bool) -> Fields:
    """The fields after a layer; none for an axis whose outputs see all of it, or step unevenly, as branches may.

    An axis without a field stays without one, however many windows follow: what sees all of it goes on seeing all of
    it. Only the axes of an Input (`first`: the layer takes one) begin, and may have another name there.
    """
    if done.sees_all:
        return {}
    fields = _union(branches) if len(branches) > 1 else branches[0]
    if not done.windows and not done.sees_along and not done.uneven and done.spec.axes == inputs[0].axes:
        return fields
    if done.windows:  # they cover every axis that a field can be along; what else there was is summed over
        axes, begun = inputs[0].axes, Field() if first else None
        found = [(w, fields.get(axes[w.axis].role, begun)) for w in done.windows if w.role in _SPATIAL]
        fields = {w.role: field.through(w) for w, field in found if field is not None}
    if "sees" not in done.kept:
        lost = {*done.sees_along, *done.uneven}
        done.kept["sees"] = {axis.role for i, axis in enumerate(done.spec.axes) if i not in lost}
    sees = done.kept["sees"]
    return {role: it for role, it in fields.items() if role in sees and it.size <= _MOST and it.jump <= _MOST}


def _union(branches: Sequence[dict[Role, Field]]) -> dict[Role, Field]:
    """Fields of a merge: the union where the branches step alike, nothing where they do not."""
    first, *rest = branches
    merged = dict(first)
    for other in rest:
        for role in list(merged):
            if role not in other or other[role].jump != merged[role].jump:
                del merged[role]
            else:
                merged[role] = _joined(merged[role], other[role])
    return merged


def _joined(a: Field, b: Field) -> Field:
    if a.start is None or b.start is None:
        return Field(max(a.size, b.size), a.jump, None)
    low = min(a.start - (a.size - 1) / 2, b.start - (b.size - 1) / 2)
    high = max(a.start + (a.size - 1) / 2, b.start + (b.size - 1) / 2)
    return Field(int(high - low) + 1, a.jump, (low + high) / 2)
