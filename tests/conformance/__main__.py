"""`python -m tests.conformance [suite ...] [--case text]`: runs suites, writes the table, exits 1 if anything is wrong.

With --case only cases whose "group name" holds the text are run, each printed, and nothing is written.
"""

import argparse
import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.conformance import runner

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(runner.NAMES)}; all where none is named")
    parser.add_argument("--case", default="", help="run and print only these, write nothing")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    parser.add_argument("--rows", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = set(given.suites) - set(runner.NAMES)
    if unknown:
        parser.error(f"there is no suite {', '.join(sorted(unknown))}; there are {', '.join(runner.NAMES)}")
    sys.exit(runner.main(given.suites or list(runner.NAMES), only=given.case, part=given.part, rows_to=given.rows))
