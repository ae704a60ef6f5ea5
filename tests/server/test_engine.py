"""The engine: plans are kept, sizes bound for each call, costs refused before anything runs, results checked."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np
import pytest

from lamina_server.dims import Size, symbol
from lamina_server.errors import InvalidRequestError, LimitError, MismatchError, StackError
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.pooling.pools import GlobalAveragePool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten
from lamina_server.limits import Limits
from lamina_server.lru import Lru
from lamina_server.runtime import Device, SessionCache, Workers
from lamina_server.runtime.device import CPU
from lamina_server.services.calls import Call
from lamina_server.services.engine import Engine, Numbers, Outcome, Plan
from lamina_server.stack import Node, Stack
from lamina_server.wire.stacks import encode_stack

Array = np.ndarray[Any, Any]
T, U = symbol("T"), symbol("U")
RELU = Activation(Relu())
DRAWN = Numbers("drawn", 0, dict)
LIMITS = Limits(max_macs=10**6, max_activation_bytes=10**6)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    workers = Workers(1)
    sessions = SessionCache(workers, max_entries=4, max_bytes=2**30)
    yield Engine(LIMITS, Device("cpu", ((CPU, {}),), 1), workers, sessions, max_reply_bytes=4000)
    workers.close()


def chain(shape: tuple[Size, ...], *kinds: Kind, outputs: tuple[str, ...] = ()) -> Stack:
    return Stack((Node(Input(shape), "x"), *map(Node, kinds)), outputs=outputs)


def plan(engine: Engine, stack: Stack) -> Plan:
    return engine.plan(encode_stack(stack))


def ramp(*shape: int) -> Array:
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


async def infer(
    engine: Engine, stack: Stack, arrays: Mapping[str, Array], *fetch: str, numbers: Numbers = DRAWN
) -> Outcome:
    return await engine.infer(plan(engine, stack), numbers, arrays, fetch, Call("Infer", ""))


def given(**weights: Array) -> Numbers:
    """Weights of the layer "dense"."""
    return Numbers("given", None, lambda: {f"dense/{name}": array for name, array in weights.items()})


async def test_a_run_gives_outputs_by_reference(engine: Engine) -> None:
    kernel, bias = ramp(3, 2), np.array([10, 20], np.float32)
    outcome = await infer(
        engine, chain((3,), Dense(2), RELU), {"x": ramp(4, 3)}, numbers=given(kernel=kernel, bias=bias)
    )
    np.testing.assert_allclose(outcome.arrays["activation"], ramp(4, 3) @ kernel + bias)
    assert outcome.admitted.refs == ("activation",)
    assert outcome.admitted.batch == 4
    assert not outcome.hit


async def test_the_only_input_need_not_be_named(engine: Engine) -> None:
    outcome = await infer(engine, chain((3,), RELU), {"": ramp(2, 3)})
    np.testing.assert_array_equal(outcome.arrays["activation"], ramp(2, 3))


async def test_inputs_are_told_apart_by_name_in_any_order(engine: Engine) -> None:
    stack = Stack((Node(Input((2,)), "a"), Node(Input((2,)), "b"), Node(Dense(1, use_bias=False), "dense", ("a",)),
                   Node(Add(), "sum", ("dense", "b"))))  # fmt: skip
    arrays = {"b": ramp(1, 2) * 100, "a": ramp(1, 2)}
    outcome = await infer(engine, stack, arrays, numbers=given(kernel=np.ones((2, 1), np.float32)))
    np.testing.assert_array_equal(outcome.arrays["sum"], [[1, 101]])
    assert outcome.admitted.names == ("b", "a")


@pytest.mark.parametrize("fetch", [(), ("*",), ("x",)])
async def test_an_empty_batch_gives_empty_outputs(engine: Engine, fetch: tuple[str, ...]) -> None:
    outcome = await infer(engine, chain((T, 3), Conv(4, (3,)), GlobalAveragePool()), {"x": ramp(0, 9, 3)}, *fetch)
    assert outcome.arrays["global_average_pooling1d"].shape == (0, 4)
    assert outcome.arrays["global_average_pooling1d"].dtype == np.float32
    if fetch == ("*",):
        assert {ref: array.shape for ref, array in outcome.arrays.items()} == {
            "x": (0, 9, 3),
            "conv1d": (0, 7, 4),
            "global_average_pooling1d": (0, 4),
        }


async def test_a_star_fetches_every_output_of_every_layer(engine: Engine) -> None:
    stack = chain((4, 3), LSTM(2, return_sequences=True, return_state=True), Dropout(), Flatten())
    outcome = await infer(engine, stack, {"x": ramp(2, 4, 3)}, "*")
    assert set(outcome.arrays) == {"x", "lstm", "lstm:state_h", "lstm:state_c", "dropout", "flatten"}
    assert outcome.admitted.refs[0] == "flatten"
    np.testing.assert_array_equal(outcome.arrays["x"], ramp(2, 4, 3))
    np.testing.assert_array_equal(outcome.arrays["lstm"][:, -1], outcome.arrays["lstm:state_h"])
    np.testing.assert_array_equal(outcome.arrays["flatten"], outcome.arrays["dropout"].reshape(2, -1))


async def test_what_is_an_output_and_fetched_comes_once(engine: Engine) -> None:
    stack = chain((3,), RELU, Dense(2), outputs=("dense", "activation"))
    outcome = await infer(engine, stack, {"x": ramp(1, 3)}, "activation", "x")
    assert outcome.admitted.refs == ("dense", "activation", "x")
    assert list(outcome.admitted.outputs) == ["dense", "activation"]


async def test_an_input_alone_comes_back(engine: Engine) -> None:
    outcome = await infer(engine, chain((3,)), {"x": ramp(2, 3)})
    np.testing.assert_array_equal(outcome.arrays["x"], ramp(2, 3))
    assert outcome.admitted.outputs == {}


@pytest.mark.parametrize(
    ("fetch", "said"),
    [
        (("densee",), '"densee" is no layer of this stack; did you mean "dense"?'),
        (("dense:h",), '"dense:h" is no layer of this stack'),
        (("dense", "dense"), 'fetch[1]: "dense" is named twice.'),
        (("dense", "*"), "stands for every layer"),
    ],
)
def test_fetches_that_cannot_be(engine: Engine, fetch: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        engine.admit(plan(engine, chain((3,), Dense(2))), {"x": ramp(1, 3)}, fetch)
    assert caught.value.reason == "UNKNOWN_FETCH"
    assert caught.value.field == f"fetch[{len(fetch) - 1}]"
    assert said in caught.value.message


def test_symbols_are_bound_for_each_call(engine: Engine) -> None:
    made = plan(engine, chain((T, 3), Conv(4, (3,), (2,)), Conv(2, (2,), padding="same")))
    for steps in (3, 9, 40, 9):
        admitted = engine.admit(made, {"x": ramp(2, steps, 3)}, ("conv1d",))
        assert admitted.outputs == {"conv1d_1": (2, (steps - 1) // 2, 2), "conv1d": (2, (steps - 1) // 2, 4)}
        assert admitted.trace.symbols == set()
    assert made.trace.symbols == {"T"}


async def test_one_session_serves_every_length(engine: Engine) -> None:
    stack = chain((T, 3), Conv(4, (3,), (2,), "same"))
    for hit, steps in ((False, 5), (True, 8), (True, 5)):
        outcome = await infer(engine, stack, {"x": ramp(1, steps, 3)})
        assert outcome.hit is hit
        assert outcome.arrays["conv1d"].shape == (1, -(-steps // 2), 4)
    assert engine.sessions.stats.misses == 1


async def test_sessions_differ_by_weights_and_by_what_is_fetched(engine: Engine) -> None:
    stack = chain((3,), Dense(2), RELU)
    assert not (await infer(engine, stack, {"x": ramp(1, 3)})).hit
    assert not (await infer(engine, stack, {"x": ramp(1, 3)}, "dense")).hit
    assert not (await infer(engine, stack, {"x": ramp(1, 3)}, numbers=Numbers("other", 1, dict))).hit
    assert (await infer(engine, stack, {"x": ramp(7, 3)}, "dense")).hit


def test_a_length_too_short_tells_the_smallest(engine: Engine) -> None:
    made = plan(engine, chain((T, 3), Conv(4, (5,)), Conv(4, (5,))))
    with pytest.raises(StackError) as caught:
        engine.admit(made, {"x": ramp(1, 8, 3)}, ())
    assert caught.value.message.endswith("T is 8 here; the smallest T that this stack takes is 9.")
    assert caught.value.reason == "WINDOW_TOO_LONG"
    assert caught.value.diagnosis.message == caught.value.message
    engine.admit(made, {"x": ramp(1, 9, 3)}, ())


def test_a_symbol_stands_for_one_number(engine: Engine) -> None:
    stack = Stack((Node(Input((T,)), "a"), Node(Input((T,)), "b"), Node(Add(), "sum", ("a", "b"))))
    made = plan(engine, stack)
    with pytest.raises(StackError, match=r"T is 3 in one input and 4 in b; a symbol stands for one number\."):
        engine.admit(made, {"a": ramp(1, 3), "b": ramp(1, 4)}, ())
    assert engine.admit(made, {"a": ramp(1, 4), "b": ramp(1, 4)}, ()).outputs == {"sum": (1, 4)}


def test_arrays_that_do_not_fit_come_with_fixes(engine: Engine) -> None:
    made = plan(engine, chain((4, 3), RELU))
    for array, reason in ((ramp(4, 3), "ARRAY_MISMATCH"), (ramp(1, 4, 3).astype(np.float64), "DTYPE_MISMATCH")):
        with pytest.raises(StackError) as caught:
            engine.admit(made, {"x": array}, ())
        assert caught.value.reason == reason
        assert caught.value.diagnosis.fixes
    with pytest.raises(InvalidRequestError, match="Nothing is given for x"):
        engine.admit(made, {}, ())


@pytest.mark.parametrize(
    ("stack", "array", "fetch", "setting", "numbers"),
    [
        (chain((100,), RELU), ramp(11, 100), (), "LAMINA_MAX_MESSAGE_BYTES", ("4.3 KiB", "3.9 KiB")),
        (chain((100,), RELU, Dense(1)), ramp(10, 100), ("activation",), "LAMINA_MAX_MESSAGE_BYTES", ("3.9 KiB",)),
        (chain((100,), Dense(101)), ramp(100, 100), (), "LAMINA_MAX_MACS", ("1 010 000", "1 000 000")),
        (chain((T,), RELU, RELU, outputs=("x",)), ramp(2, 10**5), (), "LAMINA_MAX_ACTIVATION_BYTES", ("976.6 KiB",)),
    ],
)  # fmt: skip
def test_costs_are_refused_before_anything_runs(
    engine: Engine, stack: Stack, array: Array, fetch: tuple[str, ...], setting: str, numbers: tuple[str, ...]
) -> None:
    made = plan(engine, stack)
    with pytest.raises(LimitError) as caught:
        engine.admit(made, {"x": array}, fetch)
    assert setting in caught.value.message
    assert all(number in caught.value.message for number in numbers), caught.value.message
    assert int(caught.value.facts["value"]) > int(caught.value.facts["maximum"])
    engine.admit(made, {"x": array[:1, :100]}, fetch)


async def test_a_result_of_another_shape_than_traced_is_a_defect(engine: Engine) -> None:
    made = plan(engine, chain((3,), Dense(2)))
    made.trace.specs["dense"] = made.trace.specs["dense"].resized(1, 7)
    with pytest.raises(MismatchError, match=r'"dense" was traced as \(4, 7\) and ran as \(4, 2\)') as caught:
        await engine.infer(made, DRAWN, {"x": ramp(4, 3)}, (), Call("Infer", ""))
    assert caught.value.facts == {"layer": "dense", "traced": "(4, 7)", "ran": "(4, 2)"}


async def test_stages_are_timed(engine: Engine) -> None:
    call = Call("Infer", "")
    await engine.infer(plan(engine, chain((3,), Dense(2))), DRAWN, {"x": ramp(1, 3)}, (), call)
    assert list(call.stages) == ["trace", "build", "run"]
    assert call.stages["build"] > 0


async def test_weights_that_do_not_fit_leave_no_session_behind(engine: Engine) -> None:
    stack = chain((3,), Dense(2))
    wrong = given(kernel=ramp(2, 3), bias=ramp(2))
    for _ in range(2):
        with pytest.raises(InvalidRequestError, match="the same sizes in another order"):
            await infer(engine, stack, {"x": ramp(1, 3)}, numbers=wrong)
    assert engine.sessions.stats.entries == 0


def test_plans_and_admissions_are_kept(engine: Engine) -> None:
    made = plan(engine, chain((3,), Dense(2)))
    assert plan(engine, chain((3,), Dense(2))) is made
    assert engine.admit(made, {"x": ramp(2, 3)}, ()) is engine.admit(made, {"x": ramp(2, 3) + 1}, ())
    assert made.message is made.message
    assert made.input_names == ["x"]


async def test_a_long_stack_is_traced_beside_other_calls(engine: Engine) -> None:
    message = encode_stack(chain((3,), *[RELU] * 500))
    made = await engine.planned(message)
    assert await engine.planned(message) is made is engine.plan(message)
    with pytest.raises(StackError):
        await engine.planned(encode_stack(chain((3,), *[RELU] * 500, Conv(1, (1,)))))


def test_a_faulty_stack_comes_with_fixes(engine: Engine) -> None:
    with pytest.raises(StackError) as caught:
        plan(engine, chain((68,), Conv(64, (2,))))
    assert caught.value.diagnosis.fixes


def test_the_least_recently_used_goes_first() -> None:
    cache: Lru[str, int] = Lru(2)
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    for key in "abacab":
        cache.made(key, lambda key=key: make(key))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    assert cache.get("c") is None
    assert cache.get("a") == 1
