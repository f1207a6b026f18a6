"""A small file through the kernels, and what of it is refused."""

from pathlib import Path

import pytest

from greenhearth.history import run_history
from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError

ROWS = """time,usage_kwh,lagging_reactive_kvarh,leading_reactive_kvarh,co2_t
2018-01-01T23:45:00,3,0,0,0
2018-01-01T00:00:00,4,0,0,0
2018-01-02T00:15:00,-700,0,0,0
2018-01-02T00:30:00,5,0,0,0
"""
HEATS = """heat,arc_on,arc_off,active_power,reactive_power
101,2026-01-01 10:00:00,2026-01-01 10:12:00,14.0,8
101,2026-01-01 10:20:00,2026-01-01 10:30:00,12.0,8
102,2026-01-01 10:40:00,2026-01-01 10:50:00,12.0,8
"""


def test_midnight_rows_stand_where_they_belong_and_bad_rows_are_told(tmp_path: Path):
    file = tmp_path / "works.csv"
    file.write_text(ROWS)
    report = run_history(file, configs_root() / "sites" / "steel_works.toml")
    (works,) = report.lines

    assert [event.metrics["electricity_kwh"].value for event in works.days] == pytest.approx([7.0, 5.0])
    assert sum(report.not_used.values()) == 1
    assert "-700" in report.examples[0]


def test_the_batches_are_those_of_the_file_and_no_other(tmp_path: Path):
    """What stood there before the first row is not a heat."""
    file = tmp_path / "heats.csv"
    file.write_text(HEATS)
    (ladle,) = run_history(file, configs_root() / "sites" / "ladle_furnace.toml").lines
    energies = [event.metrics["electricity_kwh"].value for event in ladle.batches]

    assert [event.batch for event in ladle.batches] == ["101", "102"]
    assert energies == pytest.approx([14_000 * 0.2 + 12_000 / 6, 12_000 / 6])


def test_a_site_without_a_history_table_says_what_is_missing(tmp_path: Path):
    file = tmp_path / "works.csv"
    file.write_text(ROWS)

    with pytest.raises(ConfigError, match=r"\[history\] is missing"):
        run_history(file, configs_root() / "sites" / "demo.toml")
