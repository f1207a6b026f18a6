"""Reading a historian's CSV: what each row amounts to, and which rows cannot be believed.

Nothing is dropped silently: a row or cell that cannot be used stays in the arrays with a
BAD quality, and its reason is counted.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from greenhearth.archive import F8, Archive, Fault, Track
from greenhearth.clock import NS
from greenhearth.quality import Quality
from greenhearth.site_tables import History, HistoryColumn
from greenhearth.strict import ConfigError, Document, nearest_name

NS_PER_H = 3_600_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_FAULTS = 100


def load_archive(csv_path: Path, site_path: Path) -> Archive:
    """Read a CSV by the ``[history]`` of a site file; ConfigError names what does not fit."""
    doc = Document(site_path)
    return read_archive(csv_path, doc.table("history", History))


def read_archive(path: Path, history: History) -> Archive:
    """Read a CSV with a header line.

    Raises:
        ConfigError: the file cannot be read, or a column that is mapped is not in it.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            _check_header(path, reader.fieldnames or [], history)
            return build_archive(reader, history)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), 0, "file", f"cannot be read ({error})") from error


def build_archive(rows: Iterable[Mapping[str, str]], history: History) -> Archive:
    """Turn rows (column -> text) into arrays; pure."""
    table = list(rows)
    faults = _Faults()
    times = _Times(history, faults)
    times.read(table)
    tracks = [_track(name, column, table, times, faults) for name, column in history.columns.items()]
    return Archive(
        start_ns=np.array(times.start, np.int64),
        end_ns=np.array(times.end, np.int64),
        time_quality=np.array(times.quality, np.int16),
        batch=np.array(times.batch, np.int64),
        tracks=tracks,
        periods=bool(history.end_column),
        counts=dict(faults.counts),
        faults=faults.first,
    )


class _Span(NamedTuple):
    """Time and batch of one row."""

    start: int
    end: int
    batch: int


class _Faults:
    """Counts reasons and keeps the first examples."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: list[Fault] = []

    def add(self, row: int, column: str, reason: str, text: str) -> None:
        self.counts[reason] += 1
        if len(self.first) < _MAX_FAULTS:
            self.first.append(Fault(row + 2, column, reason, text))


class _Times:
    """Start, end, batch and time quality of every row."""

    def __init__(self, history: History, faults: _Faults) -> None:
        self._history = history
        self._faults = faults
        self.start: list[int] = []
        self.end: list[int] = []
        self.quality: list[int] = []
        self.batch: list[int] = []
        self._last: dict[int, int] = {}

    def read(self, table: Sequence[Mapping[str, str]]) -> None:
        """Read the times of all rows and judge them against their neighbours."""
        spans = [self._span(row) for row in table]
        for number, (row, span, after) in enumerate(zip(table, spans, [*spans[1:], ""], strict=False)):
            reason = span if isinstance(span, str) else self._against_neighbours(span, after)
            if reason:
                self._faults.add(number, self._history.time_column, reason, self._text(row))
            if isinstance(span, str):
                self._stand_still(0, Quality.MALFORMED)
            elif reason:
                self._stand_still(span.batch, Quality.CLOCK)
            else:
                self._accept(span)

    def _span(self, row: Mapping[str, str]) -> _Span | str:
        """Return start, end [ns] and batch of a row, or why it has none."""
        h = self._history
        batch = _whole(row[h.batch_column]) if h.batch_column else 0
        time = parse_time(row[h.time_column], h)
        end = parse_time(row[h.end_column], h) if h.end_column else time
        if batch is None:
            return "unreadable batch number"
        if time is None or end is None:
            return "unreadable time"
        start = time if h.end_column else end - round(h.interval_s * NS)
        return _Span(start, end, batch)

    def _against_neighbours(self, span: _Span, after: _Span | str) -> str:
        """Return why a row's time cannot be right, or ''; batches may overlap, rows of one may not."""
        periods, last = bool(self._history.end_column), self._last.get(span.batch, -(1 << 62))
        if periods and span.end <= span.start:
            return "the end is not after the start"
        if span.end <= last:
            return "the time is not after the row before"
        if not isinstance(after, str) and after.batch == span.batch and last < after.end:
            before = after.end <= span.start if periods else after.end < span.end
            if before:  # one clock slip must not make every row after it look late
                return "the time is ahead of the row after"
        if periods and span.start < last:
            return "the period overlaps the row before"
        return ""

    def _accept(self, span: _Span) -> None:
        """Take a row; without a length of its own it holds since the row before."""
        last = self._last.get(span.batch)
        start = span.start
        if not self._history.end_column and last is not None:
            start = max(start, last) if self._history.interval_s else last
        self._last[span.batch] = span.end
        self._append(start, span.end, span.batch, Quality.GOOD)

    def _stand_still(self, batch: int, quality: Quality) -> None:
        at = self.end[-1] if self.end else 0
        self._append(at, at, batch, quality)

    def _append(self, start: int, end: int, batch: int, quality: Quality) -> None:
        self.start.append(start)
        self.end.append(end)
        self.batch.append(batch)
        self.quality.append(int(quality))

    def _text(self, row: Mapping[str, str]) -> str:
        names = (self._history.batch_column, self._history.time_column, self._history.end_column)
        return " ".join(row[name] for name in names if name)


def _track(
    name: str, column: HistoryColumn, table: Sequence[Mapping[str, str]], times: _Times, faults: _Faults
) -> Track:
    values, quality = np.full(len(table), np.nan), np.array(times.quality, np.int16)
    for number, row in enumerate(table):
        value, reason = _cell(row[name], column)
        if reason:
            faults.add(number, name, reason, row[name])
            bad = Quality.RANGE if value is not None else Quality.MALFORMED
            quality[number] = quality[number] or int(bad)
        elif value is not None:
            values[number] = value
    values[quality != 0] = np.nan
    hours = (np.array(times.end, np.int64) - np.array(times.start, np.int64)) / NS_PER_H
    amounts = np.nan_to_num(_amounts(column, values, hours), nan=0.0)
    return Track(name, column.point, column.means, values, quality, amounts, np.cumsum(amounts))


def _amounts(column: HistoryColumn, values: F8, hours: F8) -> F8:
    """Return what each row adds to the total; NaN where it is not known."""
    if column.means == "interval_amount":
        return values
    if column.means == "mean_over_period":
        return np.asarray(values * hours)
    before = np.roll(values, 1)
    before[:1] = np.nan
    return np.asarray((before + values) / 2.0 * hours)


def _cell(text: str, column: HistoryColumn) -> tuple[float | None, str]:
    """Return the value of a cell in the point's unit, and why it cannot be used ('' if it can)."""
    if not text.strip():
        return None, "no value"
    try:
        value = float(text) * column.scale
    except ValueError:
        return None, "unreadable value"
    if not math.isfinite(value):
        return None, "unreadable value"
    low = 0.0 if column.low is None and column.means != "value" else column.low
    if (low is not None and value < low) or (column.high is not None and value > column.high):
        return value, "value out of range"
    return value, ""


def parse_time(text: str, history: History) -> int | None:
    """Return a time mark as Unix ns, with the midnight rule applied; None if it cannot be read."""
    try:
        if history.time_format:
            mark = datetime.strptime(text.strip(), history.time_format)  # noqa: DTZ007 - made UTC below
        else:
            mark = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if history.midnight_is_day_that_ended and (mark.hour, mark.minute, mark.second) == (0, 0, 0):
        mark += timedelta(days=1)
    aware = mark if mark.tzinfo else mark.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def _whole(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number >= 0 else None


def _check_header(path: Path, header: Sequence[str], history: History) -> None:
    wanted = [history.time_column, history.end_column, history.batch_column, *history.columns]
    for name in wanted:
        if name and name not in header:
            why = f"is not a column of the file (it has {', '.join(header)})"
            raise ConfigError(str(path), 1, name, why, nearest_name(name, header))
