"""T10: two agents under one name, and one that was put back to an earlier state while it ran."""

from greenhearth_gateway.config import AlarmPart
from greenhearth_gateway.live import Hub

HOT = AlarmPart(
    line="furnace", window="batch", metric="energy_kwh_per_t", high=500.0, priority="high",
    title="t", cause="c", consequence="q", action="a", respond_within_min=5,
)  # fmt: skip


def test_both_are_stored_the_newer_is_shown_and_a_person_is_told(tmp_path, make):
    desk = make.Desk(tmp_path, {"hot": HOT}).open()
    hub = Hub()
    desk.writer.on_commit.append(hub.apply)
    older, newer = make.Agent(epoch=100), make.Agent(epoch=200)
    desk.writer.write([older.frame(older.birth()), older.frame(older.record())])
    desk.writer.write([newer.frame(newer.birth()), newer.frame(newer.record())])
    assert desk.problems.sentences() == [], "an ordinary start"
    for _ in range(5):
        desk.writer.write([older.frame(older.record(energy=999.0)), newer.frame(newer.record(energy=400.0))])
    assert desk.rows("SELECT epoch, count(*) FROM items GROUP BY epoch") == [(100, 7), (200, 7)]
    assert desk.writer.alarm_states["hot"].state == "normal"
    assert hub.lines["furnace"].windows["batch"].metrics["energy_kwh_per_t"].value == 400.0
    (sentence,) = desk.problems.sentences()
    assert "Two agents call themselves works/edge: epochs 100 and 200" in sentence
    desk.close()


def test_backlog_of_an_older_start_is_no_rival(desk, make):
    older, newer = make.Agent(epoch=100), make.Agent(epoch=200)
    desk.writer.write([older.frame(older.birth()), newer.frame(newer.birth()), newer.frame(newer.record())])
    for _ in range(9):
        desk.writer.write([older.frame(older.record(), lane="backlog"), newer.frame(newer.record())])
    assert desk.problems.sentences() == []


def test_another_payload_under_a_used_number_is_kept_in_quarantine_and_told(desk, agent):
    """A machine put back to a snapshot goes on with the same epoch and the same numbers."""
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record(energy=400.0))])
    agent.seq -= 1
    again = agent.record(energy=401.0)
    desk.writer.write([agent.frame(again)])
    assert desk.rows("SELECT count(*) FROM items") == [(2,)]
    ((reason, seq),) = desk.rows("SELECT reason, seq FROM quarantine")
    assert (reason, seq) == ("another payload under a number that was used: epoch 7, item 2", 0)
    assert desk.rows("SELECT stored, duplicates, quarantined FROM counts") == [(2, 1, 0)]
    assert "came under numbers that were used for other" in desk.problems.sentences()[0]


def test_the_same_payload_again_is_only_a_duplicate(desk, agent):
    record = [agent.birth(), agent.record()]
    for _ in range(2):
        desk.writer.write([agent.frame(one) for one in record])
    assert desk.rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert desk.problems.sentences() == []
