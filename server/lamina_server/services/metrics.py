"""What Prometheus is told. Names and labels are an interface: change them only with a note in the change log."""

from collections.abc import Callable, Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from lamina_server.runtime import CacheStats
from lamina_server.services.calls import Call

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds: from a tiny stack's trace to the largest admitted run.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counts calls. Labels take their values from this program only, never from a request."""

    def __init__(self, *, version: str, device: str, onnxruntime_version: str) -> None:
        self.registry = CollectorRegistry()
        requests = Counter("lamina_requests", "Calls answered, by gRPC code.", ["rpc", "code"], registry=self.registry)
        seconds = self._histogram("lamina_request_seconds", "Seconds from a call's arrival to its end.", "rpc")
        stages = self._histogram("lamina_stage_seconds", "Seconds of a call spent in one stage.", "stage")
        # `labels` looks a child up under a lock and checks its arguments; there are few children, so each is kept.
        self._count = cache(requests.labels)
        self._time = cache(seconds.labels)
        self._stage = cache(stages.labels)
        self.trace_mismatches = Counter(
            "lamina_trace_mismatches",
            "Runs whose shapes were not those traced: each is a defect of this server.",
            registry=self.registry,
        )
        build = Gauge(
            "lamina_build_info", "1, with what runs here.", ["version", "device", "onnxruntime"], registry=self.registry
        )
        build.labels(version, device, onnxruntime_version).set(1)
        ProcessCollector(registry=self.registry)

    def watch_calls(self, under_way: Callable[[], int]) -> None:
        """Shows how many calls are being worked on, asked anew on every scrape."""
        Gauge("lamina_in_flight", "Calls being worked on.", registry=self.registry).set_function(under_way)

    def watch_sessions(self, stats: Callable[[], CacheStats]) -> None:
        """Shows a session cache, asked anew on every scrape."""
        self.registry.register(_Sessions(stats))

    def record(self, call: Call, code: str, seconds: float) -> None:
        """Counts a call that has ended."""
        self._count(call.rpc, code).inc()
        self._time(call.rpc).observe(seconds)
        for stage, spent in call.stages.items():
            self._stage(stage).observe(spent)

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, doc: str, label: str) -> Histogram:
        return Histogram(name, doc, [label], buckets=_BUCKETS, registry=self.registry)


class _Sessions(Collector):
    def __init__(self, stats: Callable[[], CacheStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        yield GaugeMetricFamily("lamina_sessions", "Models kept ready to run.", stats.entries)
        yield GaugeMetricFamily("lamina_session_bytes", "Bytes of the models kept ready to run.", stats.size_bytes)
        yield CounterMetricFamily("lamina_session_hits", "Runs whose model was ready.", stats.hits)
        yield CounterMetricFamily("lamina_session_misses", "Runs whose model had to be built first.", stats.misses)
