"""Resizing: PyTorch's numbers for Upsample, Keras' for UpSampling and Resizing, over numbers and symbols."""

from collections.abc import Collection
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamina_server.layers.shaping.resizing import Resizing, Upsample, UpSampling
from lamina_server.layers.tensors import Layout
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import (
    BATCH,
    Array,
    assert_close,
    both,
    laid,
    layouts,
    normal,
    profile,
    run,
    seeds,
    spatial,
)

MODES = {
    1: ("nearest", "nearest_exact", "linear", "area"),
    2: ("nearest", "nearest_exact", "bilinear", "bicubic", "area"),
    3: ("nearest", "nearest_exact", "trilinear", "area"),
}
LONGEST = {1: 14, 2: 9, 3: 6}
# Doubles that are short in base 2, whose products are exact, so that lengths may be symbols; and others.
SHORT, LONG = (0.5, 1.5, 2.0, 1.25, 3.0, 0.75, 2.5), (1.3, 0.7, 1.1, 0.4, 2.2, 1.0 / 3)


@st.composite
def upsamples(draw: st.DrawFn, rank: int) -> tuple[Upsample, tuple[int, ...], bool]:
    """A layer, lengths, and whether these may be symbols."""
    lengths = draw(st.tuples(*[st.integers(1, LONGEST[rank])] * rank))
    mode = draw(st.sampled_from(MODES[rank]))
    options: dict[str, Any] = {"mode": mode, "data_format": draw(st.none() | layouts)}
    free = True
    if draw(st.booleans()):
        options["size"] = draw(st.tuples(*[st.integers(1, 12)] * draw(st.sampled_from((1, rank)))))
    else:
        factors = SHORT if draw(st.booleans()) else SHORT + LONG
        options["scale_factor"] = draw(st.tuples(*[st.sampled_from(factors)] * draw(st.sampled_from((1, rank)))))
        options["recompute_scale_factor"] = draw(st.booleans())
        each = options["scale_factor"] * (rank if len(options["scale_factor"]) == 1 else 1)
        assume(all(floor(n * f) >= 1 for n, f in zip(lengths, each, strict=True)))
        free = factors is SHORT
    if mode in ("linear", "bilinear", "trilinear", "bicubic"):
        options["align_corners"] = draw(st.booleans())
        if mode in ("bilinear", "bicubic") and not options["align_corners"]:
            options["antialias"] = draw(st.booleans())
            # PyTorch's is wrong where the output has one column: it repeats the first row.
            last = options["size"][-1] if "size" in options else floor(lengths[-1] * options["scale_factor"][-1])
            assume(not options["antialias"] or last > 1)
    return Upsample(**options), lengths, free


def interpolated(kind: Upsample, image: Array, rank: int) -> Any:
    """PyTorch's functional.interpolate with the layer's options; nearest in float32, whose rounding it follows."""
    each = {"size": kind.size or None, "scale_factor": kind.scale_factor or None}
    given = {name: values * (rank if len(values) == 1 else 1) for name, values in each.items() if values}
    corners = kind.align_corners if kind.mode in ("linear", "bilinear", "trilinear", "bicubic") else None
    recompute = kind.recompute_scale_factor or None
    x = torch.tensor(image) if kind.mode.startswith("nearest") else tensor(image)
    mode = kind.mode.replace("_", "-")
    return F.interpolate(
        x, **given, mode=mode, align_corners=corners, recompute_scale_factor=recompute, antialias=kind.antialias
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
@profile
@given(data=st.data(), layout=layouts, seed=seeds)
def test_upsample(rank: int, data: st.DataObject, layout: Layout, seed: int) -> None:
    kind, lengths, free = data.draw(upsamples(rank))
    lies = kind.data_format or layout
    image = normal(seed, BATCH, 2, *lengths)
    expected = laid(interpolated(kind, image, rank).numpy(), lies)

    def once(axes: Collection[int]) -> None:
        (found,) = run(kind, laid(image, lies), layout=layout, symbolic=axes)
        assert_close(found, expected)

    both(once, spatial(rank, lies) if free else ())


@pytest.mark.parametrize("rank", [1, 2, 3])
@profile
@given(data=st.data(), layout=layouts, data_format=st.none() | layouts, seed=seeds)
def test_up_sampling(rank: int, data: st.DataObject, layout: Layout, data_format: Layout | None, seed: int) -> None:
    lengths = data.draw(st.tuples(*[st.integers(1, LONGEST[rank])] * rank))
    size = data.draw(st.tuples(*[st.integers(1, 4)] * rank))
    how: Any = data.draw(st.sampled_from(("nearest", "bilinear", "bicubic"))) if rank == 2 else "nearest"
    lies = data_format or layout if rank > 1 else Layout.CHANNELS_LAST  # Keras' UpSampling1D knows no other
    kind = UpSampling(size, lies if rank == 1 else data_format, how)
    image = normal(seed, BATCH, 3, *lengths)
    if how == "bicubic":
        # Keras on PyTorch has coefficient -0.75 and repeats the edge. TensorFlow's and JAX's -0.5 without what lies
        # beyond it is PyTorch's antialias, which does nothing else where an image grows.
        out = tuple(n * s for n, s in zip(lengths, size, strict=True))
        # That is wrong for a width of 1, which no window passes over: such a column stands twice, and one is kept.
        wide = tensor(image).repeat(1, 1, 1, 2) if out[-1] == 1 else tensor(image)
        found = F.interpolate(wide, (out[0], max(out[1], 2)), mode="bicubic", antialias=True)
        expected = laid(found[..., : out[1]].numpy(), lies)
    else:
        options = {"interpolation": how} if rank == 2 else {}
        options |= {"data_format": lies.value} if rank > 1 else {}
        layer = getattr(keras.layers, f"UpSampling{rank}D")(size if rank > 1 else size[0], dtype="float64", **options)
        (expected,) = keras_values(layer, [laid(image, lies)])

    def once(axes: Collection[int]) -> None:
        (found,) = run(kind, laid(image, lies), layout=layout, symbolic=axes)
        assert_close(found, expected)

    both(once, spatial(rank, lies))


@profile
@given(
    lengths=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    target=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    how=st.sampled_from(("nearest", "bilinear", "bicubic")),
    aspect=st.sampled_from(("", "crop", "pad")),
    antialias=st.booleans(),
    layout=layouts,
    data_format=st.none() | layouts,
    seed=seeds,
)
def test_resizing(
    lengths: tuple[int, int],
    target: tuple[int, int],
    how: Any,
    aspect: str,
    antialias: bool,
    layout: Layout,
    data_format: Layout | None,
    seed: int,
) -> None:
    """Keras' bicubic without antialias is PyTorch's here, trap 30; with it both have coefficient -0.5."""
    antialias = how == "bicubic" or (antialias and how != "nearest")
    assume(not antialias or target[1] > 1)  # PyTorch's fault, see above
    options: dict[str, Any] = {f"{aspect}_to_aspect_ratio": True} if aspect else {}
    options |= {"fill_value": 0.5} if aspect == "pad" else {}
    kind = Resizing(*target, how, antialias=antialias, data_format=data_format, **options)
    lies = data_format or layout
    image = laid(normal(seed, BATCH, 2, *lengths), lies)
    layer = keras.layers.Resizing(*target, how, antialias=antialias, data_format=lies.value, dtype="float64", **options)
    expected = layer(tensor(image)).numpy() if how != "nearest" else layer(torch.tensor(image)).numpy()

    def once(axes: Collection[int]) -> None:
        (found,) = run(kind, image, layout=layout, symbolic=axes)
        assert_close(found, expected)

    both(once, spatial(2, lies))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int16", "bool"])
def test_other_types(dtype: str) -> None:
    """ONNX Runtime's Resize knows few types; what it lacks goes by indices or tables."""
    x = (normal(0, BATCH, 5, 6, 2) * 3).astype(dtype)
    (found,) = run(UpSampling((2, 3)), x)
    np.testing.assert_array_equal(found, x.repeat(2, 1).repeat(3, 2))
    (found,) = run(Upsample((3, 8)), x)
    np.testing.assert_array_equal(found, x[:, [0, 1, 3]][:, :, [0, 0, 1, 2, 3, 3, 4, 5]])
    if dtype.startswith("float"):
        (found,) = run(Resizing(8, 3), x)
        wide = F.interpolate(tensor(x).movedim(-1, 1), (8, 3), mode="bilinear").movedim(1, -1)
        np.testing.assert_allclose(found, wide, atol=1e-12 if dtype == "float64" else 5e-3)
