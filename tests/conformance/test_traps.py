"""Every trap has a test by its number, or a reason; and the register in README.md is that of today."""

import pytest

from tests.conformance import table, traps


@pytest.mark.parametrize("number", sorted(traps.TRAPS))
def test_every_trap_is_held(number: int) -> None:
    tests = traps.held().get(number)
    assert bool(tests) != (number in traps.ELSEWHERE), "name a test test_trap_NN_..., or say in traps.py where it is held"


def test_no_test_is_of_a_trap_that_is_not_there() -> None:
    assert set(traps.held()) <= set(traps.TRAPS)


def test_the_register_is_written() -> None:
    text = table.README.read_text(encoding="utf-8")
    assert traps.written(text) == text, "python -m tests.conformance.traps writes it"
