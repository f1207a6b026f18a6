"""``greenhearth account`` as a person uses it: tables, JSON, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from greenhearth_cli.main import app

from .conftest import CASES, KILN

RUN = CliRunner()


def _run(*words: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["account", *map(str, words)], env={"COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "name", ["cement_kiln", "eaf_alloy_steel", "gb21342_correction", "bee_cusum", "less_1"]
)
def test_a_case_is_told_in_tables(name: str) -> None:
    """Every kind of case, checked on the way."""
    code, text = _run(CASES / f"{name}.toml", "--check")
    assert code == 0, text
    assert "not met" not in text
    assert "met" in text


def test_the_tables_hold_figures_intervals_trail_and_sources() -> None:
    """What an auditor looks for first."""
    code, text = _run(CASES / "cement_kiln.toml")
    assert code == 0
    for words in ("868.155", "meter weighbridge", "90,000 t; ncv 25.8 GJ/t, ef 94.6 tCO2/TJ", "219,661,200",
                  "E = amount x NCV x EF x OF", "fuel.other_bituminous_coal.ef", "(1)"):  # fmt: skip
        assert words in text, words


def test_the_json_document_has_the_same_figures() -> None:
    """And is one document, with everything in it."""
    code, text = _run(CASES / "cement_kiln.toml", "--json")
    document = json.loads(text)
    assert code == 0
    assert document["met"] is True
    assert document["metrics"]["co2_scope1_kg_per_t"]["value"] == pytest.approx(868.1548115702479)
    assert document["trail"][0]["arguments"][0]["id"] == "fuel.other_bituminous_coal.ncv"
    assert document["factors"]["waste_ncv"]["source"] == "assumed analysis of the delivered fuel"
    assert {
        "case",
        "factor_set",
        "totals",
        "expected",
        "benchmarks",
        "grades",
        "baselines",
    } <= document.keys()


def test_a_value_that_is_not_met_fails_the_check_only(tmp_path: Path) -> None:
    """Without --check it is shown beside ours."""
    case = tmp_path / "case.toml"
    case.write_text(f"{KILN}\n[expect]\nco2_fuel_kg = 709501.0\n", encoding="utf-8")
    assert _run(case)[0] == 0
    code, text = _run(case, "--check")
    assert code == 1
    assert "not met" in text


def test_a_check_needs_something_to_check(tmp_path: Path) -> None:
    """A check that cannot fail would be a false comfort."""
    case = tmp_path / "case.toml"
    case.write_text(KILN, encoding="utf-8")
    assert _run(case, "--check")[0] == 2


def test_a_refused_file_ends_with_two_and_a_sentence(tmp_path: Path) -> None:
    """File, line, key and the nearest right name."""
    case = tmp_path / "case.toml"
    case.write_text(KILN.replace("amount = 300.0", "amout = 300.0"), encoding="utf-8")
    code, text = _run(case)
    assert code == 2
    assert "case.toml:9: quantity.coal.amout: unknown key; did you mean 'amount'?" in text


def test_a_process_is_held_against_published_figures(tmp_path: Path) -> None:
    """Like with like: other boundaries are listed with the reason why not."""
    case = tmp_path / "case.toml"
    text = KILN.replace('product = "grey clinker"', 'process = "clinker_kiln"')
    boundary = '\n[boundary]\nkgce_per_t = "clinker comprehensive"\n'
    boundary += "\n[conditions]\naltitude_m = 20.0\npressure_pa = 101325.0\n"
    case.write_text(text + boundary, encoding="utf-8")
    code, answer = _run(case, "--json")
    assert code == 0, answer
    document = json.loads(answer)
    assert document["grades"]["gb16780.clinker"]["reached"]
    other = [one for one in document["benchmarks"] if not one["comparable"]]
    assert all(one["why"] for one in other)
    assert any("it covers" in one["why"] for one in other)
