"""Everything about a site file that is refused before anything connects."""

import re
from pathlib import Path

import msgspec

from greenhearth.model import Model, build_model
from greenhearth.site import Site, load_site
from greenhearth.site_buses import endpoint_of
from greenhearth.strict import Document
from greenhearth_agent.plan import Plan, make_plan

_TOPIC_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class RequestReport(msgspec.Struct):
    """One request of a scan."""

    device: str
    unit: int
    table: str
    address: int
    count: int
    points: int
    seconds: float


class BusReport(msgspec.Struct):
    """What one bus does in a scan."""

    name: str
    kind: str
    endpoint: str
    planned_s: float
    interval_s: float
    requests: list[RequestReport]


class Report(msgspec.Struct):
    """A site that can be run."""

    path: str
    site: str
    agent: str
    lines: list[str]
    series: int
    texts: int
    buses: list[BusReport]

    def text(self) -> str:
        """Return the schedule as lines for a person."""
        out = [f"{self.path}: site {self.site}, agent {self.agent}, {self.series} series"]
        for bus in self.buses:
            share = 100.0 * bus.planned_s / bus.interval_s
            used = f"{bus.planned_s:.3f} s of {bus.interval_s:g} s ({share:.0f} %)"
            out.append(f"bus {bus.name} ({bus.kind}, {bus.endpoint}): {used}")
            out.extend(
                f"  {r.device} unit {r.unit}: {r.table} {r.address}..{r.address + r.count - 1}, "
                f"{r.points} points, {1000 * r.seconds:.1f} ms"
                for r in bus.requests
            )
        return "\n".join(out)


class CheckedSite(msgspec.Struct):
    """A site with its model and plan."""

    site: Site
    model: Model
    plan: Plan

    def report(self) -> Report:
        """Return what a person wants to see before a cable is trusted."""
        site = self.site
        return Report(
            path=site.path,
            site=site.head.id,
            agent=site.agent.id,
            lines=list(site.lines),
            series=len(self.model.series),
            texts=len(self.model.texts),
            buses=[self._bus(name) for name in site.buses],
        )

    def _bus(self, name: str) -> BusReport:
        bus, plan = self.site.buses[name], self.plan.buses[name]
        requests = [self._request(n, s) for n, s in zip(plan.blocks, plan.seconds, strict=True)]
        endpoint = endpoint_of(bus)
        interval = self.site.agent.scan_interval_s
        return BusReport(name, bus.kind, endpoint, plan.planned_s, interval, requests)

    def _request(self, number: int, seconds: float) -> RequestReport:
        block = self.plan.blocks[number]
        mine = [s for s in self.model.texts if s.device == block.device and s.point.table == block.table]
        texts = sum(block.address <= s.address < block.address + block.count for s in mine)
        unit = self.site.devices[block.device].unit
        return RequestReport(
            block.device, unit, block.table, block.address, block.count, block.n + texts, seconds
        )


def read_site(path: Path) -> CheckedSite:
    """Read, check and plan a site; ConfigError says with file, line and key what is refused."""
    site = load_site(path)
    _check_heads(site)
    model = build_model(site)
    return CheckedSite(site, model, make_plan(model))


def check_site(path: Path) -> Report:
    """Check a site file without connecting to anything; ConfigError says what is refused."""
    return read_site(path).report()


def _check_heads(site: Site) -> None:
    doc = Document(Path(site.path))
    for table, word in (("site", site.head.id), ("agent", site.agent.id)):
        if not _TOPIC_LEVEL.fullmatch(word):
            raise doc.error(f"{table}.id", f"'{word}' may only have letters, digits, '_', '-' and '.'")
    if not 0.05 <= site.agent.scan_interval_s <= 3600:
        raise doc.error("agent.scan_interval_s", "must be from 0.05 to 3600 seconds")
    if site.agent.outbox_max_mb < 1:
        raise doc.error("agent.outbox_max_mb", "must be 1 or more")
