"""The property tests of tests/differential with more examples each: one process of pytest a file, its counts collected.

The seed is fixed, so that two runs search the same; CONFORMANCE_SEED is another one, CONFORMANCE_EXAMPLES how many.
"""

import os
import re
import subprocess
import sys

from tests.conformance.suite import Outcome, Suite, Tally, Verdict
from tests.conformance.table import Row, row
from tests.support import ROOT

EXAMPLES = os.environ.get("CONFORMANCE_EXAMPLES", "400")
SEED = os.environ.get("CONFORMANCE_SEED", "20")
FOLDER = "tests/differential"
_PASSING = re.compile(r"- (\d+) passing, (\d+) failing")
_PROPERTY = re.compile(r"^\S+::\S.*:\n\n  - during", re.M)
_PASSED = re.compile(r"(\d+) passed")
_FAILED = re.compile(r"^FAILED \S+?::(\S+)", re.M)
_SKIPPED = re.compile(r"(\d+) skipped")


def _parts() -> list[str]:
    return [path.name for path in sorted((ROOT / FOLDER).glob("test_*.py"))]


def _rows(part: str) -> list[Row]:
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-show-statistics", f"--hypothesis-seed={SEED}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"{FOLDER}/{part}"],
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "deep", "HYPOTHESIS_EXAMPLES": EXAMPLES},
        capture_output=True,
        text=True,
        check=False,
    )
    tally, text = Tally(), done.stdout
    examples = sum(int(count) for count, _ in _PASSING.findall(text))
    properties = len(_PROPERTY.findall(text))
    others = max(_number(_PASSED, text) + len(_FAILED.findall(text)) - properties, 0)
    tally.add(Outcome(Verdict.MATCHED), part, examples + others)
    for name in _FAILED.findall(text):
        tally.add(Outcome(Verdict.WRONG, "fails"), name)
    if skipped := _number(_SKIPPED, text):
        tally.add(Outcome(Verdict.UNMAPPED, "skipped"), part, skipped)
    if done.returncode not in (0, 1) or not tally.total:
        tally.add(Outcome(Verdict.WRONG, "pytest ended otherwise"), part)
    if done.returncode:
        print(text.partition("= FAILURES =")[2].partition("= Hypothesis Statistics =")[0] or text[-6000:], flush=True)
    print(f"deep: {part}: {examples} examples of {properties} properties, {others} other tests", flush=True)
    return [row("deep", part.removesuffix(".py"), tally)]


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text.rpartition("\n=")[2] or text)
    return int(found[-1]) if found else 0


SUITE = Suite(
    "deep", "the differential properties, many examples each", lambda: iter(()), lambda: iter(()), _parts, _rows
)
