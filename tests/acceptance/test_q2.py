""" "expected min_ndim=3, found ndim=2" """

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.words import answered, fixed, refused, says


def conv_layer() -> lm.Layer:
    return lm.Conv1D(64, 2, activation="relu", padding="same", name="convLayer")


FLAT = lm.Stack([lm.Input((68,)), conv_layer()])


def test_the_error_says_which_layer_what_it_wants_and_what_it_got(client: lm.Client) -> None:
    error = refused(client, FLAT)
    says(
        error.message,
        r"convLayer \(Conv1D\)",
        r"needs batch, steps, channels",
        r"gets batch, 68",
        r"one axis is missing",
    )
    assert (error.layer, error.kind, error.code) == ("convLayer", "Conv1D", "INVALID_ARGUMENT")
    assert error.reason == "RANK_MISMATCH"
    assert error.field.startswith("stack.layers[1].conv")
    assert error.diagnostic is not None
    assert error.diagnostic.index == 1
    assert error.diagnostic.expected == ("batch", "steps", "channels")
    assert [spec.shape for spec in error.diagnostic.got] == [(None, 68)]


def test_each_fix_says_what_the_68_numbers_are_and_applies(client: lm.Client) -> None:
    error = refused(client, FLAT)
    reshaped, dense, repeated = fixed(client, FLAT, error)
    titles = [fix.title for fix in error.fixes]
    says(titles[0], r"68 moments of one signal", r"Reshape\(\(68, 1\)\)")
    assert reshaped["convLayer"].output_shape == (None, 68, 64)
    says(titles[1], r"68 features", r"Dense\(64")
    assert dense["convLayer"].output_shape == (None, 64)
    says(titles[2], r"repeat", r"RepeatVector\(n\)")
    steps = repeated["repeat_vector"].output_shape[1]
    assert repeated["convLayer"].output_shape == (None, steps, 64)
    assert repeated["convLayer"].input_shapes == ((None, steps, 68),)  # the 68 values are channels now
    assert all(title in str(error) for title in titles)
    says(str(error), r"at stack\.layers\[1\]\.conv")


def test_a_fixed_stack_runs(client: lm.Client) -> None:
    for fix in refused(client, FLAT).fixes:
        answered(client, fix.apply(FLAT))


def test_a_vector_repeated_is_five_equal_steps(client: lm.Client) -> None:
    stack = lm.Stack([lm.Input((64,)), lm.RepeatVector(5), conv_layer()])
    trace = answered(client, stack)
    assert [layer.output_shape for layer in trace] == [(None, 64), (None, 5, 64), (None, 5, 64)]
    says(trace["repeat_vector"].explanation, r"5 steps")
    x = np.arange(64.0)[None]
    copied = client.infer(stack, x, fetch="repeat_vector")["repeat_vector"]
    np.testing.assert_array_equal(copied, np.repeat(x[:, None], 5, axis=1))


@pytest.mark.parametrize(("shape", "params"), [((5, 64), 8256), ((10, 10), 1344)])  # (10, 10): one-hot text
def test_two_axes_are_what_it_wants(client: lm.Client, shape: tuple[int, int], params: int) -> None:
    layer = answered(client, lm.Stack([lm.Input(shape), conv_layer()]))["convLayer"]
    assert layer.output_shape == (None, shape[0], 64)
    assert layer.params == params


def test_one_hot_text_picks_rows_of_the_kernel(client: lm.Client) -> None:
    text, alphabet = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], np.eye(10)
    kernel = np.random.default_rng(0).standard_normal((2, 10, 64)).astype("float32")
    weights = {"convLayer": {"kernel": kernel, "bias": np.zeros(64)}}
    found = client.infer(lm.Stack([lm.Input((10, 10)), conv_layer()]), alphabet[text][None], weights=weights).output
    after = np.concatenate([kernel[1][text[1:]], np.zeros((1, 64), "float32")])  # one zero step after the end
    np.testing.assert_allclose(found[0], np.maximum(kernel[0][text] + after, 0), rtol=1e-6, atol=1e-6)
