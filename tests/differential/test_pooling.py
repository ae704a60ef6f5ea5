"""Pools beside PyTorch's and Keras'.

Keras on PyTorch repeats the edge where an average pool's SAME adds more after than before; on TensorFlow the padding is
left out of the mean. TensorFlow's is what Keras means, so PyTorch's sums over PyTorch's counts stand in for it.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.pooling.unpooling import MaxUnpool
from tests.differential.oracles import F, keras, keras_values, tensor, torch, unless_too_short
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    laid,
    layouts,
    normal,
    profile,
    refused,
    run,
    seeds,
    spatial,
)
from tests.differential.windows import Slide, slides

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
channels = st.integers(1, 3)


def torch_pool(name: str, slide: Slide) -> Any:
    """`max_pool2d` and its like."""
    return getattr(F, f"{name}_pool{slide.rank}d")


def torch_max(slide: Slide, x: Any) -> Any:
    """The largest of each window, with nothing where padding is."""
    wide = F.pad(x, slide.flat_ends, value=-torch.inf)
    return torch_pool("max", slide)(wide, slide.sizes, slide.strides, 0, slide.dilations)


def torch_average(slide: Slide, x: Any, *, include_pad: bool = False) -> Any:
    """The mean of each window: of what lies in the input, or in input and padding."""
    pool = torch_pool("avg", slide)
    total, share = (pool(F.pad(part, slide.flat_ends), slide.sizes, slide.strides) for part in (x, torch.ones_like(x)))
    return total if include_pad else total / share


def check(kind: Kind, slide: Slide, x: Array, expected: Array) -> None:
    """What is expected comes, with concrete lengths and with symbols."""
    given_x = laid(x, slide.lies)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, given_x, layout=slide.layout, symbolic=symbolic)
        assert_close(found, laid(expected, slide.lies))

    both(once, spatial(slide.rank, slide.lies))


@RANKS
@profile
@given(data=st.data(), ceil_mode=st.booleans(), include_pad=st.booleans(), average=st.booleans())
def test_options_are_torchs(rank: int, data: st.DataObject, ceil_mode: bool, include_pad: bool, average: bool) -> None:
    """PyTorch's own explicit pads, ceil_mode, count_include_pad and dilation: both agree, or both refuse.

    Its avg_pool3d alone refuses an input shorter than the window however it is padded.
    """
    fitting, dilations = average and rank == 3, 1 if average else 3
    slide = data.draw(slides(rank, ("explicit",), dilations=dilations, symmetric=True, half=True, fitting=fitting))
    x = slide.image(data.draw(channels))
    window = (slide.sizes, slide.strides, slide.padding, slide.data_format, ceil_mode)
    kind = AveragePool(*window, include_pad) if average else MaxPool(*window, slide.dilations)
    before = tuple(a for a, _ in slide.ends)
    more = (ceil_mode, include_pad) if average else (slide.dilations, ceil_mode)
    pool = torch_pool("avg" if average else "max", slide)
    y = unless_too_short(lambda: pool(tensor(x), slide.sizes, slide.strides, before, *more))
    if y is not None:
        check(kind, slide, x, y.numpy())
    else:
        axes = spatial(slide.rank, slide.lies)
        assert refused(kind, laid(x, slide.lies), layout=slide.layout, symbolic=axes) == "WINDOW_TOO_LONG"


@RANKS
@profile
@given(data=st.data())
def test_max_with_any_pads(rank: int, data: st.DataObject) -> None:
    """Padding never wins; SAME of either side and pads that differ before and after are PyTorch's of a padded input."""
    slide = data.draw(slides(rank, ("same", "same_lower", "explicit"), dilations=3, half=True, fitting=True))
    x = slide.image(data.draw(channels))
    kind = MaxPool(slide.sizes, slide.strides, slide.padding, slide.data_format, dilation_rate=slide.dilations)
    check(kind, slide, x, torch_max(slide, tensor(x)).numpy())


@RANKS
@profile
@given(data=st.data(), ceil_mode=st.booleans())
def test_indices_are_torchs(rank: int, data: st.DataObject, ceil_mode: bool) -> None:
    """Where each maximum stood, the first of equals. A window with nothing in it has no index."""
    slide = data.draw(slides(rank, ("explicit", "same", "same_lower"), dilations=3, half=True, fitting=True))
    x = slide.image(data.draw(channels)).round()  # with equals
    over = ceil_mode and isinstance(slide.padding, tuple)
    window = (slide.sizes, slide.strides, slide.padding, slide.data_format, over, slide.dilations)
    wide = F.pad(tensor(x), slide.flat_ends, value=-torch.inf)
    places = F.pad(torch.arange(x[0, 0].size).reshape(x.shape[2:]), slide.flat_ends, value=-1).flatten()
    if over:  # PyTorch itself has pads on both sides alike
        assume(all(a == b for a, b in slide.ends))
        ends = [a for a, _ in slide.ends]
        y, at = torch_pool("max", slide)(tensor(x), slide.sizes, slide.strides, ends, slide.dilations, True, True)
    else:
        y, at = torch_pool("max", slide)(wide, slide.sizes, slide.strides, 0, slide.dilations, False, True)
        at = places[at]
    y, at = laid(y.numpy(), slide.lies), laid(at.numpy(), slide.lies)

    def once(symbolic: Collection[int]) -> None:
        kind = MaxPool(*window, return_indices=True)
        found, indices = run(kind, laid(x, slide.lies), layout=slide.layout, symbolic=symbolic)
        assert_close(found, y)
        assert indices.dtype == at.dtype and (indices == at)[y > -np.inf].all()

    both(once, spatial(slide.rank, slide.lies))


@RANKS
@profile
@given(data=st.data(), given_size=st.booleans())
def test_unpools_are_torchs(rank: int, data: st.DataObject, given_size: bool) -> None:
    """From PyTorch's own indices back to the length that was pooled, or to the shortest that it may have been."""
    slide = data.draw(slides(rank, ("explicit",), symmetric=True, half=True, fitting=True))
    assume(all(s <= k for s, k in zip(slide.strides, slide.sizes, strict=True)))
    x, ends = tensor(slide.image(data.draw(channels))), [a for a, _ in slide.ends]
    window = (slide.sizes, slide.strides, ends)
    y, at = torch_pool("max", slide)(x, *window, return_indices=True)
    if not given_size:  # PyTorch refuses indices beyond the shortest length: none are there
        shortest = [(n - 1) * s + k - 2 * a for n, k, s, a in zip(y.shape[2:], *window, strict=True)]
        assume(all(shortest) and int(at.max()) < np.prod(shortest))
    size = slide.lengths if given_size else ()
    back = getattr(F, f"max_unpool{rank}d")(y, at, *window, output_size=size or None)
    kind = MaxUnpool(slide.sizes, slide.strides, slide.padding, slide.data_format, size)
    values, index = (laid(part.numpy(), slide.lies) for part in (y.float(), at))

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, values, index, layout=slide.layout, symbolic=symbolic)
        assert_close(found, laid(back.numpy(), slide.lies))

    both(once, spatial(slide.rank, slide.lies))


@pytest.mark.parametrize("rank", [2, 3])  # PyTorch's AvgPool1d has none
@profile
@given(data=st.data(), ceil_mode=st.booleans(), divisor=st.integers(1, 20))
def test_divisors_are_torchs(rank: int, data: st.DataObject, ceil_mode: bool, divisor: int) -> None:
    slide = data.draw(slides(rank, ("explicit", "same"), symmetric=True, half=True, fitting=True))
    x = slide.image(data.draw(channels))
    over = ceil_mode and isinstance(slide.padding, tuple)
    window = (slide.sizes, slide.strides, slide.padding, slide.data_format, over)
    alike = [a for a, _ in slide.ends] if isinstance(slide.padding, tuple) else 0
    wide = tensor(x) if alike else F.pad(tensor(x), slide.flat_ends)
    y = torch_pool("avg", slide)(wide, slide.sizes, slide.strides, alike, over, True, divisor)
    include = data.draw(st.booleans())  # there is nothing left for it to decide
    check(AveragePool(*window, include, divisor), slide, x, y.numpy())


@RANKS
@profile
@given(data=st.data(), include_pad=st.booleans())
def test_average_with_any_pads(rank: int, data: st.DataObject, include_pad: bool) -> None:
    """As above, the padding counted or not."""
    slide = data.draw(slides(rank, ("same", "same_lower", "explicit"), half=True, fitting=True))
    x = slide.image(data.draw(channels))
    kind = AveragePool(slide.sizes, slide.strides, slide.padding, slide.data_format, count_include_pad=include_pad)
    check(kind, slide, x, torch_average(slide, tensor(x), include_pad=include_pad).numpy())


@RANKS
@profile
@given(data=st.data(), average=st.booleans(), default_strides=st.booleans())
def test_pools_are_keras(rank: int, data: st.DataObject, average: bool, default_strides: bool) -> None:
    slide = data.draw(slides(rank, ("valid", "same"), fitting=True))
    if default_strides:
        slide = slide._replace(strides=slide.sizes)
    assume(not average or all(a == b for a, b in slide.ends))  # see above
    x = laid(slide.image(data.draw(channels)), slide.lies)
    strides = () if default_strides else slide.strides
    kind = (AveragePool if average else MaxPool)(slide.sizes, strides, slide.padding, slide.data_format)
    options = slide.keras_options(strides=None if default_strides else slide.strides)
    layer = getattr(keras.layers, f"{'Average' if average else 'Max'}Pooling{rank}D")(slide.sizes, **options)
    (found,) = run(kind, x, layout=slide.layout)
    assert_close(found, keras_values(layer, [x])[0])


@RANKS
@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, average=st.booleans(), keepdims=st.booleans())
def test_global_pools(
    rank: int, data: st.DataObject, layout: Any, data_format: Any, average: bool, keepdims: bool
) -> None:
    lengths = data.draw(st.tuples(*[st.integers(1, 5)] * rank))
    image = normal(data.draw(seeds), BATCH, data.draw(channels), *lengths)
    lies = data_format or layout
    x = laid(image, lies)
    kind = (GlobalAveragePool if average else GlobalMaxPool)(None, data_format, keepdims)
    over = tuple(range(2, rank + 2))
    reduced = (torch.mean if average else torch.amax)(tensor(image), over, keepdim=keepdims).numpy()
    title = f"Global{'Average' if average else 'Max'}Pooling{rank}D"
    layer = getattr(keras.layers, title)(lies.value, keepdims, dtype="float64")
    (by_keras,) = keras_values(layer, [x])

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(kind, x, layout=layout, symbolic=symbolic)
        assert_close(found, laid(reduced, lies) if keepdims else reduced)
        assert_close(found, by_keras)

    both(once, spatial(rank, lies))
