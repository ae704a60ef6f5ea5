"""What the tracer holds stacks and layers to: names, types of weights, weights that are shared, what is expected."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lamina_server.dims import Size
from lamina_server.errors import LayerError, StackError
from lamina_server.layers.base import Inference, Kind, Weight
from lamina_server.layers.tensors import DType, Spec
from lamina_server.records import Diagnosis, LayerTrace, owned
from lamina_server.stack import NAME, NAME_RULE, Stack
from lamina_server.words import brief, shortened


def typed(kind: Kind, inputs: Sequence[Spec], done: Inference) -> Inference:
    """Gives the weights the type that the layer computes in."""
    dtype = kind.computes_in(inputs)
    if dtype is DType.FLOAT32 or not done.weights:
        return done
    typed = (w._replace(dtype=dtype) if w.dtype is DType.FLOAT32 else w for w in done.weights)
    return replace(done, weights=tuple(typed))


def check_batch(inputs: Sequence[Spec]) -> None:
    """Raises LayerError where tensors meet whose batch axes differ, because rows were folded into one of them.

    One of a known size, such as 1, is left to the layer, which may broadcast it.
    """
    first: tuple[int, Size] | None = None
    for i, x in enumerate(inputs, 1):
        size = x.axes[0].size
        if isinstance(size, int):
            continue
        first = first or (i, size)
        if size != first[1]:
            raise LayerError(
                "SIZE_MISMATCH",
                f"brings together batch axes of {first[1]} ({{input_{first[0]}}}) and {size} ({{input_{i}}}): fold "
                "both alike, or neither, by Reshape(include_batch=True)",
                field="inputs",
            )


def check_whole(stack: Stack, what: str, path: str) -> None:
    """Raises StackError for what is wrong with a stack, or a block, as a whole: no layers, no Input, names."""
    if not stack.nodes:
        message = f"{what} has no layers; it needs at least an Input and one layer."
        raise StackError(Diagnosis("EMPTY_STACK", message, f"{path}.layers"))
    if not any(True for _ in stack.inputs()):
        message = f"{what} has no Input, so no shape to start from: put an Input(shape) first."
        raise StackError(Diagnosis("NO_INPUT", message, f"{path}.layers"))
    check_names([node.name for node in stack.nodes], f"{path}.layers")


def check_names(names: Sequence[str | None], path: str) -> None:
    """Raises StackError for a name that is none, or that comes twice; `path` is that of the list they stand in."""
    what, first = path.removeprefix("stack."), dict[str, int]()
    for i, name in enumerate(names):
        if name is None:
            continue
        if not NAME.fullmatch(name):
            message = f"{what}[{i}] is named {shortened(name)}; {NAME_RULE}."
            raise StackError(Diagnosis("BAD_NAME", message, f"{path}[{i}].name"))
        if name in first:
            message = f'{what}[{first[name]}] and {what}[{i}] are both named "{name}"; names must differ.'
            raise StackError(Diagnosis("DUPLICATE_NAME", message, f"{path}[{i}].name"))
        first[name] = i


def check_shared(owner: str, kept: Sequence[Weight] | None, needed: Sequence[Weight]) -> None:
    """Raises LayerError where a layer cannot use the weights that another one has; None: there is no such layer."""
    if kept is None:
        raise _unshared(f"shares the weights of {brief(owner)}, which is no layer with weights of its own")
    owner, there = brief(owner), {weight.name: weight for weight in kept}
    for weight in needed:
        other = there.get(weight.name)
        if other is None:
            raise _unshared(f"shares the weights of {owner}, which has no {weight.name}")
        if (other.shape, other.dtype) != (weight.shape, weight.dtype):
            raise _unshared(
                f"shares the weights of {owner}, whose {weight.name} is {other.dtype} ({_listed(other.shape)}); "
                f"it needs {weight.dtype} ({_listed(weight.shape)})"
            )


def check_sharing(other: LayerTrace, used: Iterable[str]) -> None:
    """Raises LayerError where a layer that shares the weights of another does not use all, of those inside it too."""
    there = [name for name, _ in owned(other.walk())]
    if not there:
        raise _unshared(f"has no weights to share with {brief(other.name)}: leave weights_of out")
    more = sorted({*there} - {*used})
    if more:
        named = ", ".join(map(brief, more[:3]))
        raise _unshared(f"shares the weights of {brief(other.name)}, which has more than it needs: {named}")


def _unshared(text: str) -> LayerError:
    return LayerError("WEIGHTS_DIFFER", text, field="weights_of")


def check_expected(expect: Sequence[Size], spec: Spec) -> None:
    """Raises LayerError where a shape is not the one that was to come out."""
    found = spec.shape[1:]
    if len(found) == len(expect) and all(
        str(want) in ("?", str(size)) for want, size in zip(expect, found, strict=True)
    ):
        return
    raise LayerError(
        "EXPECTATION_NOT_MET",
        f"is expected to give ({_listed(expect)}) but gives ({_listed(found)}): {spec}",
        field="expect",
        expected_shape=_listed(expect),
        found_shape=_listed(found),
    )


def _listed(sizes: Sequence[Size]) -> str:
    return ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "")
