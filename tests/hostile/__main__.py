"""`python -m tests.hostile SEED SECONDS [WILD]`: stacks of every kind put through everything; faults are printed."""

import collections
import random
import sys
import time
import traceback
from pathlib import Path

from google.protobuf import text_format

from lamina_server.layers import KINDS
from tests.hostile.generator import Maker
from tests.hostile.prober import SLOW, probe


def main(seed: int, seconds: float, wild: float, only: str = "") -> None:
    """Runs until the time is over."""
    folder = Path("/tmp/hostile")
    folder.mkdir(exist_ok=True)
    outcomes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults: dict[str, str] = {}
    count, end, maker = 0, time.time() + seconds, Maker(random.Random(seed))
    kinds = [kind for kind in KINDS if not only or kind.__name__ in only.split(",")]
    while time.time() < end:
        for kind in kinds:
            message = maker.stack(kind, wild=wild)
            count += 1
            (folder / f"last-{seed}").write_bytes(message.SerializeToString())
            try:
                found = probe(message, count)
            except Exception as error:  # noqa: BLE001
                where = traceback.extract_tb(error.__traceback__)[-1]
                key = f"{kind.__name__} {type(error).__name__} {str(error)[:40]} {where.name}"
                if key not in faults:
                    faults[key] = str(error)
                    text = text_format.MessageToString(message, as_one_line=True)
                    print(
                        f"== {key}\n   {str(error)[:600]}\n   {where.filename[-60:]}:{where.lineno}\n   {text[:600]}",
                        flush=True,
                    )
                    if not isinstance(error, AssertionError) and "session" not in where.filename:
                        print("".join(traceback.format_tb(error.__traceback__)[-4:]))
                continue
            outcomes[kind.__name__][found.outcome] += 1
            for stage, spent in found.seconds.items():
                if spent > SLOW:
                    text = text_format.MessageToString(message, as_one_line=True)
                    print(f"== SLOW {kind.__name__} {stage} {spent:.2f} s: {found.outcome} {text[:500]}", flush=True)
    for name, counter in outcomes.items():
        print(name, dict(counter.most_common(9)))
    total = sum(outcomes.values(), collections.Counter())
    print(count, total)


main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0, *(sys.argv[4:5]))
