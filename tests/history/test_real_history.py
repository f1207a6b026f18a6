"""Real plants' files through the live kernels: what comes out is what the files add up to."""

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest

from greenhearth.history import HistoryReport, run_history
from greenhearth.shelf import configs_root

DATA = Path(os.environ.get("GREENHEARTH_DATA", Path(__file__).parents[3] / "shared" / "data"))
TOTAL_KWH = 521_199.76
"""Sum of usage_kwh as its publisher states it."""

PLAUSIBLE_MW = 100.0
"""A ladle furnace of this size draws below 20 MW; rows beyond this are broken."""


def real_file(name: str) -> Path:
    """A real file, or the reason why its test is left out."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"real plant data not here: {path} (set GREENHEARTH_DATA to its folder)")
    return path


def history(name: str, site: str) -> HistoryReport:
    """Run a real file through the kernels of its site."""
    return run_history(real_file(name), configs_root() / "sites" / f"{site}.toml")


def plain_heat_energies(path: Path) -> dict[str, float]:
    """Energy of each heat [kWh] by plain arithmetic over the believable rows."""
    heats: dict[str, float] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            on, off = datetime.fromisoformat(row["arc_on"]), datetime.fromisoformat(row["arc_off"])
            power_mw = float(row["active_power"])
            hours = (off - on).total_seconds() / 3600
            good = 0.0 <= power_mw <= PLAUSIBLE_MW and hours > 0
            heats[row["heat"]] = heats.get(row["heat"], 0.0) + (power_mw * 1000 * hours if good else 0.0)
    return heats


def test_the_steel_works_adds_up_to_its_published_total():
    report = history("steel_works_15min.csv", "steel_works")
    (works,) = report.lines

    assert works.electricity_kwh == pytest.approx(TOTAL_KWH, rel=1e-3)


def test_every_heat_of_the_ladle_furnace_has_the_energy_of_its_arc_periods():
    expected = plain_heat_energies(real_file("ladle_furnace_heats.csv"))
    report = history("ladle_furnace_heats.csv", "ladle_furnace")
    (furnace,) = report.lines
    found: dict[str, float] = {}
    for event in furnace.batches:
        value = event.metrics["electricity_kwh"].value
        found[event.batch] = found.get(event.batch, 0.0) + (value or 0.0)
    wrong = {
        h: (found.get(h), e)
        for h, e in expected.items()
        if found.get(h) != pytest.approx(e, rel=1e-3, abs=1e-6)
    }

    assert len(expected) == 1584
    assert wrong == {}
