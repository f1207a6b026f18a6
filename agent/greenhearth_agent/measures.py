"""What the agent tells Prometheus, and the port for it, which is open only where one is asked for."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenhearth
from greenhearth import wire
from greenhearth.measures import Durations, Family, Sample, counter, gauge, histogram, table
from greenhearth_agent.items import Counts

if TYPE_CHECKING:
    from greenhearth.prometheus import Exporter

log = logging.getLogger(__name__)

SHOW_S = 1.0
RETRY_S = 10.0
NAME = "greenhearth_agent_"


@dataclass(frozen=True)
class Facts:
    """What the families are made of, at one moment."""

    health: wire.Health
    counts: Counts
    outbox_max_bytes: int
    connected: bool
    refused_acks: int
    late_ticks: int
    commit: Durations
    dispatch: Durations


def families(facts: Facts) -> list[Family]:
    """Return all families of a moment."""
    return [
        gauge("greenhearth_build_info", "Version of the program.", 1.0, version=greenhearth.__version__),
        *_items(facts),
        *_outbox(facts),
        *_link(facts),
        *_devices(facts.health.devices),
        *_buses(facts.health.buses),
        gauge(f"{NAME}problems", "What a person should see to.", len(facts.health.problems)),
    ]


def _items(facts: Facts) -> list[Family]:
    health, now = facts.health, facts.health.t_ns
    age = max(0, now - health.oldest_waiting_ns) / 1e9 if health.oldest_waiting_ns and health.waiting else 0.0
    left = health.hours_left * 3600.0 if health.hours_left is not None else None
    return [
        counter(f"{NAME}items_measured_total", "Items that were ever given a number.", health.measured),
        counter(f"{NAME}items_dropped_total", "Items that were given up.", health.dropped),
        gauge(f"{NAME}items_waiting", "Items that the gateway has not acknowledged.", health.waiting),
        counter(f"{NAME}readings_total", "Single readings in all records measured.", health.readings),
        gauge(f"{NAME}oldest_waiting_seconds", "Age of the oldest item that waits, in data time.", age),
        gauge(f"{NAME}outbox_left_seconds", "How long the outbox lasts without the gateway.", left),
        gauge(f"{NAME}epoch", "Number of this start of the agent.", health.epoch),
    ]


def _outbox(facts: Facts) -> list[Family]:
    return [
        gauge(f"{NAME}outbox_bytes", "Size of the outbox on the disk.", facts.counts.used_bytes),
        gauge(f"{NAME}outbox_limit_bytes", "Size above which the oldest goes.", facts.outbox_max_bytes),
        counter(
            f"{NAME}outbox_written_bytes_total", "Payload stored since the start.", facts.counts.written_bytes
        ),
        counter(
            f"{NAME}items_damaged_total", "Given up because the disk damaged them.", facts.counts.damaged
        ),
        histogram(
            f"{NAME}commit_seconds", "What a commit to the disk took, its fsync included.", facts.commit
        ),
    ]


def _link(facts: Facts) -> list[Family]:
    return [
        gauge(f"{NAME}broker_connected", "1 while connected to the MQTT broker.", facts.connected),
        counter(f"{NAME}acks_refused_total", "Acknowledgements that could not be read.", facts.refused_acks),
        histogram(f"{NAME}dispatch_seconds", "What the kernels took for a scan.", facts.dispatch),
        counter(f"{NAME}scans_late_total", "Scans that could not be begun on time.", facts.late_ticks),
    ]


def _devices(devices: Sequence[wire.DeviceHealth]) -> list[Family]:
    requests = [Sample({"device": one.name}, one.requests) for one in devices]
    errors = [
        Sample({"device": one.name, "kind": kind}, times)
        for one in devices
        for kind, times in Counter(one.errors).items()
    ]
    down = [Sample({"device": one.name}, float(one.state == "down")) for one in devices]
    reply = [Sample({"device": one.name}, one.rtt_ms / 1000.0) for one in devices]
    return [
        table("counter", f"{NAME}requests_total", "Requests to a device.", requests),
        table("counter", f"{NAME}request_errors_total", "Requests without a usable answer, by kind.", errors),
        table("gauge", f"{NAME}device_down", "1 while a device does not answer.", down),
        table("gauge", f"{NAME}reply_seconds", "Median of the last 64 replies of a device.", reply),
    ]


def _buses(buses: Sequence[wire.BusHealth]) -> list[Family]:
    def of(key: str) -> list[Sample]:
        return [Sample({"bus": one.name}, float(getattr(one, key))) for one in buses]

    return [
        table("gauge", f"{NAME}scan_seconds", "What the last scan of a bus took.", of("measured_s")),
        table("gauge", f"{NAME}scan_planned_seconds", "What a scan should take.", of("planned_s")),
        table("counter", f"{NAME}scan_overruns_total", "Scans skipped or begun late.", of("overruns")),
    ]


class MetricsPort:
    """Answers Prometheus; see the module."""

    def __init__(self, address: tuple[str, int], now: Callable[[], list[Family]]) -> None:
        self.address, self._now = address, now
        self.problem = ""
        """Why the port cannot be opened, '' while it is open."""

    async def run(self) -> None:
        """Show what is, every second, until cancelled; a port in use is tried again."""
        from greenhearth.prometheus import Exporter  # 3 MB that an agent without metrics does not have

        host, port = self.address
        exporter = Exporter(host.strip("[]"), port)
        is_open = False
        try:
            while True:
                exporter.show(self._now())
                is_open = is_open or self._opened(exporter)
                await asyncio.sleep(SHOW_S if is_open else RETRY_S)
        finally:
            exporter.stop()

    def _opened(self, exporter: "Exporter") -> bool:
        try:
            exporter.start()
        except OSError as error:
            if not self.problem:
                log.error("metrics cannot be served at %s:%d: %s", *self.address, error.strerror)
            self.problem = (
                f"metrics cannot be served at {self.address[0]}:{self.address[1]} ({error.strerror}): give "
                "[agent] metrics another HOST:PORT; measuring goes on"
            )
            return False
        self.problem = ""
        log.info("metrics are served at http://%s:%d/metrics", *self.address)
        return True
