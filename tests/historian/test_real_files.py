"""The real files of two steel works come out as a plain sum says."""

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest

from greenhearth.clock import Clock
from greenhearth.historian import load_archive
from greenhearth.sim.replay import Replay
from greenhearth.site import load_site
from greenhearth.timeline import Timeline

ROOT = Path(__file__).parents[2]
SITES = ROOT / "firmware_configs" / "sites"
DATA = Path(os.environ.get("GREENHEARTH_DATA", ROOT.parent / "shared" / "data"))


def real(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the real history {name} is not in {DATA} (set GREENHEARTH_DATA to its folder)")
    return path


def reference_heats() -> dict[int, float]:
    """Sum the ladle furnace's energy per heat [kWh] without any of the product's code."""
    sums: dict[int, float] = {}
    with real("ladle_furnace_heats.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            burnt = datetime.fromisoformat(row["arc_off"]) - datetime.fromisoformat(row["arc_on"])
            kwh = float(row["active_power"]) * 1000.0 * burnt.total_seconds() / 3600.0
            if kwh > 0:
                sums[int(row["heat"])] = sums.get(int(row["heat"]), 0.0) + kwh
    return sums


@pytest.mark.parametrize("name", ["steel_works", "ladle_furnace"])
def test_the_site_files_of_the_histories_are_accepted(name: str) -> None:
    site = load_site(SITES / f"{name}.toml")
    assert site.history is not None
    assert site.history.columns


def test_half_a_year_of_quarter_hours_adds_up() -> None:
    archive = load_archive(real("steel_works_15min.csv"), SITES / "steel_works.toml")
    assert archive.counts == {}
    assert len(archive.end_ns) == 17376
    assert archive.tracks[0].totals[-1] == pytest.approx(521_199.76, rel=1e-9)
    line = Timeline(archive)
    assert line.at(line.ends_ns).totals[0] == pytest.approx(521_199.76, rel=1e-9)


def test_every_heat_has_its_energy_in_the_arrays_and_on_the_time_line() -> None:
    archive = load_archive(real("ladle_furnace_heats.csv"), SITES / "ladle_furnace.toml")
    expected = reference_heats()
    assert len(expected) == 1584
    assert archive.batch_totals("active_power") == pytest.approx(expected, rel=1e-9)
    booked, last = dict.fromkeys(expected, 0.0), 0.0
    line = Timeline(archive)
    for t_ns in line.moments().tolist():
        moment = line.at(t_ns)
        if moment.totals[0] != last:
            booked[moment.batch] += moment.totals[0] - last
            last = moment.totals[0]
    assert booked == pytest.approx(expected, rel=1e-3)


def test_a_fast_replay_ends_at_the_files_total() -> None:
    replay = Replay(load_archive(real("steel_works_15min.csv"), SITES / "steel_works.toml"))
    clock = Clock.fast(60.0, replay.starts_ns)
    replay.advance(clock.now_ns())
    assert float(replay.values()["column01_total"]) < 1.0
    replay.advance(replay.timeline.ends_ns)
    assert float(replay.values()["column01_total"]) == pytest.approx(521_199.76, rel=1e-9)
