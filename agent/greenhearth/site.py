"""The site file: where the devices are and which role each of their points plays."""

import re
from collections.abc import Iterable
from pathlib import Path

from greenhearth.conditions import CONDITIONS, out_of_range
from greenhearth.factors import Factor, load_factors, same_unit
from greenhearth.hourly import HourlyEntry, load_hourly
from greenhearth.metrics import METRICS
from greenhearth.processes import Process, find_process, known_processes, load_process
from greenhearth.profiles import find_profile, known_profiles, load_profile
from greenhearth.site_buses import check_buses, check_cadence, check_place_of_device, check_profile_fits
from greenhearth.site_tables import AgentHead, Bus, Device, History, HistoryColumn, Line, Role, Site, SiteHead
from greenhearth.strict import Document
from greenhearth.units import RATE_OF, UNITS

_NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Names become topic levels and parts of ``line.role``: no dots, slashes, blanks, + or #."""


ADDRESS = re.compile(
    r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
)
"""``HOST:PORT`` with a port of 1 to 65535; an IPv6 address stands in brackets."""


def load_site(path: Path) -> Site:
    """Read and check a site file; ConfigError names file, line, key and the nearest name."""
    doc = Document(path)
    doc.only("site", "agent", "bus", "device", "line", "history", "hourly")
    site = Site(
        path=str(path),
        head=doc.table("site", SiteHead),
        agent=doc.table("agent", AgentHead),
        buses=doc.tables("bus", Bus),
        devices=doc.tables("device", Device),
        lines=doc.tables("line", Line),
        profiles={},
        processes={},
        history=doc.table("history", History) if "history" in doc.data else None,
        hourly={
            name: load_hourly(doc, path.parent, name, entry)
            for name, entry in doc.tables("hourly", HourlyEntry).items()
        },
    )
    _check_head(doc, site)
    check_buses(doc, site)
    _check_devices(doc, site)
    _check_lines(doc, site)
    _check_history(doc, site)
    return site


def line_boundary(process: Process, line: Line) -> dict[str, str]:
    """Return metric -> boundary key of a line: the process's, or the site's where it says so."""
    return {**process.boundary, **line.boundary}


def _check_head(doc: Document, site: Site) -> None:
    if site.agent.scan_interval_s <= 0:
        raise doc.error("agent.scan_interval_s", "must be above 0")
    if site.agent.outbox_max_mb <= 0:
        raise doc.error("agent.outbox_max_mb", "must be above 0")
    if site.agent.metrics and not ADDRESS.fullmatch(site.agent.metrics):
        raise doc.error("agent.metrics", f"'{site.agent.metrics}' is not HOST:PORT, like 127.0.0.1:9464")
    _check_names(doc, "site.id", [site.head.id])
    _check_names(doc, "agent.id", [site.agent.id])
    for table, names in (("bus", site.buses), ("device", site.devices), ("line", site.lines)):
        _check_names(doc, table, names)


def _check_names(doc: Document, key: str, names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            where = key if key.endswith(".id") else f"{key}.{name}"
            raise doc.error(where, f"the name '{name}' may hold letters, digits, '_' and '-' only")


def _check_devices(doc: Document, site: Site) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, device in site.devices.items():
        key = f"device.{name}"
        if device.bus not in site.buses:
            raise doc.error_naming(f"{key}.bus", f"no bus '{device.bus}'", device.bus, site.buses)
        check_place_of_device(doc, key, site.buses[device.bus], device, taken)
        _load_device_profile(doc, site, key, device)
        check_profile_fits(doc, key, site, device)
        check_cadence(doc, key, site, device)


def _load_device_profile(doc: Document, site: Site, key: str, device: Device) -> None:
    if device.profile not in site.profiles:
        try:
            site.profiles[device.profile] = load_profile(find_profile(device.profile))
        except LookupError:
            why = f"no profile '{device.profile}'"
            raise doc.error_naming(f"{key}.profile", why, device.profile, known_profiles()) from None
    points = site.profiles[device.profile].points
    for point in device.points:
        if point not in points:
            raise doc.error_naming(f"{key}.points", f"no point '{point}'", point, points)
    if len(set(device.points)) < len(device.points):
        raise doc.error(f"{key}.points", "names a point twice")


def _check_lines(doc: Document, site: Site) -> None:
    catalogue = load_factors()
    players: dict[tuple[str, str], str] = {}
    for name, line in site.lines.items():
        key = f"line.{name}"
        if line.process not in site.processes:
            try:
                site.processes[line.process] = load_process(find_process(line.process))
            except LookupError:
                why = f"no process '{line.process}'"
                raise doc.error_naming(f"{key}.process", why, line.process, known_processes()) from None
        process = site.processes[line.process]
        if line.hourly and line.hourly not in site.hourly:
            why = f"no table '[hourly.{line.hourly}]'"
            raise doc.error_naming(f"{key}.hourly", why, line.hourly, site.hourly)
        _check_roles(doc, site, key, line, process)
        _check_players(doc, key, line, players)
        _check_settings(doc, key, line, process)
        _check_factors(doc, key, line, process, catalogue)


def _check_settings(doc: Document, key: str, line: Line, process: Process) -> None:
    for given in line.parameters:
        if given not in process.parameters:
            raise doc.error(f"{key}.parameters.{given}", "unknown parameter", process.parameters)
    for metric in line.boundary:
        if metric not in METRICS:
            raise doc.error(f"{key}.boundary.{metric}", "unknown metric", METRICS)
    for name in line.conditions:
        if name not in CONDITIONS:
            raise doc.error(f"{key}.conditions.{name}", "unknown condition", CONDITIONS)
    for name, why in out_of_range(line.conditions).items():
        raise doc.error(f"{key}.conditions.{name}", why)
    if not 0 <= line.day_starts_h < 24:
        raise doc.error(f"{key}.day_starts_h", "is an hour of the day, 0 to below 24")
    if line.nominal_t_per_h < 0:
        raise doc.error(f"{key}.nominal_t_per_h", "cannot be negative")


def _check_factors(
    doc: Document, key: str, line: Line, process: Process, catalogue: dict[str, Factor]
) -> None:
    for role, chosen in line.factors.items():
        where = f"{key}.factors.{role}"
        if role not in process.factor_roles:
            raise doc.error(where, "unknown factor role", process.factor_roles)
        if chosen not in catalogue:
            raise doc.error_naming(where, f"no factor '{chosen}' in the catalogue", chosen, catalogue)
        usual = process.factor_roles[role]
        default = catalogue.get(process.factor_roles.get(usual, usual))
        if default and not same_unit(default.unit, catalogue[chosen].unit):
            why = f"'{chosen}' is in {catalogue[chosen].unit}; this role needs {default.unit}"
            raise doc.error(where, why)


def _check_roles(doc: Document, site: Site, key: str, line: Line, process: Process) -> None:
    for role, source in line.role.items():
        where = f"{key}.role.{role}"
        if role not in process.roles:
            raise doc.error(where, f"process '{line.process}' has no role '{role}'", process.roles)
        if source.device not in site.devices:
            why = f"no device '{source.device}'"
            raise doc.error_naming(f"{where}.device", why, source.device, site.devices)
        if source.max_per_h < 0 or (source.accuracy_percent or 0.0) < 0:
            raise doc.error(where, "max_per_h and accuracy_percent cannot be negative")
        _check_point(doc, site, where, source, process.roles[role].kind, process.roles[role].unit)
    for role, definition in process.roles.items():
        if definition.required and role not in line.role:
            why = f"the role '{role}' is missing; process '{line.process}' requires it ({definition.meaning})"
            raise doc.error(f"{key}.role", why)


def _check_point(doc: Document, site: Site, where: str, source: Role, kind: str, unit: str) -> None:
    device = site.devices[source.device]
    points = site.profiles[device.profile].points
    if source.point not in points:
        raise doc.error_naming(f"{where}.point", f"no point '{source.point}'", source.point, points)
    if device.points and source.point not in device.points:
        why = f"'{source.point}' is not among the points that device '{source.device}' reads"
        raise doc.error(f"{where}.point", why)
    point = points[source.point]
    fitting = [name for name, one in points.items() if one.kind == kind and _base(one.unit) == _base(unit)]
    if source.point not in fitting:
        is_, wanted = _described(point.kind, point.unit), _described(kind, unit)
        some = ", ".join(fitting[:4]) or "none"
        why = f"'{source.point}' is a {is_}; the role needs a {wanted} (this device has: {some})"
        raise doc.error_naming(f"{where}.point", why, source.point, fitting)


def _described(kind: str, unit: str) -> str:
    return f"{kind} in {unit}" if unit else kind


def _base(unit: str) -> str:
    return UNITS[unit].base if unit else ""


def _check_players(doc: Document, key: str, line: Line, players: dict[tuple[str, str], str]) -> None:
    """Refuse a point that plays two roles: it would be counted twice."""
    for role, source in line.role.items():
        other = players.setdefault((source.device, source.point), f"{key}.role.{role}")
        if other != f"{key}.role.{role}":
            why = f"'{source.device}.{source.point}' already plays {other}"
            raise doc.error(f"{key}.role.{role}.point", why)


def _check_history(doc: Document, site: Site) -> None:
    for name, column in (site.history.columns if site.history else {}).items():
        device, _, point = column.point.partition(".")
        known = [f"{d}.{p}" for d, one in site.devices.items() for p in site.profiles[one.profile].points]
        if f"{device}.{point}" not in known:
            why = f"no point '{column.point}'; it is written 'device.point'"
            raise doc.error_naming(f"history.columns.{name}.point", why, column.point, known)


__all__ = [
    "RATE_OF", "AgentHead", "Bus", "Device", "History", "HistoryColumn", "Line", "Role", "Site",
    "SiteHead", "line_boundary", "load_site",
]  # fmt: skip
