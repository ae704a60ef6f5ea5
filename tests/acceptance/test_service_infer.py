"""Infer: by id as inline, seeds, several inputs and outputs, states, symbols, and a receipt that tells the truth."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

import lamina as lm
from tests.acceptance.words import says
from tests.client.clients import AnyClient

STACK = lm.Stack([lm.Input((12, 3)), lm.Conv1D(4, 3, activation="relu"), lm.MaxPooling1D(2), lm.Flatten(), lm.Dense(2)])
NUMBERS = np.random.default_rng(0)
X = NUMBERS.standard_normal((4, 12, 3))
ANY_LENGTH = lm.Stack([lm.Input(("T", 3)), lm.Conv1D(4, 5), lm.MaxPooling1D(2), lm.GlobalAveragePooling1D()])


@pytest.fixture
def registered(caller: AnyClient) -> Iterator[lm.Registration]:
    """STACK under a name of its own."""
    yield caller.call("register", "by-id", STACK, seed=11)
    caller.call("unregister", "by-id")


def test_by_name_by_id_and_inline_give_the_same_bits(caller: AnyClient, registered: lm.Registration) -> None:
    inline = caller.call("infer", STACK, X, seed=11, fetch="*")
    for source in (registered.name, registered.id):
        result = caller.call("infer", source, X, fetch="*")
        assert list(result.fetched) == list(inline.fetched) == ["input", "conv1d", "max_pooling1d", "flatten", "dense"]
        for name in inline.fetched:
            assert result[name].tobytes() == inline[name].tobytes()
        assert result.trace.to_json() == inline.trace.to_json()
        assert result.receipt.stack_id == inline.receipt.stack_id == registered.id
    assert caller.call("export", registered.name).data == caller.call("export", STACK, seed=11).data
    np.testing.assert_array_equal(inline["input"], X.astype("float32"))


def test_a_seed_is_what_the_numbers_come_from(caller: AnyClient) -> None:
    unsaid, none, first, second = (
        caller.call("infer", STACK, X, **({} if seed is None else {"seed": seed})) for seed in (None, 0, 1, 2**64 - 1)
    )
    assert unsaid.output.tobytes() == none.output.tobytes()
    assert len({result.output.tobytes() for result in (none, first, second)}) == 3
    assert [result.receipt.seed for result in (unsaid, none, first, second)] == [0, 0, 1, 2**64 - 1]


def test_some_weights_given_and_the_rest_drawn(caller: AnyClient) -> None:
    kernel = np.zeros((3, 3, 4))
    result = caller.call("infer", STACK, X, weights={"conv1d/kernel": kernel}, seed=3, fetch=["conv1d"])
    assert not result["conv1d"].any()
    assert result.receipt.seed == 3
    with pytest.raises(lm.InvalidArgumentError) as caught:
        caller.call("infer", STACK, X, weights={"conv1d/kernel": kernel})
    assert caught.value.reason == "MISSING_WEIGHT"
    says(str(caught.value), r"conv1d/bias|dense/", "seed")


def test_the_receipt_tells_what_happened(caller: AnyClient, request: pytest.FixtureRequest) -> None:
    seed = 1_000 + len(request.node.name)  # a session of this test's own, for each client
    began = time.perf_counter()
    first = caller.call("infer", STACK, X, seed=seed).receipt
    wall = time.perf_counter() - began
    second = caller.call("infer", STACK, X[:1], seed=seed).receipt
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert (first.batch_size, second.batch_size) == (4, 1)
    assert (first.device, second.device) == ("cpu", "cpu")
    assert list(first.stages) == ["decode", "trace", "build", "run", "encode"]
    assert all(seconds >= 0 for seconds in first.stages.values())
    assert 0 < sum(first.stages.values()) <= wall
    assert list(second.stages) == ["decode", "trace", "run", "encode"]  # nothing was built
    (place,) = first.placements
    assert (place.provider, place.fallback_reason) == ("CPUExecutionProvider", "")
    assert place.nodes >= len(place.op_types) == len(set(place.op_types)) > 0
    model = caller.call("export", STACK, seed=seed)
    assert first.model_sha256 == second.model_sha256 == model.sha256
    fetched = caller.call("infer", STACK, X, seed=seed, fetch=["conv1d"]).receipt
    assert not fetched.cache_hit
    assert fetched.model_sha256 == caller.call("export", STACK, seed=seed, fetch=["conv1d"]).sha256 != model.sha256


def test_several_inputs_and_outputs(caller: AnyClient) -> None:
    stack = lm.Stack(
        [
            lm.Input((4,), name="a"),
            lm.Input((4,), name="b"),
            lm.Add(inputs=["a", "b"], name="sum"),
            lm.Concatenate(inputs=["b", "sum"], name="both"),
            lm.Activation("relu", inputs="sum", name="positive"),
        ],
        outputs=["both", "positive", "a"],
    )
    a, b = NUMBERS.standard_normal((2, 3, 4)).astype("float32")
    result = caller.call("infer", stack, {"b": b, "a": a}, fetch=["sum", "b"])
    assert list(result.outputs) == ["both", "positive", "a"]
    assert list(result.fetched) == ["sum", "b"]
    np.testing.assert_array_equal(result["both"], np.concatenate([b, a + b], axis=1))
    np.testing.assert_array_equal(result["positive"], np.maximum(a + b, 0))
    np.testing.assert_array_equal(result["a"], a)
    np.testing.assert_array_equal(caller.call("infer", stack, [a, b])["both"], result["both"])


def test_the_states_of_an_lstm(caller: AnyClient) -> None:
    every = lm.Stack(
        [lm.Input((5, 3)), lm.LSTM(4, return_sequences=True, return_state=True, name="l")],
        outputs=["l", "l:state_h", "l:state_c"],
    )
    last = lm.Stack([lm.Input((5, 3)), lm.LSTM(4, name="l")])
    x = NUMBERS.standard_normal((2, 5, 3))
    result = caller.call("infer", every, x, seed=4)
    assert {name: array.shape for name, array in result.outputs.items()} == {
        "l": (2, 5, 4), "l:state_h": (2, 4), "l:state_c": (2, 4),
    }  # fmt: skip
    np.testing.assert_array_equal(result["l"][:, -1], result["l:state_h"])
    np.testing.assert_array_equal(caller.call("infer", last, x, seed=4).output, result["l:state_h"])
    assert (np.abs(result["l:state_c"]) > np.abs(result["l:state_h"])).all()  # h = o tanh(c), o < 1
    assert result.trace["l"].output_shapes == {"l": (None, 5, 4), "l:state_h": (None, 4), "l:state_c": (None, 4)}


def test_a_permuted_tensor_and_its_input_fetched_together(caller: AnyClient) -> None:
    stack = lm.Stack([
        lm.Input((6, 5, 3), name="x"), lm.Conv2D(4, 2, name="c"), lm.Permute((3, 1, 2), name="p"),
        lm.Activation("tanh", name="t"),
    ])  # fmt: skip
    result = caller.call("infer", stack, NUMBERS.standard_normal((2, 6, 5, 3)), fetch="*")
    np.testing.assert_array_equal(result["p"], result["c"].transpose(0, 3, 1, 2))
    np.testing.assert_allclose(result["t"], np.tanh(result["p"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_one_session_for_any_length(caller: AnyClient, samples: int) -> None:
    caller.call("infer", ANY_LENGTH, np.ones((1, 9, 3)), fetch=["conv1d"])
    for length in (6, 7, 8, 50, 400):
        x = NUMBERS.standard_normal((samples, length, 3))
        result = caller.call("infer", ANY_LENGTH, x, fetch=["conv1d"])
        assert result.receipt.cache_hit
        assert result["conv1d"].shape == (samples, length - 4, 4)
        assert result.output.shape == (samples, 4)
        assert result.trace["max_pooling1d"].output_shape == (None, (length - 4) // 2, 4)
        one_by_one = [caller.call("infer", ANY_LENGTH, x[i : i + 1]).output for i in range(samples)]
        if samples:
            np.testing.assert_allclose(np.concatenate(one_by_one), result.output, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("length", [1, 4, 5])
def test_too_short_says_what_would_do(caller: AnyClient, length: int) -> None:
    assert caller.call("trace", ANY_LENGTH).symbols == {"T": 6}
    for method in (("infer", ANY_LENGTH, np.ones((1, length, 3))), ("trace", ANY_LENGTH, [(1, length, 3)])):
        with pytest.raises(lm.LayerShapeError) as caught:
            caller.call(*method)
        says(caught.value.message, rf"\bT is {length} here", r"smallest T that this stack takes is 6\b")


def test_a_trace_leaves_nothing_out_but_what_was_asked_to_be(caller: AnyClient) -> None:
    with pytest.raises(lm.FailedPreconditionError):
        _ = caller.call("infer", STACK, X, trace=False).trace
    broken = lm.Stack([lm.Input((12, 3), name="x"), lm.Flatten(name="f"), lm.Conv1D(2, 3, name="c"), lm.Dense(2)])
    partial = caller.call("trace", broken, partial=True)
    assert [layer.name for layer in partial] == ["x", "f"]
    (found,) = partial.diagnostics
    assert (found.layer, found.index, found.kind) == ("c", 2, "Conv1D")
    with pytest.raises(lm.LayerShapeError) as caught:
        caller.call("trace", broken)
    assert caught.value.message == found.message
    assert caller.call("trace", STACK, partial=True).diagnostics == ()


def test_many_samples_one_after_another(caller: AnyClient) -> None:
    results = caller.each("map", STACK, list(X), batch_size=3)
    whole = caller.call("infer", STACK, X).output
    np.testing.assert_allclose(np.stack([result.output for result in results]), whole, rtol=1e-5, atol=1e-6)
    assert [result.receipt.batch_size for result in results] == [3, 3, 3, 1]
