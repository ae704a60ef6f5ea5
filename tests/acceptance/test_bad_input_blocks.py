"""Layers inside layers that cannot be, or that are meant to hurt: loops, doubling, depth, names, what does not fit."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from lamina.v1 import layers_pb2, service_pb2, tensor_pb2
from tests.acceptance.raw import HANG_SECONDS, Raw
from tests.acceptance.requests import INPUT, TAKING_STACKS, asking, infer, stack, tensor
from tests.acceptance.words import says

pytestmark = pytest.mark.usefixtures("harmless")

IN = 'layers { name: "in" input { shape { dims { expression: "?" } dims { expression: "?" } } } }'
DENSE = 'layers { name: "d" dense { units: 3 } }'
GOOD = f'blocks {{ name: "good" {IN} {DENSE} }}'


def using(name: str, more: str = "") -> str:
    return f'layers {{ name: "use" block {{ stack: "{name}" }} {more} }}'


def block(name: str, layers: str, more: str = "") -> str:
    return f'blocks {{ name: "{name}" {layers} {more} }}'


def steps(layer: str, more: str = "") -> str:
    return f'layers {{ name: "td" time_distributed {{ layer {{ {layer} }} }} {more} }}'


WRONG = {
    "no name": (INPUT + "layers { block {} }", "MISSING_FIELD", "layers[1].block.stack", ["no stack"]),
    "empty name": (INPUT + using(""), "UNKNOWN_BLOCK", "layers[1].block.stack", ['""', "there are none"]),
    "unknown": (GOOD + INPUT + using("goood"), "UNKNOWN_BLOCK", "layers[1].block.stack", ['did you mean "good"']),
    "itself": (INPUT + using("a") + block("a", IN + using("a")), "UNKNOWN_BLOCK", "blocks[0].layers[1].block.stack",
               ["use/use", "uses it, which would never end"]),
    "later": (INPUT + using("a") + block("a", IN + using("b")) + block("b", IN + using("a")), "UNKNOWN_BLOCK",
              "blocks[0].layers[1].block.stack", ["comes after its own", '"a"']),
    "no layers": (INPUT + using("a") + 'blocks { name: "a" }', "EMPTY_STACK", "blocks[0].layers", ['block "a"']),
    "no input": (INPUT + using("a") + block("a", DENSE), "NO_INPUT", "blocks[0].layers", ['block "a"', "Input"]),
    "too few": (INPUT + using("a") + block("a", IN + IN.replace('"in"', '"too"')), "INPUT_COUNT", "layers[1].inputs",
                ["2 Inputs", "1 tensor"]),
    "too many": (INPUT + GOOD + using("good", 'inputs: "x" inputs: "x"'), "INPUT_COUNT", "layers[1].inputs",
                 ["1 Input", "2 tensors"]),
    "unknown output": (INPUT + using("a") + block("a", IN + DENSE, 'outputs: "e"'), "UNKNOWN_OUTPUT",
                       "blocks[0].outputs[0]", ['"e"', '"d"']),
    "output twice": (INPUT + using("a") + block("a", IN + DENSE, 'outputs: "d" outputs: "d"'), "DUPLICATE_OUTPUT",
                     "blocks[0].outputs[1]", ['"d" twice']),
    "block twice": (INPUT + GOOD + GOOD, "DUPLICATE_NAME", "blocks[1].name", [r"blocks\[0\]", '"good"']),
    "bad block name": (INPUT + block("a/b", IN + DENSE), "BAD_NAME", "blocks[0].name", ['"a/b"']),
    "empty block name": (INPUT + block("", IN + DENSE), "BAD_NAME", "blocks[0].name", ['""']),
    "slash inside": (INPUT + using("a") + block("a", IN + DENSE.replace('"d"', '"d/e"')), "BAD_NAME",
                     "blocks[0].layers[1].name", ['"d/e"']),
    "name twice inside": (INPUT + using("a") + block("a", IN + DENSE + DENSE), "DUPLICATE_NAME",
                          "blocks[0].layers[2].name", ['"d"', r"blocks\[0\]\.layers\[1\]"]),
    "slash in a layer": (INPUT + steps('name: "d/e" dense { units: 3 }'), "BAD_NAME",
                         "layers[1].time_distributed.layer.name", ['"d/e"']),
    "inner name from outside": (INPUT + GOOD + using("good") + 'layers { flatten {} inputs: "use/d" }',
                                "UNKNOWN_INPUT", "layers[2].inputs", ['"use/d"']),
    "inner output of the stack": (INPUT + GOOD + using("good") + 'outputs: "use/d"', "UNKNOWN_OUTPUT", "outputs[0]",
                                  ['"use/d"']),
    "another rank": (INPUT + using("a") + block("a", 'layers { input { shape { dims { size: 3 } } } }' + DENSE),
                     "RANK_MISMATCH", "layers[1].inputs", ["1 axis", "batch, 8"]),
    "another size": (INPUT + using("a") + block("a", INPUT.replace("size: 8", "size: 9") + DENSE), "SIZE_MISMATCH",
                     "layers[1].inputs", ["9", "8"]),
    "one symbol, two sizes": (
        INPUT + using("a") + block("a", IN.replace("?", "S") + DENSE), "SIZE_MISMATCH", "layers[1].inputs",
        ["S = 8", "3 "]),
    "nothing inside": (INPUT + "layers { time_distributed {} }", "MISSING_FIELD", "layers[1].time_distributed.layer",
                       ["no layer"]),
    "no kind inside": (INPUT + "layers { time_distributed { layer {} } }", "EMPTY_UNION",
                       "layers[1].time_distributed.layer", ["no kind"]),
    "an input inside": (INPUT + steps("input { shape { dims { size: 3 } } }"), "UNSUPPORTED",
                        "layers[1].time_distributed.layer", ["holds an Input"]),
    "inputs inside": (INPUT + steps('dense { units: 3 } inputs: "x"'), "UNSUPPORTED",
                      "layers[1].time_distributed.layer.inputs", ["inputs of its own"]),
    "a merge inside": (INPUT + steps("concatenate{}"), "UNSUPPORTED", "layers[1].time_distributed.layer", ["2 inputs"]),
    "options inside": (INPUT + steps("dense { units: 0 }"), "OUT_OF_RANGE",
                       "layers[1].time_distributed.layer.dense.units", ["units=0", "td/dense"]),
    "no steps": ("layers { input { shape { dims { size: 3 } } } }" + steps("dense { units: 2 }"), "RANK_MISMATCH",
                 "layers[1].time_distributed", ["at least one axis more"]),
    "no kernel": (INPUT + "layers { spectral_normalization { layer { flatten {} } } }", "UNSUPPORTED",
                  "layers[1].spectral_normalization.layer", ["Flatten"]),
    "recurrent": (INPUT + "layers { spectral_normalization { layer { lstm { units: 3 } } } }", "UNSUPPORTED",
                  "layers[1].spectral_normalization.layer", ["LSTM"]),
    "no power": (INPUT + "layers { spectral_normalization { layer { dense { units: 3 } } power_iterations: 0 } }",
                 "OUT_OF_RANGE", "layers[1].spectral_normalization.power_iterations", ["1 or more"]),
    "weights of nobody": (INPUT + DENSE + DENSE.replace('"d"', '"e" weights_of: "f"'), "UNKNOWN_LAYER",
                          "layers[2].weights_of", ['"f"', "no layer before it"]),
    "weights of itself": (INPUT + DENSE.replace('"d"', '"d" weights_of: "d"'), "UNKNOWN_LAYER", "layers[1].weights_of",
                          ["no layer before it"]),
    "weights of a later one": (INPUT + DENSE.replace('"d"', '"e" weights_of: "d"') + DENSE, "UNKNOWN_LAYER",
                               "layers[1].weights_of", ["no layer before it"]),
    "weights of an output": (INPUT + 'layers { name: "l" lstm { units: 3 return_state: true } }' + DENSE.replace(
        '"d"', '"e" weights_of: "l:state_h"'), "UNKNOWN_LAYER", "layers[2].weights_of", ['"l"']),
    "weights of another kind": (INPUT + DENSE + 'layers { weights_of: "d" conv { filters: 3 kernel_size: 1 } }',
                                "WEIGHTS_DIFFER", "layers[2].weights_of", ["another kind", "Dense"]),
    "weights of another shape": (INPUT + DENSE + 'layers { weights_of: "d" dense { units: 4 } }', "WEIGHTS_DIFFER",
                                 "layers[2].weights_of", [r"kernel is float32 \(3, 3\)", r"float32 \(3, 4\)"]),
    "weights too many": (INPUT + DENSE + 'layers { weights_of: "d" dense { units: 3 use_bias: false } }',
                         "WEIGHTS_DIFFER", "layers[2].weights_of", ["more than it needs", "d/bias"]),
    "no weights": (INPUT + 'layers { name: "f" flatten {} } layers { weights_of: "f" flatten {} }', "WEIGHTS_DIFFER",
                   "layers[2].weights_of", ["leave weights_of out"]),
    "weights of another block": (
        INPUT + GOOD + block("other", IN + 'layers { name: "e" dense { units: 3 } }') + using("good")
        + 'layers { weights_of: "use" block { stack: "other" } }', "WEIGHTS_DIFFER", "blocks[1].layers[1].weights_of",
        ["use/e"]),
    "weights of a larger block": (
        INPUT + block("more", IN + DENSE + DENSE.replace('"d"', '"e"')) + GOOD + using("more")
        + 'layers { weights_of: "use" block { stack: "good" } }', "WEIGHTS_DIFFER", "layers[2].weights_of",
        ["more than it needs", "use/e/kernel"]),
    "weights of a layer outside": (INPUT + DENSE + steps('dense { units: 3 } weights_of: "d"'), "UNKNOWN_LAYER",
                                   "layers[2].time_distributed.layer.weights_of", ['"d"']),
    "expectation inside": (INPUT + using("a") + block("a", IN + DENSE.replace("}", "} expect { dims { size: 9 } }", 1)),
                           "EXPECTATION_NOT_MET", "blocks[0].layers[1].expect", ["use/d"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "field", "words"), WRONG.values(), ids=WRONG)
def test_a_layer_inside_that_cannot_be(raw: Raw, text: str, reason: str, field: str, words: list[str]) -> None:
    refusal = raw.refusal("Trace", asking("Trace", stack(text)))
    assert (refusal.code, refusal.reason, refusal.field) == ("INVALID_ARGUMENT", reason, f"stack.{field}")
    says(refusal.message, *words)
    assert refusal.diagnostic is not None


# ---- what would take for ever, or more memory than there is ----


def doubling(levels: int) -> layers_pb2.Stack:
    """Each block uses the one before it twice: 2^levels layers in a few lines."""
    made = stack(INPUT + block("b0", IN + DENSE) + using(f"b{levels}"))
    for level in range(1, levels + 1):
        twice = using(f"b{level - 1}") + using(f"b{level - 1}").replace('"use"', '"again"')
        made.MergeFrom(stack(block(f"b{level}", IN + twice)))
    return made


def chain(levels: int) -> layers_pb2.Stack:
    """Each block holds the one before it, and nothing else."""
    made = stack(INPUT + block("b0", IN + DENSE) + using(f"b{levels}"))
    for level in range(1, levels + 1):
        made.MergeFrom(stack(block(f"b{level}", IN + using(f"b{level - 1}"))))
    return made


def nested(levels: int) -> layers_pb2.Stack:
    """A layer in a layer in a layer."""
    made = stack(INPUT)
    layer = made.layers.add()
    for _ in range(levels):
        layer = layer.time_distributed.layer
    layer.dense.units = 3
    return made


def long_block(count: int) -> layers_pb2.NamedStack:
    """A block "b" of many layers."""
    made = stack(block("b", IN)).blocks[0]
    made.layers.extend([layers_pb2.Layer(dropout={})] * count)
    return made


def wide(count: int) -> layers_pb2.Stack:
    """A block of many layers, used many times."""
    made = stack(INPUT)
    made.blocks.append(long_block(count))
    made.layers.extend([layers_pb2.Layer(block={"stack": "b"})] * count)
    return made


def many_inputs(count: int) -> layers_pb2.Stack:
    """Every Input asks a long block what its axes are."""
    made = layers_pb2.Stack(blocks=[long_block(count)])
    (entry,) = stack(INPUT).layers
    for i in range(count):
        entry.name = f"x{i}"
        made.layers.extend([entry, layers_pb2.Layer(inputs=[entry.name], block={"stack": "b"})])
    return made


def never_used(count: int) -> layers_pb2.Stack:
    """A block of many layers that nobody uses."""
    made = stack(INPUT + DENSE)
    made.blocks.append(long_block(count))
    return made


HURTING: dict[str, tuple[Callable[[], layers_pb2.Stack], str, str]] = {
    "doubling": (lambda: doubling(12), "RESOURCE_EXHAUSTED", "number of layers"),
    "doubling 40 times": (lambda: doubling(40), "INVALID_ARGUMENT", "16 other layers"),
    "a chain": (lambda: chain(40), "INVALID_ARGUMENT", "16 other layers"),
    "a chain of 1000": (lambda: chain(1000), "INVALID_ARGUMENT", "16 other layers"),
    "nested": (lambda: nested(40), "INVALID_ARGUMENT", "16 other layers|at least one axis more"),
    "wide": (lambda: wide(2000), "RESOURCE_EXHAUSTED", "number of layers"),
    "wider": (lambda: wide(100_000), "RESOURCE_EXHAUSTED", "number of layers"),
    "many inputs": (lambda: many_inputs(1900), "RESOURCE_EXHAUSTED", "number of layers"),
    "never used": (lambda: never_used(200_000), "RESOURCE_EXHAUSTED", "number of layers"),
    "many blocks": (
        lambda: layers_pb2.Stack(blocks=[layers_pb2.NamedStack()] * 200_000),
        "RESOURCE_EXHAUSTED",
        "layers",
    ),
}


@pytest.mark.parametrize(("made", "code", "words"), HURTING.values(), ids=HURTING)
def test_what_is_meant_to_hurt_is_refused_soon(
    raw: Raw, made: Callable[[], layers_pb2.Stack], code: str, words: str
) -> None:
    sent = made()
    begun = time.monotonic()
    refusal = raw.refusal("Trace", asking("Trace", sent))
    assert refusal.code == code
    says(refusal.message, words)
    assert time.monotonic() - begun < HANG_SECONDS


@pytest.mark.parametrize("levels", [60, 2000, 20_000])
def test_a_message_nested_deeper_than_protobuf_reads(raw: Raw, levels: int) -> None:
    layer = layers_pb2.Layer(dense={"units": 3}).SerializeToString()
    for _ in range(levels):  # Layer.time_distributed = 181, TimeDistributed.layer = 1
        layer = _field(181, _field(1, layer))
    request = _field(1, asking("Trace", stack(INPUT)).stack.SerializeToString() + _field(1, layer))  # type: ignore[attr-defined]
    assert raw.refusal("Trace", request).code == "INVALID_ARGUMENT"


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes as it travels."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    low = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return low + (_varint(value >> 7) if value > 0x7F else b"")


@pytest.mark.parametrize("rpc", TAKING_STACKS)
def test_every_call_refuses_a_loop(raw: Raw, rpc: str) -> None:
    text, reason, *_ = WRONG["itself"]
    refusal = raw.refusal(rpc, asking(rpc, stack(text)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)


def test_long_names_inside_each_other_stay_bounded(raw: Raw) -> None:
    name = "\u00e9" * 128
    made = stack(INPUT + block("b0", IN + DENSE) + using("b15").replace('"use"', f'"{name}"'))
    for level in range(1, 16):
        made.MergeFrom(stack(block(f"b{level}", IN + using(f"b{level - 1}").replace('"use"', f'"{name}"'))))
    refusal = raw.refusal("Trace", asking("Trace", made))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "BAD_NAME")
    says(refusal.message, "more than 256 characters")


def test_everything_inside_can_be_fetched_within_one_message(raw: Raw) -> None:
    """16 levels of aliases of one tensor: each name is a tensor of the reply, and counted before anything runs."""
    made = chain(14)
    small = infer(made, tensor(np.ones((2, 8, 3))), fetch=["*"], weights=service_pb2.Weights(seed=1))
    found = raw.infer(small)
    assert len(found.fetched) == 1 + 2 * 15 + 1
    assert {tuple(one.shape) for one in found.fetched} == {(2, 8, 3)}
    large = infer(made, tensor(np.ones((60_000, 8, 3))), fetch=["*"], weights=service_pb2.Weights(seed=1))
    refusal = raw.refusal("Infer", large)
    assert refusal.code == "RESOURCE_EXHAUSTED"
    says(refusal.message, "reply would hold", "fetch fewer")


def test_steps_multiply_what_a_run_costs(raw: Raw) -> None:
    """2^20 steps of a layer that makes 2^12 numbers of each: 16 GiB, refused by arithmetic."""
    text = f"layers {{ name: 'x' input {{ shape {{ dims {{ expression: 'T' }} dims {{ size: 1 }} }} }} }} {using('b')}"
    inside = IN + steps("block { stack: 'wide' }")
    made = stack(text + block("wide", "layers { input { shape { dims { size: 1 } } } } layers { dense { units: 4096 } }"
                                      "layers { dense { units: 1 } }") + block("b", inside))  # fmt: skip
    x = tensor_pb2.Tensor(data_type=tensor_pb2.DATA_TYPE_FLOAT32, shape=[1, 1 << 20, 1], data=bytes(1 << 22))
    refusal = raw.refusal("Infer", infer(made, x, weights=service_pb2.Weights(seed=1)))
    assert refusal.code == "RESOURCE_EXHAUSTED"
    says(refusal.message, r"use/td/block/dense|alive at once")
