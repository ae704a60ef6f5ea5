"""Functions of every number alone, comparisons and choices, beside PyTorch's and Keras'."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.broadcasting import ConstantTensor
from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.comparing import COMPARISONS, Compare, Logical, Where
from lamina_server.layers.merging.elementwise import OPERATIONS, Clip, Elementwise
from lamina_server.layers.tensors import FLOATS, DType, Layout
from lamina_server.stack import Node, Stack
from tests.contract.held import held
from tests.differential.broadcasts import Shape, aligned, broadcast, by_constant, constants, several
from tests.differential.oracles import keras, tensor, torch
from tests.differential.support import BATCH, Array, Runner, assert_close, layouts, normal, profile, run, seeds

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
POSITIVE = ("sqrt", "rsqrt", "log", "reciprocal")
BY_KERAS: dict[str, Callable[[Any], Any]] = {
    name: getattr(keras.ops, "absolute" if name == "abs" else name) for name in OPERATIONS
}
COMPUTED = {dtype for dtype in DType if dtype is not DType.BFLOAT16}  # ONNX Runtime's CPU has nothing for bfloat16


@profile
@given(operation=st.sampled_from(list(OPERATIONS)), shape=shapes, layout=layouts, seed=seeds)
def test_elementwise(operation: str, shape: Shape, layout: Layout, seed: int) -> None:
    x = normal(seed, BATCH, *shape, scale=2)
    x = np.abs(x) + 0.1 if operation in POSITIVE else np.clip(x, -1.4, 1.4) if operation == "tan" else x
    x.flat[0] = 0.5 if operation == "round" else x.flat[0]
    for symbolic in ((), range(len(shape))):
        (found,) = run(Elementwise(operation), x, layout=layout, symbolic=symbolic)
        assert_close(found, getattr(torch, operation)(tensor(x)))
        assert_close(found, np.asarray(BY_KERAS[operation](tensor(x))))


@pytest.mark.parametrize(
    ("operation", "dtype"),
    [(name, dtype) for name, row in OPERATIONS.items() for dtype in sorted(row.takes & COMPUTED)],
)
def test_element_types_stay(operation: str, dtype: DType) -> None:
    x = np.array([[1, 2, 3, 100]] if operation != "tan" else [[0.5, 1]], dtype.numpy)
    (found,) = run(Elementwise(operation), x)
    expected = getattr(torch, operation)(torch.tensor(x.astype(np.float64 if dtype in FLOATS else np.int64)))
    if dtype in FLOATS:
        with np.errstate(over="ignore"):
            wanted = np.asarray(expected).astype(dtype.numpy)
        np.testing.assert_allclose(found, wanted, rtol=2e-3 if dtype is DType.FLOAT16 else 1e-5)
    else:
        np.testing.assert_array_equal(found, np.asarray(expected).astype(dtype.numpy))  # squares wrap around


def test_numbers_below_zero_have_no_root_and_no_logarithm() -> None:
    x = np.array([[-1.0, 0.0]], np.float32)
    for operation in ("sqrt", "rsqrt", "log", "reciprocal"):
        np.testing.assert_array_equal(run(Elementwise(operation), x)[0], getattr(torch, operation)(torch.tensor(x)))


bounds = st.none() | st.floats(-1, 1, width=32)


@profile
@given(shape=shapes, low=bounds, high=bounds, layout=layouts, seed=seeds)
def test_clip(shape: Shape, low: float | None, high: float | None, layout: Layout, seed: int) -> None:
    if low is None and high is None:
        high = 0.5
    if low is not None and high is not None and low > high:
        low, high = high, low
    x = normal(seed, BATCH, *shape)
    (found,) = run(Clip(low, high), x, layout=layout, symbolic=range(len(shape)))
    np.testing.assert_array_equal(found, torch.clamp(torch.tensor(x), low, high))
    if low is not None and high is not None:
        np.testing.assert_array_equal(found, np.asarray(keras.ops.clip(x, low, high)))


@pytest.mark.parametrize("dtype", [dtype for dtype in COMPUTED if dtype is not DType.BOOL])
def test_clip_in_every_element_type(dtype: DType) -> None:
    x = np.array([[1, 2, 3, 100]], dtype.numpy)
    for low, high in ((2, 50), (None, 2), (3, None)):
        np.testing.assert_array_equal(run(Clip(low, high), x)[0], np.clip(x, low, high))


@profile
@given(operation=st.sampled_from(list(COMPARISONS)), data=st.data(), layout=layouts, seed=seeds)
def test_compare(operation: str, data: st.DataObject, layout: Layout, seed: int) -> None:
    arrays = [np.round(x) for x in several(data.draw(broadcast(2)), seed)]
    (found,) = run(Compare(operation), *arrays, layout=layout)
    one, two = aligned(arrays)
    compare = getattr(torch, {"equal": "eq", "not_equal": "ne"}.get(operation, operation))
    np.testing.assert_array_equal(found, compare(one, two))
    np.testing.assert_array_equal(found, np.asarray(getattr(keras.ops, operation)(one, two)))
    constant = data.draw(constants(arrays[0].shape[1:]))
    (found,) = run(Compare(operation, constant), arrays[0], layout=layout)
    np.testing.assert_array_equal(found, compare(tensor(arrays[0]), by_constant(constant)))


@pytest.mark.parametrize("operation", COMPARISONS)
@pytest.mark.parametrize("dtype", sorted(COMPUTED))
def test_compare_in_every_element_type(operation: str, dtype: DType) -> None:
    if dtype not in COMPARISONS[operation].takes:
        return
    a, b = (np.array([values], dtype.numpy) for values in ([1, 0, 1, 1], [0, 0, 1, 0]))
    np.testing.assert_array_equal(run(Compare(operation), a, b)[0], getattr(np, operation)(a, b))


def truths(shapes: list[Shape], seed: int) -> list[Array]:
    return [x > 0 for x in several(shapes, seed)]


@profile
@given(
    operation=st.sampled_from(["logical_and", "logical_or", "logical_xor"]),
    drawn=broadcast(),
    layout=layouts,
    seed=seeds,
)
def test_logical(operation: str, drawn: list[Shape], layout: Layout, seed: int) -> None:
    arrays = truths(drawn, seed)
    (found,) = run(Logical(operation), *arrays, layout=layout)
    first, *rest = (x.bool() for x in aligned(arrays))
    by_keras = first
    for x in rest:
        first, by_keras = getattr(torch, operation)(first, x), getattr(keras.ops, operation)(by_keras, x)
    np.testing.assert_array_equal(found, first)
    np.testing.assert_array_equal(found, np.asarray(by_keras))


def test_logical_not() -> None:
    x = np.array([[True, False]])
    assert run(Logical("logical_not"), x)[0].tolist() == [[False, True]]


@profile
@given(drawn=broadcast(3, 3), numbers=st.tuples(st.booleans(), st.booleans()), layout=layouts, seed=seeds)
def test_where(drawn: list[Shape], numbers: tuple[bool, bool], layout: Layout, seed: int) -> None:
    """Tensors or numbers on either side."""
    if numbers == (True, True):
        drawn = drawn[:1]
    arrays = [*truths(drawn[:1], seed), *several(drawn[1 : 3 - sum(numbers)], seed + 1)]
    values = [-100.5 if numbers[0] else None, float("-inf") if numbers[1] else None]
    (found,) = run(Where(values[0], values[1]), *arrays, layout=layout)
    condition, *tensors = aligned(arrays)
    left = iter(tensors)
    chosen = [next(left) if value is None else torch.tensor(value).double() for value in values]
    np.testing.assert_array_equal(found, torch.where(condition.bool(), *chosen))
    np.testing.assert_array_equal(found, np.asarray(keras.ops.where(condition.bool(), *chosen)))


@pytest.mark.parametrize("dtype", sorted(COMPUTED))
def test_where_in_every_element_type(dtype: DType) -> None:
    mask = np.array([[True, False, True]])
    a, b = (np.array([values], dtype.numpy) for values in ([1, 0, 1], [0, 1, 0]))
    for found, expected in (
        (run(Where(), mask, a, b), np.where(mask, a, b)),
        (run(Where(x1=1), mask, b), np.where(mask, np.ones_like(a), b)),
        (run(Where(x2=1), mask, b), np.where(mask, b, np.ones_like(a))),
        (run(Where(1, 0, dtype), mask), mask.astype(dtype.numpy)),
    ):
        assert found[0].dtype == dtype.numpy
        np.testing.assert_array_equal(found[0], expected)


def test_the_largest_unsigned_numbers_survive() -> None:
    mask = np.array([[True, False]])
    a, b = np.array([[2**64 - 1, 1]], np.uint64), np.array([[2, 2**63 + 3]], np.uint64)
    np.testing.assert_array_equal(run(Where(), mask, a, b)[0], np.where(mask, a, b))


def test_masked_fill_as_attention_writes_it() -> None:
    """PyTorch's scores.masked_fill(mask, -inf) with a mask that the stack holds, and Swin's mask != 0, -100."""
    scores, mask = normal(1, BATCH, 2, 5, 5), np.triu(np.ones((5, 5), np.float32), 1)
    nodes = (
        Node(held(mask), "mask"),
        Node(Input((2, 5, 5)), "scores"),
        Node(Compare("not_equal", ConstantTensor((0.0,))), "hidden", ("mask",)),
        Node(Where(x1=float("-inf")), "masked", ("hidden", "scores")),
    )
    found = Runner(Stack(nodes), {}, ["masked"])({"scores": scores})["masked"]
    np.testing.assert_array_equal(found, torch.tensor(scores).masked_fill(torch.tensor(mask) != 0, float("-inf")))
