"""`python -m tests.benchmarks`: every benchmark, one after the other."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from tests.benchmarks import serve, trace

if __name__ == "__main__":
    trace.run()
    serve.run()
