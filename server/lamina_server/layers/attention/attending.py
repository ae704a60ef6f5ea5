"""What every attention shares: which input is what, what a query may see, and the weights of its mean."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.layers.base import require_one_type, require_type
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, INTEGERS, DType, Spec

T = TypeVar("T")


class Scores(NamedTuple):
    """How well queries and keys match: (batch, ..., axes of the queries, axes of the keys), `along` of either.

    While they are computed, the axes of the queries are one, and so are those of the keys. `always` are the keys
    behind these, along one axis, that no mask is for.
    """

    spec: Spec
    along: int = 1
    always: int = 0

    @property
    def lead(self) -> int:
        """Number of axes before those of the queries."""
        return self.spec.rank - 2 * self.along

    @property
    def queries(self) -> Size:
        """Number of queries that meet the same keys."""
        return product(self.spec.shape[self.lead : self.lead + self.along])

    @property
    def keys(self) -> Size:
        """Number of keys that a query meets, of those given."""
        return product(self.spec.shape[self.lead + self.along :])

    @property
    def shown(self) -> Spec:
        """The scores of all keys."""
        last = self.spec.rank - 1
        return self.spec.resized(last, self.spec.shape[last] + self.always) if self.always else self.spec

    @property
    def text(self) -> str:
        """Queries and keys, counted along each axis."""
        queries, keys = self.spec.shape[self.lead : self.lead + self.along], self.spec.shape[self.lead + self.along :]
        if self.always:
            return f"{_listed(queries, 'query', 'queries')}, {keys[0]} + {self.always} keys"
        return counted(queries, keys)

    def check_mask(self, mask: Spec, name: str) -> None:
        """Raises LayerError for one that has neither a number for each key, nor for each pair, nor for each score."""
        shape = self.spec.shape
        shapes = {1 + 2 * self.along: (shape[0], *shape[self.lead :]), self.spec.rank: shape}
        if self.along == 1:
            shapes[2] = (shape[0], shape[-1])
        wanted = shapes.get(mask.rank, ())
        stretches = {1} if self.along == 1 else set()  # axes that become one cannot be stretched
        if not wanted or any(a != b and a not in stretches for a, b in zip(mask.shape, wanted, strict=True)):
            listed = " or ".join(f"({', '.join(map(str, shapes[rank]))})" for rank in sorted(shapes))
            raise LayerError("SIZE_MISMATCH", f"takes a mask of shape {listed}, but {name} is {mask}", field="inputs")

    def laid(self, graph: Graph, mask: Value) -> str:
        """A mask with axes of size 1 where it lacks some."""
        name, rank = graph.arrange(mask), mask.spec.rank
        if self.along > 1:
            copied = [0] * (rank - 2 * self.along)
            name = graph.node("Reshape", [name, graph.shape([*copied, self.queries, -1])])
        missing = 0 if rank == self.spec.rank else self.lead if rank == 2 else self.lead - 1
        return graph.node("Unsqueeze", [name, graph.ints(range(1, 1 + missing))]) if missing else name


class Sight(NamedTuple):
    """What a query may see: only keys up to its own place, only keys near it, what masks say.

    With `additive` the last input of numbers is a mask, too.
    """

    causal: bool = False
    window: int | None = None
    additive: bool = False

    def count(self, inputs: Sequence[Spec]) -> int:
        """How many inputs are query, value and key. Those behind them are masks: one of numbers, then those of bool."""
        count = len(inputs)
        while count > 1 and inputs[count - 1].dtype is DType.BOOL:
            count -= 1
        return count - self.additive

    def parts(self, inputs: Sequence[T], specs: Sequence[Spec]) -> tuple[T, T, T, Sequence[T]]:
        """Query, value, key and masks, in Keras' order; what is not given is what stands before it."""
        count = self.count(specs)
        value = inputs[min(1, count - 1)]
        return inputs[0], value, inputs[2] if count > 2 else value, inputs[count:]

    def check_types(self, inputs: Sequence[Spec]) -> None:
        """Raises LayerError for element types that do not fit."""
        check_types(inputs[: self.count(inputs) + self.additive])

    def check_inputs(self, inputs: Sequence[Spec]) -> None:
        """Raises LayerError for too many inputs besides the masks, or where a mask announced is missing."""
        count = self.count(inputs)
        if not count:
            raise LayerError(
                "INPUT_COUNT", "has additive_mask=True: the last of several inputs of numbers is the mask, but one is "
                "given",
                field="inputs",
            )  # fmt: skip
        if count > 3:
            raise LayerError(
                "INPUT_COUNT",
                f"takes query, value and key, and masks of bool after that; {{input_{count + self.additive}}} is of "
                f"{inputs[count - 1].dtype.value} (numbers to be added to the scores need additive_mask=True)",
                field="inputs",
            )

    def check(self, masks: Sequence[Spec], first: int, scores: Scores) -> None:
        """Raises LayerError where an order is asked for that there is not, or a mask does not fit the scores.

        `first` counts the inputs before the masks.
        """
        if scores.along != 1 and (self.causal or self.window is not None):
            raise LayerError(
                "UNSUPPORTED",
                f"attends along {scores.along} axes at once, which have no order that use_causal_mask or "
                "sliding_window could follow: give one axis in attention_axes",
                field="use_causal_mask" if self.causal else "sliding_window",
            )
        for i, mask in enumerate(masks, first + 1):
            scores.check_mask(mask, f"{{input_{i}}}")

    def weights(self, graph: Graph, name: str, scores: Scores, masks: Sequence[Value], always: str = "") -> str:
        """Softmax over the keys that each query may see; 0 for the others, and for all where it may see none.

        `always` are the scores of keys behind the others that every query sees.
        """
        dtype, masked = scores.spec.dtype, False
        seen = self._seen(graph, scores)
        for mask in masks:
            laid = scores.laid(graph, mask)
            if mask.spec.dtype is DType.BOOL:
                seen, masked = graph.node("And", [seen, laid]) if seen else laid, True
            else:
                name = graph.node("Add", [name, laid])
        if seen:
            lowest = graph.lowest(dtype)
            name = graph.node("Where", [seen, name, lowest])
        if always:
            return graph.node("Softmax", [graph.node("Concat", [name, always], axis=-1)], axis=-1)
        weights = graph.node("Softmax", [name], axis=-1)
        if not masked and self.window is None:  # all are seen, or causal: the first key is always seen
            return weights
        return graph.node("Where", [seen, weights, graph.const(0.0, dtype)])

    def sentences(self, masks: Sequence[Spec], *, always: bool = False) -> tuple[str, ...]:
        """What a query may see, in words; `always` where there are keys that it sees in any case."""
        said = ["Query i sees only keys 0 to i."] if self.causal else []
        if self.window is not None:
            near = "the key at its own place" if self.window == 1 else f"keys fewer than {self.window} places away"
            said.append(f"A query sees only {near}.")
        truths = sum(mask.dtype is DType.BOOL for mask in masks)
        if truths < len(masks):
            said.append(f"{'The mask' if truths + 1 == len(masks) else 'Each mask'} of numbers is added to the scores.")
        if truths:
            seen = "The mask of bool says" if truths == 1 else "The masks of bool together say"
            said.append(f"{seen} what a query sees{'' if always else '; one that sees nothing gives 0'}.")
        return tuple(said)

    def _seen(self, graph: Graph, scores: Scores) -> str:
        """(queries, keys) of bool, by comparing places, as their number may depend on the run; "" for everything."""
        if not self.causal and self.window is None:
            return ""
        i = graph.node("Unsqueeze", [_places(graph, scores.queries), graph.ints([1])])
        j = _places(graph, scores.keys)
        seen = graph.node("GreaterOrEqual", [i, j]) if self.causal else ""
        if self.window is None:
            return seen
        apart = graph.node("Abs", [graph.node("Sub", [i, j])])
        near = graph.node("Less", [apart, graph.const(self.window, DType.INT64)])
        return graph.node("And", [seen, near]) if seen else near


def check_types(numbers: Sequence[Spec], tensors: int = 1) -> None:
    """Raises LayerError unless inputs are numbers of one type; those behind so many `tensors` may be meant as masks."""
    for i, x in enumerate(numbers, 1):
        if i > tensors and x.dtype in INTEGERS:
            raise LayerError(
                "DTYPE_MISMATCH",
                f'takes a mask of bool, but {{input_{i}}} is {x.dtype.value}: put Cast("bool") before it',
                field="inputs",
                got=x.dtype.value,
                cast="bool",
                position=i,
            )
        require_type(x, FLOATS, i)
    require_one_type(numbers)


def counted(queries: Sequence[Size], keys: Sequence[Size]) -> str:
    """`1 query, 7 keys`; along several axes `3 x 4 queries, 2 x 3 keys`."""
    return f"{_listed(queries, 'query', 'queries')}, {_listed(keys, 'key', 'keys')}"


def _listed(sizes: Sequence[Size], one: str, several: str) -> str:
    return f"{' x '.join(map(str, sizes))} {one if product(sizes) == 1 else several}"


def _places(graph: Graph, size: Size) -> str:
    """0 to size - 1."""
    end = graph.node("Squeeze", [graph.size(size)])
    return graph.node("Range", [graph.const(0, DType.INT64), end, graph.const(1, DType.INT64)])
