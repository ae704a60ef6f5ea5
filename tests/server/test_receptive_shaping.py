"""Receptive fields through shaping layers: moved exactly where elements only move together, none where they do not."""

from collections.abc import Sequence

import numpy as np
import pytest

from lamina_server.dims import Size, symbol
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Input
from lamina_server.layers.shaping.folding import ChannelShuffle, PixelShuffle, Unfold
from lamina_server.layers.shaping.padding import Cropping, Pad
from lamina_server.layers.shaping.repeating import Flip, Repeat, Roll, Tile
from lamina_server.layers.shaping.reshaping import Flatten
from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.shaping.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes
from lamina_server.layers.tensors import Role
from lamina_server.layers.windows import PadPair
from lamina_server.receptive import Field
from lamina_server.records import Trace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.contract.running import chain, model

STEPS, HEIGHT, WIDTH = Role.STEPS, Role.HEIGHT, Role.WIDTH
P = PadPair
CONV = Conv(3, (3,), (2,))  # of 21 steps 10 are left, which see 3, 2 apart, the first around 1


def traced(*kinds: Kind, shape: Sequence[Size] = (21, 2)) -> Trace:
    return trace(chain(tuple(shape), *kinds))


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Cropping((P(2, 1),)), Field(3, 2, 5)),
        (Pad((P(1, 2),)), Field(3, 2, -1)),
        (Pad((P(-3, 2),)), Field(3, 2, 7)),
        (Pad((P(1, 2),), axes=(2,)), Field(3, 2, 1)),
        (Pad((P(-1, -2),), "reflect"), Field(3, 2, 3)),
        (Slice(1, 3), Field(3, 2, 7)),
        (Slice(1, 1, -1, 3), Field(3, 6, 3)),
        (Slice(1, -4), Field(3, 2, 13)),
        (Slice(2, 1), Field(3, 2, 1)),
        (Take((0, 1), 2), Field(3, 2, 1)),
        (Flip((2,)), Field(3, 2, 1)),
        (Roll((1,), (2,)), Field(3, 2, 1)),
        (Tile((1, 2)), Field(3, 2, 1)),
        (UpSampling((1,)), Field(3, 2, 1)),
        (ChannelShuffle(3), Field(3, 2, 1)),
        (UnsqueezeAxes((3,)), Field(3, 2, 1)),
    ],
    ids=lambda value: f"{type(value).__name__}({value.text()})" if isinstance(value, Kind) else None,
)
def test_moved(kind: Kind, field: Field) -> None:
    found = traced(CONV, kind)
    assert found.layers[-1].receptive == {STEPS: field}
    assert found.layers[-1].receptive[STEPS].start == seen(found.stack, 0)
    assert field.jump == seen(found.stack, 1) - seen(found.stack, 0) or isinstance(kind, Pad)


def seen(stack: Stack, step: int) -> float:
    """Middle of the input steps that change an output step; of those before the first, by what the field would be."""
    made = model(stack, np.random.default_rng(0))
    shape = made.trace.inputs[0].done.spec.shape[1:]
    x = np.random.default_rng(1).standard_normal((1, *map(int, map(str, shape)))).astype(np.float32)
    (plain,) = made.run({"input": x}).values()
    changed = []
    for i in range(x.shape[1]):
        other = x.copy()
        other[:, i] += 1
        (found,) = made.run({"input": other}).values()
        if abs(found[:, step] - plain[:, step]).max() > 1e-6:
            changed.append(i)
    if not changed:  # padding: the field of the first step that sees anything, less the steps before it
        return seen(stack, step + 1) - 2
    return (changed[0] + changed[-1]) / 2


@pytest.mark.parametrize(
    "kind",
    [
        Pad((P(1, 2),), "reflect"),
        Pad((P(1, 0),), "replicate"),
        Pad((P(0, 2),), "circular"),
        UpSampling((2,)),
        Upsample((5,)),
        Upsample((20,), mode="linear"),
        Slice(1, step=-1),
        Take((0, 2), 1),
        Take((0,), 1, keepdims=False),
        Split(2, 1),
        Roll((1,), (1,)),
        Flip((1,)),
        Tile((2, 1)),
        Repeat(2, 1),
        Flatten(),
    ],
    ids=lambda kind: f"{type(kind).__name__}({kind.text()})",
)
def test_lost_for_good(kind: Kind) -> None:
    found = traced(CONV, kind)
    assert STEPS not in found.layers[-1].receptive
    if kind != Flatten() and not isinstance(kind, Split | Take):
        again = traced(CONV, kind, Conv(2, (2,)))
        assert again.layers[-1].receptive == {}, "what follows does not begin anew"


def test_one_axis_may_be_lost_and_another_kept() -> None:
    shape = (12, 12, 4)
    conv = Conv(4, (3, 3))
    assert traced(conv, Flip((1,)), shape=shape).layers[-1].receptive == {WIDTH: Field(3, 1, 1)}
    assert traced(conv, UpSampling((2, 1)), shape=shape).layers[-1].receptive == {WIDTH: Field(3, 1, 1)}
    assert traced(conv, Slice(1, 2), shape=shape).layers[-1].receptive == {
        HEIGHT: Field(3, 1, 3),
        WIDTH: Field(3, 1, 1),
    }
    assert traced(conv, Flatten(start_axis=2), shape=shape).layers[-1].receptive == {HEIGHT: Field(3, 1, 1)}
    pads = (P(1, 1), P(0, 0))
    assert traced(conv, Pad(pads, "reflect"), shape=shape).layers[-1].receptive == {WIDTH: Field(3, 1, 1)}
    for kind in (PixelShuffle(2), Resizing(5, 5), Unfold((2, 2))):
        assert traced(conv, kind, shape=shape).layers[-1].receptive == {}
    squeezed = (Conv(1, (3, 3)), Slice(1, stop=1), SqueezeAxes((1,)))
    assert traced(*squeezed, shape=shape).layers[-1].receptive == {WIDTH: Field(3, 1, 1)}


def test_a_start_that_depends_on_a_symbol_is_not_told() -> None:
    found = traced(CONV, Slice(1, -4), shape=(symbol("T"), 2))
    assert found.layers[-1].receptive == {STEPS: Field(3, 2, None)}
    assert traced(CONV, Slice(1, 2, -1), shape=(symbol("T"), 2)).layers[-1].receptive == {STEPS: Field(3, 2, 5)}


def test_straight_behind_an_input() -> None:
    assert traced(Slice(1, 4)).layers[-1].receptive == {STEPS: Field(1, 1, 4)}
    assert traced(Flip((1,))).layers[-1].receptive == {}
    stack = Stack((Node(Input((9, 2)), "x"), Node(Cropping((P(1, 0),)), "crop")))
    assert trace(stack).layer("crop").receptive == {STEPS: Field(1, 1, 1)}
