"""Runs of numbers by hour: every item is in exactly one, whatever the times do."""

import itertools
import random

import msgspec
import pytest

from greenhearth.wire_counts import HOUR_NS, decode_run
from greenhearth_agent.hour_count import HourTally, add_dropped, hour_of, note, told, unfinished
from greenhearth_agent.items import Counts, Entry

H0 = 1_767_225_600_000_000_000


def entry(seq, t_ns, epoch=7, readings=3):
    return Entry(epoch, seq, t_ns, "records", b"{}", readings)


@pytest.mark.parametrize("seed", range(20))
def test_runs_tile_an_epoch_even_when_the_clock_is_stepped(seed):
    rng, t_ns, entries = random.Random(seed), H0, []
    for seq in range(1, 500):
        t_ns += rng.choice((1, 1, 1, 60, 600, 4000, -9000)) * 1_000_000_000
        entries.append(entry(seq, t_ns))
    tally, ended = HourTally(), []
    while entries:
        cut = rng.randrange(1, 9)
        batch, entries = entries[:cut], entries[cut:]
        ended += tally.take(batch)
    runs = [*ended, tally.current]
    assert [run.first for run in runs] == [1, *(run.last + 1 for run in runs[:-1])]
    assert (runs[-1].last, sum(run.readings for run in runs)) == (499, 3 * 499)
    assert all(a.hour_ns != b.hour_ns for a, b in itertools.pairwise(runs))


def test_the_disk_knows_the_same_run_as_the_tally_at_every_item():
    tally, counts = HourTally(), Counts()
    assert unfinished(counts) is None
    for seq in range(1, 300):
        one = entry(seq, H0 + seq * 90_000_000_000, epoch=7 if seq < 150 else 8)
        if seq == 150:
            tally = HourTally()
        tally.take([one])
        note(counts, one)
        run = unfinished(counts)
        assert (run.last, run.final) == (seq, True)
        assert run == msgspec.structs.replace(tally.current, final=True)


def test_a_run_is_told_as_an_event_with_the_hour_as_its_time():
    tally = HourTally()
    tally.take([entry(1, H0), entry(2, H0 + 5)])
    (run,) = tally.take([entry(3, H0 + HOUR_NS)])
    event = told(run, "edge", H0 + HOUR_NS)
    assert (event.what, event.subject, event.start_ns, event.end_ns) == (
        "hour_counted",
        "edge",
        H0,
        H0 + HOUR_NS,
    )
    assert decode_run(event.detail) == run
    assert (run.first, run.last, run.readings) == (1, 2, 6)


def test_given_up_items_are_counted_by_hour_and_the_oldest_hours_are_forgotten_first():
    hours = add_dropped((), [H0, H0 + 1, H0 + HOUR_NS])
    assert hours == ((H0, 2), (H0 + HOUR_NS, 1))
    for n in range(2, 200):
        hours = add_dropped(hours, [H0 + n * HOUR_NS])
    assert len(hours) == 100
    assert hours[-1] == (H0 + 199 * HOUR_NS, 1)


def test_an_hour_begins_at_its_full_hour():
    assert hour_of(H0 + 59 * 60_000_000_000) == H0
    assert hour_of(H0 + HOUR_NS) == H0 + HOUR_NS
