"""PyTorch's transformer layers: attention and two dense layers, each added to its input and normalised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Gelu, Relu
from lamina_server.layers.attention.attending import Scores, Sight, check_types, counted
from lamina_server.layers.attention.heads import Heads, bias_adds, dense
from lamina_server.layers.attention.multi_head import CAUSAL
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    option,
    plural,
    require_number,
    require_rank,
    single,
)
from lamina_server.layers.core.basics import activate, check_function
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.requirements import dividing, divisors
from lamina_server.layers.tensors import Axis, DType, Layout, Role, Spec

T = TypeVar("T")
_STEPS = (Role.BATCH, Role.STEPS, Role.FEATURES)
_MODEL = "size of the last axis, of input and output"
_RATE = "fraction dropped in training; no effect at inference"
_BETWEEN = "applied between the two dense layers"
_EPS = "added to the variance by the normalisations"
_FIRST = "whether normalisations come before attention and dense layers, not after the sums"
_BIAS = "whether projections, dense layers and normalisations have biases"


class _Transformer(Kind):
    """What encoder and decoder share: a residual block for each attention, and one for the dense layers."""

    d_model: int
    nhead: int
    dim_feedforward: int
    activation: Function
    layer_norm_eps: float
    norm_first: bool
    bias: bool
    use_causal_mask: bool
    masking = "uses"
    attentions: ClassVar[tuple[str, ...]] = ()  # each takes keys from the input of its place; the masks come after

    def check_types(self, inputs: Sequence[Spec]) -> None:
        count = len(self.attentions)
        check_types([inputs[0] if x.dtype is DType.BOOL and i >= count else x for i, x in enumerate(inputs)], count)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return _STEPS if rank == len(_STEPS) else super().roles(rank, layout)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        tensors, masks = self._parts(inputs)
        self._check(tensors, len(inputs) - len(tensors))
        x, met = inputs[0], self._met(tensors)
        first = len(tensors)
        for sight, given, scores in zip(self._sights, masks, met, strict=True):
            sight.check(given, first, scores)
            first += len(given)
        check_function(self.activation, x.resized(2, self.dim_feedforward))
        d, steps, others = self.d_model, met[0].queries, met[-1].keys
        size = d // self.nhead
        whom = "each other" if len(self.attentions) == 1 else "each other and to the second input"
        heads = f"{plural(self.nhead, 'head')} of {size} {'lets' if self.nhead == 1 else 'let'}"
        reason = (
            f"{heads} steps attend to {whom}; two dense layers take each step to "
            f"{plural(self.dim_feedforward, 'number')} and back. What comes out is added to what went in, so the size "
            "stays."
        )
        return Inference(
            single(x),
            self.title,
            (Derivation(2, x.axes[2].role, d, derive("d_model", d_model=d), reason),),
            weights=tuple(self._weights()),
            params=self._params(),
            params_reason=f"There are {4 * len(met)} projections, 2 dense layers and {len(met) + 1} normalisations",
            macs=self._macs(steps, others),
            bias_adds=bias_adds(self._weights(), steps, others, f"{self.attentions[-1]}/"),
            how=f"{plural(self.nhead, 'head')} of {size}: {counted((steps,), (others,))}",
            sentences=tuple(self._sentences(masks)),
            sees_along=(1,),
            scratch=(max(self.dim_feedforward, 4 * d) + 2 * self.nhead * (steps + others)) * steps,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        tensors, masks = self._parts(inputs)
        name, count = graph.arrange(tensors[0]), len(tensors)
        for i, scores in enumerate(self._met([value.spec for value in tensors])):
            memory = graph.arrange(tensors[i]) if i else ""
            name = self._block(graph, name, i + 1, partial(self._attend, graph, i, memory, scores, masks[i]))
        name = self._block(graph, name, count + 1, partial(self._feed, graph, done.spec))
        return [graph.logical(name, done.spec)]

    def _block(self, graph: Graph, name: str, number: int, inner: Callable[[str], str]) -> str:
        """A residual block with its normalisation, before or after."""
        if self.norm_first:
            return graph.node("Add", [name, inner(self._norm(graph, name, number))])
        return self._norm(graph, graph.node("Add", [name, inner(name)]), number)

    def _norm(self, graph: Graph, name: str, number: int) -> str:
        weights = [graph.weight(f"norm{number}/{which}") for which in (("gamma", "beta") if self.bias else ("gamma",))]
        return graph.node("LayerNormalization", [name, *weights], axis=-1, epsilon=float(self.layer_norm_eps))

    def _attend(self, graph: Graph, i: int, memory: str, scores: Scores, masks: Sequence[Value], query: str) -> str:
        key = memory or query
        return self._heads(i).emit(graph, (query, key, key), scores, self._sights[i], masks)[0]

    def _feed(self, graph: Graph, spec: Spec, name: str) -> str:
        name = dense(graph, name, "linear1", bias=self.bias)
        inner = spec.resized(2, self.dim_feedforward)
        name = activate(graph, graph.logical(name, inner), self.activation).name
        return dense(graph, name, "linear2", bias=self.bias)

    @property
    def _sights(self) -> tuple[Sight, ...]:
        """What a step may see, by attention."""
        return (Sight(self.use_causal_mask), Sight())[: len(self.attentions)]

    def _heads(self, i: int) -> Heads:
        size = self.d_model // self.nhead
        return Heads(self.nhead, self.nhead, size, size, (self.d_model,), self.bias, prefix=f"{self.attentions[i]}/")

    def _parts(self, inputs: Sequence[T]) -> tuple[Sequence[T], tuple[Sequence[T], ...]]:
        """What each attention takes keys from, and its masks."""
        count = len(self.attentions)
        end = count + self.masks_first if count > 1 else None
        return inputs[:count], (inputs[count:end], inputs[end:])[:count]

    @property
    def masks_first(self) -> int:
        """How many masks are for the first of several attentions; those behind are for the second."""
        return 0

    def _sentences(self, masks: Sequence[Sequence[Spec]]) -> Iterator[str]:
        """What a step may see, in words."""
        own, *rest = (sight.sentences(given) for sight, given in zip(self._sights, masks, strict=True))
        yield from own
        for said in rest:
            yield from (f"Towards the second input {text[0].lower()}{text[1:]}" for text in said)

    def _met(self, tensors: Sequence[Spec]) -> list[Scores]:
        """The scores of each attention."""
        x, heads = tensors[0], Axis(Role.NONE, self.nhead)
        return [Scores(Spec((x.axes[0], heads, x.axes[1], Axis(Role.NONE, k.shape[1])), x.dtype)) for k in tensors]

    def _check(self, tensors: Sequence[Spec], masks: int) -> None:
        """Raises LayerError for inputs that have not d_model features, heads that do not divide it, masks missing."""
        if self.d_model % self.nhead:
            raise LayerError(
                "NOT_DIVISIBLE",
                f"has d_model={self.d_model} and nhead={self.nhead}; each head takes an equal part, so nhead must "
                f"divide {self.d_model}; {dividing(divisors(self.d_model))}",
                field="nhead",
                legal=divisors(self.d_model),
            )
        if masks < self.masks_first:
            given = (
                "no mask stands" if not masks else f"only {plural(masks, 'mask')} {'stands' if masks == 1 else 'stand'}"
            )
            raise LayerError(
                "INPUT_COUNT",
                f"has target_masks={self.masks_first}, but {given} behind its two other inputs",
                field="target_masks",
            )
        for i, spec in enumerate(tensors, 1):
            require_rank(spec, _STEPS)
            width = require_number(spec.shape[2], "features", "because its kernels have weights for each")
            if width != self.d_model:
                raise LayerError(
                    "SIZE_MISMATCH",
                    f"has d_model={self.d_model}, but {{input_{i}}} has {plural(width, 'feature')}: {spec}",
                    field="d_model",
                    have=width,
                    wanted=self.d_model,
                    position=i,
                )

    def _weights(self) -> Iterator[Weight]:
        d, inner = self.d_model, self.dim_feedforward
        for i in range(len(self.attentions)):
            yield from self._heads(i).weights(d, d, d)
        for name, rows, columns in (("linear1", d, inner), ("linear2", inner, d)):
            yield Weight(f"{name}/kernel", (rows, columns), "glorot", rows, columns)
            if self.bias:
                yield Weight(f"{name}/bias", (columns,))
        for number in range(1, len(self.attentions) + 2):
            yield Weight(f"norm{number}/gamma", (d,), "ones")
            if self.bias:
                yield Weight(f"norm{number}/beta", (d,))

    def _params(self) -> Derived:
        count = len(self.attentions)
        text = "projections * d * d + 2 * d * ff + norms * d"
        if self.bias:
            text = "projections * d * (d + 1) + (2 * d + 1) * ff + d + norms * 2 * d"
        return derive(text, projections=4 * count, d=self.d_model, ff=self.dim_feedforward, norms=count + 1)

    def _macs(self, steps: Size, others: Size) -> Derived:
        text = "steps * (4 * d * d + 2 * steps * d + 2 * d * ff)"
        sizes: dict[str, Size] = {"steps": steps, "d": self.d_model, "ff": self.dim_feedforward}
        if len(self.attentions) > 1:
            text += " + steps * (2 * d * d + 2 * others * d) + others * 2 * d * d"
            sizes["others"] = others
        return derive(text, **sizes)


@dataclass(frozen=True)
class TransformerEncoderLayer(_Transformer):
    """PyTorch's nn.TransformerEncoderLayer, batch first: (batch, steps, d_model) -> the same.

    x = norm1(x + attention(x)), then norm2(x + linear2(activation(linear1(x)))); with norm_first first
    x + attention(norm1(x)), and so on. Further inputs are masks, such as PyTorch's src_mask and src_key_padding_mask:
    (batch, steps), (batch, steps, steps) or (batch, nhead, steps, steps). One of numbers is added to the scores; in one
    of bool True is what a step sees (PyTorch's says what it does not see). All of them apply.

    Kernels as Keras' MultiHeadAttention under "self_attention/": PyTorch's in_proj_weight is query, key and value, one
    below the other, each transposed to (d_model, nhead, d_model / nhead).
    """

    d_model: int = option(_MODEL, minimum=1)
    nhead: int = option("number of heads; divides d_model", minimum=1)
    dim_feedforward: int = option("size between the two dense layers", 2048, minimum=1)
    dropout: float = option(_RATE, 0.1, minimum=0, maximum=1)
    activation: Function = option(_BETWEEN, Relu())
    layer_norm_eps: float = option(_EPS, 1e-5, minimum=0)
    norm_first: bool = option(_FIRST, False)
    bias: bool = option(_BIAS, True)
    use_causal_mask: bool = option(CAUSAL, False)

    sdk = (Sdk("TransformerEncoderLayer"),)
    in_keras = ()
    in_torch = ("nn.TransformerEncoderLayer",)
    inputs = (1, 3)
    attentions = ("self_attention",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6, 2, 8), ((5, 6),)),
            Example(cls(6, 3, 4, activation=Gelu(), norm_first=True, use_causal_mask=True), ((5, 6),)),
            Example(cls(6, 1, 4, bias=False), ((5, 6), (5, 5)), dtypes=(DType.FLOAT32, DType.BOOL)),
            Example(cls(6, 2, 4), ((5, 6), (5, 5), (5,)), dtypes=(DType.FLOAT32, DType.FLOAT32, DType.BOOL)),
        )


@dataclass(frozen=True)
class TransformerDecoderLayer(_Transformer):
    """PyTorch's nn.TransformerDecoderLayer, batch first: (batch, steps, d_model), given others.

    As TransformerEncoderLayer, with a second attention, "cross_attention/", of the steps to the second input, PyTorch's
    memory. Inputs: steps, memory, then masks as of TransformerEncoderLayer. The first target_masks of these are for the
    steps among themselves, as use_causal_mask is (PyTorch's tgt_mask and tgt_key_padding_mask); those after them are
    for the second attention, with the memory's steps as keys (memory_mask, memory_key_padding_mask).
    """

    d_model: int = option(_MODEL, minimum=1)
    nhead: int = option("number of heads; divides d_model", minimum=1)
    dim_feedforward: int = option("size between the two dense layers", 2048, minimum=1)
    dropout: float = option(_RATE, 0.1, minimum=0, maximum=1)
    activation: Function = option(_BETWEEN, Relu())
    layer_norm_eps: float = option(_EPS, 1e-5, minimum=0)
    norm_first: bool = option(_FIRST, False)
    bias: bool = option(_BIAS, True)
    use_causal_mask: bool = option(CAUSAL, False)
    target_masks: int = option(
        "how many masks, the first, are for the steps among themselves, not with the memory", 0, minimum=0
    )

    sdk = (Sdk("TransformerDecoderLayer"),)
    in_keras = ()
    in_torch = ("nn.TransformerDecoderLayer",)
    inputs = (2, 6)
    attentions = ("self_attention", "cross_attention")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6, 2, 8, use_causal_mask=True), ((5, 6), (7, 6))),
            Example(
                cls(6, 3, 4, norm_first=True, bias=False),
                ((5, 6), (7, 6), (7,)),
                dtypes=(DType.FLOAT32, DType.FLOAT32, DType.BOOL),
            ),
            Example(cls(6, 1, 4), ((5, 6), (7, 6), (5, 7))),
            Example(cls(6, 2, 4, target_masks=1), ((5, 6), (7, 6), (5, 5))),
            Example(
                cls(6, 2, 4, use_causal_mask=True, target_masks=2),
                ((5, 6), (7, 6), (5, 5), (5,), (7,), (5, 7)),
                dtypes=(*(DType.FLOAT32,) * 3, *(DType.BOOL,) * 2, DType.FLOAT32),
            ),
        )

    @property
    def masks_first(self) -> int:
        return self.target_masks
