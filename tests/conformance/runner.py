"""Runs suites, each in a process of its own, two at a time, and writes what came of them into the table."""

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path

from tests.conformance import table, traps
from tests.conformance.suite import Case, Outcome, Suite, Tally, Verdict, judge
from tests.support import ROOT

# In the order of the table. Each is the SUITE of a module; one that takes long stands early in LONGEST.
NAMES = ("onnx", "torch", "keras", "zoo", "deep")
LONGEST = ("deep", "keras", "torch", "onnx", "zoo")
AT_ONCE = 2
EVERY = 100  # cases between two lines of progress


def suite(name: str) -> Suite:
    """A suite by its name; what it needs is imported only now."""
    found: Suite = import_module(f"tests.conformance.{name}_suite").SUITE
    return found


def main(names: Sequence[str], *, only: str = "", part: str = "", rows_to: str = "") -> int:
    """Runs suites; the exit status is 1 where anything is wrong."""
    if only:
        return _show(names, only)
    if rows_to:
        (name,) = names
        chosen = suite(name)
        lines = chosen.rows(part) if chosen.rows else run(name, chosen.cases())
        Path(rows_to).write_text("\n".join(line.line for line in lines), encoding="utf-8")
        return _status(lines)
    tasks = [(name, part) for name in sorted(names, key=LONGEST.index) for part in suite(name).parts()]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(partial(_apart, Path(folder)), tasks))
    new: dict[str, list[table.Row]] = {}
    for (name, _), found in zip(tasks, ended, strict=True):
        new.setdefault(name, []).extend(found or ())
    old = table.rows(table.between(table.README.read_text(encoding="utf-8"), "table"))
    content = table.written(old, {name: lines for name, lines in new.items() if lines}, NAMES)
    text = table.put(table.README.read_text(encoding="utf-8"), "table", content)
    table.README.write_text(traps.written(text), encoding="utf-8")
    print("\n".join(content.splitlines()[: 3 + len(NAMES)]))
    return 1 if None in ended else max(map(_status, new.values()))


def run(name: str, cases: Iterable[Case]) -> list[table.Row]:
    """Judges cases one by one; nothing of a case is kept but its outcome."""
    tallies: dict[str, Tally] = {}
    began, done = time.monotonic(), 0
    for case in cases:
        outcome = judge(case)
        tallies.setdefault(case.group, Tally()).add(outcome, case.name, case.times)
        if outcome.verdict is Verdict.WRONG:
            _say(name, case, outcome)
        done += 1
        if done % EVERY == 0:
            gc.collect()
            print(f"{name}: {done} cases in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{name}: {done} cases in {time.monotonic() - began:.0f} s, all of them", flush=True)
    return [table.row(name, group, tally) for group, tally in tallies.items()]


def _apart(folder: Path, task: tuple[str, str]) -> list[table.Row] | None:
    """Runs a suite, or a part of one, in a process of its own; None where that did not end as it should."""
    name, part = task
    rows = folder / f"{name} {part}"
    command = [sys.executable, "-m", "tests.conformance", name, "--part", part, "--rows", str(rows)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False)
    return table.rows(rows.read_text(encoding="utf-8")) if rows.exists() else None


def _show(names: Sequence[str], only: str) -> int:
    wrong = 0
    for name in names:
        for case in suite(name).cases():
            if only in f"{case.group} {case.name}":
                outcome = judge(case)
                _say(name, case, outcome)
                wrong += outcome.verdict is Verdict.WRONG
    return int(wrong > 0)


def _say(name: str, case: Case, outcome: Outcome) -> None:
    print(f"{name} {case.group} {case.name}: {': '.join(filter(None, outcome))}", flush=True)


def _status(lines: Iterable[table.Row]) -> int:
    return int(any(line.counts[table.VERDICTS.index(Verdict.WRONG)] for line in lines))
