"""Why did "same" halve my sequence?"""

import numpy as np

import lamina as lm
from tests.acceptance.words import answered, says

HALVED = lm.Stack([lm.Input((128, 1)), lm.Conv1D(32, 5, strides=2, padding="same")])
KEPT = lm.Stack([lm.Input((128, 1)), lm.Conv1D(32, 5, padding="same")])


def test_a_stride_of_two_halves_it(client: lm.Client) -> None:
    layer = answered(client, HALVED)["conv1d"]
    assert layer.output_shape == (None, 64, 32)
    assert layer.axes == ("batch", "steps", "channels")
    assert layer.params == 192
    assert [(pad.role, pad.before, pad.after) for pad in layer.pads] == [("steps", 1, 2)]


def test_the_words_put_the_numbers_into_the_rule(client: lm.Client) -> None:
    text = client.trace(HALVED)["conv1d"].explanation
    says(text, r"steps 128 -> 64", r"ceil\(128 / 2\) = 64", r"only when the stride is 1")
    says(text, r"\(64 - 1\) x 2 \+ 5 = 131", r"3 zeros are added, 1 before and 2 after")
    says(text, r"32 x \(5 (x 1 )?\+ 1\) = 192 parameters")


def test_the_same_as_fields(client: lm.Client) -> None:
    steps = next(row for row in client.trace(HALVED)["conv1d"].derivations if row.role == "steps")
    assert (steps.before, steps.result, steps.formula, steps.substitution) == (128, 64, "ceil(L / s)", "ceil(128 / 2)")


def test_pytorchs_padding_of_two_has_the_shape_but_not_the_numbers(client: lm.Client) -> None:
    (note,) = client.trace(HALVED)["conv1d"].notes
    says(note.text, r"PyTorch", r"padding=2", r"this shape but other numbers", r"2 and 2", r"\(1, 2\)")
    kernel = np.random.default_rng(1).standard_normal((5, 1, 32))
    x = np.random.default_rng(2).standard_normal((1, 128, 1))
    weights = {"conv1d": {"kernel": kernel, "bias": np.zeros(32)}}

    def padded(before: int, after: int) -> lm.Stack:
        return lm.Stack([HALVED[0], lm.Conv1D(32, 5, strides=2, padding=((before, after),))])

    same = client.infer(HALVED, x, weights=weights).output
    np.testing.assert_array_equal(client.infer(padded(1, 2), x, weights=weights).output, same)
    torchs = client.infer(padded(2, 2), x, weights=weights).output
    assert torchs.shape == same.shape
    assert not np.allclose(torchs, same, atol=1e-3)


def test_a_stride_of_one_keeps_it(client: lm.Client) -> None:
    layer = answered(client, KEPT)["conv1d"]
    assert layer.output_shape == (None, 128, 32)
    assert [(pad.before, pad.after) for pad in layer.pads] == [(2, 2)]
    says(layer.explanation, r"stay 128", r"the stride is 1", r"2 before and 2 after")
    assert layer.notes == ()
