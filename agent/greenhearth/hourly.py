"""Grid factors hour by hour: a table beside the site file, and the streams that carry them.

A line with ``hourly = "NAME"`` counts the CO2 of its electricity with the factor of the hour in
which each kilowatt-hour was used, by place and by contract. An hour that the table lacks is
counted with the line's own (yearly) grid factor, and not as covered: the window says PARTIAL.
"""

import csv
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from greenhearth.coefficients import Coefficient
from greenhearth.factors import Factor
from greenhearth.kernels.arrays import F8, Hourly
from greenhearth.quantities import UnitError, scale
from greenhearth.strict import ConfigError, Document, missing_column

NS_PER_HOUR = 3_600_000_000_000
BY_HOUR, BY_HOUR_CONTRACT = ".co2_by_hour", ".co2_by_hour_contract"
"""What the name of an electricity role gets for its hourly streams [kg CO2 per kWh of the role's own]."""
_OUTPUTS = {BY_HOUR: "co2_electricity_kg", BY_HOUR_CONTRACT: "co2_electricity_market_kg"}
_MOST = 2.0
"""kg CO2/kWh: no grid is above (lignite alone is about 1.2)."""


class HourlyEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[hourly.NAME]`` of a site file."""

    file: str
    """CSV beside the site file with the columns from, location and, where there is a contract, market."""
    unit: str
    source: str
    uncertainty_percent: float = 0.0
    """Expanded (k = 2), of every hour together."""


@dataclass(frozen=True)
class HourlyTable:
    """Factors of consecutive hours [kg CO2/kWh]; NaN where the file has none."""

    name: str
    first_hour: int
    """Hours since 1970."""
    location: F8
    market: F8
    """Empty where the file has no such column."""
    u: float
    """Relative standard uncertainty."""
    factor: Factor
    """What a result names: source, first hour, and a content hash in its note."""

    @property
    def id(self) -> str:
        """Return a name that changes with the content."""
        return f"hourly.{self.name}#{self.factor.note}"

    def mean(self, start_ns: int, end_ns: int, contract: bool = False) -> float | None:
        """Return the factor of a stretch of time, hours weighed by their share of it; None: a gap."""
        values = self.market if contract and len(self.market) else self.location
        hours = np.arange(start_ns // NS_PER_HOUR, (end_ns - 1) // NS_PER_HOUR + 1)
        inside = (hours >= self.first_hour) & (hours < self.first_hour + len(self.location))
        if not len(hours) or not inside.all():
            return None
        begins = np.maximum(hours * NS_PER_HOUR, start_ns)
        ends = np.minimum((hours + 1) * NS_PER_HOUR, end_ns)
        value = np.average(values[hours - self.first_hour], weights=ends - begins)
        return float(value) if np.isfinite(value) else None


def load_hourly(doc: Document, folder: Path, name: str, entry: HourlyEntry) -> HourlyTable:
    """Read the CSV of one table; ConfigError names file and line."""
    key = f"hourly.{name}"
    if not entry.source:
        raise doc.error(f"{key}.source", "is empty: an hourly factor needs its origin")
    try:
        per = scale(entry.unit, "kgCO2/kWh")
    except UnitError as error:
        raise doc.error(f"{key}.unit", str(error)) from error
    path = folder / entry.file
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise doc.error(f"{key}.file", f"'{path}' cannot be read ({error})") from error
    hours, location, market = _columns(path, text, per)
    first = hours[0]
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    began = datetime.fromtimestamp(first * 3600, UTC).strftime("%Y-%m-%dT%H:00Z")
    mean = float(np.mean(location))
    return HourlyTable(
        name, first, _spread(hours, location), _spread(hours, market) if market else np.zeros(0),
        entry.uncertainty_percent / 200.0,
        Factor(
            value=mean, unit="kgCO2/kWh", source=entry.source, valid_from=began, note=digest,
            uncertainty_percent=entry.uncertainty_percent,
        ),
    )  # fmt: skip


def _columns(path: Path, text: str, per: float) -> tuple[list[int], list[float], list[float]]:
    reader = csv.DictReader(text.splitlines())
    header = reader.fieldnames or []
    for needed in ("from", "location"):
        if needed not in header:
            raise missing_column(path, needed, header)
    hours: list[int] = []
    location: list[float] = []
    market: list[float] = []
    for number, row in enumerate(reader, start=2):
        hours.append(_hour(path, number, row["from"], hours[-1] if hours else None))
        location.append(_factor(path, number, "location", row["location"], per))
        if "market" in header:
            market.append(_factor(path, number, "market", row["market"], per))
    if not hours:
        raise ConfigError(str(path), 2, "from", "there is no hour in it")
    return hours, location, market


def _hour(path: Path, number: int, text: str | None, before: int | None) -> int:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        why = f"'{text}' is no moment like 2026-01-01T00:00Z"
        raise ConfigError(str(path), number, "from", why) from None
    if moment.tzinfo is None:
        raise ConfigError(str(path), number, "from", f"'{text}' has no time zone: write 2026-01-01T00:00Z")
    seconds = int(moment.timestamp())
    if seconds % 3600:
        raise ConfigError(str(path), number, "from", f"'{text}' does not begin an hour")
    if before is not None and seconds // 3600 <= before:
        raise ConfigError(str(path), number, "from", f"'{text}' is not after the hour of the line before")
    return seconds // 3600


def _factor(path: Path, number: int, column: str, text: str, per: float) -> float:
    try:
        value = float(text) * per
    except (TypeError, ValueError):
        raise ConfigError(str(path), number, column, f"'{text}' is no number; leave the line out") from None
    if not 0.0 <= value <= _MOST:
        raise ConfigError(str(path), number, column, f"{value:g} kg CO2/kWh is not within 0 to {_MOST:g}")
    return value


def _spread(hours: list[int], values: list[float]) -> F8:
    """Return one value an hour from the first to the last, NaN where the file leaves one out."""
    spread = np.full(hours[-1] - hours[0] + 1, np.nan)
    spread[np.array(hours) - hours[0]] = values
    return spread


def by_hour(
    flows: dict[str, list[Coefficient]], table: HourlyTable
) -> tuple[dict[str, list[Coefficient]], dict[str, float]]:
    """Move the CO2 of electricity from its roles to hourly streams.

    Returns the flows with the hourly streams in them, and for each of those the yearly factor
    [kg CO2 per kWh] that stands in where the table has no hour.
    """
    found: dict[str, list[Coefficient]] = {}
    fallback: dict[str, float] = {}
    for role, own in flows.items():
        kwh = sum(c.value for c in own if c.output == "electricity_kwh")
        carried = [c for c in own if c.output in _OUTPUTS.values() and kwh]
        found[role] = [c for c in own if c not in carried]
        for ending, outputs in _split(table, [c.output for c in carried]).items():
            found[role + ending] = [Coefficient(o, kwh, ((table.id, kwh * table.u),)) for o in outputs]
            fallback[role + ending] = sum(c.value for c in own if c.output == outputs[0]) / kwh
    return found, fallback


def _split(table: HourlyTable, outputs: list[str]) -> dict[str, list[str]]:
    """Return which hourly stream carries which outputs: one for both, where there is no contract."""
    if not outputs:
        return {}
    if not len(table.market):
        return {BY_HOUR: outputs}
    return {ending: [output] for ending, output in _OUTPUTS.items() if output in outputs}


def hourly_table(rows: list[tuple[int, int, HourlyTable, bool, float]]) -> Hourly:
    """Return the kernel's table of rows (source series, derived series, table, by contract?, fallback)."""
    values = [table.market if contract else table.location for _, _, table, contract, _ in rows]
    return Hourly(
        source=np.array([row[0] for row in rows], np.int32),
        target=np.array([row[1] for row in rows], np.int32),
        first=np.array([row[2].first_hour for row in rows], np.int64),
        ptr=np.cumsum([0, *(len(one) for one in values)]).astype(np.int64),
        value=np.concatenate([*values, np.zeros(0)]),
        fallback=np.array([row[4] for row in rows], np.float64),
    )
