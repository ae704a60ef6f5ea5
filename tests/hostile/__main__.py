"""`python -m tests.hostile [SEED] [SECONDS] [WILD]`: hunts with random stacks of every kind, prints what must not be.

Exits 1 if there was anything. The same seed makes the same stacks.
"""

import argparse
import collections
import os
import random
import sys
import time
import traceback

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from google.protobuf import text_format

from lamina.v1 import layers_pb2
from lamina_server.layers import KINDS
from tests.hostile.found import SLOW, FoundDefectError
from tests.hostile.generator import Maker
from tests.hostile.prober import probe

SHOWN = 1200  # letters of a stack


class Hunt:
    """Counts what came of the stacks of each kind, and prints each fault once."""

    def __init__(self, values: bool) -> None:
        self.values = values
        self.outcomes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self.faults: set[str] = set()

    def probe(self, name: str, message: layers_pb2.Stack, seed: int) -> None:
        """Puts a stack of a kind through everything."""
        try:
            found = probe(message, seed, values=self.values)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
            self.outcomes[name]["FAULT"] += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            if self._new(f"{name} {type(error).__name__} {str(error)[:40]} {where.name}"):
                self._print(name, f"{type(error).__name__}: {str(error)[:600]}", message)
                if not isinstance(error, FoundDefectError):
                    print("".join(traceback.format_tb(error.__traceback__)[-4:]), flush=True)
            return
        self.outcomes[name][found.outcome] += 1
        for stage, spent in found.seconds.items():
            if spent > SLOW and self._new(f"{name} {stage} {found.outcome}"):
                self._print(name, f"SLOW, {stage} took {spent:.2f} s: {found.outcome}", message)

    def _new(self, key: str) -> bool:
        known = key in self.faults
        self.faults.add(key)
        return not known

    def _print(self, name: str, what: str, message: layers_pb2.Stack) -> None:
        stack = text_format.MessageToString(message, as_one_line=True)
        print(f"== {name} {what}\n   {stack[:SHOWN]}", flush=True)

    def summary(self) -> str:
        """What came of the stacks, by kind."""
        rows = [f"{name}: {_listed(counter)}" for name, counter in self.outcomes.items()]
        every = sum(self.outcomes.values(), collections.Counter())
        return "\n".join([*rows, f"{every.total()} stacks: {_listed(every)}"])


def _listed(counter: collections.Counter[str]) -> str:
    return ", ".join(f"{outcome} {count}" for outcome, count in counter.most_common())


def main() -> int:
    """Hunts until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument(
        "wild", type=float, nargs="?", default=0.0, help="chance of a number nobody would choose, 0 to 1"
    )
    parser.add_argument("--kinds", default="", help="only these, as Conv,LSTM")
    given = parser.parse_args()
    kinds = [kind for kind in KINDS if not given.kinds or kind.__name__ in given.kinds.split(",")]
    if not kinds:
        parser.error(f"there is no kind {given.kinds}")
    hunt, maker = Hunt(given.wild == 0), Maker(random.Random(given.seed), given.wild)
    count, end = 0, time.monotonic() + given.seconds
    while time.monotonic() < end:
        for kind in kinds:
            hunt.probe(kind.__name__, maker.stack(kind), count)
            count += 1
    print(hunt.summary())
    return 1 if hunt.faults else 0


if __name__ == "__main__":
    sys.exit(main())
