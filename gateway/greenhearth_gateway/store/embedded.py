"""The journal as a series store: trends and histories, thinned to what a screen can show."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from greenhearth.wire import Birth, Record, WindowResult
from greenhearth_gateway.intake import Source, read_item
from greenhearth_gateway.journal.reader import Reader

MOST_POINTS = 5000


class _Results(msgspec.Struct):
    """What a trend needs of a record; the readings are skipped while reading."""

    epoch: int
    seq: int
    t_ns: int
    birth: int
    results: list[WindowResult]


_RESULTS = msgspec.json.Decoder(_Results)


@dataclass(slots=True)
class MetricTrend:
    """One metric over time; times in Unix ns."""

    unit: str = ""
    t_ns: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    uncertainty: list[float | None] = field(default_factory=list)
    validity: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Readings:
    """One series over time; times are response times in Unix ns."""

    unit: str = ""
    t_ns: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Span:
    """From and to [Unix ns], both included, and how many points at most."""

    from_ns: int
    to_ns: int
    points: int


class EmbeddedStore:
    """Answers history queries from the journal."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def trend(self, source: Source, line: str, window: str, metric: str, span: Span) -> MetricTrend:
        """Return one metric of one line and window; empty where nothing was stored."""
        trend = MetricTrend()
        places: list[tuple[int, int]] = []
        births = _Births(self._reader, source)
        for payload in self._records(source, span):
            record = _RESULTS.decode(payload)
            birth = births.get(record.epoch, record.birth)
            if birth is not None and _add_result(trend, record, birth, (line, window, metric)):
                places.append((record.epoch, record.seq))
        _keep(straight(places, trend.t_ns), trend.t_ns, trend.value, trend.uncertainty, trend.validity)
        return trend

    def history(self, source: Source, series: str, span: Span) -> Readings:
        """Return the readings of one series; empty where nothing was stored."""
        readings = Readings()
        places: list[tuple[int, int]] = []
        births = _Births(self._reader, source)
        for payload in self._records(source, span):
            record = read_item(payload)
            assert isinstance(record, Record)
            birth = births.get(record.epoch, record.birth)
            if birth is not None:
                _add_reading(readings, record, birth, series)
                places += [(record.epoch, record.seq)] * (len(readings.t_ns) - len(places))
        _keep(straight(places, readings.t_ns), readings.t_ns, readings.value, readings.quality)
        return readings

    def _records(self, source: Source, span: Span) -> Iterator[bytes]:
        """Yield the payloads of evenly chosen records of a span, the newest always among them."""
        where = "FROM items WHERE leaf = 'records' AND site = ? AND agent = ? AND t_ns BETWEEN ? AND ?"
        key = (*source, span.from_ns, span.to_ns)
        with self._reader.connection() as db:
            ids = [row[0] for row in self._reader.each(db, f"SELECT id {where} ORDER BY t_ns", key)]
            for chosen in thinned(ids, span.points):
                payload = self._reader.payload(db, chosen, source, "records")
                if payload:  # None: retention took it in between, or it is damaged
                    yield payload


def thinned(ids: list[int], most: int) -> list[int]:
    """Return at most `most` of the ids at equal steps, counted back from the last."""
    stride = max(1, -(-len(ids) // max(1, most)))
    return ids[::-1][::stride][::-1]


def straight(places: list[tuple[int, int]], t_ns: list[int]) -> list[int]:
    """Return which of some points make one course of time, in the order of their (epoch, seq).

    After a clock was set back, times come again: then the later ones stand, and the earlier are left out.
    """
    kept, before = [], 1 << 63
    for at in sorted(range(len(places)), key=places.__getitem__, reverse=True):
        if t_ns[at] < before:
            kept.append(at)
            before = t_ns[at]
    return kept[::-1]


def _keep(which: list[int], *columns: list[Any]) -> None:
    for column in columns:
        column[:] = [column[at] for at in which]


class _Births:
    """Births of one agent, each read once."""

    def __init__(self, reader: Reader, source: Source) -> None:
        self._reader, self._source = reader, source
        self._known: dict[tuple[int, int], Birth | None] = {}

    def get(self, epoch: int, seq: int) -> Birth | None:
        if (epoch, seq) not in self._known:
            self._known[(epoch, seq)] = self._reader.birth(self._source, epoch, seq)
        return self._known[(epoch, seq)]


def _add_result(trend: MetricTrend, record: _Results, birth: Birth, what: tuple[str, str, str]) -> bool:
    """Add the point of a record; return whether it has one."""
    line, window, metric = what
    if metric not in birth.metrics:
        return False
    at = birth.metrics.index(metric)
    for result in record.results:
        if birth.lines[result.l].name == line and birth.windows[result.w] == window:
            trend.unit = birth.metric_units[at]
            trend.t_ns.append(record.t_ns)
            trend.value.append(result.x[at])
            trend.uncertainty.append(result.u[at])
            trend.validity.append(result.v)
            return True
    return False


def _add_reading(readings: Readings, record: Record, birth: Birth, series: str) -> None:
    at = next((n for n, info in enumerate(birth.series) if info.name == series), -1)
    for block in record.blocks:
        if block.i <= at < block.i + len(block.x):
            readings.unit = birth.series[at].unit
            readings.t_ns.append(record.t_ns + block.d)
            readings.value.append(block.x[at - block.i])
            readings.quality.append(block.q[at - block.i] if block.q else 0)
