"""The uplink over a real mosquitto to a gateway that can be away, deaf or slow."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from greenhearth import wire
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.seqset import SeqSet
from greenhearth_agent.items import Batch, Entry, entry_of
from greenhearth_agent.lanes import FRAME_RECORDS
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.spool import Spool
from greenhearth_agent.uplink import Identity, Uplink

from ..conftest import Broker
from .conftest import until

EPOCH = 77


@dataclass
class Gateway:
    """Takes frames, 'commits' them, acknowledges."""

    address: tuple[str, int]
    acks: bool = True
    frame_s: float = 0.0
    """How long it works on every frame; what comes meanwhile waits in the broker."""
    got: dict[int, SeqSet] = field(default_factory=dict)
    lanes: list[tuple[str, list[int]]] = field(default_factory=list)
    retained: list[str] = field(default_factory=list)
    statuses: list[bool] = field(default_factory=list)
    times: dict[int, float] = field(default_factory=dict)

    async def start(self) -> None:
        options = LinkOptions(
            *self.address, "gateway", ("greenhearth/1/+/+/#",), max_in_flight=100, longest_wait_s=0.3
        )
        self.link = Link(options, LinkCallbacks(on_message=self._message))
        self.link.start()
        await until(lambda: self.link.connected)

    def _message(self, topic: str, payload: bytes, retained: bool) -> None:
        site, agent, leaf = wire.split_topic(topic)
        if leaf == "status":
            self.statuses.append(wire.decode_status(payload).online)
        if retained:
            self.retained.append(leaf)
        if leaf not in ("birth", "records", "events"):
            return
        frame = wire.decode_frame(payload)
        time.sleep(self.frame_s)  # a slow gateway: its network thread waits for room
        self.lanes.append((frame.lane, [item.seq for item in frame.items]))
        for item in frame.items:
            assert wire.leaf_of(item) == leaf
            self.got.setdefault(item.epoch, SeqSet()).add(item.seq)
            self.times.setdefault(item.seq, time.monotonic())
        if self.acks:
            for epoch in {item.epoch for item in frame.items}:
                have = self.got[epoch]
                ack = wire.Ack(1, epoch, have.upto(), have.above(have.upto()))
                self.link.publish(wire.topic(site, agent, "ack"), wire.encode(ack))

    def has(self, last: int, epoch: int = EPOCH) -> bool:
        return epoch in self.got and self.got[epoch].upto() >= last


@dataclass
class Rig:
    """A spool and an uplink, as the agent puts them together."""

    outbox: Outbox
    spool: Spool
    uplink: Uplink
    seq: int = 1

    def put(self, n: int = 1, leaf: str = "records", size: int = 0) -> None:
        for _ in range(n):
            self.seq += 1
            item: wire.Item = wire.Record(EPOCH, self.seq, self.seq, 1, [], [])
            if leaf == "events":
                item = wire.Event(EPOCH, self.seq, self.seq, "x", "y")
            entry = entry_of(item)
            self.spool.put(Batch([entry._replace(payload=entry.payload[:-1] + b" " * size + b"}")], b"s"))


def birth() -> Entry:
    return entry_of(wire.Birth(EPOCH, 1, 1, "works", "edge", "test", [], [], [], [], []))


@asynccontextmanager
async def rig(address: tuple[str, int], folder: Path) -> AsyncIterator[Rig]:
    outbox = Outbox(folder / "outbox", 64_000_000)
    outbox.open()
    uplink = Uplink(Identity("works", "edge", EPOCH, address), birth())
    spool = uplink.store = Spool(outbox, EPOCH, uplink.offer)
    spool.put(Batch([birth()], b"s"))
    tasks = [asyncio.create_task(spool.run()), asyncio.create_task(uplink.run())]
    try:
        yield Rig(outbox, spool, uplink)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await uplink.stop()
        await spool.close()


def test_a_live_record_is_there_within_milliseconds_and_leaves_after_its_ack(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    async def work() -> None:
        gateway = Gateway(mosquitto)
        await gateway.start()
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: gateway.has(1))
            for _ in range(20):
                began = time.monotonic()
                one.put()
                await until(lambda: gateway.has(one.seq))
                assert gateway.times[one.seq] - began < 0.25
            await until(lambda: one.spool.counts().waiting == 0)
            assert {lane for lane, _ in gateway.lanes} == {"live"}
            assert sum(len(seqs) for _, seqs in gateway.lanes) <= one.seq + 1, "items were sent twice"
        gateway.link.stop()
        assert gateway.statuses[0] is True
        assert gateway.statuses[-1] is False

    asyncio.run(work())


def test_without_a_gateway_nothing_leaves_and_later_everything_arrives_and_live_does_not_wait(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    async def work() -> None:
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: one.uplink.link.connected)
            one.put(300)
            one.put(3, "events")
            await until(lambda: one.outbox.counts.last_seq == one.seq)
            await until(lambda: one.uplink.link.in_flight() == 0)  # the broker has said PUBACK to all
            assert one.spool.counts().waiting == one.seq
            gateway = Gateway(mosquitto)
            await gateway.start()
            await until(lambda: "birth" in gateway.retained)  # so its subscription holds
            began = time.monotonic()
            one.put()
            await until(lambda: gateway.has(one.seq), 20)
            await until(lambda: one.spool.counts().waiting == 0)
            assert gateway.times[one.seq] - began < 0.25, "the live record had to wait for the backlog"
            assert {seq for lane, seqs in gateway.lanes if lane == "backlog" for seq in seqs} >= {2, 100, 302}
            assert max(len(seqs) for _, seqs in gateway.lanes) <= 200
            assert gateway.retained.count("birth") == 1, "a late gateway did not find the birth"
        gateway.link.stop()

    asyncio.run(work())


def test_a_broker_that_is_killed_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    async def work() -> None:
        address = (broker.host, broker.port)
        gateway = Gateway(address)
        await gateway.start()
        async with rig(address, tmp_path) as one:
            await until(lambda: gateway.has(1))
            for _ in range(3):
                one.put(20, size=100)
                broker.kill()
                one.put(20)
                await until(lambda: not one.uplink.link.connected)
                broker.start()
                one.put(5)
            await until(lambda: gateway.has(one.seq), 30)
            await until(lambda: one.spool.counts().waiting == 0)
            assert one.spool.counts().measured == one.seq == len(gateway.got[EPOCH])
        gateway.link.stop()

    asyncio.run(work())


def test_a_gateway_that_commits_but_whose_ack_is_lost_gets_the_items_again(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    async def work() -> None:
        gateway = Gateway(mosquitto)
        await gateway.start()
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: one.seq == 1 and one.spool.counts().waiting == 0)
            gateway.acks = False
            one.put(5)
            await until(lambda: gateway.has(one.seq))
            gateway.acks = True
            await until(lambda: one.spool.counts().waiting == 0, 20)
        gateway.link.stop()

    asyncio.run(work())


def test_noise_on_the_ack_topic_is_refused_and_counted(mosquitto: tuple[str, int], tmp_path: Path) -> None:
    async def work() -> None:
        gateway = Gateway(mosquitto)
        await gateway.start()
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: gateway.has(1))
            topic = wire.topic("works", "edge", "ack")
            for noise in (b"", b"\xff", b'{"v":2,"epoch":1,"upto":1}', b'{"v":1}'):
                assert gateway.link.publish(topic, noise)
            await until(lambda: one.uplink.refused_acks == 4)
            one.put()
            await until(lambda: gateway.has(one.seq))
        gateway.link.stop()

    asyncio.run(work())


def test_a_slow_gateway_gets_a_backlog_at_its_own_pace_nothing_twice_and_live_goes_on(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    """Seven frames a second: the window stays at a few, or live records would wait for all under way."""

    async def work() -> None:
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: one.uplink.link.connected)
            one.put(12_000)
            await until(lambda: one.outbox.counts.last_seq == one.seq)
            gateway = Gateway(mosquitto, frame_s=0.15)
            await gateway.start()
            await until(lambda: len(gateway.lanes) > 25, 30)
            waits = []
            for _ in range(5):
                one.put()
                began, seq = time.monotonic(), one.seq
                await until(lambda seq=seq: seq in gateway.times)
                waits.append(gateway.times[seq] - began)
            assert max(waits) < 2.0, f"live records stood behind the backlog: {waits}"
            gateway.frame_s = 0.0
            await until(lambda: gateway.has(one.seq), 30)
            sent = sum(len(seqs) for _, seqs in gateway.lanes)
            assert one.uplink.lanes.resent <= 400, "more than the two frames before the gateway was there"
            assert sent <= one.seq + 400, f"{sent} items were sent for {one.seq}"
        gateway.link.stop()

    asyncio.run(work())


def test_a_long_backlog_goes_as_fast_as_it_is_acknowledged(
    mosquitto: tuple[str, int], tmp_path: Path
) -> None:
    """Twenty frames a second was once the most: 20 000 items would have taken five seconds and more."""

    async def work() -> None:
        gateway = Gateway(mosquitto)
        await gateway.start()
        async with rig(mosquitto, tmp_path) as one:
            await until(lambda: gateway.has(1))
            gateway.link.stop()
            one.put(20_000)
            await until(lambda: one.outbox.counts.last_seq == one.seq, 30)
            again = Gateway(mosquitto, got=gateway.got)
            await again.start()
            await until(lambda: again.has(one.seq), 60)
            assert one.uplink.lanes.window > FRAME_RECORDS, "the window never opened"
        again.link.stop()

    asyncio.run(work())
