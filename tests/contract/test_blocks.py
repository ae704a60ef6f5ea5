"""A stack of blocks is the flat stack that it stands for: shapes, values, costs, words and receptive fields."""

import random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina_server.binding import bind
from lamina_server.errors import StackError
from lamina_server.explain import explain, how
from lamina_server.layers.core.basics import Input
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.records import Trace
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_trace
from tests.contract import words
from tests.contract.blocks import flat, random_blocks
from tests.contract.running import model, random_inputs, random_weights

stacks = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _leaves(found: Trace) -> list[str]:
    """The layers that compute, and the Inputs that the caller feeds."""
    fed = {layer.name for layer in found.inputs}
    return [x.name for x in found.walk() if not x.layers and (not isinstance(x.node.kind, Input) or x.name in fed)]


@stacks
@given(st.randoms(use_true_random=False))
def test_a_stack_of_blocks_is_traced_as_its_layers_one_after_the_other(r: random.Random) -> None:
    stack, _ = random_blocks(r)
    plain = flat(stack)
    found, wanted = trace(stack), trace(plain.stack)
    assert [plain.names[name] for name in _leaves(found)] == [layer.name for layer in wanted.layers]
    for name, other in plain.names.items():
        layer, same = found.layer(name), wanted.layer(other)
        assert layer.done == same.done and layer.receptive == same.receptive, (stack, name)
        assert [found.specs[ref] for ref in layer.refs] == [wanted.specs[ref] for ref in same.refs]
    assert (found.macs, found.peak_bytes, found.ranges) == (wanted.macs, wanted.peak_bytes, wanted.ranges)
    message, flatter = encode_trace(found), encode_trace(wanted)
    assert (message.params, message.trainable_params) == (flatter.params, flatter.trainable_params)
    assert [spec.axes for spec in message.outputs] == [spec.axes for spec in flatter.outputs]


@stacks
@given(st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_a_stack_of_blocks_computes_what_its_layers_do_one_after_the_other(r: random.Random, seed: int) -> None:
    stack, usual = random_blocks(r)
    plain = flat(stack)
    found = trace(stack)
    refs = [ref for name in plain.names for ref in found.layer(name).refs if name != "x"]
    weights = random_weights(found, np.random.default_rng(seed))
    made = model(stack, np.random.default_rng(0), refs=[*refs, *_aliases(found)], weights=weights)
    renamed = {".".join(name.split("/")[:-1]) + "/" + name.split("/")[-1]: w for name, w in weights.items()}
    same = model(plain.stack, np.random.default_rng(0), refs=[ref.replace("/", ".") for ref in refs], weights=renamed)
    arrays = random_inputs(found, np.random.default_rng(seed), sizes={name: size + 1 for name, size in usual.items()})
    try:
        trace(bind(stack, {"x": arrays["x"].shape}, found))
    except StackError:
        return  # a window that is too long at these lengths
    ran, wanted = made.run(arrays), same.run(arrays)
    for ref in refs:
        np.testing.assert_array_equal(ran[ref], wanted[ref.replace("/", ".")])
    for layer in found.walk():
        for ref, result in zip(layer.refs, layer.results, strict=False):
            np.testing.assert_array_equal(ran[ref], ran.get(result, arrays["x"]))


def _aliases(found: Trace) -> list[str]:
    """References of blocks, and of the Inputs inside them."""
    fed = {layer.name for layer in found.inputs}
    known = {*_leaves(found), *fed}
    return [ref for layer in found.walk() if layer.name not in known for ref in layer.refs]


@stacks
@given(st.randoms(use_true_random=False))
def test_words_and_messages(r: random.Random) -> None:
    stack, _ = random_blocks(r)
    assert decode_stack(encode_stack(stack)) == stack
    annotated = annotate(trace(stack), Limits())
    for layer in annotated.walk():
        for text in (explain(layer), how(layer), *(note.text for note in layer.notes)):
            assert not words.faults(text), text
    assert len(list(encode_trace(annotated).layers)) == len(stack.nodes)
