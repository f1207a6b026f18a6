"""BASELINE.toml with its CSV: what is refused, what is read, what the verb says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from greenhearth.baseline_file import load_case
from greenhearth.baseline_report import BaselineReport, run_baseline
from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError

HEAD = """[baseline]
title = "Melt shop"
energy = "kwh"
unit = "kWh"
drivers = ["tonnes"]
"""
PERIODS = """baseline_period = { from = "2023", to = "2024-06" }
reporting_period = { from = "2024-07", to = "2025" }
"""
EVENT = """[[event]]
from = "2025-02"
to = "2025-03"
author = "E. Keeper"
reason = "pumps on hire"
"""
DECLARED = """reporting_period = { from = "2023", to = "2025" }
[baseline.coefficients]
intercept = 5000.0
slopes = { tonnes = 400.0 }
source = "energy review"
"""


def months() -> list[str]:
    """Header and 36 months: 5000 kWh + 400 kWh/t, 600 kWh less from July 2024 on."""
    random = np.random.default_rng(11)
    lines = ["time,kwh,tonnes"]
    for k in range(36):
        tonnes = random.uniform(65, 90) if k > 1 else (60.0, 95.0)[k]
        kwh = 5000 + 400 * tonnes + random.normal(0, 300) - (600 if k >= 18 else 0)
        lines.append(f"{2023 + k // 12}-{k % 12 + 1:02d},{kwh:.1f},{tonnes:.2f}")
    return lines


def run(folder: Path, toml: str, lines: list[str] | None = None) -> BaselineReport:
    files = folder / "baseline.toml", folder / "data.csv"
    files[0].write_text(toml, encoding="utf-8")
    files[1].write_text("\n".join(lines or months()) + "\n", encoding="utf-8")
    return run_baseline(*files)


def verb(folder: Path, toml: str, lines: list[str] | None = None, *options: str) -> Any:
    (folder / "b.toml").write_text(toml, encoding="utf-8")
    (folder / "d.csv").write_text("\n".join(lines or months()) + "\n", encoding="utf-8")
    words = [sys.executable, "-m", "greenhearth_cli", "baseline", "b.toml", "d.csv", *options]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_months_are_fitted_and_what_was_saved_is_found(tmp_path: Path) -> None:
    report = run(tmp_path, HEAD + PERIODS)
    assert report.valid, report.checks
    assert report.statistics is not None
    assert report.statistics["points"] == 18
    assert report.model["slopes"]["tonnes"] == pytest.approx(400, rel=0.05)
    total = report.reporting
    assert total is not None
    assert total["periods"] == 18
    assert total["interval"] > 0
    assert abs(total["saving"] - 600 * 18) < total["interval"]
    assert total["cusum"] == pytest.approx(-total["saving"])
    assert [one["time"] for one in report.periods][::17] == ["2024-07", "2025-12"]


def test_the_order_of_the_lines_does_not_matter(tmp_path: Path) -> None:
    header, *rows = months()
    assert run(tmp_path, HEAD + PERIODS, [header, *reversed(rows)]) == run(tmp_path, HEAD + PERIODS)


def test_a_declared_baseline_needs_no_statistics(tmp_path: Path) -> None:
    report = run(tmp_path, HEAD + DECLARED)
    assert report.valid
    assert report.statistics is None
    assert report.model == {
        "kind": "declared",
        "intercept": 5000.0,
        "slopes": {"tonnes": 400.0},
        "source": "energy review",
    }
    assert report.reporting is not None
    assert report.reporting["interval"] is None
    assert any("no interval" in warning for warning in report.warnings)


def test_an_adjustment_is_shown_with_who_decided_it_and_why(tmp_path: Path) -> None:
    plain = run(tmp_path, HEAD + PERIODS).reporting
    report = run(tmp_path, HEAD + PERIODS + EVENT + "amount = 1500.0\n")
    assert plain is not None
    assert report.reporting is not None
    assert report.reporting["adjustments"] == 1500.0
    assert report.reporting["saving"] == pytest.approx(plain["saving"] + 1500.0)
    assert [p["adjustment"] for p in report.periods if p["time"] in ("2025-01", "2025-02", "2025-03")] == [
        0,
        750,
        750,
    ]
    assert report.events == [
        {
            "from": "2025-02",
            "to": "2025-03",
            "adjustment": 1500.0,
            "excluded": False,
            "author": "E. Keeper",
            "reason": "pumps on hire",
        }
    ]


def test_excluded_periods_count_neither_for_the_model_nor_for_the_saving(tmp_path: Path) -> None:
    event = EVENT.replace("2025-02", "2024-05").replace("2025-03", "2024-08") + "exclude = true\n"
    report = run(tmp_path, HEAD + PERIODS + event)
    assert report.statistics is not None
    assert report.reporting is not None
    assert report.statistics["points"] == 16
    assert (report.reporting["periods"], report.reporting["excluded"]) == (16, 2)
    assert [one["saving"] for one in report.periods[:2]] == [None, None]
    assert report.periods[1]["cusum"] == 0.0


def test_an_adjustment_goes_to_the_months_that_count(tmp_path: Path) -> None:
    """Half of the amount would be lost with the month that is left out."""
    left_out = EVENT.replace("2025-03", "2025-02") + "exclude = true\n"
    report = run(tmp_path, HEAD + PERIODS + EVENT + "amount = 1500.0\n" + left_out)
    assert report.reporting is not None
    assert report.reporting["adjustments"] == 1500.0


def test_a_month_beyond_the_range_fails_the_baseline_until_somebody_decides(tmp_path: Path) -> None:
    lines = months()
    lines[30] = "2025-06,60000,140"
    report = run(tmp_path, HEAD + PERIODS, lines)
    assert not report.valid
    assert [one["time"] for one in report.periods if one["outside"]] == ["2025-06"]
    assert [check["name"] for check in report.checks if not check["passed"]] == [
        "periods outside the range of the drivers"
    ]
    assert run(tmp_path, HEAD + "range_margin_percent = 130.0\n" + PERIODS, lines).valid
    left_out = EVENT.replace("2025-02", "2025-06").replace("2025-03", "2025-06") + "exclude = true\n"
    assert run(tmp_path, HEAD + PERIODS + left_out, lines).valid


def test_lines_that_cannot_be_used_are_counted_and_named_not_taken_for_zero(tmp_path: Path) -> None:
    lines = months()
    lines[3] = "2023-03,,80"
    lines[5] = "2023-05,nan,n/a"
    lines[7] = "July 2023,36000,80"
    report = run(tmp_path, HEAD + PERIODS, [*lines, "2022-06,,70"])
    assert report.statistics is not None
    assert report.statistics["points"] == 15
    assert report.not_used == 4
    assert [(one["line"], one["column"], one["reason"]) for one in report.not_used_lines] == [
        (4, "kwh", "no value"),
        (6, "kwh", "not a number"),
        (6, "tonnes", "not a number"),
        (8, "time", "unreadable time"),
    ]


def test_days_and_moments_belong_to_the_periods_around_them(tmp_path: Path) -> None:
    """`to` names the last day; a moment with an offset is compared in UTC."""
    rows = [f"2023-01-{d:02d}T12:00:00+00:00,{100 + 7 * d + d % 3},{d}" for d in range(1, 21)]
    rows += ["2023-01-21T00:30:00+01:00,240,15", "2023-01-21T23:59:59,245,18", "2023-01-22T00:00:00,250,19"]
    periods = (
        'baseline_period = { from = "2023-01-01", to = "2023-01-19" }\n'
        'reporting_period = { from = "2023-01-20", to = "2023-01-21" }\n'
    )
    report = run(tmp_path, HEAD + periods, ["time,kwh,tonnes", *rows])
    assert report.statistics is not None
    assert report.statistics["points"] == 19
    assert [one["time"][:13] for one in report.periods] == ["2023-01-20T12", "2023-01-21T00", "2023-01-21T23"]


def test_residuals_that_resemble_one_another_are_said(tmp_path: Path) -> None:
    days = np.arange(60)
    tonnes = 50 + 10 * np.sin(days * 2.4)
    kwh = 1000 + 20 * tonnes + 30 * np.sin(days / 5)
    lines = [f"2023-{k // 28 + 1:02d}-{k % 28 + 1:02d},{kwh[k]:.3f},{tonnes[k]:.3f}" for k in days]
    report = run(
        tmp_path, HEAD + 'baseline_period = { from = "2023", to = "2023" }\n', ["time,kwh,tonnes", *lines]
    )
    assert report.reporting is None
    assert report.valid
    assert [warning for warning in report.warnings if "the interval by about" in warning]


ALL = HEAD + PERIODS
ADD = "amount = 1.0\n"
REFUSED = {
    "unknown key": (ALL + "driver = 3\n", "baseline.driver: unknown key; did you mean 'drivers'?"),
    "no period": (HEAD, "'baseline_period' is missing"),
    "no driver": (ALL.replace('["tonnes"]', "[]"), "baseline.drivers: names at least one"),
    "driver twice": (ALL.replace('["tonnes"]', '["tonnes", "tonnes"]'), "none twice"),
    "no column": (
        ALL.replace('["tonnes"]', '["tones"]'),
        "tones: is not a column of this file; did you mean",
    ),
    "in percent": (HEAD + "confidence = 95.0\n" + PERIODS, "baseline.confidence: is 95, but must lie"),
    "margin": (HEAD + "range_margin_percent = -1.0\n" + PERIODS, "range_margin_percent: is negative"),
    "no unit": (ALL.replace('"kWh"', '" "'), "baseline.unit: is empty"),
    "overlap": (ALL.replace("2024-07", "2024-06"), "overlaps the baseline period"),
    "backwards": (ALL.replace('to = "2025"', 'to = "2024-06-30"'), "before it begins"),
    "no time": (ALL.replace('"2025"', '"next year"'), "reporting_period.to: 'next year' is no time"),
    "no month": (ALL.replace('"2025"', '"2025-13"'), "reporting_period.to: '2025-13' is no time"),
    "nothing": (ALL.replace("2024-07", "2031").replace("2025", "2032"), "has no usable line"),
    "too short": (ALL.replace("2024-06", "2023-03"), "3 points for 2 coefficients"),
    "both": (ALL + DECLARED.split("\n", 1)[1], "not both"),
    "no slope": (HEAD + DECLARED.replace("{ tonnes = 400.0 }", "{}"), "no slope for the driver 'tonnes'"),
    "slope of nothing": (HEAD + DECLARED.replace("{ tonnes", "{ tones"), "did you mean 'tonnes'"),
    "no source": (HEAD + DECLARED.replace("energy review", " "), "coefficients.source: is empty"),
    "declared for nothing": (HEAD + DECLARED.split("\n", 1)[1], "'reporting_period' is missing"),
    "no author": (ALL + EVENT.replace('author = "E. Keeper"\n', "") + ADD, "'author' is missing"),
    "no reason": (ALL + EVENT.replace("pumps on hire", "") + ADD, "event[0].reason: is empty"),
    "no effect": (ALL + EVENT, "either 'amount'"),
    "two effects": (ALL + EVENT + ADD + "exclude = true\n", "either 'amount'"),
    "elsewhere": (ALL + EVENT.replace("2025-0", "2023-0") + ADD, "no usable line of the reporting period"),
    "nowhere": (ALL + EVENT.replace("2025-0", "2031-0") + "exclude = true\n", "no usable line of either"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_file_is_refused_with_its_place_and_the_remedy(name: str, tmp_path: Path) -> None:
    toml, said = REFUSED[name]
    with pytest.raises(ConfigError) as refused:
        run(tmp_path, toml)
    assert said in str(refused.value)
    assert refused.value.line > 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2023-02,-5,80", "data.csv:38: kwh: -5 is negative"),
        ("2023-02-01,36000,80", "data.csv:38: time: 2023-02-01 stands in line 3 already"),
    ],
)
def test_a_line_of_the_data_that_cannot_be_right_is_refused(line: str, said: str, tmp_path: Path) -> None:
    lines = [one for one in months() if said.endswith("already") or not one.startswith("2023-02")]
    said = said if said.endswith("already") else said.replace(":38:", ":37:")
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        run(tmp_path, HEAD + PERIODS, [*lines, line])


def test_the_verb_shows_a_table_and_ends_well(tmp_path: Path) -> None:
    done = verb(tmp_path, HEAD + PERIODS + EVENT + "amount = 1500.0\n")
    assert done.returncode == 0, done.stderr
    for word in ("Melt shop", "kwh [kWh] =", "R2", "passed", "CUSUM", "±", "E. Keeper", "adjustments 1500"):
        assert word in done.stdout


def test_the_verb_ends_with_1_where_the_model_is_not_valid(tmp_path: Path) -> None:
    lines = [*months()[:30], "2025-06,60000,140"]
    done = verb(tmp_path, HEAD + PERIODS, lines, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["valid"] is False
    assert [check["name"] for check in document["checks"] if not check["passed"]]
    assert len(document["periods"]) == 12


def test_the_verb_ends_with_2_where_a_file_is_refused(tmp_path: Path) -> None:
    done = verb(tmp_path, HEAD)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("greenhearth: b.toml:1: baseline:")


def test_the_example_of_the_shelf_is_accepted() -> None:
    case = load_case(configs_root() / "baselines" / "example.toml")
    assert [event.part.exclude for event in case.events] == [False, True]
    assert case.head.coefficients is None
