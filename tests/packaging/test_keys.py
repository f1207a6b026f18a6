"""Every key that a file of the shelf may hold stands in its README, with its default."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenhearth import baseline_file, factors, hourly, processes, profiles, site_tables, twin_file
from greenhearth.account import tables
from greenhearth_gateway import benchmarks, config

README = Path(__file__).parents[2] / "firmware_configs" / "README.md"
TABLES: dict[str, type[msgspec.Struct]] = {
    "[site]": site_tables.SiteHead,
    "[agent]": site_tables.AgentHead,
    "[bus.NAME]": site_tables.Bus,
    "[device.NAME]": site_tables.Device,
    "[line.NAME]": site_tables.Line,
    "[line.NAME.role.ROLE]": site_tables.Role,
    "[hourly.NAME]": hourly.HourlyEntry,
    "[history]": site_tables.History,
    "[history.columns.NAME]": site_tables.HistoryColumn,
    "[gateway]": config.GatewayHead,
    "[broker]": config.BrokerPart,
    "[journal]": config.JournalPart,
    "[http]": config.HttpPart,
    "[influx]": config.InfluxPart,
    "[alarm.ID]": config.AlarmPart,
    "[profile]": profiles.ProfileHead,
    "[point.NAME]": profiles.Point,
    "[process]": processes.ProcessHead,
    "[role.NAME] and [derived.NAME]": processes.ProcessRole,
    "flows = [{...}] of a role": processes.Flow,
    "[parameters.NAME]": processes.Parameter,
    '[factor."ID"]': factors.Factor,
    '[ladder."ID"]': benchmarks.Ladder,
    '[benchmark."ID"]': benchmarks.Benchmark,
    "[twin]": twin_file.TwinHead,
    "[per_tonne.ROLE]": twin_file.PerTonne,
    "[case]": tables.CaseHead,
    "[quantity.NAME]": tables.QuantityEntry,
    "[allocation.NAME]": tables.Allocation,
    "[expect] NAME": tables.ExpectedValue,
    "[grade.NAME]": tables.Grade,
    "[baseline.NAME]": tables.Trend,
    "[baseline]": baseline_file.BaselineHead,
    "baseline_period and reporting_period": baseline_file.Span,
    "[baseline.coefficients]": baseline_file.Coefficients,
    "[[event]]": baseline_file.EventPart,
}


def _written() -> dict[str, dict[str, str]]:
    """Return key -> default of every table of the README, by the table's heading."""
    _, *sections = re.split(r"^#### `(.+)`$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    row = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)
    return {name: dict(row.findall(text)) for name, text in zip(sections[::2], sections[1::2], strict=True)}


def _default(field: Any) -> str:
    """Return a default as the README writes it."""
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "—" if value in (None, "", [], {}) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize("table", TABLES)
def test_the_readme_has_every_key_of_a_table_with_its_default_and_no_other(table: str) -> None:
    """A key that nobody can look up is found by reading code, or not at all."""
    expected = {field.encode_name: _default(field) for field in msgspec.structs.fields(TABLES[table])}
    assert _written()[table] == expected


def test_the_readme_describes_no_table_that_does_not_exist() -> None:
    """A table that was renamed leaves nothing behind."""
    assert set(_written()) == set(TABLES)
