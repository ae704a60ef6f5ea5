"""Symbols: the value at a given T, exact and in the server's own words."""

from typing import Any

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.raw import Raw
from tests.acceptance.words import says
from tests.client.clients import AnyClient

LENGTHS = lm.Stack([lm.Input(("T", 9)), lm.Conv1D(10, 10, strides=2), lm.MaxPooling1D(3), lm.Dropout(0.5), lm.Dense(4)])


def test_every_size_at_a_given_length(caller: AnyClient) -> None:
    symbolic = caller.call("trace", LENGTHS)
    for length in (14, 15, 100, 128):
        at = caller.call("trace", LENGTHS, at={"T": length})
        assert not at.symbols
        for name, layer in ((layer.name, layer) for layer in symbolic.layers):
            wanted = tuple(size.at(T=length) if isinstance(size, lm.Dim) else size for size in layer.output_shape)
            assert at[name].output_shape == wanted


def test_a_run_of_that_length_is_traced_alike(client: lm.Client) -> None:
    result = client.infer(LENGTHS, np.zeros((1, 40, 9), np.float32))
    assert client.trace(LENGTHS, at={"T": 40})["dense"].output_shape == (None, *result.output.shape[1:]) == (None, 5, 4)


def test_the_words_have_the_numbers(client: lm.Client) -> None:
    says(
        client.trace(LENGTHS, at={"T": 128})["conv1d"].explanation,
        r"steps 128 -> 60",
        r"floor\(\(128 - 10\) / 2\) \+ 1 = 60",
    )


def test_a_symbol_that_is_not_named_stays(client: lm.Client) -> None:
    stack = lm.Stack([lm.Input(("H", "W", 3)), lm.Conv2D(4, 3)])
    assert client.trace(stack, at={"W": 10})["conv2d"].output_shape == (None, lm.Dim("H - 2"), 8, 4)


def test_blocks_see_the_number(client: lm.Client) -> None:
    narrow = lm.Stack([lm.Input(("S", 4)), lm.Conv1D(4, 3)], name="narrow")
    stack = lm.Stack([lm.Input(("T", 4)), lm.Block(narrow), lm.Block(narrow)])
    assert client.trace(stack, at={"T": 9}).layers[-1].output_shape == (None, 5, 4)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"T": 13}, r"T is 13 here; the smallest T that this stack takes is 14"),
        ({"S": 128}, r'no symbol "S": there is "T"'),
        ({"batch": 2}, r'no symbol "batch"'),
        ({"T": 0}, "takes 1 or more"),
        ({"T": 2.5}, "takes a whole number"),
        ({"T": 10**30}, "at most"),
        ([("T", 1)], "takes numbers by symbol"),
    ],
)
def test_what_is_no_size_of_it(client: lm.Client, values: Any, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        client.trace(LENGTHS, at=values)


def test_callers_without_the_sdk_are_told_too(raw: Raw) -> None:
    from lamina.v1 import service_pb2

    for value, said in ((0, "1 or more"), (-5, "1 or more"), (2**62, "")):
        request = service_pb2.TraceRequest(stack=LENGTHS.proto, symbol_values={"T": value})
        refused = raw.refusal("Trace", request)
        assert refused.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
        assert said in refused.message
