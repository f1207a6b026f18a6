"""The plan of a chaos run: the same for the same seed, and no failpoint left out."""

import re
from collections import Counter

from .rig import ONCE, known_points
from .schedule import DOUBLE_WITHIN_S, LONGEST_RESTART_S, failpoints_of, make_schedule
from .works import ROOT, VICTIMS

POINTS = {"outbox.rotate": "agent", "uplink.after_ack": "agent", "journal.before_commit": "gateway"}


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    """Victims, delays and failpoints: all of it comes from the seed."""
    one, same, other = (make_schedule(seed, 100, VICTIMS, POINTS, 3, ONCE) for seed in ("1", "1", "2"))
    assert one == same
    assert one != other


def test_every_failpoint_is_armed_as_often_as_asked_in_its_own_process() -> None:
    """Also when there are few kills: what is left over gets episodes of its own."""
    for kills in (0, 7, 200):
        strikes = [s for e in make_schedule("3", kills, VICTIMS, POINTS, 20, ONCE) for s in e.strikes]
        armed = Counter(s.failpoint.partition(":")[0] for s in strikes if s.failpoint)
        assert armed == dict.fromkeys(POINTS, 20)
        assert all(s.victim.startswith(POINTS[s.failpoint.partition(":")[0]]) for s in strikes if s.failpoint)
        assert len(strikes) >= kills


def test_victims_are_drawn_evenly_and_some_of_them_in_pairs() -> None:
    """A double kill has two different victims within a tenth of a second."""
    episodes = make_schedule("4", 3000, VICTIMS, {}, 0)
    struck = Counter(strike.victim for episode in episodes for strike in episode.strikes)
    assert min(struck.values()) > 480
    assert max(struck.values()) < 720
    doubles = [episode.strikes for episode in episodes if len(episode.strikes) == 2]
    assert len(doubles) > 400
    assert all(a.victim != b.victim and b.after_s <= DOUBLE_WITHIN_S for a, b in doubles)
    assert all(0 <= s.restart_s <= LONGEST_RESTART_S for e in episodes for s in e.strikes)


def test_no_failpoint_of_the_sources_escapes_the_list() -> None:
    """Every call names its point as a literal; the rig finds them by reading the sources."""
    for package in ("agent", "gateway"):
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / package).rglob("*.py")]
        calls = sum(len(re.findall(r"failpoints\.reached\(", text)) for text in texts)
        named = sum(len(re.findall(r"failpoints\.reached\(\s*[\"'][\w.]+[\"']", text)) for text in texts)
        assert calls == named
        assert failpoints_of(ROOT / package)
    assert set(ONCE) <= set(known_points())
