"""The agent as a process: a served device, a real broker, kills in the middle."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from greenhearth import wire
from greenhearth.clock import Clock, Stamper
from greenhearth.engine import Engine
from greenhearth.mqtt import Link, LinkCallbacks, LinkOptions
from greenhearth.seqset import SeqSet
from greenhearth_agent.app import Endpoint, put_endpoints, read_endpoints, resume
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.check import read_site
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.pipeline import Numbers, Pipeline
from greenhearth_agent.spool import Spool

from .conftest import mbap_frame, tcp_device, until

RUN = """
import asyncio, json, logging, sys
from pathlib import Path
from greenhearth_agent.app import AgentOptions, Endpoint, run_agent
logging.basicConfig(level="INFO")
o = json.loads(sys.argv[1])
asyncio.run(run_agent(AgentOptions(
    site=Path(o["site"]), broker=("127.0.0.1", o["broker"]), data=Path(o["data"]),
    endpoints={"plc": Endpoint(port=o["port"])}, ready_file=Path(o["ready"]))))
"""


@dataclass
class Gateway:
    """Keeps everything it hears, once, and acknowledges it."""

    address: tuple[str, int]
    got: dict[int, SeqSet] = field(default_factory=dict)
    items: list[wire.Item] = field(default_factory=list)
    health: list[wire.Health] = field(default_factory=list)
    statuses: list[bool] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    muted: bool = False

    def start(self) -> None:
        options = LinkOptions(
            *self.address, "gateway", ("greenhearth/1/+/+/#",), max_in_flight=200, longest_wait_s=0.3
        )
        self.link = Link(options, LinkCallbacks(on_message=self._message))
        self.link.start()

    def _message(self, topic: str, payload: bytes, _retained: bool) -> None:
        site, agent, leaf = wire.split_topic(topic)
        if leaf == "health":
            self.health.append(wire.decode_health(payload))
        elif leaf == "status":
            self.statuses.append(wire.decode_status(payload).online)
        elif leaf != "ack" and not self.muted:
            frame = wire.decode_frame(payload)
            for item in frame.items:
                self._take(item, frame.lane)
            for epoch in {item.epoch for item in frame.items}:
                have = self.got[epoch]
                ack = wire.Ack(1, epoch, have.upto(), have.above(have.upto()))
                self.link.publish(wire.topic(site, agent, "ack"), wire.encode(ack))

    def _take(self, item: wire.Item, lane: str) -> None:
        if not self.got.setdefault(item.epoch, SeqSet()).add(item.seq):
            return
        self.items.append(item)
        if isinstance(item, wire.Record) and lane == "live":
            newest = max(block.d for block in item.blocks)
            self.delays.append((time.time_ns() - item.t_ns - newest) / 1e9)

    def records(self) -> list[wire.Record]:
        return [i for i in list(self.items) if isinstance(i, wire.Record)]

    def events(self, what: str) -> list[wire.Event]:
        return [i for i in list(self.items) if isinstance(i, wire.Event) and i.what == what]


@pytest.fixture
def gateway(mosquitto: tuple[str, int]) -> Iterator[Gateway]:
    one = Gateway(mosquitto)
    one.start()
    yield one
    one.link.stop()


@contextmanager
def agent(site: Path, broker: int, port: int, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent process; killed at the end if it still runs."""
    ready = data / "ready.json"
    ready.unlink(missing_ok=True)
    options = {"site": str(site), "broker": broker, "data": str(data), "port": port, "ready": str(ready)}
    with (data / "agent.log").open("ab") as out:
        process = subprocess.Popen([sys.executable, "-c", RUN, json.dumps(options)], stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


class Box:
    """A PLC whose counter rises with every read of it and whose text can change."""

    def __init__(self) -> None:
        self.energy = 1000
        self.grade = b"S235"
        self.silent = False
        self.functions: set[int] = set()

    def answer(self, request: bytes) -> list[tuple[float, bytes]]:
        first, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
        self.functions.add(request[7])
        if self.silent:
            return []
        self.energy += first == 0
        image = bytes.fromhex("42c80000") + self.energy.to_bytes(4, "big") + b"\0\3" + self.grade
        image += bytes(2 * 33) + b"\0\7"
        data = image[2 * first : 2 * (first + count)]
        body = bytes([request[6], request[7], len(data)]) + data
        return [(0, mbap_frame(int.from_bytes(request[:2], "big"), body))]


def energies(gateway: Gateway) -> list[float]:
    """The counter as it arrived, in the order of its times."""
    found = [(r.t_ns, block.x[1]) for r in gateway.records() for block in r.blocks if block.i == 0]
    return [x for _, x in sorted(found) if x is not None]


def test_readings_arrive_live_with_text_and_health_and_the_end_is_orderly(
    site_file: Callable[..., Path], gateway: Gateway, tmp_path: Path
) -> None:
    async def work() -> None:
        box = Box()
        async with tcp_device(box.answer) as (port, _):
            with agent(site_file(), gateway.address[1], port, tmp_path) as process:
                await until(lambda: len(gateway.records()) >= 10, 60)
                box.grade = b"B500"
                await until(lambda: len(gateway.events("text_changed")) == 2)
                await until(lambda: len(gateway.health) >= 2)
                process.send_signal(signal.SIGTERM)
                await until(lambda: process.poll() is not None)
                assert process.returncode == 0, (tmp_path / "agent.log").read_text()
        birth = next(i for i in gateway.items if isinstance(i, wire.Birth))
        assert [s.name for s in birth.series] == ["box.power_kw", "box.energy_kwh", "box.state", "box.far_a"]
        record = gateway.records()[5]
        assert record.birth == birth.seq
        assert [(b.i, len(b.x)) for b in record.blocks] == [(0, 3), (3, 1)]
        assert (record.blocks[0].x[0], record.blocks[0].x[2], record.blocks[1].x[0]) == (100.0, 3.0, 7.0)
        assert all(-0.2e9 < block.d < 0 for block in record.blocks)
        assert [e.detail for e in gateway.events("text_changed")] == ["S235", "B500"]
        assert sorted(gateway.delays)[len(gateway.delays) // 2] < 0.05, "response to gateway took too long"
        health = gateway.health[-1]
        assert (health.devices[0].state, health.buses[0].name, health.problems) == ("ok", "plc", [])
        assert health.measured == len(gateway.items)
        assert (health.waiting, health.dropped) == (0, 0)
        await until(lambda: gateway.statuses[-1] is False)
        assert box.functions == {3}

    asyncio.run(work())


async def _more(count: Callable[[], int]) -> None:
    """Wait until a count has grown by 8."""
    before = count()
    await until(lambda: count() > before + 8, 60)


def test_kills_of_the_agent_lose_and_double_nothing(
    site_file: Callable[..., Path], gateway: Gateway, tmp_path: Path
) -> None:
    async def work() -> None:
        box = Box()
        async with tcp_device(box.answer) as (port, _):
            path = site_file()
            for round_number in range(3):
                gateway.muted = round_number == 1  # a round whose records only the disk has
                with agent(path, gateway.address[1], port, tmp_path) as process:
                    ready = tmp_path / "ready.json"
                    await until(ready.exists, 60)
                    await _more(lambda: box.energy)
                    if not gateway.muted:
                        await _more(lambda: len(gateway.items))
                    process.kill()
            gateway.muted = False
            with agent(path, gateway.address[1], port, tmp_path) as process:
                await until(lambda: len(gateway.got) == 4, 60)
                await until(lambda: gateway.health and gateway.health[-1].waiting <= 2, 60)
                await until(lambda: len(gateway.records()) > 30, 60)
                process.send_signal(signal.SIGTERM)
                await until(lambda: process.poll() is not None)
        health = gateway.health[-1]
        assert health.measured == health.waiting + len(gateway.items)
        assert health.dropped == 0
        for epoch, seqs in gateway.got.items():
            assert seqs.upto() == len(seqs), f"epoch {epoch} has a hole"
        counter = energies(gateway)
        assert counter == sorted(counter)
        assert len(set(counter)) == len(counter), "a reading came twice"
        in_time = [r.epoch for r in sorted(gateway.records(), key=lambda r: r.t_ns)]
        assert in_time == sorted(in_time), "epochs do not grow"

    asyncio.run(work())


def test_a_dead_device_is_an_event_a_problem_and_no_end(
    site_file: Callable[..., Path], gateway: Gateway, tmp_path: Path
) -> None:
    async def work() -> None:
        box = Box()
        async with tcp_device(box.answer) as (port, _):
            with agent(site_file(), gateway.address[1], port, tmp_path) as process:
                await until(lambda: len(gateway.records()) >= 3, 60)
                box.silent = True
                await until(lambda: gateway.events("device_down"))
                await until(lambda: gateway.health[-1].problems)
                assert "device box (unit 1 on bus plc) does not answer at" in gateway.health[-1].problems[0]
                silent = [b for r in gateway.records() for b in r.blocks if 128 in b.q]
                assert silent, "no TIMEOUT was recorded"
                assert all(x is None for b in silent for x in b.x), "a silent meter gave a number"
                box.silent = False
                await until(lambda: gateway.events("device_up"))
                assert process.poll() is None

    asyncio.run(work())


def test_the_state_after_a_crash_is_the_state_before_it(
    site_file: Callable[..., Path], tmp_path: Path
) -> None:
    async def work() -> None:
        checked = read_site(site_file())
        outbox = Outbox(tmp_path / "outbox", 64_000_000)
        outbox.open()
        clock = Clock.real()
        spool = Spool(outbox, 5, lambda _: None)
        before = Engine(checked.model, checked.plan.blocks)
        pipeline = Pipeline(clock, Stamper(clock), 0.2, before, Numbers(5), spool=spool)
        buffer = pipeline.buffer = ScanBuffer(checked.plan, pipeline.written)
        for n in range(60):
            buffer.words[3] = 100 + n
            for block in range(len(checked.plan.blocks)):
                quality = 128 if n % 7 == 3 else 0
                buffer.write(block, pipeline.stamper.stamp(), quality, None)
            if n == 20:
                pipeline._snapshot_at = 0.0  # the next update takes one
            pipeline.update()
        assert await spool.flush()
        await spool.close()  # and no pipeline.end(): the process is gone
        outbox.open()
        after = Engine(checked.model, checked.plan.blocks)
        assert resume(after, outbox) == 39
        assert after.snapshot() == before.snapshot()
        assert after.totals()["box.energy_kwh"] == 158.0, "the last scan was a timeout"
        outbox.close()

    asyncio.run(work())


def test_a_full_outbox_keeps_what_a_restart_needs(site_file: Callable[..., Path], tmp_path: Path) -> None:
    """Records are given up by policy, but not the ones between the last snapshot and now."""

    async def work() -> None:
        checked = read_site(site_file())
        outbox = Outbox(tmp_path / "outbox", 200_000)
        outbox.open()
        clock, spool = Clock.real(), Spool(outbox, 5, lambda _: None)
        before = Engine(checked.model, checked.plan.blocks)
        pipeline = Pipeline(clock, Stamper(clock), 0.2, before, Numbers(5), spool=spool)
        pipeline.outbox_bytes = outbox.max_bytes
        buffer = pipeline.buffer = ScanBuffer(checked.plan, pipeline.written)
        for n in range(1100):
            buffer.words[3] = 100 + n
            for block in range(len(checked.plan.blocks)):
                buffer.write(block, pipeline.stamper.stamp(), 0, None)
            pipeline.update()
            assert n % 20 or await spool.flush()
        assert await spool.flush()
        assert spool.counts().dropped > 100
        await spool.close()
        outbox.open()
        after = Engine(checked.model, checked.plan.blocks)
        assert resume(after, outbox) == pipeline._since_snapshot
        assert after.snapshot() == before.snapshot()
        outbox.close()

    asyncio.run(work())


def test_a_state_of_another_site_file_is_not_taken_up(
    site_file: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        checked = read_site(site_file())
        outbox = Outbox(tmp_path / "outbox", 64_000_000)
        outbox.open()
        spool = Spool(outbox, 5, lambda _: None)
        clock = Clock.real()
        engine = Engine(checked.model, checked.plan.blocks)
        pipeline = Pipeline(clock, Stamper(clock), 0.2, engine, Numbers(5), spool=spool)
        pipeline.buffer = ScanBuffer(checked.plan, pipeline.written)
        pipeline.end()
        await spool.close()
        outbox.open()
        path = site_file()
        path.write_text(path.read_text() + 'points = ["state"]\n')
        other = read_site(path)
        assert resume(Engine(other.model, other.plan.blocks), outbox) == 0
        assert "another site file" in caplog.text
        outbox.close()

    asyncio.run(work())


def test_endpoints_of_a_ready_file_take_the_place_of_those_in_the_site_file(
    site_file: Callable[..., Path], tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(
        '{"pid": 1, "endpoints": {"plc": {"host": "10.0.0.9", "port": 77}, "else": {"device": "x"}}}'
    )
    site = read_site(site_file()).site
    put_endpoints(site, read_endpoints(ready))
    assert (site.buses["plc"].host, site.buses["plc"].port, list(site.buses)) == ("10.0.0.9", 77, ["plc"])
    assert read_endpoints(ready)["else"] == Endpoint(device="x")


def test_a_second_agent_on_the_same_data_is_refused(
    site_file: Callable[..., Path], gateway: Gateway, tmp_path: Path
) -> None:
    with agent(site_file(), gateway.address[1], 1, tmp_path):
        deadline = time.monotonic() + 60
        while not (tmp_path / "ready.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)  # asked again until the deadline
        with agent(site_file(), gateway.address[1], 1, tmp_path) as second:
            assert second.wait(30) != 0
        assert "another agent runs on this data folder" in (tmp_path / "agent.log").read_text()
    assert os.path.exists(tmp_path / "agent-edge" / "outbox")
