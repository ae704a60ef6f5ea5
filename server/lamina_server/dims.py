"""Exact sizes: an axis is an int, or a `Dim`, an integer polynomial over symbols, floors and maxima.

A `Dim` is canonical, so equal sizes compare equal however they were computed: `ceil(ceil(T / 2) / 2)` is
`ceil(T / 4)`. Symbols stand for integers of at least 1 (the batch of at least 0). Arithmetic that leaves no symbol
returns a plain int, so stacks without symbols never meet this class.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from math import gcd, prod
from typing import NamedTuple, Union

MAX_TERMS = 512  # of one polynomial, and
MAX_TEXT = 1000  # characters of one atom: what a stack must not exceed, so that arithmetic stays bounded
MAX_NUMBER = 2**62  # coefficients and divisors: what a message, a graph and a range can hold

Size = Union[int, "Dim"]
Monomial = tuple[tuple["Atom", int], ...]


class Atom(NamedTuple):
    """What a polynomial is made of: a symbol, `floor(inner / divisor)`, or `max(inner, 0)`."""

    text: str
    inner: "Dim | None" = None
    divisor: int = 0

    def at(self, values: Mapping[str, int]) -> int:
        """Value for given symbols."""
        if self.inner is None:
            return values[self.text]
        value = evaluate(self.inner, values)
        return value // self.divisor if self.divisor else max(value, 0)


class Dim:
    """A canonical polynomial; make one with `symbol` and arithmetic, never directly."""

    __slots__ = ("__dict__", "terms")

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self.terms = terms

    def __add__(self, other: Size) -> Size:
        return _build([*self.terms, *_terms(other)])

    __radd__ = __add__

    def __neg__(self) -> Size:
        return _build((key, -n) for key, n in self.terms)

    def __sub__(self, other: Size) -> Size:
        return self + -other

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        return _build((_times(a, b), m * n) for a, m in self.terms for b, n in _terms(other))

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """As a person would write it: `2 * T + ceil(T / 2) - 3`."""
        ordered = sorted(self.terms, key=lambda term: (not term[0], -_degree(term[0]), _key(term[0])))
        first = ordered[0][1] > 0 or not any(n > 0 for _, n in ordered)
        if not first:  # start with a term that is added
            ordered.sort(key=lambda term: term[1] < 0)
        parts = [_term_text(key, abs(n)) for key, n in ordered]
        signs = ["-" if n < 0 else "+" for _, n in ordered]
        rest = "".join(f" {sign} {part}" for sign, part in zip(signs[1:], parts[1:], strict=True))
        return ("-" if signs[0] == "-" else "") + parts[0] + rest

    @property
    def is_sum(self) -> bool:
        """Whether the text needs parentheses inside a product."""
        return len(self.terms) > 1 or self.text.startswith("-")

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Names of the symbols it depends on."""
        return frozenset(name for key, _ in self.terms for atom, _ in key for name in _atom_symbols(atom))


def symbol(name: str) -> Dim:
    """The size that a name stands for."""
    return _single(Atom(name))


def floor_div(size: Size, divisor: Size) -> Size:
    """`floor(size / divisor)`, rounding towards minus infinity. The divisor must be a positive int.

    Raises ArithmeticError where the divisor is symbolic.
    """
    if not isinstance(divisor, int):
        raise ArithmeticError(f"cannot divide by {divisor}")
    if isinstance(size, int) or divisor == 1:
        return size // divisor if isinstance(size, int) else size
    whole = _build((key, n // divisor) for key, n in size.terms)
    return whole + _floor_atom(_build((key, n % divisor) for key, n in size.terms), divisor)


def ceil_div(size: Size, divisor: Size) -> Size:
    """`ceil(size / divisor)`; see `floor_div`."""
    if not isinstance(divisor, int):
        raise ArithmeticError(f"cannot divide by {divisor}")
    return floor_div(size + (divisor - 1), divisor)


def positive_part(size: Size) -> Size:
    """`max(size, 0)`."""
    if isinstance(size, int):
        return max(size, 0)
    return _single(Atom(f"max({size}, 0)", size))


def product(sizes: Iterable[Size]) -> Size:
    """Product of sizes; 1 for none."""
    return prod(sizes, start=1)


def exact_div(size: Size, divisor: Size) -> Size | None:
    """`size / divisor` where that is a polynomial with integer coefficients, else None."""
    if divisor == 0:
        return None
    quotient: Size = 0
    lead, scale = _leading(divisor)
    while size != 0:
        key, n = _leading(size)
        rest = _monomial_div(key, lead)
        if rest is None or n % scale:
            return None
        step = _build([(rest, n // scale)])
        quotient, size = quotient + step, size - step * divisor
    return quotient


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is for given symbols. Raises KeyError for a symbol without a value."""
    if isinstance(size, int):
        return size
    return sum(n * prod(atom.at(values) ** power for atom, power in key) for key, n in size.terms)


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with other sizes in the place of symbols; symbols without a value stay."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for key, n in size.terms:
        term: Size = n
        for atom, power in key:
            for _ in range(power):
                term = term * _substituted(atom, values)
        total = total + term
    return total


def symbols_of(*sizes: Size) -> set[str]:
    """Names of all symbols in some sizes."""
    return {name for size in sizes if isinstance(size, Dim) for name in size.symbols}


def _substituted(atom: Atom, values: Mapping[str, Size]) -> Size:
    if atom.inner is None:
        return values.get(atom.text, _single(atom))
    inner = substitute(atom.inner, values)
    return floor_div(inner, atom.divisor) if atom.divisor else positive_part(inner)


def _floor_atom(inner: Size, divisor: int) -> Size:
    """`floor(inner / divisor)` for coefficients already in [0, divisor): reduced, nested floors merged."""
    if isinstance(inner, int):
        return 0
    constant = dict(inner.terms).get((), 0)
    common = gcd(divisor, *(n for key, n in inner.terms if key))
    if common > 1:
        reduced = _build((key, n // common) for key, n in inner.terms)
        return floor_div(reduced, divisor // common)
    nested = _lone_floor(inner)
    if nested is not None and nested.inner is not None:  # floor((p + floor(q / d)) / n) = floor((p d + q) / (d n))
        rest = inner - _single(nested)
        return floor_div(nested.inner + rest * nested.divisor, divisor * nested.divisor)
    if divisor > MAX_NUMBER:
        raise ArithmeticError("a size became too large a number")
    return _single(Atom(_floor_text(inner, constant, divisor), inner, divisor))


def _single(atom: Atom) -> Dim:
    if len(atom.text) > MAX_TEXT:
        raise ArithmeticError("a size became too long an expression")
    return Dim(((((atom, 1),), 1),))


def _floor_text(inner: Dim, constant: int, divisor: int) -> str:
    name, shown = ("ceil", inner - constant) if constant == divisor - 1 else ("floor", inner)
    needs = isinstance(shown, Dim) and shown.is_sum
    return f"{name}({f'({shown})' if needs else shown} / {divisor})"


def _lone_floor(size: Dim) -> Atom | None:
    """A floor that is a term of its own, the longest where there are several, so that the choice is always the same."""
    lone = [key[0][0] for key, n in size.terms if n == 1 and len(key) == 1 and key[0][1] == 1 and key[0][0].divisor]
    return max(lone, key=lambda atom: (len(atom.text), atom.text), default=None)


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return (((), size),) if isinstance(size, int) else size.terms


def _build(terms: Iterable[tuple[Monomial, int]]) -> Size:
    total: dict[Monomial, int] = {}
    for key, n in terms:
        total[key] = total.get(key, 0) + n
    kept = [(key, n) for key, n in total.items() if n]
    if not kept:
        return 0
    if len(kept) > MAX_TERMS:
        raise ArithmeticError("a size became a sum of too many terms")
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    if any(abs(n) > MAX_NUMBER for _, n in kept):
        raise ArithmeticError("a size became too large a number")
    return Dim(tuple(sorted(kept, key=lambda term: _key(term[0]))))


def _times(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda item: item[0].text))


def _monomial_div(a: Monomial, b: Monomial) -> Monomial | None:
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) - power
        if powers[atom] < 0:
            return None
    return tuple((atom, power) for atom, power in powers.items() if power)


def _leading(size: Size) -> tuple[Monomial, int]:
    """The largest term in an order that multiplication respects: by degree, then lexicographically by powers."""
    atoms = sorted({atom.text for key, _ in _terms(size) for atom, _ in key})
    return max(_terms(size), key=lambda term: (_degree(term[0]), _powers(term[0], atoms)))


def _powers(key: Monomial, atoms: list[str]) -> list[int]:
    powers = {atom.text: power for atom, power in key}
    return [powers.get(text, 0) for text in atoms]


def _degree(key: Monomial) -> int:
    return sum(power for _, power in key)


def _key(key: Monomial) -> str:
    return " ".join(f"{atom.text}^{power}" for atom, power in key)


def _term_text(key: Monomial, n: int) -> str:
    factors = [atom.text for atom, power in key for _ in range(power)]
    return " * ".join([str(n)] * (n != 1 or not factors) + factors)


def _atom_symbols(atom: Atom) -> Iterator[str]:
    if atom.inner is None:
        yield atom.text
    else:
        yield from atom.inner.symbols
