"""Is one input channel fine? And a signal without its batch axis?"""

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.words import answered, refused, says

FOUR = lm.Stack([lm.Input((1, 740)), *(lm.Conv1D(64, 5) for _ in range(4))], layout="channels_first")


def test_one_channel_is_fine(client: lm.Client) -> None:
    layer = answered(client, lm.Stack(FOUR.layers[:2], layout="channels_first"))["conv1d"]
    assert layer.output_shape == (None, 64, 736)
    assert layer.axes == ("batch", "channels", "steps")
    assert layer.params == 384
    says(layer.explanation, r"740 - 5 \+ 1 = 736", r"channels 1 -> 64", r"64 x \(5 (x 1 )?\+ 1\) = 384")


def test_four_in_a_row(client: lm.Client) -> None:
    convolutions = answered(client, FOUR).layers[1:]
    assert [layer.output_shape for layer in convolutions] == [(None, 64, n) for n in (736, 732, 728, 724)]
    assert [layer.params for layer in convolutions] == [384, 20_544, 20_544, 20_544]
    fields = [layer.receptive_field for layer in convolutions]
    assert [(field.role, field.size, field.jump) for (field,) in fields] == [("steps", n, 1) for n in (5, 9, 13, 17)]
    assert client.trace(FOUR).params == 384 + 3 * 20_544


def test_the_receptive_field_is_what_reaches_an_output(client: lm.Client) -> None:
    x = np.zeros((1, 1, 740), "float32")
    quiet = client.infer(FOUR, x, seed=1).output
    x[..., 100] = 1
    moved = np.flatnonzero((client.infer(FOUR, x, seed=1).output != quiet).any(axis=(0, 1)))
    assert (moved.min(), moved.max()) == (100 - 17 + 1, 100)


def test_the_array_without_a_batch_axis_gets_one(client: lm.Client) -> None:
    x = np.random.default_rng(0).standard_normal((1, 740)).astype("float32")
    error = refused(client, FOUR, shapes=[x.shape])
    says(error.message, r"input takes batch, 1 channel, 740 steps", r"\(1, 740\)", r"batch axis is missing")
    assert error.reason == "ARRAY_MISMATCH"
    fix = error.fixes[0]
    says(fix.title, r"one sample", r"batch axis")
    assert fix.changes_array and not fix.changes_stack
    whole = fix.apply_to(x)
    np.testing.assert_array_equal(whole, x[None])
    client.trace(FOUR, shapes=[whole.shape])
    assert client.infer(FOUR, whole).output.shape == (1, 64, 724)
    for fix in error.fixes:
        client.trace(FOUR, shapes=[fix.apply_to(x).shape])


def test_infer_refuses_it_the_same_way(client: lm.Client) -> None:
    x = np.zeros((1, 740), "float32")
    with pytest.raises(lm.LayerShapeError, match="batch axis is missing") as caught:
        client.infer(FOUR, x)
    assert client.infer(FOUR, caught.value.fixes[0].apply_to(x)).output.shape == (1, 64, 724)


@pytest.mark.parametrize(
    ("shape", "said", "becomes"),
    [
        ((1, 740, 1), r"steps 1 instead of 740", (1, 1, 740)),
        ((1, 1, 740, 1), r"one axis is too many", (1, 1, 740)),
        ((740,), r"2 axes are missing", None),
        ((3, 1, 741), r"steps 741 instead of 740", None),
    ],
)
def test_other_arrays_that_do_not_fit(
    client: lm.Client, shape: tuple[int, ...], said: str, becomes: tuple[int, ...] | None
) -> None:
    error = refused(client, FOUR, shapes=[shape])
    says(error.message, said)
    arrays = [fix.apply_to(np.zeros(shape, "float32")) for fix in error.fixes if fix.changes_array]
    assert [array.shape for array in arrays[:1]] == ([becomes] if becomes else [])
    for fix in error.fixes:
        if fix.changes_stack:
            client.trace(fix.apply(FOUR), shapes=[shape])


def test_arrays_that_fit(client: lm.Client) -> None:
    for samples in (1, 7):
        assert client.trace(FOUR, shapes=[(samples, 1, 740)])["conv1d_3"].output_shape == (None, 64, 724)
    assert client.trace(FOUR, shapes={"input": (2, 1, 740)}).layout == "channels_first"
