"""Padded sequences, from the SDK to the numbers: refused, mended with the first fix, run."""

import numpy as np

import lamina as lm
from tests.acceptance.words import refused, says

IDS = np.array([[3, 1, 2, 0, 0, 0], [1, 0, 4, 2, 0, 3]], np.int32)


def test_padded_ids(client: lm.Client) -> None:
    """What is left out changes nothing: padded or cut, the answer is the same."""
    stack = lm.Stack(
        [
            lm.Input(("T",), dtype="int32", name="ids"),
            lm.Embedding(5, 8, mask_zero=True),
            lm.Dense(6),
            lm.Bidirectional(lm.LSTM(4, return_sequences=True)),
            lm.GlobalAveragePooling1D(),
            lm.Dense(2),
        ]
    )
    error = refused(client, stack)
    says(error.message, "return_mask=True on embedding")
    says(error.fixes[0].title, "as in Keras, leave out what embedding masks")
    mended = error.fixes[0].apply(stack)
    assert mended[3].inputs == ("dense", "embedding:mask")
    assert mended[4].inputs == ("bidirectional", "embedding:mask")
    said = client.trace(mended).layers[3].explanation
    says(said, "Where the mask is false a step is left out")
    whole, cut = (client.infer(mended, ids, seed=1).output for ids in (IDS[:1], IDS[:1, :3]))
    np.testing.assert_allclose(whole, cut, rtol=1e-5, atol=1e-6)


def test_a_mask_of_the_callers(client: lm.Client) -> None:
    stack = lm.Stack(
        [
            lm.Input((6, 3), name="x"),
            lm.Input((6,), dtype="bool", name="seen"),
            lm.GRU(4, return_sequences=True, zero_output_for_mask=True, inputs=["x", "seen"]),
        ]
    )
    x, seen = np.ones((2, 6, 3), np.float32), IDS != 0
    found = client.infer(stack, {"x": x, "seen": seen}, seed=1).output
    assert (found[~seen] == 0).all() and (found[seen] != 0).any(-1).all()
