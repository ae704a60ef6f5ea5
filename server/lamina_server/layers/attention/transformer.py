"""PyTorch's transformer layers: attention and two dense layers, each added to its input and normalised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

from lamina_server.dims import Size
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Function, Gelu, Relu
from lamina_server.layers.attention.attending import Scores, Sight, counted
from lamina_server.layers.attention.heads import Heads, bias_adds, dense
from lamina_server.layers.attention.multi_head import ADDED, CAUSAL
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
    additive_mask: bool
    masking = "uses"
    attentions: ClassVar[tuple[str, ...]] = ()  # the first is of the steps among themselves, a mask is for the last

    def check_types(self, inputs: Sequence[Spec]) -> None:
        self._sights[-1].check_types(inputs)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return _STEPS if rank == len(_STEPS) else super().roles(rank, layout)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x, memory, _ = self._parts(inputs, inputs)
        self._check(inputs, x, memory)
        met = self._met(x, memory)
        self._sights[-1].check(inputs, met[-1])
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
            sentences=tuple(dict.fromkeys(said for sight in self._sights for said in sight.sentences(inputs))),
            sees_along=(1,),
            scratch=(max(self.dim_feedforward, 4 * d) + 2 * self.nhead * (steps + others)) * steps,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, memory, mask = self._parts(inputs, [value.spec for value in inputs])
        name, other, count = graph.arrange(x), graph.arrange(memory), len(self.attentions)
        for i, scores in enumerate(self._met(x.spec, memory.spec)):
            seen = mask if i == count - 1 else None
            attend = partial(self._attend, graph, i, other if i else "", scores, seen)
            name = self._block(graph, name, i + 1, attend)
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

    def _attend(self, graph: Graph, i: int, memory: str, scores: Scores, mask: Value | None, query: str) -> str:
        key = memory or query
        return self._heads(i).emit(graph, (query, key, key), scores, self._sights[i], mask)[0]

    def _feed(self, graph: Graph, spec: Spec, name: str) -> str:
        name = dense(graph, name, "linear1", bias=self.bias)
        inner = spec.resized(2, self.dim_feedforward)
        name = activate(graph, graph.logical(name, inner), self.activation).name
        return dense(graph, name, "linear2", bias=self.bias)

    @property
    def _sights(self) -> tuple[Sight, ...]:
        """What a step may see, by attention."""
        rest = len(self.attentions) - 1
        own = Sight(self.use_causal_mask, None, self.additive_mask and not rest)
        return (own, *(Sight(additive=self.additive_mask),) * rest)

    def _heads(self, i: int) -> Heads:
        size = self.d_model // self.nhead
        return Heads(self.nhead, self.nhead, size, size, (self.d_model,), self.bias, prefix=f"{self.attentions[i]}/")

    def _parts(self, inputs: Sequence[T], specs: Sequence[Spec]) -> tuple[T, T, T | None]:
        """Steps, what the last attention takes keys from, and its mask."""
        masked = self._sights[-1].masked(specs)
        taken = inputs[:-1] if masked else inputs
        return taken[0], taken[-1], inputs[-1] if masked else None

    def _met(self, x: Spec, memory: Spec) -> list[Scores]:
        """The scores of each attention."""
        heads = Axis(Role.NONE, self.nhead)
        keys = (x, memory)[: len(self.attentions)]
        return [Scores(Spec((x.axes[0], heads, x.axes[1], Axis(Role.NONE, k.shape[1])), x.dtype)) for k in keys]

    def _check(self, inputs: Sequence[Spec], x: Spec, memory: Spec) -> None:
        """Raises LayerError for inputs that have not d_model features, or heads that do not divide it."""
        if self.d_model % self.nhead:
            raise LayerError(
                "NOT_DIVISIBLE",
                f"has d_model={self.d_model} and nhead={self.nhead}; each head takes an equal part, so nhead must "
                f"divide {self.d_model}; {dividing(divisors(self.d_model))}",
                field="nhead",
                legal=divisors(self.d_model),
            )
        self._sights[-1].check_inputs(inputs, len(self.attentions), least=len(self.attentions))
        for i, spec in enumerate((x, memory), 1):
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
    x + attention(norm1(x)), and so on. A second input is a mask as of MultiHeadAttention: True is what a step sees
    (PyTorch's says what it does not see). Kernels as Keras' MultiHeadAttention under "self_attention/": PyTorch's
    in_proj_weight is query, key and value, one below the other, each transposed to (d_model, nhead, d_model / nhead).
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
    additive_mask: bool = option(ADDED, False)

    sdk = (Sdk("TransformerEncoderLayer"),)
    in_keras = ()
    in_torch = ("nn.TransformerEncoderLayer",)
    inputs = (1, 2)
    attentions = ("self_attention",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(6, 2, 8), ((5, 6),)),
            Example(cls(6, 3, 4, activation=Gelu(), norm_first=True, use_causal_mask=True), ((5, 6),)),
            Example(cls(6, 1, 4, bias=False), ((5, 6), (5, 5)), dtypes=(DType.FLOAT32, DType.BOOL)),
            Example(cls(6, 2, 4, additive_mask=True), ((5, 6), (5, 5))),
        )


@dataclass(frozen=True)
class TransformerDecoderLayer(_Transformer):
    """PyTorch's nn.TransformerDecoderLayer, batch first: (batch, steps, d_model), given others.

    As TransformerEncoderLayer, with a second attention, "cross_attention/", of the steps to the second input. A third
    input is a mask as of MultiHeadAttention, for this one; use_causal_mask is for the first.
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
    additive_mask: bool = option(ADDED, False)

    sdk = (Sdk("TransformerDecoderLayer"),)
    in_keras = ()
    in_torch = ("nn.TransformerDecoderLayer",)
    inputs = (2, 3)
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
            Example(cls(6, 1, 4, additive_mask=True), ((5, 6), (7, 6), (5, 7))),
        )
