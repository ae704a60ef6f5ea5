"""The questions `lamina demo` asks: stacks, what to feed them, and what numpy says should come out.

They are what people ask about the shapes of layers in forums, with the askers' own numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

import lamina as lm

if TYPE_CHECKING:
    from lamina.typing import Array

_RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Case:
    """A stack and what is asked of it. `x` may have a shape that is refused: then the first fix is applied.

    `about` says what this stack is where a question has several; `explain` names layers to put in words; `fetch` layers
    whose activations to show; `oracle` is numpy's own computation of the output, in the words of `oracle_says`.
    """

    name: str
    stack: lm.Stack
    x: "Array"
    about: str = ""
    explain: tuple[str, ...] = ()
    weights: "Mapping[str, Mapping[str, Array]]" = field(default_factory=dict)
    fetch: tuple[str, ...] = ()
    oracle: "Callable[[Array], Array] | None" = None
    oracle_says: str = ""


@dataclass(frozen=True)
class Question:
    """A question as it is asked, and the stacks that answer it."""

    number: str
    asked: str
    cases: tuple[Case, ...]


def _signal(*shape: int) -> "Array":
    """Waves with some noise, one period every 25 steps, axes (samples, steps, channels)."""
    steps = np.arange(shape[1])[None, :, None]
    waves = np.sin(2 * np.pi * steps / 25) + 0.1 * _RNG.standard_normal(shape)
    return waves.astype(np.float32)


def _moving_sum(x: "Array") -> "Array":
    total = x.sum(axis=-1)
    sums: Array = total[:, :-2] + total[:, 1:-1] + total[:, 2:]
    return sums[..., None]


def _sum_of_channels(x: "Array") -> "Array":
    sums: Array = np.repeat(x.sum(axis=-1, keepdims=True), 3, axis=-1)
    return sums


def _sum_of_width(x: "Array") -> "Array":
    sums: Array = np.repeat(x.sum(axis=2, keepdims=True), 3, axis=-1)
    return sums


def _images(pool_stride: int) -> lm.Stack:
    """The asker's tf.nn calls: two convolutions of 4 x 4, each with a pool of 2 x 2 behind it."""
    convolution, pool = {"padding": "same", "activation": "relu"}, {"padding": "same"}
    return lm.Stack(
        [
            lm.Input((128, 128, 3)),
            lm.Conv2D(25, 4, name="conv1", **convolution),  # type: ignore[arg-type]
            lm.MaxPooling2D(2, pool_stride, name="pool1", **pool),  # type: ignore[arg-type]
            lm.Conv2D(50, 4, name="conv2", **convolution),  # type: ignore[arg-type]
            lm.MaxPooling2D(2, pool_stride, name="pool2", **pool),  # type: ignore[arg-type]
            lm.Flatten(name="flatten"),
        ]
    )


_FOUR_ROWS = np.arange(5, 25, dtype=np.float32).reshape(1, 4, 5)
_IMAGE = _RNG.random((1, 128, 128, 3), dtype=np.float32)
_CONV_4_ROWS = lm.Stack([lm.Input((4, 5)), lm.Conv1D(3, 1, use_bias=False)])

QUESTIONS = (
    Question(
        "Q1",
        'Why did padding="same" halve my sequence?',
        (
            Case(
                "halved",
                lm.Stack([lm.Input((128, 1)), lm.Conv1D(32, 5, strides=2, padding="same")]),
                _signal(1, 128, 1),
                explain=("conv1d",),
            ),
        ),
    ),
    Question(
        "Q2",
        "expected min_ndim=3, found ndim=2?",
        (
            Case(
                "min-ndim",
                lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2, padding="same", activation="relu", name="convLayer")]),
                _RNG.random((3, 68), dtype=np.float32),
                explain=("convLayer",),
            ),
        ),
    ),
    Question(
        "Q3",
        "Is one input channel fine, and is my array right?",
        (
            Case(
                "one-channel",
                lm.Stack([lm.Input((1, 740)), *(lm.Conv1D(64, 5) for _ in range(4))], layout="channels_first"),
                _signal(1, 740, 1)[:, :, 0],
                about="Channels first, as in PyTorch; the array has shape (1, 740).",
                explain=("conv1d", "conv1d_3"),
            ),
        ),
    ),
    Question(
        "Q4",
        "Why is the output (119, 100) and not (119, 900)?",
        (
            Case(
                "activity",
                lm.Stack([lm.Input((128, 9)), lm.Conv1D(100, 10, activation="relu")]),
                _signal(2, 128, 9),
                explain=("conv1d",),
            ),
            Case(
                "kept-apart",
                lm.Stack([lm.Input((128, 9)), lm.DepthwiseConv1D(10, depth_multiplier=100)]),
                _signal(2, 128, 9),
                about="A kernel for each channel, kept apart:",
            ),
            Case(
                "moving-sum",
                lm.Stack([lm.Input((128, 9)), lm.Conv1D(1, 3, use_bias=False)]),
                _signal(1, 128, 9),
                about="A kernel of ones, to see the sum over the channels:",
                weights={"conv1d": {"kernel": np.ones((3, 9, 1), np.float32)}},
                oracle=_moving_sum,
                oracle_says="the moving sum over 3 steps of the sum over the 9 channels",
            ),
        ),
    ),
    Question(
        "Q5",
        "What is N in the fully connected layer?",
        (
            Case("as-written", _images(1), _IMAGE, about="As written, the pools have stride 1:", explain=("flatten",)),
            Case("as-meant", _images(2), _IMAGE, about="With stride 2, as was meant:", explain=("flatten",)),
        ),
    ),
    Question(
        "Q6",
        "Where did the input dimension go, and which axis is which?",
        (
            Case(
                "swapped",
                lm.Stack([lm.Input((1, 8000)), lm.Conv1D(16, 1)]),
                _signal(1, 8000, 1).reshape(1, 1, 8000),
                about="8000 moments of one signal, laid with the axes swapped:",
            ),
            Case(
                "signal",
                lm.Stack([lm.Input((8000, 1)), lm.Conv1D(16, 5)]),
                _signal(1, 8000, 1),
                about="Laid as (steps, channels):",
            ),
            Case(
                "rows",
                _CONV_4_ROWS,
                _FOUR_ROWS,
                about="Four rows, 5 to 24, and a kernel of ones:",
                weights={"conv1d": {"kernel": np.ones((1, 5, 3), np.float32)}},
                oracle=_sum_of_channels,
                oracle_says="the sum of each row, once for each filter",
            ),
            Case(
                "rows-2d",
                lm.Stack([lm.Input((4, 5, 1)), lm.Conv2D(3, (1, 5), use_bias=False)]),
                _FOUR_ROWS[..., None],
                about="The same as Conv2D with a kernel that spans the row:",
                weights={"conv2d": {"kernel": np.ones((1, 5, 1, 3), np.float32)}},
                oracle=_sum_of_width,
                oracle_says="the same sums",
            ),
        ),
    ),
    Question(
        "Q7",
        "Show me the activations of every layer.",
        (
            Case(
                "activations",
                lm.Stack(
                    [
                        lm.Input((128, 9)),
                        lm.Conv1D(8, 10, activation="relu"),
                        lm.MaxPooling1D(2),
                        lm.Conv1D(16, 5, activation="relu"),
                        lm.GlobalAveragePooling1D(),
                        lm.Dense(6, activation="softmax"),
                    ]
                ),
                _signal(2, 128, 9),
                fetch=("*",),
            ),
        ),
    ),
)
EXPORTED = "activity"
