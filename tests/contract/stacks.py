"""Random legal stacks: chains and branches of every kind, in both layouts, with numbers or symbols for sizes."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lamina_server.dims import Size, symbol
from lamina_server.errors import LimitError, StackError
from lamina_server.layers.activations.as_layers import GLU, PReLU, as_layer
from lamina_server.layers.activations.functions import (
    FUNCTIONS,
    Elu,
    Exponential,
    Function,
    Gelu,
    HardSigmoid,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Softmax,
    Softmin,
    Sparsemax,
    Tanh,
)
from lamina_server.layers.attention.multi_head import GroupQueryAttention, MultiHeadAttention
from lamina_server.layers.attention.transformer import TransformerEncoderLayer
from lamina_server.layers.attention.unprojected import AdditiveAttention, Attention
from lamina_server.layers.base import Kind
from lamina_server.layers.broadcasting import ConstantTensor
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input, Masking
from lamina_server.layers.core.einsum_dense import EinsumDense
from lamina_server.layers.core.held import Constant, Parameter
from lamina_server.layers.merging.arithmetic import Average, Maximum, Multiply, Subtract
from lamina_server.layers.merging.elementwise import Clip, Elementwise
from lamina_server.layers.merging.joining import Add, Concatenate, StackTensors
from lamina_server.layers.merging.ordering import CumSum
from lamina_server.layers.merging.products import CosineSimilarity, Dot, MatMul
from lamina_server.layers.merging.reductions import Normalize, Reduce, Variance
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.normalization.scaling import LayerScale, LocalResponseNormalization, Normalization, Rescaling
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, RNN, SimpleRNN
from lamina_server.layers.recurrent.walks import Recurrent
from lamina_server.layers.shaping.padding import Cropping, Pad
from lamina_server.layers.shaping.repeating import Flip, Repeat, Roll, Tile
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.shaping.resizing import Upsample, UpSampling
from lamina_server.layers.shaping.slicing import Slice, SqueezeAxes, Take, UnsqueezeAxes
from lamina_server.layers.tensors import Layout, Spec
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace

LAYOUTS = tuple(Layout)
Random = random.Random
Writer = Callable[[Random, Spec], Kind]
Refused = Callable[[Stack, StackError], None]


MERGES: tuple[Kind, ...] = (
    *(Add(), Multiply(), Subtract(), Maximum(), Average(), StackTensors(), StackTensors(1)),
    *(Concatenate(axis) for axis in (-1, 1, 2)),
    *(MatMul(), MatMul(transpose_b=True), Dot((-1,)), Dot((1, -1)), CosineSimilarity(-1)),
)


def random_stack(r: Random, refused: Refused) -> tuple[Stack, dict[str, int]]:
    """A legal stack of one to seven layers behind an Input "x", and a usual number for each of its symbols.

    Layers that turn out illegal are left out; `refused` is called with the stack that has them and its refusal.
    """
    sizes = [r.randint(1, 6) for _ in range(r.choice((1, 2, 2, 3, 3, 4)))]
    named = dict(zip("PQRS", sizes, strict=False))
    usual = {name: size for name, size in named.items() if len(sizes) > 1 and r.random() < 0.2}
    shape: tuple[Size, ...] = tuple(symbol(name) if name in usual else size for name, size in named.items())
    stack = Stack((Node(Input(shape), "x"),), r.choice(LAYOUTS))
    for i in range(r.randint(1, 7)):
        for _ in range(10):
            node = _node(r, stack, f"l{i}")
            longer = Stack((*stack.nodes, node), stack.layout)
            try:
                trace(longer)
            except StackError as error:
                refused(longer, error)
                continue
            except LimitError:  # an axis more than admitted
                continue
            stack = longer
            break
    return stack, usual


def _node(r: Random, stack: Stack, name: str) -> Node:
    specs = trace(stack).specs
    refs = list(specs)[-4:]
    if r.random() < 0.05:
        shape = (*(size if isinstance(size, int) else 1 for size in specs[refs[-1]].shape[1:]),)
        return Node(r.choice((Parameter(shape), Constant((0.5,), shape))), name)
    if len(specs) > 1 and r.random() < 0.25:
        merge = r.choice(MERGES)
        most = type(merge).inputs[1] or 3
        return Node(merge, name, tuple(r.choice(refs) for _ in range(r.randint(2, most))))
    ref = r.choice(refs)
    write = r.choice(_writers(specs[ref].rank))
    return Node(write(r, specs[ref]), name, (ref,))


def _writers(rank: int) -> Sequence[Writer]:
    any_rank: list[Writer] = [_activation, _dropout, _normalization, _scaling, _dense, _flatten, _reshape, _permute]
    any_rank += [_reduce, _arithmetic, _einsum, _masking, _part, _moved]
    spatial: list[Writer] = [_conv, _depthwise, _max_pool, _average_pool, _zero_padding, _global_pool, _ends, _resized]
    return (
        any_rank
        + (spatial * 2 if rank in (3, 4, 5) else [_repeat])
        + ([_recurrent, _attention, _transformer] if rank == 3 else [_attention] if rank > 3 else [])
    )


def _einsum(r: Random, spec: Spec) -> Kind:
    letters = "abcdef"[: spec.rank]
    summed = r.choice(letters[1:] or "z")
    new = r.choice(("", "y", "yz"))
    out = letters.replace(summed, "") + new
    shape: tuple[Size, ...] = (*(symbol("?") for _ in out[1 : len(out) - len(new)]), *(r.randint(1, 3) for _ in new))
    kept = r.choice(("", *out[1 : len(out) - len(new)]))  # with a kernel of its own for each place
    return EinsumDense(f"{letters},{kept}{summed}{new}->{out}", shape, _maybe(r), r.choice((None, new or None)))


def _masking(r: Random, spec: Spec) -> Kind:
    return Masking(r.choice((0.0, 1.0)))


def _attention(r: Random, spec: Spec) -> Kind:
    axes = tuple(r.sample(range(1, spec.rank - 1), r.randint(1, spec.rank - 2)))
    causal = len(axes) == 1 and r.random() < 0.5
    both = r.choice(
        (
            MultiHeadAttention(r.randint(1, 2), r.randint(1, 3), r.choice((None, 2)), attention_axes=axes),
            MultiHeadAttention(2, 2, output_shape=r.choice(((), (3,), (2, 2))), attention_axes=axes, use_gate=True),
            GroupQueryAttention(2, 4, 2),
            Attention(scale=0.5),
            AdditiveAttention(),
        )
    )
    return replace(both, use_causal_mask=causal, return_attention_scores=r.random() < 0.3)


def _transformer(r: Random, spec: Spec) -> Kind:
    width = int(str(spec.shape[-1])) if isinstance(spec.shape[-1], int) else 4
    return TransformerEncoderLayer(width, 2 if width % 2 == 0 else 1, 3, norm_first=r.random() < 0.5)


def _function(r: Random) -> Function:
    chosen: dict[type[Function], Function] = {
        **{cls: cls(axis=r.choice((-1, 1))) for cls in (Softmax, LogSoftmax, Softmin, Sparsemax)},
        LeakyRelu: LeakyRelu(r.choice((0.2, 0.01))),
        Elu: Elu(r.choice((1.0, 0.5))),
        Gelu: Gelu(r.random() < 0.5),
    }
    cls = r.choice([cls for cls in FUNCTIONS if cls is not Exponential])  # whose results outgrow float32
    return chosen.get(cls) or r.choice(cls.examples())


def _maybe(r: Random) -> Function | None:
    return _function(r) if r.random() < 0.3 else None


def _reduce(r: Random, spec: Spec) -> Kind:
    axes = tuple(r.sample(range(1, spec.rank), r.randint(0, spec.rank - 1)))
    operation, keepdims = r.choice(("mean", "sum", "max", "l2_norm")), r.random() < 0.5
    return r.choice(
        (Reduce(operation, axes, keepdims), Variance("variance", axes, keepdims), CumSum(r.choice((-1, 1))))
    )


def _arithmetic(r: Random, spec: Spec) -> Kind:
    values = tuple(round(r.uniform(-1, 1), 2) for _ in range(r.choice((1, 1, 3))))
    constant, first = ConstantTensor(values), r.random() < 0.5
    kinds = (Multiply(constant), Subtract(constant, constant_first=first), Clip(-0.5), Elementwise("abs"), Normalize())
    return r.choice(kinds)


def _counts(r: Random, spec: Spec) -> tuple[int, ...]:
    return tuple(r.randint(1, 3) for _ in range(spec.rank - 2))


def _given(r: Random, spec: Spec) -> tuple[int, ...]:
    return r.choice(((), _counts(r, spec)))


def _format(r: Random) -> Layout | None:
    return r.choice((None, None, None, *LAYOUTS))


def _padding(r: Random, sizes: Sequence[int], *, pool: bool) -> Any:
    pairs = tuple(PadPair(*(r.randint(0, k // 2 if pool else 2) for _ in range(2))) for k in sizes)
    causal = ("causal",) if len(sizes) == 1 and not pool else ()
    return r.choice(("valid", "same", "same", "same_lower", pairs, *causal))


def _activation(r: Random, spec: Spec) -> Kind:
    return Activation(_function(r))


def _dropout(r: Random, spec: Spec) -> Kind:
    return Dropout(0.1)


def _normalization(r: Random, spec: Spec) -> Kind:
    axis, center, scale = r.choice((None, None, 1, -1)), r.random() < 0.8, r.random() < 0.8
    axes = r.choice(((), (1,), tuple(range(1, spec.rank))))
    return r.choice(  # an epsilon so large that rounding is not blown up where all numbers are alike
        (
            BatchNormalization(axis, center=center, scale=scale),
            LayerNormalization(axes, 0.1, center, scale, r.random() < 0.2),
            GroupNormalization(r.choice((1, 2, -1)), axis, 0.1, center, scale),
            InstanceNormalization(axis, 0.1, center, scale, r.random() < 0.2),
            RMSNormalization(axes, 0.1, scale),
        )
    )


def _scaling(r: Random, spec: Spec) -> Kind:
    axis, axes = r.choice((None, None, 1, -1)), r.choice(((), (1,), tuple(range(1, spec.rank))))
    given = r.choice(((), (0.5,)))
    return r.choice(
        (
            LocalResponseNormalization(r.randint(1, 4), 0.1, axis=axis),
            Rescaling((r.choice((0.5, -1.0)),), r.choice(((), (2.0,)))),
            Normalization(axes, given, given, r.random() < 0.5),
            LayerScale(axis=axis, center=r.random() < 0.5),
            PReLU(r.choice(((), (1,), tuple(range(1, spec.rank))))),
            GLU(r.choice((1, -1))),
            as_layer(r.choice((Relu(max_value=1.0), Softmax(axes=(1, 2)), Sparsemax(1)))),
        )
    )


def _dense(r: Random, spec: Spec) -> Kind:
    return Dense(r.randint(1, 5), _maybe(r), r.random() < 0.7)


def _flatten(r: Random, spec: Spec) -> Kind:
    return Flatten(r.choice((None, None, Layout.CHANNELS_FIRST)))


def _reshape(r: Random, spec: Spec) -> Kind:
    count = spec.elements
    if not isinstance(count, int):
        plain = all(isinstance(size, int) or size.text in size.symbols for size in spec.shape[1:])
        return Reshape(r.choice(((-1,), (*spec.shape[1:], 1), (1, *spec.shape[1:]))) if plain else (-1,))
    a = r.choice([n for n in range(1, count + 1) if count % n == 0])
    b = r.choice([n for n in range(1, count // a + 1) if count // a % n == 0])
    return Reshape(r.choice(((a, -1), (-1, a), (a, b, count // a // b), (a, b, -1), (-1,))))


def _permute(r: Random, spec: Spec) -> Kind:
    if spec.rank == 1:  # a message cannot say that there are no axes to put in order
        return UnsqueezeAxes((1,))
    return Permute(tuple(r.sample(range(1, spec.rank), spec.rank - 1)))


def _repeat(r: Random, spec: Spec) -> Kind:
    return RepeatVector(r.randint(1, 4))


def _conv(r: Random, spec: Spec) -> Kind:
    kernel, groups = _counts(r, spec), r.choice((1, 1, 1, 2))
    filters, padding = groups * r.randint(1, 3), _padding(r, kernel, pool=False)
    strides, dilations = _given(r, spec), _given(r, spec)
    return Conv(filters, kernel, strides, padding, _format(r), dilations, groups, _maybe(r), r.random() < 0.7)


def _depthwise(r: Random, spec: Spec) -> Kind:
    kernel, strides, dilations = _counts(r, spec), _given(r, spec), _given(r, spec)
    padding = _padding(r, kernel, pool=False)
    return DepthwiseConv(kernel, strides, padding, r.randint(1, 2), _format(r), dilations, _maybe(r), r.random() < 0.7)


def _max_pool(r: Random, spec: Spec) -> Kind:
    size = _counts(r, spec)
    padding = _padding(r, size, pool=True)
    return MaxPool(size, _given(r, spec), padding, _format(r), _may_run_over(padding) and r.random() < 0.5)


def _average_pool(r: Random, spec: Spec) -> Kind:
    size = _counts(r, spec)
    padding = _padding(r, size, pool=True)
    over = _may_run_over(padding) and r.random() < 0.5
    return AveragePool(size, _given(r, spec), padding, _format(r), over, r.random() < 0.5)


def _may_run_over(padding: Any) -> bool:
    return padding not in ("same", "same_lower")


def _zero_padding(r: Random, spec: Spec) -> Kind:
    return ZeroPadding(tuple(PadPair(r.randint(0, 2), r.randint(0, 2)) for _ in range(spec.rank - 2)), _format(r))


def _global_pool(r: Random, spec: Spec) -> Kind:
    return r.choice((GlobalMaxPool, GlobalAveragePool))(None, _format(r), r.random() < 0.5)


def _axis(r: Random, spec: Spec) -> int:
    return r.choice((r.randint(1, max(spec.rank - 1, 1)), -1))  # one number per sample has no axis


def _part(r: Random, spec: Spec) -> Kind:
    axis = _axis(r, spec)
    cut = Slice(axis, r.choice((None, 0, 1, -2)), r.choice((None, None, -1, 4)), r.choice((1, 1, 2, -1)))
    taken = Take(tuple(r.randint(-1, 1) for _ in range(r.randint(1, 3))), axis)
    return r.choice((cut, cut, taken, UnsqueezeAxes((axis,)), SqueezeAxes((axis,)), Take((0,), axis, False)))


def _moved(r: Random, spec: Spec) -> Kind:
    axis, n = _axis(r, spec), r.randint(1, 2)
    tile = Tile(tuple(r.randint(1, 2) for _ in range(spec.rank - 1)))
    return r.choice((Roll((r.randint(-7, 7),), (axis,)), Flip((axis,)), tile, Repeat(n, axis), Flatten(None, axis, -1)))


def _ends(r: Random, spec: Spec) -> Kind:
    pairs = tuple(PadPair(r.randint(0, 1), r.randint(0, 1)) for _ in range(spec.rank - 2))
    mode: Any = r.choice(("constant", "reflect", "replicate", "circular"))
    return r.choice((Cropping(pairs, _format(r)), Pad(pairs, mode, data_format=_format(r))))


def _resized(r: Random, spec: Spec) -> Kind:
    rank = spec.rank - 2
    mode: Any = r.choice(
        ("nearest", "nearest_exact", "area", {1: "linear", 2: r.choice(("bilinear", "bicubic")), 3: "trilinear"}[rank])
    )
    copies, sizes = UpSampling(_counts(r, spec), _format(r)), tuple(r.randint(1, 5) for _ in range(rank))
    return r.choice((copies, Upsample(sizes, mode=mode), Upsample((), (1.5,), mode), Upsample((), (2,), mode)))


def _recurrent(r: Random, spec: Spec) -> Kind:
    # Gates that have no bound let a state explode, and float32 with it.
    inside: Function = r.choice((Tanh(), Sigmoid(), HardSigmoid(), Elu(0.7), LeakyRelu(0.1)))
    gates: Function = r.choice((Sigmoid(), HardSigmoid(), Tanh()))
    units, bias = r.randint(1, 4), r.random() < 0.7
    walk = {"return_sequences": r.random() < 0.7, "go_backwards": r.random() < 0.2, "return_state": r.random() < 0.3}
    one: Recurrent = r.choice(
        (
            LSTM(units, inside, gates, bias, **walk),
            GRU(units, inside, gates, bias, reset_after=r.random() < 0.5, **walk),
            SimpleRNN(units, inside, bias, num_layers=r.randint(1, 2), **walk),
            RNN((GRUCell(units), LSTMCell(3, inside)), **walk),
        )
    )
    return Bidirectional(one, r.choice(tuple(Merge))) if r.random() < 0.3 else one
