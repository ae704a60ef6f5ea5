"""Arithmetic that can be read: one string is what is shown, what is computed, and what is shown with numbers in it.

    derive("ceil(L / s)", L=128, s=2)  ->  value 64, text "ceil(L / s)", substitution "ceil(128 / 2)"

A formula is made of names, integers, `+ - *`, parentheses, `floor(a / b)` and `ceil(a / b)`. Because the result is
computed from the very text that is shown, an explanation cannot disagree with the shape it explains.
"""

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from lamina_server.dims import Dim, Size, ceil_div, floor_div

_NAME = re.compile(r"[a-z_A-Z]\w*\b(?!\()")
_DIVISIONS: dict[str, Callable[..., Size]] = {"floor": floor_div, "ceil": ceil_div}
_SCOPE: dict[str, Any] = {"__builtins__": {}, **_DIVISIONS}


class Derived(NamedTuple):
    """A value with its arithmetic."""

    value: Size
    text: str
    values: dict[str, Size]

    @property
    def substitution(self) -> str:
        """The formula with the numbers put in."""
        shown = {name: _operand(value) for name, value in self.values.items()}
        return _template(self.text).format_map(shown)


def derive(text: str, **values: Size) -> Derived:
    """Computes a formula. Raises NameError for a name without a value, ArithmeticError for a symbolic divisor."""
    return Derived(eval(_compile(text), _SCOPE, values), text, values)


@lru_cache(maxsize=4096)
def _compile(text: str) -> CodeType:
    tree = _Divisions().visit(ast.parse(text, mode="eval"))
    return compile(ast.fix_missing_locations(tree), f"<formula {text}>", "eval")


@lru_cache(maxsize=4096)
def _template(text: str) -> str:
    """`ceil(L / s)` -> `ceil({L} / {s})`."""
    return _NAME.sub(r"{\g<0>}", text)


class _Divisions(ast.NodeTransformer):
    """Turns `floor(a / b)` into `floor(a, b)`, so that no fraction is ever computed."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        quotient = node.args[0]
        assert isinstance(quotient, ast.BinOp) and isinstance(quotient.op, ast.Div), "floor and ceil take a quotient"
        node.args = [self.visit(quotient.left), self.visit(quotient.right)]
        return node


def _operand(value: Size) -> str:
    return f"({value})" if isinstance(value, Dim) and value.is_sum else str(value)
