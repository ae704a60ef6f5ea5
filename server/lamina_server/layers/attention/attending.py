"""What every attention shares: which input is what, what a query may see, and the weights of its mean."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import ml_dtypes

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.layers.base import require_one_type, require_type
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import FLOATS, INTEGERS, DType, Spec

T = TypeVar("T")


class Scores(NamedTuple):
    """How well queries and keys match: (batch, ..., axes of the queries, axes of the keys), `along` of either.

    While they are computed, the axes of the queries are one, and so are those of the keys.
    """

    spec: Spec
    along: int = 1

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
        """Number of keys that a query meets."""
        return product(self.spec.shape[self.lead + self.along :])

    @property
    def text(self) -> str:
        """Queries and keys, counted along each axis."""
        return counted(self.spec.shape[self.lead : self.lead + self.along], self.spec.shape[self.lead + self.along :])

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

    def laid(self, graph: Graph, mask: Value | None) -> str:
        """A mask with axes of size 1 where it lacks some; "" for none."""
        if mask is None:
            return ""
        name, rank = graph.arrange(mask), mask.spec.rank
        if self.along > 1:
            copied = [0] * (rank - 2 * self.along)
            name = graph.node("Reshape", [name, graph.shape([*copied, self.queries, -1])])
        missing = 0 if rank == self.spec.rank else self.lead if rank == 2 else self.lead - 1
        return graph.node("Unsqueeze", [name, graph.ints(range(1, 1 + missing))]) if missing else name


class Sight(NamedTuple):
    """What a query may see: only keys up to its own place, only keys near it, what a last input says."""

    causal: bool = False
    window: int | None = None
    additive: bool = False

    def masked(self, inputs: Sequence[Spec]) -> bool:
        """Whether the last input is a mask: one of bool, or where that is asked for one of numbers to add."""
        return len(inputs) > 1 and (self.additive or inputs[-1].dtype is DType.BOOL)

    def parts(self, inputs: Sequence[T], specs: Sequence[Spec]) -> tuple[T, T, T, T | None]:
        """Query, value, key and mask, in Keras' order; what is not given is what stands before it."""
        masked = self.masked(specs)
        taken = inputs[:-1] if masked else inputs
        value = taken[min(1, len(taken) - 1)]
        return taken[0], value, taken[2] if len(taken) > 2 else value, inputs[-1] if masked else None

    def check_types(self, inputs: Sequence[Spec]) -> None:
        """Raises LayerError for element types that do not fit."""
        numbers = inputs[:-1] if self.masked(inputs) and not self.additive else inputs
        for i, x in enumerate(numbers, 1):
            if i > 1 and x.dtype in INTEGERS:
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

    def check_inputs(self, inputs: Sequence[Spec], most: int = 3, least: int = 1) -> None:
        """Raises LayerError for too few or too many inputs besides the mask, or where a mask announced is missing."""
        masked = self.masked(inputs)
        if self.additive and not masked:
            raise LayerError(
                "INPUT_COUNT", "has additive_mask=True: the last of several inputs is the mask, but one is given",
                field="inputs",
            )  # fmt: skip
        if len(inputs) - masked < least:
            raise LayerError(
                "INPUT_COUNT", f"takes {least} inputs besides the mask, but only {least - 1} stands before it",
                field="inputs",
            )  # fmt: skip
        if len(inputs) - masked > most:
            taken = ("query", "query and value", "query, value and key")[most - 1]
            raise LayerError(
                "INPUT_COUNT",
                f"takes {taken}, and a mask of bool after that; {{input_{len(inputs)}}} is of {inputs[-1].dtype.value} "
                "(numbers to be added to the scores need additive_mask=True)",
                field="inputs",
            )

    def check(self, inputs: Sequence[Spec], scores: Scores) -> None:
        """Raises LayerError where an order is asked for that there is not, or the mask does not fit the scores."""
        if scores.along != 1 and (self.causal or self.window is not None):
            raise LayerError(
                "UNSUPPORTED",
                f"attends along {scores.along} axes at once, which have no order that use_causal_mask or "
                "sliding_window could follow: give one axis in attention_axes",
                field="use_causal_mask" if self.causal else "sliding_window",
            )
        if self.masked(inputs):
            scores.check_mask(inputs[-1], f"{{input_{len(inputs)}}}")

    def weights(self, graph: Graph, name: str, scores: Scores, mask: Value | None) -> str:
        """Softmax over the keys that each query may see; 0 for the others, and for all where it may see none."""
        dtype, laid = scores.spec.dtype, scores.laid(graph, mask)
        if laid and self.additive:
            name, laid = graph.node("Add", [name, laid]), ""
        seen = self._seen(graph, scores)
        if laid:
            seen = graph.node("And", [seen, laid]) if seen else laid
        if not seen:
            return graph.node("Softmax", [name], axis=-1)
        lowest = graph.const(ml_dtypes.finfo(dtype.numpy).min, dtype)  # type: ignore[no-untyped-call]
        weights = graph.node("Softmax", [graph.node("Where", [seen, name, lowest])], axis=-1)
        if not laid and self.window is None:  # causal: the first key is always seen
            return weights
        return graph.node("Where", [seen, weights, graph.const(0.0, dtype)])

    def sentences(self, inputs: Sequence[Spec]) -> tuple[str, ...]:
        """What a query may see, in words."""
        said = ["Query i sees only keys 0 to i."] if self.causal else []
        if self.window is not None:
            near = "the key at its own place" if self.window == 1 else f"keys fewer than {self.window} places away"
            said.append(f"A query sees only {near}.")
        if self.masked(inputs):
            seen = "says what a query sees; one that sees nothing gives 0"
            said.append(f"The last input {'is added to the scores' if self.additive else seen}.")
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


def counted(queries: Sequence[Size], keys: Sequence[Size]) -> str:
    """`1 query, 7 keys`; along several axes `3 x 4 queries, 2 x 3 keys`."""
    return f"{_listed(queries, 'query', 'queries')}, {_listed(keys, 'key', 'keys')}"


def _listed(sizes: Sequence[Size], one: str, several: str) -> str:
    return f"{' x '.join(map(str, sizes))} {one if product(sizes) == 1 else several}"


def _places(graph: Graph, size: Size) -> str:
    """0 to size - 1."""
    end = graph.node("Squeeze", [graph.size(size)])
    return graph.node("Range", [graph.const(0, DType.INT64), end, graph.const(1, DType.INT64)])
