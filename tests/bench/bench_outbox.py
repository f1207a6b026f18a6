"""Durable records a second of the agent's outbox, on a real file system, in commits of 100.

Beside it, in the same run and in turns, because disks differ and machines are shared: the
bare write and fdatasync of the same bytes (what the disk allows), and SQLite with a
write-ahead log and synchronous = FULL.
"""

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from greenhearth_agent.items import Batch, Change, Entry
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.segment_format import HEAD_BYTES

GROUP, ROUNDS = 100, 5
SIZES = {"a short record, 300 B": (300, 30_000), "the demo's record, 5 kB": (5_000, 5_000)}
BAR = 50_000


def changes(size: int, count: int) -> list[Change]:
    """Return commits of records."""
    payload = b'{"x":"' + os.urandom(size // 2).hex().encode()[: size - 8] + b'"}'
    entries = [Entry(9, seq, 10**18 + seq, "records", payload, 277) for seq in range(1, count + 1)]
    return [Change(9, [Batch(entries[at : at + GROUP])]) for at in range(0, count, GROUP)]


def ours(folder: Path, work: list[Change]) -> None:
    """Commit to an outbox."""
    outbox = Outbox(folder / "outbox", 1 << 40)
    outbox.open()
    for change in work:
        outbox.commit(change)
    outbox.close()


def bare(folder: Path, work: list[Change]) -> None:
    """Write and wait for the disk, nothing else."""
    size = len(work[0].batches[0].entries[0].payload) + HEAD_BYTES
    block = bytes(size * GROUP)
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT)
    for _ in work:
        os.write(fd, block)
        os.fdatasync(fd)
    os.close(fd)


def sqlite(folder: Path, work: list[Change]) -> None:
    """Insert into a table, one transaction each."""
    with closing(sqlite3.connect(folder / "db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(
            "CREATE TABLE items(id INTEGER PRIMARY KEY, epoch, seq, t_ns, leaf, payload BLOB, readings)"
        )
        insert = "INSERT INTO items(epoch, seq, t_ns, leaf, payload, readings) VALUES (?, ?, ?, ?, ?, ?)"
        for change in work:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, change.batches[0].entries)
            db.execute("COMMIT")


def seconds(
    job: Callable[[Path, list[Change]], None], where: Path, work: list[Change]
) -> tuple[float, float]:
    """Return how long a job takes on an empty folder: of the clock, and of the processor."""
    folder = Path(tempfile.mkdtemp(dir=where))
    began, used = time.perf_counter(), time.process_time()
    job(folder, work)
    took = time.perf_counter() - began, time.process_time() - used
    shutil.rmtree(folder)
    return took


def main() -> None:
    """Measure and print; the first argument is the folder to write in."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
    jobs = {"outbox": ours, "bare write + fdatasync": bare, "SQLite, WAL, FULL": sqlite}
    for title, (size, count) in SIZES.items():
        work = changes(size, count)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                times[name].append(seconds(job, where, work))
        rates = {name: count / statistics.median(took for took, _ in all_) for name, all_ in times.items()}
        own = count / statistics.median(used for _, used in times["outbox"])
        print(f"{title}: {count} in commits of {GROUP}, median of {ROUNDS} (bar {BAR} records/s)")
        for name, rate in rates.items():
            share = rates["outbox"] / rate
            print(
                f"  {rate:9.0f} records/s  {rate * size / 1e6:6.1f} MB/s  {name} (outbox: {share:.2f} of it)"
            )
        print(f"  {own:9.0f} records/s  by processor time alone, of the outbox")


if __name__ == "__main__":
    main()
