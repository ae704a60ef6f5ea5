"""Products of tensors that sum along axes, beside PyTorch's and Keras'."""

from collections.abc import Collection
from string import ascii_letters
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.einsum import Einsum
from lamina_server.layers.merging.products import CosineSimilarity, Dot, MatMul, PairwiseDistance
from lamina_server.layers.tensors import DType, Layout
from lamina_server.stack import Node, Stack
from tests.contract.held import held
from tests.differential.broadcasts import Shape
from tests.differential.oracles import F, keras, keras_values, tensor, torch
from tests.differential.support import BATCH, Array, Runner, assert_close, both, layouts, normal, profile, run, seeds

sizes = st.integers(1, 4)
shapes = st.lists(sizes, max_size=2).map(tuple)


@profile
@given(data=st.data(), one=shapes, two=shapes, along=sizes, normalize=st.booleans(), layout=layouts, seed=seeds)
def test_dot(
    data: st.DataObject, one: Shape, two: Shape, along: int, normalize: bool, layout: Layout, seed: int
) -> None:
    """Any axis of each, counted from either end; one number for both where it is the same."""
    places = [data.draw(st.integers(1, len(shape) + 1)) for shape in (one, two)]
    arrays = [
        normal(seed + i, BATCH, *shape[: at - 1], along, *shape[at - 1 :])
        for i, (shape, at) in enumerate(zip((one, two), places, strict=True))
    ]
    axes = tuple(at - x.ndim if data.draw(st.booleans()) else at for at, x in zip(places, arrays, strict=True))
    axes = axes[:1] if axes[0] == axes[1] and data.draw(st.booleans()) else axes
    (by_keras,) = keras_values(
        keras.layers.Dot(axes[0] if len(axes) == 1 else axes, normalize, dtype="float64"), arrays
    )
    (found,) = run(Dot(axes, normalize), *arrays, layout=layout)
    assert_close(found, by_keras)
    a, b = (torch.moveaxis(tensor(x), at, -1) for x, at in zip(arrays, places, strict=True))
    a, b = (F.normalize(x, dim=-1, eps=1e-7) if normalize else x for x in (a, b))
    by_torch = (a.reshape(BATCH, -1, along) @ b.reshape(BATCH, -1, along).mT).reshape(BATCH, *one, *two)
    assert_close(found, by_torch if one or two else by_torch.reshape(BATCH, 1))


@profile
@given(rank=st.integers(1, 3), seed=seeds, normalize=st.booleans())
def test_dot_of_unknown_lengths(rank: int, seed: int, normalize: bool) -> None:
    arrays = [normal(seed + i, BATCH, *(2, 3, 4)[:rank]) for i in range(2)]
    (by_keras,) = keras_values(keras.layers.Dot(-1, normalize, dtype="float64"), arrays)
    (found,) = run(Dot((-1,), normalize), *arrays, symbolic=range(rank))
    assert_close(found, by_keras)


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """What may stand before rows and columns of two inputs (batch excluded)."""
    whole = draw(st.lists(sizes, max_size=2))
    one, two = (tuple(n if draw(st.booleans()) else 1 for n in whole) for _ in range(2))
    return one, two


@profile
@given(
    leading=matrices(), n=sizes, k=sizes, m=sizes, turned=st.tuples(st.booleans(), st.booleans()), layout=layouts,
    seed=seeds,
)  # fmt: skip
def test_mat_mul(
    leading: tuple[Shape, Shape], n: int, k: int, m: int, turned: tuple[bool, bool], layout: Layout, seed: int
) -> None:
    """The last two axes, either way round; what stands before them is stretched."""
    ends = [(k, n) if turned[0] else (n, k), (m, k) if turned[1] else (k, m)]
    arrays = [normal(seed + i, BATCH, *leading[i], *ends[i]) for i in range(2)]
    a, b = (tensor(x).mT if flip else tensor(x) for x, flip in zip(arrays, turned, strict=True))
    (found,) = run(MatMul(*turned), *arrays, layout=layout)
    assert_close(found, torch.matmul(a, b))
    assert_close(found, np.asarray(keras.ops.matmul(a, b)))


@pytest.mark.parametrize("turned", [False, True])
def test_mat_mul_of_unknown_lengths(turned: bool) -> None:
    """Scores of attention: (heads, T, k) times (heads, T, k) turned; and values, (heads, T, T) times (heads, T, k)."""
    one, two = normal(1, BATCH, 2, 5, 3), normal(2, BATCH, 2, 5, 3)
    if turned:
        (found,) = run(MatMul(transpose_b=True), one, two, symbolic=[1])
        assert_close(found, tensor(one) @ tensor(two).mT)
    else:
        (found,) = run(MatMul(transpose_a=True), one, two, symbolic=[1])
        assert_close(found, tensor(one).mT @ tensor(two))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4)])
def test_mat_mul_with_what_the_stack_holds(shape: Shape, first: bool) -> None:
    """A held matrix, or one for each head, serves every sample and every head."""
    matrix, x = normal(1, 1, *shape), normal(2, BATCH, 3, 4, 4)
    order = ("m", "x") if first else ("x", "m")
    nodes = (Node(held(matrix[0]), "m"), Node(Input((3, 4, 4)), "x"), Node(MatMul(), "layer", order))
    found = Runner(Stack(nodes), {}, ["layer"])({"x": x})["layer"]
    a, b = (tensor(matrix), tensor(x)) if first else (tensor(x), tensor(matrix))
    assert_close(found, torch.matmul(a, b))


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[Shape]]:
    """An equation over one to three inputs, and their shapes, the batch included."""
    letters = draw(st.permutations(ascii_letters))
    batch, labels = letters[0], letters[1 : draw(st.integers(2, 5))]
    lengths = {label: draw(sizes) for label in labels}
    rest = draw(st.lists(sizes, max_size=2)) if draw(st.booleans()) else None  # what ... stands for, behind the batch
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        term = draw(st.lists(st.sampled_from(labels), min_size=0 if rest else 1, max_size=3, unique=True))
        sized = [lengths[label] if draw(st.integers(0, 3)) else 1 for label in term]
        middle = [] if rest is None else [n if draw(st.integers(0, 3)) else 1 for n in rest]
        at = draw(st.integers(0, len(term)))
        terms.append(batch + "".join(term[:at]) + ("" if rest is None else "...") + "".join(term[at:]))
        shapes.append((BATCH, *sized[:at], *middle, *sized[at:]))
    known = sorted(set("".join(terms)) - {batch, "."})
    kept = draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    at = draw(st.integers(0, len(kept)))
    dots = "..." if rest is not None and draw(st.integers(0, 4)) else ""
    return f"{','.join(terms)}->{batch}{''.join(kept[:at])}{dots}{''.join(kept[at:])}", shapes


@profile
@given(drawn=equations(), layout=layouts, seed=seeds)
def test_einsum(drawn: tuple[str, list[Shape]], layout: Layout, seed: int) -> None:
    equation, shapes = drawn
    arrays = [normal(seed + i, *shape) for i, shape in enumerate(shapes)]
    (found,) = run(Einsum(equation), *arrays, layout=layout)
    expected = torch.einsum(equation, *map(tensor, arrays))
    assert_close(found, expected)
    assert_close(found, np.asarray(keras.ops.einsum(equation, *map(tensor, arrays))))


@pytest.mark.parametrize(
    ("equation", "shapes", "symbolic"),
    [
        ("bqhd,bkhd->bhqk", [(5, 2, 3), (5, 2, 3)], [0]),
        ("...ij,...jk->...ik", [(2, 4, 4), (2, 4, 4)], [0]),
        ("bhqk,bkhd->bqhd", [(2, 5, 5), (5, 2, 3)], [1]),
        ("b...->b", [(3, 4)], [0, 1]),
        ("bii->bi", [(4, 4)], []),
    ],
)  # fmt: skip
def test_einsum_as_models_write_it(equation: str, shapes: list[Shape], symbolic: list[int]) -> None:
    arrays = [normal(i, BATCH, *shape) for i, shape in enumerate(shapes)]

    def once(where: Collection[int]) -> None:
        if where and len({shape[where[0]] for shape in shapes}) > 1:  # type: ignore[index]
            return
        (found,) = run(Einsum(equation), *arrays, symbolic=where)
        assert_close(found, torch.einsum(equation, *map(tensor, arrays)))

    both(once, symbolic)


@pytest.mark.parametrize("equation", ["bij,zjk->bik", "bij,zj->bi", "bij,jjk->bik"])
def test_einsum_with_what_the_stack_holds(equation: str) -> None:
    """Its batch axis of 1 may have a label of its own."""
    shape = (4,) if equation.endswith(",zj->bi") else (4, 5)
    matrix, x = normal(1, 1, *shape), normal(2, BATCH, 3, 4)
    nodes = (Node(held(matrix[0]), "m"), Node(Input((3, 4)), "x"), Node(Einsum(equation), "layer", ("x", "m")))
    if "jj" in equation:
        with pytest.raises(Exception, match="twice in m"):
            Runner(Stack(nodes), {}, ["layer"])
        return
    found = Runner(Stack(nodes), {}, ["layer"])({"x": x})["layer"]
    assert_close(found, torch.einsum(equation, tensor(x), tensor(matrix)))


def pair(shape: Shape, ones: list[bool], seed: int) -> tuple[Array, Array]:
    """Two arrays of one rank, the second with some sizes 1."""
    small = tuple(1 if one else n for n, one in zip(shape, ones, strict=False))
    return normal(seed, BATCH, *shape), normal(seed + 1, BATCH, *small)


some = st.lists(st.booleans(), min_size=3, max_size=3)
whole = st.lists(sizes, min_size=1, max_size=3).map(tuple)


@profile
@given(data=st.data(), shape=whole, ones=some, epsilon=st.sampled_from([1e-8, 0.7]), layout=layouts, seed=seeds)
def test_cosine_similarity(
    data: st.DataObject, shape: Shape, ones: list[bool], epsilon: float, layout: Layout, seed: int
) -> None:
    axis = data.draw(st.integers(1, len(shape)) | st.integers(-len(shape), -1))
    arrays = pair(shape, ones, seed)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(CosineSimilarity(axis, epsilon), *arrays, layout=layout, symbolic=symbolic)
        assert_close(found, F.cosine_similarity(*map(tensor, arrays), dim=axis, eps=epsilon))

    both(once, [i for i, one in enumerate(ones[: len(shape)]) if not one])


@profile
@given(
    shape=whole, ones=some, p=st.sampled_from([1.0, 2.0, 3.0, 1.5, float("inf")]),
    epsilon=st.sampled_from([1e-6, 0.0, 0.3, -0.2]), keepdims=st.booleans(), layout=layouts, seed=seeds,
)  # fmt: skip
def test_pairwise_distance(
    shape: Shape, ones: list[bool], p: float, epsilon: float, keepdims: bool, layout: Layout, seed: int
) -> None:
    arrays = pair(shape, ones, seed)

    def once(symbolic: Collection[int]) -> None:
        (found,) = run(PairwiseDistance(p, epsilon, keepdims), *arrays, layout=layout, symbolic=symbolic)
        assert_close(found, torch.nn.PairwiseDistance(p, epsilon, keepdims)(*map(tensor, arrays)))

    both(once, [i for i, one in enumerate(ones[: len(shape)]) if not one])


@pytest.mark.parametrize("kind", [MatMul(), Einsum("bij,bjk->bik")])
@pytest.mark.parametrize("dtype", [DType.INT32, DType.INT64, DType.FLOAT64, DType.FLOAT16])
def test_element_types(kind: Any, dtype: DType) -> None:
    arrays = [np.arange(24).reshape(2, 3, 4).astype(dtype.numpy), np.arange(40).reshape(2, 4, 5).astype(dtype.numpy)]
    (found,) = run(kind, *arrays)
    np.testing.assert_array_equal(found, arrays[0] @ arrays[1])
