"""The verdict itself: a perfect journal is clean, and each way to be wrong lands in its set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import nextafter

import pytest

from greenhearth.seqset import SeqSet
from greenhearth.wire import Birth, Block, Event, Item, MetricValue, Record, SeriesInfo

from .oracle import Moved, Oracle, Verdict
from .truth_values import HEAT_READS, Device, heat_of, heat_totals

READS = 3 * HEAT_READS + 50
SECOND_START = HEAT_READS + 7
"""The k at which the agent was started again."""
NAMES = list(Device(1).values(0))


@dataclass
class Journal:
    """What a run without a fault leaves of one site, and what a test does to it."""

    items: list[Item] = field(default_factory=list)
    promised: dict[int, int] = field(default_factory=dict)
    served: int = READS
    points: list[tuple[float, float]] = field(default_factory=list)

    def judge(self) -> Verdict:
        """Return the verdict on it."""
        oracle = Oracle({"north": 1})
        oracle.promise("north", self.promised)
        for item in self.items:
            oracle.take("north", item)
        oracle.judge_store("north", self.points)
        return oracle.judge({"north": self.served})

    def record(self, k: int) -> Record:
        """Return the record that holds read k."""
        return next(i for i in self.items if isinstance(i, Record) and i.blocks and i.blocks[0].x[0] == k)

    def heat(self) -> Event:
        """Return the first finished heat."""
        return next(item for item in self.items if isinstance(item, Event))


@pytest.fixture
def journal() -> Journal:
    """Two epochs with three finished heats and a part of a fourth."""
    one, device = Journal(), Device(1)
    for epoch, ks in ((100, range(SECOND_START)), (200, range(SECOND_START, READS))):
        birth = Birth(
            epoch, 1, 0, "north", "edge", "", [SeriesInfo(f"x.{n}", "", "plc") for n in NAMES], [], [], [], []
        )
        mine: list[Item] = [birth]
        for k in ks:
            block = Block(0, 0, list(device.values(k).values()))
            mine.append(Record(epoch, len(mine) + 1, k, 1, [block], []))
            if k and heat_of(k) != heat_of(k - 1):
                mine.append(_finished(epoch, len(mine) + 1, heat_of(k - 1)))
        one.items += mine
        one.promised[epoch] = len(mine)
    one.points = [(float(k), float(device.raw(k)[4])) for k in range(READS)]
    return one


def _finished(epoch: int, seq: int, heat: int) -> Event:
    true = heat_totals(1, heat)
    figures = {
        "electricity_kwh": true.electricity_kwh,
        "product_t": true.product_t,
        "co2_total_kg": true.co2_kg,
    }
    metrics = {name: MetricValue(float(value), "", None) for name, value in figures.items()}
    return Event(epoch, seq, seq, "batch_finished", "furnace", "batch", str(heat), metrics=metrics)


def test_a_perfect_journal_is_clean(journal: Journal) -> None:
    """Every value, total and count; the facts say how much was looked at."""
    verdict = journal.judge()
    assert verdict.clean, verdict.text()
    assert verdict.facts["readings"] == READS * len(NAMES)
    assert verdict.facts["heats"] == 3
    assert verdict.facts["reads lost before the disk"] == 0


def _lose_a_record(journal: Journal) -> None:
    journal.items.remove(journal.record(77))


def _lose_a_heat(journal: Journal) -> None:
    journal.items.remove(journal.heat())


def _lose_a_birth(journal: Journal) -> None:
    journal.items.remove(next(item for item in journal.items if item.epoch == 200))


def _lose_a_whole_epoch(journal: Journal) -> None:
    journal.items = [item for item in journal.items if item.epoch != 100]


def _lose_a_point(journal: Journal) -> None:
    del journal.points[5]


def _store_what_was_never_promised(journal: Journal) -> None:
    journal.promised[200] -= 1


def _store_what_was_never_served(journal: Journal) -> None:
    journal.served = READS - 1


def _tell_a_heat_that_runs(journal: Journal) -> None:
    journal.items.append(_finished(200, journal.promised[200] + 1, 1003))
    journal.promised[200] += 1


def _invent_a_point(journal: Journal) -> None:
    journal.points.append((float(READS), 0.0))


def _store_a_number_twice(journal: Journal) -> None:
    journal.items.append(journal.record(9))


def _store_a_read_under_two_numbers(journal: Journal) -> None:
    journal.record(10).blocks = journal.record(9).blocks


def _tell_a_heat_twice(journal: Journal) -> None:
    event = _finished(200, journal.promised[200] + 1, 1000)
    journal.items.append(event)
    journal.promised[200] += 1


def _double_a_point(journal: Journal) -> None:
    journal.points.append(journal.points[5])


def _change_the_last_bit_of_a_value(journal: Journal) -> None:
    values = journal.record(9).blocks[0].x
    value = values[9]
    assert value is not None
    values[9] = nextafter(value, 1e9)


def _lose_a_value(journal: Journal) -> None:
    journal.record(9).blocks[0].x[3] = None


def _swap_two_records(journal: Journal) -> None:
    one, other = journal.record(9), journal.record(10)
    one.seq, other.seq = other.seq, one.seq


def _count_a_kilowatt_hour_too_much(journal: Journal) -> None:
    metric = journal.heat().metrics["electricity_kwh"]
    assert metric.value is not None
    metric.value += 1


def _round_the_co2(journal: Journal) -> None:
    metric = journal.heat().metrics["co2_total_kg"]
    assert metric.value is not None
    metric.value *= 1 + 1e-8


def _change_a_point(journal: Journal) -> None:
    k, kwh = journal.points[5]
    journal.points[5] = (k, kwh + 1)


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("missing", _lose_a_record),
        ("missing", _lose_a_heat),
        ("missing", _lose_a_birth),
        ("missing", _lose_a_whole_epoch),
        ("missing", _lose_a_point),
        ("ghost", _store_what_was_never_promised),
        ("ghost", _store_what_was_never_served),
        ("ghost", _tell_a_heat_that_runs),
        ("ghost", _invent_a_point),
        ("doubled", _store_a_number_twice),
        ("doubled", _store_a_read_under_two_numbers),
        ("doubled", _tell_a_heat_twice),
        ("doubled", _double_a_point),
        ("altered", _change_the_last_bit_of_a_value),
        ("altered", _lose_a_value),
        ("altered", _swap_two_records),
        ("altered", _count_a_kilowatt_hour_too_much),
        ("altered", _round_the_co2),
        ("altered", _change_a_point),
    ],
)
def test_each_way_to_be_wrong_is_found(journal: Journal, kind: str, spoil: Callable[[Journal], None]) -> None:
    """Each in the set it belongs to."""
    spoil(journal)
    assert journal.judge().counts[kind] > 0


def test_alarm_states_must_follow_one_on_the_other() -> None:
    """A transition that is written twice, or lost, breaks the chain."""
    moves = [
        Moved("a", "normal", "unack"),
        Moved("b", "normal", "unack"),
        Moved("a", "unack", "returned_unack"),
    ]
    oracle = Oracle({})
    oracle.judge_alarms(moves)
    assert oracle.verdict.clean
    for broken in ([*moves, moves[2]], moves[1:]):
        oracle = Oracle({})
        oracle.judge_alarms(broken)
        assert oracle.verdict.counts["doubled"] == 1


def test_a_device_that_did_not_answer_is_counted_and_is_no_finding(journal: Journal) -> None:
    """A time-out of a loaded machine loses nothing; a missing value with a good quality would."""
    lost = journal.record(9)
    lost.blocks = [Block(0, 0, [None] * len(NAMES), [128] * len(NAMES))]
    del journal.points[9]
    verdict = journal.judge()
    assert verdict.clean, verdict.text()
    assert (verdict.facts["unread records"], verdict.facts["reads lost before the disk"]) == (1, 1)


def test_what_still_waits_at_its_agent_is_late_and_not_missing(journal: Journal) -> None:
    """A run that was broken off says so; only what is at neither place is lost."""
    oracle = Oracle({"north": 1})
    oracle.promise("north", {100: 10})
    for item in journal.items[:6]:
        oracle.take("north", item)
    oracle.still_waits("north", {100: SeqSet([(8, 10)])})
    counts = oracle.judge({"north": READS}).counts
    assert (counts["missing"], counts["waiting"]) == (1, 1)


def test_no_more_may_be_gone_than_the_agent_counts(journal: Journal) -> None:
    """A full outbox gives up records by policy, and says how many."""
    journal.items.remove(journal.record(77))
    for counted, allowed, findings in ((1, True, 0), (0, True, 1), (1, False, 2)):
        oracle = Oracle({"north": 1})
        oracle.promise("north", journal.promised)
        for item in journal.items:
            oracle.take("north", item)
        oracle.note_counts("north", sum(journal.promised.values()) + 4, 4 + counted)
        assert oracle.judge({"north": READS}, allowed).counts["missing"] == findings
