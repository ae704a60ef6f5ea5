"""Parts of tensors, and axes of size 1: exactly NumPy's and PyTorch's numbers."""

from collections.abc import Collection

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.shaping.slicing import Slice, Split, SqueezeAxes, Take, UnsqueezeAxes
from lamina_server.layers.tensors import Layout
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import BATCH, both, layouts, normal, profile, refused, run, seeds
from tests.differential.test_padding import same

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
ends = st.none() | st.integers(-9, 9)


def counted(data: st.DataObject, axis: int, rank: int) -> int:
    """An axis, in half the cases from the end."""
    return data.draw(st.sampled_from((axis, axis - rank)))


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_squeeze_and_unsqueeze(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    x = normal(seed, BATCH, *shape)
    new = data.draw(st.lists(st.integers(1, len(shape) + 2), max_size=2, unique=True))
    assume(all(axis <= len(shape) + len(new) for axis in new))
    axes = tuple(counted(data, axis, x.ndim + len(new)) for axis in new)
    expected = np.expand_dims(x, axes)
    same(UnsqueezeAxes(axes), x, expected, layout, range(len(shape)))
    same(SqueezeAxes(axes), expected, x, layout, [i - 1 for i in range(1, expected.ndim) if i not in new])


@profile
@given(
    data=st.data(),
    shape=shapes,
    start=ends,
    stop=ends,
    step=st.integers(-3, 3).filter(bool),
    layout=layouts,
    seed=seeds,
)
def test_slice(
    data: st.DataObject,
    shape: tuple[int, ...],
    start: int | None,
    stop: int | None,
    step: int,
    layout: Layout,
    seed: int,
) -> None:
    """Python's slices, whose clipping is exact over a symbol too; nothing left is refused over both."""
    axis = data.draw(st.integers(1, len(shape)))
    kind = Slice(counted(data, axis, len(shape) + 1), start, stop, step)
    x = normal(seed, BATCH, *shape)
    cuts = [slice(None)] * x.ndim
    cuts[axis] = slice(start, stop, step)
    expected = x[tuple(cuts)]
    if expected.size == 0:
        assert refused(kind, x, layout=layout) == "EMPTY_RESULT"
        return
    same(kind, x, expected, layout, [axis - 1])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_take(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    axis = data.draw(st.integers(1, len(shape)))
    n = shape[axis - 1]
    indices = tuple(data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=6)))
    x = normal(seed, BATCH, *shape)
    kept = data.draw(st.booleans()) or len(indices) > 1
    expected = keras.ops.take(x, np.array(indices) if kept else indices[0], axis).numpy()
    same(Take(indices, counted(data, axis, x.ndim), kept), x, expected, layout, [axis - 1])


@profile
@given(data=st.data(), shape=shapes, layout=layouts, seed=seeds)
def test_split(data: st.DataObject, shape: tuple[int, ...], layout: Layout, seed: int) -> None:
    """PyTorch's chunk and split, and sizes of which one may be what the others leave."""
    axis = data.draw(st.integers(1, len(shape)))
    n, place = shape[axis - 1], counted(data, axis, len(shape) + 1)
    x = normal(seed, BATCH, *shape)
    how = data.draw(st.sampled_from(("sections", "size", "sizes")))
    if how == "sections":
        sections = data.draw(st.integers(1, 6))
        kind, expected = Split(sections, place), torch.chunk(tensor(x), sections, axis)
    elif how == "size":
        size = data.draw(st.integers(1, 6))
        kind, expected = Split(axis=place, size=size), torch.split(tensor(x), size, axis)
    else:
        cuts = sorted(data.draw(st.sets(st.integers(1, n - 1)))) if n > 1 else []
        sizes = [b - a for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
        expected = torch.split(tensor(x), sizes, axis)
        if data.draw(st.booleans()):
            sizes[data.draw(st.integers(0, len(sizes) - 1))] = -1
        kind = Split(axis=place, sizes=tuple(sizes))
    free = -1 in kind.sizes

    def once(axes: Collection[int]) -> None:
        found = run(kind, x, layout=layout, symbolic=axes)
        assert len(found) == len(expected)
        for part, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(part, wanted)

    both(once, [axis - 1] if free else [i for i in range(len(shape)) if i != axis - 1])
