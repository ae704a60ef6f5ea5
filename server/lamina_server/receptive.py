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
    """Receptive field along one axis: elements seen, step between neighbours, centre of the first (None: depends).

    `of` is the axis of the Input that is seen, where it has another name than the axis here: after a Permute, a row
    may see columns.
    """

    size: int = 1
    jump: int = 1
    start: float | None = 0.0
    of: Role | None = None

    def through(self, window: Window) -> "Field":
        """The field after a window has slid over the axis."""
        before = window.before
        known = self.start is not None and isinstance(before, int)
        start = self.start + ((window.extent - 1) / 2 - before) * self.jump if known else None  # type: ignore[operator]
        return Field(self.size + (window.extent - 1) * self.jump, self.jump * window.stride, start, self.of)

    def renamed(self, old: Role, new: Role) -> "Field":
        """The same field, of an axis that has got a new name."""
        of = self.of or old
        return self if old is new else self._replace(of=None if of is new else of)


Fields = dict[Role, Field]


def fields_of_input(spec: Spec) -> Fields:
    """Every spatial axis of an Input sees itself."""
    return {axis.role: Field() for axis in spec.axes if axis.role in _SPATIAL}


def fields_after(
    branches: Sequence[tuple[Fields, Spec]], inputs: Sequence[Spec], done: Inference, *, first: bool
) -> Fields:
    """The fields after a layer; none for an axis whose outputs see all of it, or step unevenly, as branches may.

    `branches` are what those of its inputs see that look at an Input, and these inputs.

    An axis without a field stays without one, however many windows follow: what sees all of it goes on seeing all of
    it. Only the axes of an Input (`first`: the layer takes one) begin, and may have another name there.
    """
    if done.sees_all:
        return {}
    fields = branches[0][0] if len(branches) == 1 else _union([_named(*branch, branches[0][1]) for branch in branches])
    if not done.windows and not done.sees_along and not done.uneven and done.spec.axes == inputs[0].axes:
        return fields
    if done.windows:  # they cover every axis that a field can be along; what else there was is summed over
        windows, axes = [w for w in done.windows if w.role in _SPATIAL], inputs[0].axes
        found = [(w, _along(fields, axes[w.axis].role, w.role, first=first)) for w in windows]
        fields = {w.role: field.through(w) for w, field in found if field is not None}
    if "sees" not in done.kept:
        lost = {*done.sees_along, *done.uneven}
        done.kept["sees"] = {axis.role for i, axis in enumerate(done.spec.axes) if i not in lost}
    sees = done.kept["sees"]
    return {role: it for role, it in fields.items() if role in sees and it.size <= _MOST and it.jump <= _MOST}


def _along(fields: Fields, old: Role, new: Role, *, first: bool) -> Field | None:
    """The field along an axis that has a new name from here on."""
    if old in fields:
        return fields[old].renamed(old, new)
    return Field() if first else None


def _named(fields: Fields, x: Spec, as_first: Spec) -> Fields:
    """The fields of a branch by the names that its axes have in the first one: axes meet by their places."""
    if x.rank != as_first.rank or x.axes == as_first.axes:
        return fields
    names = {old.role: new.role for old, new in zip(x.axes, as_first.axes, strict=True)}
    return {names[role]: field.renamed(role, names[role]) for role, field in fields.items() if role in names}


def _union(branches: Sequence[Fields]) -> Fields:
    """Fields of a merge: the union where the branches step alike, nothing where they do not."""
    first, *rest = branches
    merged = dict(first)
    for other in rest:
        for role in list(merged):
            own, its = merged[role], other.get(role)
            if its is None or its.jump != own.jump or its.of is not own.of:
                del merged[role]
            else:
                merged[role] = _joined(own, its)
    return merged


def _joined(a: Field, b: Field) -> Field:
    if a.start is None or b.start is None:
        return Field(max(a.size, b.size), a.jump, None, a.of)
    low = min(a.start - (a.size - 1) / 2, b.start - (b.size - 1) / 2)
    high = max(a.start + (a.size - 1) / 2, b.start + (b.size - 1) / 2)
    return Field(int(high - low) + 1, a.jump, (low + high) / 2, a.of)
