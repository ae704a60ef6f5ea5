"""Stacks inside stacks as the caller writes them: built, shown, written to files, read back, repaired."""

from collections.abc import Callable

import numpy as np
import pytest

import lamina as lm
from lamina import files, layers
from lamina.v1 import layers_pb2, trace_pb2

KERNEL = np.ones((3, 4, 4), np.float32)


def residual(**options: object) -> lm.Stack:
    """x + conv(x), as a block."""
    conv = lm.Conv1D(4, 3, padding="same", name="conv", **options)  # type: ignore[arg-type]
    return lm.Stack([lm.Input((None, 4), name="x"), conv, lm.Add(inputs=["x", "conv"])], name="residual")


def deep() -> lm.Stack:
    """A block in a block, a block at every step, a block with several outputs, shared weights."""
    outer = lm.Stack([lm.Input(("L", 4)), lm.Block(residual()), lm.Dense(4)], outputs=["dense", "block"], name="outer")
    return lm.Stack(
        [
            lm.Input((5, 9, 4)),
            lm.TimeDistributed(lm.Block(residual()), name="each"),
            lm.TimeDistributed(lm.Dense(4, activation="relu", name="d", expect=(None, 4)), weights_of=None),
            lm.Reshape((-1, 4)),
            lm.Block(outer, name="a"),
            lm.Block(outer, inputs="a:block", weights_of="a"),
            lm.SpectralNormalization(lm.Conv1D(2, 3), power_iterations=2),
            lm.TimeDistributed(lm.TimeDistributed(lm.Flatten()), inputs="each"),
        ],
        outputs=["block", "time_distributed_1"],
    )


# ---- building ----


def test_a_block_travels_once_with_those_that_it_uses_before_it() -> None:
    proto = deep().proto
    assert [block.name for block in proto.blocks] == ["residual", "outer"]
    assert [layer.WhichOneof("kind") for layer in proto.blocks[1].layers] == ["input", "block", "dense"]
    assert list(proto.blocks[1].outputs) == ["dense", "block"]
    assert proto.layers[1].time_distributed.layer.block.stack == "residual"
    assert proto.layers[5].weights_of == "a"
    assert deep().names == (
        "input", "each", "time_distributed", "reshape", "a", "block", "spectral_normalization", "time_distributed_1",
    )  # fmt: skip


def test_a_block_without_a_name_is_called_by_what_is_in_it() -> None:
    def made(units: int) -> lm.Stack:
        return lm.Stack([lm.Input((4,)), lm.Dense(units)])

    assert made(3).name == made(3).name != made(4).name
    stack = lm.Stack([lm.Input((4,)), lm.Block(made(4)), lm.Block(made(4)), lm.Block(made(3))])
    assert list(stack.blocks) == [made(4).name, made(3).name]


def test_blocks_are_stacks_by_name() -> None:
    stack = deep()
    assert list(stack.blocks) == ["residual", "outer"]
    assert stack.blocks["residual"] == residual() and stack.blocks["residual"].name == "residual"
    assert list(stack.blocks["outer"].blocks) == ["residual"]
    again = lm.Stack([lm.Input((9, 4)), lm.Block(stack.blocks["outer"])])
    assert list(again.blocks) == ["residual", "outer"]
    by_name = lm.Stack([lm.Input((9, 4)), lm.Block("residual")], blocks=[residual()])
    assert by_name == lm.Stack([lm.Input((9, 4)), lm.Block(residual())])


def test_layouts_agree() -> None:
    first = lm.Stack([lm.Input((4, None)), lm.Conv1D(4, 3)], layout="channels_first", name="first")
    assert lm.Stack([lm.Input((4, 9)), lm.Block(first)], layout="channels_first").layout == "channels_first"
    with pytest.raises(
        lm.InvalidArgumentError, match="the block 'first' is channels_first, and the stack that uses it"
    ):
        lm.Stack([lm.Input((4, 9)), lm.Block(first)])


@pytest.mark.parametrize(
    ("make", "reason", "said"),
    [
        (lambda: lm.Stack([lm.Block(residual()), lm.Block(lm.Stack([lm.Input((4,))], name="residual"))]),
         "DUPLICATE_NAME", "Stack: two different blocks are called 'residual'; give one of them another name."),
        (lambda: lm.Stack([lm.Block(lm.Stack([lm.Block(residual())])), lm.Block(residual(strides=2))]),
         "DUPLICATE_NAME", "two different blocks are called 'residual'"),
        (lambda: lm.TimeDistributed(residual()), "WRONG_TYPE",  # type: ignore[arg-type]
         "TimeDistributed: layer takes one layer; a Stack was given: write lm.Block(stack)."),
        (lambda: lm.TimeDistributed(lm.Dense), "WRONG_TYPE", "TimeDistributed: layer takes a layer; <function Dense"),  # type: ignore[arg-type]
        (lambda: lm.SpectralNormalization(3, name="s"), "WRONG_TYPE",  # type: ignore[arg-type]
         "s (SpectralNormalization): layer takes a layer; 3 was given"),
        (lambda: lm.Block(lm.Dense(3), name="b"), "WRONG_TYPE",  # type: ignore[arg-type]
         "b (Block): stack takes a Stack, or the name of a block; Dense(3) was given."),
        (lambda: lm.Block(3), "WRONG_TYPE", "Block: stack takes text; 3 was given"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_is_no_block(make: Callable[[], object], reason: str, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        make()
    assert said in str(caught.value) and caught.value.reason == reason


# ---- weights ----


def test_weights_are_carried_by_stacks_and_by_layers_inside() -> None:
    block = residual(weights={"kernel": KERNEL})
    outer = lm.Stack([lm.Input((None, 4)), lm.Block(block)], name="outer")
    stack = lm.Stack(
        [
            lm.Input((5, 9, 4)),
            lm.TimeDistributed(lm.Block(outer)),
            lm.TimeDistributed(lm.Dense(4, weights={"bias": [1, 2, 3, 4]}), weights={"dense/kernel": np.eye(4)}),
            lm.SpectralNormalization(lm.Conv2D(1, 1, name="c", weights={"bias": [0]}), weights={"vector_u": [[1]]}),
        ]
    )
    flat = lm.weights.flatten(stack.weights)
    assert sorted(flat) == [
        "spectral_normalization/c/bias", "spectral_normalization/vector_u",
        "time_distributed/block/block/conv/kernel", "time_distributed_1/dense/bias", "time_distributed_1/dense/kernel",
    ]  # fmt: skip
    again = stack.with_weights({"time_distributed": {"block": {"block": {"conv": {"bias": np.zeros(4)}}}}})
    assert sorted(again.weights["time_distributed"]) == ["block/block/conv/bias", "block/block/conv/kernel"]
    assert again.proto == stack.proto and again.blocks.keys() == stack.blocks.keys()


def test_a_layer_that_shares_weights_carries_none() -> None:
    block = residual(weights={"kernel": KERNEL})
    stack = lm.Stack([lm.Input((9, 4)), lm.Block(block), lm.Block(block), lm.Block(block, weights_of="block")])
    assert list(stack.weights) == ["block", "block_1"]


# ---- shown, and read back ----


def test_repr_is_the_code_that_makes_it() -> None:
    for stack in (deep(), residual(), lm.Stack([lm.Input((9, 4)), lm.Block("later")])):
        made = eval(repr(stack), {name: getattr(lm, name) for name in [*layers.__all__, "Stack"]})
        assert made == stack
        assert repr(made) == repr(stack)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lm.Block("residual"), 'Block("residual")'),
        (lm.Block(residual(), name="a", weights_of="b"), 'Block("residual", name="a", weights_of="b")'),
        (lm.TimeDistributed(lm.Dense(3)), "TimeDistributed(Dense(3))"),
        (lm.TimeDistributed(lm.Conv2D(3, 2, name="c", expect=(None, 3))),
         'TimeDistributed(Conv2D(3, 2, name="c", expect=(None, 3)))'),
        (lm.SpectralNormalization(lm.Dense(3), 2), "SpectralNormalization(Dense(3), 2)"),
        (lm.TimeDistributed(lm.Dense(3, weights={"bias": [1, 2, 3]})),
         "TimeDistributed(Dense(3), weights=<dense/bias>)"),
    ],
)  # fmt: skip
def test_repr_of_layers(layer: lm.Layer, text: str) -> None:
    assert repr(layer) == text


def test_files_and_messages_give_the_same_stack_back() -> None:
    from google.protobuf import text_format

    for stack in (deep(), residual(), lm.Stack([lm.Input((9, 4)), lm.Block(residual())], layout="channels_last")):
        assert lm.Stack.from_json(stack.to_json()) == stack
        assert files.parse(files.dump(stack)) == stack
        assert files.parse(stack.to_json()) == stack
        assert files.parse(text_format.MessageToString(stack.proto), "textproto") == stack
        assert lm.Stack.from_proto(stack.proto) == stack


def test_blocks_in_a_file() -> None:
    text = """
blocks:
  conv:
    layers:
      - Input: {shape: [~, 4], name: x}
      - Conv1D: [4, 3]
  twice:
    outputs: [block_1, block]
    layers:
      - Input: [~, 4]
      - Block: conv
      - Block: {stack: conv}
layers:
  - Input: [5, 9, 4]
  - TimeDistributed: {Block: twice}
  - TimeDistributed: Flatten
  - TimeDistributed: {layer: {Dense: 3}, name: d}
  - TimeDistributed: [Flatten]
  - SpectralNormalization: [{Dense: {units: 2, name: k}}, 3]
"""
    stack = files.parse(text)
    assert list(stack.blocks) == ["conv", "twice"]
    flat, named = lm.TimeDistributed(lm.Flatten()), lm.TimeDistributed(lm.Dense(3), name="d")
    normalised = lm.SpectralNormalization(lm.Dense(2, name="k"), 3)
    assert stack[1:] == (lm.TimeDistributed(lm.Block("twice")), flat, named, flat, normalised)
    assert files.parse(files.dump(stack)) == stack


@pytest.mark.parametrize(
    ("text", "line", "reason", "said"),
    [
        ("blocks: 3\nlayers: []\n", 1, "MALFORMED_FILE", "blocks takes stacks by name; 3 was found"),
        ("blocks:\n  a: [1]\nlayers: []\n", 2, "MALFORMED_FILE", "a block has `layers:`"),
        ("blocks:\n  a:\n    layers: []\n    layout: channels_first\nlayers: []\n", 4, "UNKNOWN_KEY",
         "no key 'layout'"),
        ("blocks:\n  a:\n    outputs: [x]\nlayers: []\n", 3, "MALFORMED_FILE",
         "layers takes a list of layers; nothing"),
        ("blocks:\n  - layers: []\nlayers: []\n", 2, "MALFORMED_FILE", "blocks[0]: a block in a list has a name"),
        ("blocks:\n  - name: a\n    layers:\n      - Dens: 3\nlayers: []\n", 4, "UNKNOWN_LAYER",
         "blocks[0].layers[0]: there is no layer"),
        ("blocks:\n  a:\n    layers:\n      - Input: [3]\n      - Dens: 3\nlayers: []\n", 5, "UNKNOWN_LAYER",
         "layers[1]: there is no layer 'Dens'. Did you mean 'Dense'"),
        ("blocks:\n  a:\n    layers:\n      - Dense:\n          units: 3\n          actvation: relu\nlayers: []\n", 6,
         "UNKNOWN_OPTION", "'actvation'. Did you mean 'activation'"),
        ("blocks:\n  a:\n    layers:\n      - Input: [3]\nlayers:\n  - Input: [3]\n  - Block: b\n", 7, "UNKNOWN_BLOCK",
         "layers[1]: there is no block 'b' before it. Blocks: a"),
        ("blocks:\n  a:\n    layers:\n      - Input: [3]\n      - Block: a\nlayers: []\n", 5, "UNKNOWN_BLOCK",
         "blocks.a.layers[1]: there is no block 'a' before it"),
        ("layers:\n  - TimeDistributed: {Block: nobody}\n", 2, "UNKNOWN_BLOCK", "block 'nobody'"),
        ("layers:\n  - TimeDistributed:\n      Dense:\n        unit: 3\n", 4, "UNKNOWN_OPTION",
         "layers[0]: Dense has no"),
        ("layers:\n  - TimeDistributed:\n      layer:\n        Dense: {}\n      name: d\n", 4, "MISSING_OPTION",
         "layers[0]: Dense needs units"),
        ("layers:\n  - TimeDistributed\n", 2, "MISSING_OPTION", "TimeDistributed needs layer"),
        ("layers:\n  - TimeDistributed: {layer: {Dense: 3}, nam: d}\n", 2, "UNKNOWN_OPTION", "Did you mean 'name'"),
        ("blocks:\n  a:\n    layers:\n      - Input: [3]\n    outputs: 3\nlayers: []\n", 5, "WRONG_TYPE", "outputs"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_says_where(text: str, line: int, reason: str, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        files.parse(text, name="net.yaml")
    message = str(caught.value)
    assert message.startswith(f"net.yaml, line {line}: ") and message.count("net.yaml") == 1, message
    assert said in message and caught.value.reason == reason, message


# ---- fixes ----


def fix(*edits: trace_pb2.StackEdit) -> lm.Fix:
    return lm.Fix(trace_pb2.Fix(title="do this", outcome="a: batch, 1", stack_edits=edits))


def replace(index: int, layer: lm.Layer, block: str = "") -> trace_pb2.StackEdit:
    return trace_pb2.StackEdit(replace_layer=trace_pb2.ReplaceLayer(index=index, layer=layer.proto), block=block)


def insert(index: int, layer: lm.Layer, block: str = "") -> trace_pb2.StackEdit:
    return trace_pb2.StackEdit(insert_layer=trace_pb2.InsertLayer(index=index, layer=layer.proto), block=block)


def remove(index: int, block: str = "") -> trace_pb2.StackEdit:
    return trace_pb2.StackEdit(remove_layer=trace_pb2.RemoveLayer(index=index), block=block)


def test_a_fix_of_a_block_changes_it_wherever_it_is_used() -> None:
    block = lm.Stack([lm.Input((None, 4)), lm.Dense(4, weights={"bias": [1, 1, 1, 1]}), lm.Dense(2)], name="b")
    outer = lm.Stack([lm.Input((None, 4)), lm.Block(block)], name="outer")
    before = lm.Stack([lm.Input((9, 4)), lm.Block(outer, name="o"), lm.Block(block)], layout="channels_last")
    after = fix(insert(1, lm.Dense(4), "b")).apply(before)
    assert [layer.field for layer in after.blocks["b"]] == ["input", "dense", "dense", "dense"]
    assert lm.weights.flatten(after.weights).keys() == {"o/block/dense_1/bias", "block/dense_1/bias"}
    assert (after.layout, list(after.blocks), len(before.blocks["b"])) == ("channels_last", ["b", "outer"], 3)
    gone = fix(replace(1, lm.LSTM(4), "b")).apply(before)
    assert gone.weights == {} and gone.blocks["b"][1].field == "lstm"
    kept = fix(replace(1, lm.Dense(4, use_bias=True), "b"), remove(2, "b")).apply(before)
    assert list(kept.weights) == ["o", "block"] and len(kept.blocks["b"]) == 2


def test_a_fix_of_a_block_and_of_the_stack() -> None:
    before = lm.Stack([lm.Input((9, 4)), lm.Block(residual(weights={"kernel": KERNEL}))])
    after = fix(insert(1, lm.Dropout(0.5)), replace(0, lm.Input((9, 4), name="x"), "residual"), remove(1)).apply(before)
    assert after.blocks["residual"][0] == lm.Input((9, 4), name="x")
    assert after.weights["block"].keys() == {"conv/kernel"} and len(after) == 2


def test_other_fixes_leave_blocks_and_what_is_carried() -> None:
    before = deep().with_weights({"a": {"block": {"conv": {"kernel": KERNEL}}}})
    after = fix(insert(3, lm.Dropout(0.5))).apply(before)
    assert after.proto.blocks == before.proto.blocks
    assert after.weights == before.weights and after["block"].weights_of == "a"


def test_shared_weights_stay_those_of_their_layer() -> None:
    before = lm.Stack([lm.Input((4,)), lm.Dense(4), lm.Dense(4, weights_of="dense"), lm.Dense(4, weights_of="nobody")])
    after = fix(insert(1, lm.Dense(4))).apply(before)
    assert [layer.weights_of for layer in after] == ["", "", "", "dense_1", "nobody"]
    assert fix(replace(2, lm.Dense(4))).apply(before)[2].weights_of == ""
    assert fix(replace(3, lm.Dense(4, weights_of="dense_1"))).apply(before)[3].weights_of == "dense_1"
    assert fix(remove(1)).apply(before)[1].weights_of == "dense"


def test_a_layer_that_holds_another_is_replaced_whole() -> None:
    dense = lm.TimeDistributed(lm.Dense(3, weights={"bias": [1, 2, 3]}))
    before = lm.Stack([lm.Input((9, 4)), dense])
    assert fix(replace(1, lm.TimeDistributed(lm.Dense(3, use_bias=True)))).apply(before).weights == before.weights
    assert fix(replace(1, lm.TimeDistributed(lm.LSTM(3)))).apply(before).weights == {}


def test_a_fix_for_another_stack() -> None:
    with pytest.raises(lm.InvalidArgumentError, match="changes the block 'b', which the stack does not have"):
        fix(remove(0, "b")).apply(deep())
    with pytest.raises(lm.InvalidArgumentError, match="This fix changes layer 7"):
        fix(remove(7, "outer")).apply(deep())


def test_a_block_that_is_no_layer_is_left_to_the_server() -> None:
    proto = layers_pb2.Stack(layers=[layers_pb2.Layer()], blocks=[layers_pb2.NamedStack(name="a")])
    assert lm.Stack.from_proto(proto).blocks["a"].layers == ()
    assert repr(lm.Stack.from_proto(proto)).startswith("Stack([\n    Layer(),\n], blocks=[")
