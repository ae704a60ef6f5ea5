"""ConvLSTM beside Keras', and beside the formula in PyTorch where Keras refuses the options."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.activations.functions import Function
from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.tensors import Layout
from lamina_server.layers.windows import PadPair
from lamina_server.trace import trace
from tests.differential.activations import by_torch
from tests.differential.oracles import F, tensor, torch
from tests.differential.support import (
    BATCH,
    FIRST,
    Array,
    assert_close,
    both,
    layouts,
    normal,
    profile,
    run,
    seeds,
    stack_of,
)
from tests.differential.walking import by_keras, flag, keras_of, numbers, plain, tame, walks


@st.composite
def layers(draw: st.DrawFn, keras: bool) -> tuple[ConvLSTM, tuple[int, ...]]:
    """A layer, and the spatial sizes of what it takes. Keras knows no strides with dilation, and two paddings."""
    rank = draw(st.integers(1, 3))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * rank))
    strides, dilation = draw(st.tuples(*[st.integers(1, 2)] * rank)), draw(st.tuples(*[st.integers(1, 2)] * rank))
    if keras and draw(flag):
        strides = (1,) * rank
    elif keras:
        dilation = (1,) * rank
    rules = ["valid", "same"] if keras else ["same_lower", "same"]
    pads = st.tuples(*[st.builds(PadPair, st.integers(0, 2), st.integers(0, 2))] * rank)
    padding = draw(st.sampled_from(rules) if keras else st.sampled_from(rules) | pads)
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = tuple(draw(st.integers(extent, extent + 2)) for extent in extents)
    functions = draw(st.tuples(*[plain.filter(lambda function: function.name != "softmax")] * 2))
    walk: dict[str, Any] = draw(walks)
    kind = ConvLSTM(
        draw(st.integers(1, 2)), kernel, strides, padding, draw(st.sampled_from([None, *Layout])), dilation,
        functions[0], functions[1], draw(flag), **walk,
    )  # fmt: skip
    return kind, sizes


def sequence(kind: ConvLSTM, sizes: tuple[int, ...], steps: int, channels: int, layout: Layout, seed: int) -> Array:
    frame = (channels, *sizes) if (kind.data_format or layout) is FIRST else (*sizes, channels)
    return normal(seed, BATCH, steps, *frame) * tame(kind)


def initial_states(kind: Any, x: Array, layout: Layout, seed: int) -> list[Array]:
    """Random states before the first step."""
    inner = replace(getattr(kind, "layer", kind), return_state=True)
    wide = replace(kind, layer=inner) if isinstance(kind, Bidirectional) else inner
    outputs = trace(stack_of(wide, [x.shape[1:]], layout)).layers[-1].done.outputs
    shapes = [output.spec.shape[1:] for output in outputs if "state" in output.name]
    return [normal(seed + i, BATCH, *map(int, map(str, shape))) * tame(inner) for i, shape in enumerate(shapes)]


def agree(kind: Any, x: Array, states: list[Array], layout: Layout, weights: Mapping[str, Array], wanted: Any) -> None:
    """Runs a layer with numbers and, where no states are given, with symbols for the steps and the spatial axes."""

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, x, *states, weights=weights, layout=layout, symbolic=symbolic)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_close(ours, theirs)

    first = (getattr(kind, "layer", kind).data_format or layout) is FIRST
    spatial = [axis for axis in range(x.ndim - 1) if axis != (1 if first else x.ndim - 2)]
    if states:
        once(())
    else:
        both(once, spatial)


@profile
@given(
    drawn=layers(keras=True),
    steps=st.integers(1, 4),
    channels=st.integers(1, 2),
    begin=flag,
    merge=st.none() | st.sampled_from(Merge),
    layout=layouts,
    seed=seeds,
)
def test_layers_are_keras(
    drawn: Any, steps: int, channels: int, begin: bool, merge: Merge | None, layout: Layout, seed: int
) -> None:
    """ConvLSTM1D to 3D, alone and in both directions, which Keras joins along the last axis in either layout."""
    kind, sizes = drawn
    layer = replace(kind, data_format=kind.data_format or layout)
    x = sequence(kind, sizes, steps, channels, layout, seed)
    whole: Any = kind if merge is None else Bidirectional(replace(kind, go_backwards=False), merge)
    theirs = layer if merge is None else Bidirectional(replace(layer, go_backwards=False), merge)
    states = initial_states(whole, x, layout, seed + 50) if begin else []
    weights = numbers(theirs, x, seed + 1)
    agree(whole, x, states, layout, weights, by_keras(keras_of(theirs), x, states, weights))


def formula(kind: ConvLSTM, x: Any, weights: Mapping[str, Array], first: bool) -> list[Any]:
    """The outputs by PyTorch's convolutions; x has its channels first or last."""
    rank = len(kind.kernel_size)
    x = x if first else torch.movedim(x, -1, 2)
    conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    kernel, recurrent = (torch.movedim(tensor(weights[n]), (-1, -2), (0, 1)) for n in ("kernel", "recurrent_kernel"))
    bias = tensor(weights["bias"]) if kind.use_bias else None
    states: list[Any] = []
    every = []
    for t in reversed(range(x.shape[1])) if kind.go_backwards else range(x.shape[1]):
        frame = F.pad(x[:, t], _pads(kind, x.shape[3:]))
        z = conv(frame, kernel, bias, kind.strides, 0, kind.dilation_rate)
        h, c = states or [torch.zeros(x.shape[0], kind.filters, *z.shape[2:]).double()] * 2
        ends = [(k - 1) // 2 for k in kind.kernel_size]
        around = [n for k, a in reversed(list(zip(kind.kernel_size, ends, strict=True))) for n in (a, k - 1 - a)]
        i, f, k, o = (z + conv(F.pad(h, around), recurrent)).chunk(4, 1)
        i, f, o = (_applied(kind.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * _applied(kind.activation, k)
        states = [o * _applied(kind.activation, c), c]
        every.append(states[0])
    main = torch.stack(every, 1) if kind.return_sequences else states[0]
    found = [main, *states] if kind.return_state else [main]
    place = [2 if y.ndim == rank + 3 else 1 for y in found]
    return [y if first else torch.movedim(y, axis, -1) for y, axis in zip(found, place, strict=True)]


def _applied(function: Function, x: Any) -> Any:
    return by_torch(function, x)


def _pads(kind: ConvLSTM, sizes: Any) -> list[int]:
    """Zeros at the ends of each axis, the last axis first, as PyTorch wants them."""
    found: list[int] = []
    for i in reversed(range(len(sizes))):
        if isinstance(kind.padding, tuple):
            found += [*kind.padding[i]]
            continue
        extent, stride = kind.dilation_rate[i] * (kind.kernel_size[i] - 1) + 1, kind.strides[i]
        total = max((-(-sizes[i] // stride) - 1) * stride + extent - sizes[i], 0)
        small = total // 2
        found += [total - small, small] if kind.padding == "same_lower" else [small, total - small]
    return found


@profile
@given(drawn=layers(keras=False), steps=st.integers(1, 4), channels=st.integers(1, 2), layout=layouts, seed=seeds)
def test_layers_are_the_formula(drawn: Any, steps: int, channels: int, layout: Layout, seed: int) -> None:
    """Strides with dilation, same_lower and explicit pads."""
    kind, sizes = drawn
    layout = kind.data_format or layout
    x = sequence(kind, sizes, steps, channels, layout, seed)
    weights = numbers(replace(kind, data_format=layout), x, seed + 1)
    agree(kind, x, [], layout, weights, formula(kind, tensor(x), weights, layout is FIRST))
