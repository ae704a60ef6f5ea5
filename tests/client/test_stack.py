"""Layers and stacks as the caller writes them."""

import inspect

import numpy as np
import pytest

import lamina as lm
from lamina import layers
from lamina.naming import default_names
from lamina.v1 import merging_pb2, options_pb2


def stack() -> lm.Stack:
    return lm.Stack(
        [
            lm.Input((128, 9)),
            lm.Conv1D(100, 10, activation="relu"),
            lm.Conv1D(100, 10, strides=2, padding="same", name="second"),
            lm.GlobalAveragePooling1D(),
            lm.Dense(6, activation="softmax"),
        ]
    )


def test_names_are_those_keras_gives() -> None:
    assert stack().names == ("input", "conv1d", "second", "global_average_pooling1d", "dense")
    kinds = ["Conv1D", "Conv1D", "MaxPooling1D", "LSTM", "LSTM", "DepthwiseConv2D", "BatchNormalization", "Conv1D"]
    assert default_names(kinds, [None] * 8) == [
        "conv1d", "conv1d_1", "max_pooling1d", "lstm", "lstm_1", "depthwise_conv2d", "batch_normalization", "conv1d_2",
    ]  # fmt: skip


def test_activations_are_named_as_keras_names_them_or_else_as_functions() -> None:
    made = lm.Stack(
        [lm.ReLU(6), lm.LeakyReLU(), lm.PReLU(), lm.ELU(), lm.SiLU(), lm.Hardswish(), lm.ReLU6(), lm.GELU()]
    )
    assert made.names == ("re_lu", "leaky_re_lu", "p_re_lu", "elu", "silu", "hard_swish", "relu6", "gelu")
    again = lm.Stack.from_proto(made.proto)
    assert again.names == made.names
    assert [layer.class_name for layer in again] == [layer.class_name for layer in made]


def test_given_names_are_passed_over() -> None:
    assert default_names(["Conv1D"] * 4, [None, "conv1d", None, "conv1d_2"]) == [
        "conv1d_1", "conv1d", "conv1d_3", "conv1d_2",
    ]  # fmt: skip


def test_list_like() -> None:
    made = stack()
    assert len(made) == 5
    assert [layer.field for layer in made] == ["input", "conv", "conv", "global_average_pool", "dense"]
    assert made["second"] is made[2] is made[-3]
    assert made[1:3] == (made[1], made[2])
    assert "conv1d" in made
    assert "conv2d" not in made
    assert made[1] in made


def test_an_unknown_name_is_a_key_error_with_the_nearest() -> None:
    with pytest.raises(KeyError) as caught:
        stack()["conv1"]
    assert str(caught.value) == "The stack has no layer 'conv1'. Did you mean 'conv1d'?"
    assert isinstance(caught.value, lm.UnknownNameError)


def test_repr_is_the_code_that_makes_it() -> None:
    text = repr(stack())
    assert 'Conv1D(100, 10, strides=2, padding="same", name="second")' in text
    assert eval(text, {name: getattr(lm, name) for name in [*layers.__all__, "Stack"]}) == stack()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lm.Conv2D(8, (3, 5)), "Conv2D(8, (3, 5))"),
        (lm.Conv2D(8, (3, 3), padding=((0, 1), (2, 3))), "Conv2D(8, 3, padding=((0, 1), (2, 3)))"),
        (lm.MaxPooling1D(2, 1), "MaxPooling1D(2, 1)"),
        (lm.MaxPooling1D(2, ceil_mode=True), "MaxPooling1D(2, ceil_mode=True)"),
        (lm.Permute((2, 1)), "Permute((2, 1))"),
        (lm.Reshape((-1, None, "T")), 'Reshape((-1, None, "T"))'),
        (lm.Mean(1, True), "Mean((1,), keepdims=True)"),
        (lm.GreaterEqual(0.5), "GreaterEqual(constant=0.5)"),
        (lm.Add([1, 2]), "Add((1.0, 2.0))"),
        (lm.Add(np.ones((2, 1))), "Add(((1.0,), (1.0,)))"),
        (
            lm.Multiply(merging_pb2.ConstantTensor(values=[1, 2], shape=[3])),  # type: ignore[arg-type]
            "Multiply(constant={'values': [1.0, 2.0], 'shape': [3]})",
        ),
        (lm.ZeroPadding1D((1, 2)), "ZeroPadding1D((1, 2))"),
        (lm.ZeroPadding2D(1), "ZeroPadding2D(1)"),
        (lm.GlobalMaxPooling2D(keepdims=True), "GlobalMaxPooling2D(keepdims=True)"),
        (lm.Add(inputs=["a", "b"], name="sum"), 'Add(name="sum", inputs=["a", "b"])'),
        (lm.Flatten(expect=(4, None)), "Flatten(expect=(4, None))"),
        (lm.ReLU(6), "ReLU(max_value=6.0)"),
        (lm.LeakyReLU(), "LeakyReLU(negative_slope=0.3)"),
        (lm.LayerNormalization((1, 2), 1e-6), "LayerNormalization((1, 2), epsilon=1e-06)"),
        (lm.Rescaling(0.5, offset=-1), "Rescaling((0.5,), (-1.0,))"),
        (lm.Dense(1, weights={"kernel": [[1]]}), "Dense(1, weights=<kernel>)"),
        (
            lm.Dense(1, activation=lm.activations.leaky_relu(0.1)),
            "Dense(1, activation=activations.leaky_relu(negative_slope=0.1))",
        ),
    ],
)
def test_repr_of_layers(layer: lm.Layer, text: str) -> None:
    assert repr(layer) == text


def test_every_constructor_survives_the_message(every_layer: list[lm.Layer]) -> None:
    made = lm.Stack(every_layer)
    back = lm.Stack.from_proto(made.proto)
    assert back == made
    assert back.names == made.names
    assert repr(back) == repr(made)
    assert lm.Stack.from_json(made.to_json()) == made


@pytest.fixture
def every_layer() -> list[lm.Layer]:
    values = {
        "shape": (3,), "target_shape": (3,), "dims": (1,), "n": 2, "padding": 1, "activation": "relu", "units": 3,
        "filters": 3, "kernel_size": 2, "pool_size": 2, "rate": 0.5, "threshold": 0.5, "default_value": -1, "scale": 2,
        "size": 3, "axes": 1, "equation": "bi->b", "k": 2, "output_size": 2, "cells": [lm.LSTMCell(3)],
        "stack": lm.Stack([lm.Input((3,))], name="block"), "layer": lm.LSTM(3), "norm_type": 2.0,
        "dtype": "float32",
    }  # fmt: skip
    made = []
    for name in layers.__all__:
        constructor = getattr(layers, name)
        parameters = inspect.signature(constructor).parameters.values()
        required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        own = values | ({"output_size": (4, 4)} if name == "Fold" else {})
        made.append(constructor(*(own.get(one, 2) for one in required)))
    assert len(made) > 25
    return made


def test_json_keeps_layout_and_outputs() -> None:
    made = lm.Stack([lm.Input((None,)), lm.Dense(2, name="d")], layout="channels_first", outputs=["d"])
    back = lm.Stack.from_json(made.to_json())
    assert (back.layout, back.outputs) == ("channels_first", ("d",))
    with pytest.raises(lm.InvalidArgumentError, match="no stack in JSON"):
        lm.Stack.from_json('{"layer": []}')


def test_what_is_not_given_stays_unset() -> None:
    proto = lm.Stack([lm.Input((3,)), lm.Dense(2)]).proto
    assert proto.layout == options_pb2.LAYOUT_UNSPECIFIED
    assert not proto.layers[1].HasField("name")
    assert [field.name for field, _ in proto.layers[1].dense.ListFields()] == ["units"]


def test_references_by_name_and_by_layer() -> None:
    a = lm.Dense(2, name="a")
    joined = lm.Add(inputs=[a, "b"])
    assert joined.inputs == ("a", "b")
    assert lm.Add(inputs=a).inputs == lm.Add(inputs="a").inputs == ("a",)
    with pytest.raises(lm.InvalidArgumentError, match=r"s \(Add\): inputs\[0\] is Dense\(2\), which has no name"):
        lm.Add(inputs=[lm.Dense(2)], name="s")
    with pytest.raises(lm.InvalidArgumentError, match=r"inputs\[0\] takes names of layers; 3 was given"):
        lm.Add(inputs=[3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([lm.Flatten], r"layers\[0\] is no layer.*Write lm\.Flatten\(\.\.\.\)\."),
        ([lm.Flatten(), "dense"], r"layers\[1\] is no layer; 'dense' was given"),
        (lm.Flatten(), "Stack takes a list of layers"),
        (3, "Stack takes a list of layers; 3 was given"),
    ],
)
def test_what_is_no_stack(given: object, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=said):
        lm.Stack(given)  # type: ignore[arg-type]


def test_weights_of_layers_take_the_names_they_will_have() -> None:
    kernel, bias = np.ones((4, 2)), np.zeros(2)
    made = lm.Stack([lm.Input((4,)), lm.Dense(4), lm.Dense(2, weights={"kernel": kernel, "bias": bias})])
    assert made.weights == {"dense_1": {"kernel": kernel, "bias": bias}}


def test_weights_by_nested_and_by_flat_names() -> None:
    made = lm.Stack([lm.Input((4,)), lm.Dense(2), lm.Dense(1, weights={"kernel": [[1], [2]], "bias": [0]})])
    both = made.with_weights({"dense": {"kernel": [[3]]}, "dense_1/bias": [7]})
    assert both.weights == {"dense": {"kernel": [[3]]}, "dense_1": {"kernel": [[1], [2]], "bias": [7]}}
    assert made.weights["dense_1"]["bias"] == [0]
    assert both != made
    assert both == made.with_weights({"dense": {"kernel": [[3]]}}).with_weights({"dense_1": {"bias": [7]}})
    with pytest.raises(lm.UnknownNameError, match=r"no layer 'dens'\. Did you mean 'dense'"):
        made.with_weights({"dens": {"kernel": [[3]]}})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kernel": [1]}, 'write "kernel/kernel"'),
        ({"a": {"kernel": 1}, "a/kernel": 2}, "'a/kernel' is given twice"),
        ([1], "weights are given by name"),
        ({"a": {1: 2}}, "the name of a weight is text; 1 was given"),
    ],
)
def test_weights_that_say_too_little(given: object, said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        stack().with_weights(given)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_inputs_in_order() -> None:
    made = lm.Stack([lm.Input((1,)), lm.Input((2,), name="b"), lm.Add(inputs=["input", "b"])])
    assert [name for name, _ in made.inputs] == ["input", "b"]
