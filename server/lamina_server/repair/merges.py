"""Fixes for what meets and does not agree: branches, matrices, constants."""

from collections.abc import Iterator
from dataclasses import replace

from lamina_server.dims import Dim, Size
from lamina_server.layers.broadcasting import Broadcasting, ConstantTensor, axis_name
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.merging.products import Dot, MatMul
from lamina_server.layers.shaping.reshaping import ZeroPadding
from lamina_server.layers.tensors import Role
from lamina_server.layers.windows import PadPair
from lamina_server.repair.fault import Candidate, Fault, written
from lamina_server.repair.steps import ReplaceNode

_NOT_SPATIAL = (Role.CHANNELS, Role.FEATURES, Role.NONE)


def disagreeing(fault: Fault) -> Iterator[Candidate]:
    """Whatever meets with sizes that do not agree."""
    if isinstance(fault.kind, MatMul):
        yield "turn the second input: transpose_b", fault.changed(transpose_b=not fault.kind.transpose_b)
        yield "turn the first input: transpose_a", fault.changed(transpose_a=not fault.kind.transpose_a)
    elif isinstance(fault.kind, Dot):
        yield from _axes_that_agree(fault)
    elif isinstance(getattr(fault.kind, "constant", None), ConstantTensor):
        yield from _constants_elsewhere(fault)
    elif "axis" in fault.facts:
        yield from _branches(fault)


def aligned_otherwise(fault: Fault) -> Iterator[Candidate]:
    """A tensor with fewer axes, aligned by its last ones."""
    if getattr(fault.kind, "broadcasting", None) is Broadcasting.NUMPY:
        yield 'align batch with batch: broadcasting="keras"', fault.changed(broadcasting=Broadcasting.KERAS)


def _axes_that_agree(fault: Fault) -> Iterator[Candidate]:
    one, other = fault.got[0], fault.got[-1]
    for i in reversed(range(1, one.rank)):
        for j in reversed(range(1, other.rank)):
            if one.shape[i] == other.shape[j]:
                yield f"sum along axes that agree, {one.shape[i]} in both: axes={(i, j)}", fault.changed(axes=(i, j))


def _constants_elsewhere(fault: Fault) -> Iterator[Candidate]:
    """As many constants as some other axis than the last has places, as per-channel numbers in the other layout."""
    constant: ConstantTensor = fault.kind.constant
    if len(constant.sizes) != 1:
        return
    for i in range(1, fault.x.rank - 1):
        if fault.x.shape[i] == len(constant.values):
            shape = (len(constant.values), *(1,) * (fault.x.rank - 1 - i))
            name = axis_name(fault.x.axes[i].role, i)
            yield (
                f"one constant for each of {name}: shape {shape}",
                fault.changed(constant=replace(constant, shape=shape)),
            )


def _branches(fault: Fault) -> Iterator[Candidate]:
    """Two branches that disagree on one axis: pad the shorter, or bring the channels to the other's number."""
    axis, sizes = fault.facts["axis"], fault.facts["sizes"]
    assert isinstance(axis, int) and isinstance(sizes, tuple)
    # One tensor may be taken twice, so that there are more sizes than tensors.
    if len(fault.got) != 2 or len(sizes) != 2 or fault.got[0].rank != fault.got[1].rank:
        return
    if any(isinstance(size, Dim) for size in sizes):
        yield from _declared_lengths(fault, axis, sizes)
        return
    small = sizes.index(min(sizes))
    spatial = [i for i, a in enumerate(fault.x.axes) if i and a.role not in _NOT_SPATIAL]
    if axis in spatial:
        gaps = [fault.got[1 - small].shape[i] - fault.got[small].shape[i] for i in spatial]
        if all(isinstance(gap, int) and gap >= 0 for gap in gaps):
            pads = tuple(PadPair(0, int(gap)) for gap in gaps)  # type: ignore[arg-type]
            yield (
                f"{fault.refs[small]} is shorter by {' and '.join(map(str, gaps))}: pad it with zeros at the end",
                fault.before(ZeroPadding(pads), small),
            )
    elif fault.x.axes[axis].role is Role.CHANNELS and spatial:
        kernel = (1,) * len(spatial)
        yield (
            f"bring {fault.refs[small]} to {max(sizes)} channels by a convolution of size 1",
            fault.before(Conv(max(sizes), kernel), small),
        )
    elif axis == fault.x.rank - 1:
        yield (
            f"bring {fault.refs[small]} to {max(sizes)} features by a dense layer",
            fault.before(Dense(max(sizes)), small),
        )


def _declared_lengths(fault: Fault, axis: int, sizes: tuple[Size, ...]) -> Iterator[Candidate]:
    """A symbol meets another size: an Input that declares the symbol may declare the other size."""
    for i, (size, other) in enumerate(zip(sizes, reversed(sizes), strict=True)):
        kind = fault.producers[i].node.kind
        plain = isinstance(size, Dim) and size.text in size.symbols
        if isinstance(kind, Input) and plain and written((other,)) == (other,):
            shape = (*kind.shape[: axis - 1], other, *kind.shape[axis:])
            said = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
            step = ReplaceNode(
                fault.producers[i].index, fault.producers[i].node._replace(kind=Input(shape, kind.dtype))
            )
            yield f"{fault.refs[i]} declares {size}; declare {other}: Input({said})", (step,)
