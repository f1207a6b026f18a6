"""The green twins of one line with their factors resolved, and the grid of a stretch of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from greenhearth.factor_sets import factor_infos
from greenhearth.factors import Factor, set_name
from greenhearth.hourly import HourlyTable
from greenhearth.twin_file import GRID_ROLES, Twin, twin_sources, twin_weights, twins_of
from greenhearth.wire_names import TwinInfo

CONTRACT_ROLE = GRID_ROLES[1]


@dataclass(frozen=True)
class LineGrid:
    """What electricity a line draws."""

    roles: Mapping[str, str]
    """Factor role -> catalogue id, the site's choice already in it."""
    catalogue: Mapping[str, Factor]
    hourly: HourlyTable | None = None


@dataclass(frozen=True)
class LineTwin:
    """One twin beside one line."""

    twin: Twin
    grid: LineGrid
    used: dict[str, Factor] = field(default_factory=dict)
    """Factors by id; the hourly table stands for all its hours."""

    @cached_property
    def factor_set(self) -> str:
        """Return the name of the factors behind its figures."""
        return set_name(self.used)

    def info(self) -> TwinInfo:
        """Return the twin as a birth names it."""
        twin, green = self.twin, self.twin.green_process
        roles = {**green.factor_roles, **twin.factors, **grid_of(self.grid, 0, 0)[0]}
        return TwinInfo(
            title=twin.title,
            green=green.id,
            green_title=green.title,
            source=twin.source,
            note=twin.note,
            factor_set=self.factor_set,
            factors=factor_infos(self.used, roles),
        )


def line_twins(process: str, grid: LineGrid) -> list[LineTwin]:
    """Return the twins on the shelf beside a line of `process`; FlowError if its grid does not fit one."""
    return [_line_twin(twin, grid) for twin in twins_of(process)]


def _line_twin(twin: Twin, grid: LineGrid) -> LineTwin:
    sources = twin_sources(twin, grid_of(grid, 0, 0)[0], grid.catalogue)
    twin_weights(twin, sources)
    own = {grid.hourly.id: grid.hourly.factor} if grid.hourly else {}
    return LineTwin(twin, LineGrid(grid.roles, sources.used, grid.hourly), {**sources.used, **own})


def grid_of(grid: LineGrid, start_ns: int, end_ns: int) -> tuple[dict[str, str], Mapping[str, Factor]]:
    """Return the ids for GRID_ROLES and a catalogue with them, for a stretch of time.

    Hours of the line's table count by their share of the time; where the table lacks one, the line's
    yearly factor stands in, as it does in the line's own figures. A line without a contract has its
    grid in that role too.
    """
    ids = {role: grid.roles[role] for role in GRID_ROLES if role in grid.roles}
    if "grid" in ids:
        ids.setdefault(CONTRACT_ROLE, ids["grid"])
    catalogue = dict(grid.catalogue)
    for role in GRID_ROLES if grid.hourly else ():
        assert grid.hourly is not None
        hour = grid.hourly.mean(start_ns, end_ns, contract=role == CONTRACT_ROLE)
        if hour is not None:
            ids[role] = f"{grid.hourly.id} {role}"
            catalogue[ids[role]] = _with_value(grid.hourly.factor, hour)
    return ids, catalogue


def _with_value(factor: Factor, value: float) -> Factor:
    return Factor(
        value=value,
        unit=factor.unit,
        source=factor.source,
        valid_from=factor.valid_from,
        uncertainty_percent=factor.uncertainty_percent,
    )
