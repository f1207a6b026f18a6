"""A journal with a bit of everything, ways to damage its files, and what must be true of it afterwards."""

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.metrics import METRIC_UNITS, METRICS, WINDOWS
from greenhearth_gateway.config import AlarmPart
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.journal.database import FILE_NAME, open_writer
from greenhearth_gateway.journal.transaction import SaveCursor
from greenhearth_gateway.journal.writer import Retention, Writer
from greenhearth_gateway.problems import Problems

T0 = 1_767_225_600 * NS
SERIES, WIDE = 12, 260
HOT = AlarmPart(
    line="furnace", window="batch", metric="energy_kwh_per_t", high=500.0, priority="high",
    title="t", cause="c", consequence="q", action="a", respond_within_min=5,
)  # fmt: skip
Place = tuple[str, int, int]
"""Agent, epoch, sequence number."""


@dataclass
class Truth:
    """What the journal was given and has acknowledged."""

    payloads: dict[Place, bytes] = field(default_factory=dict)
    refused: set[Place] = field(default_factory=set)
    seq: dict[tuple[str, int], int] = field(default_factory=dict)

    def next_seq(self, agent: str, epoch: int) -> int:
        self.seq[(agent, epoch)] = self.seq.get((agent, epoch), 0) + 1
        return self.seq[(agent, epoch)]

    def birth(self, agent: str, epoch: int, series: int) -> wire.Birth:
        infos = [wire.SeriesInfo(f"furnace.s{n}", "kW", "eaf", "furnace") for n in range(series)]
        line = wire.LineInfo(f"furnace-{agent}", "F", "eaf_scrap", "liquid_steel", "fs-1")
        return wire.Birth(
            epoch, self.next_seq(agent, epoch), T0 + epoch, "works", agent, "test", infos, [line],
            list(WINDOWS), list(METRICS), list(METRIC_UNITS),
        )  # fmt: skip

    def record(self, agent: str, epoch: int, series: int, dice: random.Random) -> wire.Record:
        seq = self.next_seq(agent, epoch)
        x: list[float | None] = [dice.uniform(0.0, 1e5) for _ in range(series)]
        results = [
            wire.WindowResult(0, 0, 0, 1.0, [dice.uniform(300.0, 600.0)] * len(METRICS), [2.5] * len(METRICS))
        ]
        return wire.Record(epoch, seq, T0 + epoch + seq * NS, 1, [wire.Block(seq, 0, x)], results)

    def event(self, agent: str, epoch: int, what: str) -> wire.Event:
        seq = self.next_seq(agent, epoch)
        end = T0 + epoch + seq * NS
        metrics = {"energy_kwh_per_t": wire.MetricValue(401.25, "kWh/t", 3.0)}
        subject = f"furnace-{agent}"
        return wire.Event(epoch, seq, end, what, subject, "batch", str(seq), T0, end, 0, 1.0, metrics, "fs-1")

    def frame(self, agent: str, *items: wire.Item) -> Arrival:
        for item in items:
            self.payloads[(agent, item.epoch, item.seq)] = wire.encode(item)
        payload = wire.encode(wire.Frame(wire.VERSION, agent, "live", list(items)))
        return Arrival(wire.topic("works", agent, wire.leaf_of(items[0])), payload)


def build(folder: Path, dice: random.Random, rounds: int) -> tuple[Truth, Writer, sqlite3.Connection]:
    """Fill a journal: three agents, four epochs, records with overflow, refused and early ones, alarms."""
    folder.mkdir(parents=True)
    db = open_writer(folder / FILE_NAME)
    clock = Clock(T0, 0)
    writer = Writer(db, Inbox(), {"hot": HOT}, Problems(), Retention(clock))
    truth = Truth()
    kinds = [("edge", 1_767_225_600_000, SERIES), ("edge", 1_767_225_700_000, SERIES), ("wide", 7, WIDE)]
    for agent, epoch, series in kinds:
        writer.write([truth.frame(agent, truth.birth(agent, epoch, series))])
    for n in range(rounds):
        agent, epoch, series = kinds[n % 3]
        many = [truth.record(agent, epoch, series, dice) for _ in range(dice.randrange(1, 6))]
        batch = [truth.frame(agent, *many)]
        if n % 7 == 0:
            batch.append(truth.frame(agent, truth.event(agent, epoch, "batch_finished")))
        if n % 11 == 0:
            batch.append(_misfit(truth, agent, epoch, dice))
        if n % 13 == 0:
            batch.append(truth.frame("early", truth.record("early", 9, 3, dice)))
        writer.write(batch)
    writer.write([SaveCursor("influx", 17)])
    return truth, writer, db


def _misfit(truth: Truth, agent: str, epoch: int, dice: random.Random) -> Arrival:
    bad = truth.record(agent, epoch, 1, dice)
    bad.blocks[0].i = 10_000
    frame = truth.frame(agent, bad)
    truth.refused.add((agent, epoch, bad.seq))
    return frame


def copy_files(source: Path, target: Path) -> None:
    """Copy a journal as it lies on the disk, also while it is open."""
    target.mkdir(parents=True, exist_ok=True)
    for tail in ("", "-wal", "-shm"):
        if (source / (FILE_NAME + tail)).exists():
            shutil.copy(source / (FILE_NAME + tail), target / (FILE_NAME + tail))


@dataclass(frozen=True)
class Damage:
    """One thing that happened to one file: its bytes from `start` to `end` are not what they were."""

    kind: str
    file: str
    start: int
    end: int

    @property
    def cuts(self) -> bool:
        return self.kind == "truncate"


KINDS = ("flip", "flip", "flip", "byte", "zero", "truncate", "duplicate", "garbage", "append")


def strike(folder: Path, dice: random.Random, kinds: tuple[str, ...] = KINDS) -> Damage:
    """Damage one of the files of a journal."""
    tails = [tail for tail in ("", "-wal", "-shm") if (folder / (FILE_NAME + tail)).exists()]
    sizes = [(folder / (FILE_NAME + tail)).stat().st_size for tail in tails]
    tail = dice.choices(tails, weights=[max(size, 1) for size in sizes])[0]
    path, kind = folder / (FILE_NAME + tail), dice.choice(kinds)
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data))
    length = {"flip": 1, "byte": 1, "append": 0}.get(kind, dice.choice((16, 512, 4096)))
    end = min(len(data), at + length)
    if kind == "flip":
        data[at] ^= 1 << dice.randrange(8)
    elif kind == "byte":
        data[at] ^= dice.randrange(1, 256)
    elif kind == "zero":
        data[at:end] = bytes(end - at)
    elif kind == "truncate":
        end = len(data)
        del data[at:]
    elif kind == "duplicate":
        source = dice.randrange(max(1, len(data) - length))
        data[at:end] = data[source : source + end - at]
    elif kind == "garbage":
        data[at:end] = dice.randbytes(end - at)
    else:
        data += dice.randbytes(dice.randrange(1, 9000))
    path.write_bytes(data)
    return Damage(kind, tail, at, end)


def touched(source: Path, damage: Damage, truth: Truth) -> set[Place]:
    """Return the items of which some bytes, as the rows keep them, lay where the damage hit."""
    if damage.kind == "append":
        return set()
    data = (source / (FILE_NAME + damage.file)).read_bytes()
    low, high = max(0, damage.start - 4200), min(len(data), damage.end + 4200)
    around = data[low:high] if not damage.cuts else data[low:]
    found = set()
    for place, payload in truth.payloads.items():
        for first in range(0, len(payload), 200):
            part = payload[first : first + 200]
            at = around.find(part[:40])
            while at >= 0:
                begin, end = low + at, low + at + len(part)
                if begin - 300 < damage.end and damage.start < end + 60:
                    found.add(place)
                at = around.find(part[:40], at + 1)
    return found


def found_rows(db: sqlite3.Connection) -> tuple[dict[Place, bytes], set[Place], set[Place]]:
    """Return what is stored, what is refused, and what is told as damaged."""
    sql = "SELECT agent, epoch, seq, payload FROM {}"
    sql = f"{sql.format('items')} UNION ALL {sql.format('orphans')}"
    stored = {(agent, epoch, seq): payload for agent, epoch, seq, payload in db.execute(sql)}
    rows = db.execute("SELECT agent, epoch, seq, topic FROM quarantine WHERE seq > 0").fetchall()
    refused = {(agent, epoch, seq) for agent, epoch, seq, topic in rows if topic != "disk"}
    damaged = {(agent, epoch, seq) for agent, epoch, seq, topic in rows if topic == "disk"}
    return stored, refused, damaged


def close(db: sqlite3.Connection) -> None:
    with closing(db):
        pass
