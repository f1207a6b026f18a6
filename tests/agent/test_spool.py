"""The spool: offers after the commit, lives through a disk that refuses, keeps its books."""

import asyncio
import shutil
from pathlib import Path

import pytest

from greenhearth import wire
from greenhearth_agent.items import Batch, Change, Entry, entry_of
from greenhearth_agent.outbox import Outbox, OutboxError
from greenhearth_agent.outbox_count import read_outbox
from greenhearth_agent.spool import Spool

from .conftest import until


class FragileOutbox(Outbox):
    """A real outbox whose disk can be taken away."""

    away = False

    def commit(self, change: Change) -> None:
        if self.away:
            raise OutboxError("the disk is away")
        super().commit(change)


def record(seq: int, size: int = 0) -> Entry:
    item = wire.Record(9, seq, seq, 1, [wire.Block(d=0, i=0, x=[1.0])], [])
    entry = entry_of(item)
    return entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")


def event(seq: int) -> Entry:
    return entry_of(wire.Event(9, seq, seq, "x", "y"))


def make(tmp_path: Path) -> tuple[FragileOutbox, Spool, list[int]]:
    outbox = FragileOutbox(tmp_path / "outbox", 64_000_000)
    outbox.open()
    offered: list[int] = []
    return outbox, Spool(outbox, 9, lambda entries: offered.extend(e.seq for e in entries)), offered


def balanced(spool: Spool) -> bool:
    c = spool.counts()
    return c.measured >= c.waiting + c.dropped


def test_items_are_offered_in_order_once_they_are_on_the_disk(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, offered = make(tmp_path)
        task = asyncio.create_task(spool.run())
        for seq in range(1, 101):
            spool.put(Batch([record(seq)]))
            assert not offered or outbox.counts.last_seq >= offered[-1]
            if seq % 10 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(offered) == 100)
        assert offered == list(range(1, 101))
        assert spool.counts().measured == spool.counts().waiting == 100
        task.cancel()
        await spool.close()

    asyncio.run(work())


def test_while_the_disk_refuses_items_are_offered_live_and_stored_later(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, offered = make(tmp_path)
        outbox.away = True
        spool.put(Batch([record(1)]))
        assert not await spool.flush()
        assert spool.problem == "the disk is away"
        spool.put(Batch([record(2), event(3)]))
        assert offered == [1, 2, 3]
        spool.acknowledge(wire.Ack(1, 9, 1))
        c = spool.counts()
        assert (c.measured, c.waiting, c.dropped) == (3, 2, 0)
        outbox.away = False
        assert await spool.flush()
        assert (spool.problem, offered) == ("", [1, 2, 3])
        assert [e.seq for _, e in await spool.waiting_after(0, 10)] == [2, 3]
        await spool.close()

    asyncio.run(work())


def test_a_full_waiting_room_gives_up_the_oldest_records_and_counts_them(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, _ = make(tmp_path)
        outbox.away = True
        spool.room_bytes = 20_000
        for seq in range(1, 200, 2):
            spool.put(Batch([record(seq, 1000), event(seq + 1)]))
            await spool.flush()
        c = spool.counts()
        assert c.measured == 200
        assert c.waiting + c.dropped == 200
        assert 80 < c.dropped < 100
        assert c.readings == 100
        outbox.away = False
        assert await spool.flush()
        assert spool.counts().waiting + c.dropped == 200
        left = [e.seq for _, e in await spool.waiting_after(0, 1000)]
        assert [seq for seq in left if seq % 2 == 0] == list(range(2, 201, 2)), "an event was given up"
        newest = [seq for seq in left if seq % 2]
        assert newest == list(range(newest[0], 200, 2)), "not the oldest records went"
        assert outbox.counts.dropped == c.dropped
        await spool.close()

    asyncio.run(work())


def test_what_the_gateway_has_leaves_the_waiting_room_without_being_lost(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, _ = make(tmp_path)
        outbox.away = True
        spool.room_bytes = 20_000
        for seq in range(1, 101):
            spool.put(Batch([record(seq, 1000)]))
            spool.acknowledge(wire.Ack(1, 9, seq))
            await spool.flush()
        outbox.away = False
        await spool.flush()
        c = spool.counts()
        assert (c.measured, c.waiting, c.dropped, c.readings) == (100, 0, 0, 100)
        await spool.close()

    asyncio.run(work())


def test_counts_do_not_waver_while_a_commit_is_under_way(tmp_path: Path) -> None:
    async def work() -> None:
        _, spool, _ = make(tmp_path)
        seen = set()
        for seq in range(1, 20):
            spool.put(Batch([record(seq)]))
            task = asyncio.create_task(spool.flush())
            while not task.done():
                seen.add((seq, spool.counts().measured, spool.counts().waiting))
                await asyncio.sleep(0)
        assert seen == {(n, n, n) for n in range(1, 20)}
        await spool.close()

    asyncio.run(work())


def test_a_cancelled_commit_is_neither_lost_nor_doubled(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, _ = make(tmp_path)
        for seq in range(1, 30):
            spool.put(Batch([record(seq)]))
            task = asyncio.create_task(spool.flush())
            await asyncio.sleep(0)
            if seq % 2:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                await task
        await spool.close()
        outbox.open()
        assert [e.seq for _, e in outbox.waiting_after(0, 100)] == list(range(1, 30))
        assert outbox.counts.measured == 29
        outbox.close()

    asyncio.run(work())


def test_acknowledgements_alone_reach_the_disk_too(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, _ = make(tmp_path)
        task = asyncio.create_task(spool.run())
        spool.put(Batch([record(1), record(2)]))
        await until(lambda: outbox.counts.waiting == 2)
        spool.acknowledge(wire.Ack(1, 9, 2))
        assert await spool.waiting_after(0, 10) == [], "an acknowledged item would be sent again"
        await until(lambda: outbox.counts.waiting == 0)
        task.cancel()
        await spool.close()

    asyncio.run(work())


def test_what_only_memory_held_when_the_process_was_killed_is_counted(tmp_path: Path) -> None:
    async def work() -> None:
        outbox, spool, offered = make(tmp_path)
        spool.put(Batch([record(1), record(2)]))
        assert await spool.flush()
        outbox.away = True
        spool.put(Batch([record(3)]))
        assert not await spool.flush()
        spool.put(Batch([event(4), record(5)]))
        assert offered == [1, 2, 3, 4, 5]
        left = shutil.copytree(outbox.path, tmp_path / "killed")
        again = Outbox(left, 64_000_000)
        again.open()
        c = again.counts
        assert (c.measured, c.waiting, c.dropped, c.readings) == (5, 2, 3, 4)
        assert again.never_stored == 3
        again.close()
        outbox.away = False
        await spool.close()
        assert read_outbox(outbox.path).counts.dropped == 0

    asyncio.run(work())
