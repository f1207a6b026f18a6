"""What the agent says about itself every second."""

import time
from collections import deque
from dataclasses import dataclass, field

from greenhearth import wire
from greenhearth.site import Site
from greenhearth_agent.grid_hours import grid_hour_problems
from greenhearth_agent.measures import Facts, MetricsPort, families
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.pipeline import Pipeline
from greenhearth_agent.plan import Plan
from greenhearth_agent.poller import PolledDevice, Poller
from greenhearth_agent.spool import Spool
from greenhearth_agent.uplink import Uplink

NEARLY_FULL = 0.8
ENOUGH_S = 60.0
"""Time after which the rate of writing says something about the hours to come."""
LONGEST_S = 600.0


@dataclass
class Reporter:
    """Gathers the health of all parts."""

    site: Site
    plan: Plan
    pipeline: Pipeline
    spool: Spool
    outbox: Outbox
    port: MetricsPort | None = None
    _written: deque[tuple[float, int]] = field(default_factory=deque)
    """When [monotonic s] how many bytes had been written."""
    _dropped_before: int = 0
    _damaged_before: int = 0

    def __post_init__(self) -> None:
        counts = self.spool.counts()
        self._dropped_before, self._damaged_before = counts.dropped, counts.damaged

    def report(self) -> wire.Health:
        """Return the health message of this moment."""
        counts = self.spool.counts()
        pollers = self.pipeline.pollers
        return wire.Health(
            v=wire.VERSION,
            agent=self.site.agent.id,
            epoch=self.spool.epoch,
            t_ns=self.pipeline.clock.now_ns(),
            measured=counts.measured,
            waiting=counts.waiting,
            dropped=counts.dropped,
            readings=counts.readings,
            oldest_waiting_ns=counts.oldest_waiting_ns,
            hours_left=self._hours_left(counts.used_bytes, counts.written_bytes),
            devices=[_device(poller.bus.name, device) for poller in pollers for device in poller.devices],
            buses=[self._bus(poller) for poller in pollers],
            balances=self.pipeline.engine.balances(),
            problems=self.problems(),
            hour=self.pipeline.hours.current,
            waiting_ranges=self.spool.waiting_ranges(),
            dropped_hours=list(counts.dropped_hours),
        )

    def metrics_port(self, asked: tuple[str, int] | None, uplink: Uplink) -> MetricsPort | None:
        """Return the port for Prometheus: as asked for, else as the site file says, else none."""
        host, _, port = self.site.agent.metrics.rpartition(":")
        address = asked or ((host, int(port)) if port else None)
        return MetricsPort(address, lambda: families(self._facts(uplink))) if address else None

    def _facts(self, uplink: Uplink) -> Facts:
        return Facts(
            health=self.report(),
            counts=self.spool.counts(),
            outbox_max_bytes=self.outbox.max_bytes,
            connected=uplink.link.connected,
            refused_acks=uplink.refused_acks,
            late_ticks=self.pipeline.late_ticks,
            commit=self.spool.commit_s,
            dispatch=self.pipeline.dispatch_s,
        )

    def problems(self) -> list[str]:
        """Return what a person should do something about."""
        found = [self.spool.problem] if self.spool.problem else []
        if self.outbox.moved_aside:
            found.append(
                f"a file of the outbox was damaged as a whole and was put aside as {self.outbox.moved_aside}"
            )
        found += self.pipeline.keeping.problems()
        found += self._room_problems()
        found += [self.port.problem] if self.port and self.port.problem else []
        found += grid_hour_problems(self.site, self.pipeline.clock.now_ns())
        for poller in self.pipeline.pollers:
            if poller.fault:
                found.append(f"bus {poller.bus.name}: {poller.fault}")
            else:
                found += [_silence(poller, d) for d in poller.devices if d.watch.down]
        return found

    def _room_problems(self) -> list[str]:
        counts = self.spool.counts()
        dropped = counts.dropped - self._dropped_before - (counts.damaged - self._damaged_before)
        share, damaged = (
            counts.used_bytes / self.outbox.max_bytes,
            counts.damaged - self.outbox.damaged_before,
        )
        found = []
        if damaged:
            found.append(
                f"{damaged} items of the outbox were damaged on the disk and are lost: have the disk under "
                f"{self.outbox.path} checked"
            )
        if dropped:
            found.append(f"{dropped} items were given up since the start because there was no room for them")
        if share > NEARLY_FULL:
            found.append(f"the outbox is {100 * share:.0f} % full: see why the gateway does not acknowledge")
        return found

    def _hours_left(self, used: int, written: int) -> float | None:
        """Return how long the outbox lasts at the rate of the last minutes [h of the wall]."""
        now = time.monotonic()
        self._written.append((now, written))
        while now - self._written[0][0] > LONGEST_S:
            self._written.popleft()
        began, before = self._written[0]
        if now - began < ENOUGH_S or written == before:
            return None
        return max(self.outbox.max_bytes - used, 0) / (written - before) * (now - began) / 3600.0

    def _bus(self, poller: Poller) -> wire.BusHealth:
        return wire.BusHealth(
            name=poller.bus.name,
            endpoint=poller.bus.endpoint,
            planned_s=self.plan.buses[poller.bus.name].planned_s,
            measured_s=poller.measured_s,
            scan_interval_s=self.site.agent.scan_interval_s,
            overruns=poller.overruns + self.pipeline.late_ticks,
        )


def _device(bus: str, device: PolledDevice) -> wire.DeviceHealth:
    watch = device.watch
    return wire.DeviceHealth(
        name=watch.name,
        bus=bus,
        state=watch.state,
        last_good_ns=watch.last_good_ns,
        requests=watch.requests,
        errors=dict(watch.errors),
        rtt_ms=watch.rtt_ms,
    )


def _silence(poller: Poller, device: PolledDevice) -> str:
    unit = device.turns[0].request.unit if device.turns else 0
    return (
        f"device {device.watch.name} (unit {unit} on bus {poller.bus.name}) does not answer at "
        f"{poller.bus.endpoint}: see its supply, cable and unit number; the others are read on"
    )
