"""Where did the input dimension go? Which axis is which?"""

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.words import answered, fixed, refused, says

X = 16
SWAPPED = lm.Stack([lm.Input((1, 8000)), lm.Conv1D(X, 12)])


@pytest.mark.parametrize("k", [1, 2, 12, 8000])
def test_steps_then_channels(client: lm.Client, k: int) -> None:
    trace = answered(client, lm.Stack([lm.Input((8000, 1)), lm.Conv1D(X, k)]), samples=1)
    layer = trace["conv1d"]
    assert layer.output_shape == (None, 8001 - k, X)
    assert layer.axes == ("batch", "steps", "channels")
    says(layer.how, rf"8000 - {k} \+ 1 = {_spaced(8001 - k)}")
    assert trace.notes == ()


def test_the_axes_swapped_is_legal_but_gets_a_warning(client: lm.Client) -> None:
    trace = answered(client, lm.Stack([lm.Input((1, 8000)), lm.Conv1D(X, 1)]))
    assert trace["conv1d"].output_shape == (None, 1, X)
    (note,) = trace["conv1d"].notes
    assert (note.severity, note.reason) == ("warning", "AXES_LOOK_SWAPPED")
    says(note.text, r"1 step\b", r"8 ?000 channels", r"swapped", r"\(8000, 1\)")
    says(str(trace), r"warning", r"swapped")


def test_a_window_longer_than_the_one_step(client: lm.Client) -> None:
    error = refused(client, SWAPPED)
    says(error.message, r"conv1d \(Conv1D\)", r"\b12\b", r"longer than the 1 step there is")
    assert (error.reason, error.field) == ("WINDOW_TOO_LONG", "stack.layers[1].conv.kernel_size")
    permuted, relaid, *_ = fixed(client, SWAPPED, error)
    says(error.fixes[0].title, r"swapped", r"8 ?000 steps of 1 channel", r"Permute\(\(2, 1\)\)")
    assert permuted["conv1d"].output_shape == (None, 7989, X)
    says(error.fixes[1].title, r"channels_first")
    assert relaid["conv1d"].output_shape == (None, X, 7989)
    assert relaid["conv1d"].axes == ("batch", "channels", "steps")


def test_both_ways_of_turning_it_give_the_same_numbers(client: lm.Client) -> None:
    permuted, relaid = (fix.apply(SWAPPED) for fix in refused(client, SWAPPED).fixes[:2])
    x = np.random.default_rng(0).standard_normal((2, 1, 8000))
    last, first = client.infer(permuted, x, seed=5).output, client.infer(relaid, x, seed=5).output
    np.testing.assert_allclose(last.transpose(0, 2, 1), first, rtol=1e-5, atol=1e-5)


def test_mathematicas_convention_reads_alike(client: lm.Client) -> None:
    first = answered(client, lm.Stack(SWAPPED.layers, layout="channels_first"))["conv1d"]
    last = client.trace(lm.Stack([lm.Input((8000, 1)), lm.Conv1D(X, 12)]))["conv1d"]
    assert first.output_shape == (None, X, 7989)
    assert dict(zip(first.axes, first.output_shape, strict=True)) == dict(
        zip(last.axes, last.output_shape, strict=True)
    )
    assert first.explanation == last.explanation


def test_channels_first_swapped_is_an_error_with_the_same_ways_out(client: lm.Client) -> None:
    stack = lm.Stack([lm.Input((8000, 1)), lm.Conv1D(X, 12)], layout="channels_first")
    error = refused(client, stack)
    says(error.message, r"longer than the 1 step there is")
    permuted, relaid, *_ = fixed(client, stack, error)
    assert permuted["conv1d"].output_shape == (None, X, 7989)
    says(error.fixes[1].title, r"channels_last")
    assert relaid["conv1d"].output_shape == (None, 7989, X)


VALUES = np.arange(5, 25, dtype="float32").reshape(1, 4, 5)


def test_conv1d_is_a_conv2d_whose_kernel_spans_the_channels(client: lm.Client) -> None:
    narrow = lm.Stack([lm.Input((4, 5)), lm.Conv1D(3, 1, use_bias=False)])
    assert client.trace(narrow)["conv1d"].output_shape == (None, 4, 3)
    sums = client.infer(narrow, VALUES, weights={"conv1d/kernel": np.ones((1, 5, 3))}).output
    np.testing.assert_array_equal(sums, np.repeat([[[35], [60], [85], [110]]], 3, axis=2))
    wide = lm.Stack([lm.Input((4, 5, 1)), lm.Conv2D(3, (1, 5), use_bias=False)])
    assert client.trace(wide)["conv2d"].output_shape == (None, 4, 1, 3)
    same = client.infer(wide, VALUES[..., None], weights={"conv2d/kernel": np.ones((1, 5, 1, 3))}).output
    np.testing.assert_array_equal(same[:, :, 0], sums)


def test_a_conv2d_on_stacked_arrays_repeats_the_conv1d(client: lm.Client) -> None:
    x = np.random.default_rng(0).integers(-9, 9, (10, 3, 5)).astype("float32")
    one = lm.Stack([lm.Input((3, 5)), lm.Conv1D(3, 2, use_bias=False)])
    single = client.infer(one, x, weights={"conv1d/kernel": np.ones((2, 5, 3))}).output
    assert single.shape == (10, 2, 3)
    two = lm.Stack([lm.Input((10, 3, 5)), lm.Conv2D(3, (1, 2), use_bias=False)])
    assert client.trace(two)["conv2d"].output_shape == (None, 10, 2, 3)
    stacked = client.infer(two, np.stack([x] * 3), weights={"conv2d/kernel": np.ones((1, 2, 5, 3))}).output
    assert stacked.shape == (3, 10, 2, 3)
    np.testing.assert_array_equal(stacked[0], single)
    np.testing.assert_array_equal(stacked[2], single)


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
