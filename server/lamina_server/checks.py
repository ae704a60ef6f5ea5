"""What the tracer holds an inferred layer to: the types of its weights, weights that are shared, what is expected."""

from collections.abc import Sequence
from dataclasses import replace

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.layers.base import Inference, Kind, Weight
from lamina_server.layers.tensors import DType, Spec


def typed(kind: Kind, inputs: Sequence[Spec], done: Inference) -> Inference:
    """Gives the weights the type that the layer computes in."""
    dtype = kind.computes_in(inputs)
    if dtype is DType.FLOAT32 or not done.weights:
        return done
    typed = (w._replace(dtype=dtype) if w.dtype is DType.FLOAT32 else w for w in done.weights)
    return replace(done, weights=tuple(typed))


def check_shared(owner: str, kept: Sequence[Weight] | None, needed: Sequence[Weight], *, inside: bool) -> None:
    """Raises LayerError where a layer cannot use the weights that another one has."""
    if kept is None:
        raise _unshared(f"shares the weights of {owner}, but there is no such layer")
    if not needed and not kept:
        if inside:
            return
        raise _unshared(f"has no weights to share with {owner}: leave weights_of out")
    there = {weight.name: weight for weight in kept}
    for weight in needed:
        other = there.pop(weight.name, None)
        if other is None:
            raise _unshared(f"shares the weights of {owner}, which has no {weight.name}")
        if (other.shape, other.dtype) != (weight.shape, weight.dtype):
            raise _unshared(
                f"shares the weights of {owner}, whose {weight.name} is {other.dtype} ({_listed(other.shape)}); "
                f"it needs {weight.dtype} ({_listed(weight.shape)})"
            )
    if there:
        raise _unshared(f"shares the weights of {owner}, which has more than it needs: {', '.join(sorted(there))}")


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
