"""Receptive fields through merges and reductions: by hand, and against which inputs really change an output."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from lamina_server.layers.base import Kind
from lamina_server.layers.broadcasting import ConstantTensor
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.arithmetic import Maximum, Multiply, Subtract
from lamina_server.layers.merging.comparing import Compare
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.elementwise import Clip, Elementwise
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.merging.ordering import ArgMax, CumSum, Sort, TopK
from lamina_server.layers.merging.products import CosineSimilarity, Dot, MatMul, PairwiseDistance
from lamina_server.layers.merging.reductions import Normalize, Reduce, Variance
from lamina_server.layers.pooling.pools import GlobalAveragePool, MaxPool
from lamina_server.layers.tensors import Role
from lamina_server.receptive import Field, Fields
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract.held import held
from tests.contract.running import model

HEIGHT, WIDTH, STEPS = Role.HEIGHT, Role.WIDTH, Role.STEPS
WINDOW = {HEIGHT: Field(3, 1, 0), WIDTH: Field(5, 1, 0)}  # of Conv(2, (3, 5), padding="same")
SHAPE = (5, 6, 2)


def behind(kind: Kind, *, twice: bool = False) -> Stack:
    """A layer behind a convolution; `twice` takes a second one too, of the same window."""
    nodes = [Node(Input(SHAPE), "x"), Node(Conv(2, (3, 5), padding="same"), "a", ("x",))]
    if twice:
        nodes.append(Node(Conv(2, (3, 5), padding="same"), "b", ("x",)))
    return Stack((*nodes, Node(kind, "it", ("a", "b")[: 1 + twice])))


CASES: list[tuple[Kind, bool, Fields]] = [
    (Multiply(ConstantTensor((0.5,))), False, WINDOW),
    (Elementwise("square"), False, WINDOW),
    (Clip(0.0), False, WINDOW),
    (Subtract(), True, WINDOW),
    (Maximum(), True, WINDOW),
    (Compare("greater"), True, WINDOW),
    (Concatenate(), True, WINDOW),
    (StackTensors(), True, WINDOW),
    (StackTensors(1), True, WINDOW),
    (Reduce("mean", (3,)), False, WINDOW),
    (Normalize(-1), False, WINDOW),
    # along an axis that is seen whole, or where places of the result are no places of the input
    (Concatenate(1), True, {WIDTH: WINDOW[WIDTH]}),
    (Concatenate(2), True, {HEIGHT: WINDOW[HEIGHT]}),
    (Reduce("mean", (1,)), False, {WIDTH: WINDOW[WIDTH]}),
    (Reduce("max", (2,), True), False, {HEIGHT: WINDOW[HEIGHT]}),
    (Variance("variance", (1, 3)), False, {WIDTH: WINDOW[WIDTH]}),
    (Reduce("sum"), False, {}),
    (ArgMax(1), False, {WIDTH: WINDOW[WIDTH]}),
    (ArgMax(2, True), False, {HEIGHT: WINDOW[HEIGHT]}),
    (TopK(2, 1), False, {WIDTH: WINDOW[WIDTH]}),
    (Sort(2), False, {HEIGHT: WINDOW[HEIGHT]}),
    (CumSum(1), False, {WIDTH: WINDOW[WIDTH]}),
    (Normalize(1), False, {WIDTH: WINDOW[WIDTH]}),
    (MatMul(transpose_b=True), True, {}),
    (Dot((3,)), True, {}),
    (Einsum("bhwc,bhwc->bhw"), True, {}),
    (CosineSimilarity(-1), True, {}),
    (PairwiseDistance(), True, {}),
]


@pytest.mark.parametrize(("kind", "twice", "fields"), CASES, ids=lambda value: str(value)[:30])
def test_fields(kind: Kind, twice: bool, fields: Fields) -> None:
    assert trace(behind(kind, twice=twice)).layers[-1].receptive == fields


@pytest.mark.parametrize(("kind", "twice", "fields"), CASES, ids=lambda value: str(value)[:30])
def test_only_inputs_in_the_field_change_an_output(kind: Kind, twice: bool, fields: Fields) -> None:
    """Every input position is changed by itself; what moves must lie in the field that is told."""
    stack = behind(kind, twice=twice)
    made = model(stack, np.random.default_rng(0), refs=trace(stack).layers[-1].refs)
    x = np.random.default_rng(1).standard_normal((1, *SHAPE)).astype(np.float32)
    before = made.run({"x": x})
    for place in product(range(SHAPE[0]), range(SHAPE[1])):
        changed = x.copy()
        changed[0, place[0], place[1]] += 10
        after = made.run({"x": changed})
        for ref in made.refs:
            moved = np.argwhere(before[ref] != after[ref])
            _check_moved(moved, [axis.role for axis in made.trace.specs[ref].axes], fields, place)


def _check_moved(moved: Any, roles: Sequence[Role], fields: Fields, place: tuple[int, int]) -> None:
    for i, role in enumerate(roles):
        if role in fields:
            size, jump, start, _ = fields[role]
            assert start is not None
            at = place[0] if role is HEIGHT else place[1]
            assert (abs(start + moved[:, i] * jump - at) <= (size - 1) / 2).all()


def test_a_stretched_axis_has_no_field() -> None:
    """One step of another input is seen from every step: no window says that."""
    nodes = (Node(Input((8, 2)), "x"), Node(Input((1, 2)), "y"), Node(Conv(2, (3,), padding="same"), "a", ("x",)))
    assert trace(Stack((*nodes, Node(Add(), "it", ("a", "y"))))).layers[-1].receptive == {}
    assert trace(Stack((*nodes, Node(Multiply(), "it", ("y", "a"))))).layers[-1].receptive == {}


def test_a_gate_over_all_positions_sees_everything() -> None:
    """Squeeze and excitation: every output sees the whole image through its gate."""
    nodes = (
        Node(Input(SHAPE), "x"),
        Node(Conv(2, (3, 5), padding="same"), "a"),
        Node(GlobalAveragePool(keepdims=True), "gate"),
        Node(Multiply(), "it", ("a", "gate")),
    )
    assert trace(Stack(nodes)).layers[-1].receptive == {}


def test_windows_after_a_reduction_go_on() -> None:
    nodes = (
        Node(Input(SHAPE), "x"),
        Node(Conv(2, (3, 5), padding="same"), "a"),
        Node(Reduce("mean", (1,)), "rows"),
        Node(MaxPool((2,)), "pool"),
    )
    found = trace(Stack(nodes))
    assert found.layer("rows").done.spec.axes[1].role is WIDTH
    assert found.layers[-1].receptive == {STEPS: Field(6, 2, 0.5, WIDTH)}


@pytest.mark.parametrize("shape", [(2,), (1, 1, 2), (5, 6, 2), (5, 6, 1)])
@pytest.mark.parametrize("order", [("a", "held"), ("held", "a")])
def test_what_the_stack_holds_looks_at_nothing(shape: tuple[int, ...], order: tuple[str, str]) -> None:
    """Numbers that are the same for every sample leave the field as it is, also behind layers of their own."""
    nodes = (
        Node(held(np.ones(shape)), "numbers"),
        Node(Elementwise("square"), "held"),
        Node(Input(SHAPE), "x"),
        Node(Conv(2, (3, 5), padding="same"), "a"),
        Node(Add(), "it", order),
    )
    found = trace(Stack(nodes))
    assert found.layer("numbers").receptive == found.layer("held").receptive == {}
    assert found.layers[-1].receptive == WINDOW
