"""Read all points of all devices once: what `agent read` shows before a cable is trusted."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from greenhearth.clock import Clock, Stamper
from greenhearth.engine import Engine
from greenhearth.model import Series
from greenhearth.quality import is_usable, quality_name
from greenhearth_agent.app import Endpoint, put_endpoints
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.buses.drivers import make_driver
from greenhearth_agent.check import CheckedSite, read_site
from greenhearth_agent.poller import Poller, PollerLinks, polled_devices
from greenhearth_agent.watch import Change


class Reading(msgspec.Struct):
    """One point as it was just read."""

    device: str
    point: str
    series: str
    table: str
    address: int
    value: float | str | None
    unit: str
    quality: str


class ReadReport(msgspec.Struct):
    """All points of a site, and what stood in the way."""

    site: str
    readings: list[Reading]
    faults: list[str]


async def read_once(path: Path, endpoints: Mapping[str, Endpoint] | None = None) -> ReadReport:
    """Read every point of a site once; ConfigError when the site file is refused."""
    checked = read_site(path)
    put_endpoints(checked.site, endpoints or {})
    stamper = Stamper(Clock.real())
    buffer = ScanBuffer(checked.plan, _ignore)
    links = PollerLinks(buffer, stamper, _ignore, _ignore_change)
    pollers = [
        Poller(
            make_driver(checked.site, name, stamper.stamp),
            polled_devices(checked.site, checked.plan, name),
            links,
        )
        for name in checked.site.buses
    ]
    await asyncio.gather(*(_scan(poller) for poller in pollers))
    faults = [f"bus {poller.bus.name}: {poller.fault}" for poller in pollers if poller.fault]
    return ReadReport(checked.site.head.id, _decode(checked, buffer, stamper.stamp()), faults)


async def _scan(poller: Poller) -> None:
    try:
        await poller.scan()
    finally:
        poller.bus.close()


def _decode(checked: CheckedSite, buffer: ScanBuffer, t_ns: int) -> list[Reading]:
    engine = Engine(checked.model, checked.plan.blocks)
    scan = engine.update(t_ns, buffer.words, buffer.t_ns, buffer.quality)
    readings = []
    for series in checked.model.series:
        value, _, quality = engine.latest(series.name)
        readings.append(_reading(series, value if is_usable(quality) else None, quality_name(quality)))
    for series in checked.model.texts:
        text = scan.texts.get(series.name)
        readings.append(_reading(series, text, "GOOD" if text is not None else "NOT_READ"))
    return readings


def _reading(series: Series, value: float | str | None, quality: str) -> Reading:
    return Reading(
        device=series.device,
        point=series.point_name,
        series=series.name,
        table=series.point.table,
        address=series.address,
        value=value,
        unit=series.unit,
        quality=quality,
    )


def _ignore() -> None:
    return None


def _ignore_change(_device: str, _change: Change, _why: str) -> None:
    return None
