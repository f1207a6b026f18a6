"""What ``recompute`` is asked and what it answers: journal, site and factors put together."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from greenhearth.clock import NS
from greenhearth.columns import Scans, read_scans
from greenhearth.factor_book import FactorBook, day_of
from greenhearth.factors import load_factors
from greenhearth.metrics import WINDOWS
from greenhearth.model import Model
from greenhearth.restate import Task, restate
from greenhearth.restate_sums import columns_of
from greenhearth.restatement import Restatement
from greenhearth.site import Site, load_site
from greenhearth.strict import nearest_name
from greenhearth.wire import Birth, Event
from greenhearth_cli.complaints import WRONG_USE, PlainError, wrong_values
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.database import JournalError
from greenhearth_gateway.journal.past import (
    births_of,
    finished_between,
    journal_of,
    record_payloads,
    told_sets,
)
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.restatements import FILE_NAME, add_restatement

LEAD_NS = 86400 * NS
"""Read before the first window, so that its counters have a reading to begin from."""
FOREVER_NS = (1 << 63) - 1
ALL = "all"


@dataclass(frozen=True)
class Question:
    """What is asked, as the command line has it."""

    data: Path
    site: Path
    newer: Path | None = None
    known_at: str = ""
    line: str = ""
    from_text: str = ""
    to_text: str = ""
    window: str = "24h"
    store: bool = False


@dataclass(frozen=True)
class _Books:
    old: FactorBook
    new: FactorBook


def answer(question: Question) -> list[Restatement]:
    """Restate the lines that are asked for, each agent's part on its own; PlainError says what is wrong."""
    if question.window not in (*WINDOWS, ALL):
        near = nearest_name(question.window, WINDOWS)
        hint = f"; did you mean '{near}'?" if near else ""
        raise PlainError(
            f"--window '{question.window}' is none of {', '.join(WINDOWS)}, all{hint}", WRONG_USE
        )
    site, reader = load_site(question.site), _journal(question.data)
    with wrong_values():
        span = _moment(question.from_text, 0), _moment(question.to_text, FOREVER_NS)
        known_at = _known_at(question)
    books = _Books(load_factors(), load_factors(known_at=known_at, newer=question.newer))
    lines = _lines(site, question.line)
    try:
        return [one for line in lines for one in _line(question, site, reader, line, books, span)]
    except JournalError as error:
        raise PlainError(str(error)) from error
    except sqlite3.Error as error:
        raise PlainError(f"{reader.path}: cannot be read as a gateway's journal ({error})") from error


def _line(
    question: Question, site: Site, reader: Reader, line: str, books: _Books, span: tuple[int, int]
) -> Iterator[Restatement]:
    windows = WINDOWS if question.window == ALL else (question.window,)
    for source, wanted in finished_between(reader, line, span, windows).items():
        births = births_of(reader, source)
        task = Task(site, line, books.old, books.new, told_sets(births, line))
        scans = _Scans(reader, source, births, wanted)
        found = restate(task, wanted, scans.of)
        if question.store:
            add_restatement(reader.path.with_name(FILE_NAME), source, found)
        yield found


@dataclass(frozen=True)
class _Scans:
    """The stored readings of one agent, as a model wants them."""

    reader: Reader
    source: Source
    births: dict[tuple[int, int], Birth]
    events: list[Event]

    def of(self, model: Model) -> Iterator[Scans]:
        """Return all readings that the events came from."""
        first = min(event.start_ns for event in self.events) - LEAD_NS
        last = max(event.t_ns for event in self.events)
        payloads = record_payloads(self.reader, self.source, first, last)
        return read_scans(
            payloads, lambda epoch, seq: columns_of(model, self.births.get((epoch, seq))), len(model.series)
        )


def _journal(data: Path) -> Reader:
    try:
        return journal_of(data)
    except JournalError as error:
        raise PlainError(str(error), WRONG_USE) from error


def _lines(site: Site, line: str) -> list[str]:
    if line and line not in site.lines:
        near = nearest_name(line, site.lines)
        hint = f"; did you mean '{near}'?" if near else f"; it has {', '.join(site.lines)}"
        raise PlainError(f"{site.path}: no line '{line}'{hint}", WRONG_USE)
    return [line] if line else list(site.lines)


def _known_at(question: Question) -> date | None:
    if not (question.newer or question.known_at):
        raise ValueError("say what is new: --factors FILE.toml, --known-at DATE, or both")
    return day_of(question.known_at) if question.known_at else None


def _moment(text: str, default: int) -> int:
    """Return an ISO date or time as Unix ns; without an offset it is UTC."""
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no ISO date or time (2025-01-01, 2025-01-01T06:00)") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * NS
