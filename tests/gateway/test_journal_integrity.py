"""A journal that the disk has damaged, one of an earlier layout, one that was put back to an earlier day."""

import os
import shutil
import sqlite3

import pytest

from greenhearth import wire
from greenhearth.seqset import SeqSet
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal import schema
from greenhearth_gateway.journal.books import Sequence
from greenhearth_gateway.journal.database import FILE_NAME, JournalError, open_writer, suspect
from greenhearth_gateway.journal.opening import open_journal
from greenhearth_gateway.journal.reader import Reader
from greenhearth_gateway.journal.tables import load_books
from greenhearth_gateway.problems import Problems
from greenhearth_gateway.store.embedded import EmbeddedStore, Span

EDGE = Source("works", "edge")


@pytest.fixture
def filled(desk, agent):
    """A birth, nine records and a finished batch."""
    desk.writer.write([agent.frame(agent.birth())])
    records = [agent.record() for _ in range(9)]
    desk.writer.write([agent.frame(*records), agent.frame(agent.finished())])
    return desk


def spoil(desk, seq):
    """Change a stored payload behind the gateway's back, as a disk would."""
    sql = "UPDATE items SET payload = CAST(replace(payload, '5', '6') AS BLOB) WHERE seq = ?"
    desk.db.execute(sql, (seq,))


def test_a_damaged_row_is_left_out_counted_and_told_and_never_read_as_data(filled, agent):
    spoil(filled, 6)
    problems = Problems()
    reader = Reader(filled.folder / FILE_NAME, problems)
    assert [record.seq for record in reader.last_records(EDGE)] == [2, 3, 4, 5, 7, 8, 9, 10]
    assert 6 not in [stored.item.seq for stored in reader.items_after(0, 100)]
    readings = EmbeddedStore(reader).history(EDGE, "furnace.active_power_kw", Span(0, 1 << 62, 100))
    assert len(readings.t_ns) == 8
    (sentence,) = problems.sentences()
    assert sentence.startswith("1 row(s) of the journal")
    assert suspect(filled.folder / FILE_NAME).exists(), "the next start must look at all of it"


def test_at_the_next_start_the_damaged_row_is_counted_as_quarantined_and_comes_back_if_sent_again(
    filled, agent, make
):
    lost = filled.reader.last_records(EDGE)[4]
    spoil(filled, lost.seq)
    filled.close()
    opened = open_journal(filled.folder / FILE_NAME)
    assert "1 item(s) of it cannot be read any more" in opened.sentence
    assert (filled.folder / (FILE_NAME + ".damaged-1")).exists()
    book = load_books(opened.db)[Sequence(EDGE, 7)]
    assert (book.stored, book.quarantined, list(book.damaged)) == (10, 1, [(lost.seq, lost.seq)])
    assert book.ack(7) == wire.Ack(1, 7, lost.seq - 1, [(lost.seq + 1, 11)]), "it is not acknowledged"
    opened.db.close()
    filled.open()
    assert filled.rows("SELECT reason FROM quarantine")[0][0].startswith("damaged on the gateway's disk")
    filled.writer.write([agent.frame(lost)])
    assert filled.rows("SELECT stored, duplicates, quarantined FROM counts") == [(11, 0, 0)]
    assert filled.rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert [entry.item for entry in filled.commits[-1].entries] == [lost]


def test_a_sound_journal_is_opened_as_it_is(filled):
    filled.close()
    before = (filled.folder / FILE_NAME).read_bytes()
    opened = open_journal(filled.folder / FILE_NAME)
    assert opened.sentence == ""
    assert opened.db.execute("SELECT count(*) FROM items").fetchone() == (11,)
    opened.db.close()
    assert (filled.folder / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all, but long enough " * 200, b"", b"\0" * 8192])
def test_any_file_is_put_aside_and_the_gateway_starts(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    opened = open_journal(tmp_path / FILE_NAME)
    assert opened.db.execute("SELECT count(*) FROM items").fetchone() == (0,)
    assert bool(opened.sentence) == bool(content)
    opened.db.close()


def test_a_journal_of_a_later_version_is_refused_not_salvaged(tmp_path):
    open_writer(tmp_path / FILE_NAME).close()
    later = sqlite3.connect(tmp_path / FILE_NAME)
    later.execute(f"PRAGMA application_id = {schema.OWN + 3}")
    later.execute("PRAGMA user_version = 3")
    later.close()
    with pytest.raises(JournalError, match="has the layout 3"):
        open_journal(tmp_path / FILE_NAME)


def test_a_journal_of_the_first_layout_is_taken_over_with_everything_in_it(filled, agent):
    """Its rows have no checksums; new ones do."""
    rows = filled.rows("SELECT id, site, agent, epoch, seq, t_ns, leaf, payload FROM items")
    birth = filled.rows("SELECT site, agent, epoch, seq, payload FROM births")
    old = filled.folder / "old.sqlite"
    db = sqlite3.connect(old, isolation_level=None)
    db.executescript(schema._FIRST + "PRAGMA user_version = 1;")
    db.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows[4:])
    db.executemany("INSERT INTO births VALUES (?, ?, ?, ?, ?)", birth)
    db.execute("INSERT INTO watermark VALUES ('works', 'edge', 7, '[[1,11]]')")
    db.execute("INSERT INTO counts VALUES ('works', 'edge', 7, 11, 3, 0)")
    db.close()
    opened = open_journal(old)
    assert opened.sentence == ""
    book = load_books(opened.db)[Sequence(EDGE, 7)]
    assert (book.stored, book.duplicates, list(book.forgotten)) == (11, 3, [(1, 4)])
    assert len(Reader(old).last_records(EDGE)) == 6
    opened.db.close()


def test_what_retention_deleted_is_not_taken_for_damage(tmp_path, make, agent):
    desk = make.Desk(tmp_path, retention_days=1.0).open()
    old = [agent.birth(), *[agent.record(t_ns=make.T0 - 2 * 86_400 * 1_000_000_000 + n) for n in range(9)]]
    desk.writer.write([agent.frame(old[0]), agent.frame(*old[1:]), agent.frame(agent.record())])
    assert desk.writer.forget_old() == 9
    assert desk.writer.books[Sequence(EDGE, 7)].forgotten.last == 10
    spoil(desk, 11)
    desk.close()
    opened = open_journal(tmp_path / FILE_NAME)
    assert "1 item(s)" in opened.sentence
    assert load_books(opened.db)[Sequence(EDGE, 7)].damaged.last == 11
    opened.db.close()


def test_a_salvage_that_was_cut_off_goes_on_at_the_next_start(filled):
    """The new file was ready, the old one still in its place."""
    filled.close()
    path = filled.folder / FILE_NAME
    shutil.copy(path, f"{path}.salvaged")
    path.write_bytes(b"ruins" * 2000)
    (filled.folder / (FILE_NAME + "-wal")).write_bytes(b"ruins" * 2000)
    opened = open_journal(path)
    assert opened.db.execute("SELECT count(*) FROM items").fetchone() == (11,)
    opened.db.close()
    assert (filled.folder / (FILE_NAME + ".damaged-1")).read_bytes() == b"ruins" * 2000
    assert not os.path.exists(f"{path}.salvaged")


def test_a_writer_that_meets_damage_salvages_and_stores_what_is_in_hand(filled, agent):
    """The file is damaged under the running gateway."""
    filled.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = filled.folder / FILE_NAME
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // schema.PAGE):
        data[page * schema.PAGE] = 0xEE
    path.write_bytes(data)
    filled.db.execute("PRAGMA shrink_memory")
    filled.writer.reopen = lambda: open_journal(path).db
    filled.writer.write([agent.frame(agent.record())])
    filled.db = filled.writer._db
    assert filled.rows("SELECT count(*) FROM items") == [(12,)]
    assert filled.rows("SELECT stored, quarantined FROM counts") == [(12, 0)]


def test_a_journal_from_an_older_backup_shows_the_gap_in_the_count(filled, agent, tmp_path):
    """The agent has let go what was acknowledged since: the gateway does not know these numbers."""
    filled.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = (filled.folder / FILE_NAME).read_bytes()
    filled.writer.write([agent.frame(*[agent.record() for _ in range(5)])])
    filled.close()
    (filled.folder / FILE_NAME).write_bytes(backup)
    opened = open_journal(filled.folder / FILE_NAME)
    opened.db.close()
    filled.open()
    filled.writer.write([agent.frame(agent.record())])
    book = filled.writer.books[Sequence(EDGE, 7)]
    assert book.ack(7).also == [(17, 17)]
    assert list(SeqSet([(1, 17)]).without(book.seen)) == [(12, 16)], "these are missing, and nobody hides it"
