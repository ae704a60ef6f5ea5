"""Whole architectures in miniature: what real models are made of, put together as they put it together."""

from collections.abc import Iterator

from tests.conformance import zoo_images, zoo_sequences
from tests.conformance.suite import Case, Suite

SAMPLE = ("convnext", "resnet_basic", "seq2seq", "vit")


def _all() -> Iterator[Case]:
    for group in (zoo_images, zoo_sequences):
        for build in group.BLOCKS:
            yield Case(build.__name__, build.__name__, build)


def _sample() -> Iterator[Case]:
    return (case for case in _all() if case.name in SAMPLE)


SUITE = Suite("zoo", "whole architectures in miniature, every layer compared", _all, _sample)
