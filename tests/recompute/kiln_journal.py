"""A gateway's journal of a clinker kiln, minute by minute, written by the gateway's own writer."""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth.engine import Engine
from greenhearth.factors import load_factors
from greenhearth.metrics import WINDOWS
from greenhearth.model import Model, build_model
from greenhearth.shelf import configs_root
from greenhearth.site import Site, load_site
from greenhearth_gateway.inbox import Inbox
from greenhearth_gateway.intake import Arrival
from greenhearth_gateway.journal.database import FILE_NAME, open_writer
from greenhearth_gateway.journal.writer import Retention, Writer
from greenhearth_gateway.problems import Problems

START_NS = 1_640_995_200 * NS
"""2022-01-01 00:00:00 UTC."""
MINUTE = 60 * NS
FRAME = 50
HEAD = """
[site]
id = "works"
name = "Cement works"
[agent]
id = "edge1"
scan_interval_s = 60.0
"""
PLAIN_NAMES = 'grid = "grid.cn.national"'
NEW = """
[factor."grid.cn.national@2022_announced_later"]
value = 0.5306
unit = "kgCO2/kWh"
source = "announcement of a later year, taken for 2022 in this example"
valid_from = "2022"
valid_to = "2023"
known_since = "2025-10-01"

[factor."fuel.other_bituminous_coal.ncv"]
value = 26.1
unit = "GJ/t"
source = "analysis of the delivered coal, made up for this example"
valid_from = "2022"
known_since = "2025-10-01"
"""

TYPICAL = {
    "electricity": 6000.0, "active_power": 6000.0, "coal": 20.0, "coal_flow": 20.0, "alternative_fuel": 11.0,
    "alternative_fuel_flow": 11.0, "raw_meal": 333.0, "raw_meal_flow": 333.0, "clinker": 208.0,
    "clinker_flow": 208.0,
}  # fmt: skip
"""Per hour, of a kiln of 5 000 t a day."""


def kiln_site(folder: Path, factors: str = "") -> Path:
    """Write the site file of the demonstration kiln alone, scanned once a minute."""
    demo = (configs_root() / "sites" / "demo.toml").read_text()
    kiln = demo.split("---- kiln\n")[1].split("# ----")[0]
    tables = [part for part in demo.split("\n[") if part.startswith(("bus.kiln_line", "device."))]
    own = [
        f"[{part.split('# ---')[0]}" for part in tables if 'bus = "kiln_line"' in part or "bus." in part[:4]
    ]
    chosen = f"[line.kiln.factors]\n{factors}\n" if factors else ""
    path = folder / "kiln.toml"
    path.write_text(HEAD + "\n".join(own) + kiln + chosen)
    return path


@dataclass
class Works:
    """A kiln, its engine and the journal it writes to."""

    folder: Path
    site: Site
    model: Model
    engine: Engine
    writer: Writer
    epoch: int = 7
    seq: int = 0
    minutes: int = 0
    start_ns: int = START_NS
    results_every: int = 1
    idle: bool = False
    """No meal goes in and no clinker comes out."""

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def frame(self, items: list[wire.Item]) -> Arrival:
        payload = wire.encode(wire.Frame(wire.VERSION, "edge1", "backlog", items))
        return Arrival(wire.topic("works", "edge1", wire.leaf_of(items[0])), payload)

    def be_born(self, tells_factors: bool = True) -> None:
        """Announce series and lines, with or without the factors behind the set."""
        engine, lines = self.engine, self.model.line_info()
        if not tells_factors:
            lines = [msgspec.structs.replace(line, factors={}) for line in lines]
        birth = wire.Birth(
            self.epoch, self.next_seq(), START_NS, "works", "edge1", "test", self.model.series_info(), lines,
            list(WINDOWS), engine.metrics, engine.metric_units,
        )  # fmt: skip
        self.birth = birth.seq
        self.writer.write([self.frame([birth])])

    def run(self, minutes: int) -> None:
        """Let the kiln work, one scan a minute, and store what an agent would send."""
        frames: list[Arrival] = []
        records: list[wire.Item] = []
        events: list[wire.Item] = []
        for _ in range(minutes):
            record = wire.Record(self.epoch, self.next_seq(), 0, self.birth, self.blocks(), [])
            record.t_ns = self.start_ns + self.minutes * MINUTE + 7
            scan = self.engine.apply(record)
            record.results = [] if self.minutes % self.results_every else scan.results
            records.append(record)
            events += [
                msgspec.structs.replace(event, epoch=self.epoch, seq=self.next_seq()) for event in scan.events
            ]
            self.minutes += 1
            if len(records) == FRAME:
                frames += [self.frame(one) for one in (records, events) if one]
                records, events = [], []
            if len(frames) >= 40:
                self.writer.write(frames)
                frames = []
        self.writer.write(frames + [self.frame(one) for one in (records, events) if one])

    def close(self) -> None:
        """Close the journal as at the end of the gateway."""
        self.writer._db.close()

    def blocks(self) -> list[wire.Block]:
        """One reply per device, each some tens of ms after the scan began."""
        found: list[wire.Block] = []
        h = self.minutes / 60.0
        for i, series in enumerate(self.model.series):
            value = self._value(series.role, series.point.kind, h)
            quality = 0 if not math.isnan(value) else 128
            if i and self.model.series[i - 1].device == series.device:
                found[-1].x.append(None if quality else value)
                found[-1].q.append(quality)
            else:
                found.append(
                    wire.Block(20_000_000 * (len(found) + 1), i, [None if quality else value], [quality])
                )
        for block in found:
            block.q = block.q if any(block.q) else []
        return found

    def _value(self, role: str, kind: str, h: float) -> float:
        """Return a reading: loads swing with the shift, one coal reading in 97 is lost."""
        if role == "coal" and self.minutes % 97 == 41:
            return math.nan
        per_h = 0.0 if self.idle and role.startswith(("clinker", "raw_meal")) else TYPICAL.get(role, 1.0)
        if kind == "counter":
            return round(per_h * (h - 0.4 * math.cos(h / 4.0 + len(role)) + 10.0), 3)
        return round(per_h * (1.0 + 0.1 * math.sin(h / 4.0 + len(role))), 3)


def open_works(folder: Path, site_path: Path, start_ns: int = START_NS, results_every: int = 1) -> Works:
    """Open a journal in `folder` for a kiln whose agent starts at `start_ns`."""
    site = load_site(site_path)
    day = datetime.fromtimestamp(start_ns / NS, UTC).date()
    model = build_model(site, load_factors(at=day))
    writer = Writer(
        open_writer(folder / FILE_NAME),
        Inbox(),
        {},
        Problems(),
        Retention(Clock(start_ns, time.monotonic_ns())),
    )
    return Works(folder, site, model, Engine(model), writer, start_ns=start_ns, results_every=results_every)
