"""Random whole stacks keep the contract layer by layer: values, shapes, words, and the fixes of what was refused."""

import random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina_server.binding import bind
from lamina_server.errors import StackError
from lamina_server.explain import explain, how
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.repair import apply, repaired
from lamina_server.stack import Stack
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack, encode_stack
from lamina_server.wire.traces import encode_diagnosis, encode_trace
from tests.contract import references, words
from tests.contract.running import BATCH, Array, Model, at, model, random_inputs
from tests.contract.stacks import random_stack

# Every layer is compared on what came out of ONNX Runtime before it, so errors do not add up over a stack.
RTOL, ATOL = 1e-4, 1e-5
stacks = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@stacks
@given(st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_values_and_shapes_layer_by_layer(r: random.Random, seed: int) -> None:
    stack, usual = random_stack(r, lambda *_: None)
    traced = trace(stack)
    refs = [ref for layer in traced.layers[1:] for ref in layer.refs]
    if not refs:
        return
    made = model(stack, np.random.default_rng(seed), refs=refs)
    for more in (0, 1, 3) if usual else (0,):
        sizes = {name: size + more for name, size in usual.items()}
        arrays = random_inputs(traced, np.random.default_rng(seed + more), sizes=sizes)
        try:
            concrete = bind(stack, {"x": arrays["x"].shape}, traced)
            trace(concrete)
        except StackError:
            continue  # a window that is too long at these lengths
        _compare(made, concrete, arrays, sizes)


def _compare(made: Model, concrete: Stack, arrays: dict[str, Array], sizes: dict[str, int]) -> None:
    """Each layer's outputs against its reference, fed with what ran before it."""
    ran = {**arrays, **made.run(arrays)}
    for layer in trace(concrete).layers[1:]:
        taken = [ran[ref] for ref in layer.sources] or [ran["x"]]  # of which the batch counts
        values = references.expected(layer.node.kind, taken, made.layer_weights(layer.name), concrete.layout)
        for ref, value in zip(layer.refs, values, strict=True):
            assert at(made.trace.specs[ref].shape, BATCH, sizes) == ran[ref].shape == value.shape, layer.node
            scale = max(1.0, float(abs(value).max()))
            np.testing.assert_allclose(ran[ref], value, rtol=RTOL, atol=ATOL * scale, err_msg=str(layer.node))


@stacks
@given(st.randoms(use_true_random=False))
def test_words_and_messages(r: random.Random) -> None:
    stack, _ = random_stack(r, lambda *_: None)
    annotated = annotate(trace(stack), Limits())
    assert len(encode_trace(annotated).layers) == len(stack.nodes)
    assert decode_stack(encode_stack(stack)) == stack
    for layer in annotated.layers:
        for text in (explain(layer), how(layer), *(note.text for note in layer.notes)):
            assert not words.faults(text), text


@stacks
@given(st.randoms(use_true_random=False))
def test_refusals_and_their_fixes(r: random.Random) -> None:
    random_stack(r, _check_refusal)


def _check_refusal(stack: Stack, error: StackError) -> None:
    found = repaired(stack, error.diagnosis, Limits())
    assert not words.faults(found.message), found.message
    assert found.message.startswith(f"{found.layer} (") and found.message.endswith((".", "?"))
    assert len(encode_diagnosis(found).fixes) == len(found.fixes) <= 3
    for fix in found.fixes:
        assert not words.faults(fix.title), fix.title
        sent = decode_stack(encode_stack(apply(stack, fix.stack_steps)))
        last = trace(sent).layers[-1]  # the fault was in the last layer
        assert fix.outcome == f"{last.name}: {last.done.spec}"
