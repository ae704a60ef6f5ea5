"""PyTorch's own samples for every module of torch.nn that has some, and a few for those that have none."""

from collections.abc import Iterator
from itertools import chain

from tests.conformance import torch_modules, torch_walks
from tests.conformance.suite import Case, Suite
from tests.conformance.torch_more import more
from tests.conformance.torch_sample import cases

assert all(module.__doc__ for module in (torch_modules, torch_walks))  # they fill MAPS

SAMPLE = (
    "Conv2d",
    "ConvTranspose1d",
    "GRU",
    "GroupNorm",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "ReflectionPad2d",
    "Softplus",
)


def _all() -> Iterator[Case]:
    return chain(cases(), more())


def _sample() -> Iterator[Case]:
    return cases(SAMPLE, ("float32",))


SUITE = Suite("torch", "PyTorch's samples for its modules", _all, _sample)
