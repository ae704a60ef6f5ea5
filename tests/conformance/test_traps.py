"""Every trap has a test by its number, and the register in README.md is that of today."""

import pytest

from tests.conformance import table, traps


@pytest.mark.parametrize("number", sorted(traps.TRAPS))
def test_every_trap_is_held(number: int) -> None:
    assert traps.held().get(number), f"name a test test_trap_{number:02}_..., wherever it belongs"


def test_no_test_is_of_a_trap_that_is_not_there() -> None:
    assert set(traps.held()) <= set(traps.TRAPS)


def test_the_register_is_written() -> None:
    text = table.README.read_text(encoding="utf-8")
    assert traps.written(text) == text, "python -m tests.conformance.traps writes it"
