"""The count from two files: every measured item is somewhere, and told where."""

from contextlib import closing
from pathlib import Path

import pytest

from greenhearth.wire import VERSION, Ack, Event
from greenhearth_agent.items import Batch, Change, entry_of
from greenhearth_agent.outbox import Outbox
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.count import Count, count_between, count_in
from greenhearth_gateway.intake import Refusal, Source
from greenhearth_gateway.journal import tables
from greenhearth_gateway.journal.books import Book, Sequence
from greenhearth_gateway.journal.database import FILE_NAME, open_writer

EPOCH = 1_700_000_000_000
SOURCE = Source("works", "edge")


def _event(seq: int) -> Event:
    return Event(EPOCH, seq, 1_700_000_000_000_000_000 + seq, "device_up", "meter")


def _outbox(folder: Path, measured: int, acked: int) -> Path:
    """Write an outbox in which items 1..acked of 1..measured are acknowledged."""
    outbox = Outbox(folder / "outbox", 1 << 30)
    outbox.open()
    batch = Batch([entry_of(_event(seq)) for seq in range(1, measured + 1)])
    outbox.commit(Change(EPOCH, [batch], [Ack(VERSION, EPOCH, acked)] if acked else []))
    outbox.close()
    return outbox.path


def _journal(folder: Path, stored: list[int], refused: list[int] | None = None, duplicates: int = 0) -> Path:
    """Write a journal that holds these numbers."""
    folder.mkdir(exist_ok=True)
    with closing(open_writer(folder / FILE_NAME)) as db:
        for seq in stored:
            tables.insert_item(db, SOURCE, _event(seq), b"{}")
        for seq in refused or []:
            tables.insert_refusal(db, Refusal(SOURCE, "no such metric", "topic", b"%d" % seq, EPOCH, seq))
        tables.save_book(db, Sequence(SOURCE, EPOCH), Book(stored=len(stored), duplicates=duplicates))
    return folder / FILE_NAME


def test_everything_stored_closes(tmp_path: Path) -> None:
    """The normal end of a run."""
    files = _outbox(tmp_path, 5, 5), _journal(tmp_path / "gateway", [1, 2, 3, 4, 5], duplicates=2)
    assert count_between(*files) == Count(5, 5, 0, 0, 0, 2)
    assert count_between(*files).closes


def test_an_item_that_is_stored_but_not_acknowledged_is_not_counted_twice(tmp_path: Path) -> None:
    """The acknowledgement was under way when the agent ended."""
    files = _outbox(tmp_path, 5, 3), _journal(tmp_path / "gateway", [1, 2, 3, 4])
    assert count_between(*files) == Count(5, 4, 1, 0, 0, 0)


def test_a_refused_item_is_quarantined_and_not_waiting(tmp_path: Path) -> None:
    """The gateway acknowledges what it has put into quarantine."""
    files = _outbox(tmp_path, 3, 1), _journal(tmp_path / "gateway", [1, 2], [3])
    assert count_between(*files) == Count(3, 2, 0, 1, 0, 0)
    assert count_between(*files).closes


def test_an_item_that_was_acknowledged_and_is_not_stored_is_lost(tmp_path: Path) -> None:
    """What must never happen must be seen."""
    count = count_between(_outbox(tmp_path, 5, 5), _journal(tmp_path / "gateway", [1, 2, 3, 5]))
    assert not count.closes
    assert count.difference == 1


def test_an_item_that_nobody_measured_does_not_close_either(tmp_path: Path) -> None:
    """More than was measured is as wrong as less."""
    count = count_between(_outbox(tmp_path, 2, 2), _journal(tmp_path / "gateway", [1, 2, 3]))
    assert not count.closes
    assert count.difference == -1


def test_items_given_up_by_policy_are_counted_as_dropped(tmp_path: Path) -> None:
    """An outbox that may hold almost nothing gives up its oldest records, and says how many."""
    outbox = Outbox(tmp_path / "outbox", 60_000)
    outbox.open()
    batch = Batch([entry_of(_event(seq)) for seq in range(1, 2001)])
    outbox.commit(Change(EPOCH, [batch]))
    outbox.close()
    count = count_between(outbox.path, _journal(tmp_path / "gateway", []))
    assert count.dropped > 0
    assert count.waiting == 2000 - count.dropped
    assert count.closes


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A count of nothing would close."""
    with pytest.raises(PlainError, match=r"journal\.sqlite is not there"):
        count_between(_outbox(tmp_path, 1, 0), tmp_path / FILE_NAME)
    with pytest.raises(PlainError, match="holds 0 outboxes"):
        count_in(tmp_path / "nothing", tmp_path)


def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Somebody's text file is not a journal."""
    (tmp_path / FILE_NAME).write_text("not a database, only a text that is long enough to look at" * 20)
    with pytest.raises(PlainError, match="cannot be counted"):
        count_between(_outbox(tmp_path, 1, 0), tmp_path / FILE_NAME)
