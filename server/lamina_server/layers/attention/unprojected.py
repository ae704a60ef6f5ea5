"""Attention without projections: queries, values and keys are the inputs themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lamina_server.dims import Size, product
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.attention.attending import Scores, Sight
from lamina_server.layers.attention.multi_head import ADDED, CAUSAL, DROPOUT, SCORES, check_meeting
from lamina_server.layers.base import Derivation, Example, Inference, Kind, Output, Sdk, Weight, option, require_number
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import Axis, DType, Layout, Role, Spec


class _Unprojected(Kind):
    """What both kinds share."""

    use_scale: bool
    use_causal_mask: bool
    return_attention_scores: bool
    additive_mask: bool
    inputs = (1, 6)
    masking = "uses"
    compared: ClassVar[str] = ""

    @property
    def sight(self) -> Sight:
        """What a query may see."""
        return Sight(self.use_causal_mask, None, self.additive_mask)

    def trained(self, features: Size) -> tuple[Weight, ...]:
        """The weights, for queries so wide."""
        raise NotImplementedError

    def macs(self, pairs: Size, features: Size, values: Size) -> Derived:
        """Multiply-adds."""
        return derive("pairs * (features + values)", pairs=pairs, features=features, values=values)

    def compare(self, graph: Graph, query: str, key: str, spec: Spec) -> str:
        """Nodes of the scores."""
        raise NotImplementedError

    def masked_as_keras(self, masked: Sequence[bool]) -> bool:
        return not masked[0] and len(masked) > 1 and masked[1]  # Keras also hides masked queries, and looks at no key's

    def check_types(self, inputs: Sequence[Spec]) -> None:
        self.sight.check_types(inputs)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        if rank < 3:
            return super().roles(rank, layout)
        return (Role.BATCH, *(Role.NONE,) * (rank - 3), Role.STEPS, Role.FEATURES)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        query, value, masks, scores = self._met(inputs)
        features, values = query.shape[-1], value.shape[-1]
        pairs = product(scores.spec.shape[1:])
        weights = self.trained(features)
        sizes: dict[str, Size] = {weight.name: weight.size for weight in weights}
        met_by = scores.text.replace(",", " with")
        reason = (
            f"Of {met_by}, each query is answered with the mean of the values, weighted by the softmax of its scores: "
            f"each the sum of {self.compared}."
        )
        row = Derivation(query.rank - 1, value.axes[-1].role, None, derive("values", values=values), reason)
        shown = (Output("scores", scores.spec),) if self.return_attention_scores else ()
        return Inference(
            (Output("", Spec((*query.axes[:-1], value.axes[-1]), query.dtype)), *shown),
            self.title,
            (row,),
            weights=weights,
            params=derive(" + ".join(sizes), **sizes) if sizes else None,
            params_reason=f"Trained: {' and '.join(sizes)}",
            macs=self.macs(pairs, features, values),
            how=scores.text,
            sentences=self.sight.sentences(masks),
            sees_along=(query.rank - 2,),
            scratch=pairs * 2 + self.inside(pairs, features),
        )

    def inside(self, pairs: Size, features: Size) -> Size:
        """Elements per sample of what is summed to a score."""
        return 0

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        specs = [x.spec for x in inputs]
        *_, scores = self._met(specs)
        query, value, key, masks = self.sight.parts(inputs, specs)
        name = self.compare(graph, graph.arrange(query), graph.arrange(key), query.spec)
        weights = self.sight.weights(graph, name, scores, masks)
        main = graph.logical(graph.node("MatMul", [weights, graph.arrange(value)]), done.spec)
        return [main, graph.logical(weights, scores.spec)] if self.return_attention_scores else [main]

    def _met(self, inputs: Sequence[Spec]) -> tuple[Spec, Spec, Sequence[Spec], Scores]:
        """Query, value, masks and the scores. Raises LayerError where they do not fit."""
        self.sight.check_inputs(inputs)
        query, value, key, masks = self.sight.parts(inputs, inputs)
        if query.rank < 3:
            raise LayerError("RANK_MISMATCH", f"needs at least batch, steps, features. It gets {query}",
                             expected_rank=3, got_rank=query.rank)  # fmt: skip
        check_meeting(query, value, key, range(1, query.rank - 2))
        if query.shape[-1] != key.shape[-1]:
            raise LayerError(
                "SIZE_MISMATCH",
                f"compares queries of {query.shape[-1]} numbers with keys of {key.shape[-1]}; they must be as many",
                field="inputs",
                have=query.shape[-1],
                wanted=key.shape[-1],
                position=1,
            )
        scores = Scores(Spec((*query.axes[:-1], Axis(Role.NONE, key.shape[-2])), query.dtype))
        self.sight.check(masks, len(inputs) - len(masks), scores)
        return query, value, masks, scores


@dataclass(frozen=True)
class Attention(_Unprojected):
    """softmax(Q K^T) V of the inputs: (batch, ..., queries, features) -> (batch, ..., queries, values' size).

    Inputs and masks as MultiHeadAttention; what lies between batch and steps, such as heads, attends for itself. With
    scale = 1 / sqrt(features) it is PyTorch's scaled_dot_product_attention; Keras' layer has no such factor. With
    score_mode concat a score is concat_score_weight * sum(tanh(scale * (q + k))). A query that may see no key gives 0s:
    Keras' mask of queries is a mask of bool (batch, queries, 1), beside that of keys, (batch, keys).
    Weights "scale" and "concat_score_weight", a number each, as use_scale and score_mode ask for them.
    """

    use_scale: bool = option("whether the scores are multiplied by a trained number", False)
    score_mode: str = option("how a query and a key are compared: dot or concat", "dot")
    dropout: float = option(DROPOUT, 0.0, minimum=0, maximum=1)
    scale: float = option("the scores are multiplied by this number", 1.0)
    use_causal_mask: bool = option(CAUSAL, False)
    return_attention_scores: bool = option(SCORES, False)
    additive_mask: bool = option(ADDED, False)

    sdk = (Sdk("Attention"),)
    in_torch = ("nn.functional.scaled_dot_product_attention",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        masked = (DType.FLOAT32, DType.FLOAT32, DType.BOOL)
        return (
            Example(cls(), ((5, 6), (7, 6))),
            Example(cls(use_scale=True, return_attention_scores=True), ((5, 6), (7, 8), (7, 6))),
            Example(cls(True, "concat", use_causal_mask=True), ((5, 6), (7, 6))),
            Example(cls(score_mode="concat", scale=0.5), ((5, 6), (7, 6), (7,)), dtypes=masked),
            Example(cls(scale=0.25), ((3, 5, 6), (3, 7, 6), (5, 7)), dtypes=masked),
            Example(cls(additive_mask=True), ((5, 6), (7, 6), (7, 6), (5, 7))),
            Example(cls(use_causal_mask=True), ((5, 6),)),
            Example(cls(), ((5, 6), (7, 6), (5, 1), (7,)), dtypes=(*masked, DType.BOOL)),
        )

    @property
    def compared(self) -> str:  # type: ignore[override]
        """How queries and keys are compared, in words."""
        return "the products of query and key" if self.score_mode == "dot" else "tanh of query plus key"

    def trained(self, features: Size) -> tuple[Weight, ...]:
        names = ["scale"] * self.use_scale + ["concat_score_weight"] * (self.score_mode == "concat")
        return tuple(Weight(name, (), "ones") for name in names)

    def macs(self, pairs: Size, features: Size, values: Size) -> Derived:
        dot = self.score_mode == "dot"
        return super().macs(pairs, features, values) if dot else derive("pairs * values", pairs=pairs, values=values)

    def inside(self, pairs: Size, features: Size) -> Size:
        return 0 if self.score_mode == "dot" else pairs * features * 2

    def compare(self, graph: Graph, query: str, key: str, spec: Spec) -> str:
        trained = [graph.weight("scale")] if self.use_scale else []
        if self.score_mode == "dot":
            swapped = (*range(spec.rank - 2), spec.rank - 1, spec.rank - 2)
            name = graph.node("MatMul", [query, graph.node("Transpose", [key], perm=swapped)])
            factors = trained
        else:
            name = _sums(graph, query, key)
            if trained:
                name = graph.node("Mul", [name, *trained])
            name = graph.node("ReduceSum", [graph.node("Tanh", [name]), graph.ints([-1])], keepdims=0)
            factors = [graph.weight("concat_score_weight")]
        factors += [graph.const(self.scale, spec.dtype)] if self.scale != 1 else []
        for factor in factors:
            name = graph.node("Mul", [name, factor])
        return name


@dataclass(frozen=True)
class AdditiveAttention(_Unprojected):
    """Attention whose scores are sum(scale * tanh(q + k)), Bahdanau's.

    (batch, ..., queries, features) -> (batch, ..., queries, values' size). Inputs and masks as MultiHeadAttention.
    Weight "scale" (features): a parameter for each feature.
    """

    use_scale: bool = option("whether each feature has a trained factor in the sum", True)
    dropout: float = option(DROPOUT, 0.0, minimum=0, maximum=1)
    use_causal_mask: bool = option(CAUSAL, False)
    return_attention_scores: bool = option(SCORES, False)
    additive_mask: bool = option(ADDED, False)

    sdk = (Sdk("AdditiveAttention"),)
    compared = "tanh of query plus key"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(), ((5, 6), (7, 6))),
            Example(cls(False, return_attention_scores=True, use_causal_mask=True), ((5, 6), (7, 8), (7, 6))),
            Example(cls(), ((5, 6), (7, 6), (7,)), dtypes=(DType.FLOAT32, DType.FLOAT32, DType.BOOL)),
            Example(cls(additive_mask=True), ((5, 6), (7, 6), (5, 7))),
        )

    def trained(self, features: Size) -> tuple[Weight, ...]:
        if not self.use_scale:
            return ()
        width = require_number(features, "the last axis", "because its scale has a number for each")
        return (Weight("scale", (width,), "glorot", width, width),)

    def macs(self, pairs: Size, features: Size, values: Size) -> Derived:
        scaled = self.use_scale
        return super().macs(pairs, features, values) if scaled else derive("pairs * values", pairs=pairs, values=values)

    def inside(self, pairs: Size, features: Size) -> Size:
        return pairs * features * 2

    def compare(self, graph: Graph, query: str, key: str, spec: Spec) -> str:
        name = graph.node("Tanh", [_sums(graph, query, key)])
        if self.use_scale:
            return graph.node("MatMul", [name, graph.weight("scale")])
        return graph.node("ReduceSum", [name, graph.ints([-1])], keepdims=0)


def _sums(graph: Graph, query: str, key: str) -> str:
    """(..., queries, keys, features): each query plus each key."""
    pair = [graph.node("Unsqueeze", [query, graph.ints([-2])]), graph.node("Unsqueeze", [key, graph.ints([-3])])]
    return graph.node("Add", pair)
