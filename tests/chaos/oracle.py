"""The verdict: what was promised, what is there, and the four sets that must be empty. Pure.

*Promised* is what an agent had on its disk when it died or ended: every number up to the last durable
one of each epoch. *There* is what the gateway's journal holds at the end, row by row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isclose
from typing import NamedTuple

from greenhearth.seqset import SeqSet
from greenhearth.wire import Birth, Block, Event, Item, Record

from .truth_values import FIRST_HEAT, Device, heat_of, heat_totals

BAD = 128
"""Qualities from here on have no value (greenhearth.quality)."""
MOST_TOLD = 50
"""Findings of one kind that are listed; all are counted."""


class Epoch(NamedTuple):
    """One start of one agent."""

    site: str
    number: int


class Moved(NamedTuple):
    """One row of the alarm journal."""

    alarm: str
    was: str
    state: str


@dataclass
class Verdict:
    """Findings by kind; all empty in a run that proves the promise."""

    findings: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """How many of each kind; a list is cut off, a count is not."""
    facts: dict[str, float] = field(default_factory=dict)

    def find(self, kind: str, what: str) -> None:
        """Note a finding."""
        self.counts[kind] += 1
        told = self.findings.setdefault(kind, [])
        if len(told) < MOST_TOLD:
            told.append(what)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts

    def text(self) -> str:
        """Return all findings, one a line."""
        return "\n".join(
            f"{kind} ({self.counts[kind]}): {one}" for kind, all_ in self.findings.items() for one in all_
        )


class Oracle:
    """Takes promises while the faults go on, rows when they have ended, and judges."""

    def __init__(self, devices: Mapping[str, int]) -> None:
        self.verdict = Verdict()
        self._devices = {site: Device(number) for site, number in devices.items()}
        self._numbers = dict(devices)
        self._promised: dict[Epoch, int] = {}
        self._there: dict[Epoch, SeqSet] = {}
        self._waiting: dict[Epoch, SeqSet] = {}
        self._by_policy: dict[str, int] = {}
        self._births: dict[tuple[Epoch, int], tuple[str, ...]] = {}
        self._reads: dict[str, dict[int, tuple[Epoch, int]]] = {site: {} for site in devices}
        """Site -> k -> where it is stored."""
        self._heats: dict[str, dict[int, Event]] = {site: {} for site in devices}
        self._windows: Counter[tuple[str, str, str, int]] = Counter()
        self.readings = 0
        self.indexed = 0
        """Events that the journal finds again by line and time."""
        self.unread = 0
        """Records whose device did not answer: a time-out of a loaded machine, which loses nothing."""

    def promise(self, site: str, last_by_epoch: Mapping[int, int]) -> None:
        """Note the last durable number of each epoch of an agent that is dead or has ended."""
        for number, last in last_by_epoch.items():
            epoch = Epoch(site, number)
            self._promised[epoch] = max(last, self._promised.get(epoch, 0))

    def promised(self) -> dict[Epoch, int]:
        """Return what was promised so far."""
        return dict(self._promised)

    def take(self, site: str, item: Item) -> None:
        """Take one row of the journal; births come before what they name."""
        epoch = Epoch(site, item.epoch)
        if site not in self._devices or item.seq > self._promised.get(epoch, 0):
            self.verdict.find("ghost", f"{site} epoch {item.epoch} seq {item.seq} was never promised")
        if not self._there.setdefault(epoch, SeqSet()).add(item.seq):
            self.verdict.find("doubled", f"{site} epoch {item.epoch} seq {item.seq} is stored twice")
        if isinstance(item, Birth):
            self._births[epoch, item.seq] = tuple(s.name.rpartition(".")[2] for s in item.series)
        elif isinstance(item, Record):
            self._take_record(epoch, item)
        else:
            self._take_event(epoch, item)

    def still_waits(self, site: str, unacked: Mapping[int, SeqSet]) -> None:
        """Note what an agent still keeps for the gateway: late, but not lost."""
        for number, seqs in unacked.items():
            for first, last in seqs:
                self._waiting.setdefault(Epoch(site, number), SeqSet()).add_range(first, last)

    def note_counts(self, site: str, measured: int, dropped: int) -> None:
        """Take an agent's own count: what it numbered, and what it says it gave up.

        Numbers that never reached the disk count as given up; beyond them, records of a full outbox.
        """
        promised = sum(last for epoch, last in self._promised.items() if epoch.site == site)
        self.verdict.facts[f"{site} numbered, never on the disk"] = measured - promised
        self._by_policy[site] = dropped - (measured - promised)

    def judge(self, served: Mapping[str, int], may_drop: bool = False) -> Verdict:
        """Return the verdict; `served` is the k that each truth device would show next.

        With `may_drop` as many may be missing as the agents count as given up; what they gave up
        because its acknowledgement never came may be there all the same.
        """
        lacking: Counter[str] = Counter()
        for epoch, last in self._promised.items():
            lacking[epoch.site] += self._judge_epoch(epoch, last, may_drop)
        for site, count in self._by_policy.items():
            self.verdict.facts[f"{site} given up by policy"] = count
            if lacking[site] > count or (count and not may_drop):
                self.verdict.find("missing", f"{site}: {lacking[site]} are gone, its agent counts {count}")
        for site, reads in self._reads.items():
            self._judge_reads(site, reads, served.get(site, 0))
            self._judge_heats(site, reads)
        for key, times in self._windows.items():
            if times > 1:
                self.verdict.find(
                    "doubled", f"{key[0]} window {key[2]} of {key[1]} that ended {key[3]}: {times} times"
                )
        self._note_facts(served)
        return self.verdict

    def judge_alarms(self, moves: Iterable[Moved]) -> None:
        """Every alarm's states must follow one on the other, from normal."""
        state: dict[str, str] = {}
        moved = 0
        for move in moves:
            moved += 1
            before = state.get(move.alarm, "normal")
            if move.was != before or move.state == before:
                self.verdict.find("doubled", f"alarm {move.alarm}: {move.was} -> {move.state} after {before}")
            state[move.alarm] = move.state
        self.verdict.facts["alarm transitions"] = moved

    def judge_equal(self, kind: str, what: str, expected: object, found: object) -> None:
        """Two accounts of the same must agree."""
        if expected != found:
            self.verdict.find(kind, f"{what}: {found}, expected {expected}")

    def judge_store(self, site: str, points: Sequence[tuple[float, float]]) -> None:
        """The store holds (k, energy counter) of every read of the journal, once, and of no other."""
        shown = Counter(int(k) for k, _ in points)
        journal = self._reads[site]
        for k in sorted(journal.keys() - shown.keys()):
            self.verdict.find("missing", f"{site}: k {k} is in the journal, not in the store")
        for k in sorted(shown.keys() - journal.keys()):
            self.verdict.find("ghost", f"{site}: k {k} is in the store, not in the journal")
        for shown_k, kwh in points:
            if shown[int(shown_k)] > 1:
                self.verdict.find("doubled", f"{site}: k {shown_k} is in the store more than once")
            if kwh != self._devices[site].raw(int(shown_k))[4]:
                self.verdict.find("altered", f"{site}: k {shown_k} has {kwh} kWh in the store")

    def stored_items(self, site: str) -> int:
        """Return how many items of a site the journal holds."""
        return sum(len(there) for epoch, there in self._there.items() if epoch.site == site)

    def _take_record(self, epoch: Epoch, record: Record) -> None:
        names = self._births.get((epoch, record.birth))
        if names is None:
            self.verdict.find(
                "missing", f"{epoch.site} epoch {epoch.number}: birth {record.birth} of seq {record.seq}"
            )
            return
        for block in record.blocks:
            self._take_block(epoch, record, block, names)

    def _take_block(self, epoch: Epoch, record: Record, block: Block, names: tuple[str, ...]) -> None:
        where = f"{epoch.site} epoch {epoch.number} seq {record.seq}"
        if block.q and all(q >= BAD for q in block.q) and all(x is None for x in block.x):
            self.unread += 1
            return
        shown = dict(zip(names[block.i : block.i + len(block.x)], block.x, strict=True))
        k = shown.get("serving")
        if k is None:
            self.verdict.find("altered", f"{where}: no serving number in {shown}")
            return
        self.readings += len(block.x)
        right = self._devices[epoch.site].values(int(k))
        wrong = {name: (x, right.get(name)) for name, x in shown.items() if x != right.get(name)}
        if wrong:
            self.verdict.find("altered", f"{where} k {k:.0f}: (stored, true) {wrong}")
        before = self._reads[epoch.site].setdefault(int(k), (epoch, record.seq))
        if before != (epoch, record.seq):
            self.verdict.find(
                "doubled", f"{where}: k {k:.0f} is also in epoch {before[0].number} seq {before[1]}"
            )

    def _take_event(self, epoch: Epoch, event: Event) -> None:
        self.indexed += event.what in ("batch_finished", "window_finished")
        if event.what == "window_finished":
            self._windows[epoch.site, event.subject, event.window, event.end_ns] += 1
        if event.what != "batch_finished":
            return
        known = self._heats[epoch.site].setdefault(int(event.batch), event)
        if known is not event:
            places = f"epoch {known.epoch} seq {known.seq} and epoch {event.epoch} seq {event.seq}"
            self.verdict.find("doubled", f"{epoch.site} heat {event.batch} finished in {places}")

    def _judge_epoch(self, epoch: Epoch, last: int, may_drop: bool) -> int:
        """Every promised number is there, or waits at its agent, which is told apart; return what lacks."""
        there, where = self._there.get(epoch, SeqSet()), f"{epoch.site} epoch {epoch.number}"
        safe = SeqSet(there)
        for first, end in self._waiting.get(epoch, SeqSet()):
            safe.add_range(first, end)
        missing = last - _within(safe, last)
        if missing and not may_drop:
            self.verdict.find("missing", f"{where}: {missing} of {last}, has {list(there)[:9]}")
            self.verdict.counts["missing"] += missing - 1
        late = _within(safe, last) - _within(there, last)
        if late:
            self.verdict.find("waiting", f"{where}: {late} still at the agent; stored {list(there)[:9]}")
        return missing

    def _judge_reads(self, site: str, reads: Mapping[int, tuple[Epoch, int]], next_k: int) -> None:
        """No k that was never served; and the order by (epoch, seq) is the order of serving."""
        for k in reads:
            if k >= next_k:
                self.verdict.find("ghost", f"{site}: k {k} was never served")
        by_place = sorted(reads.items(), key=lambda pair: pair[1])
        for (k, place), (later_k, later) in pairwise(by_place):
            if later_k <= k:
                self.verdict.find("altered", f"{site}: k {later_k} at {later} comes after k {k} at {place}")

    def _judge_heats(self, site: str, reads: Iterable[int]) -> None:
        """Every heat that has ended is told once, with its exact totals."""
        device, told = self._numbers[site], self._heats[site]
        ended = set(range(FIRST_HEAT, heat_of(max(reads, default=0))))
        for heat in sorted(ended - told.keys()):
            self.verdict.find("missing", f"{site}: the end of heat {heat} was not told")
        for heat in sorted(told.keys() - ended):
            self.verdict.find("ghost", f"{site}: heat {heat} is told as finished, it is not")
        for heat in sorted(ended & told.keys()):
            self._judge_heat(site, heat, told[heat])
        true = [heat_totals(device, heat) for heat in sorted(ended)]
        self._judge_total(f"{site} kWh", "electricity_kwh", told, sum(t.electricity_kwh for t in true))
        self._judge_total(f"{site} kg CO2e", "co2_total_kg", told, sum(t.co2_kg for t in true))

    def _judge_heat(self, site: str, heat: int, event: Event) -> None:
        true = heat_totals(self._numbers[site], heat)
        shown = {name: event.metrics[name].value for name in ("electricity_kwh", "product_t", "co2_total_kg")}
        exact = shown["electricity_kwh"] == true.electricity_kwh and shown["product_t"] == true.product_t
        co2 = shown["co2_total_kg"]
        if not exact or co2 is None or not isclose(co2, true.co2_kg, rel_tol=1e-12):
            self.verdict.find("altered", f"{site} heat {heat}: {shown}, truth {true} {true.co2_kg} kg")

    def _judge_total(self, what: str, metric: str, told: Mapping[int, Event], true: float) -> None:
        shown = sum(event.metrics[metric].value or 0.0 for event in told.values())
        self.verdict.facts[what] = shown
        if not isclose(shown, true, rel_tol=1e-9):
            self.verdict.find("altered", f"{what} of all heats: {shown!r}, truth {true!r}")

    def _note_facts(self, served: Mapping[str, int]) -> None:
        stored = sum(len(reads) for reads in self._reads.values())
        self.verdict.facts |= {
            "items": sum(map(len, self._there.values())),
            "epochs": len(self._there),
            "readings": self.readings,
            "heats": sum(map(len, self._heats.values())),
            "windows": len(self._windows),
            "unread records": self.unread,
            "reads served": sum(served.values()),
            "reads lost before the disk": sum(served.values()) - stored,
        }


def _within(seqs: SeqSet, last: int) -> int:
    """Return how many numbers from 1 to `last` a set holds."""
    return sum(min(end, last) - max(first, 1) + 1 for first, end in seqs if first <= last)
