"""Sizes over symbols: read as the server prints them, printed the same, exact at any value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lamina as lm

PRINTED = [
    "T",
    "ceil(T / 2)",
    "floor((T + 3) / 2)",
    "2 * T + ceil(T / 2) - 3",
    "-2 * T + 5",
    "5 - 2 * floor((T - 3) / 7)",
    "max(T - 3, 0)",
    "batch * ceil(T / 2)",
    "(T + 1) * (U - 2)",
    "ceil(ceil(T / 2) * 3 / 4)",
    "a - (b - c)",
    "conv1d_steps + 1",
]


@pytest.mark.parametrize("text", PRINTED)
def test_prints_what_it_read(text: str) -> None:
    assert str(lm.Dim(text)) == text
    assert lm.Dim(text) == lm.Dim(str(lm.Dim(text)))
    assert eval(repr(lm.Dim(text)), {"Dim": lm.Dim}) == lm.Dim(text)


@pytest.mark.parametrize(
    ("text", "symbols", "value"),
    [
        ("ceil(T / 2)", {"T": 14}, 7),
        ("ceil(T / 2)", {"T": 15}, 8),
        ("floor((T - 3) / 7)", {"T": 1}, -1),
        ("2 * T + ceil(T / 2) - 3", {"T": 5}, 10),
        ("max(T - 3, 0) + min(T, 2)", {"T": 1}, 1),
        ("-2 * T + 5", {"T": 2}, 1),
        ("a - (b - c)", {"a": 1, "b": 2, "c": 3}, 2),
        ("a - b - c", {"a": 1, "b": 2, "c": 3}, -4),
    ],
)
def test_value(text: str, symbols: dict[str, int], value: int) -> None:
    assert lm.Dim(text).at(**symbols) == value
    assert lm.Dim(text).at(symbols) == value
    assert lm.Dim(text).symbols == symbols.keys()


sizes = st.recursive(
    st.one_of(st.integers(0, 9), st.sampled_from(["T", "U"])),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.sampled_from(["ceil", "floor"]), inner, st.integers(1, 5)),
    ),
    max_leaves=12,
)


def written(node: object) -> str:
    if not isinstance(node, tuple):
        return str(node)
    op, a, b = node
    return f"{op}(({written(a)}) / {b})" if op in ("ceil", "floor") else f"(({written(a)}) {op} ({written(b)}))"


@given(sizes, st.integers(1, 50), st.integers(1, 50))
def test_means_what_python_computes(node: object, t: int, u: int) -> None:
    text = written(node)
    exact = eval(
        text.replace("/", ","), {"T": t, "U": u, "floor": lambda a, b: a // b, "ceil": lambda a, b: -(-a // b)}
    )
    dim = lm.Dim(text)
    assert dim.at({"T": t, "U": u}) == exact
    assert lm.Dim(str(dim)).at({"T": t, "U": u}) == exact


def test_equal_dims_hash_alike_and_differ_from_text() -> None:
    assert {lm.Dim("T*2"), lm.Dim("T * 2")} == {lm.Dim("T * 2")}
    assert lm.Dim("T") != "T"
    assert lm.Dim("T + 1") != lm.Dim("1 + T")


def test_missing_symbols_are_named() -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        lm.Dim("T * U").at(T=1)
    assert str(caught.value) == "T * U needs a value for U: .at(U=...)"


def test_a_symbol_is_a_whole_number() -> None:
    with pytest.raises(lm.InvalidArgumentError, match=r"T is a size, a whole number; 1\.5 was given"):
        lm.Dim("T").at({"T": 1.5})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "text",
    ["", " ", "T T", "(T", "T)", "ceil(T)", "T / 2", "floor(T / U)", "floor(T / 0)", "T @ 2", "?",
     "a.b", "+", "max(T)", "3 * * T",
     "(" * 100 + "T" + ")" * 100, " + ".join("T" * 6000)],
)  # fmt: skip
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="is no size"):
        lm.Dim(text)


def test_what_is_no_text() -> None:
    with pytest.raises(lm.InvalidArgumentError, match="3 was given"):
        lm.Dim(3)  # type: ignore[arg-type]
