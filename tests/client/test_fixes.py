"""Fixes applied: layers keep their weights, references keep their layers, nothing given is changed."""

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.v1 import options_pb2, tensor_pb2, trace_pb2


def fix(*edits: dict[str, Any]) -> lm.Fix:
    return lm.Fix(
        trace_pb2.Fix(title="do this", outcome="a: batch, 1", stack_edits=[trace_pb2.StackEdit(**e) for e in edits])
    )


def array_fix(*edits: dict[str, Any]) -> lm.Fix:
    return lm.Fix(trace_pb2.Fix(title="do this", array_edits=[trace_pb2.ArrayEdit(**edit) for edit in edits]))


def insert(index: int, layer: lm.Layer) -> dict[str, Any]:
    return {"insert_layer": trace_pb2.InsertLayer(index=index, layer=layer.proto)}


def replace(index: int, layer: lm.Layer) -> dict[str, Any]:
    return {"replace_layer": trace_pb2.ReplaceLayer(index=index, layer=layer.proto)}


def remove(index: int) -> dict[str, Any]:
    return {"remove_layer": trace_pb2.RemoveLayer(index=index)}


KERNEL = np.ones((2, 1, 64), np.float32)


def test_insert_before_a_layer_that_follows_by_default() -> None:
    before = lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2, name="conv", weights={"kernel": KERNEL})])
    after = fix(insert(1, lm.Reshape((68, 1)))).apply(before)
    assert after == lm.Stack(
        [lm.Input((68,)), lm.Reshape((68, 1)), lm.Conv1D(64, 2, name="conv", weights={"kernel": KERNEL})]
    )
    assert len(before) == 2


def test_insert_before_a_layer_that_names_its_inputs() -> None:
    before = lm.Stack(
        [lm.Input((4, 4)), lm.Dense(3, name="a"), lm.Dense(3, name="b", inputs="input"), lm.Add(inputs=["a", "b"])]
    )
    after = fix(insert(3, lm.Dropout(0.5, inputs="a"))).apply(before)
    assert after[4].inputs == ("dropout", "b")
    assert after[3].inputs == ("a",)
    assert after["b"].inputs == ("input",)


def test_insert_leaves_other_users_of_the_same_input_alone() -> None:
    before = lm.Stack([lm.Input((4,), name="x"), lm.Dense(4, inputs="x"), lm.Add(inputs=["x", "dense"])])
    after = fix(insert(1, lm.Dropout(0.1, inputs="x"))).apply(before)
    assert after[2].inputs == ("dropout",)
    assert after[3].inputs == ("x", "dense")


def test_insert_that_takes_from_elsewhere_does_not_capture_the_next_layer() -> None:
    before = lm.Stack([lm.Input((4,), name="x"), lm.Dense(4, name="a"), lm.Dense(2, name="b")])
    after = fix(insert(2, lm.Dropout(0.1, inputs="x", name="side"))).apply(before)
    assert after["b"].inputs == ("a",)


def test_references_by_default_name_follow_their_layer() -> None:
    before = lm.Stack(
        [lm.Input((4,)), lm.Dense(4), lm.Dense(4), lm.Add(inputs=["dense", "dense_1"])], outputs=["dense_1", "add"]
    )
    after = fix(insert(1, lm.Dense(4))).apply(before)
    assert after.names == ("input", "dense", "dense_1", "dense_2", "add")
    assert after[4].inputs == ("dense_1", "dense_2")
    assert after.outputs == ("dense_2", "add")


def test_several_outputs_of_a_layer_stay_told_apart() -> None:
    before = lm.Stack(
        [lm.Input((5, 4)), lm.LSTM(3, return_state=True), lm.Dense(1, inputs="lstm:state_h")], outputs="dense"
    )
    after = fix(insert(2, lm.Dropout(0.1, inputs="lstm:state_h"))).apply(before)
    assert after[3].inputs == ("dropout",)
    assert after[2].inputs == ("lstm:state_h",)
    untouched = fix(insert(2, lm.Dropout(0.1, inputs="lstm"))).apply(before)
    assert untouched[3].inputs == ("lstm:state_h",)


def test_insert_at_the_end() -> None:
    after = fix(insert(2, lm.Flatten())).apply(lm.Stack([lm.Input((4, 4)), lm.Dense(2)]))
    assert after.names == ("input", "dense", "flatten")


def test_replace_keeps_the_name_and_the_weights_that_fit() -> None:
    before = lm.Stack(
        [lm.Input((68,)), lm.Conv1D(64, 2, name="conv", weights={"kernel": KERNEL}), lm.Dense(1, inputs="conv")]
    )
    changed = fix(replace(1, lm.Conv1D(64, 2, padding="same"))).apply(before)
    assert changed["conv"] == lm.Conv1D(64, 2, padding="same", name="conv", weights={"kernel": KERNEL})
    exchanged = fix(replace(1, lm.Dense(64))).apply(before)
    assert exchanged["conv"] == lm.Dense(64, name="conv")
    assert exchanged[2].inputs == ("conv",)


def test_replace_by_another_kind_moves_references_by_default_name() -> None:
    before = lm.Stack([lm.Input((4,)), lm.Dense(4), lm.Dense(4), lm.Add(inputs=["dense", "dense_1"])])
    after = fix(replace(1, lm.Dropout(0.1))).apply(before)
    assert after.names == ("input", "dropout", "dense", "add")
    assert after[3].inputs == ("dropout", "dense")


def test_remove_closes_the_gap() -> None:
    before = lm.Stack(
        [lm.Input((4,), name="x"), lm.Flatten(name="f", inputs="x"), lm.Dense(2, name="d"), lm.Add(inputs=["f", "d"])],
        outputs=["f", "add"],
    )
    after = fix(remove(1)).apply(before)
    assert after["d"].inputs == ()
    assert after["add"].inputs == ("x", "d")
    assert after.outputs == ("x", "add")


def test_remove_keeps_the_branch_the_next_layer_was_on() -> None:
    before = lm.Stack(
        [lm.Input((4,), name="x"), lm.Dense(3, name="a"), lm.Flatten(name="f", inputs="x"), lm.Dense(2, name="d")]
    )
    assert fix(remove(2)).apply(before)["d"].inputs == ("x",)


def test_set_layout_and_several_edits_in_order() -> None:
    before = lm.Stack([lm.Input((4, 8)), lm.Conv1D(2, 3)])
    steps = [
        insert(1, lm.Permute((2, 1))),
        {"set_layout": trace_pb2.SetLayout(layout=options_pb2.LAYOUT_CHANNELS_FIRST)},
    ]
    after = fix(*steps).apply(before)
    assert after.layout == "channels_first"
    assert after.names == ("input", "permute", "conv1d")
    assert before.layout == ""


@pytest.mark.parametrize("edit", [remove(7), replace(2, lm.Dense(1)), insert(9, lm.Dense(1)), remove(-1)])
def test_a_fix_for_another_stack(edit: dict[str, Any]) -> None:
    with pytest.raises(lm.InvalidArgumentError, match="it was made for another stack"):
        fix(edit).apply(lm.Stack([lm.Input((4,)), lm.Dense(2)]))


def test_an_edit_of_a_newer_schema() -> None:
    with pytest.raises(lm.InvalidArgumentError, match="a newer one does"):
        fix({}).apply(lm.Stack([lm.Input((4,))]))
    with pytest.raises(lm.InvalidArgumentError, match="a newer one does"):
        array_fix({"name": "x"}).apply_to([1])


def test_each_kind_of_fix_says_what_it_is_for() -> None:
    of_stack, of_array = fix(remove(1)), array_fix({"expand_dims": trace_pb2.ExpandDims(axis=0)})
    assert (of_stack.changes_stack, of_stack.changes_array) == (True, False)
    assert (of_array.changes_stack, of_array.changes_array) == (False, True)
    with pytest.raises(lm.InvalidArgumentError, match=r"use fix\.apply\(stack\)"):
        of_stack.apply_to([1])
    with pytest.raises(lm.InvalidArgumentError, match=r"use fix\.apply_to\(x\)"):
        of_array.apply(lm.Stack([]))


def test_array_edits() -> None:
    x = np.zeros((1, 740))
    steps: list[dict[str, Any]] = [
        {"expand_dims": trace_pb2.ExpandDims(axis=0)},
        {"transpose": trace_pb2.Transpose(axes=[0, 2, 1])},
        {"cast": trace_pb2.CastArray(data_type=tensor_pb2.DATA_TYPE_FLOAT16)},
    ]
    after = array_fix(*steps).apply_to(x)
    assert after.shape == (1, 740, 1)
    assert after.dtype == np.float16
    assert array_fix({"squeeze": trace_pb2.Squeeze(axis=0)}).apply_to(x.tolist()).shape == (740,)
    assert x.shape == (1, 740)


def test_arrays_by_name() -> None:
    x, y = np.zeros(3), np.zeros(4)
    only_b = array_fix({"name": "b", "expand_dims": trace_pb2.ExpandDims(axis=0)})
    both = only_b.apply_to({"a": x, "b": y})
    assert (both["a"].shape, both["b"].shape) == ((3,), (1, 4))
    assert only_b.apply_to(y).shape == (1, 4)
    unnamed = array_fix({"expand_dims": trace_pb2.ExpandDims(axis=0)})
    assert unnamed.apply_to({"a": x})["a"].shape == (1, 3)
    with pytest.raises(lm.UnknownNameError, match="No array is given for input 'b'"):
        only_b.apply_to({"a": x, "c": y})
    several = array_fix(*({"name": name, "expand_dims": trace_pb2.ExpandDims(axis=0)} for name in "ab"))
    with pytest.raises(lm.InvalidArgumentError, match=r"give them by name, as \{'a': \.\.\., 'b': \.\.\.\}"):
        several.apply_to(x)


@pytest.mark.parametrize(
    "edit", [{"squeeze": trace_pb2.Squeeze(axis=1)}, {"transpose": trace_pb2.Transpose(axes=[0])},
             {"expand_dims": trace_pb2.ExpandDims(axis=9)}],
)  # fmt: skip
def test_an_array_the_fix_was_not_made_for(edit: dict[str, Any]) -> None:
    with pytest.raises(lm.InvalidArgumentError, match=r"does not fit an array of shape \(1, 740\)"):
        array_fix(edit).apply_to(np.zeros((1, 740)))
