"""The reserve, and an agent's last commit on a disk that refuses."""

import asyncio
from pathlib import Path

import pytest

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, Entry, entry_of
from greenhearth_agent.outbox import Outbox, OutboxError
from greenhearth_agent.outbox_count import read_outbox
from greenhearth_agent.reserve import Reserve
from greenhearth_agent.spool import Spool


def record(seq: int) -> Entry:
    return entry_of(wire.Record(9, seq, seq, 1, [wire.Block(d=0, i=0, x=[1.0])], []))


class TightOutbox(Outbox):
    """A real outbox whose disk takes items only when the reserve is gone, or never."""

    takes_items = True

    def commit(self, change: Change) -> None:
        items = any(batch.entries for batch in change.batches)
        if self.reserve.path.exists() or (items and not self.takes_items):
            raise OutboxError("the disk is full")
        super().commit(change)


def test_the_reserve_takes_real_space_once_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "place", 1 << 20)
    assert reserve.keep()
    assert reserve.keep(), "a second start finds it there"
    assert reserve.path.stat().st_size == 1 << 20
    assert reserve.path.stat().st_blocks * 512 >= 1 << 20, "a hole is no reserve"
    reserve.release()
    reserve.release()
    assert not reserve.path.exists()


def test_a_disk_without_room_gives_no_reserve_and_no_error(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "place", 1 << 60)
    assert not reserve.keep()
    assert not reserve.path.exists()


@pytest.mark.parametrize("takes_items", [True, False])
def test_the_books_close_on_a_full_disk(tmp_path: Path, takes_items: bool) -> None:
    """With the items if they fit into the reserve, else with the count of them."""

    async def work() -> None:
        outbox = TightOutbox(tmp_path / "outbox", 64_000_000)
        outbox.open()
        outbox.takes_items = takes_items
        spool = Spool(outbox, 9, lambda _: None)
        for seq in range(1, 11):
            spool.put(Batch([record(seq)]))
        assert not await spool.flush()
        spool.acknowledge(wire.Ack(1, 9, 4))
        await spool.close()

    asyncio.run(work())
    kept = read_outbox(tmp_path / "outbox").counts
    assert (kept.measured, kept.readings) == (10, 10)
    assert kept.dropped == (0 if takes_items else 6), "what the gateway has is not lost"
