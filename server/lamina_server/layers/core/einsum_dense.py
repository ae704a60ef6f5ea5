"""EinsumDense: a fully connected layer over any axes, as an equation says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from lamina_server.dims import Size, symbol
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Relu
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    one_for_each,
    option,
    option_text,
    require_number,
    single,
)
from lamina_server.layers.core.basics import activate, check_function
from lamina_server.layers.graph import Array, Graph, Value
from lamina_server.layers.tensors import Axis, DType, Layout, Role, Spec, usual_roles
from lamina_server.words import shortened

_FORM = re.compile(
    r"(?P<before>\.{3})?(?P<x>[a-zA-Z]+)(?P<after>\.{3})?,(?P<kernel>[a-zA-Z]+)->"
    r"(?P<before_out>\.{3})?(?P<out>[a-zA-Z]+)(?P<after_out>\.{3})?"
)
_LONGEST = 100  # characters of an equation; with a letter for each axis that is far more than any tensor has


class _Terms(NamedTuple):
    """An equation with a letter for every axis: a digit for each axis that "..." stands for."""

    x: str
    kernel: str
    out: str
    given: str  # letters of the output whose sizes output_shape gives

    @property
    def summed(self) -> str:
        """Letters of the input that the output lacks."""
        return "".join(letter for letter in self.x if letter not in self.out)

    @property
    def new(self) -> str:
        """Letters of the output that the input lacks."""
        return "".join(letter for letter in self.out if letter not in self.x)

    @property
    def kept(self) -> str:
        """Letters of input and output."""
        return "".join(letter for letter in self.x if letter in self.out)

    @property
    def is_product(self) -> bool:
        """Whether it is one matrix product: something is summed, by the kernel, and no kept axis has its own kernel."""
        return bool(self.summed) and set(self.kernel) == {*self.summed, *self.new}


@dataclass(frozen=True)
class EinsumDense(Kind):
    """Fully connected over any axes, activation(einsum(equation, x, kernel) + b): (batch, ...) -> (batch, ...).

    "abc,cd->abd" is Dense on three axes, "abc,cde->abde" makes two axes of one. "..." stands for any axes before or
    after the letters. The kernel has its letters' sizes, from output_shape or from the input; the bias those of
    bias_axes, and 1 for the letters between them and after. The batch comes first in input and output and is not in
    the kernel. A multiply-add for each index of all letters of kernel and output.
    """

    equation: str = option('"input,kernel->output", a letter for each axis')
    output_shape: tuple[Size, ...] = option('sizes of the output\'s letters, without the batch axis; "?" as the input')
    activation: Function | None = option("applied to the result", None)
    bias_axes: str | None = option("letters of the output that have their own bias", None)

    sdk = (Sdk("EinsumDense"),)
    in_torch = ("einsum",)
    masking = "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        same = symbol("?")
        return (
            Example(cls("abc,cd->abd", (same, 4), bias_axes="d"), ((7, 9),)),
            Example(cls("...x,xy->...y", (4,), Relu(), "y"), ((2, 3, 5),)),
            Example(cls("ab...,bc->ac...", (4,), bias_axes="c"), ((5, 2, 3),)),
            Example(cls("abc,cde->abde", (same, 2, 3), bias_axes="de"), ((7, 9),)),
            Example(cls("abcd,cde->abe", (same, 4)), ((7, 2, 3),)),
            Example(cls("abc,dcb->ad", (4,)), ((3, 5),)),
            Example(cls("abc,bcd->adb", (4, 3), bias_axes="db"), ((3, 5),)),
            Example(cls("abcd,ce->abe", (same, 4)), ((3, 5, 2),)),
            Example(cls("ab,cd->abdc", (same, 2, 3), bias_axes="b"), ((4,),)),
        )

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        """The usual ones, but none for axes before the last that the kernel has: it has weights for their places."""
        usual, match = usual_roles(rank, layout), _FORM.fullmatch(self.equation[:_LONGEST])
        if not match:
            return usual
        elided = " " * (rank - len(match["x"]))
        letters = elided + match["x"] if match["before"] else match["x"] + elided
        return tuple(
            Role.NONE if letter in match["kernel"] and i < rank - 1 else role
            for i, (letter, role) in enumerate(zip(letters, usual, strict=False))
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        terms = self._terms(x)
        sizes = self._sizes(x, terms)
        out = Spec(tuple(self._axes(x, terms, sizes)), x.dtype)
        check_function(self.activation, out)
        if x.dtype is DType.BFLOAT16 and not terms.is_product:
            raise LayerError("DTYPE_MISMATCH", f"has {self.equation}, for which ONNX has no bfloat16", field="inputs")
        kernel = tuple(self._number(letter, sizes) for letter in terms.kernel)
        fan_in, fan_out = (
            prod(size for letter, size in zip(terms.kernel, kernel, strict=True) if (letter in terms.out) is side)
            for side in (False, True)
        )
        bias = self._bias(terms, sizes)
        over = _over(terms, sizes)
        return Inference(
            single(out),
            "EinsumDense",
            derivations=tuple(self._rows(x, out, terms, sizes)),
            weights=(
                Weight("kernel", kernel, "glorot", fan_in, fan_out),
                *([Weight("bias", bias)] if self.bias_axes else []),
            ),
            params=self._params(terms, sizes),
            params_reason=f"The kernel has the axes {terms.kernel}"
            + (f" and the bias {self.bias_axes}" if self.bias_axes else ""),
            macs=_product("".join(dict.fromkeys(terms.out[1:] + terms.kernel)), sizes),
            bias_adds=one_for_each(out, bool(self.bias_axes)),
            how=f"summed over {over}" if over else "nothing is summed",
            sees_all=x.rank == 2,
            sees_along=self.activation.sees_along(out.rank) if self.activation else (),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        terms = self._terms(x.spec)
        y = _multiplied(graph, x, terms, done) if terms.is_product else _summed(graph, x, terms, done)
        if self.bias_axes:
            rank = done.spec.rank
            bias = graph.weight("bias", lambda b: b.reshape((1,) * (rank - b.ndim) + b.shape).transpose(y.order))
            y = y._replace(name=graph.node("Add", [y.name, bias]))
        return [activate(graph, y, self.activation)]

    def _terms(self, x: Spec) -> _Terms:
        """The equation for a tensor. Raises LayerError for one that cannot be read or does not fit."""
        match = _FORM.fullmatch(self.equation) if len(self.equation) <= _LONGEST else None
        if not match:
            raise self._wrong("is no equation that it can read")
        before, a, after, kernel, out = match.group("before", "x", "after", "kernel", "out")
        if (before, after) != match.group("before_out", "after_out") or (before and after):
            raise self._wrong('must have its "..." on the same side of input and output')
        elided = x.rank - len(a)
        if elided < 0 or (elided and not (before or after)):
            raise LayerError(
                "RANK_MISMATCH",
                f'has "{self.equation}", which needs {len(a)} axes{" or more" if before or after else ""} with the '
                f"batch. It gets {x}: that is {x.rank}",
                field="equation",
                expected_rank=len(a),
                got_rank=x.rank,
            )
        digits = "".join(chr(ord("0") + i) for i in range(elided))
        left, right = (digits, "") if before else ("", digits)
        terms = _Terms(left + a + right, kernel, left + out + right, out if left else out[1:])
        for term in (terms.x, kernel, terms.out):
            if len(set(term)) < len(term):
                raise self._wrong("has a letter twice in one term")
        if terms.x[0] != terms.out[0] or terms.x[0] in kernel:
            raise self._wrong("moves the batch, which must come first in input and output and not be in the kernel")
        lost = [letter for letter in kernel if letter not in terms.x + terms.out]
        lost += [letter for letter in terms.new if letter not in kernel]
        if lost:
            raise self._wrong(f"has {lost[0]} in one term only, so that its size is nowhere given")
        return terms

    def _sizes(self, x: Spec, terms: _Terms) -> dict[str, Size]:
        """The size of every letter. Raises LayerError where output_shape does not fit."""
        given = self.output_shape
        if len(given) != len(terms.given):
            raise LayerError(
                "LENGTH_MISMATCH",
                f"has output_shape={self._shown()} for {terms.given or 'no letters'}: one size for each letter of the "
                'output, without the batch axis and what "..." stands for',
                field="output_shape",
                wanted=len(terms.given),
            )
        sizes: dict[str, Size] = dict(zip(terms.x, x.shape, strict=True))
        for letter, size in zip(terms.given, given, strict=True):
            if letter in sizes and isinstance(size, int):
                require_number(sizes[letter], f"axis {letter}", "because output_shape gives one")
            if letter in sizes and str(size) not in ("?", str(sizes[letter])):
                raise LayerError(
                    "SIZE_MISMATCH",
                    f"has {size} for {letter} in output_shape, but the input has {sizes[letter]}: {x}. "
                    'Write "?" (None in Python) for what the input has',
                    field="output_shape",
                )
            if letter not in sizes and not (isinstance(size, int) and size > 0):
                raise LayerError(
                    "OUT_OF_RANGE",
                    f"has {size} for {letter} in output_shape; the input has no {letter}, so it must be a number, "
                    "1 or more",
                    field="output_shape",
                )
            sizes.setdefault(letter, size)
        return sizes

    def _rows(self, x: Spec, out: Spec, terms: _Terms, sizes: dict[str, Size]) -> Iterator[Derivation]:
        over = _over(terms, sizes)
        reason = f"As output_shape says; {f'each number is a sum over {over}' if over else 'nothing is summed over'}."
        for i, letter in enumerate(terms.out):
            replaces = i == out.rank - 1 and terms.x[-1] in terms.summed
            if letter in terms.new:
                size = derive(letter, **{letter: sizes[letter]})
                yield Derivation(i, out.axes[i].role, x.shape[-1] if replaces else None, size, reason)

    def _axes(self, x: Spec, terms: _Terms, sizes: dict[str, Size]) -> Iterator[Axis]:
        role = x.axes[-1].role if x.axes[-1].role is Role.CHANNELS else Role.FEATURES
        for i, letter in enumerate(terms.out):
            if letter in terms.x:
                yield x.axes[terms.x.index(letter)]
            else:
                yield Axis(role if i == len(terms.out) - 1 else Role.NONE, sizes[letter])

    def _bias(self, terms: _Terms, sizes: dict[str, Size]) -> tuple[int, ...]:
        """Shape of the bias: from its first letter to the end of the output."""
        letters = self.bias_axes or ""
        if not set(letters) <= set(terms.given) or len(set(letters)) < len(letters):
            raise LayerError(
                "BAD_AXIS",
                f"has bias_axes={shortened(letters)}; they are letters of the output but the batch, each once: "
                f"{terms.given or 'it has none'}",
                field="bias_axes",
            )
        first = min((terms.out.index(letter) for letter in letters), default=len(terms.out))
        return tuple(self._number(letter, sizes) if letter in letters else 1 for letter in terms.out[first:])

    def _params(self, terms: _Terms, sizes: dict[str, Size]) -> Derived:
        parts = [_product(terms.kernel, sizes)]
        if self.bias_axes:
            parts.append(_product(self.bias_axes, sizes))
        names = {name: size for part in parts for name, size in part.values.items()}
        return derive(" + ".join(part.text for part in parts), **names)

    def _number(self, letter: str, sizes: dict[str, Size]) -> int:
        return require_number(sizes[letter], f"axis {letter}", "because kernel or bias have numbers for each")

    def _shown(self) -> str:
        return option_text(self.output_shape[:8])

    def _wrong(self, why: str) -> LayerError:
        return LayerError(
            "BAD_EQUATION",
            f'has equation={shortened(self.equation)}, which {why}; write it as "abc,cd->abd", "...x,xy->...y" or '
            '"ab...,bc->ac..."',
            field="equation",
        )


def _over(terms: _Terms, sizes: dict[str, Size]) -> str:
    return " and ".join(f"{letter} ({sizes[letter]})" for letter in terms.summed)


def _product(letters: str, sizes: dict[str, Size]) -> Derived:
    names = {letter if letter.isalpha() else f"n{ord(letter) - ord('0')}": sizes[letter] for letter in letters}
    return derive(" * ".join(names) or "1", **names)


def _multiplied(graph: Graph, x: Value, terms: _Terms, done: Inference) -> Value:
    """As one matrix product, which ONNX Runtime does faster than Einsum: what is summed last, against what is new."""
    name = graph.arrange(x, [terms.x.index(letter) for letter in terms.kept + terms.summed])
    sizes = dict(zip(terms.kernel, done.weights[0].shape, strict=True))
    copied = [0] * len(terms.kept)

    def matrix(kernel: Array) -> Array:
        order = [terms.kernel.index(letter) for letter in terms.summed + terms.new]
        rows = prod(sizes[letter] for letter in terms.summed)
        return kernel.transpose(order).reshape(rows, -1)

    if len(terms.summed) > 1:
        rows = prod(sizes[letter] for letter in terms.summed)
        name = graph.node("Reshape", [name, graph.ints([*copied, rows])])
    name = graph.node("MatMul", [name, graph.weight("kernel", matrix)])
    if len(terms.new) != 1:
        name = graph.node("Reshape", [name, graph.ints([*copied, *(sizes[letter] for letter in terms.new)])])
    return Value(name, tuple(terms.out.index(letter) for letter in terms.kept + terms.new), done.spec)


def _summed(graph: Graph, x: Value, terms: _Terms, done: Inference) -> Value:
    """By ONNX's Einsum, with letters of its own."""
    letters = {letter: chr(ord("a") + i) for i, letter in enumerate(dict.fromkeys(terms.x + terms.kernel + terms.out))}
    a, kernel, out = ("".join(letters[letter] for letter in term) for term in terms[:3])
    name = graph.node("Einsum", [graph.arrange(x), graph.weight("kernel")], equation=f"{a},{kernel}->{out}")
    return graph.logical(name, done.spec)
