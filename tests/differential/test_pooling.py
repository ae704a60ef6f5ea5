"""Pools beside PyTorch's and Keras'.

Keras on PyTorch repeats the edge where an average pool's SAME adds more after than before; on TensorFlow the padding is
left out of the mean. TensorFlow's is what Keras means, so PyTorch's sums over PyTorch's counts stand in for it.
"""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.base import Kind
from lamina_server.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
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
    return torch_pool("max", slide)(F.pad(x, slide.flat_ends, value=-torch.inf), slide.sizes, slide.strides)


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
    """PyTorch's own explicit pads, ceil_mode and count_include_pad: both agree, or both refuse.

    Its avg_pool3d alone refuses an input shorter than the window however it is padded.
    """
    slide = data.draw(slides(rank, ("explicit",), symmetric=True, half=True, fitting=average and rank == 3))
    x = slide.image(data.draw(channels))
    window = (slide.sizes, slide.strides, slide.padding, slide.data_format, ceil_mode)
    kind = AveragePool(*window, include_pad) if average else MaxPool(*window)
    before = tuple(a for a, _ in slide.ends)
    more = (ceil_mode, include_pad) if average else (1, ceil_mode)
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
    slide = data.draw(slides(rank, ("same", "same_lower", "explicit"), half=True, fitting=True))
    x = slide.image(data.draw(channels))
    kind = MaxPool(slide.sizes, slide.strides, slide.padding, slide.data_format)
    check(kind, slide, x, torch_max(slide, tensor(x)).numpy())


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
