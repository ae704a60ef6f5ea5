"""Recurrent layers with a mask beside Keras', and beside PyTorch's packed sequences; whole models behind a Masking."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamina_server.layers.recurrent.bidirectional import Bidirectional, Merge
from lamina_server.layers.recurrent.rnn import GRU, LSTM, SimpleRNN
from lamina_server.layers.tensors import Layout
from tests.differential import test_conv_lstm as conv
from tests.differential import test_recurrent as dense
from tests.differential.oracles import tensor, torch
from tests.differential.support import BATCH, Array, assert_close, both, layouts, normal, profile, run, seeds
from tests.differential.walking import by_keras, flag, from_torch, keras_of, layers, numbers, tame, walks

share = st.sampled_from([0.0, 0.3, 0.6, 0.9])  # of steps that are seen


def masks(seed: int, steps: int, seen: float) -> Array:
    """Whatever steps are seen; of one sample none."""
    found = np.random.default_rng(seed).random((BATCH, steps)) < seen
    found[seed % BATCH] &= seed % 3 != 0
    return found


def agree(kind: Any, arrays: list[Array], weights: Any, layout: Layout, wanted: list[Array]) -> None:
    """With numbers and, where no state stands beside them, with a symbol for the steps of the sequence and the mask."""

    def once(symbolic: Collection[int]) -> None:
        found = run(kind, *arrays, weights=weights, layout=layout, symbolic=symbolic)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_close(ours, theirs)

    both(once, (0,)) if len(arrays) == 2 else once(())


def against_keras(kind: Any, size: tuple[int, int], begin: bool, seen: float, layout: Layout, seed: int) -> None:
    x, mask = normal(seed, BATCH, *size) * tame(kind), masks(seed, size[0], seen)
    states = dense.initial_states(kind, x, seed + 100) if begin else []
    weights = numbers(kind, x, seed + 1)
    beside = [mask, *states] if seed % 2 else [*states, mask]  # its type says what it is
    agree(kind, [x, *beside], weights, layout, by_keras(keras_of(kind), x, states, weights, mask))


@profile
@given(
    kind=walks.flatmap(layers),
    zeros=flag,
    size=st.tuples(dense.steps, dense.features),
    begin=flag,
    seen=share,
    layout=layouts,
    seed=seeds,
)
def test_layers_are_keras(
    kind: Any, zeros: bool, size: tuple[int, int], begin: bool, seen: float, layout: Layout, seed: int
) -> None:
    """SimpleRNN, LSTM, GRU, and RNN over one to three cells; the output before the first step seen is zeros, whatever
    the states before it."""
    against_keras(replace(kind, zero_output_for_mask=zeros), size, begin, seen, layout, seed)


@profile
@given(
    kind=dense.two_directions(),
    zeros=flag,
    size=st.tuples(dense.steps, dense.features),
    seen=share,
    layout=layouts,
    seed=seeds,
)
def test_both_directions_are_keras(
    kind: Bidirectional, zeros: bool, size: tuple[int, int], seen: float, layout: Layout, seed: int
) -> None:
    """Whose outputs are zeros where nothing is seen if every step is returned, whatever its layers say."""
    kind = replace(kind, layer=replace(kind.layer, zero_output_for_mask=zeros))
    against_keras(kind, size, False, seen, layout, seed)


@profile
@given(
    drawn=conv.layers(keras=True),
    steps=st.integers(1, 4),
    begin=flag,
    zeros=flag,
    merge=st.none() | st.sampled_from(Merge),
    seen=share,
    layout=layouts,
    seed=seeds,
)
def test_conv_lstm_is_keras(
    drawn: Any, steps: int, begin: bool, zeros: bool, merge: Merge | None, seen: float, layout: Layout, seed: int
) -> None:
    kind, sizes = drawn
    kind = replace(kind, zero_output_for_mask=zeros)
    layer = replace(kind, data_format=kind.data_format or layout)
    x = conv.sequence(kind, sizes, steps, 2, layout, seed)
    whole: Any = kind if merge is None else Bidirectional(replace(kind, go_backwards=False), merge)
    theirs = layer if merge is None else Bidirectional(replace(layer, go_backwards=False), merge)
    states, mask = conv.initial_states(whole, x, layout, seed + 50) if begin else [], masks(seed, steps, seen)
    weights = numbers(theirs, x, seed + 1)
    agree(whole, [x, mask, *states], weights, layout, by_keras(keras_of(theirs), x, states, weights, mask))


@profile
@given(
    mode=st.sampled_from(sorted(dense.KINDS)),
    lengths=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    levels=st.integers(1, 3),
    bidirectional=flag,
    seed=seeds,
)
def test_packed_sequences_of_torch(mode: str, lengths: list[int], levels: int, bidirectional: bool, seed: int) -> None:
    """What is padded puts out zeros there, and the last states are those after each sequence's own last step."""
    torch.manual_seed(seed)
    given_ = {"num_layers": levels, "bidirectional": bidirectional, "batch_first": True}
    theirs = getattr(torch.nn, mode)(3, 4, **given_)
    weights = from_torch(theirs)
    kind: Any = dense.KINDS[mode](
        4, return_sequences=True, return_state=True, num_layers=levels, zero_output_for_mask=True
    )
    kind = Bidirectional(kind) if bidirectional else kind
    x = normal(seed, len(lengths), max(lengths), 3)
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    packed = torch.nn.utils.rnn.pack_padded_sequence(tensor(x), lengths, batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        every, last = theirs.double()(packed)
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(every, batch_first=True)
    sides, kinds = 1 + bidirectional, last if mode == "LSTM" else (last,)
    order = [(level * sides + side, state) for side in range(sides) for level in range(levels) for state in kinds]
    wanted = [padded.numpy(), *(state[place].numpy() for place, state in order)]
    for ours, expected in zip(run(kind, x, mask, weights=weights), wanted, strict=True):
        assert_close(ours, expected)


def test_types_and_projection() -> None:
    """Where no operator of ONNX's walks even without a mask: float64, float16, an LSTM with projection."""
    x, mask = normal(1, BATCH, 6, 3), masks(4, 6, 0.6)
    for kind in (LSTM(4, proj_size=2, num_layers=2), GRU(4), SimpleRNN(4), Bidirectional(GRU(4))):
        weights = numbers(kind, x, 2)
        (wanted,) = run(kind, x, mask, weights=weights)
        for dtype, near in ((np.float16, 5e-3), (np.float64, 1e-6)):
            cast = {name: w.astype(dtype) for name, w in weights.items()}
            (found,) = run(kind, x.astype(dtype), mask, weights=cast)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, wanted, rtol=0, atol=near)


def test_a_mask_that_hides_nothing_changes_nothing() -> None:
    x = normal(1, BATCH, 6, 3)
    for kind in (LSTM(4), GRU(4, return_sequences=True), SimpleRNN(4, go_backwards=True), Bidirectional(LSTM(3))):
        weights = numbers(kind, x, 2)
        (plain,), (found,) = (run(kind, x, *more, weights=weights) for more in ((), (np.ones((BATCH, 6), bool),)))
        np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-6)
