"""What an answer must say: numbers and the words that carry them, whatever the sentence around them."""

import re

import numpy as np

import lamina as lm


def says(text: str, *patterns: str) -> None:
    """Fails where a text lacks one of the patterns. A space in one is any white space, or none between digits."""
    missing = [pattern for pattern in patterns if not re.search(_loose(pattern), text, re.IGNORECASE | re.DOTALL)]
    assert not missing, f"it does not say {missing}:\n{text}"


def never_says(text: str, *patterns: str) -> None:
    """Fails where a text has one of the patterns."""
    found = [pattern for pattern in patterns if re.search(_loose(pattern), text, re.IGNORECASE | re.DOTALL)]
    assert not found, f"it says {found}:\n{text}"


def answered(client: lm.Client, stack: lm.Stack, *, samples: int = 2, **lengths: int) -> lm.Trace:
    """The trace of a stack that was also run: what came out has the traced shapes. `lengths` are for symbols."""
    trace = client.trace(stack)
    numbers = np.random.default_rng(0)
    arrays = {spec.name: numbers.standard_normal(sizes(spec, samples, lengths)) for spec in trace.inputs}
    result = client.infer(stack, arrays, fetch="*")
    for layer in trace:
        for spec in layer.outputs:
            assert result[spec.name].shape == sizes(spec, samples, lengths), layer
    return trace


def sizes(spec: lm.TensorSpec, samples: int, lengths: dict[str, int]) -> tuple[int, ...]:
    """A traced shape in numbers."""
    values = {"batch": samples, **lengths}
    return tuple(
        size.at(values) if isinstance(size, lm.Dim) else samples if size is None else size for size in spec.shape
    )


def refused(client: lm.Client, stack: lm.Stack, **options: object) -> lm.LayerShapeError:
    """The error that a stack is refused with."""
    try:
        client.trace(stack, **options)  # type: ignore[arg-type]  # passed on as they are
    except lm.LayerShapeError as error:
        return error
    raise AssertionError(f"not refused:\n{client.trace(stack)}")


def fixed(client: lm.Client, stack: lm.Stack, error: lm.LaminaError) -> list[lm.Trace]:
    """The trace after each fix of a stack. The shape that a fix promised is the shape that its layer has then."""
    traces = []
    for fix in error.fixes:
        trace = client.trace(fix.apply(stack))
        name, _, _ = fix.outcome.partition(": ")
        says(fix.outcome, *(str(size) for size in trace[name].output_shape if isinstance(size, int)))
        traces.append(trace)
    return traces


def _loose(pattern: str) -> str:
    return pattern.replace(" ", r"\s*")
