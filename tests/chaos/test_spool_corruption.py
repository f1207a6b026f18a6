"""T07: damage anywhere in the agent's outbox costs the records that it hits, and every one is counted."""

import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from greenhearth_agent.items import Batch, Change, Entry
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.segment_format import ITEM, Key, survey

from ..agent.outboxes import ack, event, open_outbox, record
from . import tiers

ROUNDS = tiers.size(500, 20_000, 100_000)
CAP = 500_000
"""Segments of 32 kB."""
MEMORY = "/dev/shm"
"""Damage needs no disk, and 100 000 openings would wear one."""
STATES = [b"state %d" % n * 200 for n in range(6)]


@dataclass
class Sound:
    """A folder as a killed agent left it, and what is in it."""

    files: dict[str, bytes]
    made: dict[Key, Entry]
    acked: set[Key]
    dropped: int
    where: dict[str, list[tuple[int, int, Key]]] = field(default_factory=dict)
    """By file: first byte, end and name of every item."""

    @property
    def waits(self) -> set[Key]:
        """What a sound outbox would hand out."""
        return self.made.keys() - self.acked


@dataclass(frozen=True)
class Damage:
    """One thing that happened to one file: what is there now, and which of its old bytes are gone."""

    what: str
    data: bytes
    first: int
    end: int


def _build(folder: Path) -> Sound:
    """Fill an outbox: two epochs, records and events, half of the older acknowledged, two snapshots kept."""
    outbox, luck = open_outbox(folder / "outbox", CAP), random.Random(7)
    made: dict[Key, Entry] = {}
    for epoch, total in ((5, 150), (6, 120)):
        seq = 0
        while seq < total:
            keys = [(epoch, seq + n) for n in range(1, luck.randrange(2, 6))]
            seq = keys[-1][1]
            entries = [event(*k) if k[1] % 4 == 0 else record(*k, luck.choice((0, 300, 1500))) for k in keys]
            made.update(zip(keys, entries, strict=True))
            assert outbox.tally is not None
            readings = sum(e.readings for k, e in made.items() if k[0] == epoch)
            outbox.tally.note(epoch, seq, readings, entries[-1].t_ns)
            state = STATES[len(made) // 50] if len(made) % 50 < len(keys) else None
            outbox.commit(Change(epoch, [Batch(entries, state)], [ack(5, min(seq // 2, 60), (80, 83))]))
    outbox.commit(Change(6, acks=[ack(6, 3, (50, 55))]))
    acked = {k for k in made if k in {(6, n) for n in (1, 2, 3, *range(50, 56))}}
    acked |= {(5, n) for n in (*range(1, 61), *range(80, 84))}
    files = {path.name: path.read_bytes() for path in outbox.path.iterdir() if path.name != "reserve"}
    outbox.close()
    sound = Sound(files, made, acked, outbox.counts.dropped)
    for name, data in files.items():
        if name.endswith(".seg"):
            pieces = [one for one in survey(data, int(name[:8])) if one.kind == ITEM]
            sound.where[name] = [(one.offset, one.end, one.key) for one in pieces]
    assert sum(name.endswith(".seg") for name in files) >= 4
    return sound


@pytest.fixture(scope="module")
def sound() -> Iterator[Sound]:
    """The folder that is damaged, anew each time."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        yield _build(Path(folder))


def _flip(data: bytes, luck: random.Random) -> Damage:
    at = luck.randrange(len(data))
    changed = bytearray(data)
    changed[at] ^= 1 << luck.randrange(8)
    return Damage("bit flipped", bytes(changed), at, at + 1)


def _overwrite(data: bytes, luck: random.Random) -> Damage:
    length = luck.choice((1, 16, 512, 4096))
    at = luck.randrange(len(data))
    if luck.random() < 0.5:
        at -= at % 512
    source = luck.randrange(max(len(data) - length, 1))
    what, new = luck.choice(
        [
            ("zeros", bytes(length)),
            ("garbage", luck.randbytes(length)),
            ("a copy of another block", data[source : source + length]),
        ]
    )
    new = new[: len(data) - at]
    return Damage(f"overwritten by {what}", data[:at] + new + data[at + len(new) :], at, at + len(new))


def _insert(data: bytes, luck: random.Random) -> Damage:
    at, source = luck.randrange(len(data)), luck.randrange(len(data))
    new = data[source : source + 4096]
    return Damage("a copy of a block inserted", data[:at] + new + data[at:], at, at + 1)


def _truncate(data: bytes, luck: random.Random) -> Damage:
    at = luck.randrange(len(data))
    return Damage("truncated", data[:at], at, len(data))


def _append(data: bytes, luck: random.Random) -> Damage:
    tail = luck.choice([bytes(4096), luck.randbytes(700), data[-300:], data[:4096]])
    return Damage("garbage appended", data + tail, len(data), len(data))


KINDS = (_flip, _flip, _flip, _overwrite, _overwrite, _insert, _truncate, _append)


def _open(folder: Path, sound: Sound, name: str, damage: Damage) -> Outbox:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for other, data in sound.files.items():
        (folder / other).write_bytes(damage.data if other == name else data)
    return open_outbox(folder, CAP)


def _judge(outbox: Outbox, sound: Sound, name: str, damage: Damage) -> int:
    """Hold what is left against what was there; return how many items are lost."""
    got = {(entry.epoch, entry.seq): entry for _, entry in outbox.waiting_after(0, 1 << 40)}
    assert all(sound.made[key] == entry for key, entry in got.items()), "a value was altered"
    hit = {key for a, b, key in sound.where.get(name, []) if a < damage.end and damage.first < b}
    lost = sound.waits - got.keys()
    assert lost <= hit, f"items were lost that the damage did not touch: {sorted(lost - hit)[:9]}"
    counts = outbox.counts
    assert counts.measured == len(sound.made)
    assert counts.waiting == len(got)
    assert len(lost) <= counts.dropped - sound.dropped <= len(hit)
    known = counts.measured - counts.waiting - counts.dropped
    assert known <= len(sound.acked), "an item is nowhere"
    if damage.what == "bit flipped":
        assert len(hit) <= 1
        assert counts.dropped - sound.dropped == len(lost)
        assert outbox.state() in STATES[-2:], "no saved state is left"
    return len(lost)


def test_damage_costs_what_it_hits_and_is_counted(sound: Sound, tmp_path: Path) -> None:
    """Always starts, never hands out an altered value, loses nothing beside the damage."""
    seed = tiers.seed()
    sys.stdout.write(f"\nseed {seed}\n")
    luck, began = random.Random(seed), time.monotonic()
    tried: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else tmp_path) as folder:
        for number in range(ROUNDS):
            name = luck.choice(sorted(sound.files))
            damage = luck.choice(KINDS)(sound.files[name], luck)
            outbox = _open(Path(folder) / "outbox", sound, name, damage)
            try:
                gone = _judge(outbox, sound, name, damage)
                if number % 8 == 0:
                    _goes_on(outbox)
            except AssertionError as error:
                raise AssertionError(
                    f"seed {seed}, round {number}: {name} {damage.what} at {damage.first}"
                ) from error
            finally:
                outbox.close()
            tried[damage.what] += 1
            lost[damage.what] += gone
    assert sum(lost.values()) > 0, "no damage hit anything: this test sees nothing"
    result = {"seed": seed, "rounds": ROUNDS, "tried": dict(tried), "lost items": dict(lost)}
    tiers.write_result("spool-corruption", {**result, "seconds": round(time.monotonic() - began)})


def _goes_on(outbox: Outbox) -> None:
    """The damage is counted once, and new items find their place."""
    before = outbox.counts
    outbox.commit(Change(9, [Batch([record(9, 1), event(9, 2)], b"later")]))
    outbox.close()
    outbox.open()
    after = outbox.counts
    assert (after.measured, after.dropped) == (before.measured + 2, before.dropped)
    assert (after.waiting, outbox.state()) == (before.waiting + 2, b"later")
    assert [entry for _, entry in outbox.waiting_after(0, 1 << 40)][-2:] == [record(9, 1), event(9, 2)]
