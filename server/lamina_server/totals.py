"""What follows from all layers together: memory alive at once, and the legal range of symbols."""

from collections.abc import Sequence

from lamina_server.dims import Dim, Size, evaluate, product
from lamina_server.layers.base import Inference
from lamina_server.layers.tensors import Spec
from lamina_server.records import LayerTrace


def peak_bytes(layers: Sequence[LayerTrace], outputs: Sequence[str]) -> Size | None:
    """Most bytes alive at once when each tensor goes after its last use; None where sizes are not numbers."""
    last: dict[str, int] = {source: layer.index for layer in layers for source in layer.sources}
    last.update(dict.fromkeys(outputs, len(layers)))
    ending: dict[int, int] = {}
    alive = peak = 0
    for layer in layers:
        for ref, output in zip(layer.refs, layer.done.outputs, strict=True):
            nbytes = output.spec.elements * output.spec.dtype.nbytes
            if not isinstance(nbytes, int):
                return None
            alive += nbytes
            end = last.get(ref, layer.index)
            ending[end] = ending.get(end, 0) + nbytes
        inner = inner_elements(layer.inputs, layer.done)
        if not isinstance(inner, int):
            return None
        # Where pads cannot be attributes of the operator, the padded input is a tensor of its own.
        nbytes = inner * layer.done.spec.dtype.nbytes
        peak = max(peak, alive, nbytes if layer.done.windows else alive + nbytes)
        alive -= ending.pop(layer.index, 0)
    return peak


def inner_elements(inputs: Sequence[Spec], done: Inference) -> Size:
    """Elements per sample that a layer holds besides its inputs and outputs.

    With windows it is the (first) input with all that they add to the ends.
    """
    if not done.windows:
        return done.scratch
    sizes = list(inputs[0].shape[1:])
    for window in done.windows:
        sizes[window.axis - 1] = sizes[window.axis - 1] + window.before + window.after + window.overrun
    return product(sizes)


def symbol_ranges(layers: Sequence[LayerTrace]) -> dict[str, int]:
    """Smallest legal value of each symbol: every size that depends on it alone must be at least 1."""
    sizes = {
        size
        for x in layers
        for o in x.done.outputs
        for size in o.spec.shape[1:]
        if isinstance(size, Dim) and len(size.symbols) == 1
    }
    names = sorted({name for size in sizes for name in size.symbols} - {"batch"})
    return {name: _smallest(name, [size for size in sizes if name in size.symbols]) for name in names}


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
