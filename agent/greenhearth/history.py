"""A historian's file straight through the live kernels.

The rows become readings at their own times; batches and windows finish as they would have
finished live. What a row does not say is not read: nothing is interpolated into it.
"""

import re
from pathlib import Path

import msgspec
import numpy as np

from greenhearth.archive import Archive
from greenhearth.clock import NS
from greenhearth.engine import Engine
from greenhearth.historian import read_archive
from greenhearth.kernels.arrays import F8
from greenhearth.metrics import ROLLING_S
from greenhearth.model import Model, Series, build_model
from greenhearth.quality import Quality
from greenhearth.site import load_site
from greenhearth.strict import ConfigError
from greenhearth.timeline import Moment, Timeline
from greenhearth.wire import TWIN, Event

_COLUMN = re.compile(r"column(\d\d)_(value|total)")
_NO_BATCH = -1.0
"""Batch number that ends the last batch of a file; no plant counts its heats below zero."""


class LineHistory(msgspec.Struct):
    """What the kernels found for one line."""

    line: str
    title: str
    electricity_kwh: float
    product_t: float
    co2_total_kg: float
    """Sums over the finished days."""
    batches: list[Event]
    days: list[Event]
    hours: list[Event]
    twins: list[Event]
    """What the green twins of the line would have taken for each of its batches and hours."""


class HistoryReport(msgspec.Struct):
    """A whole file: its lines, and what of it could not be used."""

    file: str
    rows: int
    from_ns: int
    to_ns: int
    not_used: dict[str, int]
    """Reason -> rows or cells."""
    examples: list[str]
    """The first of them, with line, column and text."""
    lines: list[LineHistory]


def run_history(csv_path: Path, site_path: Path) -> HistoryReport:
    """Run a historian's CSV through the kernels of a site.

    Raises:
        ConfigError: the site has no ``[history]``, or the file does not fit it.
    """
    site = load_site(site_path)
    if site.history is None:
        raise ConfigError(str(site_path), 1, "history", "the table [history] is missing: it maps the columns")
    archive = read_archive(csv_path, site.history)
    model = build_model(site)
    events = run_timeline(model, Timeline(archive))
    return HistoryReport(
        file=csv_path.name,
        rows=len(archive.end_ns),
        from_ns=int(archive.start_ns[0]) if len(archive.start_ns) else 0,
        to_ns=int(archive.end_ns[-1]) if len(archive.end_ns) else 0,
        not_used=archive.counts,
        examples=[_example(archive, k) for k in range(min(5, len(archive.faults)))],
        lines=[_line(model, name, events) for name in site.lines],
    )


def run_timeline(model: Model, timeline: Timeline) -> list[Event]:
    """Feed every moment of a timeline to a fresh engine; return what finished, and its green twins."""
    engine = Engine(model)
    sources = [_source(series) for series in model.series]
    events: list[Event] = []
    for t_ns in timeline.moments().tolist():
        events += _scan(engine, t_ns, _values(timeline.at(t_ns), sources))
    if events or timeline.ends_ns:
        events += _close(engine, timeline.ends_ns, sources)
    return [event for event in events if event.end_ns > timeline.first_row_ns]


def _scan(engine: Engine, t_ns: int, x: F8) -> list[Event]:
    missing = np.isnan(x)
    quality = np.where(missing, int(Quality.NOT_READ), int(Quality.GOOD)).astype(np.int32)
    fresh = np.ones(x.size, np.int32)
    return engine.finish_with(t_ns, x, np.full(x.size, t_ns), quality, fresh)


def _close(engine: Engine, end_ns: int, sources: list[tuple[str, int]]) -> list[Event]:
    """End the last batch, and let a day pass so that the last windows close."""
    x = np.array([_NO_BATCH if kind == "batch" else np.nan for kind, _ in sources])
    events = _scan(engine, end_ns + 2, x)
    events += _scan(engine, end_ns + ROLLING_S[-1] * NS, np.full(x.size, np.nan))
    return [event for event in events if event.start_ns < end_ns]


def _source(series: Series) -> tuple[str, int]:
    """Return which part of a moment a series shows, and of which column."""
    found = _COLUMN.match(series.point_name)
    if found:
        return found.group(2), int(found.group(1)) - 1
    return ("batch", 0) if series.point_name == "period_number" else ("", 0)


def _values(moment: Moment, sources: list[tuple[str, int]]) -> F8:
    columns = {"value": moment.values, "total": moment.totals, "batch": [float(moment.batch)], "": []}
    return np.array([columns[kind][k] if k < len(columns[kind]) else np.nan for kind, k in sources])


def _line(model: Model, name: str, events: list[Event]) -> LineHistory:
    twins = [event for event in events if event.subject == name and event.what == TWIN]
    own = [event for event in events if event.subject == name and event.what != TWIN]
    days = [event for event in own if event.window == "24h"]
    return LineHistory(
        line=name,
        title=model.site.lines[name].title,
        electricity_kwh=_sum(days, "electricity_kwh"),
        product_t=_sum(days, "product_t"),
        co2_total_kg=_sum(days, "co2_total_kg"),
        batches=[event for event in own if event.what == "batch_finished"],
        days=days,
        hours=[event for event in own if event.window == "1h"],
        twins=twins,
    )


def _sum(events: list[Event], metric: str) -> float:
    found = [event.metrics[metric].value for event in events if metric in event.metrics]
    return sum(value or 0.0 for value in found)


def _example(archive: Archive, number: int) -> str:
    fault = archive.faults[number]
    return f"line {fault.line}, {fault.column}: {fault.reason} ({fault.text})"
