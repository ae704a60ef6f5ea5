"""Two things taken in turn, and the ratio of each pair."""

import statistics
import time
from collections.abc import Callable

REPETITIONS = 9


def compare(
    title: str, ours: Callable[[], float], theirs: Callable[[], float], *, goal: str, repetitions: int = REPETITIONS
) -> None:
    """Prints medians of two measurements, taken alternately after one warm-up each, and of their ratio pair by pair."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(repetitions)]
    mine, other = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratios = sorted(a / b for a, b in pairs)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(f"{title:<56} {mine:10.4g} {other:10.4g}   ratio {statistics.median(ratios):5.2f} ({spread}), goal {goal}")


def seconds(work: Callable[[], object]) -> Callable[[], float]:
    """How long a piece of work takes, in seconds, as a measurement."""

    def measure() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return measure
