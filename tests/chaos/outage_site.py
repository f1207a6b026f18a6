"""A small works of ten tags, and the outbox that a long outage leaves: real records, made fast."""

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from greenhearth import wire
from greenhearth.clock import NS
from greenhearth.engine import Engine
from greenhearth.metrics import WINDOWS
from greenhearth_agent.app import AgentOptions, _outbox_path
from greenhearth_agent.check import CheckedSite
from greenhearth_agent.items import Batch, Change, Entry, entry_of
from greenhearth_agent.outbox import Outbox

OUTBOX_MB = 4000
ALARM_WINDOW, ALARM_METRIC = "15min", "energy_kwh_per_t"
LIMIT, SPIKE = 1e6, 1e9
"""kWh/t: what no furnace reaches, and what every record of a backlog claims all the same."""
COMMIT_RECORDS = 500
"""Records in one commit of the making; the agent itself commits every scan."""

SITE = """
[site]
id = "outage"
name = "Works behind a broken line"

[agent]
id = "edge"
scan_interval_s = 0.2
outbox_max_mb = {outbox_mb}

[bus.furnace_plc]
kind = "tcp"
host = "127.0.0.1"
port = 5020

[device.furnace_plc_1]
bus = "furnace_plc"
unit = 1
profile = "plcs/demo_eaf"
points = ["heat_number", "phase", "active_power_kw", "active_energy_kwh", "oxygen_nm3",
    "natural_gas_nm3", "injected_carbon_kg", "lime_kg", "charged_t", "tapped_t"]

[line.furnace]
title = "Electric arc furnace 1"
process = "eaf_scrap"

[line.furnace.role]
heat_number = {{ device = "furnace_plc_1", point = "heat_number" }}
phase = {{ device = "furnace_plc_1", point = "phase" }}
electricity = {{ device = "furnace_plc_1", point = "active_energy_kwh" }}
active_power = {{ device = "furnace_plc_1", point = "active_power_kw" }}
oxygen = {{ device = "furnace_plc_1", point = "oxygen_nm3" }}
natural_gas = {{ device = "furnace_plc_1", point = "natural_gas_nm3" }}
injected_carbon = {{ device = "furnace_plc_1", point = "injected_carbon_kg" }}
lime = {{ device = "furnace_plc_1", point = "lime_kg" }}
charged = {{ device = "furnace_plc_1", point = "charged_t" }}
tapped = {{ device = "furnace_plc_1", point = "tapped_t" }}

[line.furnace.parameters]
yield = 0.92
"""

GATEWAY = """
[gateway]
id = "outage"
title = "Works behind a broken line"

[broker]
host = "127.0.0.1"
port = 1883
site = "+"

[http]
host = "127.0.0.1"
port = 8080

[alarm.energy_high]
line = "furnace"
window = "15min"
metric = "energy_kwh_per_t"
high = 1e6
deadband = 1.0
on_delay_s = 0
off_delay_s = 0
priority = "medium"
title = "Furnace: uses too much energy"
cause = "A test."
consequence = "A test fails."
action = "Look at the lanes."
respond_within_min = 10
"""


def write_site(folder: Path, outbox_mb: int = OUTBOX_MB) -> Path:
    """Write the site file and return its path."""
    path = folder / "site.toml"
    path.write_text(SITE.format(outbox_mb=outbox_mb), encoding="utf-8")
    return path


def write_gateway(folder: Path) -> Path:
    """Write the gateway's file, with one alarm above `LIMIT`, and return its path."""
    path = folder / "gateway.toml"
    path.write_text(GATEWAY, encoding="utf-8")
    return path


@dataclass
class Backlog:
    """What lies in an outbox that nobody has open, and how to know it again."""

    epoch: int
    items: int = 0
    readings: int = 0
    last_t_ns: int = 0
    crcs: "array[int]" = field(default_factory=lambda: array("L"))
    """CRC-32 of every payload, by sequence number from 1 on."""

    def note(self, entry: Entry) -> Entry:
        """Note an item and return it."""
        self.items += 1
        self.readings += entry.readings
        self.last_t_ns = max(self.last_t_ns, entry.t_ns)
        self.crcs.append(zlib.crc32(entry.payload))
        return entry


@dataclass
class Maker:
    """Makes the records of `scans` seconds before `until_ns`, as the agent would have made them.

    The real kernels work every `every`-th scan out; between two of them their results stand
    still, which is what keeps the making of three days within a minute.
    """

    site: CheckedSite
    scans: int
    until_ns: int
    every: int = 1
    lines: bool = True
    """Whether records carry results of the line, or readings alone."""

    def __post_init__(self) -> None:
        self.engine = Engine(self.site.model, self.site.plan.blocks)
        self.names = [one.name.rpartition(".")[2] for one in self.site.model.series]
        self._results: list[wire.WindowResult] = []

    def values(self, k: int) -> list[float]:
        """Return the readings of scan k, by series: an hour a heat of 60 t at 1 000 kWh/t."""
        heat, phase = divmod(k, 3600)
        tapped = 60.0 * heat + 0.2 * max(0, phase - 3300)
        found = {"heat_number": 100.0 + heat, "phase": 4.0 if phase > 3300 else 3.0}
        found |= {"active_power": 60_000.0 + phase, "electricity": k * 60_000 / 3600}
        rates = {"oxygen": 0.5, "natural_gas": 0.1, "injected_carbon": 0.2, "lime": 0.7}
        found |= {name: round(rate * k, 1) for name, rate in rates.items()}
        found |= {"charged": round(tapped / 0.92, 3), "tapped": round(tapped, 3)}
        return [found[name] for name in self.names]

    def birth(self) -> wire.Birth:
        """Return the birth of the epoch before."""
        model = self.site.model
        return wire.Birth(
            0, 0, self.until_ns - (self.scans + 1) * NS, "outage", "edge", "greenhearth test",
            model.series_info(), model.line_info(), list(WINDOWS),
            self.engine.metrics, self.engine.metric_units,
        )  # fmt: skip

    def items(self) -> Iterator[wire.Item]:
        """Yield the birth and everything after it, without numbers."""
        yield self.birth()
        for k in range(self.scans):
            yield from self._scan(k, self.until_ns - (self.scans - k) * NS)

    def _scan(self, k: int, t_ns: int) -> list[wire.Item]:
        x, d = self.values(k), -7_000_000
        events: list[wire.Event] = []
        if self.lines and k % self.every == 0:
            n = len(x)
            fresh, good = np.ones(n, np.int32), np.zeros(n, np.int32)
            scan = self.engine.apply_readings(t_ns, np.array(x), np.full(n, t_ns + d), good, fresh)
            self._results, events = [self._spiked(one) for one in scan.results], scan.events
        record = wire.Record(0, 0, t_ns, 1, [wire.Block(d, 0, list(x))], self._results)
        return [record, *events]

    def _spiked(self, result: wire.WindowResult) -> wire.WindowResult:
        """Let a result claim an excess that must alarm where it is live, and must not where it is past."""
        if result.w == WINDOWS.index(ALARM_WINDOW):
            result.v, result.x[self.engine.metrics.index(ALARM_METRIC)] = 0, SPIKE
        return result


def fill(folder: Path, maker: Maker, epoch: int) -> Backlog:
    """Put everything a maker makes into the outbox of its agent under `folder`."""
    agent = maker.site.site.agent
    outbox = Outbox(
        _outbox_path(AgentOptions(folder, data=folder), maker.site.site), int(agent.outbox_max_mb * 1e6)
    )
    outbox.open()
    made, entries = Backlog(epoch), []
    for item in maker.items():
        item.epoch, item.seq = epoch, made.items + 1
        entries.append(made.note(entry_of(item)))
        if len(entries) == COMMIT_RECORDS:
            outbox.commit(Change(epoch, [Batch(entries)]))
            entries = []
    outbox.commit(Change(epoch, [Batch(entries, maker.engine.snapshot())]))
    outbox.close()
    return made
