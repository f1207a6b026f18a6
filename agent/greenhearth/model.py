"""A site and its factors as numbered series, lines and products of factors.

Series are numbered by device (in the site file's order), then table, address and bit, so
that the registers of one read block are a contiguous range of series.
"""

from dataclasses import dataclass, field

from greenhearth.coefficients import Coefficient
from greenhearth.factor_sets import factor_infos
from greenhearth.factors import Factor, load_factors, set_name
from greenhearth.flows import FlowError, Sources, flow_coefficients
from greenhearth.hourly import HourlyTable, by_hour
from greenhearth.line_twins import LineGrid, LineTwin, line_twins
from greenhearth.processes import Process, ProcessRole, increment_unit
from greenhearth.profiles import Point, Table, words_of
from greenhearth.site import AgentHead, Line, Site, SiteHead, line_boundary
from greenhearth.strict import ConfigError, nearest_name
from greenhearth.wire import LineInfo, SeriesInfo


@dataclass(frozen=True)
class Series:
    """One numbered stream of values."""

    name: str
    unit: str
    device: str
    point_name: str
    point: Point
    address: int
    line: str = ""
    role: str = ""


@dataclass(frozen=True)
class ReadBlock:
    """One request: `count` registers (or bits) from `address` of one device."""

    device: str
    table: Table
    address: int
    count: int
    first: int
    """First series in it."""
    n: int
    """Number of series in it."""
    offset: int
    """Where its words go in the scan buffer."""


@dataclass
class LineModel:
    """One line with its factors resolved."""

    name: str
    line: Line
    process: Process
    flows: dict[str, list[Coefficient]]
    """Role or derived stream -> coefficients."""
    used: dict[str, Factor] = field(default_factory=dict)
    hourly: HourlyTable | None = None
    hourly_fallback: dict[str, float] = field(default_factory=dict)
    """Hourly stream -> yearly factor [kg CO2/kWh] for hours that the table lacks."""
    twins: list[LineTwin] = field(default_factory=list)

    def parameter(self, name: str) -> float:
        """Return a parameter of the process: the site's value, or the default."""
        return self.line.parameters.get(name, self.process.parameters[name].default)


class Model:
    """Everything that turns a site's registers into numbered series and lines."""

    def __init__(self, site: Site, series: list[Series], texts: list[Series], lines: list[LineModel]) -> None:
        self.site = site
        self.series = series
        self.texts = texts
        self.lines = lines
        self.number = {(s.device, s.point_name): i for i, s in reversed(list(enumerate(series)))}

    def index(self, line: str, role: str) -> int:
        """Return the number of the (first) series that plays a role, -1 if none does."""
        source = self.site.lines[line].role.get(role)
        return self.number[(source.device, source.point)] if source else -1

    def series_info(self) -> list[SeriesInfo]:
        """Return the series as a birth names them."""
        stale = max(10.0, 5.0 * self.site.agent.scan_interval_s)
        return [
            SeriesInfo(name=s.name, unit=s.unit, device=s.device, line=s.line, stale_after_s=stale)
            for s in self.series
        ]

    def line_info(self) -> list[LineInfo]:
        """Return the lines as a birth names them."""
        return [self._line_info(line) for line in self.lines]

    def _line_info(self, line: LineModel) -> LineInfo:
        process = line.process
        source = line.line.role.get(process.phase_role)
        phases = self._point(source.device, source.point).phases if source else []
        return LineInfo(
            name=line.name,
            title=line.line.title,
            process=process.id,
            product=line.line.product or process.product,
            factor_set=set_name(line.used),
            boundary=line_boundary(process, line.line),
            batch_word=process.batch_word,
            phases=phases,
            factors=factor_infos(line.used, {**process.factor_roles, **line.line.factors}),
            conditions=line.line.conditions,
            twins={one.twin.id: one.info() for one in line.twins},
        )

    def _point(self, device: str, point: str) -> Point:
        return self.site.profiles[self.site.devices[device].profile].points[point]


def build_model(site: Site, catalogue: dict[str, Factor] | None = None) -> Model:
    """Number the series of a site and resolve the factors of its lines.

    ConfigError when a factor that a process asks for is not in the catalogue.
    """
    factors = load_factors() if catalogue is None else catalogue
    players = {
        (role.device, role.point): (name, role_name)
        for name, line in site.lines.items()
        for role_name, role in line.role.items()
    }
    series: list[Series] = []
    texts: list[Series] = []
    for device_name in site.devices:
        for one in _device_series(site, device_name, players):
            (texts if one.point.type == "string" else series).append(one)
    lines = [_line_model(site, name, line, factors) for name, line in site.lines.items()]
    return Model(site, series, texts, lines)


def _device_series(
    site: Site, device_name: str, players: dict[tuple[str, str], tuple[str, str]]
) -> list[Series]:
    device = site.devices[device_name]
    points = site.profiles[device.profile].points
    chosen = {name: points[name] for name in (device.points or points)}
    ordered = sorted(chosen.items(), key=lambda item: (item[1].table, item[1].address, item[1].bit))
    found: list[Series] = []
    for name, point in ordered:
        line, role = players.get((device_name, name), ("", ""))
        base = f"{line}.{role}" if line else f"{device_name}.{name}"
        for k in range(point.count):
            full = base if point.count == 1 else f"{base}_{k + 1:03d}"
            address = point.address + k * words_of(point)
            found.append(Series(full, point.unit, device_name, name, point, address, line, role))
    return found


def _line_model(site: Site, name: str, line: Line, factors: dict[str, Factor]) -> LineModel:
    process = site.processes[line.process]
    model = LineModel(name, line, process, {})
    for given in line.factors:
        if given not in process.factor_roles:
            near = nearest_name(given, process.factor_roles)
            raise ConfigError(site.path, 0, f"line.{name}.factors.{given}", "unknown factor role", near)
    sources = Sources(factors, {**process.factor_roles, **line.factors}, process.parameters, line.parameters)
    for role, definition in {**process.roles, **process.derived}.items():
        model.flows[role] = _role_flows(site, name, role, definition, sources)
    model.used = sources.used
    if line.hourly:
        _count_by_hour(model, site.hourly[line.hourly])
    model.twins = _twins(site, model, LineGrid(sources.factor_roles, factors, model.hourly))
    return model


def _twins(site: Site, model: LineModel, grid: LineGrid) -> list[LineTwin]:
    try:
        return line_twins(model.process.id, grid)
    except FlowError as error:
        raise ConfigError(site.path, 0, f"line.{model.name}.factors (green twin)", str(error)) from error


def _count_by_hour(model: LineModel, table: HourlyTable) -> None:
    model.hourly = table
    model.flows, model.hourly_fallback = by_hour(model.flows, table)
    model.used = {**model.used, table.id: table.factor}


def _role_flows(
    site: Site, line: str, role: str, definition: ProcessRole, sources: Sources
) -> list[Coefficient]:
    found: list[Coefficient] = []
    for flow in definition.flows:
        try:
            found += flow_coefficients(flow, increment_unit(definition), sources)
        except FlowError as error:
            process = site.lines[line].process
            key = f"line.{line}.factors ({process}, role {role})"
            raise ConfigError(site.path, 0, key, str(error)) from error
    return found


def is_required(role: ProcessRole) -> bool:
    """Tell whether a role's coverage decides the validity of its line."""
    return role.required and role.kind in ("counter", "rate")


class EmptyModel(Model):
    """A site without devices or lines: it compiles the same kernels as any other."""

    def __init__(self) -> None:
        site = Site(
            path="", head=SiteHead(id="", name=""), agent=AgentHead(id=""), buses={}, devices={}, lines={},
            profiles={}, processes={},
        )  # fmt: skip
        super().__init__(site, [], [], [])
