"""The journal: one transaction holds data, ranges, counts and alarm states; then come the acks."""

import json
import sqlite3
import threading

import msgspec
import pytest

from greenhearth import wire
from greenhearth_gateway.alarms.engine import NothingToAckError
from greenhearth_gateway.config import AlarmPart
from greenhearth_gateway.intake import Arrival, Refusal, Source
from greenhearth_gateway.journal.books import Sequence
from greenhearth_gateway.journal.database import JournalError, only_one, open_writer
from greenhearth_gateway.journal.transaction import Acknowledge, SaveCursor

HOT = AlarmPart(
    line="furnace", window="batch", metric="energy_kwh_per_t", high=500.0, priority="high",
    title="t", cause="c", consequence="q", action="a", respond_within_min=5,
)  # fmt: skip


def counts(desk):
    return desk.rows("SELECT stored, duplicates, quarantined FROM counts")


def ack_of(desk, agent):
    return desk.writer.books[Sequence(Source(agent.site, agent.name), agent.epoch)].ack(agent.epoch)


def test_items_are_kept_byte_for_byte_and_acknowledged_after_the_commit(desk, agent):
    items = [agent.birth(), agent.record(), agent.record(), agent.finished()]
    desk.writer.write([agent.frame(items[0]), agent.frame(*items[1:3]), agent.frame(items[3])])
    assert [row[0] for row in desk.rows("SELECT payload FROM items ORDER BY id")] == [
        wire.encode(i) for i in items
    ]
    assert ack_of(desk, agent) == wire.Ack(1, 7, 4)
    assert counts(desk) == [(4, 0, 0)]
    assert len(desk.commits) == 1


def test_an_item_that_comes_again_is_counted_and_stored_once(desk, agent):
    birth, record = agent.birth(), agent.record()
    for _ in range(3):
        desk.writer.write([agent.frame(birth), agent.frame(record)])
    assert desk.rows("SELECT count(*) FROM items") == [(2,)]
    assert counts(desk) == [(2, 4, 0)]
    assert desk.commits[-1].books, "a duplicate must be acknowledged again"
    assert not desk.commits[-1].entries


def test_live_that_overtakes_backlog_is_acknowledged_as_ranges(desk, agent):
    birth = agent.birth()
    records = [agent.record() for _ in range(9)]
    desk.writer.write([agent.frame(birth), agent.frame(records[8]), agent.frame(records[4])])
    assert ack_of(desk, agent) == wire.Ack(1, 7, 1, [(6, 6), (10, 10)])
    desk.writer.write([agent.frame(*records[:4], lane="backlog")])
    assert ack_of(desk, agent) == wire.Ack(1, 7, 6, [(10, 10)])


def test_books_survive_a_restart(desk, agent):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    desk.close()
    desk.open()
    desk.writer.write([agent.frame(record), agent.frame(agent.record())])
    assert ack_of(desk, agent) == wire.Ack(1, 7, 3)
    assert counts(desk) == [(3, 1, 0)]


def test_a_record_before_its_birth_is_acknowledged_and_interpreted_when_the_birth_comes(desk, agent):
    birth, early = agent.birth(), [agent.record(), agent.record()]
    desk.writer.write([agent.frame(*early)])
    assert ack_of(desk, agent).also == [(2, 3)]
    assert counts(desk) == [(2, 0, 0)]
    assert not desk.commits[-1].entries
    desk.writer.write([agent.frame(birth)])
    assert [entry.item for entry in desk.commits[-1].entries] == [birth, *early]
    assert {entry.lane for entry in desk.commits[-1].entries[1:]} == {"backlog"}
    assert [row[0] for row in desk.rows("SELECT seq FROM items ORDER BY id")] == [1, 2, 3]
    assert desk.rows("SELECT count(*) FROM orphans") == [(0,)]
    assert counts(desk) == [(3, 0, 0)]


def test_a_record_that_contradicts_its_birth_goes_to_quarantine_whole_and_is_acknowledged(desk, agent):
    birth, bad = agent.birth(), agent.record()
    bad.blocks[0].i = 2
    desk.writer.write([agent.frame(birth), agent.frame(bad)])
    assert ack_of(desk, agent).upto == 2
    assert counts(desk) == [(1, 0, 1)]
    ((epoch, seq, reason, payload),) = desk.rows("SELECT epoch, seq, reason, payload FROM quarantine")
    assert (epoch, seq, payload) == (7, 2, wire.encode(bad))
    assert reason == "block of series 2..3; the birth names 3"


def test_an_early_record_that_turns_out_not_to_fit_moves_from_stored_to_quarantined(desk, agent):
    birth, bad = agent.birth(), agent.record()
    bad.results[0].l = 9
    desk.writer.write([agent.frame(bad)])
    assert counts(desk) == [(1, 0, 0)]
    desk.writer.write([agent.frame(birth)])
    assert counts(desk) == [(1, 0, 1)]
    assert desk.rows("SELECT seq FROM quarantine") == [(2,)]


def test_one_malformed_item_is_refused_alone(desk, agent):
    birth, good = agent.birth(), agent.record()
    poison = b'{"kind":"record","epoch":7,"seq":3,"t_ns":"yesterday"}'
    payload = b'{"v":1,"agent":"edge","lane":"live","items":[%s,%s]}' % (wire.encode(good), poison)
    desk.writer.write([agent.frame(birth), Arrival("greenhearth/1/works/edge/records", payload)])
    assert ack_of(desk, agent).upto == 3, "a poisoned item must not block the agent's outbox"
    assert counts(desk) == [(2, 0, 1)]
    assert desk.rows("SELECT payload FROM quarantine") == [(poison,)]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("greenhearth/1/works/edge/records", b"{", "Input data was truncated"),
        ("greenhearth/1/works/edge/records", b"\xff\xfe", "JSON is malformed"),
        ("greenhearth/1/works/edge/records", b'{"items":' + b"[" * 100_000, "recursion"),
        ("greenhearth/1/works/edge/records", b'{"v":2,"agent":"edge","lane":"live","items":[]}', "version 2"),
        ("greenhearth/1/works/edge/records", b'{"v":1,"agent":"other","lane":"live","items":[]}', "'other'"),
        ("greenhearth/1/works/edge/records", b'{"v":1,"agent":"edge","lane":"fast","items":[]}', "lane"),
        ("greenhearth/1/works/edge/records", b" " * ((1 << 20) + 1), "over 1048576"),
        ("greenhearth/1/works/edge/secrets", b"{}", "nothing is expected"),
        ("greenhearth/1", b"{}", "is not greenhearth/1/site/agent/leaf"),
    ],
)
def test_what_cannot_be_read_goes_to_quarantine_with_its_reason(desk, topic, payload, reason):
    desk.writer.write([Arrival(topic, payload)] * 2)
    ((found, kept, times),) = desk.rows("SELECT reason, payload, times FROM quarantine")
    assert reason in found
    assert kept == payload[:2000]
    assert times == 2, "the same payload again is counted, not kept again"
    assert not desk.commits[-1].books, "what has no place in a sequence is not acknowledged"


def test_a_birth_of_another_agent_is_refused(desk, agent, make):
    stranger = make.Agent(name="intruder").birth()
    desk.writer.write([agent.frame(stranger)])
    assert counts(desk) == [(0, 0, 1)]
    assert "works/intruder" in desk.rows("SELECT reason FROM quarantine")[0][0]


@pytest.mark.parametrize("field", ["epoch", "seq", "t_ns"])
@pytest.mark.parametrize("value", [0, -1, 1 << 63, 1 << 80])
def test_numbers_that_do_not_fit_the_journal_are_refused(desk, agent, field, value):
    birth, record = agent.birth(), agent.record()
    raw = msgspec.to_builtins(record) | {field: value, "kind": "record"}
    payload = json.dumps({"v": 1, "agent": "edge", "lane": "live", "items": [raw]}).encode()
    desk.writer.write([agent.frame(birth), Arrival("greenhearth/1/works/edge/records", payload)])
    assert desk.rows("SELECT count(*) FROM items") == [(1,)]
    assert desk.rows("SELECT count(*) FROM quarantine") == [(1,)]


def test_placeless_refusals_are_bounded(desk, monkeypatch):
    monkeypatch.setattr("greenhearth_gateway.journal.tables.MOST_PLACELESS", 5)
    desk.writer.write([Arrival("greenhearth/1/works/edge/records", b"{%d" % n) for n in range(12)])
    kept = [bytes(row[0]) for row in desk.rows("SELECT payload FROM quarantine ORDER BY n")]
    assert kept == [b"{%d" % n for n in range(7, 12)]


def test_two_sites_with_an_agent_of_the_same_name_are_told_apart(desk, make):
    for site in ("north", "south"):
        agent = make.Agent(site=site)
        desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record())])
    assert desk.rows("SELECT site, stored, duplicates FROM counts ORDER BY site") == [
        ("north", 2, 0),
        ("south", 2, 0),
    ]


def test_alarm_states_are_in_the_same_transaction_and_survive_a_restart(tmp_path, make, agent):
    desk = make.Desk(tmp_path, {"hot": HOT}).open()
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record(energy=600.0))])
    desk.close()
    desk.open()
    assert desk.writer.alarm_states["hot"].state == "unack"
    assert desk.rows("SELECT id, was, state, value, who FROM alarm_journal") == [
        ("hot", "normal", "unack", 600.0, "data")
    ]
    request = Acknowledge("hot", "Ada", make.T0)
    desk.writer.write([request])
    assert request.done.result(0).state == "ack"
    again = Acknowledge("hot", "Ada", make.T0)
    desk.writer.write([again])
    with pytest.raises(NothingToAckError, match="there is nothing to acknowledge"):
        again.done.result(0)
    desk.close()


def test_backlog_and_early_records_never_raise_an_alarm(tmp_path, make, agent):
    desk = make.Desk(tmp_path, {"hot": HOT}).open()
    birth, early = agent.birth(), agent.record(energy=600.0)
    desk.writer.write([agent.frame(early), agent.frame(birth)])
    desk.writer.write([agent.frame(agent.record(energy=600.0), lane="backlog")])
    assert desk.writer.alarm_states["hot"].state == "normal"
    assert desk.rows("SELECT * FROM alarm_journal") == []
    desk.close()


def test_a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_room(desk, agent, wait_until):
    desk.writer.write([agent.frame(agent.birth())])
    (pages,) = desk.db.execute("PRAGMA page_count").fetchone()
    desk.db.execute(f"PRAGMA max_page_count = {pages + 1}")
    full = [agent.frame(agent.record()) for _ in range(100)]
    writing = threading.Thread(target=desk.writer.write, args=(full,))
    writing.start()
    wait_until("the full disk is stated", lambda: bool(desk.problems.sentences()))
    assert "disk of the gateway's journal is full" in desk.problems.sentences()[0]
    assert desk.rows("SELECT count(*) FROM items") == [(1,)], "readers go on"
    assert len(desk.commits) == 1
    desk.db.execute("PRAGMA max_page_count = 100000")
    writing.join(10)
    assert desk.rows("SELECT count(*) FROM items") == [(101,)]
    assert ack_of(desk, agent).upto == 101
    assert desk.problems.sentences() == []


def test_what_is_told_can_be_read_by_others_at_that_moment(tmp_path, make, agent):
    """Whoever hears of an alarm or an acknowledgement may be killed next: it is on the disk before."""
    desk = make.Desk(tmp_path, {"hot": HOT}).open()
    told = []

    def look(commit):
        (items,) = desk.rows("SELECT count(*) FROM items")[0]
        told.append((commit.last_id <= items, desk.rows("SELECT id, state FROM alarm_journal")))

    desk.writer.on_commit.append(look)
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record(energy=600.0))])
    desk.writer.write([agent.frame(agent.record(energy=100.0))])
    assert told == [(True, [("hot", "unack")]), (True, [("hot", "unack"), ("hot", "returned_unack")])]
    desk.close()


def test_a_failed_transaction_leaves_books_and_alarms_as_they_were(tmp_path, make, agent):
    desk = make.Desk(tmp_path, {"hot": HOT}).open()
    desk.writer.write([agent.frame(agent.birth())])
    (pages,) = desk.db.execute("PRAGMA page_count").fetchone()
    desk.db.execute(f"PRAGMA max_page_count = {pages}")
    desk.writer.stopping.set()  # gives up after the first failure
    desk.writer.write([agent.frame(agent.record(energy=600.0)) for _ in range(100)])
    assert ack_of(desk, agent).upto == 1
    assert desk.writer.alarm_states["hot"].state == "normal"
    assert len(desk.commits) == 1
    desk.close()


def test_a_projection_saves_its_cursor_and_its_refusals_through_the_writer(desk):
    refusal = Refusal(Source("", ""), "field type conflict", "influx", b"m f=1 1")
    request = SaveCursor("influx", 42, (refusal,))
    desk.writer.write([request])
    assert request.done.result(0) is None
    assert desk.reader.cursor("influx") == 42
    assert desk.rows("SELECT reason, topic FROM quarantine") == [("field type conflict", "influx")]


def test_retention_deletes_old_items_but_never_what_a_projection_still_needs(tmp_path, make, agent):
    desk = make.Desk(tmp_path, retention_days=1.0, projections=("influx",)).open()
    day = 86_400 * 1_000_000_000
    birth = agent.birth()
    old = [agent.record(t_ns=make.T0 - 2 * day + n) for n in range(10)]
    desk.writer.write([agent.frame(birth), agent.frame(*old), agent.frame(agent.record())])
    assert desk.writer.forget_old() == 0, "the projection has not begun"
    desk.writer.write([SaveCursor("influx", 6)])
    assert desk.writer.forget_old() == 5
    assert ack_of(desk, agent).upto == 12, "what was deleted stays acknowledged"
    assert desk.reader.birth(Source("works", "edge"), 7, 1) == birth
    desk.close()


def test_a_file_that_is_no_journal_is_named(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this is no database at all, but long enough to look like one" * 20)
    with pytest.raises(JournalError, match=r"journal\.sqlite: cannot be opened as the journal"):
        open_writer(path)


def test_a_journal_of_another_layout_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(JournalError, match="has the layout 99"):
        open_writer(path)


def test_a_second_gateway_in_the_same_folder_is_refused(tmp_path):
    with (
        only_one(tmp_path),
        pytest.raises(JournalError, match="another gateway works in this folder"),
        only_one(tmp_path),
    ):
        pytest.fail("two gateways in one folder")
    with only_one(tmp_path):
        pass
