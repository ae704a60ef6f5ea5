"""A few hostile stacks of every kind; and that the prober finds what is wrong."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from google.protobuf import text_format

from lamina_server import repair
from lamina_server import trace as tracing
from lamina_server.dims import Dim, symbol
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers import KINDS
from lamina_server.layers.base import Inference, Kind, single
from lamina_server.layers.core.basics import Input
from lamina_server.layers.merging.reductions import Variance
from lamina_server.layers.shaping.reshaping import Flatten, RepeatVector
from lamina_server.lru import Lru
from lamina_server.stack import Node, Stack
from lamina_server.wire.stacks import encode_stack
from tests.hostile import prober
from tests.hostile.found import FoundDefectError
from tests.hostile.generator import Maker
from tests.hostile.prober import probe

TAME, WILD = 5, 3  # stacks of each kind
T = symbol("T")


@cache
def outcomes(index: int) -> list[str]:
    """What came of the stacks of a kind; an error says which stack it was."""
    kind = KINDS[index]
    rng, found = random.Random(kind.__name__), []
    for i, wild in enumerate([0.0] * TAME + [0.3] * WILD):
        message = Maker(rng, wild).stack(kind)
        try:
            found.append(probe(message, i, values=not wild).outcome)
        except Exception as error:
            error.add_note(text_format.MessageToString(message, as_one_line=True))
            raise
    return found


@pytest.mark.parametrize("index", range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def test_stacks_are_refused_in_order_or_run_as_they_were_traced(index: int) -> None:
    assert len(outcomes(index)) == TAME + WILD


def test_many_of_them_ran() -> None:
    """Nothing would be proven by stacks that are all refused."""
    ran = [outcomes(index)[:TAME].count("ran") for index in range(len(KINDS))]
    assert sum(ran) > len(KINDS) * TAME / 3
    assert sum(count > 0 for count in ran) > len(KINDS) * 0.75


# ---- the prober finds what is wrong ----


def _another_shape(done: Inference) -> Inference:
    rows = (done.derivations[0]._replace(derived=derive("n", n=5)),)
    return replace(done, outputs=single(done.spec.resized(1, 5)), derivations=rows)


def _another_row(done: Inference) -> Inference:
    return replace(done, derivations=(done.derivations[0]._replace(derived=derive("n + 1", n=4)),))


def _refused(text: str) -> Callable[[Inference], Inference]:
    def refuse(done: Inference) -> Inference:
        raise LayerError("OUT_OF_RANGE", text)

    return refuse


@pytest.mark.parametrize(
    ("entry", "kind", "wrong", "said"),
    [
        ((3,), RepeatVector(4), _another_shape, "ONNX's checker refuses"),
        ((T,), RepeatVector(4), _another_shape, "ran as another shape|ONNX's checker refuses"),
        ((3,), RepeatVector(4), _another_row, "derives another axis"),
        ((3,), RepeatVector(4), lambda done: replace(done, how="copied to 4 step"), "number and noun disagree"),
        ((3,), RepeatVector(4), lambda done: replace(done, params=derive("n", n=4)), "counts weights otherwise"),
        ((3,), RepeatVector(4), _refused("has n=None"), "says 'None'"),
        ((3,), RepeatVector(4), _refused("has\n4"), "no sentence"),
        ((T, 3), Variance("variance", (1,), correction=3), lambda done: replace(done, least_one=()), "legal with symb"),
    ],
)
def test_a_wrong_inference_is_found(
    monkeypatch: pytest.MonkeyPatch,
    entry: tuple[int | Dim, ...],
    kind: Kind,
    wrong: Callable[[Inference], Inference],
    said: str,
) -> None:
    message = encode_stack(Stack((Node(Input(entry)), Node(kind))))
    assert probe(message, 0).outcome == "ran"
    infer = type(kind).infer
    monkeypatch.setattr(tracing, "_INFERRED", Lru(1))  # what was inferred before, rightly
    monkeypatch.setattr(type(kind), "infer", lambda *given: wrong(infer(*given)))
    with pytest.raises(FoundDefectError, match=said):
        probe(message, 0)


@pytest.mark.parametrize("symbols", [False, True])
def test_other_values_with_symbols_are_found(monkeypatch: pytest.MonkeyPatch, symbols: bool) -> None:
    """Found in a stack with symbols, which is run with numbers too, and in one with numbers, run with symbols too."""
    message = encode_stack(Stack((Node(Input((T if symbols else 5, 3))), Node(Flatten()))))
    emit: Any = Flatten.emit

    def wrong(self: Flatten, graph: Any, inputs: Any, done: Inference) -> Any:
        (value,) = emit(self, graph, inputs, done)
        free = isinstance(done.spec.shape[1], Dim)
        return [value._replace(name=graph.node("Neg", [value.name]))] if free else [value]

    monkeypatch.setattr(Flatten, "emit", wrong)
    with pytest.raises(FoundDefectError, match="other values"):
        probe(message, 0)


def test_a_fix_that_does_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    message = encode_stack(Stack((Node(Input((5, 3))), Node(RepeatVector(4)))))
    assert probe(message, 0).fixes
    repaired = repair.repaired

    def wrong(*given: Any) -> Any:
        found = repaired(*given)
        found.fixes = [replace(fix, outcome=f"{fix.outcome} more") for fix in found.fixes]
        return found

    monkeypatch.setattr(prober, "repaired", wrong)
    with pytest.raises(FoundDefectError, match="a fix has another outcome"):
        probe(message, 0)
