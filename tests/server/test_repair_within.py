"""Fixes of faults inside layers: the layer that holds one alone, a block, or what stands before it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, symbol
from lamina_server.errors import StackError
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.holders import Block, BlockName, SpectralNormalization, TimeDistributed
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.pooling.pools import MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Reshape
from lamina_server.layers.tensors import Layout
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis, LayerTrace
from lamina_server.repair import Fix, InBlock, InsertNode, RemoveNode, apply, repaired
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_diagnosis
from tests.server.test_repair import kinds, traced

ANY, L, C = symbol("?"), symbol("L"), symbol("C")
X = Node(Input((L, C)), "in")


def stack(shape: tuple[Size, ...], *nodes: Node, **blocks: Sequence[Node]) -> Stack:
    named = tuple(NamedStack(name, Stack(tuple(inside))) for name, inside in blocks.items())
    return Stack((Node(Input(shape), "x"), *nodes), blocks=named)


def steps(kind: Kind, name: str = "td") -> Node:
    return Node(TimeDistributed(Node(kind)), name)


def use(name: str, *inputs: str) -> Node:
    return Node(Block(BlockName(name)), f"use_{name}", inputs)


def diagnosed(made: Stack) -> Diagnosis:
    with pytest.raises(StackError) as caught:
        trace(made)
    return repaired(made, caught.value.diagnosis, Limits())


class Case(NamedTuple):
    """A stack at fault, how the titles of its fixes begin, and what the first gives."""

    stack: Stack
    titles: tuple[str, ...]
    outcome: str


SWAPPED = "steps and channels are swapped, 50 steps of 1 channel: "
CASES = {
    "a layer before, at every step": Case(
        stack((5, 28), steps(Conv(3, (3,)))),
        ("28 moments of one signal: put TimeDistributed(Reshape((28, 1))) before it",
         "28 features in no order: use Dense(3)", "one vector to repeat"), "td: batch, 5, 26 steps, 3 channels"),
    "a layer before, where inputs are named": Case(
        stack((5, 28), Node(Dense(28)), Node(TimeDistributed(Node(Conv(3, (3,)))), "td", ("x",))),
        ("28 moments",), "td: batch, 5, 26 steps, 3 channels"),
    "before a normalised layer": Case(
        stack((28,), Node(SpectralNormalization(Node(Conv(3, (3,)))), "sn")),
        ("28 moments of one signal: put Reshape((28, 1)) before it",), "sn: batch, 26 steps, 3 channels"),
    "options at every step": Case(
        stack((5, 8, 3), steps(Conv(3, (9,)))), ('keep the length: padding="same"', "a window that fits"),
        "td: batch, 5, 8 steps, 3 channels"),
    "all at every step": Case(
        stack((5, 8, 8, 3), steps(Dense(3, in_features=192))),
        ("192 is all of 8 x 8 x 3: put TimeDistributed(Flatten())",),
        "td: batch, 5 steps, 3"),
    "steps of steps": Case(
        stack((2, 5, 28), steps(TimeDistributed(Node(Conv(3, (3,)))))),
        ("28 moments of one signal: put TimeDistributed(TimeDistributed(Reshape((28, 1)))) before it",),
        "td: batch, 2, 5, 26 steps, 3 channels"),
    "no steps": Case(stack((5,), steps(Dense(2))), ("5 moments of one signal: put Reshape((5, 1)) before it",),
                     "td: batch, 5 steps, 2"),
    "a name inside a block": Case(
        stack((9, 4), use("b"), b=[X, Node(Conv(4, (3,), padding="same"), "conv"), Node(Add(), "s", ("in", "cnv"))]),
        ('in the block "b": take "conv"',), "use_b/s: batch, 9 steps, 4 channels"),
    "a branch inside a block": Case(
        stack((9, 4), use("b"), b=[X, Node(Conv(4, (3,)), "conv"), Node(Add(), "s", ("in", "conv"))]),
        ('in the block "b": use_b/conv is shorter by 2: pad it with zeros at the end',),
        "use_b/s: batch, 9 steps, 4 channels"),
    "channels inside a block": Case(
        stack((9, 4), use("b"), b=[X, Node(Conv(5, (3,), padding="same"), "conv"), Node(Add(), "s", ("in", "conv"))]),
        ("bring use_b/in to 5 channels by a convolution of size 1, before use_b",
         'in the block "b": bring use_b/in to 5 channels'), "use_b: batch, 9 steps, 5 channels"),
    "before a block, and in it": Case(
        stack((1, 50), use("b"), b=[X, Node(Conv(4, (5,)), "conv")]),
        (SWAPPED + "put Permute((2, 1)) before use_b", f'in the block "b": {SWAPPED}put Permute((2, 1)) before it',
         "the data is laid the other way"), "use_b: batch, 46 steps, 4 channels"),
    "before a block at every step": Case(
        stack((3, 1, 50), steps(Block(BlockName("b"))), b=[X, Node(Conv(4, (5,)), "conv")]),
        (SWAPPED + "put TimeDistributed(Permute((2, 1))) before td/block",), "td: batch, 3, 46 steps, 4 channels"),
    "before a block in a block": Case(
        stack((1, 50), use("o"), b=[X, Node(Conv(4, (5,)), "conv")], o=[X, use("b")]),
        (f'in the block "o": {SWAPPED}put Permute((2, 1)) before use_o/use_b', 'in the block "b": ' + SWAPPED),
        "use_o/use_b: batch, 46 steps, 4 channels"),
    "a layer at every step of a block": Case(
        stack((5, 28), use("b"), b=[X, steps(Conv(3, (3,)))]),
        ('in the block "b": 28 moments of one signal: put TimeDistributed(Reshape((28, 1))) before it',),
        "use_b/td: batch, 5, 26 steps, 3 channels"),
    "before a block of steps": Case(
        stack((3, 1, 50), use("b"), b=[Node(Input((ANY,) * 3)), steps(Conv(4, (5,)))]),
        (SWAPPED + "put TimeDistributed(Permute((2, 1))) before use_b", 'in the block "b": ' + SWAPPED),
        "use_b: batch, 3, 46 steps, 4 channels"),
    "an axis less than a block takes": Case(
        stack((9,), use("b"), b=[X, Node(Conv(4, (3,)))]), ("9 moments of one signal: put Reshape((9, 1)) before it",),
        "use_b: batch, 7 steps, 4 channels"),
    "steps lost before a block": Case(
        stack((9, 4), Node(LSTM(3)), use("b"), b=[X, Node(Conv(4, (3,)))]),
        ("lstm returns its last step only: set return_sequences=True there",), "use_b: batch, 7 steps, 4 channels"),
    "another size than a block declares": Case(
        stack((8, 4), use("b"), b=[Node(Input((9, 4)), "in"), Node(Dense(2))]),
        ("let the block take any size there: Input((None, 4))",), "use_b: batch, 8 steps, 2 channels"),
    "a block before it by name": Case(
        stack((8, 4), use("o"), b=[X, Node(Dense(2))], o=[X, Node(Block(BlockName("bb")), "bb")]),
        ('in the block "o": use "b"',), "use_o/bb: batch, 8 steps, 2 channels"),
    "weights inside a block": Case(
        stack((8, 4), use("b"), b=[X, Node(Dense(4), "d"), Node(Dense(4), "e", weights_of="dd")]),
        ('in the block "b": share those of d', 'in the block "b": weights of its own'),
        "use_b/e: batch, 8 steps, 4 channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_meant_comes_first(case: Case) -> None:
    found = diagnosed(case.stack)
    titles = [fix.title for fix in found.fixes]
    assert len(titles) >= len(case.titles) or not case.outcome, (found.message, titles)
    for title, wanted in zip(titles, case.titles, strict=False):
        assert title.startswith(wanted), (found.message, titles)
    if case.outcome:
        assert found.fixes[0].outcome == case.outcome
    check(case.stack, found)
    for fix in found.fixes:
        fixed = apply(case.stack, fix.stack_steps)
        assert decode_stack(encode_stack(fixed)) == fixed


def test_a_change_of_a_block_must_suit_every_use() -> None:
    """The window is too long at the second use; what repairs it there must leave the first one as it is."""
    inside = [X, Node(Conv(4, (5,)), "conv")]
    made = stack((9, 4), use("b"), Node(MaxPool((2,)), "p"), Node(Block(BlockName("b")), "second"), b=inside)
    found = diagnosed(made)
    assert found.index == 3 and [place.index for place in found.within] == [1]
    check(made, found)
    grown = Stack((*made.nodes, Node(Reshape((5, 4)), "r", ("use_b",))), blocks=made.blocks)
    found = diagnosed(grown)  # the first use must go on giving 5 steps: no padding for both, no other window
    assert [fix.title for fix in found.fixes] == []


def test_nothing_is_offered_where_nothing_of_a_layer_is_at_fault() -> None:
    for inside in ([X, Node(Dense(3), "a/b")], [Node(Dense(3))], []):
        assert diagnosed(stack((9, 4), use("b"), b=inside)).fixes == []


def check(made: Stack, found: Diagnosis) -> None:
    """Every fix clears its fault, and shows what really comes out; one of a block leaves none at all."""
    assert len({fix.title for fix in found.fixes}) == len(found.fixes) <= 3
    assert all(fix.title.isprintable() and "  " not in fix.title for fix in found.fixes)
    sent = encode_diagnosis(found)
    for fix, message in zip(found.fixes, sent.fixes, strict=True):
        inside = [step for step in fix.stack_steps if isinstance(step, InBlock)]
        assert [edit.block for edit in message.stack_edits if edit.block] == [step.block for step in inside]
        fixed = apply(made, fix.stack_steps)
        result, fault = traced(fixed)
        assert fault is None or (not inside and fault.index > found.index + shift(fix))
        assert fix.outcome in map(outcome, result.walk())


def outcome(layer: LayerTrace) -> str:
    return f"{layer.name}: {layer.done.spec}"


def shift(fix: Fix) -> int:
    return sum(isinstance(s, InsertNode) - isinstance(s, RemoveNode) for s in fix.stack_steps)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(1, 6) | st.just(symbol("T")), min_size=1, max_size=4),
    st.lists(kinds, min_size=1, max_size=4),
    st.lists(st.sampled_from(["layer", "steps", "block", "both"]), min_size=4, max_size=4),
    st.sampled_from(Layout),
)
def test_whatever_is_offered_works(shape: list[Size], inside: list[Any], ways: list[str], layout: Layout) -> None:
    nodes, blocks = [Node(Input(tuple(shape)), "x")], []
    for i, (kind, way) in enumerate(zip(inside, ways, strict=False)):
        rank = len(shape) - (way in ("steps", "both"))
        if way in ("block", "both"):
            entry = Input(tuple(symbol(f"S{j}") for j in range(max(rank, 1))))
            blocks.append(NamedStack(f"b{i}", Stack((Node(entry, "in"), Node(kind), Node(Flatten())))))
            kind = Block(BlockName(f"b{i}"))
        nodes.append(Node(TimeDistributed(Node(kind)) if way in ("steps", "both") else kind, f"l{i}"))
    made = Stack(tuple(nodes), layout, blocks=tuple(blocks))
    try:
        trace(made)
    except StackError as error:
        check(made, repaired(made, error.diagnosis, Limits()))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.sampled_from([Add(), Concatenate(), Concatenate(1)]),
    st.lists(st.sampled_from(["left", "right", "lefd", "merge"]), max_size=3).map(tuple),
)
def test_whatever_is_offered_for_branches_works(left: list[int], right: list[int], merge: Kind, refs: Any) -> None:
    entries = [Node(Input((ANY,) * len(one)), name) for one, name in ((left, "left"), (right, "right"))]
    block = NamedStack("b", Stack((*entries, Node(merge, "merge", refs))))
    nodes = (
        Node(Input(tuple(left)), "x"),
        Node(Input(tuple(right)), "y"),
        Node(Block(BlockName("b")), "use", ("x", "y")),
    )
    made = Stack(nodes, blocks=(block,))
    try:
        trace(made)
    except StackError as error:
        check(made, repaired(made, error.diagnosis, Limits()))
