"""Traces as values: every part of the message has its place, sizes are numbers, None or `Dim`."""

import json

import pytest

import lamina as lm
from lamina.specs import AppliedPad, Axis, ReceptiveField, Unused, WeightSpec
from lamina.v1 import trace_pb2
from tests.client import samples


def har() -> lm.Trace:
    return lm.Trace(samples.har(), "har")


def test_layers_by_name_and_in_order() -> None:
    trace = har()
    assert [layer.name for layer in trace] == ["input", "conv1d", "pool", "dense"]
    assert len(trace) == 4
    assert "conv1d" in trace
    assert trace["conv1d"] is trace.layers[1]
    with pytest.raises(KeyError, match="conv1") as caught:
        trace["conv1"]
    assert "Did you mean 'conv1d'?" in str(caught.value)


def test_shapes_show_the_batch_as_none() -> None:
    conv = har()["conv1d"]
    assert conv.output_shape == (None, 119, 100)
    assert conv.input_shapes == ((None, 128, 9),)
    assert conv.output_shapes == {"conv1d": (None, 119, 100)}
    assert conv.axes == ("batch", "steps", "channels")
    assert conv.outputs[0].axes[1] == Axis("steps", 119)
    assert conv.outputs[0].dtype == "float32"


def test_symbols_are_dims() -> None:
    spec = samples.spec("a", steps="ceil(T / 2)", channels=3)
    layer = lm.LayerTrace(
        samples.layer("a", "Conv1D", "Conv1D(3, 2)", spec, macs=trace_pb2.Quantity(value=samples.dim("6 * T")))
    )
    assert layer.output_shape == (None, lm.Dim("ceil(T / 2)"), 3)
    assert layer.macs == lm.Dim("6 * T")
    assert repr(layer) == "LayerTrace('a', 'Conv1D(3, 2)', (None, ceil(T / 2), 3))"


def test_a_batch_that_is_a_number_is_shown() -> None:
    spec = trace_pb2.TensorSpec(axes=[trace_pb2.Axis(role=trace_pb2.AXIS_ROLE_BATCH, size=samples.dim(1))])
    assert lm.TensorSpec.from_proto(spec).shape == (1,)


def test_every_fact_of_a_layer() -> None:
    conv = har()["conv1d"]
    assert (conv.kind, conv.summary, conv.how) == ("Conv1D", "Conv1D(100, 10)", "steps 128 - 10 + 1 = 119")
    assert (conv.params, conv.trainable_params, conv.non_trainable_params) == (9100, 9100, 0)
    assert (conv.params_formula, conv.params_expression) == ("filters * (k * c + 1)", "100 * (10 * 9 + 1)")
    assert (conv.macs, conv.output_bytes) == (1_071_000, 47_600)
    steps, channels = conv.derivations
    assert (steps.role, steps.axis, steps.before, steps.result) == ("steps", 1, 128, 119)
    assert (steps.formula, steps.substitution) == ("L - k + 1", "128 - 10 + 1")
    assert steps.reason == "a window of 10 has 119 places"
    assert channels.before is None
    assert conv.pads == (AppliedPad("steps", 0, lm.Dim("T - 1")),)
    assert conv.unused == (Unused("steps", 1),)
    assert conv.weights == (WeightSpec("conv1d/kernel", "float32", (10, 9, 100), True),)
    assert conv.receptive_field == (ReceptiveField("steps", 10, 1, 4.5, "steps"),)
    assert [(note.severity, note.reason, str(note)) for note in conv.notes] == [("warning", "SWAPPED", "1 step only")]


def test_totals() -> None:
    trace = har()
    assert (trace.params, trace.trainable_params, trace.macs) == (9706, 9706, 1_071_600)
    assert trace.layout == "channels_last"
    assert trace.symbols == {"T": 10}
    assert trace.peak_activation_bytes is None
    assert [spec.shape for spec in (*trace.inputs, *trace.outputs)] == [(None, 128, 9), (None, 6)]
    assert [(name, note.reason) for name, note in trace.notes] == [("conv1d", "SWAPPED")]


def test_params_without_a_quantity() -> None:
    assert har()["dense"].params == 606
    assert har()["dense"].params_expression == ""
    assert har()["pool"].params == 0


def test_explain_gives_words_and_notes() -> None:
    assert har().explain("conv1d") == ("channels 9 -> 100. Every filter spans all 9 input channels.\nnote: 1 step only")


def test_json_is_the_whole_message() -> None:
    assert json.loads(har().to_json())["layers"][1]["summary"] == "Conv1D(100, 10)"


def test_repr_is_short() -> None:
    assert repr(har()) == "Trace('har', 4 layers, 9706 params)"
