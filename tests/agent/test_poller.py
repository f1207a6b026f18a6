"""A bus with good, silent and half-silent devices, on real sockets."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from greenhearth.clock import Clock, Stamper
from greenhearth.model import build_model
from greenhearth.quality import Quality
from greenhearth.site import load_site
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.buses.modbus import ModbusBus
from greenhearth_agent.plan import make_plan
from greenhearth_agent.poller import Poller, PollerLinks, polled_devices
from greenhearth_agent.watch import Change

from .conftest import SITE, mbap_frame, tcp_device, until

TWO = SITE + '\n[device.other]\nbus = "plc"\nprofile = "plcs/box"\nunit = 2\n'


def answer_of(request: bytes) -> bytes:
    unit, function, count = request[6], request[7], int.from_bytes(request[10:12], "big")
    first = int.from_bytes(request[8:10], "big")
    data = b"".join((1000 * unit + first + k).to_bytes(2, "big") for k in range(count))
    return mbap_frame(int.from_bytes(request[:2], "big"), bytes([unit, function, len(data)]) + data)


class Rig:
    """A poller of `site.toml` with what it told."""

    def __init__(self, path: Path) -> None:
        site = load_site(path)
        self.plan = make_plan(build_model(site))
        self.changes: list[tuple[str, Change]] = []
        self.ends = 0
        stamper = Stamper(Clock.real())
        self.buffer = ScanBuffer(self.plan, lambda: None)
        links = PollerLinks(self.buffer, stamper, self._end, lambda d, c, _: self.changes.append((d, c)))
        bus = ModbusBus("plc", site.buses["plc"], stamper.stamp)
        self.poller = Poller(bus, polled_devices(site, self.plan, "plc"), links)

    def _end(self) -> None:
        self.ends += 1

    def close(self) -> None:
        self.poller.bus.close()


def test_a_scan_fills_the_buffer_at_each_blocks_place(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0, answer_of(r))]) as (port, _):
            rig = Rig(site_file(port, TWO))
            await rig.poller.scan()
            rig.close()
            assert rig.buffer.quality.tolist() == [0, 0, 0, 0]
            assert rig.buffer.words.tolist() == [
                *range(1000, 1007), 1040, *range(2000, 2007), 2040,
            ]  # fmt: skip
            assert sorted(rig.buffer.t_ns.tolist()) == rig.buffer.t_ns.tolist()

    asyncio.run(work())


def test_a_silent_device_costs_one_timeout_a_scan_and_then_next_to_nothing(
    site_file: Callable[..., Path],
) -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0, answer_of(r))] if r[6] == 2 else []) as (port, heard):
            rig = Rig(site_file(port, TWO))
            for number in range(6):
                heard.clear()
                rig.buffer.clear()
                await rig.poller.scan()
                units = [frame[6] for frame in heard]
                assert units.count(2) == 2, "the good device was not read"
                assert units.count(1) == (1 if number < 3 else 0)
                if number:
                    assert units[:2] == [2, 2], "the silent device went before the good one"
                silent = int(Quality.TIMEOUT) if number < 3 else -1
                assert rig.buffer.quality.tolist() == [silent, silent, 0, 0]
            rig.close()
            assert rig.changes == [("box", Change.DOWN)]
            watches = {d.watch.name: d.watch for d in rig.poller.devices}
            assert watches["box"].state == "down"
            assert watches["box"].requests == 3
            assert watches["other"].state == "ok"

    asyncio.run(work())


def test_a_device_that_refuses_one_block_keeps_its_other_block(site_file: Callable[..., Path]) -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        if request[8:10] == b"\0\x28":
            return [(0, mbap_frame(int.from_bytes(request[:2], "big"), bytes([request[6], 0x83, 2])))]
        return [(0, answer_of(request))]

    async def work() -> None:
        async with tcp_device(answer) as (port, _):
            rig = Rig(site_file(port))
            await rig.poller.scan()
            rig.close()
            assert rig.buffer.quality.tolist() == [0, 162]
            assert rig.poller.devices[0].watch.state == "degraded"

    asyncio.run(work())


def test_a_bus_that_is_not_there_is_no_link_and_is_told_once(
    site_file: Callable[..., Path], unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        rig = Rig(site_file(unused_port))
        with caplog.at_level(logging.INFO):
            for _ in range(5):
                await rig.poller.scan()
        assert rig.buffer.quality.tolist() == [int(Quality.NO_LINK)] * 2
        assert rig.changes == [("box", Change.DOWN)]
        lines = [r.getMessage() for r in caplog.records if "bus plc: cannot connect" in r.getMessage()]
        assert len(lines) == 1
        assert f"127.0.0.1:{unused_port}" in rig.poller.fault

    asyncio.run(work())


def test_a_device_that_comes_back_is_told_once(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        silent = [True]
        async with tcp_device(lambda r: [] if silent[0] else [(0, answer_of(r))]) as (port, _):
            rig = Rig(site_file(port))
            for _ in range(3):
                await rig.poller.scan()
            silent[0] = False
            deadline = asyncio.get_running_loop().time() + 10
            while len(rig.changes) < 2:
                assert asyncio.get_running_loop().time() < deadline
                await rig.poller.scan()
                await asyncio.sleep(0.02)
            rig.close()
            assert rig.changes == [("box", Change.DOWN), ("box", Change.UP)]
            assert rig.buffer.quality.tolist() == [0, 0]

    asyncio.run(work())


def test_a_scan_that_is_wanted_while_one_runs_is_left_out_and_counted(site_file: Callable[..., Path]) -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0.03, answer_of(r))]) as (port, heard):
            rig = Rig(site_file(port))
            task = asyncio.create_task(rig.poller.run())
            for _ in range(4):
                rig.poller.start_scan()
                await asyncio.sleep(0)
            await until(lambda: rig.ends == 1)
            assert (rig.poller.overruns, len(heard)) == (3, 2)
            assert not rig.poller.busy
            task.cancel()
            await asyncio.wait([task])
            assert not rig.poller.bus.connected

    asyncio.run(work())
