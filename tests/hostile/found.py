"""What comes of a stack: the outcome, how long each stage took, and the error for what must not be."""

import time
from dataclasses import dataclass, field
from typing import Any

from lamina_server.limits import Limits

LIMITS = Limits(max_tensor_elements=200_000, max_macs=10**8, max_weight_bytes=4 * 10**6, max_activation_bytes=10**7)
SLOW = 0.25  # seconds of the thread, for any stage


class FoundDefectError(AssertionError):
    """Something that must not be."""


@dataclass
class Found:
    """What came of a stack: "ran", or the reason why not; the titles of its fixes; seconds by stage."""

    outcome: str = "ran"
    fixes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Clock:
    """Books the time since the last call on a stage."""

    def __init__(self, found: Found) -> None:
        self._found, self._at = found, time.thread_time()

    def __call__(self, stage: str) -> None:
        now = time.thread_time()
        self._found.seconds[stage] = self._found.seconds.get(stage, 0.0) + now - self._at
        self._at = time.thread_time()


def check(holds: bool, what: str, detail: Any) -> None:
    """Raises FoundDefectError where something does not hold."""
    if not holds:
        raise FoundDefectError(f"{what}: {detail}")
