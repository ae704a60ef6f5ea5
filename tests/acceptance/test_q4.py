"""Why is it (119, 100) and not (119, 900)?"""

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.words import answered, says

SUMMED = lm.Stack([lm.Input((128, 9)), lm.Conv1D(100, 10, activation="relu")])
APART = lm.Stack([lm.Input((128, 9)), lm.DepthwiseConv1D(10, depth_multiplier=100)])


def test_every_filter_spans_all_channels(client: lm.Client) -> None:
    layer = answered(client, SUMMED)["conv1d"]
    assert layer.output_shape == (None, 119, 100)
    assert layer.params == 9100
    assert layer.macs == 119 * 100 * 10 * 9
    assert {weight.name: weight.shape for weight in layer.weights} == {
        "conv1d/kernel": (10, 9, 100),
        "conv1d/bias": (100,),
    }


def test_the_words_say_where_the_900_went(client: lm.Client) -> None:
    text = client.trace(SUMMED)["conv1d"].explanation
    says(text, r"steps 128 -> 119", r"128 - 10 \+ 1 = 119", r"channels 9 -> 100")
    says(text, r"10 x 9", r"spans all 9 input channels", r"sums over them", r"each filter")
    says(text, r"100 x \(10 x 9 \+ 1\) = 9 100 parameters")
    says(text, r"DepthwiseConv1D\(10, depth_multiplier=100\)", r"119[^.]*900", r"9 900")


def test_kept_apart(client: lm.Client) -> None:
    layer = answered(client, APART)["depthwise_conv1d"]
    assert layer.output_shape == (None, 119, 900)
    assert layer.params == 9900
    says(layer.explanation, r"9 x 100 = 900", r"kept apart", r"9 900 parameters")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(lm.Conv1D(1, 10), (None, 119, 1)), (lm.Conv1D(100, 10, padding="same"), (None, 128, 100))],
)
def test_one_filter_and_same(client: lm.Client, layer: lm.Layer, shape: tuple[int | None, ...]) -> None:
    assert answered(client, lm.Stack([lm.Input((128, 9)), layer]))["conv1d"].output_shape == shape


def test_a_kernel_of_ones_is_the_moving_sum_of_all_channels(client: lm.Client) -> None:
    x = np.random.default_rng(0).integers(-50, 50, (1, 128, 9)).astype("float32")  # sums of integers are exact
    stack = lm.Stack([lm.Input((128, 9)), lm.Conv1D(1, 3, use_bias=False)])
    found = client.infer(stack, x, weights={"conv1d": {"kernel": np.ones((3, 9, 1))}}).output
    per_step = x.sum(axis=2)
    expected = per_step[:, :-2] + per_step[:, 1:-1] + per_step[:, 2:]
    np.testing.assert_array_equal(found[..., 0], expected)


def test_the_sum_over_the_channels_kept_apart_is_the_convolution(client: lm.Client) -> None:
    numbers = np.random.default_rng(1)
    x = numbers.standard_normal((2, 128, 9)).astype("float32")
    kernel = numbers.standard_normal((10, 9, 4)).astype("float32")
    summed = lm.Stack([lm.Input((128, 9)), lm.Conv1D(4, 10, use_bias=False)])
    apart = lm.Stack([lm.Input((128, 9)), lm.DepthwiseConv1D(10, depth_multiplier=4, use_bias=False)])
    whole = client.infer(summed, x, weights={"conv1d/kernel": kernel}).output
    parts = client.infer(apart, x, weights={"depthwise_conv1d/kernel": kernel}).output
    # 90 products of numbers around 1 in float32, summed in another order.
    np.testing.assert_allclose(parts.reshape(2, 119, 9, 4).sum(axis=2), whole, rtol=1e-4, atol=1e-4)
