"""While the disk refuses: the page is told, the oldest frames go first, nothing is acknowledged."""

import threading

from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.journal.transaction import Commit, SaveCursor
from greenhearth_gateway.journal.writer import MOST_HELD, newest

FRAME = "greenhearth/1/works/edge/records"
BIRTH = "greenhearth/1/works/edge/birth"


def test_the_oldest_frames_go_but_no_birth_and_no_request():
    birth, request = Arrival(BIRTH, b"birth"), SaveCursor("influx", 1)
    frames = [Arrival(FRAME, b"%d" % n) for n in range(10)]
    assert newest([birth, *frames[:5], request, *frames[5:]], 6) == [birth, request, *frames[6:]]
    assert newest([birth, request], 1) == [birth, request]
    assert newest(frames, 10) == frames


def test_what_the_disk_refuses_is_shown_held_within_bounds_and_stored_later(desk, agent, wait_until):
    desk.writer.write([agent.frame(agent.birth())])
    (pages,) = desk.db.execute("PRAGMA page_count").fetchone()
    desk.db.execute(f"PRAGMA max_page_count = {pages}")
    shown: list[Commit] = []
    desk.writer.on_refusal.append(shown.append)
    first = [agent.frame(agent.record()) for _ in range(MOST_HELD)]
    writing = threading.Thread(target=desk.writer.write, args=(first,))
    more = [agent.record() for _ in range(3 * MOST_HELD)]
    writing.start()
    for record in more:
        assert desk.writer.inbox.put(agent.frame(record), 1, 5.0)
    wait_until("frames were let go", lambda: desk.writer.let_go > 0)
    wait_until("all was looked at", lambda: not len(desk.writer.inbox))
    assert shown[-1].entries, "the page was not told"
    assert len(desk.commits) == 1
    wait_until("it is counted", lambda: "left to the agents" in desk.problems.sentences()[0])
    desk.db.execute("PRAGMA max_page_count = 100000")
    writing.join(10)
    assert desk.rows("SELECT count(*) FROM items") == [(1 + MOST_HELD,)]
    assert desk.rows("SELECT max(seq) FROM items") == [(more[-1].seq,)], "the newest was not kept"
