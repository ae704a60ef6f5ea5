"""Exact sizes: every expression has its brute-force value, equal sizes are equal, text reads back, growth ends."""

import operator
import time
from collections.abc import Callable
from itertools import product as every
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamina.dims import Dim as ClientDim
from lamina_server.dims import (
    MAX_TERMS,
    MAX_TEXT,
    Dim,
    Size,
    ceil_div,
    evaluate,
    exact_div,
    floor_div,
    positive_part,
    product,
    symbol,
    symbols_of,
)

T, U = symbol("T"), symbol("U")
VALUES = [{"T": t, "U": u} for t, u in every((1, 2, 3, 7, 10, 64), (1, 2, 5, 9))]
Tree = Any  # an int, a symbol's name, or (operator, left, right)

factors = st.integers(1, 8)
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def trees(leaves: int) -> st.SearchStrategy[Tree]:
    """Expressions over T and U: sums, products, floors, ceilings and positive parts."""

    def deeper(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.one_of(
            st.tuples(st.sampled_from("+-*"), inner, inner),
            st.tuples(st.sampled_from(["floor", "ceil"]), inner, st.integers(1, 9)),
            st.tuples(st.just("positive"), inner, st.just(0)),
        )

    return st.recursive(st.one_of(st.integers(-9, 9), st.sampled_from(["T", "U"])), deeper, max_leaves=leaves)


def built(tree: Tree) -> Size:
    """The size that a tree describes."""
    match tree:
        case int():
            return tree
        case str():
            return symbol(tree)
        case ("floor", inner, n):
            return floor_div(built(inner), n)
        case ("ceil", inner, n):
            return ceil_div(built(inner), n)
        case ("positive", inner, _):
            return positive_part(built(inner))
    made: Size = _OPERATORS[tree[0]](built(tree[1]), built(tree[2]))
    return made


def computed(tree: Tree, values: dict[str, int]) -> int:
    """The number that a tree is, by Python's own integers."""
    match tree:
        case int():
            return tree
        case str():
            return values[tree]
        case ("floor", inner, n):
            return int(computed(inner, values) // n)
        case ("ceil", inner, n):
            return int(-(-computed(inner, values) // n))
        case ("positive", inner, _):
            return max(computed(inner, values), 0)
    return int(_OPERATORS[tree[0]](computed(tree[1], values), computed(tree[2], values)))


@settings(deadline=None)
@given(trees(leaves=8))
def test_every_expression_has_its_brute_force_value(tree: Tree) -> None:
    size = built(tree)
    for values in VALUES:
        assert evaluate(size, values) == computed(tree, values)


@settings(deadline=None)
@given(trees(leaves=6))
def test_text_reads_back_with_the_clients_parser_to_the_same_values(tree: Tree) -> None:
    size = built(tree)
    read = ClientDim(str(size))
    assert str(read) == str(size)
    assert read.symbols == symbols_of(size)
    for values in VALUES:
        assert read.at(values) == evaluate(size, values)


@settings(deadline=None)
@given(trees(leaves=5), trees(leaves=5), trees(leaves=5))
def test_the_laws_of_arithmetic_hold_as_equality(left: Tree, middle: Tree, right: Tree) -> None:
    a, b, c = built(left), built(middle), built(right)
    assert a + b == b + a and a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0 and a - (b - c) == a - b + c and 0 - (0 - a) == a
    assert hash(a + b) == hash(b + a)


@settings(deadline=None)
@given(st.sampled_from([T, T + U, T * U, ceil_div(T, 3), positive_part(T - 4)]), factors, factors, st.integers(-20, 20))
def test_divisions_of_a_length_are_merged(length: Size, m: int, n: int, shift: int) -> None:
    size = length + shift
    assert floor_div(floor_div(size, m), n) == floor_div(size, m * n)
    assert ceil_div(ceil_div(size, m), n) == ceil_div(size, m * n)


@settings(deadline=None)
@given(trees(leaves=4), factors, factors)
@example(("*", 3, "T"), 2, 2)
def test_divisions_of_any_size_are_merged(tree: Tree, m: int, n: int) -> None:
    size = built(tree)
    assert floor_div(floor_div(size, m), n) == floor_div(size, m * n)
    assert ceil_div(ceil_div(size, m), n) == ceil_div(size, m * n)


@settings(deadline=None)
@given(trees(leaves=4), factors, factors, st.integers(-20, 20))
def test_whole_parts_and_common_factors_leave_a_division(tree: Tree, m: int, n: int, shift: int) -> None:
    size = built(tree)
    assert floor_div(size + shift * n, n) == floor_div(size, n) + shift
    assert floor_div(size * m, n * m) == floor_div(size, n)


@settings(deadline=None)
@given(trees(leaves=4), trees(leaves=4))
def test_exact_division_undoes_multiplication(left: Tree, right: Tree) -> None:
    a, b = built(left), built(right)
    assert exact_div(a * b, b) == (a if b != 0 else None)


@settings(deadline=None)
@given(trees(leaves=5), trees(leaves=5))
def test_what_exact_division_gives_multiplies_back(left: Tree, right: Tree) -> None:
    a, b = built(left), built(right)
    quotient = exact_div(a, b)
    if quotient is not None:
        assert quotient * b == a
    elif isinstance(a, int) and isinstance(b, int):
        assert b == 0 or a % b


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (ceil_div(ceil_div(T, 2), 2), ceil_div(T, 4), "ceil(T / 4)"),
        (floor_div(floor_div(T - 3, 2) - 1, 2), floor_div(T - 5, 4), "ceil(T / 4) - 2"),
        (floor_div(2 * T, 4), floor_div(T, 2), "floor(T / 2)"),
        (floor_div(4 * T + 2, 2), 2 * T + 1, "2 * T + 1"),
        (floor_div(T - 2, 2) + 1, floor_div(T, 2), "floor(T / 2)"),
        (ceil_div(T, 1), T, "T"),
        ((T + 1) * (T - 1), T * T - 1, "T * T - 1"),
        (product([T, 2, U]), 2 * U * T, "2 * T * U"),
    ],
)
def test_equal_sizes_are_one_size(one: Size, other: Size, text: str) -> None:
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (2 * T + ceil_div(T, 2) - 3, "2 * T + ceil(T / 2) - 3"),
        (5 - T, "5 - T"),
        (-T, "-T"),
        (-T - 1, "-T - 1"),
        (positive_part(T - 3), "max(T - 3, 0)"),
        (3 * floor_div(T + U, 2), "3 * floor((T + U) / 2)"),
    ],
)
def test_text_is_as_a_person_writes_it(size: Size, text: str) -> None:
    assert str(size) == text


def test_arithmetic_without_symbols_gives_plain_integers() -> None:
    for size in (T - T + 3, floor_div(T - T + 7, 2), 0 * T, (T + 1) - T, product([]), positive_part(-4)):
        assert type(size) is int
    assert type(T) is Dim


def test_symbols_are_those_that_are_left() -> None:
    assert symbols_of(T + U - U, 3, ceil_div(T * U, 2)) == {"T", "U"}
    assert symbols_of(T + U - U) == {"T"}


def test_evaluation_needs_every_symbol() -> None:
    with pytest.raises(KeyError, match="U"):
        evaluate(T + U, {"T": 1})


@pytest.mark.parametrize("divide", [floor_div, ceil_div])
def test_a_symbolic_divisor_is_refused(divide: Callable[[Size, Size], Size]) -> None:
    with pytest.raises(ArithmeticError, match="cannot divide by T"):
        divide(7, T)


@pytest.mark.parametrize(
    ("size", "divisor", "quotient"),
    [
        (T * T - 1, T - 1, T + 1),
        (6 * T, 3, 2 * T),
        (6 * T, 4, None),
        (T + 1, T, None),
        (ceil_div(T, 2) * 6, ceil_div(T, 2), 6),
        (T * T - U * U, T + U, T - U),
        (0, T, 0),
        (7, 7, 1),
        (7, 2, None),
        (T, 0, None),
    ],
)
def test_exact_division(size: Size, divisor: Size, quotient: Size | None) -> None:
    assert exact_div(size, divisor) == quotient


def _powers(base: Size, count: int) -> Size:
    return product([base] * count)


def _nested() -> Size:
    size: Size = T
    for _ in range(10_000):  # a product of floors cannot be merged, so the text grows
        size = floor_div(size * (size + 1), 3)
    return size


def _wide() -> Size:
    size: Size = 0
    for i in range(10_000):
        size = size + symbol(f"s{i}")
    return size


@pytest.mark.parametrize(
    "grow",
    [
        pytest.param(_nested, id="nested"),
        pytest.param(_wide, id="wide"),
        pytest.param(lambda: _powers(T + U + symbol("V") + symbol("W") + 1, 40), id="powers"),
        pytest.param(lambda: symbol("x" * (MAX_TEXT + 1)), id="a long name"),
    ],
)
def test_what_grows_without_bound_ends_soon_in_an_arithmetic_error(grow: Callable[[], Size]) -> None:
    begun = time.process_time()
    with pytest.raises(ArithmeticError, match=r"too many terms|too long an expression"):
        grow()
    assert time.process_time() - begun < 5


def test_bounds_are_not_met_by_ordinary_sizes() -> None:
    size = product([T + i for i in range(20)])
    assert isinstance(size, Dim)
    assert len(size.terms) == 20 < MAX_TERMS
    assert evaluate(size, {"T": 1}) == product(range(1, 21))
