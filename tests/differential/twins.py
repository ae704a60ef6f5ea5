"""Random stacks in two layouts: the same layers with the same weights on channels last and on channels first.

A twin is drawn layer by layer over symbolic lengths; each layer takes any tensor that there is, so that branches
appear, and two that have equal shapes may meet again. Layers whose axes do not move with the layout (Dense, LSTM,
Reshape) stand between Permutes on the channels-first side.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from lamina_server.dims import evaluate, symbol
from lamina_server.layers.activations.functions import Elu, Function, Relu, Softmax, Tanh
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv, DepthwiseConv
from lamina_server.layers.convolution.separable import SeparableConv
from lamina_server.layers.convolution.transposed import ConvTranspose
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.arithmetic import Maximum, Multiply, Subtract
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from lamina_server.layers.normalization.scaling import LayerScale, LocalResponseNormalization
from lamina_server.layers.pooling.adaptive import AdaptiveAveragePool, AdaptiveMaxPool
from lamina_server.layers.pooling.norm_pooling import LpPool
from lamina_server.layers.pooling.pools import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.padding import Cropping
from lamina_server.layers.shaping.reshaping import Flatten, Permute, RepeatVector, Reshape, ZeroPadding
from lamina_server.layers.shaping.resizing import Upsample, UpSampling
from lamina_server.layers.tensors import Spec
from lamina_server.layers.windows import PadPair
from lamina_server.stack import Node, Stack
from lamina_server.trace import trace
from tests.differential.support import FIRST, LAST, Array

Make = Callable[["Drawing"], None]
LETTERS = "DHW"


@dataclass
class Twin:
    """Both stacks. `spatial` names the tensors that lie as their stack's layout says, `plain` those equal in both."""

    rank: int
    last: list[Node] = field(default_factory=list)
    first: list[Node] = field(default_factory=list)
    spatial: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    @property
    def shared(self) -> list[str]:
        """Every tensor that both stacks have, in order, the Input left out."""
        kept = {*self.spatial[1:], *self.plain}
        return [node.name for node in self.last if node.name in kept]

    def stack(self, lengths: dict[str, int] | None = None, *, first: bool = False) -> Stack:
        """One of the two; with numbers for its symbols where they are given."""
        nodes = self.first if first else self.last
        if lengths:
            nodes = [node._replace(kind=_at(node.kind, lengths)) for node in nodes]
        return Stack(tuple(nodes), FIRST if first else LAST)

    def spec(self, name: str) -> Spec:
        """A tensor of the channels-last stack."""
        return trace(self.stack()).specs[name]

    def add(self, kind: Kind, *sources: str, first: Kind | None = None, plain: bool = False) -> str:
        """A layer in both stacks, `first` on channels first where it is not the same."""
        name = f"n{len(self.last)}"
        self.last.append(Node(kind, name, sources))
        self.first.append(Node(first or kind, name, sources))
        (self.plain if plain else self.spatial).append(name)
        return name

    def add_between(self, kind: Kind, source: str, *, plain: bool = False) -> str:
        """A layer on the axes as written: on channels first it stands behind a Permute, and before one."""
        name, axes = f"n{len(self.last)}", range(1, self.rank + 2)
        self.last.append(Node(kind, name, (source,)))
        self.first.append(Node(Permute((*axes[1:], 1)), f"{name}.to", (source,)))
        inner = name if plain else f"{name}.in"
        self.first.append(Node(kind, inner, (f"{name}.to",)))
        if not plain:
            self.first.append(Node(Permute((axes[-1], *axes[:-1])), name, (inner,)))
        (self.plain if plain else self.spatial).append(name)
        return name


def _at(kind: Kind, lengths: dict[str, int]) -> Kind:
    if not isinstance(kind, Input):
        return kind
    return replace(kind, shape=tuple(evaluate(size, lengths) for size in kind.shape))


@dataclass
class Drawing:
    """A twin being drawn."""

    draw: st.DrawFn
    twin: Twin

    def numbers(self, low: int, high: int) -> tuple[int, ...]:
        """One number for each spatial axis."""
        return self.draw(st.tuples(*[st.integers(low, high)] * self.twin.rank))

    def source(self) -> str:
        """Any spatial tensor, the newest most often."""
        return self.draw(st.sampled_from([*self.twin.spatial, self.twin.spatial[-1], self.twin.spatial[-1]]))

    def function(self) -> Function | None:
        """Some activation that knows no axes."""
        return self.draw(st.sampled_from([None, Relu(), Tanh(), Elu(0.5)]))

    def padding(self, sizes: tuple[int, ...]) -> Any:
        """Any padding that fits both convolutions and pools."""
        chosen = self.draw(st.sampled_from(["valid", "same", "same_lower", "explicit"]))
        if chosen != "explicit":
            return chosen
        pairs = [st.builds(PadPair, st.integers(0, k // 2), st.integers(0, k // 2)) for k in sizes]
        return self.draw(st.tuples(*pairs))

    def window(self) -> tuple[tuple[int, ...], tuple[int, ...], Any]:
        """Sizes, strides, padding."""
        sizes = self.numbers(1, 3)
        return sizes, self.numbers(1, 2), self.padding(sizes)


def conv(d: Drawing) -> None:
    kind = Conv(d.draw(st.integers(1, 3)), *d.window(), None, d.numbers(1, 2), activation=d.function())
    d.twin.add(kind, d.source())


def transposed(d: Drawing) -> None:
    sizes, strides = d.numbers(1, 3), d.numbers(1, 2)
    crops = tuple(PadPair(0, min(1, k - 1)) for k in sizes)  # of a window at most all but one position
    padding: Any = d.draw(st.sampled_from(["valid", "same", crops]))
    kind = ConvTranspose(d.draw(st.integers(1, 3)), sizes, strides, padding, activation=d.function())
    d.twin.add(kind, d.source())


def separable(d: Drawing) -> None:
    d.twin.add(SeparableConv(d.draw(st.integers(1, 3)), *d.window(), depth_multiplier=2), d.source())


def norm(d: Drawing) -> None:
    sizes, strides, padding = d.window()
    d.twin.add(LpPool(2, sizes, strides, padding), d.source())


def depthwise(d: Drawing) -> None:
    d.twin.add(DepthwiseConv(*d.window(), d.draw(st.integers(1, 2)), activation=d.function()), d.source())


def pool(d: Drawing) -> None:
    sizes, strides, padding = d.window()
    ceil_mode = padding not in ("same", "same_lower") and d.draw(st.booleans())
    if d.draw(st.booleans()):
        kind: Kind = MaxPool(sizes, strides, padding, None, ceil_mode)
    else:
        kind = AveragePool(sizes, strides, padding, None, ceil_mode, d.draw(st.booleans()))
    d.twin.add(kind, d.source())


def pad(d: Drawing) -> None:
    before, after = d.numbers(0, 2), d.numbers(0, 2)
    d.twin.add(ZeroPadding(tuple(map(PadPair, before, after))), d.source())


def crop(d: Drawing) -> None:
    before, after = d.numbers(0, 1), d.numbers(0, 1)
    d.twin.add(Cropping(tuple(map(PadPair, before, after))), d.source())


def grow(d: Drawing) -> None:
    mode: Any = d.draw(st.sampled_from(["nearest", "linear" if d.twin.rank == 1 else "area"]))
    factors = tuple(float(n) for n in d.numbers(1, 2))
    d.twin.add(d.draw(st.sampled_from([UpSampling(d.numbers(1, 2)), Upsample((), factors, mode)])), d.source())


def normalize(d: Drawing) -> None:
    """Layers that have a channel axis, and layers whose axes are written out."""
    own: list[Kind] = [
        BatchNormalization(),
        GroupNormalization(-1, epsilon=0.1),
        InstanceNormalization(epsilon=0.1, scale=True),
        LocalResponseNormalization(2, 0.5),
        LayerScale(),
    ]
    axed = [LayerNormalization((-1,), 0.1), RMSNormalization((-1,), 0.1)]
    kind = d.draw(st.sampled_from([*own, *axed]))
    moved = {kind: replace(kind, axis=(1,)) for kind in axed}
    d.twin.add(kind, d.source(), first=moved.get(kind))


def activate(d: Drawing) -> None:
    if d.draw(st.booleans()):
        d.twin.add(Activation(Softmax(-1)), d.source(), first=Activation(Softmax(1)))
    else:
        d.twin.add(d.draw(st.sampled_from([Activation(Tanh()), Activation(Elu(0.5)), Dropout(0.3)])), d.source())


def turn(d: Drawing) -> None:
    """The spatial axes in another order; nothing moves, but the tensor is read otherwise from here on."""
    order = d.draw(st.permutations(range(d.twin.rank)))
    last, first = [i + 1 for i in order], [i + 2 for i in order]
    d.twin.add(Permute((*last, d.twin.rank + 1)), d.source(), first=Permute((1, *first)))


def dense(d: Drawing) -> None:
    d.twin.add_between(Dense(d.draw(st.integers(1, 4)), d.function()), d.source())


def merge(d: Drawing) -> None:
    """Two tensors that agree: in all axes they are added, in all but the channels joined."""
    one = d.source()
    shape = d.twin.spec(one).shape
    fitting = [name for name in d.twin.spatial if d.twin.spec(name).shape[:-1] == shape[:-1]]
    other = d.draw(st.sampled_from(fitting))  # `one` itself where there is no other
    if d.twin.spec(other).shape == shape and d.draw(st.booleans()):
        d.twin.add(d.draw(st.sampled_from([Add(), Multiply(), Maximum(), Subtract()])), one, other)
    else:
        d.twin.add(Concatenate(-1), one, other, first=Concatenate(1))


def heads(d: Drawing) -> None:
    """What ends spatial axes: a global pool with layers on vectors behind it, bins, Flatten, Reshape or an LSTM."""
    twin, source = d.twin, d.source()
    which = d.draw(st.sampled_from(["pool", "adapt", "flatten", "reshape", *(["lstm"] if twin.rank == 1 else [])]))
    if which == "pool":
        pooled = d.draw(st.sampled_from([GlobalMaxPool(), GlobalAveragePool()]))
        vector = twin.add(Dense(3), twin.add(pooled, source, plain=True), plain=True)
        steps = twin.add(RepeatVector(2), vector, plain=True)
        twin.add(LSTM(2, return_sequences=d.draw(st.booleans())), steps, plain=True)
    elif which == "adapt":  # any length becomes a number, which no window might fit
        adapted = d.draw(st.sampled_from([AdaptiveAveragePool, AdaptiveMaxPool]))(d.numbers(0, 4))
        twin.add(adapted, source)
    elif which == "flatten":  # Keras' form for channels first: the same numbers in the same order
        twin.add(Flatten(), source, first=Flatten(FIRST), plain=True)
    elif which == "reshape":
        twin.add_between(Reshape((-1, twin.spec(source).shape[-1])), source, plain=True)
    else:
        twin.add_between(LSTM(3, return_sequences=d.draw(st.booleans())), source, plain=True)


MOVES: tuple[Make, ...] = (
    *(conv, conv, depthwise, separable, transposed, pool, pool, norm),
    *(pad, crop, grow, normalize, activate, turn, dense, merge, merge),
)


@st.composite
def twins(draw: st.DrawFn) -> Twin:
    """A twin of 2 to 6 layers, and in half the cases a head."""
    rank = draw(st.integers(1, 3))
    twin, channels = Twin(rank), draw(st.integers(1, 3))
    lengths = tuple(symbol(letter) for letter in LETTERS[-rank:])
    twin.add(Input((*lengths, channels)), first=Input((channels, *lengths)))
    drawing = Drawing(draw, twin)
    for _ in range(draw(st.integers(2, 6))):
        draw(st.sampled_from(MOVES))(drawing)
    if draw(st.booleans()):
        heads(drawing)
    return twin


def channels_last(x: Array) -> Array:
    """A channels-first array, channels last."""
    return x.transpose(0, *range(2, x.ndim), 1)
