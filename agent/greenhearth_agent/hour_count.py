"""Which sequence numbers each UTC hour took, so that the count can be held hour by hour. Pure.

An item belongs to the hour of its own time. The numbers of an hour are one run, more when
the wall clock was stepped. A run that is over is told as an event, so it reaches the gateway
as surely as the data; the counts on the disk say where a killed agent was.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from greenhearth import wire
from greenhearth.wire_counts import HOUR_COUNTED, HOUR_NS, HourRun, encode_run
from greenhearth_agent.items import Counts, Entry

MOST_HOURS = 100
"""Hours with given-up items that are told apart; older ones are only in the sum."""


def hour_of(t_ns: int) -> int:
    """Return when the UTC hour of a time began [Unix ns]."""
    return t_ns - t_ns % HOUR_NS


class Timed(Protocol):
    """An item with its place and time."""

    @property
    def epoch(self) -> int:
        """Start of the agent that it belongs to."""

    @property
    def seq(self) -> int:
        """Place in the sequence."""

    @property
    def t_ns(self) -> int:
        """Time of the item [Unix ns]."""

    @property
    def readings(self) -> int:
        """Readings in it."""


def note(counts: Counts, entry: Timed) -> None:
    """Enter one item that reaches the disk into the run that it belongs to."""
    hour = hour_of(entry.t_ns)
    if (entry.epoch, hour) != (counts.hour_epoch, counts.hour_ns):
        counts.hour_epoch, counts.hour_ns = entry.epoch, hour
        counts.hour_first_seq, counts.hour_readings = entry.seq, 0
    counts.hour_last_seq = entry.seq
    counts.hour_readings += entry.readings


def add_dropped(hours: tuple[tuple[int, int], ...], times_ns: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return `hours` with items of these times given up as well."""
    sums = dict(hours)
    for t_ns in times_ns:
        sums[hour_of(t_ns)] = sums.get(hour_of(t_ns), 0) + 1
    return tuple(sorted(sums.items()))[-MOST_HOURS:]


def unfinished(counts: Counts) -> HourRun | None:
    """Return the run in which an earlier start ended, as its disk knows it."""
    if not 0 < counts.hour_first_seq <= counts.hour_last_seq:
        return None
    return HourRun(
        counts.hour_epoch,
        counts.hour_ns,
        counts.hour_first_seq,
        counts.hour_last_seq,
        counts.hour_readings,
        final=True,
    )


def told(run: HourRun, agent: str, t_ns: int) -> wire.Event:
    """Return a run as the event that tells it."""
    end = run.hour_ns + HOUR_NS
    return wire.Event(0, 0, t_ns, HOUR_COUNTED, agent, "", "", run.hour_ns, end, detail=encode_run(run))


class HourTally:
    """The run that goes on."""

    def __init__(self) -> None:
        self.agent = ""
        self.current: HourRun | None = None

    def take(self, entries: Sequence[Entry]) -> list[HourRun]:
        """Enter items in the order of their numbers; return the runs that they ended."""
        ended = []
        for entry in entries:
            now, hour = self.current, hour_of(entry.t_ns)
            if now is not None and now.hour_ns == hour:
                readings = now.readings + entry.readings
                self.current = HourRun(entry.epoch, hour, now.first, entry.seq, readings)
                continue
            if now is not None:
                ended.append(now)
            self.current = HourRun(entry.epoch, hour, entry.seq, entry.seq, entry.readings)
        return ended
