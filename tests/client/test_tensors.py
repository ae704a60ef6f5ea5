"""Arrays to tensors and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lamina as lm
from lamina.tensors import chunks, from_tensor, numpy_dtype, to_array, to_tensor
from lamina.v1 import tensor_pb2
from tests.support import require

F32 = tensor_pb2.DATA_TYPE_FLOAT32
DTYPES = [
    "float32",
    "float64",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]


@given(st.sampled_from(DTYPES).flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0))))
def test_there_and_back(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
    tensor = to_tensor("a", array)
    back = from_tensor(tensor)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_bytes_are_little_endian_and_row_major() -> None:
    array = np.array([[1, 2], [3, 4]], dtype=">f4").T
    tensor = to_tensor("a", to_array(array, F32, "x"))
    assert tensor.data == np.array([1, 3, 2, 4], dtype="<f4").tobytes()
    assert list(tensor.shape) == [2, 2]


@pytest.mark.parametrize(
    "given_",
    [[1, 2], (1, 2), np.array([1, 2]), np.array([1.0, 2.0]), [True, 2], np.array([1, 2], "f2"), np.array([1, 2], "u1")],
)
def test_numbers_of_any_kind_become_the_declared_type(given_: object) -> None:
    array = to_array(given_, F32, "x")  # type: ignore[arg-type]
    assert array.dtype == np.dtype("<f4")
    assert array.tolist() == [1, 2]


def test_a_scalar_stays_a_scalar() -> None:
    assert to_array(3, F32, "x").shape == ()


def test_no_copy_where_none_is_needed() -> None:
    array = np.zeros((2, 3), np.float32)
    assert np.shares_memory(to_array(array, F32, "x"), array)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1j], "an array of complex numbers was given"),
        (["a"], "an array of text was given"),
        ("a", "text was given"),
        ([[1], [1, 2]], "is no regular array of numbers"),
        ([None], r"\[None\] was given"),
        (np.array(["2020-01-01"], "datetime64[D]"), "an array of dates was given"),
        ({"a": 1}, "was given"),
    ],
)
def test_what_is_no_array_of_numbers(value: object, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=f"^input 'a' .*{said}"):
        to_array(value, F32, "input 'a'")  # type: ignore[arg-type]


def test_integers_take_no_fractions() -> None:
    assert to_array([1.0, 2.0], tensor_pb2.DATA_TYPE_INT8, "x").dtype == np.int8
    with pytest.raises(lm.InvalidArgumentError, match="takes int8; the float64 values given do not fit"):
        to_array([1.5], tensor_pb2.DATA_TYPE_INT8, "x")
    with pytest.raises(lm.InvalidArgumentError, match="do not fit"):
        to_array([300], tensor_pb2.DATA_TYPE_INT8, "x")


@pytest.mark.parametrize(("shape", "data"), [([2], b"1234"), ([-1], b"1234"), ([], b""), ([2**40, 2**40], b"")])
def test_a_tensor_that_lies_about_its_size(shape: list[int], data: bytes) -> None:
    with pytest.raises(lm.InternalError, match="tensor 'a'"):
        from_tensor(tensor_pb2.Tensor(name="a", data_type=F32, shape=shape, data=data))


def test_a_type_of_a_newer_schema() -> None:
    with pytest.raises(lm.InternalError, match="element type 99"):
        numpy_dtype(99, "tensor 'a'")


def test_results_are_read_only() -> None:
    array = from_tensor(to_tensor("a", np.zeros(3, np.float32)))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_bfloat16_needs_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    ml_dtypes = require("ml_dtypes")
    array = np.array([1, 2], ml_dtypes.bfloat16)
    tensor = to_tensor("a", array)
    assert tensor.data_type == tensor_pb2.DATA_TYPE_BFLOAT16
    np.testing.assert_array_equal(from_tensor(tensor), array)
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(lm.InvalidArgumentError, match="install ml_dtypes"):
        from_tensor(tensor)


@pytest.mark.parametrize("shape", [(0,), (), (7,), (3, 5)])
def test_chunks_are_the_bytes_in_order(shape: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    pieces = list(chunks(array, 8))
    assert b"".join(pieces) == array.tobytes()
    assert all(len(piece) == 8 for piece in pieces[:-1])
