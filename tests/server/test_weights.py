"""Weights from a seed: the same bits for ever, within Glorot's limits, untouched by other layers. Given ones: checked.

The golden vectors must never change: a stack that was run from a seed would no longer give the same numbers.
"""

import hashlib
from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.errors import InvalidRequestError
from lamina_server.layers.base import Weight
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.records import Trace
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import GENERATOR, check_given, complete, draw, weights_of

Array = np.ndarray[Any, Any]
SIX = (Node(Input((128, 9))), Node(Conv(4, (10,))), Node(BatchNormalization()), Node(LSTM(3)), Node(Dense(6)))

GOLDEN = [
    (0, "conv1d/kernel", (3, 1, 2), (3, 6), "47960bbf9b140ebf3f54e5bc8769693e74981fbf54cfea3e"),
    (1, "conv1d/kernel", (3, 1, 2), (3, 6), "812aaebd12ec3dbfe281953e7c4f303e5a3a08bfeffc35bf"),
    (0, "dense/kernel", (2, 3), (2, 3), "54ea533ee04f59bf17abf9be7a7c293e166d663e1f84e13e"),
    (2**63 - 1, "lstm/recurrent_kernel", (1, 4), (1, 4), "4cfa233e007404bfcb56203f32ba87bf"),
    (7, "größe/kernel", (5,), (1000, 24), "a18eb8bc566f83bd5aea453da951073cdd341c3d"),
    (42, "d/kernel", (1, 1), (1, 1), "56ae0cbf"),
]


def glorot(shape: tuple[int, ...], fan_in: int, fan_out: int) -> Weight:
    return Weight("kernel", shape, "glorot", fan_in, fan_out)


def little(array: Array) -> bytes:
    return array.astype("<f4").tobytes()


@pytest.mark.parametrize(("seed", "name", "shape", "fans", "bits"), GOLDEN)
def test_golden_vectors(seed: int, name: str, shape: tuple[int, ...], fans: tuple[int, int], bits: str) -> None:
    found = draw(name, glorot(shape, *fans), seed)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert little(found).hex() == bits


def test_golden_digest_of_more_than_one_chunk() -> None:
    found = draw("big/kernel", glorot((2049, 2049), 2049, 2049), 3)
    assert (
        hashlib.sha256(little(found)).hexdigest() == "321e543fb09b903eb2f0afff5428ec6f8723c0f0f3f73057ee9eede68f6e19b3"
    )


def test_the_generator_has_a_name_of_its_own() -> None:
    """Whoever changes the bits must change the name, which is part of every content id."""
    assert GENERATOR == "philox-glorot-uniform-1"


def philox(key: int, count: int) -> list[int]:
    """Raw words of Philox4x64-10 (Salmon et al. 2011), counting from 1, in plain integers."""
    words: list[int] = []
    mask = 2**64 - 1
    for block in range(1, count // 4 + 2):
        counter, low, high = (block, 0, 0, 0), key & mask, key >> 64
        for _ in range(10):
            left, right = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
            counter = (
                (right >> 64) ^ counter[1] ^ low,
                right & mask,
                (left >> 64) ^ counter[3] ^ high,
                left & mask,
            )
            low, high = (low + 0x9E3779B97F4A7C15) & mask, (high + 0xBB67AE8584CAA73B) & mask
        words.extend(counter)
    return words[:count]


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), st.text(max_size=8), st.integers(1, 9), st.integers(1, 500), st.integers(1, 500))
def test_any_language_can_draw_the_same(seed: int, layer: str, count: int, fan_in: int, fan_out: int) -> None:
    layer = layer.encode(errors="ignore").decode()
    found = draw(f"{layer}/kernel", glorot((count,), fan_in, fan_out), seed)
    key = int.from_bytes(hashlib.sha256(f"{seed}/{layer}/kernel".encode()).digest()[:16], "little")
    scale = sqrt(6 / (fan_in + fan_out)) / 2**24
    wanted = [((word >> 40) * 2 + 1 - 2**24) * scale for word in philox(key, count)]
    assert little(found) == np.array(wanted, np.float32).astype("<f4").tobytes()


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(1, 4000), st.integers(1, 4000))
def test_within_glorots_limits_and_never_zero(seed: int, fan_in: int, fan_out: int) -> None:
    found = draw("d/kernel", glorot((64, 16), fan_in, fan_out), seed)
    limit = np.float32(sqrt(6 / (fan_in + fan_out)))
    assert np.all(np.abs(found) <= limit)
    assert np.all(found != 0)
    assert np.abs(found).max() > limit * 0.9
    assert abs(found.mean()) < limit * 0.1


@pytest.mark.parametrize(("init", "value"), [("zeros", 0), ("ones", 1), (1e-6, 1e-6)])
def test_what_is_not_drawn_is_constant(init: str | float, value: float) -> None:
    np.testing.assert_array_equal(draw("x/y", Weight("y", (3, 2), init), 5), np.full((3, 2), value, np.float32))


def test_a_weight_does_not_depend_on_the_layers_around_it() -> None:
    found = complete(trace(Stack(SIX)), {}, 11)
    alone = complete(trace(Stack((*SIX[:2], *SIX[3:4]))), {}, 11)
    for name, array in alone.items():
        assert little(array) == little(found[name])
    assert list(found) == [
        *("conv1d/kernel", "conv1d/bias"),
        *(f"batch_normalization/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        *("lstm/kernel", "lstm/recurrent_kernel", "lstm/bias", "dense/kernel", "dense/bias"),
    ]
    assert all(array.dtype == np.float32 for array in found.values())


def test_layers_and_seeds_differ() -> None:
    twins = Stack((Node(Input((8,))), Node(Dense(8, use_bias=False)), Node(Dense(8, use_bias=False))))
    drawn = [array for seed in (0, 1) for array in complete(trace(twins), {}, seed).values()]
    assert len({little(array) for array in drawn}) == 4


def test_given_weights_are_taken_as_they_are_and_the_rest_is_drawn() -> None:
    dense = trace(Stack((Node(Input((2,))), Node(Dense(3)))))
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = complete(dense, {"dense/kernel": kernel}, 0)
    assert found["dense/kernel"] is kernel
    np.testing.assert_array_equal(found["dense/bias"], np.zeros(3, np.float32))
    both = complete(dense, {"dense/kernel": kernel, "dense/bias": np.ones(3, np.float32)}, None)
    np.testing.assert_array_equal(both["dense/bias"], np.ones(3, np.float32))


def _conv() -> Trace:
    return trace(Stack((Node(Input((128, 9))), Node(Conv(100, (10,))))))


@pytest.mark.parametrize(
    ("given", "reason", "said"),
    [
        ({"conv1d/kernl": ("float32", (1,))}, "UNKNOWN_WEIGHT",
         '"conv1d/kernl" is no weight of this stack; did you mean "conv1d/kernel" or'),
        ({"conv1d/kernel": ("float32", (10, 9, 10))}, "WEIGHT_SHAPE",
         "conv1d/kernel has shape (10, 9, 10); the stack needs (10, 9, 100)."),
        ({"conv1d/kernel": ("float32", (100, 9, 10))}, "WEIGHT_SHAPE",
         "the same sizes in another order. Kernels are laid out as in Keras"),
        ({"conv1d/bias": ("float32", (99,))}, "WEIGHT_SHAPE",
         "conv1d/bias has shape (99,); the stack needs (100,)."),
        ({"conv1d/bias": ("float64", (100,))}, "WEIGHT_DTYPE", "conv1d/bias is float64; the stack needs float32."),
        ({}, "MISSING_WEIGHT", "conv1d/kernel (10, 9, 100) and 1 more are not given."),
        ({"conv1d/kernel": ("float32", (10, 9, 100))}, "MISSING_WEIGHT", "conv1d/bias (100,) is not given."),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(given: Mapping[str, tuple[str, tuple[int, ...]]], reason: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_given(_conv(), given, rest_drawn=False)
    assert caught.value.reason == reason
    assert said in caught.value.message
    assert caught.value.facts["weight"] in {"conv1d/kernl", "conv1d/kernel", "conv1d/bias"}


def test_a_seed_needs_no_weights() -> None:
    check_given(_conv(), {}, rest_drawn=True)
    check_given(_conv(), {"conv1d/bias": ("float32", (100,))}, rest_drawn=True)


def test_a_hostile_name_is_shown_safely() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_given(_conv(), {"\x1b]" + "z" * 10_000: ("float32", (1,))}, rest_drawn=True)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    assert len(caught.value.facts["weight"]) <= 128


def test_names_of_weights() -> None:
    assert {name: weight.shape for name, weight in weights_of(_conv())} == {
        "conv1d/kernel": (10, 9, 100),
        "conv1d/bias": (100,),
    }
