"""The verb that lists what the shelf knows: filtered by words, for people and for programs."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from greenhearth.factors import load_factors
from greenhearth.methods import METHODS
from greenhearth_cli.catalogue import run_catalogue
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.main import app
from greenhearth_gateway.benchmarks import load_benchmarks


def listed(*argv: str) -> list[dict[str, Any]]:
    """Return the entries that the verb prints as JSON."""
    done = CliRunner().invoke(app, ["catalogue", "--json", *argv])
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_without_words_everything_is_listed() -> None:
    kinds = [one["what"] for one in listed()]
    assert kinds.count("factor") == len(load_factors())
    assert kinds.count("benchmark") == len(load_benchmarks())


def test_every_word_must_stand_in_id_title_source_or_scale() -> None:
    assert {one["id"] for one in listed("GB21256.eaf", "advanced")} == {
        "cn.steel.eaf_lt50.l1",
        "cn.steel.eaf_50_70.l1",
        "cn.steel.eaf_ge70.l1",
    }


def test_a_kind_leaves_the_other_out() -> None:
    assert {one["what"] for one in listed("aluminium", "--kind", "benchmarks")} == {"benchmark"}
    assert {one["what"] for one in listed("clinker", "--kind", "factors")} == {"factor"}


def test_an_entry_has_value_unit_source_validity_and_trust() -> None:
    (entry,) = listed("rfnbo")
    assert (entry["value"], entry["unit"], entry["valid_from"]) == (3382.872, "kg CO2e/t", "2023")
    assert "2023/1185" in str(entry["source"])
    assert entry["verified"] is True
    (doubtful,) = listed("us45v")
    assert doubtful["verified"] is False


def test_people_get_one_block_an_entry() -> None:
    done = CliRunner().invoke(app, ["catalogue", "h2.us45v"])
    assert "4000 kg CO2e/t  |  from 2022  |  not verified" in done.stdout
    assert "1 entry" in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("klinker", "nothing in the catalogue matches 'klinker'; nearest: clinker"),
        ("cn.steel.eaf_ge70.l4", "nearest: cn.steel.eaf_ge70.l"),
        ("qqqqqqq", "nothing in the catalogue matches 'qqqqqqq'"),
    ],
)
def test_nothing_found_is_said_with_the_nearest_names(text: str, says: str) -> None:
    with pytest.raises(PlainError) as caught:
        run_catalogue(text, "", as_json=False)
    assert says in str(caught.value)
    assert caught.value.code == 1


def test_an_unknown_kind_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["catalogue", "--kind", "factor"]).exit_code == 2


@pytest.mark.parametrize(
    ("chinese", "english"), [("水泥", "cement"), ("电网 2023", "grid 2023"), ("氢", "hydrogen")]
)
def test_chinese_words_find_the_same(chinese: str, english: str) -> None:
    assert listed(*chinese.split()) == listed(*english.split())


def test_a_value_can_be_looked_for() -> None:
    """Clean hydrogen is 4.9 kg CO2e/kg; the catalogue holds it per tonne."""
    assert "h2.cn.clean" in {one["id"] for one in listed("hydrogen", "4.9")}


def test_methods_are_listed_with_arguments_units_and_ranges() -> None:
    methods = {one["id"]: one for one in listed("--kind", "methods")}
    assert set(methods) == set(METHODS)
    burnt = methods["combustion"]
    assert burnt["streams"] == ["t", "kNm3"]
    assert [(a["name"], a["unit"], a["default"]) for a in burnt["arguments"]] == [
        ("ncv", "GJ/t or GJ/kNm3", None),
        ("ef", "tCO2/TJ", None),
        ("oxidation", "1", 1.0),
        ("biogenic", "1", 0.0),
    ]
    assert {one["id"] for one in listed("--kind", "methods", "overvoltage")} == {
        "pfc_overvoltage",
        "pfc_overvoltage_metal",
    }
    with pytest.raises(PlainError, match="nearest: combustion"):
        run_catalogue("combustian", "methods", as_json=False)


def test_people_see_what_a_method_asks_for() -> None:
    done = CliRunner().invoke(app, ["catalogue", "--kind", "methods", "carbonate"])
    assert "ncv" not in done.stdout
    assert "purity" in done.stdout
    assert "default 1.0; 0 to 1; carbonate in the material" in done.stdout
