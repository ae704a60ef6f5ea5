"""Layers inside layers: names, symbols, outputs, shared weights, and what is counted once."""

import numpy as np
import onnx
import pytest

from lamina_server.binding import bind
from lamina_server.dims import Size, symbol
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Kind
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Activation, Dense, Dropout, Input
from lamina_server.layers.holders import Block, BlockName, SpectralNormalization, TimeDistributed
from lamina_server.layers.merging.joining import Add, Concatenate
from lamina_server.layers.normalization.normalizing import BatchNormalization
from lamina_server.layers.pooling.pools import MaxPool
from lamina_server.layers.recurrent.rnn import LSTM
from lamina_server.layers.shaping.reshaping import Flatten, Reshape
from lamina_server.layers.tensors import DType, Layout, Role
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.records import Trace
from lamina_server.stack import NamedStack, Node, Stack
from lamina_server.trace import trace
from lamina_server.weights import complete, weights_of
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_trace
from tests.contract.running import at, model, random_inputs

ANY, L, T = symbol("?"), symbol("L"), symbol("T")
SAME = Conv(4, (3,), padding="same")
RESIDUAL = [Node(Input((L, 4)), "x"), Node(SAME, "conv"), Node(Add(), "sum", ("x", "conv"))]


def block(name: str) -> Block:
    return Block(BlockName(name))


def stack(
    *nodes: Node, layout: Layout = Layout.CHANNELS_LAST, outputs: tuple[str, ...] = (), **blocks: list[Node]
) -> Stack:
    named = tuple(NamedStack(name, Stack(tuple(inside))) for name, inside in blocks.items())
    made = Stack(nodes, layout, outputs, named)
    assert decode_stack(encode_stack(made)) == made
    return made


def returning(made: Stack, name: str, *outputs: str) -> Stack:
    """The stack with other outputs of a block."""
    blocks = [
        one if one.name != name else NamedStack(name, Stack(one.stack.nodes, outputs=outputs)) for one in made.blocks
    ]
    return Stack(made.nodes, made.layout, made.outputs, tuple(blocks))


def ran(made: Stack, **sizes: int) -> dict[str, np.ndarray]:
    """Every tensor of a stack, with random numbers, each in the shape that was traced."""
    found = trace(made)
    ready = model(made, np.random.default_rng(0), refs=list(found.specs))
    arrays = random_inputs(found, np.random.default_rng(1), sizes=sizes)
    results = ready.run(arrays)
    for ref, array in results.items():
        assert array.shape == at(found.specs[ref].shape, 2, sizes), ref
    return {**results, **{f"{name} (weight)": value for name, value in ready.weights.items()}}


def shape(found: Trace, ref: str) -> tuple[str, ...]:
    return tuple(map(str, found.specs[ref].shape))


# ---- names ----


def test_default_names_inside_begin_anew_in_each_block_and_each_use() -> None:
    inside = [Node(Input((L, 4))), Node(SAME), Node(SAME), Node(Activation(Relu()))]
    made = stack(
        Node(Input((9, 4))), Node(block("b")), Node(SAME), Node(block("b")), Node(block("b"), "mine"), b=inside
    )
    assert [layer.name for layer in trace(made).walk()] == [
        "input",
        "block", "block/input", "block/conv1d", "block/conv1d_1", "block/activation",
        "conv1d",
        "block_1", "block_1/input", "block_1/conv1d", "block_1/conv1d_1", "block_1/activation",
        "mine", "mine/input", "mine/conv1d", "mine/conv1d_1", "mine/activation",
    ]  # fmt: skip
    assert [weight for weight, _ in weights_of(trace(made))][:3] == [
        "block/conv1d/kernel", "block/conv1d/bias", "block/conv1d_1/kernel",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["input", "Reshape_1", "Reshape_2", "const", "x", "td", "kernel"])
def test_any_legal_name_inside_makes_a_model(name: str) -> None:
    made = stack(
        Node(Input((5, 4)), "x"), Node(TimeDistributed(Node(Dense(3), name)), "td"), Node(Dense(2), "Reshape_1")
    )
    results = ran(made)
    assert f"td/{name}" in results
    wanted = results["td/" + name].reshape(2, 5, 3)
    np.testing.assert_array_equal(results["td"], wanted)


def test_a_name_inside_may_be_one_outside() -> None:
    results = ran(stack(Node(Input((9, 4)), "x"), Node(block("res"), "conv"), Node(SAME, "sum"), res=RESIDUAL))
    assert results["conv/conv"].shape == results["sum"].shape


# ---- blocks ----


def test_a_block_used_twice_has_weights_of_its_own_each_time() -> None:
    made = stack(Node(Input((9, 4)), "x"), Node(block("res"), "a"), Node(block("res"), "b"), res=RESIDUAL)
    results = ran(made)
    assert (results["a/conv/kernel (weight)"] != results["b/conv/kernel (weight)"]).any()
    found = encode_trace(trace(made))
    assert (found.params, [layer.trainable_params for layer in found.layers]) == (104, [0, 52, 52])
    assert [layer.macs.value.size for layer in found.layers] == [0, 9 * 4 * 12, 9 * 4 * 12]


def test_a_block_takes_whatever_size_comes_at_each_use() -> None:
    uses = Node(block("res"), "a"), Node(MaxPool((2,)), "pool"), Node(block("res"), "b")
    made = stack(Node(Input((T, 4)), "x"), *uses, res=RESIDUAL)
    found = trace(made)
    assert (shape(found, "a/sum"), shape(found, "b/x")) == (("batch", "T", "4"), ("batch", "floor(T / 2)", "4"))
    assert found.ranges == {"T": 2}
    assert ran(made, T=7)["b"].shape == (2, 3, 4)


def test_symbols_of_a_block_are_not_those_around_it() -> None:
    """L is 9 inside while L outside is another number; T inside is the one outside, which no Input of the block has."""
    inside = [Node(Input((L, 4)), "x"), Node(Reshape((4, L)), "turned", expect=(4, L)), Node(Dense(2))]
    outer = [Node(Input((9, 4)), "a"), Node(Input((T, L)), "other")]
    made = stack(*outer, Node(block("b"), "use", ("a",)), b=inside)
    assert shape(trace(made), "use/turned") == ("batch", "4", "9")
    free = [Node(Input((ANY, 4)), "x"), Node(Reshape((4, T)), "turned"), Node(Reshape((T, 4)))]
    made = stack(Node(Input((T, 4)), "x"), Node(block("b"), "use"), b=free)
    found = trace(made)
    assert shape(found, "use") == ("batch", "T", "4")
    assert shape(trace(bind(made, {"x": (1, 6, 4)}, found)), "use") == ("batch", "6", "4")
    assert ran(made, T=6)["use"].shape == (2, 6, 4)


def test_symbols_reach_the_layer_inside_a_layer() -> None:
    turned = TimeDistributed(Node(Reshape((4, L)), expect=(4, L)))
    inside = [Node(Input((5, L, 4)), "x"), Node(turned, "td", expect=(5, 4, L))]
    made = stack(Node(Input((5, T, 4)), "x"), Node(block("b"), "use"), b=inside)
    assert shape(trace(made), "use") == ("batch", "5", "4", "T")
    assert ran(made, T=3)["use"].shape == (2, 5, 4, 3)
    outside = stack(Node(Input((5, T, 4)), "x"), Node(TimeDistributed(Node(Reshape((4, T)))), "td"))
    assert shape(trace(bind(outside, {"x": (1, 5, 3, 4)}, trace(outside))), "td") == ("batch", "5", "4", "3")


def test_a_block_in_a_block_sees_the_stack_s_symbols_alone() -> None:
    inner = [Node(Input((L, 4)), "x"), Node(MaxPool((2,)), "pool")]
    outer = [Node(Input((L, 4)), "x"), Node(block("inner"), "i"), Node(block("inner"), "j"), Node(Dense(1))]
    made = stack(Node(Input((T, 4)), "x"), Node(block("outer"), "o"), inner=inner, outer=outer)
    found = trace(made)
    assert (shape(found, "o/j/x"), shape(found, "o")) == (
        ("batch", "floor(T / 2)", "4"),
        ("batch", "floor(T / 4)", "1"),
    )
    assert found.ranges == {"T": 4}


def test_several_inputs_and_outputs() -> None:
    inside = [
        Node(Input((L, 4)), "a"), Node(Input((L, 2)), "b"), Node(Concatenate(), "both", ("a", "b")),
        Node(LSTM(3, return_sequences=True, return_state=True), "lstm"), Node(Dense(1), "d", ("b",)),
    ]  # fmt: skip
    entries = Node(Input((7, 2)), "p"), Node(Input((7, 4)), "q")
    made = stack(*entries, Node(block("b"), "use", ("q", "p")), Node(Dense(5), "last", ("use:lstm:state_h",)),
                 outputs=("last", "use:d", "use"), b=inside)  # fmt: skip
    made = returning(made, "b", "both", "lstm:state_h", "d")
    found = trace(made)
    assert list(found.specs)[-4:] == ["use", "use:lstm:state_h", "use:d", "last"]
    results = ran(made)
    np.testing.assert_array_equal(results["use:lstm:state_h"], results["use/lstm:state_h"])
    np.testing.assert_array_equal(results["use"], results["use/both"])
    assert [spec.name for spec in encode_trace(found).outputs] == ["last", "use:d", "use"]


def test_without_outputs_a_block_gives_all_those_of_its_last_layer() -> None:
    inside = [Node(Input((L, 4))), Node(LSTM(3, return_state=True))]
    made = stack(Node(Input((7, 4)), "x"), Node(block("b"), "use"), Node(Dense(2), "d", ("use:state_c",)), b=inside)
    results = ran(made)
    np.testing.assert_array_equal(results["use:state_c"], results["use/lstm:state_c"])


def test_a_block_of_nothing_but_an_input() -> None:
    made = stack(Node(Input((7, 4)), "x"), Node(block("b"), "use"), Node(SAME, "c"), b=[Node(Input((ANY, ANY)), "in")])
    found = annotate(trace(made), Limits())
    assert found.layer("use").done.how == "0 layers"
    assert found.layer("c").receptive[Role.STEPS].size == 3
    assert encode_trace(found).layers[1].explanation
    np.testing.assert_array_equal(ran(made)["use"], ran(made)["use/in"])


def test_outputs_of_a_block_that_are_its_inputs() -> None:
    made = stack(Node(Input((7, 4)), "x"), Node(block("res"), "use"), Node(Add(), "s", ("use", "use:x")), res=RESIDUAL)
    results = ran(returning(made, "res", "sum", "x"))
    np.testing.assert_array_equal(results["s"], results["use"] + results["use:x"])
    assert trace(returning(made, "res", "sum", "x")).peak_bytes == 3 * 7 * 4 * 4


def test_each_output_of_a_block_has_a_receptive_field_of_its_own() -> None:
    inside = [Node(Input((L, 4)), "x"), Node(Conv(4, (5,)), "wide"), Node(Conv(4, (2,)), "narrow", ("x",))]
    made = stack(Node(Input((30, 4)), "x"), Node(block("b"), "use"), Node(MaxPool((2,)), "a", ("use",)),
                 Node(MaxPool((2,)), "c", ("use:narrow",)), b=inside)  # fmt: skip
    found = trace(returning(made, "b", "wide", "narrow"))
    sizes = {name: found.layer(name).receptive[Role.STEPS].size for name in ("use", "a", "c")}
    assert sizes == {"use": 5, "a": 6, "c": 3}


@pytest.mark.parametrize("layout", Layout)
def test_inputs_ask_the_layer_inside_what_their_axes_are(layout: Layout) -> None:
    sizes: tuple[Size, ...] = (ANY, 8) if layout is Layout.CHANNELS_LAST else (8, ANY)
    inside = [Node(Input((ANY, ANY)), "in"), Node(Conv(4, (3,)), "conv")]
    deep = [Node(Input((ANY, ANY))), Node(block("b"))]
    found = trace(stack(Node(Input(sizes), "x"), Node(block("deep"), "use"), layout=layout, b=inside, deep=deep))
    assert found.symbols == {"T"}
    last = layout is Layout.CHANNELS_LAST
    assert [axis.role for axis in found.specs["x"].axes[1:]] == [Role.STEPS, Role.CHANNELS][:: 1 if last else -1]
    assert shape(found, "use") == (("batch", "T - 2", "4") if last else ("batch", "4", "T - 2"))


def test_a_declared_type_is_held_to() -> None:
    whole = [Node(Input((3,), DType.INT64), "n")]
    with pytest.raises(Exception, match=r'takes int64 at the Input "n" of its block, but x is float32'):
        trace(stack(Node(Input((3,)), "x"), Node(block("b")), b=whole))
    assert (
        trace(stack(Node(Input((3,), DType.INT64), "x"), Node(block("b")), b=whole)).layers[-1].done.spec.dtype
        == "int64"
    )


def test_expectations_inside_and_of_the_block() -> None:
    inside = [Node(Input((L, 4)), "x", expect=(L, ANY)), Node(Conv(4, (3,)), "conv", expect=(ANY, 4))]
    made = stack(Node(Input((9, 4)), "x"), Node(block("b"), "use", expect=(7, 4)), b=inside)
    assert shape(trace(made), "use") == ("batch", "7", "4")
    inside[1] = inside[1]._replace(expect=(L, 4))
    with pytest.raises(Exception, match=r"use/conv \(Conv1D\) is expected to give \(9, 4\) but gives \(7, 4\)"):
        trace(stack(Node(Input((9, 4)), "x"), Node(block("b"), "use"), b=inside))


def test_bytes_alive_are_those_of_the_layers_written_out() -> None:
    """x waits for the sum inside, so that x, relu and conv are there at once: 3 x 8 x 4 x 4 bytes."""
    inside = [Node(Input((ANY, 4)), "x"), Node(Activation(Relu()), "r"), Node(SAME, "c"), Node(Add(), "s", ("x", "c"))]
    made = stack(Node(Input((8, 4)), "x"), Node(block("b"), "one"), Node(block("b"), "two"), b=inside)
    assert trace(made).peak_bytes == 3 * 8 * 4 * 4
    td = stack(Node(Input((6, 8, 4)), "x"), Node(TimeDistributed(Node(Conv(2, (3,)))), "td"))
    assert trace(td).peak_bytes == 6 * (8 * 4 + 6 * 2) * 4


# ---- shared weights ----


def twice(kind: Kind, shape: tuple[Size, ...], **blocks: list[Node]) -> Stack:
    nodes = [Node(Input(shape), "x"), Node(kind, "a", ("x",)), Node(kind, "b", ("x",), weights_of="a")]
    return stack(*nodes, layout=Layout.CHANNELS_LAST, outputs=("a", "b"), **blocks)


SHARED = {
    "dense": twice(Dense(3), (4,)),
    "conv": twice(Conv(3, (2,)), (9, 4)),
    "lstm": twice(LSTM(3), (9, 4)),
    "normalization": twice(BatchNormalization(), (9, 4)),
    "block": twice(block("res"), (9, 4), res=RESIDUAL),
    "deep": twice(
        block("o"), (9, 4), res=RESIDUAL, o=[Node(Input((L, 4)), "x"), Node(block("res"), "i"), Node(Dense(2))]
    ),
    "steps": twice(TimeDistributed(Node(Dense(3))), (9, 4)),
    "spectral": twice(SpectralNormalization(Node(Dense(3))), (4,)),
}


@pytest.mark.parametrize("made", SHARED.values(), ids=SHARED)
def test_shared_weights_are_one(made: Stack) -> None:
    found = trace(made)
    alone = trace(Stack(made.nodes[:2], made.layout, (), made.blocks))
    assert dict(weights_of(found)) == dict(weights_of(alone))
    message, single = encode_trace(found), encode_trace(alone)
    assert (message.params, message.trainable_params) == (single.params, single.trainable_params)
    assert message.layers[2].weights_of == "a"
    assert all(x.weights_of.split("/")[0] == "a" for x in message.layers[2].layers if x.weights)
    weights = complete(found, {}, 7)
    assert {name: value.tobytes() for name, value in weights.items()} == {
        name: value.tobytes() for name, value in complete(alone, {}, 7).items()
    }
    ready = model(made, np.random.default_rng(0))
    results = ready.run(random_inputs(found, np.random.default_rng(0)))
    np.testing.assert_array_equal(results["a"], results["b"])
    alone_made = model(Stack(made.nodes[:2], blocks=made.blocks), np.random.default_rng(0))
    assert _stored(ready.onnx) == _stored(alone_made.onnx)


def _stored(data: bytes) -> int:
    """Number of weights in a model."""
    return sum("/const" not in tensor.name for tensor in onnx.ModelProto.FromString(data).graph.initializer)


def test_shared_weights_at_other_lengths_and_through_a_third() -> None:
    nodes = [
        Node(Input((9, 4)), "x"), Node(SAME, "a"), Node(MaxPool((2,)), "p"), Node(SAME, "b", weights_of="a"),
        Node(SAME, "c", weights_of="b"),
    ]  # fmt: skip
    found = trace(stack(*nodes))
    assert (found.layer("c").owner, encode_trace(found).params) == ("a", 52)


def test_weights_shared_inside_a_block_are_shared_in_each_use() -> None:
    inside = [Node(Input((L, 4)), "x"), Node(SAME, "one"), Node(SAME, "two", weights_of="one")]
    uses = Node(block("b"), "p"), Node(block("b"), "q"), Node(block("b"), "r", weights_of="p")
    made = stack(Node(Input((9, 4)), "x"), *uses, b=inside)
    found = trace(made)
    assert [found.layer(f"{name}/two").owner for name in "pqr"] == ["p/one", "q/one", "p/one"]
    assert encode_trace(found).params == 104
    assert [found.layer(name).done.params.value for name in "pqr"] == [52, 52, 52]  # type: ignore[union-attr]
    results = ran(made)
    assert {name for name in results if name.endswith("kernel (weight)")} == {
        "p/one/kernel (weight)", "q/one/kernel (weight)",
    }  # fmt: skip


def test_limits_count_shared_weights_once_and_all_layers_inside() -> None:
    made = SHARED["block"]
    trace(made, Limits(max_weight_bytes=52 * 4, max_layers=3 + 2 * 3))
    with pytest.raises(Exception, match="The number of layers is 9"):
        trace(made, Limits(max_layers=8))
    with pytest.raises(Exception, match=r"needs 208 bytes of weights.*Largest: a/conv, 192 bytes"):
        trace(made, Limits(max_weight_bytes=207))


def test_steps_count_in_every_limit() -> None:
    made = stack(Node(Input((50, 8, 4)), "x"), Node(TimeDistributed(Node(Conv(2, (3,)))), "td"))
    found = trace(made)
    assert found.macs == 50 * 6 * 2 * 3 * 4
    assert found.layer("td/conv1d").output_bytes == found.layer("td").output_bytes == 50 * 6 * 2 * 4
    trace(made, Limits(max_macs=7200, max_tensor_elements=1600))
    with pytest.raises(Exception, match=r'Up to "td" the multiply-adds per sample are 7 200'):
        trace(made, Limits(max_macs=7199))
    with pytest.raises(Exception, match=r'elements that "x" gives per sample is 1 600'):
        trace(made, Limits(max_tensor_elements=1599))
    wide = [Node(Input((8, 4))), Node(Dense(100), "wide"), Node(Dense(1))]
    every = [Node(Input((ANY,) * 3)), Node(TimeDistributed(Node(block("wide"))))]
    with pytest.raises(Exception, match=r'"b/time_distributed/block/wide" gives per sample is 40 000'):
        trace(
            stack(made.nodes[0], Node(block("every"), "b"), wide=wide, every=every), Limits(max_tensor_elements=39_999)
        )


# ---- what is said ----


def test_notes_inside() -> None:
    inside = [
        Node(Input((ANY, ANY)), "in"),
        Node(Conv(2, (5,), (2,), "same"), "c"),
        Node(MaxPool((2,), (1,), "same"), "p"),
    ]
    made = stack(Node(Input((1, 128)), "x"), Node(block("b"), "use"), Node(Flatten()), b=inside)
    found = annotate(trace(made), Limits())
    assert [note.reason for note in found.layer("use/p").notes] == ["POOL_STRIDE_ONE"]
    assert "AXES_LOOK_SWAPPED" not in [note.reason for note in found.layer("use/c").notes]


def test_a_pool_behind_a_block_says_what_its_default_stride_would_give() -> None:
    inside = [Node(Input((ANY, ANY))), Node(SAME)]
    made = stack(
        Node(Input((8, 3)), "x"), Node(block("b"), "use"), Node(MaxPool((2,), (1,), "same")), Node(Flatten()), b=inside
    )
    (note,) = annotate(trace(made), Limits()).layers[2].notes
    assert note.text.endswith("With stride 2, N would be 16.")


def test_a_block_that_nobody_uses_costs_nothing() -> None:
    made = stack(Node(Input((8, 3)), "x"), Node(Dropout()), never=[Node(Input((9,)), "x"), Node(Dense(3))])
    assert [layer.name for layer in trace(made).walk()] == ["x", "dropout"]


def test_costs_of_folded_rows_are_counted_once() -> None:
    """Behind a Reshape that folds 5 windows of 6 into the batch axis: per sample outside, per row inside a holder."""
    row, rows = 6 * 3 * 4, Reshape((-1, 6, 3), include_batch=True)
    made = stack(
        Node(Input((5, 6, 3)), "x"),
        Node(TimeDistributed(Node(Dense(4))), "steps"),
        Node(rows, "rows", ("x",)),
        Node(Dense(4), "dense"),
        Node(TimeDistributed(Node(Dense(4))), "inside", ("rows",)),
        Node(block("b"), "block", ("rows",)),
        Node(Dense(1), "last", ("dense",)),
        b=[Node(Input((ANY, 3)), "x"), Node(Dense(4), "d")],
    )
    found = trace(made)
    macs = {layer.name: layer.done.macs.value for top in found.layers for layer in top.walk() if layer.done.macs}
    whole = dict.fromkeys(("steps", "dense", "inside", "block"), 5 * row)
    assert macs == whole | {"last": 5 * 6 * 4, "steps/dense": row, "inside/dense": row // 6, "block/d": row}
    assert found.macs == 4 * 5 * row + 120
