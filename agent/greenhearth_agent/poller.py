"""One bus, its only owner: reads its devices, one request at a time, whenever it is told to."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from greenhearth.clock import Stamper
from greenhearth.mqtt import BackOff
from greenhearth.profiles import Profile, Table
from greenhearth.quality import Quality, quality_name
from greenhearth.site import Site
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.buses.driver import Driver
from greenhearth_agent.buses.drivers import unit_of
from greenhearth_agent.buses.guard import Request
from greenhearth_agent.plan import Plan
from greenhearth_agent.watch import Change, DeviceWatch, answered

log = logging.getLogger(__name__)

FUNCTIONS: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
FIRST_RECONNECT_S = 0.5
LONGEST_RECONNECT_S = 3.0
TIMEOUTS_PER_SCAN = 2
"""A device that answers some blocks and not others may cost this much of a scan."""


@dataclass(frozen=True)
class Turn:
    """One request of a scan."""

    block: int
    request: Request


@dataclass(frozen=True)
class PolledDevice:
    """One device with its requests."""

    watch: DeviceWatch
    profile: Profile
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class PollerLinks:
    """What a poller writes to and tells."""

    buffer: ScanBuffer
    stamper: Stamper
    on_end: Callable[[], None]
    """After every scan."""
    on_change: Callable[[str, Change, str], None]
    """Device, what changed, why."""


def polled_devices(site: Site, plan: Plan, bus: str) -> list[PolledDevice]:
    """Return the devices of a bus, in the site file's order, with their planned requests."""
    found = []
    for name, device in site.devices.items():
        turns = tuple(
            Turn(number, Request(unit_of(site, name), FUNCTIONS[block.table], block.address, block.count))
            for number, block in enumerate(plan.blocks)
            if block.device == name
        )
        if device.bus == bus:
            found.append(PolledDevice(DeviceWatch(name), site.profiles[device.profile], turns))
    return found


class Poller:
    """See the module."""

    def __init__(self, bus: Driver, devices: list[PolledDevice], links: PollerLinks) -> None:
        self.bus, self.devices, self._links = bus, devices, links
        self.busy = False
        self.overruns = 0
        self.measured_s = 0.0
        """How long the last scan took."""
        self.fault = ""
        """Why the bus cannot be reached, '' while it can."""
        self._start = asyncio.Event()
        self._back_off = BackOff(FIRST_RECONNECT_S, LONGEST_RECONNECT_S)
        self._connect_at = 0.0
        self._lost_at = 0.0

    def start_scan(self) -> None:
        """Begin a scan; while the one before still runs this one is left out and counted."""
        if self.busy:
            self.overruns += 1
            return
        self.busy = True
        self._start.set()

    async def run(self) -> None:
        """Scan whenever told to, until cancelled."""
        try:
            while True:
                await self._start.wait()
                self._start.clear()
                try:
                    await self.scan()
                finally:
                    self.busy = False
                    self._links.on_end()
        finally:
            self.bus.close()

    async def scan(self) -> None:
        """Read all devices that have a turn; those that were silent last come last."""
        began = time.monotonic()
        if not await self._ready():
            return
        for device in sorted(self.devices, key=lambda d: d.watch.doubtful):
            if device.watch.due(time.monotonic()):
                await self._read_device(device)
        self.measured_s = time.monotonic() - began

    async def _ready(self) -> bool:
        """See to it that the bus is connected; otherwise its devices get NO_LINK."""
        if self.bus.connected or await self._connect():
            return True
        for device in self.devices:
            self._no_link(device)
        return False

    async def _connect(self) -> bool:
        """Try to connect if it is time to; log the loss and the return once each."""
        now = time.monotonic()
        if now < self._connect_at:
            return False
        fault = await self.bus.connect()
        if fault:
            self._connect_at = now + self._back_off.next_s()
            if not self.fault:
                self._lost_at = now
                log.warning("bus %s: %s; trying again until it answers", self.bus.name, fault)
            self.fault = fault
            return False
        if self.fault:
            log.info("bus %s: connected again after %.0f s", self.bus.name, time.monotonic() - self._lost_at)
        self.fault = ""
        self._back_off.reset()
        return True

    def _no_link(self, device: PolledDevice) -> None:
        """Say so in the first scans; a device that counts as down already has nothing new to say."""
        t_ns = self._links.stamper.stamp()
        for turn in device.turns if not device.watch.down else ():
            device.watch.replied(int(Quality.NO_LINK), t_ns, 0.0)
            self._links.buffer.write(turn.block, t_ns, int(Quality.NO_LINK), None)
        self._end_of_device(device, [int(Quality.NO_LINK)] * len(device.turns))

    async def _read_device(self, device: PolledDevice) -> None:
        """Ask for all blocks of a device, unless its silence uses up its share."""
        qualities: list[int] = []
        for turn in device.turns:
            if self._give_up(qualities):
                t_ns, quality = self._links.stamper.stamp(), qualities[-1]
                self._links.buffer.write(turn.block, t_ns, quality, None)
            else:
                qualities.append(await self._read_block(device, turn))
        self._end_of_device(device, qualities)

    def _give_up(self, qualities: list[int]) -> bool:
        silences = sum(not answered(q) for q in qualities)
        return silences == len(qualities) > 0 or silences >= TIMEOUTS_PER_SCAN

    async def _read_block(self, device: PolledDevice, turn: Turn) -> int:
        if not self.bus.connected:
            await self._connect()
        profile = device.profile
        reply = await self.bus.read(turn.request, profile.timeout_ms / 1000.0, profile.tid_zero)
        device.watch.replied(reply.quality, reply.t_ns, reply.rtt_s)
        self._links.buffer.write(turn.block, reply.t_ns, reply.quality, reply.words)
        return reply.quality

    def _end_of_device(self, device: PolledDevice, qualities: list[int]) -> None:
        change = device.watch.scanned(qualities, time.monotonic())
        if change is Change.NONE:
            return
        name = device.watch.name
        if change is Change.DOWN:
            why = self.fault or f"no usable answer ({quality_name(device.watch.worst)})"
            log.warning("device %s on bus %s is down: %s", name, self.bus.name, why)
        else:
            why = "answers again"
            log.info("device %s on bus %s %s", name, self.bus.name, why)
        self._links.on_change(name, change, why)
