"""Keras' layers as its own tests call them, and a grid over the options of every class, on the PyTorch backend."""

from collections.abc import Iterable, Iterator
from functools import partial

from tests.conformance import keras_harvest, keras_nested
from tests.conformance.keras_call import Call, distinct, make
from tests.conformance.keras_convert import convert
from tests.conformance.keras_grid import grid
from tests.conformance.lamina import Check
from tests.conformance.suite import Case, Suite

assert keras_nested.__doc__  # it fills CONVERTERS

SAMPLE = ("convolutional.separable_conv_test", "normalization.rms_normalization_test", "reshaping.zero_padding1d_test")
FEW = 40  # cases of the grid in the sample, spread over all of it


def _cases(modules: Iterable[str], every: int = 1) -> Iterator[Case]:
    harvested = ((f"{module} {name}", call) for module in modules for name, call in keras_harvest.calls(module))
    for name, call in distinct(harvested):
        yield Case(call.cls.__name__, name, partial(_check, call))
    for i, (name, call) in enumerate(distinct(grid())):
        if i % every == 0:
            yield Case(call.cls.__name__, f"grid {name}", partial(_check, call))


def _check(call: Call) -> Check:
    return convert(make(call))


def _all() -> Iterator[Case]:
    return _cases(keras_harvest.files())


def _sample() -> Iterator[Case]:
    return _cases(SAMPLE, len(list(distinct(grid()))) // FEW)


SUITE = Suite("keras", "Keras' layers as its own tests call them, and a grid of options", _all, _sample)
