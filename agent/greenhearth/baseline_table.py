"""The CSV of a baseline: its usable lines in the order of time, and why others cannot be used."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from greenhearth.strict import ConfigError, missing_column


class Columns(NamedTuple):
    """Names of the columns that are read."""

    time: str
    energy: str
    drivers: Sequence[str]


@dataclass(frozen=True)
class Row:
    """One usable line of the CSV."""

    line: int
    text: str
    time: datetime
    energy: float
    drivers: tuple[float, ...]


@dataclass(frozen=True)
class Unused:
    """Why a line of the CSV cannot be used."""

    line: int
    column: str
    reason: str
    text: str


@dataclass(frozen=True)
class Table:
    """The CSV, in the order of time."""

    rows: list[Row]
    unused: list[tuple[datetime | None, Unused]]


def read_table(path: Path, columns: Columns) -> Table:
    """Read the CSV; ConfigError for a missing column, a time that comes twice or negative energy."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            _check_columns(path, reader.fieldnames or [], columns)
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), 0, "file", f"cannot be read ({error})") from error
    rows: list[Row] = []
    unused: list[tuple[datetime | None, Unused]] = []
    for line, cells in lines:
        moment, faults = _time(cells[columns.time]), list(_faults(line, cells, columns))
        unused += [(moment, fault) for fault in faults]
        if moment is not None and not faults:
            numbers = [float(cells[name]) for name in (columns.energy, *columns.drivers)]
            rows.append(Row(line, cells[columns.time].strip(), moment, numbers[0], tuple(numbers[1:])))
    rows.sort(key=lambda row: row.time)
    _check_rows(path, rows, columns)
    return Table(rows, unused)


def begins_ends(text: str) -> tuple[datetime, datetime] | None:
    """Return the first moment of a year, month, day or moment, and the first one after it."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{2}))?", text.strip())
    try:
        if found:
            year, month = int(found[1]), int(found[2] or 1)
            after = (year, month + 1) if found[2] and month < 12 else (year + 1, 1)
            return datetime(year, month, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole_day = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text.strip())
    return moment, moment + (timedelta(days=1) if whole_day else timedelta(microseconds=1))


def _time(text: str) -> datetime | None:
    found = begins_ends(text)
    return found[0] if found else None


def _faults(line: int, cells: dict[str, str], columns: Columns) -> Iterator[Unused]:
    """Yield why a line cannot be used: once for each column."""
    if _time(cells[columns.time]) is None:
        yield Unused(line, columns.time, "unreadable time", cells[columns.time])
    for name in (columns.energy, *columns.drivers):
        try:
            number = float(cells[name])
        except ValueError:
            yield Unused(line, name, "not a number" if cells[name].strip() else "no value", cells[name])
        else:
            if not math.isfinite(number):
                yield Unused(line, name, "not a number", cells[name])


def _check_columns(path: Path, header: Sequence[str], columns: Columns) -> None:
    for name in (columns.time, columns.energy, *columns.drivers):
        if name not in header:
            raise missing_column(path, name, header)


def _check_rows(path: Path, rows: Sequence[Row], columns: Columns) -> None:
    for one, after in pairwise(rows):
        if one.time == after.time:
            raise ConfigError(
                str(path), after.line, columns.time, f"{after.text} stands in line {one.line} already"
            )
    for row in rows:
        if row.energy < 0.0:
            why = f"{row.energy:g} is negative; a baseline is made of energy used"
            raise ConfigError(str(path), row.line, columns.energy, why)
