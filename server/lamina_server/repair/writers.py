"""For each reason of a fault the changes that people usually mean, the likeliest first: see `WRITERS`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod

from lamina_server.dims import Size, product, symbol
from lamina_server.layers.base import plural
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Cast, Dense, Input
from lamina_server.layers.holders import Block
from lamina_server.layers.merging.reductions import Reduce, Variance
from lamina_server.layers.pooling.pools import GlobalAveragePool, Pool
from lamina_server.layers.recurrent.rnn import GRU, LSTM, SimpleRNN
from lamina_server.layers.recurrent.walks import Recurrent
from lamina_server.layers.shaping.padding import Pad
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape
from lamina_server.layers.tensors import SPATIAL, DType, Layout, Role, channel_axis
from lamina_server.layers.windows import SAME, PadPair
from lamina_server.repair.fault import Candidate, Fault, written
from lamina_server.repair.masks import masked
from lamina_server.repair.merges import aligned_otherwise, disagreeing
from lamina_server.repair.options import (
    axes_of_one,
    evened,
    left_out,
    nearest_divisors,
    nearest_range,
    own_only,
    widths,
    without_holes,
)
from lamina_server.repair.steps import InBlock, ReplaceNode, SetLayout
from lamina_server.words import close_names


def _rank(fault: Fault) -> Iterator[Candidate]:
    yield from aligned_otherwise(fault)
    wanted = fault.found.expected
    if not wanted or not fault.got:
        return
    producer, sizes = fault.producers[0], fault.x.shape[1:]
    if len(wanted) < fault.x.rank and isinstance(producer.node.kind, Input):
        count, rest = sizes[0], sizes[1:]
        yield (
            f"{count} is the number of samples: an Input leaves the batch axis out, so declare Input({_tuple(rest)})",
            (ReplaceNode(producer.index, producer.node._replace(kind=Input(rest))),),
        )
    recurrent = producer.node.kind if isinstance(producer.node.kind, Recurrent) else None
    if recurrent is not None and len(wanted) == fault.x.rank + 1 and not recurrent.walk.return_sequences:
        yield (
            f"{producer.name} returns its last step only: set return_sequences=True there",
            (ReplaceNode(producer.index, producer.node._replace(kind=recurrent.with_sequences())),),
        )
    if isinstance(producer.node.kind, Flatten | GlobalAveragePool) and fault.refs[0] == producer.name:
        yield from fault.removed(producer.index, f"{producer.name} merges the axes this layer needs")
    yield from axes_of_one(fault, len(wanted))
    if len(wanted) == fault.x.rank + 1:
        yield from _one_axis_more(fault, sizes)
    elif len(wanted) < fault.x.rank:
        yield from _axes_fewer(fault, wanted, sizes)


def _one_axis_more(fault: Fault, sizes: tuple[Size, ...]) -> Iterator[Candidate]:
    first = fault.layout is Layout.CHANNELS_FIRST and not isinstance(fault.kind, Recurrent)
    target = written((1, *sizes) if first else (*sizes, 1))
    what = (
        f"{plural(sizes[0], 'moment')} of one signal"
        if len(sizes) == 1
        else f"{' x '.join(map(str, sizes))} values of one channel"
    )
    if target is not None:
        yield f"{what}: put Reshape({_tuple(target)}) before it", fault.before(Reshape(target))
    if len(sizes) != 1:
        return
    if isinstance(fault.kind, Conv | LSTM | GRU | SimpleRNN):
        units = fault.kind.filters if isinstance(fault.kind, Conv) else fault.kind.units
        dense = Dense(units, activation=fault.kind.activation if isinstance(fault.kind, Conv) else None)
        yield f"{plural(sizes[0], 'feature')} in no order: use Dense({dense.text()}) instead", fault.exchanged(dense)
    copies = max(prod(getattr(fault.kind, "kernel_size", ()) or (5,)), 2)
    yield (
        f"one vector to repeat at every step: put RepeatVector(n) before it, here n = {copies}",
        fault.before(RepeatVector(copies)),
    )


def _axes_fewer(fault: Fault, wanted: tuple[Role, ...], sizes: tuple[Size, ...]) -> Iterator[Candidate]:
    if len(wanted) == 2:
        yield f"{plural(product(sizes), 'number')} as one vector: put Flatten() before it", fault.before(Flatten())
        yield "one number for each channel: put a global average pooling before it", fault.before(GlobalAveragePool())
    elif isinstance(fault.kind, Conv) and fault.x.rank - 2 in (2, 3):
        rank = fault.x.rank - 2
        wide = replace(
            fault.kind,
            kernel_size=fault.kind.kernel_size[:1] * rank,
            strides=fault.kind.strides[:1] * rank,
            dilation_rate=fault.kind.dilation_rate[:1] * rank,
            padding=fault.kind.padding if isinstance(fault.kind.padding, str) else "valid",
        )
        axes = " and ".join(role.value for role in SPATIAL[rank])
        yield f"{axes}: use {wide.title}({wide.text()}) instead", fault.exchanged(wide)
    merged = product(sizes[1:])
    target = written((sizes[0], merged))
    if len(wanted) == 3 and target is not None:
        yield (
            f"{plural(sizes[0], 'step')} of {plural(merged, 'number')} each: put Reshape({_tuple(target)}) before it",
            fault.before(Reshape(target)),
        )


def _window(fault: Fault) -> Iterator[Candidate]:
    extent, x = fault.facts["extent"], fault.x
    channels = x.axes[channel_axis(x.rank, fault.layout)].size
    swapped = isinstance(extent, int) and isinstance(channels, int) and channels >= extent
    if x.rank == 3 and swapped:
        steps, width = (x.shape[1], x.shape[2]) if fault.layout is Layout.CHANNELS_LAST else (x.shape[2], x.shape[1])
        yield (
            (
                f"steps and channels are swapped, {width} steps of {plural(steps, 'channel')}: "
                "put Permute((2, 1)) before it"
            ),
            fault.before(Permute((2, 1))),
        )
        yield from _other_layout(fault)
    if not isinstance(fault.kind.padding, tuple) and not getattr(fault.kind, "ceil_mode", False):
        yield _same(fault)
    if isinstance(fault.kind, Pool):
        yield from fault.removed(fault.index, "nothing is left to pool here")
    yield from without_holes(fault)
    name = "kernel_size" if hasattr(fault.kind, "kernel_size") else "pool_size"
    given = getattr(fault.kind, name)
    spatial = [axis.size for axis in x.axes[1:] if axis.role not in (Role.CHANNELS,)][-len(given) :]
    if all(isinstance(size, int) for size in spatial):
        sizes = tuple(min(k, size) for k, size in zip(given, spatial, strict=False))
        yield f"a window that fits: {name}={_tuple(sizes)}", fault.changed(**{name: sizes})


def _other_layout(fault: Fault) -> Iterator[Candidate]:
    other = Layout.CHANNELS_LAST if fault.layout is Layout.CHANNELS_FIRST else Layout.CHANNELS_FIRST
    yield f'the data is laid the other way: layout="{other.value}" for the whole stack', (SetLayout(other),)


def _declared(fault: Fault) -> Iterator[Candidate]:
    declared, found, x = fault.facts["declared"], fault.facts["found"], fault.x
    name = "in_features" if isinstance(fault.kind, Dense) else "in_channels"
    if isinstance(fault.kind, Dense) and x.rank > 2 and x.elements == declared:
        yield (
            f"{declared} is all of {' x '.join(map(str, x.shape[1:]))}: put Flatten() before it",
            fault.before(Flatten()),
        )
    elsewhere = x.rank - 1 if fault.layout is Layout.CHANNELS_FIRST else 1
    if name == "in_channels" and x.shape[elsewhere] == declared:
        rest = tuple(i for i in range(1, x.rank) if i != elsewhere)
        dims = (*rest, elsewhere) if fault.layout is Layout.CHANNELS_LAST else (elsewhere, *rest)
        moved = f"the {declared} channels stand on the other axis: put Permute({_tuple(dims)}) before it"
        yield moved, fault.before(Permute(dims))
        yield from _other_layout(fault)
    yield f"declare what comes: {name}={found}", fault.changed(**{name: found})
    yield from _pools_that_stand_still(fault, declared)


def _pools_that_stand_still(fault: Fault, declared: object) -> Iterator[Candidate]:
    """Pools given stride 1 with SAME shrink nothing: with their default stride the declared size may be right."""
    steps = []
    for i, node in enumerate(fault.stack.nodes[: fault.index]):
        pool = node.kind
        if isinstance(pool, Pool) and pool.padding in SAME and set(pool.strides) == {1}:
            steps.append(ReplaceNode(i, node._replace(kind=replace(pool, strides=()))))
    if steps:
        what = "the pool before it has" if len(steps) == 1 else f"each of the {len(steps)} pools before it has"
        yield (
            f"{what} stride 1, so nothing shrinks; {declared} is right with the default stride, the pool size",
            tuple(steps),
        )


def _divisible(fault: Fault) -> Iterator[Candidate]:
    yield from nearest_divisors(fault)
    if "groups" not in fault.facts or "channels" not in fault.facts:  # heads, and not the groups of a convolution
        return
    groups, channels = (int(fault.facts[key]) for key in ("groups", "channels"))  # type: ignore[call-overload]
    filters = int(fault.facts.get("filters", channels))  # type: ignore[call-overload]
    if channels % groups == 0:
        up = -(-filters // groups) * groups
        yield f"the next multiple of {groups}: filters={up}", fault.changed(filters=up)
    legal = [n for n in range(1, min(channels, filters, 4096) + 1) if channels % n == 0 and filters % n == 0]
    for n in sorted(legal, key=lambda n: (abs(n - groups), n))[:2]:
        both = f"both {channels} and {filters}" if "filters" in fault.facts else str(channels)
        yield f"{plural(n, 'group')}, which divides {both}: groups={n}", fault.changed(groups=n)


def _size(fault: Fault) -> Iterator[Candidate]:
    if isinstance(fault.kind, Reshape):
        yield from _reshape(fault)
    elif isinstance(fault.kind, Block):
        yield from _any_size(fault)
    else:
        yield from disagreeing(fault)
        yield from widths(fault)


def _reshape(fault: Fault) -> Iterator[Candidate]:
    target = fault.kind.target_shape
    for i in reversed(range(len(target))):
        free = (*target[:i], -1, *target[i + 1 :])
        if target.count(-1) == 0:
            yield (
                f"let the size of axis {i + 1} follow from the others: Reshape({_tuple(free)})",
                fault.changed(target_shape=free),
            )
    yield f"{plural(fault.x.elements, 'number')} in one axis: Reshape((-1,))", fault.changed(target_shape=(-1,))


def _unknown_input(fault: Fault) -> Iterator[Candidate]:
    position = fault.facts["position"]
    assert isinstance(position, int)
    known = fault.known
    if not fault.node.inputs:  # the layer before has no main output
        yield f'take "{known[-1]}"', (ReplaceNode(fault.index, fault.node._replace(inputs=(known[-1],))),)
        return
    for name in close_names(fault.node.inputs[position], known, 2):
        refs = (*fault.node.inputs[:position], name, *fault.node.inputs[position + 1 :])
        yield f'take "{name}"', (ReplaceNode(fault.index, fault.node._replace(inputs=refs)),)


def _padding(fault: Fault) -> Iterator[Candidate]:
    if isinstance(fault.kind, Pad):
        yield 'as many as one likes, the edge repeated: mode="replicate"', fault.changed(mode="replicate")
        yield 'as many as one likes, zeros: mode="constant"', fault.changed(mode="constant")
    elif getattr(fault.kind, "ceil_mode", False):
        yield f'padding="{fault.kind.padding}" rounds up by itself: ceil_mode=False', fault.changed(ceil_mode=False)
    else:
        yield _same(fault)
        yield 'no padding: padding="valid"', fault.changed(padding="valid")
    yield from left_out(fault)


def _same(fault: Fault) -> Candidate:
    """padding="same", which a transposed convolution takes as length x stride."""
    means = "length x stride" if isinstance(fault.kind, ConvTranspose) else "keep the length"
    return f'{means}: padding="same"', fault.changed(padding="same")


def _permutation(fault: Fault) -> Iterator[Candidate]:
    dims, rank = fault.kind.dims, fault.x.rank
    if fault.kind.include_batch:
        return
    if sorted(dims) == list(range(rank)) and dims[0] == 0:
        yield f"the batch axis is not named: Permute({_tuple(dims[1:])})", fault.changed(dims=dims[1:])
    if sorted(dims) == list(range(rank - 1)):
        moved = tuple(i + 1 for i in dims)
        yield f"axes are counted from 1: Permute({_tuple(moved)})", fault.changed(dims=moved)


def _axis(fault: Fault) -> Iterator[Candidate]:
    axis = getattr(fault.kind, "axis", None)
    several = isinstance(axis, tuple)
    if isinstance(fault.kind, Reduce | Variance):
        own = tuple(dict.fromkeys(i for i in axis or () if i % fault.x.rank > 0 and -fault.x.rank < i < fault.x.rank))
        if own:
            yield f"the axes that there are: axis={_tuple(own)}", fault.changed(axis=own)
        yield "all axes but the batch: axis not given", fault.changed(axis=())
    elif axis is not None:
        yield "the last axis: axis=-1", fault.changed(axis=(-1,) if several else -1)
        yield "the first axis after the batch: axis=1", fault.changed(axis=(1,) if several else 1)
    yield from own_only(fault)


def _symbolic(fault: Fault) -> Iterator[Candidate]:
    producer = fault.producers[0] if fault.producers else None
    if producer is not None and isinstance(producer.node.kind, Flatten):
        yield (
            f"any length gives the same number of features: a global average pooling instead of {producer.name}",
            (ReplaceNode(producer.index, producer.node._replace(kind=GlobalAveragePool())),),
        )


def _expected(fault: Fault) -> Iterator[Candidate]:
    if getattr(fault.kind, "padding", None) == "valid":
        yield _same(fault)
    if hasattr(fault.kind, "strides"):
        for step in range(1, 9):
            yield (
                f"windows {step} apart: strides={step}",
                fault.changed(strides=(step,) * (fault.kind.spatial_rank or 1)),
            )
    if isinstance(fault.kind, Conv | Dense) and fault.node.expect:
        wanted = fault.node.expect[0 if fault.layout is Layout.CHANNELS_FIRST and isinstance(fault.kind, Conv) else -1]
        if isinstance(wanted, int):
            name = "filters" if isinstance(fault.kind, Conv) else "units"
            yield f"{name}={wanted}", fault.changed(**{name: wanted})


def _range(fault: Fault) -> Iterator[Candidate]:
    sizes = getattr(fault.kind, "pool_size", None)
    if sizes and isinstance(fault.kind.padding, tuple) and len(fault.kind.padding) == len(sizes):
        pads = tuple(
            PadPair(*(min(max(p, 0), k // 2) for p in pair)) for pair, k in zip(fault.kind.padding, sizes, strict=True)
        )
        yield f"the most that fits: padding={_tuple(tuple(map(tuple, pads)))}", fault.changed(padding=pads)
    if isinstance(fault.kind, ConvTranspose) and fault.kind.output_padding:
        kind, ones = fault.kind, (1,) * len(fault.kind.kernel_size)
        rows = zip(kind.output_padding, kind.strides or ones, kind.dilation_rate or ones, strict=False)
        fits = tuple(min(p, max(s, d) - 1) for p, s, d in rows)
        yield f"the most that fits: output_padding={_tuple(fits)}", fault.changed(output_padding=fits)
    name, most = fault.found.field.rpartition(".")[2], fault.facts.get("maximum")
    if type(getattr(fault.kind, name, None)) is int and isinstance(most, int):
        yield f"the most that fits: {name}={most}", fault.changed(**{name: most})
    yield from nearest_range(fault)


def _lengths(fault: Fault) -> Iterator[Candidate]:
    yield from evened(fault)
    yield from left_out(fault)


def _unsupported(fault: Fault) -> Iterator[Candidate]:
    if "mask" in fault.facts:
        yield from masked(fault)
    if getattr(fault.kind, "stateful", False):
        yield (
            "states go in and out: stateful=False, return_state=True",
            fault.changed(stateful=False, return_state=True),
        )
    yield from left_out(fault)


def _any_size(fault: Fault) -> Iterator[Candidate]:
    """An Input of a block that takes whatever comes along the axis."""
    position, axis = fault.facts["position"], fault.facts["axis"]
    block = next(block.stack for block in fault.stack.blocks if block.name == fault.kind.stack)
    index, declared = list(block.inputs())[int(str(position))]
    free = tuple(symbol("?") if str(i) == str(axis) else size for i, size in enumerate(declared.shape, 1))
    node = block.nodes[index]._replace(kind=Input(free, declared.dtype))
    shown = _tuple(tuple("None" if str(size) == "?" else size for size in free))
    yield f"let the block take any size there: Input({shown})", (InBlock(fault.kind.stack, ReplaceNode(index, node)),)


def _unknown_block(fault: Fault) -> Iterator[Candidate]:
    for name in close_names(fault.kind.stack, [block.name for block in fault.stack.blocks], 2):
        yield f'use "{name}"', fault.changed(stack=name)


def _weights(fault: Fault) -> Iterator[Candidate]:
    """Weights of another layer, where there is none of the name, and weights of its own."""
    if fault.found.reason == "UNKNOWN_LAYER":
        for name in close_names(fault.node.weights_of or "", [ref for ref in fault.known if ":" not in ref], 2):
            yield f"share those of {name}", (ReplaceNode(fault.index, fault.node._replace(weights_of=name)),)
    yield "weights of its own", (ReplaceNode(fault.index, fault.node._replace(weights_of=None)),)


def _type(fault: Fault) -> Iterator[Candidate]:
    if "cast" not in fault.facts or len(fault.got) != max(1, len(fault.node.inputs)):  # one tensor may be taken twice
        return
    which, to = int(str(fault.facts["position"])) - 1, DType(str(fault.facts["cast"]))
    yield f'convert {fault.refs[which]} to {to.value}: put Cast("{to.value}") behind it', fault.before(Cast(to), which)


def _tuple(sizes: tuple[object, ...]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


WRITERS: dict[str, Callable[[Fault], Iterator[Candidate]]] = {
    "RANK_MISMATCH": _rank,
    "WINDOW_TOO_LONG": _window,
    "DECLARED_MISMATCH": _declared,
    "LENGTH_MISMATCH": _lengths,
    "NOT_DIVISIBLE": _divisible,
    "SIZE_MISMATCH": _size,
    "UNKNOWN_INPUT": _unknown_input,
    "BAD_PADDING": _padding,
    "BAD_PERMUTATION": _permutation,
    "BAD_AXIS": _axis,
    "SYMBOLIC_SIZE": _symbolic,
    "EXPECTATION_NOT_MET": _expected,
    "OUT_OF_RANGE": _range,
    "UNSUPPORTED": _unsupported,
    "DTYPE_MISMATCH": _type,
    "UNKNOWN_BLOCK": _unknown_block,
    "UNKNOWN_LAYER": _weights,
    "WEIGHTS_DIFFER": _weights,
}
