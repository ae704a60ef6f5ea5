"""Attention with projections: of each head a query is answered by the mean of values whose keys match it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.attention.attending import Scores, Sight
from lamina_server.layers.attention.heads import Heads, bias_adds, shown
from lamina_server.layers.base import (
    MAX_AXES,
    Derivation,
    Example,
    Inference,
    Kind,
    Output,
    Sdk,
    option,
    own_axis,
    plural,
    require_number,
    require_rank,
    too_many_axes,
)
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.requirements import dividing, divisors
from lamina_server.layers.tensors import SPATIAL, Axis, DType, Layout, Role, Spec, names

DROPOUT = "fraction of the weights dropped in training; no effect at inference"
WINDOW = "each query sees only keys fewer than this many places away"
CAUSAL = "whether query i sees only keys 0 to i"
SCORES = 'whether the weights come as a second output, "scores"'
ADDED = "whether the last input of numbers is added to the scores, as PyTorch's attn_mask"
BOOL = DType.BOOL
GATE = "whether the result of each head is multiplied by a sigmoid gate of the query"


class _Projected(Kind):
    """What both kinds share."""

    sliding_window: int | None
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    inputs = (1, 6)
    masking = "uses"

    @property
    def sight(self) -> Sight:
        """What a query may see."""
        return Sight(self.use_causal_mask, self.sliding_window, self.additive_mask)

    def heads(self, query: int) -> Heads:
        """The heads, for queries so wide."""
        raise NotImplementedError

    def attended(self, rank: int) -> tuple[int, ...]:
        """The axes along which queries meet keys."""
        return tuple(range(1, rank - 1))

    def masked_as_keras(self, masked: Sequence[bool]) -> bool:
        return not masked[0]  # Keras hides masked queries, too

    def check_types(self, inputs: Sequence[Spec]) -> None:
        self.sight.check_types(inputs)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return (Role.BATCH, *SPATIAL[rank - 2], Role.FEATURES) if rank - 2 in SPATIAL else super().roles(rank, layout)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        met = self._met(inputs)
        heads, x = met.heads, met.query
        keys = met.pairs.keys * met.elsewhere
        every = met.pairs.queries * (met.pairs.keys + met.pairs.always) * met.elsewhere
        counts = met.positions, keys, every
        before = x.axes[-1]
        role = before.role if before.role is Role.CHANNELS else Role.FEATURES
        roles = (*(Role.NONE,) * (len(heads.out) - 1), role)
        added = tuple(Axis(role, size) for role, size in zip(roles, heads.out, strict=True))
        out = Spec((*x.axes[:-1], *added), x.dtype)
        many = "The one head" if heads.number == 1 else f"Each of {heads.number} heads"
        sizes = [plural(size, "number") for size in (heads.key, heads.value)]
        met_by = met.pairs.text.replace(",", " with")
        reason = (
            f"{many} compares {met_by}, {sizes[0]} each, and answers each query with the mean of the values, "
            f"{sizes[1]} each, weighted by how well their keys match it."
        )
        rows = tuple(
            Derivation(x.rank - 1 + i, axis.role, before.size if i == 0 else None, derive("out", out=axis.size), reason)
            for i, axis in enumerate(added)
        )
        scores = (Output("scores", met.pairs.shown),) if self.return_attention_scores else ()
        return Inference(
            (Output("", out), *scores),
            self.title,
            derivations=rows,
            weights=heads.weights(*met.widths),
            params=heads.params(*met.widths),
            params_reason=f"Queries, keys{', values and a gate' if heads.gate else ' and values'} are projected to the "
            "heads, and the heads back",
            macs=heads.macs(met.widths, *counts),
            bias_adds=bias_adds(heads.weights(*met.widths), *counts[:2]),
            how=f"{plural(heads.number, 'head')} of {heads.key}: {met.pairs.text}",
            sentences=(*self.sight.sentences(met.masks, always=met.pairs.always > 0), *heads.sentences()),
            sees_along=met.along,
            scratch=heads.scratch(*counts),
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        specs = [x.spec for x in inputs]
        met = self._met(specs)
        query, value, key, masks = self.sight.parts(inputs, specs)
        rank, out = met.query.rank, met.heads.out
        last = tuple(range(rank - 1, rank - 1 + len(out)))
        apart = tuple(axis for axis in range(1, rank - 1) if axis not in met.along)
        order = (0, *apart, *met.along, rank - 1)
        taken = (graph.arrange(query, order), graph.arrange(value, order), graph.arrange(key, order))
        name, weights = met.heads.emit(graph, taken, met.pairs, self.sight, masks)
        if len(met.along) > 1 or len(out) > 1:
            sizes = [*[0] * (1 + len(apart)), *(met.query.shape[axis] for axis in met.along[:-1]), -1, *out]
            name = graph.node("Reshape", [name, graph.shape(sizes)])
        main = Value(name, (*order[:-1], *last), done.spec)
        return [main, shown(graph, weights, met.pairs)] if self.return_attention_scores else [main]

    def _met(self, inputs: Sequence[Spec]) -> "_Met":
        """Which inputs are what, and how they meet. Raises LayerError where they do not."""
        self.sight.check_inputs(inputs)
        query, value, key, masks = self.sight.parts(inputs, inputs)
        if query.rank < 3:
            raise LayerError("RANK_MISMATCH", f"needs at least batch, steps, features. It gets {query}",
                             expected_rank=3, got_rank=query.rank)  # fmt: skip
        along = self.attended(query.rank)
        apart = tuple(axis for axis in range(1, query.rank - 1) if axis not in along)
        check_meeting(query, value, key, apart)
        widths = tuple(
            require_number(x.axes[-1].size, "the last axis", "because its kernels have weights for each")
            for x in (query, key, value)
        )
        heads = self.heads(widths[0])
        lead = (query.axes[0], *(query.axes[axis] for axis in apart), Axis(Role.NONE, heads.number))
        keys = (Axis(Role.NONE, key.shape[axis]) for axis in along)
        asked = (query.axes[axis] for axis in along)
        scores = Scores(Spec((*lead, *asked, *keys), query.dtype), len(along), heads.always)
        if heads.always and len(along) > 1:
            raise LayerError(
                "UNSUPPORTED",
                f"attends along {len(along)} axes at once, where one more key has no place: give one axis in "
                "attention_axes",
                field="add_bias_kv" if heads.trained else "add_zero_attn",
            )
        self.sight.check(masks, len(inputs) - len(masks), scores)
        return _Met(query, (widths[0], widths[1], widths[2]), along, scores, heads, masks)


class _Met(NamedTuple):
    """Queries, how wide query, key and value are, the attended axes, the scores, the heads, the masks."""

    query: Spec
    widths: tuple[int, int, int]
    along: tuple[int, ...]
    pairs: Scores
    heads: Heads
    masks: Sequence[Spec]

    @property
    def elsewhere(self) -> Size:
        """How many places there are along the other axes, each attending for itself."""
        return product(self.query.shape[axis] for axis in range(1, self.query.rank - 1) if axis not in self.along)

    @property
    def positions(self) -> Size:
        """Number of queries in all."""
        return product(self.query.shape[1:-1])


@dataclass(frozen=True)
class MultiHeadAttention(_Projected):
    """Attention of several heads: softmax(Q K^T / sqrt(key_dim)) V of each, Q, K and V being projections of the inputs.

    Inputs in Keras' order: query alone, which attends to itself; query, value; or query, value, key. After them masks,
    known by their type: with additive_mask one of numbers, added to the scores, then any of bool, which all apply. A
    mask of bool says which keys a query sees, as in Keras (PyTorch's MultiheadAttention says which it does not see).
    Shapes: (batch, keys), (batch, queries, keys) or as the scores, where queries or keys may be 1, for all of them
    alike. A query that sees no key gives 0s, as Keras with scores and PyTorch's scaled_dot_product_attention (its
    MultiheadAttention gives nan).

    (batch, ..., features) -> the same with output_shape for the features; scores (batch, ..., heads, queries, keys).
    Kernels query, key (features, heads, key_dim), value (features, heads, value_dim), attention_output (heads,
    value_dim, features), as in Keras; PyTorch's embed_dim is num_heads * key_dim. Its add_bias_kv is a trained key and
    value behind the others, "bias_k" (heads, key_dim) and "bias_v" (heads, value_dim); add_zero_attn are zeros behind
    these: every query sees them, and the scores have a column for each.
    """

    num_heads: int = option("number of heads", minimum=1)
    key_dim: int = option("size of a query and of a key of one head", minimum=1)
    value_dim: int | None = option("size of a value of one head; key_dim where not given", None, minimum=1)
    dropout: float = option(DROPOUT, 0.0, minimum=0, maximum=1)
    use_bias: bool = option("whether the projections have biases", True)
    output_shape: tuple[int, ...] = option(
        "sizes that replace the query's features; the features where not given", (), minimum=1
    )
    attention_axes: tuple[int, ...] = option(
        "axes that are attended along, counting the batch axis; all but batch and features if not given", ()
    )
    sliding_window: int | None = option(WINDOW, None, minimum=1)
    use_gate: bool = option(GATE, False)
    use_causal_mask: bool = option(CAUSAL, False)
    return_attention_scores: bool = option(SCORES, False)
    additive_mask: bool = option(ADDED, False)
    add_bias_kv: bool = option("whether a trained key and value stand behind the others, as PyTorch's", False)
    add_zero_attn: bool = option("whether a key and a value of zeros stand behind all others, as PyTorch's", False)

    sdk = (Sdk("MultiHeadAttention"),)
    in_torch = ("nn.MultiheadAttention",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        given = (DType.FLOAT32, DType.FLOAT32, DType.FLOAT32, BOOL)
        return (
            Example(cls(2, 4), ((5, 6),)),
            Example(cls(2, 4, 3, use_bias=False, return_attention_scores=True), ((5, 6), (7, 8))),
            Example(cls(1, 3, use_gate=True, output_shape=(6, 2)), ((5, 6), (7, 8), (7, 9), (5, 7)), dtypes=given),
            Example(cls(2, 3, use_causal_mask=True, sliding_window=3), ((5, 6),)),
            Example(cls(2, 3, additive_mask=True, use_causal_mask=True), ((5, 6), (7, 8), (5, 7))),
            Example(cls(1, 3, sliding_window=2), ((5, 6), (8, 6), (8,)), dtypes=(*given[:2], BOOL)),
            Example(cls(2, 3, use_gate=True, return_attention_scores=True), ((3, 4, 5),), Layout.CHANNELS_FIRST),
            Example(cls(2, 3, attention_axes=(2,), use_causal_mask=True), ((3, 4, 5), (3, 7, 6))),
            Example(cls(2, 3, attention_axes=(1,), output_shape=(2, 3)), ((3, 4, 5), (6, 4, 7))),
            Example(
                cls(2, 3, additive_mask=True), ((5, 6), (7, 8), (5, 7), (7,), (5, 1)), dtypes=(*given[:3], BOOL, BOOL)
            ),
            Example(
                cls(2, 4, 3, add_bias_kv=True, add_zero_attn=True, return_attention_scores=True),
                ((5, 6), (7, 8), (7,)),
                dtypes=(*given[:2], BOOL),
            ),
            Example(cls(2, 3, attention_axes=(2,), add_zero_attn=True, sliding_window=1), ((3, 4, 5), (3, 7, 6))),
        )

    def heads(self, query: int) -> Heads:
        if len(self.output_shape) > MAX_AXES:
            raise too_many_axes("output_shape", len(self.output_shape))
        out = self.output_shape or (query,)
        value, always = self.value_dim or self.key_dim, (self.add_bias_kv, self.add_zero_attn)
        return Heads(
            self.num_heads, self.num_heads, self.key_dim, value, out, self.use_bias, self.use_gate, "", *always
        )

    def attended(self, rank: int) -> tuple[int, ...]:
        if not self.attention_axes:
            return super().attended(rank)
        axes = tuple(own_axis(axis, rank, "attention_axes") for axis in self.attention_axes[:rank])
        if rank - 1 in axes or len(set(axes)) < len(self.attention_axes):
            raise LayerError(
                "BAD_AXIS",
                f"has attention_axes={self.attention_axes[:rank]}; they are axes from 1 to {rank - 2}, each once: "
                f"the batch is axis 0, the features are axis {rank - 1}",
                field="attention_axes",
            )
        return axes


@dataclass(frozen=True)
class GroupQueryAttention(_Projected):
    """MultiHeadAttention in which num_query_heads / num_key_value_heads heads of queries share one of keys and values.

    Inputs, masks and outputs as MultiHeadAttention; (batch, steps, features) only. Kernels query (features,
    num_query_heads, head_dim), key and value (features, num_key_value_heads, head_dim), attention_output
    (num_query_heads, head_dim, features).
    """

    head_dim: int = option("size of a query, of a key and of a value of one head", minimum=1)
    num_query_heads: int = option("number of heads of queries", minimum=1)
    num_key_value_heads: int = option("number of heads of keys and values; divides num_query_heads", minimum=1)
    dropout: float = option(DROPOUT, 0.0, minimum=0, maximum=1)
    use_bias: bool = option("whether the projections have biases", True)
    sliding_window: int | None = option(WINDOW, None, minimum=1)
    use_gate: bool = option(GATE, False)
    use_causal_mask: bool = option(CAUSAL, False)
    return_attention_scores: bool = option(SCORES, False)
    additive_mask: bool = option(ADDED, False)

    sdk = (Sdk("GroupQueryAttention"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(3, 4, 2), ((5, 6),)),
            Example(cls(3, 4, 1, use_bias=False, use_gate=True, return_attention_scores=True), ((5, 6), (7, 8))),
            Example(
                cls(2, 4, 2, use_causal_mask=True),
                ((5, 6), (7, 8), (1, 5, 7)),
                dtypes=(DType.FLOAT32, DType.FLOAT32, DType.BOOL),
            ),
        )

    def heads(self, query: int) -> Heads:
        count, groups = self.num_query_heads, self.num_key_value_heads
        if count % groups:
            raise LayerError(
                "NOT_DIVISIBLE",
                f"has num_query_heads={count} and num_key_value_heads={groups}; the second must divide the first; "
                f"{dividing(divisors(count))}",
                field="num_key_value_heads",
                legal=divisors(count),
            )
        return Heads(count, groups, self.head_dim, self.head_dim, (query,), self.use_bias, self.use_gate)

    def attended(self, rank: int) -> tuple[int, ...]:
        return (1,)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        require_rank(inputs[0], (Role.BATCH, Role.STEPS, Role.FEATURES))
        return super().infer(inputs, layout)


def check_meeting(query: Spec, value: Spec, key: Spec, apart: Sequence[int]) -> None:
    """Raises LayerError where query, value and key do not fit: `apart` are the axes along which each attends alone."""
    kinds = {"query": query, "value": value, "key": key}
    said = "; ".join(f"{name} is {x}" for name, x in kinds.items())
    if len({x.rank for x in kinds.values()}) > 1:
        raise LayerError("RANK_MISMATCH", f"needs query, value and key with equally many axes: {said}", field="inputs")
    if key.shape[:-1] != value.shape[:-1]:
        raise LayerError(
            "SIZE_MISMATCH",
            f"needs a value for each key, so all but their last axes must agree: {said}",
            field="inputs",
        )
    if any(query.shape[axis] != value.shape[axis] for axis in apart):
        listed = names([query.axes[axis].role for axis in apart])
        raise LayerError(
            "SIZE_MISMATCH", f"attends alone at each place along {listed}, which must agree: {said}", field="inputs"
        )
