"""Adaptive pools: the output length is given, the windows follow from it.

Output i of o over an axis of n takes positions floor(i n / o) up to ceil((i + 1) n / o), the last left out (the PyTorch
text of AdaptiveAvgPool2d; Keras' layers are the same).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np

from lamina_server.dims import Size, ceil_div, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Window,
    option,
    plural,
    require_rank,
    single,
)
from lamina_server.layers.convolution.conv import placed
from lamina_server.layers.graph import ELEMENT, Graph, Value
from lamina_server.layers.tensors import SPATIAL, DType, Layout, Role, Spec, spatial_roles
from lamina_server.layers.windows import NOUN

_MOST_LISTED = 4096  # length and bins of an axis whose bins a model lists; longer ones it computes


class _AdaptivePool(Kind):
    """What both share; the fields are theirs."""

    output_size: tuple[int, ...]
    data_format: Layout | None
    label: ClassVar[str]
    verb: ClassVar[str]
    ops: ClassVar[tuple[str, str]]  # over windows, over whole axes

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        rank = len(self.output_size)
        if rank not in SPATIAL:
            text = f"output_size has {plural(rank, 'size')}; there must be 1, 2 or 3"
            raise LayerError("BAD_RANK", text, field="output_size")
        x, layout = inputs[0], self.data_format or layout
        require_rank(x, spatial_roles(rank, layout))
        first = 2 if layout is Layout.CHANNELS_FIRST else 1
        rows = tuple(self._row(first + i, SPATIAL[rank][i], x.shape[first + i], i) for i in range(rank))
        windows = {row.axis: _window(row) for row in rows}
        return Inference(
            single(placed(x, layout, rows)),
            f"{self.label}{rank}D",
            rows,
            tuple(window for window in windows.values() if window),
            # One output sees the whole axis; bins that are not alike have no one field.
            sees_along=tuple(axis for axis, window in windows.items() if not window),
            scratch=_scratch(x, rows),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, rows = inputs[0], [row for row in done.derivations if row.before != row.derived.value]
        name, order, (pool, reduce) = x.name, x.order, self.ops
        even = {row.axis: window.extent for row in rows if (window := _window(row))}
        if even:
            order = graph.spatial_order(x.spec, self.data_format or graph.layout)
            kernel = [even.get(axis, 1) for axis in order[2:]]
            name = graph.node(pool, [graph.arrange(x, order)], kernel_shape=kernel, strides=kernel)
        whole = [order.index(row.axis) for row in rows if row.derived.value == 1]
        if whole:
            name = graph.node(reduce, [name, graph.ints(sorted(whole))], keepdims=1)
        for row in rows:
            if row.derived.value != 1 and row.axis not in even:
                name = self._binned(graph, Value(name, order, done.spec), row)
        return [Value(name, order, done.spec)]

    def _row(self, axis: int, role: Role, n: Size, i: int) -> Derivation:
        o, noun = self.output_size[i], NOUN[role]
        if o == 0:
            return Derivation(axis, role, n, derive("L", L=n), "output_size=0 keeps the length.")
        reason = f"Each is the {self.verb} of "
        if o == 1:
            reason = f"The {self.verb} of all of it, however long it is."
        elif isinstance(n, int) and n % o == 0:
            reason += f"{n} / {o} = {plural(n // o, noun)}."
        else:
            reason += f"{noun}s floor(i x {n} / {o}) up to ceil((i + 1) x {n} / {o}), the last left out"
            reason += f": {_lengths(n, o, noun)}." if isinstance(n, int) else "."
        return Derivation(axis, role, n, derive("output_size", output_size=o), reason)

    def _binned(self, graph: Graph, x: Value, row: Derivation) -> str:
        """Each bin's positions side by side, as many as the longest may have, reduced."""
        n, o, place = row.before, row.derived.value, x.physical(row.axis)
        assert n is not None and isinstance(o, int)
        if isinstance(n, int) and n + o <= _MOST_LISTED:
            index, shares = _listed(graph, n, o, x.spec.dtype)
        else:
            index, shares = _computed(graph, n, o, x.spec.dtype)
        return self.join(graph, graph.node("Gather", [x.name, index], axis=place), shares, place, x.spec)

    def join(self, graph: Graph, parts: str, shares: str, place: int, spec: Spec) -> str:
        """Reduces the positions of each bin, which lie behind `place`; `shares` is what each has in the bin's mean."""
        raise NotImplementedError


@dataclass(frozen=True)
class AdaptiveAveragePool(_AdaptivePool):
    """The mean of as many bins as are asked for: (batch, spatial..., channels) -> (batch, output_size..., channels).

    Bin i of o over an axis of n has positions floor(i n / o) to ceil((i + 1) n / o) - 1, so any length is admitted.
    """

    output_size: tuple[int, ...] = option(
        "output length for each spatial axis; 0 keeps the length (PyTorch's None)", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    masking = "drops"
    sdk = (
        Sdk("AdaptiveAveragePooling1D", 1),
        Sdk("AdaptiveAveragePooling2D", 2),
        Sdk("AdaptiveAveragePooling3D", 3),
    )
    in_torch = ("nn.AdaptiveAvgPool1d", "nn.AdaptiveAvgPool2d", "nn.AdaptiveAvgPool3d")
    label, verb, ops = "AdaptiveAveragePooling", "mean", ("AveragePool", "ReduceMean")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return _examples(cls)

    def join(self, graph: Graph, parts: str, shares: str, place: int, spec: Spec) -> str:
        if place < spec.rank - 1:
            shares = graph.node("Unsqueeze", [shares, graph.ints(range(2, spec.rank - place + 1))])
        return graph.node("ReduceSum", [graph.node("Mul", [parts, shares]), graph.ints([place + 1])], keepdims=0)


@dataclass(frozen=True)
class AdaptiveMaxPool(_AdaptivePool):
    """The largest of as many bins as are asked for: (batch, spatial..., channels) -> (batch, output_size..., channels).

    Bins as AdaptiveAveragePool.
    """

    output_size: tuple[int, ...] = option(
        "output length for each spatial axis; 0 keeps the length (PyTorch's None)", minimum=0
    )
    data_format: Layout | None = option("where the channel axis stands; the stack's layout where not given", None)

    masking = "drops"
    sdk = (Sdk("AdaptiveMaxPooling1D", 1), Sdk("AdaptiveMaxPooling2D", 2), Sdk("AdaptiveMaxPooling3D", 3))
    in_torch = ("nn.AdaptiveMaxPool1d", "nn.AdaptiveMaxPool2d", "nn.AdaptiveMaxPool3d")
    label, verb, ops = "AdaptiveMaxPooling", "maximum", ("MaxPool", "ReduceMax")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return _examples(cls)

    def join(self, graph: Graph, parts: str, shares: str, place: int, spec: Spec) -> str:
        return graph.node("ReduceMax", [parts, graph.ints([place + 1])], keepdims=0)


def _examples(cls: type[AdaptiveAveragePool | AdaptiveMaxPool]) -> tuple[Example, ...]:
    return (
        Example(cls((7,)), ((13, 3),)),
        Example(cls((3, 2)), ((2, 9, 5),), Layout.CHANNELS_FIRST),
        Example(cls((1, 0)), ((4, 5, 2),)),
        Example(cls((1, 1, 1)), ((4, 3, 2, 2),)),
        Example(cls((5, 2, 3)), ((4, 6, 7, 2),)),
    )


def _window(row: Derivation) -> Window | None:
    """The window of an axis whose bins are alike and no whole axis; None for another."""
    n, o = row.before, row.derived.value
    if n == o and n != 1:
        return Window(row.axis, row.role, 1, 1, 0, 0)
    if not isinstance(n, int) or not isinstance(o, int) or o == 1 or n % o:
        return None
    return Window(row.axis, row.role, n // o, n // o, 0, 0)


def _lengths(n: int, o: int, noun: str) -> str:
    """How long the bins are, where o does not divide n."""
    more = " or one more" if n % o > gcd(n, o) else ""
    return f"ceil({n} / {o}) = {plural(ceil_div(n, o), noun)}{more}, and neighbours share some"


def _scratch(x: Spec, rows: Sequence[Derivation]) -> Size:
    """Elements of the largest tensor of bins side by side; 0 where there is none, or sizes are not numbers."""
    sizes, largest = list(x.shape[1:]), 0
    for row in rows:
        n, o = row.before, row.derived.value
        if not isinstance(n, int) or not isinstance(o, int):
            continue
        if not _window(row) and o != 1:
            wide = product([*sizes[: row.axis - 1], o * (ceil_div(n, o) + 1), *sizes[row.axis :]])
            largest = max(largest, wide) if isinstance(wide, int) else largest
        sizes[row.axis - 1] = o
    return largest


def _listed(graph: Graph, n: int, o: int, dtype: DType) -> tuple[str, str]:
    """The positions of each bin, its last one again where it has fewer than the longest, and their shares in its mean.

    Both have a row for each bin.
    """
    start, stop = np.arange(o) * n // o, -(-np.arange(1, o + 1) * n // o)
    at = start[:, None] + np.arange((stop - start).max())
    inside, last = at < stop[:, None], stop[:, None] - 1
    shares = inside / (stop - start)[:, None]
    return graph.const(np.minimum(at, last), DType.INT64), graph.const(shares, dtype)


def _computed(graph: Graph, n: Size, o: int, dtype: DType) -> tuple[str, str]:
    """The same, computed where the model runs: a length may be a symbol, and there may be too many bins to list."""
    start = _floors(graph, _range(graph, o), n, o, 0)
    after = graph.node("Add", [_range(graph, o), graph.ints([1])])
    stop = _floors(graph, after, n, o, o - 1)
    at = graph.node("Add", [start, _range(graph, ceil_div(n, o) + 1)])
    index = graph.node("Min", [at, graph.node("Sub", [stop, graph.ints([1])])])
    inside = graph.node("Cast", [graph.node("Less", [at, stop])], to=ELEMENT[dtype])
    lengths = graph.node("Cast", [graph.node("Sub", [stop, start])], to=ELEMENT[dtype])
    return index, graph.node("Div", [inside, lengths])


def _range(graph: Graph, count: Size) -> str:
    """The numbers from 0 up to a count."""
    zero, one = graph.const(0, DType.INT64), graph.const(1, DType.INT64)
    stop = graph.const(count, DType.INT64) if isinstance(count, int) else graph.node("Squeeze", [graph.size(count)])
    return graph.node("Range", [zero, stop, one])


def _floors(graph: Graph, index: str, n: Size, o: int, more: int) -> str:
    """floor((index * n + more) / o), as a column."""
    scaled = graph.node("Mul", [index, graph.size(n)])
    floors = graph.node("Div", [graph.node("Add", [scaled, graph.ints([more])]), graph.ints([o])])
    # No Unsqueeze: ONNX's data propagation would go on through it, and takes these numbers for a shape.
    return graph.node("Reshape", [floors, graph.ints([-1, 1])])
