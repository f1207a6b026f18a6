"""The text that Prometheus reads, and a port to read it from: the only ``import prometheus_client``.

Loaded only where it is asked for: it takes about 3 MB and 40 ms.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from greenhearth.measures import BOUNDS_S, Durations, Family

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(eq=False)
class _Shown(Collector):
    """What is shown now, for the library."""

    families: Callable[[], Iterable[Family]]

    def collect(self) -> Iterator[Metric]:
        """Yield every family that has a sample."""
        for family in self.families():
            if family.samples:
                yield _metric(family)


def render(families: Iterable[Family]) -> bytes:
    """Return families as the text that is answered to a scrape."""
    return generate_latest(_registry(lambda: families))


@dataclass
class Exporter:
    """Answers scrapes at one address with what was shown last; a thread of its own."""

    host: str
    port: int
    _families: Sequence[Family] = ()
    _stop: list[Callable[[], None]] = field(default_factory=list)

    def start(self) -> None:
        """Listen; OSError if the address cannot be used. Port 0 takes a free one, then told in `port`."""
        server, _ = start_http_server(self.port, self.host, _registry(lambda: self._families))
        self.port = server.server_port
        self._stop += [server.shutdown, server.server_close]

    def show(self, families: Sequence[Family]) -> None:
        """Answer with these from now on."""
        self._families = families

    def stop(self) -> None:
        """Listen no longer."""
        for step in self._stop:
            step()
        self._stop.clear()


def _registry(families: Callable[[], Iterable[Family]]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(families))
    return registry


def _metric(family: Family) -> Metric:
    labels = list(family.samples[0].labels)
    if family.kind == "histogram":
        return _histogram(family, labels)
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = kind(family.name, family.help, labels=labels)
    for sample in family.samples:
        assert not isinstance(sample.value, Durations)
        metric.add_metric([sample.labels[name] for name in labels], sample.value)
    return metric


def _histogram(family: Family, labels: list[str]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=labels)
    for sample in family.samples:
        assert isinstance(sample.value, Durations)
        buckets = list(zip([*map(str, BOUNDS_S), "+Inf"], sample.value.cumulative(), strict=True))
        metric.add_metric([sample.labels[name] for name in labels], buckets, sample.value.sum_s)
    return metric
