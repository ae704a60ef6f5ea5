"""What follows from all layers together: memory alive at once, and the legal range of symbols."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lamina_server.dims import Dim, Size, evaluate, exact_div, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import MAX_INT, Inference
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import Spec
from lamina_server.records import LayerTrace, output_bytes


def per_sample(done: Inference, whole: Size) -> Inference:
    """The same with the costs of all rows that a Reshape folded into the batch axis, where `whole` are one sample's."""
    rows = exact_div(done.spec.folded, whole)
    if rows in (None, 0, 1):
        return done
    macs, adds = (
        cost and derive(f"folded * ({cost.text})", folded=rows, **cost.values) for cost in (done.macs, done.bias_adds)
    )
    return replace(done, macs=macs, bias_adds=adds)


def peak_bytes(layers: Sequence[LayerTrace], outputs: Sequence[str]) -> Size | None:
    """Most bytes alive at once when each tensor goes after its last use; None where sizes are not numbers."""
    nested = any(layer.layers for layer in layers)
    steps, alias = (list(_leaves(layers)), _aliases(layers)) if nested else (layers, {})
    last: dict[str, int] = {alias.get(ref, ref): i for i, layer in enumerate(steps) for ref in layer.sources}
    last.update((alias.get(ref, ref), len(steps)) for ref in outputs)
    ending: dict[int, int] = {}
    alive = peak = 0
    for i, layer in enumerate(steps):
        needed = _needed(layer.inputs, layer.done)
        if needed is None:
            return None
        given, padded, scratch = needed
        for ref, nbytes in zip(layer.refs, given, strict=True):
            alive += nbytes
            end = last.get(ref, i)
            ending[end] = ending.get(end, 0) + nbytes
        # Where pads cannot be attributes of the operator, the padded input is a tensor of its own.
        peak = max(peak, alive + scratch, padded)
        alive -= ending.pop(i, 0)
    return peak


def _needed(inputs: Sequence[Spec], done: Inference) -> tuple[list[int], int, int] | None:
    """Bytes of each output, of the padded input, and of what is made on the way; None where one is no number."""
    if "needed" not in done.kept:
        each = done.spec.dtype.nbytes
        given, padded, scratch = output_bytes(done), padded_elements(inputs, done), scratch_elements(done)
        known = all(isinstance(size, int) for size in (*given, padded, scratch))
        done.kept["needed"] = (given, padded * each, scratch * each) if known else None
    needed: tuple[list[int], int, int] | None = done.kept["needed"]
    return needed


def _leaves(layers: Sequence[LayerTrace]) -> Iterator[LayerTrace]:
    """The layers that compute; those that hold others, and the Inputs inside them, only pass tensors on."""
    for layer in layers:
        if layer.layers:
            yield from _leaves([inner for inner in layer.layers if not isinstance(inner.node.kind, Input)])
        else:
            yield layer


def _aliases(layers: Sequence[LayerTrace]) -> dict[str, str]:
    """For each tensor that is another one under a second name, the reference of that one."""
    same: dict[str, str] = {}
    for layer in layers:
        if not layer.layers:
            continue
        entries = (inner.refs[0] for inner in layer.layers if isinstance(inner.node.kind, Input))
        same.update((entry, same.get(ref, ref)) for entry, ref in zip(entries, layer.sources, strict=True))
        inner = _aliases(layer.layers)
        same.update((ref, same.get(real, real)) for ref, real in inner.items())
        same.update((ref, same.get(real, real)) for ref, real in zip(layer.refs, layer.results, strict=True))
    return same


def padded_elements(inputs: Sequence[Spec], done: Inference) -> Size:
    """Elements per sample of a layer's (first) input with all that its windows add to the ends; 0 without windows."""
    if not done.windows:
        return 0
    if "padded" not in done.kept:
        sizes = list(inputs[0].shape[1:])
        for window in done.windows:
            sizes[window.axis - 1] = sizes[window.axis - 1] + window.before + window.after + window.overrun
        done.kept["padded"] = product(sizes) * inputs[0].folded
    known: Size = done.kept["padded"]
    return known


def scratch_elements(done: Inference) -> Size:
    """Elements per sample of what a layer makes on its way; 0 where that is never the largest."""
    return done.scratch * done.spec.folded if done.scratch != 0 else 0


def symbol_ranges(layers: Sequence[LayerTrace]) -> dict[str, int]:
    """Smallest legal value of each symbol: every size that depends on it alone must be at least 1."""
    sizes = {
        size
        for x in layers
        for size in (*x.done.least_one, *(size for o in x.done.outputs for size in o.spec.shape[1:]))
        if isinstance(size, Dim) and len(size.symbols) == 1
    }
    names = sorted({name for size in sizes for name in size.symbols} - {"batch"})
    return {name: _smallest(name, [size for size in sizes if name in size.symbols]) for name in names}


def never_legal(layers: Sequence[LayerTrace], ranges: dict[str, int]) -> tuple[int, LayerError, str] | None:
    """The first layer that leaves nothing whatever a symbol is, by index and name, with the refusal; None for none."""
    for name in (name for name, least in ranges.items() if least > MAX_INT):
        for layer in layers:
            if symbol_ranges(list(layer.walk())).get(name, 1) > MAX_INT:
                text = f"would leave {layer.done.spec}: nothing at all, whatever {name} is"
                return layer.index, LayerError("EMPTY_RESULT", text), layer.name
    return None


def _smallest(name: str, sizes: Sequence[Dim]) -> int:
    """Least value from which all sizes are at least 1; sizes never fall when a symbol grows."""

    def legal(value: int) -> bool:
        return all(evaluate(size, {name: value}) >= 1 for size in sizes)

    high = 1
    while not legal(high) and high < 2**62:
        high *= 2
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if legal(middle) else (middle, high)
    return high
