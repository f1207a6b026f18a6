"""When a device counts as down, and how seldom it is then asked."""

from itertools import pairwise

from greenhearth.quality import Quality
from greenhearth_agent.watch import FIRST_PROBE_S, LONGEST_PROBE_S, Change, DeviceWatch

SILENT = [int(Quality.TIMEOUT)]
GOOD = [int(Quality.GOOD)]


def test_a_device_is_down_after_three_silent_scans_and_says_so_once() -> None:
    watch = DeviceWatch("d")
    assert watch.state == "unread"
    assert [watch.scanned(SILENT, float(n)) for n in range(5)] == [
        Change.NONE, Change.NONE, Change.DOWN, Change.NONE, Change.NONE,
    ]  # fmt: skip
    assert watch.state == "down"
    assert watch.scanned(GOOD, 10.0) is Change.UP
    assert watch.scanned(GOOD, 11.0) is Change.NONE
    assert watch.state == "ok"


def test_probes_of_a_silent_device_become_seldom_and_start_anew_after_it_spoke() -> None:
    watch, now, probes = DeviceWatch("d"), 0.0, []
    while now < 2000.0:
        if watch.due(now):
            probes.append(now)
            watch.scanned(SILENT, now)
        now += 1.0
    gaps = [b - a for a, b in pairwise(probes[2:])]
    assert gaps[0] == FIRST_PROBE_S
    assert max(gaps) == LONGEST_PROBE_S
    assert sorted(gaps) == gaps
    watch.scanned(GOOD, now)
    for _ in range(3):
        watch.scanned(SILENT, now)
    assert not watch.due(now + FIRST_PROBE_S - 0.1)
    assert watch.due(now + FIRST_PROBE_S)


def test_a_lost_link_does_not_postpone_a_device_once_the_link_is_back() -> None:
    watch = DeviceWatch("d")
    for n in range(100):
        watch.scanned([int(Quality.NO_LINK)], float(n))
    assert watch.state == "down"
    assert watch.due(99.0)


def test_an_exception_is_an_answer_but_not_health() -> None:
    watch = DeviceWatch("d")
    for n in range(5):
        assert watch.scanned([162, 162], float(n)) is Change.NONE
    assert watch.state == "degraded"
    watch.scanned([0, 162], 6.0)
    assert watch.state == "degraded"


def test_counts_and_median_response_time() -> None:
    watch = DeviceWatch("d")
    for rtt in (0.001, 0.002, 0.9):
        watch.replied(int(Quality.GOOD), 5, rtt)
    watch.replied(int(Quality.TIMEOUT), 6, 1.0)
    watch.replied(int(Quality.NO_LINK), 7, 0.0)
    assert (watch.requests, dict(watch.errors), watch.last_good_ns) == (4, {"TIMEOUT": 1, "NO_LINK": 1}, 5)
    assert watch.rtt_ms == 2.0
