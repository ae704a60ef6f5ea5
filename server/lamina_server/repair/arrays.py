"""The caller's arrays against what the Inputs declare: what is wrong, and what makes it right."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from lamina_server.errors import InvalidRequestError, LaminaError, StackError
from lamina_server.layers.base import plural
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType, Role, Spec
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis, LayerTrace, Trace
from lamina_server.repair.steps import (
    ArrayStep,
    CastArray,
    DropAxis,
    ExpandArray,
    Fix,
    MoveAxes,
    ReplaceNode,
    apply,
    reshaped,
)
from lamina_server.trace import trace
from lamina_server.words import nearest, shortened

MOST = 3


def match_names(found: Trace, given: Sequence[str], path: str) -> list[str]:
    """Which Input each array is for; an empty name means the only one.

    Raises InvalidRequestError for an unknown or missing name, or a nameless array among several Inputs.
    """
    names = [layer.name for layer in found.inputs]
    if list(given) == [""] and len(names) == 1:
        return names
    for i, name in enumerate(given):
        if name not in names:
            what = f"{path}[{i}] is for {shortened(name)}, which is no Input of this stack; {nearest(name, names)}"
            raise InvalidRequestError(what, reason="UNKNOWN_INPUT", field=f"{path}[{i}].name")
    missing = [name for name in names if name not in given]
    if missing:
        raise InvalidRequestError(
            f"Nothing is given for {', '.join(missing)}: the stack has {plural(len(names), 'Input')}, "
            f"{', '.join(names)}.",
            reason="MISSING_INPUT",
            field=path,
        )
    return list(given)


def check_arrays(
    found: Trace,
    shapes: Mapping[str, Sequence[int]],
    limits: Limits,
    dtypes: Mapping[str, DType] | None = None,
    path: str = "inputs",
) -> None:
    """Raises StackError, with fixes, for the first array that does not fit its Input.

    Raises InvalidRequestError where the arrays have different batch sizes.
    """
    for layer in found.inputs:
        shape, spec = tuple(shapes[layer.name]), layer.done.spec
        if not _fits(shape, spec):
            where = f"{path}[{list(shapes).index(layer.name)}].shape"
            raise StackError(_diagnosis(found, layer, shape, limits, where))
        dtype = dtypes[layer.name] if dtypes else spec.dtype
        if dtype is not spec.dtype:
            message = f"{layer.name} is fed {dtype.value}; it declares {spec.dtype.value}."
            fix = Fix(
                f"convert the array to {spec.dtype.value}",
                f"{layer.name}: {spec}",
                (),
                (CastArray(layer.name, spec.dtype),),
            )
            raise StackError(
                Diagnosis(
                    "DTYPE_MISMATCH",
                    message,
                    f"{path}[{list(shapes).index(layer.name)}].data_type",
                    layer.name,
                    "Input",
                    layer.index,
                    fixes=[fix],
                )
            )
    batches = {layer.name: shapes[layer.name][0] for layer in found.inputs}
    if len(set(batches.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in batches.items())
        raise InvalidRequestError(
            f"The inputs have different batch sizes: {listed}.", reason="BATCH_MISMATCH", field=path
        )


def looked_up(found: Trace) -> dict[str, tuple[str, int]]:
    """The Inputs whose numbers choose rows: for each the layer with the fewest rows, and how many these are."""
    bounds: dict[str, tuple[str, int]] = {}
    inputs = {layer.name for layer in found.inputs}
    for layer in found.layers:
        rows, source = layer.node.kind.rows, next(iter(layer.sources), "")
        if rows is not None and source in inputs and rows < bounds.get(source, ("", rows + 1))[1]:
            bounds[source] = (layer.name, rows)
    return bounds


def check_indices(bounds: Mapping[str, tuple[str, int]], arrays: Mapping[str, Any], path: str = "inputs") -> None:
    """Raises InvalidRequestError for the first number that chooses a row which is not there; see `looked_up`."""
    for name, (layer, rows) in bounds.items():
        array = arrays[name]
        if not array.size or (-rows <= int(array.min()) and int(array.max()) < rows):
            continue
        place = tuple(map(int, np.argwhere((array < -rows) | (array >= rows))[0]))
        raise InvalidRequestError(
            f"{name}{list(place)} is {array[place]}, but {layer} has {plural(rows, 'row')}: its ids are 0 to "
            f"{rows - 1}, and {-rows} to -1 count from the end.",
            reason="INDEX_OUT_OF_RANGE",
            field=f"{path}[{list(arrays).index(name)}]",
            facts={"layer": layer, "index": array[place], "minimum": -rows, "maximum": rows - 1},
        )


def _fits(shape: Sequence[int], spec: Spec) -> bool:
    return len(shape) == spec.rank and all(
        not isinstance(want, int) or want == size for want, size in zip(spec.shape[1:], shape[1:], strict=True)
    )


def _diagnosis(found: Trace, layer: LayerTrace, shape: tuple[int, ...], limits: Limits, where: str) -> Diagnosis:
    spec = layer.done.spec
    roles = tuple(axis.role for axis in spec.axes)
    message = f"{layer.name} takes {spec}. It is fed an array of shape {_tuple(shape)}: {_difference(shape, spec)}."
    facts: dict[str, object] = {"got": _tuple(shape), "expected": str(spec)}
    diagnosis = Diagnosis(
        "ARRAY_MISMATCH", message, where, layer.name, "Input", layer.index, {layer.name: spec}, roles, facts
    )
    fixes = [fix for fix in _array_fixes(layer.name, shape, spec) if _fits(_after(shape, fix), spec)]
    fixes += _declared_fixes(found, layer, shape, limits)
    diagnosis.fixes = fixes[:MOST]
    return diagnosis


def _difference(shape: tuple[int, ...], spec: Spec) -> str:
    gap = spec.rank - len(shape)
    if gap == 1 and _fits((1, *shape), spec):
        return "the batch axis is missing"
    if gap:
        what = "one axis is" if abs(gap) == 1 else f"{abs(gap)} axes are"
        return f"{what} {'missing' if gap > 0 else 'too many'}"
    wrong = [
        (axis, size)
        for axis, size in zip(spec.axes[1:], shape[1:], strict=True)
        if isinstance(axis.size, int) and axis.size != size
    ]
    names = ", ".join(
        f"{axis.role.value if axis.role is not Role.NONE else 'an axis'} {size} instead of {axis.size}"
        for axis, size in wrong
    )
    return f"it has {names}"


def _array_fixes(name: str, shape: tuple[int, ...], spec: Spec) -> Iterator[Fix]:
    rank = spec.rank
    if len(shape) == rank - 1:
        yield _fix("the array is one sample: add the batch axis in front, x[None]", name, spec, ExpandArray(name, 0))
        for axis in range(rank - 1, 0, -1):
            if spec.shape[axis] == 1:
                yield _fix(
                    f"one {_one(spec.axes[axis].role)}: add an axis of size 1 at {axis}",
                    name,
                    spec,
                    ExpandArray(name, axis),
                )
    if len(shape) == rank + 1:
        for axis, size in enumerate(shape):
            if size == 1:
                yield _fix(f"axis {axis} holds a single element: drop it", name, spec, DropAxis(name, axis))
    if len(shape) == rank and rank <= 5:
        for axes in permutations(range(1, rank)):
            if axes != tuple(range(1, rank)) and _fits(reshaped(shape, MoveAxes(name, (0, *axes))), spec):
                named = ", ".join(axis.role.value for axis in spec.axes)
                yield _fix(
                    f"the axes stand in another order than {named}: transpose them, x.transpose{(0, *axes)}",
                    name,
                    spec,
                    MoveAxes(name, (0, *axes)),
                )


def _declared_fixes(found: Trace, layer: LayerTrace, shape: tuple[int, ...], limits: Limits) -> list[Fix]:
    """Fixes of the stack: an Input that declares what the array has, the first axis being the batch."""
    fixes = []
    for rest, title in _declarations(shape, layer.done.spec):
        kind = layer.node.kind
        assert isinstance(kind, Input)
        step = ReplaceNode(layer.index, layer.node._replace(kind=Input(rest, kind.dtype)))
        try:
            result = trace(apply(found.stack, [step]), limits)
        except LaminaError:
            continue
        last = result.layers[-1]
        fixes.append(Fix(title, f"{last.name}: {last.done.spec}", (step,)))
    return fixes


def _declarations(shape: tuple[int, ...], spec: Spec) -> Iterator[tuple[tuple[int, ...], str]]:
    if shape and shape == spec.shape[1:]:
        yield (
            shape[1:],
            (
                f"{shape[0]} is the number of samples: an Input leaves the batch axis out, "
                f"so declare Input({_tuple(shape[1:])})"
            ),
        )
    elif len(shape) > 1:
        yield shape[1:], f"declare what the array has: Input({_tuple(shape[1:])}), {plural(shape[0], 'sample')}"


def _after(shape: tuple[int, ...], fix: Fix) -> tuple[int, ...]:
    for step in fix.array_steps:
        shape = reshaped(shape, step)
    return shape


def _fix(title: str, name: str, spec: Spec, *steps: ArrayStep) -> Fix:
    return Fix(title, f"{name}: {spec}", (), steps)


def _one(role: Role) -> str:
    return role.value.removesuffix("s") if role is not Role.NONE else "element"


def _tuple(sizes: Sequence[int]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"
