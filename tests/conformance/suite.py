"""What a suite is, and how a case of it is judged."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from lamina_server.errors import LaminaError, MismatchError
from tests.conformance.lamina import Array, Check, Unmapped

# How far a result may be off, by its element type: relative, and absolute for numbers around 1. In float64 it is what
# float32 leaves, because ONNX's attributes (an epsilon) are float32. Whole numbers and truths must be the same.
TOLERANCE = {"float32": (1e-4, 1e-5), "float64": (1e-6, 1e-6), "float16": (4e-3, 2e-3), "bfloat16": (3e-2, 2e-2)}
EXACT = (0.0, 0.0)


class Verdict(StrEnum):
    """How a case ends."""

    MATCHED = "matched"
    REFUSED = "refused"  # Lamina refuses the stack, and says why
    UNMAPPED = "not mapped"  # Lamina has no layer for it, or the case asks for something that is no layer's matter
    KNOWN = "known to differ"  # why is known, and Lamina's numbers are those of a third party
    WRONG = "wrong"


class Outcome(NamedTuple):
    """A verdict, with the reason: a few words that many cases share, and more about this one."""

    verdict: Verdict
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Case:
    """`group` is the operator, the module or the class, `build` makes the check or raises Unmapped."""

    group: str
    name: str
    build: Callable[[], Check]
    times: int = 1  # how many cases of the same kind it stands for


@dataclass(frozen=True)
class Suite:
    """A source of cases. `sample` is a small part of them, the same ones every time, in seconds.

    A suite may be cut into `parts`, which run apart; `rows` makes the table's rows of one without cases.
    """

    name: str
    says: str
    cases: Callable[[], Iterator[Case]]
    sample: Callable[[], Iterator[Case]]
    parts: Callable[[], Sequence[str]] = lambda: ("",)
    rows: Callable[[str], list[Any]] | None = None


@dataclass
class Tally:
    """Outcomes of one group, counted by verdict and reason; of each reason, what it said first."""

    counts: dict[Verdict, int] = field(default_factory=dict)
    reasons: dict[tuple[Verdict, str], int] = field(default_factory=dict)
    first: dict[tuple[Verdict, str], str] = field(default_factory=dict)

    def add(self, outcome: Outcome, name: str, times: int = 1) -> None:
        """Counts an outcome; of what is wrong every name is kept."""
        verdict, reason, detail = outcome
        self.counts[verdict] = self.counts.get(verdict, 0) + times
        if verdict is Verdict.WRONG:
            reason = f"{name} ({reason})"
        if reason:
            self.reasons[verdict, reason] = self.reasons.get((verdict, reason), 0) + times
            if verdict is Verdict.REFUSED:
                self.first.setdefault((verdict, reason), detail)

    @property
    def total(self) -> int:
        """Number of cases."""
        return sum(self.counts.values())


def judge(case: Case) -> Outcome:
    """Runs a case; where its numbers are right, once more with names for the sizes that may have one."""
    outcome, check = _judge(case.build)
    if outcome.verdict is not Verdict.MATCHED or check is None:
        return outcome
    named = check.symbolic()
    again = _judge(lambda: named)[0] if named else outcome
    return (
        outcome
        if again.verdict is Verdict.MATCHED
        else Outcome(Verdict.WRONG, f"with symbols: {again.reason}", again.detail)
    )


def _judge(build: Callable[[], Check]) -> tuple[Outcome, Check | None]:
    check = None
    try:
        check = build()
        found = check.found()
    except Unmapped as error:
        return Outcome(Verdict.UNMAPPED, str(error)), check
    except MismatchError as error:
        return Outcome(Verdict.WRONG, "a model that ONNX Runtime refuses", error.message), check
    except LaminaError as error:
        return Outcome(Verdict.REFUSED, error.reason, error.message), check
    except Exception:  # noqa: BLE001 - whatever it is, it is a defect: of Lamina's, or of the mapping
        return Outcome(Verdict.WRONG, "an exception", traceback.format_exc(limit=-6)), check
    rounding = 0.0 if check.decimals is None else 0.6 * 10**-check.decimals
    faults = [fault for ref, value in found.items() if (fault := difference(value, check.expected[ref], rounding))]
    if faults and check.fault and not any(difference(value, check.instead[ref]) for ref, value in found.items()):
        return Outcome(Verdict.KNOWN, check.fault, "; ".join(faults)), check
    return (Outcome(Verdict.WRONG, "other numbers", "; ".join(faults)) if faults else Outcome(Verdict.MATCHED)), check


def difference(found: Array, expected: Array, rounding: float = 0.0) -> str:
    """How a result differs from what it must be, which was rounded by so much; "" where it does not."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype}{list(found.shape)} came, {expected.dtype}{list(expected.shape)} was to come"
    if found.size == 0:
        return ""
    rtol, atol = TOLERANCE.get(found.dtype.name, EXACT)
    if found.dtype.kind in "biu":
        return "" if np.array_equal(found, expected) else f"{np.count_nonzero(found != expected)} numbers differ"
    ours, theirs = found.astype(np.float64), expected.astype(np.float64)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(1.0, float(finite.mean())) if finite.size else 1.0
    if np.allclose(ours, theirs, rtol=rtol, atol=atol * scale + rounding, equal_nan=True):
        return ""
    apart = np.nan_to_num(np.abs(ours - theirs), nan=np.inf)
    worst = np.unravel_index(int(apart.argmax()), apart.shape)
    return (
        f"{apart[worst]:.3g} apart at {list(map(int, worst))}: {ours[worst]:.7g} came, {theirs[worst]:.7g} was to come"
    )
