"""How answers sound: what is plain is not remarked on, and nothing is said twice."""

import re

import lamina as lm
from tests.acceptance.words import answered, never_says

ORDINARY = lm.Stack(
    [
        lm.Input((64, 64, 3)),
        *(
            layer
            for block in range(8)
            for layer in (
                lm.Conv2D(8 + block, 3, padding="same", use_bias=False),
                lm.BatchNormalization(),
                lm.Activation("relu"),
                lm.Conv2D(8 + block, 3, padding="same"),
                lm.MaxPooling2D(2) if block % 3 == 2 else lm.Dropout(0.1),
                lm.Activation("silu"),
            )
        ),
        lm.GlobalAveragePooling2D(),
        lm.Dense(10, activation="softmax"),
    ]
)


def test_fifty_ordinary_layers_get_no_note(client: lm.Client) -> None:
    trace = answered(client, ORDINARY)
    assert len(trace) == 51
    assert trace.notes == ()
    never_says(str(trace), r"\bnote\b", r"\bwarning\b")


def test_sentences_name_axes_and_never_ask_politely(client: lm.Client) -> None:
    for layer in client.trace(ORDINARY):
        never_says(layer.explanation, r"\bplease\b", r"\binvalid\b", r"\baxis [0-9]+ (is|->)", r"\b1 \w+s are\b")
        assert re.search(r"[.?]$", layer.explanation)


def test_a_note_is_said_once(client: lm.Client) -> None:
    trace = client.trace(lm.Stack([lm.Input((128, 1)), lm.Conv1D(32, 5, strides=2, padding="same")]))
    assert trace.explain("conv1d").count("Pad (1, 2)") == 1
    assert str(trace).count("Pad (1, 2)") == 1
