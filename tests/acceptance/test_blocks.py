"""Stacks inside stacks, from the SDK to the numbers: traced, run, registered, exported, repaired."""

import numpy as np
import onnx
import pytest

import lamina as lm
from tests.acceptance.words import answered, fixed, refused, says
from tests.client.clients import AnyClient

NUMBERS = np.random.default_rng(0)


def residual(width: int = 8) -> lm.Stack:
    """Two convolutions and a skip connection; whatever size comes."""
    return lm.Stack(
        [
            lm.Input((None, None, width), name="x"),
            lm.Conv2D(width, 3, padding="same", activation="relu"),
            lm.Conv2D(width, 3, padding="same"),
            lm.Add(inputs=["x", "conv2d_1"]),
            lm.Activation("relu"),
        ],
        name="residual",
    )


def small_resnet() -> lm.Stack:
    """The block at two sizes, and once more with the weights of the first."""
    return lm.Stack(
        [
            lm.Input((12, 12, 3)),
            lm.Conv2D(8, 3, padding="same"),
            lm.Block(residual(), name="res1"),
            lm.Block(residual(), name="again", weights_of="res1"),
            lm.MaxPooling2D(2),
            lm.Block(residual(), name="res2"),
            lm.GlobalAveragePooling2D(),
            lm.Dense(5),
        ]
    )


def film() -> lm.Stack:
    """A model of an image at each frame, then a sequence."""
    cnn = lm.Stack([lm.Input((12, 12, 3)), lm.Conv2D(8, 3), lm.GlobalAveragePooling2D()], name="cnn")
    return lm.Stack([lm.Input(("T", 12, 12, 3)), lm.TimeDistributed(lm.Block(cnn)), lm.LSTM(4)])


def test_a_stack_of_blocks_is_traced_and_run(client: lm.Client) -> None:
    trace = answered(client, small_resnet())
    assert trace["res2/conv2d"].output_shape == (None, 6, 6, 8)
    assert trace["again"].weights_of == "res1" and trace["again/add"].weights_of == ""
    assert trace.params == 224 + 2 * (2 * 584) + 45
    rows = [line.split() for line in str(trace).splitlines()]
    assert [row[0] for row in rows if "shared" in row] == ["again", "conv2d", "conv2d_1"]
    says(str(trace), r"res2 Block\(.residual.\)", r"4 layers: conv2d, conv2d_1, add, activation")
    says(trace.explain("res1"), "584 . 584 = 1 168 parameters")
    assert trace["res2"].receptive_field[0].size == 1 + 2 + 4 + 4 + 1 + 8


def test_a_model_at_every_frame(client: lm.Client) -> None:
    trace = answered(client, film(), T=4)
    assert [str(size) for size in trace["time_distributed"].output_shape] == ["None", "T", "8"]
    assert trace["time_distributed/block/conv2d"].axes == ("batch", "height", "width", "channels")
    says(trace.explain("time_distributed"), "steps stay T", "same Block", "however many steps there are: 224")
    x = NUMBERS.standard_normal((2, 3, 12, 12, 3)).astype(np.float32)
    result = client.infer(film(), x, seed=1, fetch=["time_distributed", "time_distributed/block/conv2d"])
    inner = result["time_distributed/block/conv2d"]
    assert inner.shape == (6, 10, 10, 8)
    np.testing.assert_allclose(inner.mean((1, 2)).reshape(2, 3, 8), result["time_distributed"], rtol=1e-4, atol=1e-6)


def test_weights_inside_are_given_registered_and_run(caller: AnyClient) -> None:
    stack, x = small_resnet(), NUMBERS.standard_normal((2, 12, 12, 3)).astype(np.float32)
    names = [weight.name for layer in caller.call("trace", stack).walk() for weight in layer.weights]
    assert len(names) == 4 + 3 * 4 and len({*names}) == 4 + 2 * 4  # the shared ones are named twice
    shapes = {weight.name: weight.shape for layer in caller.call("trace", stack).walk() for weight in layer.weights}
    weights = {name: NUMBERS.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    direct = caller.call("infer", stack, x, weights=weights, fetch=["res1/conv2d", "again/conv2d"])
    done = caller.call("register", "blocks", stack, weights)
    try:
        assert {weight.name for weight in done.info.weights} == {*names}
        assert caller.call("register", "blocks", stack, weights).id == done.id
        kept = caller.call("infer", "blocks", x, fetch=["again/conv2d"])
        np.testing.assert_array_equal(kept.output, direct.output)
        np.testing.assert_array_equal(kept["again/conv2d"], direct["again/conv2d"])
        assert caller.call("get", "blocks").stack == stack
        model = onnx.ModelProto.FromString(bytes(caller.call("export", "blocks")))
        assert {tensor.name for tensor in model.graph.initializer if "/const" not in tensor.name} == {*names}
    finally:
        caller.call("unregister", "blocks")
    carried = stack.with_weights(weights)
    np.testing.assert_array_equal(caller.call("infer", carried, x).output, direct.output)


def test_weights_that_do_not_fit_are_named_whole(client: lm.Client) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        client.infer(small_resnet(), np.zeros((1, 12, 12, 3)), weights={"res1/conv2d/kernel": np.zeros((3, 3))}, seed=1)
    says(str(caught.value), "res1/conv2d/kernel has shape", r"the stack needs \(3, 3, 8, 8\)")
    with pytest.raises(lm.InvalidArgumentError) as caught:
        client.infer(small_resnet(), np.zeros((1, 12, 12, 3)), weights={"again/conv2d/bias": np.zeros(8)}, seed=1)
    says(str(caught.value), '"again/conv2d/bias" is no weight of this stack', '"res1/conv2d/bias"')


def test_an_unknown_block_is_asked_back(client: lm.Client) -> None:
    stack = lm.Stack([lm.Input((9, 9, 8)), lm.Block("residul")], blocks=[residual()])
    error = refused(client, stack)
    says(error.message, r'block \(Block\) uses the block "residul"', 'did you mean "residual"')
    (trace,) = fixed(client, stack, error)
    assert trace["block"].output_shape == (None, 9, 9, 8)


def test_what_a_block_s_input_declares_is_let_go(client: lm.Client) -> None:
    block = lm.Stack([lm.Input((9, 9, 8)), lm.Conv2D(8, 3, padding="same")], name="fixed")
    stack = lm.Stack([lm.Input((8, 9, 8)), lm.Block(block)])
    (trace,) = fixed(client, stack, refused(client, stack))
    assert trace["block"].output_shape == (None, 8, 9, 8)


def test_a_fault_at_every_step_is_repaired(client: lm.Client) -> None:
    stack = lm.Stack([lm.Input((5, 28)), lm.TimeDistributed(lm.Conv1D(3, 3), name="td")])
    error = refused(client, stack)
    says(
        error.message,
        r"td/conv1d \(Conv1D\) needs batch, steps, channels",
        r"gets 5 \* batch, 28",
        "one axis is missing",
    )
    assert error.layer == "td/conv1d" and error.field == "stack.layers[1].time_distributed.layer.conv"
    reshaped, dense, repeated = fixed(client, stack, error)
    says(error.fixes[0].title, r"put TimeDistributed\(Reshape\(\(28, 1\)\)\) before it")
    assert reshaped["td"].output_shape == (None, 5, 26, 3)
    assert dense["td"].summary == "TimeDistributed(Dense(3))"
    assert repeated["td"].output_shape == (None, 5, 1, 3)


def test_a_fault_inside_a_block_is_repaired_there_and_before_it(client: lm.Client) -> None:
    block = lm.Stack([lm.Input((None, None)), lm.Conv1D(4, 5, weights={"bias": [1, 2, 3, 4]}), lm.Dense(2)], name="b")
    inner = lm.Stack([lm.Input((None, None)), lm.Block(block)], name="inner")
    stack = lm.Stack([lm.Input((1, 50)), lm.Block(inner, name="use")])
    error = refused(client, stack)
    says(error.message, r"use/block/conv1d \(Conv1D\) has a window of 5")
    titles = [fix.title for fix in error.fixes]
    says(titles[0], r"put Permute\(\(2, 1\)\) before use/block")
    says(titles[1], 'in the block "b"', r"put Permute\(\(2, 1\)\) before it")
    around, inside, layout = fixed(client, stack, error)
    assert "use/permute" in around and "use/block/permute" in inside and layout.layout == "channels_first"
    repaired = error.fixes[1].apply(stack)
    assert repaired.weights == stack.weights
    for fix in error.fixes[:2]:
        client.infer(fix.apply(stack), np.zeros((1, 1, 50)), seed=1)
