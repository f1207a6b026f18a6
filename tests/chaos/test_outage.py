"""T13 and T14: long outages are made up for at once, completely, and nobody at the screen notices."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenhearth.clock import NS
from greenhearth.kernel_cache import use_kernel_cache
from greenhearth_agent.check import read_site
from greenhearth_cli.count import count_in

from ..conftest import Broker
from ..waiting import until
from .outage_site import Maker, fill
from .outage_works import Journal, OutageWorks, Screen, await_stored, peak_mib, show_live
from .soak_figures import share
from .tiers import seed, size, write_result

HOURS = size(6, 72, 72)
"""T14: records of 10 tags at 1 Hz."""
QUEUED = size(60_000, 1_000_000, 1_000_000)
"""T13: records without results, as an agent without lines makes them."""
FASTER = 20.0
"""The backlog goes at least so many times faster than it was measured; typically 10 000 times."""
LIVE_P99_S = 2.0
CAUGHT_UP_S = 120.0
MOST_MIB = 512.0
NOTHING_WRONG = {"missing": 0, "ghost": 0, "doubled": 0, "altered": 0}

found: dict[str, object] = {}
"""What the tests of this file have measured; the tiers B and C keep it."""


@pytest.fixture
def works(broker: Broker, tmp_path: Path) -> Iterator[OutageWorks]:
    """The small works, nothing of it running but the broker."""
    use_kernel_cache()
    one = OutageWorks(tmp_path, broker)
    yield one
    one.end()


def _note(name: str, result: dict[str, object]) -> None:
    print(name, result)
    found[name] = result
    write_result("outages", {"seed": seed(), **found})


def test_three_days_are_made_up_for_while_the_screen_stays_live(works: OutageWorks) -> None:
    """T14: 0 lost, at least 20 x real time, live p99 within 2 s, and the past raises no alarm."""
    maker = Maker(read_site(works.site), HOURS * 3600, time.time_ns())
    made = fill(works.folder / "agent", maker, time.time_ns() // 1_000_000 - 1)
    works.start_plant()
    page, journal = works.start_gateway(), Journal(works.folder)
    screen = Screen(page, works.clock.now_ns(), works.clock)
    works.start_agent()
    drained_s = await_stored(works, journal, made, HOURS * 3600 / FASTER)
    until(lambda: len(screen.latencies_s) > 0, 10, "a live record on the screen")
    latencies = screen.take()
    peaks = {name: round(peak_mib(pid)) for name, pid in works.pids().items()}
    assert journal.alarms() == 0, "the past raised a live alarm"
    show_live(works, Maker(maker.site, 3, time.time_ns() + 5 * NS), lambda: journal.alarms() > 0)
    screen.close()
    counted, speed = journal.counted(made.epoch), HOURS * 3600 / drained_s
    works.end()
    result = {
        "hours": HOURS, "items": made.items, "readings": made.readings, "drained_s": round(drained_s, 2),
        "times_real_time": round(speed), "duplicates": counted.duplicates, "peak_mib": peaks,
        "live_n": len(latencies), "live_p50_s": round(share(latencies, 0.5), 3),
        "live_p99_s": round(share(latencies, 0.99), 3), **journal.verdict(made),
    }  # fmt: skip
    _note("T14", result)
    assert {key: result[key] for key in NOTHING_WRONG} == NOTHING_WRONG
    assert counted.quarantined == 0
    assert screen.backwards == 0, "the screen showed the past as the newest"
    assert share(latencies, 0.99) <= LIVE_P99_S
    assert speed >= FASTER
    assert max(peaks.values()) <= MOST_MIB


def test_a_broker_that_dies_in_the_middle_of_a_million_loses_nothing(works: OutageWorks) -> None:
    """T13: queued while the gateway is away, the broker killed half way, caught up in two minutes."""
    maker = Maker(read_site(works.site), QUEUED, time.time_ns(), lines=False)
    made = fill(works.folder / "agent", maker, time.time_ns() // 1_000_000 - 1)
    works.start_plant()
    works.start_agent()
    works.start_gateway()
    began, journal = time.monotonic(), Journal(works.folder)
    until(lambda: journal.counted(made.epoch).stored > made.items // 10, CAUGHT_UP_S, "a tenth is stored")
    works.broker.kill()
    before = journal.counted(made.epoch).stored
    assert before < made.items * 0.9, "all was over before the broker could be killed"
    works.broker.start()
    await_stored(works, journal, made, CAUGHT_UP_S)
    caught_up_s, counted = time.monotonic() - began, journal.counted(made.epoch)
    peaks = {name: round(peak_mib(pid)) for name, pid in works.pids().items()}
    works.end()
    whole = count_in(works.folder / "agent", works.folder / "gateway")
    result = {
        "items": made.items, "stored_at_the_kill": before, "caught_up_s": round(caught_up_s, 2),
        "items_per_s": round(made.items / caught_up_s), "duplicates": counted.duplicates, "peak_mib": peaks,
        "waiting": whole.waiting, "difference": whole.difference, **journal.verdict(made),
    }  # fmt: skip
    _note("T13", result)
    assert {key: result[key] for key in NOTHING_WRONG} == NOTHING_WRONG
    assert whole.closes
    assert caught_up_s <= CAUGHT_UP_S
    assert max(peaks.values()) <= MOST_MIB
