"""Formulas: what is computed is what is shown, and what is shown with numbers in it gives the same result."""

import operator
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina_server.dims import Size, ceil_div, evaluate, floor_div, symbol
from lamina_server.formula import derive

T, U = symbol("T"), symbol("U")
NAMES = ("L", "s", "k", "a_1")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
Tree = Any  # an int, a name, or (operator, left, right)


def trees() -> st.SearchStrategy[Tree]:
    """Formulas over NAMES; divisors are numbers or the name `s`."""

    def deeper(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        divisors = st.one_of(st.integers(1, 9), st.just("s"))
        return st.one_of(
            st.tuples(st.sampled_from("+-*"), inner, inner),
            st.tuples(st.sampled_from(["floor", "ceil"]), inner, divisors),
        )

    return st.recursive(st.one_of(st.integers(0, 9), st.sampled_from(NAMES)), deeper, max_leaves=8)


def written(tree: Tree) -> str:
    """A tree as a formula."""
    match tree:
        case ("floor" | "ceil" as name, inner, divisor):
            return f"{name}({_factor(inner)} / {divisor})"
        case (op, left, right):
            return f"{_factor(left)} {op} {_factor(right)}"
    return str(tree)


def _factor(tree: Tree) -> str:
    return f"({written(tree)})" if isinstance(tree, tuple) else str(tree)


def computed(tree: Tree, values: dict[str, int]) -> int:
    """The number that a tree is, by Python's own integers."""
    match tree:
        case int():
            return tree
        case str():
            return values[tree]
        case ("floor", inner, divisor):
            return int(computed(inner, values) // computed(divisor, values))
        case ("ceil", inner, divisor):
            return int(-(-computed(inner, values) // computed(divisor, values)))
    return int(_OPERATORS[tree[0]](computed(tree[1], values), computed(tree[2], values)))


def read(arithmetic: str, values: dict[str, int] | None = None) -> int:
    """What a shown text computes to, by Python's own integers."""
    scope = {"floor": lambda pair: pair[0] // pair[1], "ceil": lambda pair: -(-pair[0] // pair[1])}
    pairs = re.sub(r" / ([^()]+|\([^()]*\))\)", r", \1))", re.sub(r"(floor|ceil)\(", r"\1((", arithmetic))
    return int(eval(pairs, {"max": max, **scope, **(values or {})}))


numbers = st.fixed_dictionaries({name: st.integers(1, 200) for name in NAMES})


@settings(deadline=None)
@given(trees(), numbers)
def test_the_value_is_that_of_the_text_and_of_the_substitution(tree: Tree, values: dict[str, int]) -> None:
    text = written(tree)
    found = derive(text, **values)
    assert found.text == text
    assert found.value == computed(tree, values) == read(found.substitution)
    assert not re.search(r"[A-Za-z_]\w*(?!\w|\()", found.substitution)


@settings(deadline=None)
@given(trees(), numbers, st.integers(1, 50))
def test_symbols_are_put_in_as_numbers_are(tree: Tree, values: dict[str, int], t: int) -> None:
    sizes: dict[str, Size] = {**values, "L": 2 * T + 1, "k": ceil_div(T, 3)}
    actual = {**values, "L": 2 * t + 1, "k": -(-t // 3)}
    found = derive(written(tree), **sizes)
    assert evaluate(found.value, {"T": t}) == computed(tree, actual) == read(found.substitution, {"T": t})


@pytest.mark.parametrize(
    ("text", "values", "value", "substitution"),
    [
        ("ceil(L / s)", {"L": 128, "s": 2}, 64, "ceil(128 / 2)"),
        ("L - k + 1", {"L": 128, "k": 10}, 119, "128 - 10 + 1"),
        ("floor((L + a - k) / s) + 1", {"L": 9, "a": 2, "k": 3, "s": 2}, 5, "floor((9 + 2 - 3) / 2) + 1"),
        ("filters * (k * channels + 1)", {"filters": 32, "k": 5, "channels": 1}, 192, "32 * (5 * 1 + 1)"),
        ("ceil(L / s)", {"L": T + 1, "s": 2}, ceil_div(T + 1, 2), "ceil((T + 1) / 2)"),
        ("2 * L", {"L": T - 1}, 2 * T - 2, "2 * (T - 1)"),
        ("L * k", {"L": T, "k": floor_div(U, 2)}, T * floor_div(U, 2), "T * floor(U / 2)"),
        ("L_1 + L", {"L": 2, "L_1": 3}, 5, "3 + 2"),
        ("1", {}, 1, "1"),
    ],
)  # fmt: skip
def test_by_example(text: str, values: dict[str, Size], value: Size, substitution: str) -> None:
    found = derive(text, **values)
    assert (found.value, found.substitution, found.text, found.values) == (value, substitution, text, values)


def test_names_without_values_and_symbolic_divisors_are_refused() -> None:
    with pytest.raises(NameError, match="'k' is not defined"):
        derive("L + k", L=1)
    with pytest.raises(ArithmeticError, match="cannot divide by T"):
        derive("ceil(L / s)", L=8, s=T)


@pytest.mark.parametrize("text", ["__import__", "open", "len"])
def test_nothing_but_its_values_can_be_reached(text: str) -> None:
    with pytest.raises(NameError):
        derive(text)


def test_a_fraction_is_never_computed() -> None:
    big = 10**30 + 1
    assert derive("floor(L / s)", L=big, s=2).value == big // 2
    with pytest.raises(AssertionError, match="floor and ceil take a quotient"):
        derive("floor(L)", L=2)
