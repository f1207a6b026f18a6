"""Durable rate of the gateway's journal on one core, beside bare SQLite and bare fsync of the same bytes.

Frames as they come from the wire go through the gateway's own writer: checksums, decoding, fit with the
birth, de-duplication, rows, commit with fsync. A point is one reading. Beside it, in the same run:
the same payloads as one row a scan by executemany into a bare SQLite file (WAL, FULL), and written to
a plain file with an fsync per batch.
"""

import argparse
import cProfile
import os
import pstats
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.metrics import METRIC_UNITS, METRICS, WINDOWS
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.journal.database import FILE_NAME, open_writer
from greenhearth_gateway.journal.writer import MOST_FRAMES, Retention, Writer, collect_seldom
from greenhearth_gateway.problems import Problems

T0 = 1_767_225_600 * NS
EPOCH = 1_767_225_600_123
RECORDS_PER_FRAME = 20
BAR = 500_000


@dataclass(frozen=True)
class Shape:
    """What one record holds."""

    name: str
    series: int
    results: int
    """Window results: one per line and window that moved."""
    per_block: int = 50
    """Readings that came in one reply."""


SHAPES = (
    Shape("10 tags, no results", 10, 0),
    Shape("demonstration works (267 readings, 10 results)", 267, 10, 54),
    Shape("100 series, 4 results", 100, 4),
    Shape("300 series, 4 results", 300, 4),
)


def frames_of(shape: Shape, records: int, dice: random.Random) -> list[Arrival]:
    """Return a birth and its records as they come from the broker, with checksums."""
    infos = [wire.SeriesInfo(f"line.s{n}", "kW", f"meter{n // 8}", "line") for n in range(shape.series)]
    lines = [wire.LineInfo(f"line{n}", "L", "eaf_scrap", "liquid_steel", "fs") for n in range(4)]
    birth = wire.Birth(
        EPOCH, 1, T0, "works", "edge", "bench", infos, lines, list(WINDOWS), list(METRICS), list(METRIC_UNITS)
    )
    made = [_framed("birth", [birth])]
    items: list[wire.Item] = []
    for seq in range(2, records + 2):
        items.append(_record(shape, seq, dice))
        if len(items) == RECORDS_PER_FRAME:
            made.append(_framed("records", items))
            items = []
    return made


def _record(shape: Shape, seq: int, dice: random.Random) -> wire.Record:
    x: list[float | None] = [round(dice.uniform(0.0, 90_000.0), 3) for _ in range(shape.series)]
    blocks = [
        wire.Block(n * 1_000_000, n, x[n : n + shape.per_block])
        for n in range(0, shape.series, shape.per_block)
    ]
    values: list[float | None] = [dice.uniform(0.0, 900.0) for _ in METRICS]
    results = [
        wire.WindowResult(n % 4, n % len(WINDOWS), 0, 1.0, values, values) for n in range(shape.results)
    ]
    return wire.Record(EPOCH, seq, T0 + seq * NS, 1, blocks, results)


def _framed(leaf: str, items: list[wire.Item]) -> Arrival:
    topic = wire.topic("works", "edge", leaf)
    payload = wire.frame_payload(topic, "edge", "backlog", [wire.encode(item) for item in items])
    return Arrival(topic, payload)


def through_the_journal(folder: Path, frames: list[Arrival]) -> None:
    """Write all frames, as many in a transaction as the gateway takes."""
    db = open_writer(folder / FILE_NAME)
    writer = Writer(db, Inbox(), {}, Problems(), Retention(Clock(T0, 0)))
    for first in range(0, len(frames), MOST_FRAMES):
        writer.write(list(frames[first : first + MOST_FRAMES]))
    db.close()


def bare_sqlite(folder: Path, batches: list[list[bytes]]) -> None:
    """One row a scan, executemany, the same batches."""
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, t INTEGER, payload BLOB)")
    for batch in batches:
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO rows (t, payload) VALUES (?, ?)", [(n, one) for n, one in enumerate(batch)]
        )
        db.execute("COMMIT")
    db.close()


def bare_file(folder: Path, batches: list[list[bytes]]) -> None:
    """Write and fsync."""
    with (folder / "bare.log").open("wb", buffering=0) as file:
        for batch in batches:
            file.write(b"".join(batch))
            os.fsync(file.fileno())


def seconds(work: Callable[[Path], None], rounds: int) -> tuple[float, float]:
    """Return the median seconds by the wall and of the processor of some rounds, each in a new folder."""
    walls, busy = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            wall, processor = time.perf_counter(), time.process_time()
            work(Path(folder))
            walls.append(time.perf_counter() - wall)
            busy.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(busy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    given = parser.parse_args()
    collect_seldom()  # as the writer's thread does
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"one core, {given.records} records a round, {RECORDS_PER_FRAME} a frame, median of {given.rounds}")
    for shape in SHAPES:
        _measure(shape, given.records, given.rounds)
        if given.profile:
            _profile(frames_of(shape, given.records, random.Random(1)))


def _measure(shape: Shape, records: int, rounds: int) -> None:
    frames = frames_of(shape, records, random.Random(1))
    per = MOST_FRAMES * RECORDS_PER_FRAME
    payloads = [wire.encode(_record(shape, seq, random.Random(seq))) for seq in range(2, records + 2)]
    batches = [payloads[first : first + per] for first in range(0, records, per)]
    ours = seconds(lambda folder: through_the_journal(folder, frames), rounds)
    sqlite = seconds(lambda folder: bare_sqlite(folder, batches), rounds)
    file = seconds(lambda folder: bare_file(folder, batches), rounds)
    points = records * shape.series
    print(f"\n{shape.name}: {statistics.mean(map(len, payloads)):.0f} bytes a record")
    for name, (took, busy) in (("journal", ours), ("bare SQLite", sqlite), ("bare write + fsync", file)):
        rate = f"{points / took:12,.0f} points/s {records / took:9,.0f} items/s by the wall"
        print(
            f"  {name:18} {rate}, {points / busy:12,.0f} points/s of processor; {ours[0] / took:5.1f} x ours"
        )
    if shape.series >= 100:
        print(
            f"  bar {BAR:,} points/s: {'met' if points / ours[0] >= BAR else 'MISSED (is the machine idle?)'}"
        )


def _profile(frames: list[Arrival]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        profile = cProfile.Profile()
        profile.runcall(through_the_journal, Path(folder), frames)
        pstats.Stats(profile).sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
