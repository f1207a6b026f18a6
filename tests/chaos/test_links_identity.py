"""T10: two agents with one id. The broker throws out the one for the other; nothing is lost or mixed up."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from greenhearth import wire
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.seqset import SeqSet
from greenhearth_agent.items import Counts, Entry, entry_of
from greenhearth_agent.uplink import Identity, Uplink

from .proxy import FaultProxy

ITEMS = 300
CLASH_S = 8.0
EPOCHS = (100, 101)


@dataclass
class Kept:
    """What one agent keeps until it is acknowledged, in memory."""

    entries: dict[int, Entry] = field(default_factory=dict)

    def acknowledge(self, ack: wire.Ack) -> None:
        for low, high in [(1, ack.upto), *ack.also]:
            for seq in range(low, high + 1):
                self.entries.pop(seq, None)

    def counts(self) -> Counts:
        return Counts(waiting=len(self.entries))

    async def waiting_after(self, after_id: int, limit: int) -> list[tuple[int, Entry]]:
        return [(seq, e) for seq, e in sorted(self.entries.items()) if seq > after_id][:limit]


class Gateway:
    """Takes what comes and acknowledges it, by epoch."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.got: dict[int, SeqSet] = {}
        self.payloads: dict[tuple[int, int], bytes] = {}
        self.altered = 0
        topics = tuple(wire.topic("works", "edge", leaf) for leaf in ("birth", "records", "events"))
        options = LinkOptions(*address, "gateway", topics, max_in_flight=200)
        self.link = Link(options, LinkCallbacks(on_message=self._message))
        self.link.start()

    def _message(self, _topic: str, payload: bytes, _retained: bool) -> None:
        items = wire.decode_frame(payload).items
        for item in items:
            self.got.setdefault(item.epoch, SeqSet()).add(item.seq)
            before = self.payloads.setdefault((item.epoch, item.seq), wire.encode(item))
            self.altered += before != wire.encode(item)
        for epoch in {item.epoch for item in items}:
            have = self.got[epoch]
            topic = wire.topic("works", "edge", "ack")
            ack = wire.Ack(1, epoch, have.upto(), have.above(have.upto()))
            self.link.publish(topic, wire.encode_checked(topic, ack))


def agent(address: tuple[str, int], epoch: int) -> tuple[Uplink, Kept]:
    """Return an agent that has measured and waits for a broker."""
    birth = entry_of(wire.Birth(epoch, 1, 1, "works", "edge", f"start {epoch}", [], [], [], [], []))
    events = [entry_of(wire.Event(epoch, seq, seq, "x", f"of {epoch}")) for seq in range(2, ITEMS + 1)]
    kept = Kept({entry.seq: entry for entry in (birth, *events)})
    uplink = Uplink(Identity("works", "edge", epoch, address), birth, kept)
    uplink.offer(events)
    return uplink, kept


def test_two_agents_with_one_id_lose_nothing_and_each_is_told(
    mosquitto: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    proxies = [FaultProxy(mosquitto, n, mqtt=True).start() for n in range(2)]
    gateway = Gateway(mosquitto)
    try:
        asyncio.run(_clash(gateway, proxies))
    finally:
        gateway.link.stop(0.0)
        for proxy in proxies:
            proxy.stop()
    assert gateway.altered == 0
    assert {epoch: list(have) for epoch, have in gateway.got.items()} == {n: [(1, ITEMS)] for n in EPOCHS}
    told = [record.getMessage() for record in caplog.records if "with this id" in record.getMessage()]
    assert sorted(one.partition(" of ")[2].partition(" ")[0] for one in told) == 2 * [
        "greenhearth-agent-works-edge"
    ]


async def _clash(gateway: Gateway, proxies: list[FaultProxy]) -> None:
    agents = [agent(proxy.address, epoch) for proxy, epoch in zip(proxies, EPOCHS, strict=True)]
    tasks = [asyncio.create_task(uplink.run()) for uplink, _ in agents]
    began = time.monotonic()
    await _until(lambda: not any(kept.entries for _, kept in agents), 90)
    await asyncio.sleep(max(0.0, CLASH_S - (time.monotonic() - began)))  # the clash goes on: how busy is it?
    passed = time.monotonic() - began
    connections = sum(proxy.counts["connections"] for proxy in proxies)
    assert connections <= 20 + passed, f"{connections} connections in {passed:.0f} s"
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for uplink, _ in agents:
        await uplink.stop()


async def _until(condition: Any, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "items still wait"
        await asyncio.sleep(0.02)  # asked again until the deadline
