"""Sizes that depend on symbols: `ceil(T / 2)`, exactly as a trace prints them.

The grammar is the one of `lamina.v1.Dim.expression`: integers, symbols, `+ - *`, parentheses, `floor(a / n)`,
`ceil(a / n)`, and `max(a, b)` and `min(a, b)`.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

from lamina.errors import InvalidArgumentError

Node: TypeAlias = "int | str | tuple[str, Node, Node]"

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+*/(),]))")
_CALLS = {"floor": "/", "ceil": "/", "max": ",", "min": ","}
# The server sends sums of at most 512 terms, each of some dozen tokens; only what is nested makes recursion deep.
_MOST_TOKENS = 10_000
_DEEPEST = 60


class Dim:
    """A size over named symbols, such as `Dim("ceil(T / 2)")`. Immutable; equal where the expressions are.

    Raises InvalidArgumentError for text that is no expression.
    """

    def __init__(self, expression: str) -> None:
        if not isinstance(expression, str):
            raise InvalidArgumentError(f'Dim takes an expression such as "ceil(T / 2)"; {expression!r} was given.')
        self._node = _Parser(expression).parse()

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Names of the symbols it depends on."""
        return frozenset(_names(self._node))

    def at(self, values: Mapping[str, int] | None = None, /, **symbols: int) -> int:
        """The number it is for given symbols: `dim.at(T=14)`; a mapping serves names that are no identifiers.

        Raises InvalidArgumentError where a symbol has no value, or one that is no whole number.
        """
        known = {**(values or {}), **symbols}
        missing = sorted(self.symbols - known.keys())
        if missing:
            needed = ", ".join(f"{name}=..." for name in missing)
            raise InvalidArgumentError(f"{self} needs a value for {', '.join(missing)}: .at({needed})", field="at")
        for name in sorted(self.symbols):
            if not isinstance(known[name], int) or isinstance(known[name], bool):
                raise InvalidArgumentError(f"{name} is a size, a whole number; {known[name]!r} was given.", field=name)
        return _value(self._node, known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self._node == other._node

    def __hash__(self) -> int:
        return hash(self._node)

    def __str__(self) -> str:
        return _text(self._node)

    def __repr__(self) -> str:
        return f"Dim({str(self)!r})"


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.depth = 0
        self.tokens: list[str] = []
        at = 0
        while at < len(source.rstrip()):
            match = _TOKEN.match(source, at)
            if match is None:
                raise self.error(f"{source[at:].strip()[:1]!r} has no meaning")
            self.tokens.append(match[0].strip())
            at = match.end()
        if len(self.tokens) > _MOST_TOKENS:
            raise self.error(f"it has {len(self.tokens)} parts, more than {_MOST_TOKENS}")

    def error(self, why: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"{self.source[:80]!r} is no size: {why}.", field="expression")

    def parse(self) -> Node:
        node = self.sum()
        if self.tokens:
            raise self.error(f"{self.tokens[0]!r} comes too late")
        return node

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token:
            raise self.error(f"it ends where {wanted or 'a number or a symbol'!r} is due")
        if wanted and token != wanted:
            raise self.error(f"{token!r} stands where {wanted!r} is due")
        return self.tokens.pop(0)

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error(f"it is nested deeper than {_DEEPEST}")
        node = self.negated() if self.peek() == "-" else self.product()
        while self.peek() in ("+", "-"):
            node = (self.take(), node, self.product())
        self.depth -= 1
        return node

    def negated(self) -> Node:
        self.take("-")
        node = self.product()
        return -node if isinstance(node, int) else ("-", 0, node)

    def product(self) -> Node:
        node = self.factor()
        while self.peek() == "*":
            node = (self.take(), node, self.factor())
        return node

    def factor(self) -> Node:
        token = self.take()
        if token == "(":
            node = self.sum()
            self.take(")")
            return node
        if token in _CALLS and self.peek() == "(":
            return self.call(token)
        if token in "+-*/),":
            raise self.error(f"{token!r} stands where a number or a symbol is due")
        return int(token) if token.isdigit() else token

    def call(self, name: str) -> Node:
        self.take("(")
        left = self.sum()
        self.take(_CALLS[name])
        right = self.sum()
        self.take(")")
        if _CALLS[name] == "/" and not (isinstance(right, int) and right > 0):
            raise self.error("a divisor is a whole number above 0")
        return (name, left, right)


def _spine(node: Node) -> tuple[Node, list[tuple[str, Node]]]:
    """The first operand of a chain of + - *, and what follows it, in order: long chains need no deep recursion."""
    rest = []
    while isinstance(node, tuple) and node[0] in ("+", "-", "*"):
        rest.append((node[0], node[2]))
        node = node[1]
    return node, rest[::-1]


def _value(node: Node, values: Mapping[str, int]) -> int:
    first, rest = _spine(node)
    total = _called(*first, values) if isinstance(first, tuple) else first if isinstance(first, int) else values[first]
    for op, operand in rest:
        value = _value(operand, values)
        total = total + value if op == "+" else total - value if op == "-" else total * value
    return total


def _called(name: str, left: Node, right: Node, values: Mapping[str, int]) -> int:
    a, b = _value(left, values), _value(right, values)
    match name:
        case "floor":
            return a // b
        case "ceil":
            return -(-a // b)
        case "max":
            return max(a, b)
        case _:
            return min(a, b)


def _text(node: Node) -> str:
    first, rest = _spine(node)
    text, is_sum = (_call_text(*first), False) if isinstance(first, tuple) else (str(first), _is_sum(first))
    for op, operand in rest:
        tail = _text(operand)
        if op == "*":
            text = f"({text})" if is_sum else text
            text, is_sum = f"{text} * {f'({tail})' if _is_sum(operand) else tail}", False
            continue
        if tail.startswith("-") or (op == "-" and _is_sum(operand)):
            tail = f"({tail})"
        text, is_sum = (f"-{tail}" if op == "-" and text == "0" else f"{text} {op} {tail}"), True
    return text


def _call_text(name: str, left: Node, right: Node) -> str:
    if _CALLS[name] != "/":
        return f"{name}({_text(left)}, {_text(right)})"
    return f"{name}({f'({_text(left)})' if _is_sum(left) else _text(left)} / {_text(right)})"


def _is_sum(node: Node) -> bool:
    return node[0] in ("+", "-") if isinstance(node, tuple) else isinstance(node, int) and node < 0


def _names(node: Node) -> list[str]:
    first, rest = _spine(node)
    inside = [first[1], first[2]] if isinstance(first, tuple) else []
    own = [first] if isinstance(first, str) else []
    return own + [name for part in (*inside, *(operand for _, operand in rest)) for name in _names(part)]
