"""Products by labels: one label for each axis, equal labels run together, and what the result lacks is summed over."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import NamedTuple

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.base import Example, Inference, Kind, Sdk, option, plural, single
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, Axis, DType, Layout, Spec
from lamina_server.words import shortened

MAX_EQUATION = 256  # characters
_TERM = re.compile(r"([A-Za-z]*)(\.\.\.)?([A-Za-z]*)")


class _Read(NamedTuple):
    """An equation with a letter for every axis: a term for each input, and the result's."""

    terms: tuple[str, ...]
    result: str

    @property
    def text(self) -> str:
        return f"{','.join(self.terms)}->{self.result}"


@dataclass(frozen=True)
class Einsum(Kind):
    """Sums of products by labels: "bij,bjk->bik" gives axis i and k, and sums over j, which the result lacks.

    A term of labels for each input, the batch axis first, then "->" and the result's, its first label the batch axis
    too; "..." stands for axes that need no label, aligned by their ends. A size 1 stretches. Multiply-adds: the
    product of all labels' sizes but the batch, times the number of inputs less one.
    """

    equation: str = option('labels of the inputs and of the result, such as "bij,bjk->bik"')

    sdk = (Sdk("Einsum"),)
    in_keras = ("ops.einsum",)
    in_torch = ("einsum",)
    takes = (FLOATS - {DType.BFLOAT16}) | {DType.INT32, DType.INT64}  # as ONNX's Einsum
    inputs = (1, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls("bij,bjk->bik"), ((5, 4), (4, 3))),
            Example(cls("b...c, b...c -> b..."), ((5, 6, 3), (5, 1, 3))),
            Example(cls("...ij,...kj->...ki"), ((2, 5, 4), (2, 3, 4)), Layout.CHANNELS_FIRST),
            Example(cls("bij,bi,bjk->bk"), ((5, 4), (5,), (4, 3))),
            Example(cls("bij->bj"), ((5, 4),), dtypes=(DType.INT64,)),
            Example(cls("bii->bi"), ((4, 4),)),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        read = self._read(inputs)
        found = self._axes(read, inputs)
        out = Spec(tuple(found[label] for label in read.result), inputs[0].dtype)
        summed = [f"{label} = {found[label].size}" for label in found if label not in read.result]
        over = f"summed over {', '.join(summed)}" if summed else "nothing is summed"
        return Inference(
            single(out),
            "Einsum",
            macs=_macs(len(inputs), {label: axis.size for label, axis in found.items() if label != read.result[0]}),
            how=f"by {read.text}, {over}",
            sees_all=True,
            scratch=_scratch(read, {label: axis.size for label, axis in found.items()}),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        text = self._read([x.spec for x in inputs]).text
        return [graph.logical(graph.node("Einsum", [graph.arrange(x) for x in inputs], equation=text), done.spec)]

    def _read(self, inputs: Sequence[Spec]) -> _Read:
        """The equation with a letter for every axis that "..." stands for. Raises LayerError where it does not fit."""
        text = self.equation.replace(" ", "")
        if len(text) > MAX_EQUATION:
            what = f"has an equation of {len(text)} characters; it may have {MAX_EQUATION}"
            raise LayerError("OUT_OF_RANGE", what, field="equation", got=len(text), maximum=MAX_EQUATION)
        left, arrow, right = text.partition("->")
        terms = [_TERM.fullmatch(term) for term in (*left.split(","), right)]
        if not arrow or not all(terms):
            raise self._bad("it must be labels such as bij,bjk->bik: letters, at most one ... in a term, and one ->")
        if len(terms) - 1 != len(inputs):
            what = f'has equation="{text}" for {len(terms) - 1} inputs, but {len(inputs)} '
            what += "is given" if len(inputs) == 1 else "are given"
            raise LayerError("INPUT_COUNT", what, field="inputs", given=len(inputs), wanted=len(terms) - 1)
        rest = [x.rank - _letters(term) for x, term in zip(inputs, terms, strict=False)]
        for i, (x, count, term) in enumerate(zip(inputs, rest, terms, strict=False), 1):
            if count < 0 or (count and term[2] is None):  # type: ignore[index]  # all match
                labels, axes = _letters(term), x.rank
                has = f'has "{term[0]}" for {{input_{i}}}, {plural(labels, "label")}'  # type: ignore[index]
                text = f"{has}, but {{input_{i}}} is {x}: {axes} {'axis' if axes == 1 else 'axes'}"
                raise LayerError("RANK_MISMATCH", text, field="equation", expected_rank=labels, got_rank=axes)
        free = [letter for letter in ascii_letters if letter not in text]
        most = max((n for n, term in zip(rest, terms, strict=False) if term[2]), default=0)  # type: ignore[index]
        if len(free) < most:
            raise self._bad("it leaves no letters for the axes that ... stands for")
        pool = "".join(free[:most])
        full = [
            f"{term[1]}{pool[most - count :] if term[2] else ''}{term[3]}"  # type: ignore[index]
            for term, count in zip(terms, (*rest, most), strict=True)
        ]
        return _Read(tuple(full[:-1]), full[-1])

    def _axes(self, read: _Read, inputs: Sequence[Spec]) -> dict[str, Axis]:
        """The axis that each label stands for. Raises LayerError for sizes that disagree, or a batch that moves."""
        result, known = read.result, set("".join(read.terms))
        strange = next((label for label in result if label not in known), None)
        if strange is not None or len(set(result)) < len(result):
            label = strange or next(a for a in result if result.count(a) > 1)
            raise self._bad(f'its result names "{label}" {"twice" if strange is None else "but no input does"}')
        if not result:
            raise self._bad("its result has no labels, so the batch axis would be summed over")
        for i, (term, x) in enumerate(zip(read.terms, inputs, strict=True), 1):
            if x.shape[0] != 1 and term[0] != result[0]:
                raise LayerError(
                    "BAD_AXIS",
                    f'has equation="{read.text}", where the batch axis of {{input_{i}}} is "{term[0]}" and the first '
                    f'axis of the result is "{result[0]}"; the batch stays the first axis, under one label',
                    field="equation",
                )
        found: dict[str, Axis] = {}
        for label in dict.fromkeys("".join(read.terms)):
            found[label] = self._axis(label, read, inputs)
        return found

    def _axis(self, label: str, read: _Read, inputs: Sequence[Spec]) -> Axis:
        places = [(x, term.index(label)) for term, x in zip(read.terms, inputs, strict=True) if label in term]
        for i, (term, x) in enumerate(zip(read.terms, inputs, strict=True), 1):
            own = {x.shape[at] for at, letter in enumerate(term) if letter == label}
            if len(own) > 1:
                both = " and ".join(sorted(map(str, own)))
                text = f'runs along "{label}" twice in {{input_{i}}}, so its sizes must agree, but they are {both}: {x}'
                raise LayerError("SIZE_MISMATCH", text, field="equation")
        axes = [x.axes[at] for x, at in places]
        wide = {axis.size for axis in axes if axis.size != 1}
        if len(wide) > 1:
            lead = f'runs along "{label}" in every input, so its sizes must agree, but it'
            taken = [term.index(label) if label in term else None for term in read.terms]
            raise _disagree(inputs, lead, taken)
        return next((axis for axis in axes if axis.size != 1), axes[0])

    def _bad(self, why: str) -> LayerError:
        return LayerError("BAD_EQUATION", f"has equation={shortened(self.equation)}; {why}", field="equation")


def _letters(term: re.Match[str] | None) -> int:
    return len(term[1]) + len(term[3]) if term else 0


def _macs(count: int, sizes: dict[str, Size]) -> Derived | None:
    """Every combination of labels is one product; with more than two inputs, one for each input after the first."""
    if count == 1:
        return None
    factors = [*(["products"] if count > 2 else []), *sizes]
    return derive(" * ".join(factors) or "1", **({"products": count - 1} if count > 2 else {}), **sizes)


def _scratch(read: _Read, sizes: dict[str, Size]) -> Size:
    """Size of the largest product of the first inputs: ONNX Runtime takes one after the other, and sums what no later
    one has.
    """
    held, found = set(read.terms[0]), [0]
    for i, term in enumerate(read.terms[1:-1], 1):
        later = set("".join((*read.terms[i + 1 :], read.result)))
        held = (held | set(term)) & later
        size = product(sizes[label] for label in held if label != read.result[0])
        if not isinstance(size, int):
            return size
        found.append(size)
    return max(found)


def _disagree(inputs: Sequence[Spec], lead: str, places: Sequence[int | None]) -> LayerError:
    taken = [(i, x, place) for i, (x, place) in enumerate(zip(inputs, places, strict=True), 1) if place is not None]
    listed = ", ".join(f"{x.shape[place]} in {{input_{i}}}" for i, x, place in taken)
    shapes = "; ".join(f"{{input_{i}}} is {x}" for i, x, _ in taken)
    sizes = tuple(x.shape[place] for _, x, place in taken)
    return LayerError("SIZE_MISMATCH", f"{lead} is {listed}: {shapes}", sizes=sizes)
