"""Whole stacks against themselves: another layout, numbers for symbols, a part alone, a layer alone.

Each layer by itself is held to PyTorch and Keras elsewhere in this folder; here they stand together.
"""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.dims import evaluate
from lamina_server.layers.core.basics import Input
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential.support import BATCH, Array, Runner, assert_close, drawn, normal, profile, run_stack
from tests.differential.twins import Twin, channels_last, twins

Lengths = dict[str, int]


def some_lengths(data: st.DataObject, twin: Twin, room: int = 6) -> Lengths:
    """Numbers for the symbols, from the least that the trace admits on."""
    least = trace(twin.stack()).ranges
    return {name: data.draw(st.integers(low, low + room), label=name) for name, low in least.items()}


def image(twin: Twin, lengths: Lengths, seed: int = 0) -> Array:
    """Random input for the channels-last stack."""
    _, *shape = trace(twin.stack()).specs["n0"].shape
    return normal(seed, BATCH, *(evaluate(size, lengths) for size in shape))


def all_weights(twin: Twin) -> dict[str, Array]:
    """Random weights; both stacks have the same names and shapes."""
    return drawn(trace(twin.stack()), 1)


def named(twin: Twin, weights: dict[str, Array]) -> dict[str, Array]:
    """The same for the channels-first stack, whose layers between Permutes have names of their own."""
    inner = {name.removesuffix(".in"): name for node in twin.first if (name := str(node.name)).endswith(".in")}
    parts = ((name.partition("/"), value) for name, value in weights.items())
    return {f"{inner.get(layer, layer)}/{weight}": value for (layer, _, weight), value in parts}


@profile
@given(twin=twins(), data=st.data())
def test_layouts_agree(twin: Twin, data: st.DataObject) -> None:
    """Channels last is channels first, transposed, in every layer."""
    lengths, weights, refs = some_lengths(data, twin), all_weights(twin), twin.shared
    x = image(twin, lengths)
    last = run_stack(twin.stack(lengths), {"n0": x}, weights, refs)
    turned = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    first = run_stack(twin.stack(lengths, first=True), {"n0": turned}, named(twin, weights), refs)
    for ref in refs:
        assert_close(last[ref], channels_last(first[ref]) if ref in twin.spatial else first[ref])


@profile
@given(twin=twins(), data=st.data(), first=st.booleans())
def test_symbols_agree_with_numbers(twin: Twin, data: st.DataObject, first: bool) -> None:
    """One model over symbolic lengths gives at each length what a model made for that length gives."""
    weights = named(twin, all_weights(twin)) if first else all_weights(twin)
    anyhow = Runner(twin.stack(first=first), weights, twin.shared)
    for seed in range(3):
        lengths = some_lengths(data, twin)
        x = image(twin, lengths, seed)
        given_x = np.ascontiguousarray(np.moveaxis(x, -1, 1)) if first else x
        found = anyhow({"n0": given_x})
        expected = run_stack(twin.stack(lengths, first=first), {"n0": given_x}, weights, twin.shared)
        for ref in twin.shared:
            assert_close(found[ref], expected[ref])


def prefixes(stack: Stack) -> Iterator[Stack]:
    """The stack cut off behind each layer."""
    return (Stack(stack.nodes[:end], stack.layout) for end in range(2, len(stack.nodes) + 1))


@profile
@given(twin=twins(), data=st.data(), first=st.booleans())
def test_what_is_fetched_is_what_a_part_returns(twin: Twin, data: st.DataObject, first: bool) -> None:
    """Fetching every layer at once gives what the stack cut off behind each gives, and what each gives alone."""
    lengths = some_lengths(data, twin, 2)
    weights = named(twin, all_weights(twin)) if first else all_weights(twin)
    stack, x = twin.stack(lengths, first=first), image(twin, lengths)
    inputs = {"n0": np.ascontiguousarray(np.moveaxis(x, -1, 1)) if first else x}
    fetched = run_stack(stack, inputs, weights, [str(node.name) for node in stack.nodes[1:]])
    for part in prefixes(stack):
        name = str(part.nodes[-1].name)
        needed = {key: value for key, value in weights.items() if _owner(key) in {node.name for node in part.nodes}}
        assert_close(run_stack(part, inputs, needed, [name])[name], fetched[name])
        assert_close(alone(stack, name, {**fetched, **inputs}, weights), fetched[name])


def alone(stack: Stack, name: str, tensors: dict[str, Array], weights: dict[str, Array]) -> Array:
    """What one layer of a stack gives, by itself, for the tensors that it takes."""
    node = next(node for node in stack.nodes if node.name == name)
    taken = {source: tensors[source] for source in node.inputs}
    inputs = [Node(Input(array.shape[1:]), source) for source, array in taken.items()]
    own = {key: value for key, value in weights.items() if _owner(key) == name}
    return run_stack(Stack((*inputs, node), stack.layout), taken, own, [name])[name]


def _owner(weight: str) -> str:
    return weight.partition("/")[0]
