"""A small part of every suite, in seconds: nothing is wrong, and the mappings still map."""

import warnings

import pytest

from tests.conformance import runner
from tests.conformance.suite import Tally, Verdict, judge
from tests.support import require

SUITES = tuple(name for name in runner.NAMES if name != "deep")  # its own tests are part of every run
NEEDS = {"onnx": (), "torch": ("torch", "expecttest"), "keras": ("torch", "keras"), "zoo": ("torch", "keras")}
LEAST = {"onnx": 0.7, "torch": 0.9, "keras": 0.8, "zoo": 1.0}  # of the sample that must match


@pytest.mark.parametrize("name", SUITES)
def test_sample(name: str) -> None:
    for module in NEEDS[name]:
        require(module)
    tally, wrong = Tally(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other projects' own, of their own tests
        for case in runner.suite(name).sample():
            outcome = judge(case)
            tally.add(outcome, case.name, case.times)
            if outcome.verdict is Verdict.WRONG:
                wrong.append(f"{case.group} {case.name}: {outcome.reason}: {outcome.detail}")
    assert not wrong, "\n".join(wrong)
    assert tally.counts[Verdict.MATCHED] >= LEAST[name] * tally.total > 0, tally
