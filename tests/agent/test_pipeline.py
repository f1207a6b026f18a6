"""The scan clock and the turning of scans into records, with real devices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from greenhearth import wire
from greenhearth.clock import Clock, Stamper
from greenhearth.engine import Engine
from greenhearth.site import Bus
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.buses.modbus import ModbusBus
from greenhearth_agent.check import read_site
from greenhearth_agent.items import Batch
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.pipeline import Numbers, Pipeline
from greenhearth_agent.poller import Poller, PollerLinks, polled_devices
from greenhearth_agent.spool import Spool

from .conftest import SITE, Answer, mbap_frame, tcp_device, until

TWO_BUSES = (
    SITE
    + """
[bus.slow]
kind = "tcp"
host = "127.0.0.1"
port = 1

[device.slow_box]
bus = "slow"
profile = "plcs/box"
"""
)


def zeros(request: bytes) -> bytes:
    count = int.from_bytes(request[10:12], "big")
    body = bytes([request[6], request[7], 2 * count]) + bytes(2 * count)
    return mbap_frame(int.from_bytes(request[:2], "big"), body)


def after(delay: float) -> Answer:
    return lambda request: [(delay, zeros(request))]


class Taps(Spool):
    """A real spool whose items a test can look at."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__(outbox, 5, lambda _: None)
        self.items: list[wire.Item] = []

    def put(self, batch: Batch) -> None:
        for entry in batch.entries:
            frame = b'{"v":1,"agent":"e","lane":"live","items":[' + entry.payload + b"]}"
            self.items += wire.decode_frame(frame).items
        super().put(batch)

    def records(self) -> list[wire.Record]:
        return [item for item in self.items if isinstance(item, wire.Record)]


@asynccontextmanager
async def one_box(path: Callable[..., Path]) -> AsyncIterator[Taps]:
    """A pipeline with one device that answers at once."""
    async with tcp_device(after(0)) as (port, _), pipeline(path(), {"plc": port}, Clock.real()) as (_, spool):
        yield spool


@asynccontextmanager
async def pipeline(path: Path, ports: dict[str, int], clock: Clock) -> AsyncIterator[tuple[Pipeline, Taps]]:
    checked = read_site(path)
    outbox = Outbox(path.with_name("outbox"), 64_000_000)
    outbox.open()
    spool = Taps(outbox)
    one = Pipeline(
        clock, Stamper(clock), checked.site.agent.scan_interval_s,
        Engine(checked.model, checked.plan.blocks), Numbers(5), spool=spool,
    )  # fmt: skip
    one.buffer = ScanBuffer(checked.plan, one.written)
    links = PollerLinks(one.buffer, one.stamper, one.scan_ended, one.device_changed)
    buses = {name: Bus(kind="tcp", host="127.0.0.1", port=port) for name, port in ports.items()}
    one.pollers = [
        Poller(
            ModbusBus(name, bus, one.stamper.stamp), polled_devices(checked.site, checked.plan, name), links
        )
        for name, bus in buses.items()
    ]
    works = [spool.run, one.gather, *(p.run for p in one.pollers), one.tick]
    tasks = [asyncio.create_task(work()) for work in works]
    try:
        yield one, spool
    finally:
        running = set(tasks)
        while running:
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.5)
        await spool.close()


def test_two_buses_of_one_scan_make_one_record_right_after_the_slower(
    site_file: Callable[..., Path],
) -> None:
    async def work() -> None:
        async with tcp_device(after(0)) as (fast, _), tcp_device(after(0.01)) as (slow, _):
            path = site_file(text=TWO_BUSES)
            async with pipeline(path, {"plc": fast, "slow": slow}, Clock.real()) as (_, spool):
                await until(lambda: len(spool.records()) >= 8)
        whole = [r for r in spool.records() if len(r.blocks) == 4]
        assert len(whole) >= len(spool.records()) - 2
        ages = sorted(-max(block.d for block in r.blocks) for r in whole)
        assert ages[len(ages) // 2] < 0.01e9, "the record waited although all buses had ended"
        times = [r.t_ns + block.d for r in spool.records() for block in r.blocks]
        assert len(set(times)) == len(times)
        assert [item.seq for item in spool.items] == list(range(1, len(spool.items) + 1))

    asyncio.run(work())


def test_a_silent_bus_does_not_hold_up_the_others(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        async with tcp_device(after(0)) as (fast, _), tcp_device(lambda _: []) as (slow, _):
            path = site_file(text=TWO_BUSES)
            async with pipeline(path, {"plc": fast, "slow": slow}, Clock.real()) as (one, spool):
                await until(lambda: len(spool.records()) >= 12)
            good = [r for r in spool.records() if any(block.i == 0 for block in r.blocks)]
            oldest = max(-block.d for r in good for block in r.blocks if block.i == 0)
            assert oldest < 0.2e9 * 0.2 + 0.1e9, "a reading waited longer than a fifth of the interval"
            down = [i for i in spool.items if isinstance(i, wire.Event) and i.what == "device_down"]
            assert [event.subject for event in down] == ["slow_box"]
            assert one.pollers[0].overruns == 0

    asyncio.run(work())


def test_scans_start_on_the_grid_of_the_clock(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        async with one_box(site_file) as spool:
            await until(lambda: len(spool.records()) >= 8)
        offsets = sorted((r.t_ns + r.blocks[0].d) % 200_000_000 for r in spool.records())
        assert offsets[len(offsets) // 2] < 60_000_000

    asyncio.run(work())


def test_a_clock_that_is_too_fast_gives_what_the_bus_can_and_counts_the_rest(
    site_file: Callable[..., Path],
) -> None:
    async def work() -> None:
        async with tcp_device(after(0.02)) as (port, heard):
            clock = Clock.fast(100.0, 1_700_000_000_000_000_000)  # 0.2 s are 2 ms of the wall
            async with pipeline(site_file(), {"plc": port}, clock) as (one, spool):
                await until(lambda: len(spool.records()) >= 10)
                assert one.pollers[0].overruns + one.late_ticks > 50
                assert len(heard) <= 2 * (len(spool.records()) + 2)
        times = [r.t_ns for r in spool.records()]
        assert times == sorted(times)
        assert times[-1] - times[0] > 9 * 0.015 * 100 * 1e9, "time did not run a hundred times as fast"

    asyncio.run(work())


def test_items_carry_what_the_wire_promises(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        async with one_box(site_file) as spool:
            await until(lambda: len(spool.records()) >= 2)
        record = spool.records()[0]
        assert msgspec.json.decode(wire.encode(record), type=wire.Record) == record
        assert (record.epoch, record.birth) == (5, 1)

    asyncio.run(work())
