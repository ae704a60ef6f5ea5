"""Samples gathered into batches: as many as asked for, and only those of one shape together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np

from lamina.errors import InvalidArgumentError
from lamina.messages import whole
from lamina.place import Place

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamina.typing import Array

Sample: TypeAlias = Union["ArrayLike", Mapping[str, "ArrayLike"]]
Batch: TypeAlias = Union["Array", dict[str, "Array"]]


class Gatherer:
    """Takes samples one by one and gives batches when they are full, or when a sample has another shape."""

    def __init__(self, size: int) -> None:
        self.size = whole(size, Place("map", "batch_size"), 1)
        self._samples: list[dict[str, Array]] = []
        self._named = False

    def add(self, sample: Sample) -> "tuple[Batch, int] | None":
        """Takes a sample; returns the batch that was complete before it, with its number of samples.

        Raises InvalidArgumentError where the sample is no regular array.
        """
        named = isinstance(sample, Mapping)
        try:
            arrays = {
                name: np.asarray(value)
                for name, value in (sample if isinstance(sample, Mapping) else {"": sample}).items()
            }
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"map: a sample is no regular array: {error}", reason="NOT_NUMBERS") from error
        full = None
        if self._samples and (len(self._samples) >= self.size or self._differs(arrays, named)):
            full = self.rest()
        self._samples.append(arrays)
        self._named = named
        return full

    def rest(self) -> "tuple[Batch, int] | None":
        """What was gathered so far, or None."""
        samples, self._samples = self._samples, []
        if not samples:
            return None
        stacked = {name: np.stack([arrays[name] for arrays in samples]) for name in samples[0]}
        return (stacked if self._named else stacked[""]), len(samples)

    def _differs(self, arrays: "dict[str, Array]", named: bool) -> bool:
        last = self._samples[-1]
        return named != self._named or {n: a.shape for n, a in arrays.items()} != {n: a.shape for n, a in last.items()}


def batches(samples: Iterable[Sample], size: int) -> "Iterator[tuple[Batch, int]]":
    """Batches of samples, each with its number of samples; holds no more than one batch."""
    gatherer = Gatherer(size)
    for sample in samples:
        if full := gatherer.add(sample):
            yield full
    if last := gatherer.rest():
        yield last
