"""Elements moved, turned round and repeated: exactly NumPy's, PyTorch's and Keras' numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.shaping.repeating import BroadcastTo, Flip, Repeat, Roll, Tile
from lamina_server.layers.tensors import Layout
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import BATCH, layouts, normal, profile, seeds
from tests.differential.test_padding import same
from tests.differential.test_slicing import counted, shapes


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_roll_and_flip(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    """By more than the length, too, whatever number a symbol stands for."""
    x = normal(seed, BATCH, *shape)
    axes = data.draw(st.lists(st.integers(1, len(shape)), min_size=1, unique=True))
    places = tuple(counted(data, axis, x.ndim) for axis in axes)
    shifts = tuple(data.draw(st.integers(-12, 12)) for _ in axes)
    same(Roll(shifts, places), x, torch.roll(tensor(x), shifts, axes), layout, range(len(shape)))
    same(Flip(places), x, keras.ops.flip(x, axes).numpy(), layout, range(len(shape)))


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_tile_and_repeat(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    x = normal(seed, BATCH, *shape)
    repeats = tuple(data.draw(st.integers(1, 3)) for _ in shape)
    same(Tile(repeats), x, tensor(x).tile(1, *repeats), layout, range(len(shape)))
    axis, times = data.draw(st.integers(1, len(shape))), data.draw(st.integers(1, 4))
    expected = tensor(x).repeat_interleave(times, axis)
    np.testing.assert_array_equal(expected, keras.ops.repeat(x, times, axis))
    same(Repeat(times, counted(data, axis, x.ndim)), x, expected, layout, range(len(shape)))


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_broadcast_to(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    """PyTorch's expand, but for the batch axis: new axes stand behind it."""
    shape = tuple(data.draw(st.sampled_from((1, n))) for n in shape)
    wide = tuple(data.draw(st.integers(1, 4)) if n == 1 else n for n in shape)
    new = tuple(data.draw(st.lists(st.integers(1, 3), max_size=2)))
    x = normal(seed, BATCH, *shape)
    target = tuple(
        data.draw(st.sampled_from((-1, n) if n == old else (n,))) for n, old in zip(wide, shape, strict=True)
    )
    expected = tensor(x).reshape(BATCH, *(1,) * len(new), *shape).expand(BATCH, *new, *wide)
    free = [i for i, n in enumerate(target) if n == -1]
    same(BroadcastTo((*new, *target)), x, expected, layout, free)
