"""Python values into message fields: what is taken, and what the errors say."""

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.messages import fill, function
from lamina.v1 import convolution_pb2, core_pb2, layers_pb2, normalization_pb2, options_pb2, shaping_pb2, tensor_pb2
from tests.support import require


def conv(rank: int | None = 1, **values: object) -> convolution_pb2.Conv:
    message = convolution_pb2.Conv()
    fill(message, values, rank=rank, where="c (Conv1D)")
    return message


def test_what_is_not_given_stays_unset() -> None:
    assert conv(filters=None, padding=None, activation=None) == convolution_pb2.Conv()
    assert not conv().HasField("use_bias")


@pytest.mark.parametrize(
    ("rank", "given", "stored"),
    [(1, 5, [5]), (2, 5, [5, 5]), (3, (1, 2, 3), [1, 2, 3]), (None, 5, [5]), (2, np.array([3, 4]), [3, 4])],
)
def test_one_number_stands_for_every_axis(rank: int | None, given: object, stored: list[int]) -> None:
    assert list(conv(rank, kernel_size=given).kernel_size) == stored


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_python_and_numpy(value: object) -> None:
    assert conv(filters=value).filters == 3


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float32(3), "3", [3], 2**63])
def test_what_is_no_whole_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=r"c \(Conv1D\): filters ") as caught:
        conv(filters=value)
    assert caught.value.field == "filters"
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_sequence_of_another_rank_names_layer_field_and_both_numbers() -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        conv(2, strides=(1, 2, 3))
    assert str(caught.value) == ("c (Conv1D): strides takes 2 numbers, one for each spatial axis; (1, 2, 3) has 3.")
    assert caught.value.reason == "WRONG_LENGTH"


def test_an_entry_is_named_by_its_index() -> None:
    with pytest.raises(lm.InvalidArgumentError, match=r"kernel_size\[1\] takes a whole number; 2\.5"):
        conv(2, kernel_size=(1, 2.5))


@pytest.mark.parametrize("name", ["valid", "same", "same_lower", "causal"])
def test_padding_by_rule(name: str) -> None:
    assert conv(padding=name).padding.mode == options_pb2.PaddingMode.Value(f"PADDING_MODE_{name.upper()}")


def test_padding_by_pairs() -> None:
    pads = conv(2, padding=((1, 2), (0, 3))).padding.explicit.pads
    assert [(pad.before, pad.after) for pad in pads] == [(1, 2), (0, 3)]


@pytest.mark.parametrize(
    ("rank", "given", "pairs"),
    [(1, 2, [(2, 2)]), (1, (2,), [(2, 2)]), (2, 1, [(1, 1), (1, 1)]), (2, (1, 2), [(1, 1), (2, 2)])],
)
def test_padding_as_torch_writes_it(rank: int, given: object, pairs: list[tuple[int, int]]) -> None:
    assert [(pad.before, pad.after) for pad in conv(rank, padding=given).padding.explicit.pads] == pairs


def test_two_numbers_for_one_axis_are_answered_with_what_to_write() -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        conv(1, padding=(1, 2))
    assert "for (1, 2) write ((1, 2),)." in str(caught.value)


@pytest.mark.parametrize(
    ("rank", "given", "pairs"),
    [
        (1, 2, [(2, 2)]),
        (1, (1, 2), [(1, 2)]),
        (1, ((1, 2),), [(1, 2)]),
        (2, 1, [(1, 1), (1, 1)]),
        (2, (1, 2), [(1, 1), (2, 2)]),
        (2, ((1, 2), (3, 4)), [(1, 2), (3, 4)]),
        (3, (1, (2, 3), 0), [(1, 1), (2, 3), (0, 0)]),
        (1, (-1, 2), [(-1, 2)]),  # what a layer admits is for the server to say
        (2, [{"before": 1}, {"after": 2}], [(1, 0), (0, 2)]),
    ],
)
def test_zero_padding_forms(rank: int, given: object, pairs: list[tuple[int, int]]) -> None:
    message = shaping_pb2.ZeroPadding()
    fill(message, {"padding": given}, rank=rank, where="pad")
    assert [(pad.before, pad.after) for pad in message.padding] == pairs


@pytest.mark.parametrize("given", [(1, 2, 3), ((1, 2, 3), (1, 2)), 1.5, "same"])
def test_zero_padding_refuses(given: object) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="padding"):
        fill(shaping_pb2.ZeroPadding(), {"padding": given}, rank=2, where="pad")


def test_shapes_hold_numbers_symbols_and_any() -> None:
    message = core_pb2.Input()
    fill(message, {"shape": (np.int32(128), "T", None, lm.Dim("T"), -1)}, where="Input")
    said = [dim.expression or dim.size for dim in message.shape.dims]
    assert said == [128, "T", "?", "T", -1]


@pytest.mark.parametrize("given", [128, "T", lm.Dim("T")])
def test_a_shape_without_its_tuple(given: object) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="takes a tuple of sizes: write"):
        fill(core_pb2.Input(), {"shape": given}, where="Input")


def test_output_shape_may_be_one_number_as_in_keras() -> None:
    for given in (64, (64,)):
        assert lm.EinsumDense("ab,bc->ac", given).proto == lm.EinsumDense("ab,bc->ac", (64,)).proto  # type: ignore[arg-type]
        assert list(lm.MultiHeadAttention(2, 4, output_shape=given).proto.multi_head_attention.output_shape) == [64]


@pytest.mark.parametrize("given", ["float32", np.float32, np.dtype("float32"), "DATA_TYPE_FLOAT32", np.dtype("<f4")])
def test_types_by_name_and_by_numpy(given: object) -> None:
    message = core_pb2.Input()
    fill(message, {"dtype": given}, where="Input")
    assert message.dtype == tensor_pb2.DATA_TYPE_FLOAT32


def test_bfloat16_of_ml_dtypes() -> None:
    ml_dtypes = require("ml_dtypes")
    message = core_pb2.Input()
    fill(message, {"dtype": ml_dtypes.bfloat16}, where="Input")
    assert message.dtype == tensor_pb2.DATA_TYPE_BFLOAT16


@pytest.mark.parametrize("given", ["float23", float, 99, True, np.complex64])
def test_types_that_are_none(given: object) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="dtype"):
        fill(core_pb2.Input(), {"dtype": given}, where="Input")


def test_functions_by_name_message_and_mapping() -> None:
    by_name = conv(activation="relu").activation
    assert by_name.WhichOneof("function") == "relu"
    leaky = function("leaky_relu", {"negative_slope": 0.1})
    assert conv(activation=leaky).activation == leaky
    assert conv(activation={"leaky_relu": {"negative_slope": 0.1}}).activation == leaky
    assert not function("leaky_relu", {"negative_slope": None}).leaky_relu.HasField("negative_slope")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("swish", "silu"),
        ("hard_silu", "hard_swish"),
        ("hardswish", "hard_swish"),
        ("hardsigmoid", "hard_sigmoid"),
        ("hardtanh", "hard_tanh"),
        ("hardshrink", "hard_shrink"),
        ("softshrink", "soft_shrink"),
        ("tanhshrink", "tanh_shrink"),
        ("logsigmoid", "log_sigmoid"),
        ("exp", "exponential"),
    ],
)
def test_functions_by_the_names_of_keras_and_pytorch(name: str, known: str) -> None:
    assert conv(activation=name) == conv(activation=known)


@pytest.mark.parametrize(("name", "layer"), [("glu", "GLU"), ("prelu", "PReLU")])
def test_what_is_a_layer_only_is_no_function(name: str, layer: str) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=rf"so it is a layer of its own: put {layer}\(\) behind this one"):
        conv(activation=name)


def test_one_number_for_a_list_of_them() -> None:
    message = normalization_pb2.Rescaling()
    fill(message, {"scale": 0.5, "offset": [1, 2.5]}, where="Rescaling")
    assert (list(message.scale), list(message.offset)) == ([0.5], [1, 2.5])
    fill(message, {"scale": np.float32(0.25)}, where="Rescaling")
    assert list(message.scale) == [0.5, 0.25]
    with pytest.raises(lm.InvalidArgumentError, match="scale takes a sequence"):
        fill(message, {"scale": "1"}, where="Rescaling")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"activation": "rleu"}, "knows no function 'rleu'. Did you mean 'relu'"),
        ({"padding": "smae"}, "knows no value 'smae'. Did you mean 'same'?"),
        ({"data_format": "channel_last"}, "Did you mean 'channels_last'"),
        ({"filterz": 3}, "filterz is no option of Conv. Did you mean 'filters'?"),
        ({"activation": {"leaky_relu": {"slope": 1}}}, "activation.leaky_relu.slope is no option of LeakyRelu."),
        ({"activation": 3}, "takes the name of a function"),
        ({"activation": options_pb2.Padding()}, "takes a ActivationFunction; a Padding was given"),
        ({"use_bias": 1}, "use_bias is True or False; 1 was given."),
    ],
)
def test_misspellings_are_answered_with_the_nearest(values: dict[str, Any], said: str) -> None:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        conv(**values)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["0.5", True, None.__class__, 1j])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="rate takes a number"):
        fill(core_pb2.Dropout(), {"rate": value}, where="Dropout")


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int8(1)])
def test_what_is_a_number(value: float) -> None:
    message = core_pb2.Dropout()
    fill(message, {"rate": value}, where="Dropout")
    assert message.rate == float(value)


def test_whole_stacks_from_mappings() -> None:
    stack = layers_pb2.Stack()
    layers = [{"input": {"shape": [4]}}, {"name": "d", "dense": {"units": 2, "activation": "relu"}}]
    fill(stack, {"layers": layers, "layout": "channels_first", "outputs": ["d"]}, where="stack.yaml")
    assert lm.Stack.from_proto(stack) == lm.Stack(
        [lm.Input((4,)), lm.Dense(2, activation="relu", name="d")], layout="channels_first", outputs="d"
    )


def test_an_error_deep_in_a_stack_names_the_path() -> None:
    layers = [{"dense": {"units": 2.5}}]
    with pytest.raises(lm.InvalidArgumentError, match=r"stack\.yaml: layers\[0\]\.dense\.units takes a whole number"):
        fill(layers_pb2.Stack(), {"layers": layers}, where="stack.yaml")


@pytest.mark.parametrize(
    ("given", "values", "shape"),
    [
        (3, [3], []),
        (np.float32(0.5), [0.5], []),
        ([1, 2], [1, 2], []),
        (np.array(2.0), [2], []),
        (((1, 2), (3, 4)), [1, 2, 3, 4], [2, 2]),
        (np.arange(6).reshape(3, 1, 2), [0, 1, 2, 3, 4, 5], [3, 1, 2]),
    ],
)
def test_constants_are_numbers_in_any_depth(given: Any, values: list[float], shape: list[int]) -> None:
    constant = lm.Add(given).proto.add.constant
    assert list(constant.values) == values and list(constant.shape) == shape


@pytest.mark.parametrize("given", [[[1], [2, 3]], [], [[], []], ["a"], "3", [None], [True]])
def test_what_is_no_constant_is_refused(given: Any) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="constant"):
        lm.Add(given)
