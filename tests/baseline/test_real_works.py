"""Half a year of a steel works, by the day: the product against numpy's own least squares."""

import csv
import os
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from greenhearth.baseline_report import run_baseline

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GREENHEARTH_DATA", ROOT.parent / "shared" / "data"))
CASE = """[baseline]
title = "Steel works by the day"
energy = "usage_kwh"
unit = "kWh"
drivers = ["lagging_kvarh", "working_day"]
baseline_period = { from = "2018-01", to = "2018-03" }
reporting_period = { from = "2018-04", to = "2018-06" }
"""


def daily(path: Path) -> list[tuple[str, float, float, int]]:
    """Sum energy and reactive energy by day; the 00:00 rows end the day whose date they carry."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = sums[row["time"][:10]]
            day[0] += float(row["usage_kwh"])
            day[1] += float(row["lagging_reactive_kvarh"])
    return [(day, e, q, int(datetime.fromisoformat(day).weekday() < 5)) for day, (e, q) in sums.items()]


def test_a_real_works_by_the_day(tmp_path: Path) -> None:
    source = DATA / "steel_works_15min.csv"
    if not source.is_file():
        pytest.skip(f"the real history is not in {DATA} (set GREENHEARTH_DATA to its folder)")
    days = daily(source)
    assert len(days) == 181
    (tmp_path / "b.toml").write_text(CASE, encoding="utf-8")
    lines = [f"{day},{e!r},{q!r},{w}" for day, e, q, w in days]
    (tmp_path / "d.csv").write_text("\n".join(["time,usage_kwh,lagging_kvarh,working_day", *lines]))
    report = run_baseline(tmp_path / "b.toml", tmp_path / "d.csv")

    first = "2018-04-01"
    x = np.array([(1.0, q, w) for day, e, q, w in days if day < first])
    y = np.array([e for day, e, q, w in days if day < first])
    b, sse, _, _ = np.linalg.lstsq(x, y)
    known, total = report.statistics, report.reporting
    assert known is not None
    assert total is not None
    assert (known["points"], total["periods"]) == (90, 91)
    assert [one["value"] for one in known["coefficients"].values()] == pytest.approx(b.tolist(), rel=1e-9)
    assert known["r2"] == pytest.approx(1.0 - sse[0] / ((y - y.mean()) ** 2).sum(), rel=1e-9)
    expected = sum(b[0] + b[1] * q + b[2] * w for day, e, q, w in days if day >= first)
    assert total["expected"] == pytest.approx(expected, rel=1e-9)
    assert total["actual"] == pytest.approx(sum(e for day, e, q, w in days if day >= first), rel=1e-9)
    assert total["saving"] == pytest.approx(expected - total["actual"], rel=1e-9)
    assert known["r2"] > 0.9
