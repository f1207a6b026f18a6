"""A factor has two times: when it holds, and since when it is known."""

import re
from datetime import date
from pathlib import Path

import pytest

from greenhearth.factor_book import Factor, day_of
from greenhearth.factor_sets import factor_infos, factor_of
from greenhearth.factors import load_factors, set_name
from greenhearth.model import build_model
from greenhearth.shelf import configs_root
from greenhearth.site import load_site
from greenhearth.strict import ConfigError

ENTRY = '[factor."{id}"]\nvalue = {value}\nunit = "kgCO2/kWh"\nsource = "made up for this test"\n{more}\n'


def entry(name: str, value: float, **more: str) -> str:
    lines = "\n".join(f'{key} = "{text}"' for key, text in more.items())
    return ENTRY.format(id=name, value=value, more=lines)


GRID = "".join(
    [
        entry("grid@2022", 0.54, valid_from="2022", valid_to="2023"),
        entry("grid@2023", 0.53, valid_from="2023", valid_to="2024-07-01"),
        entry("grid@2023_corrected", 0.52, valid_from="2023", known_since="2025-03-01"),
    ]
)


def shelf(tmp_path: Path, text: str) -> Path:
    (tmp_path / "grid.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("at", "known_at", "value"),
    [
        ("2022-12-31", "2026-01-01", 0.54),
        ("2023-01-01", "2025-02-28", 0.53),
        ("2023-01-01", "2025-03-01", 0.52),
        ("2030-01-01", "2030-01-01", 0.52),
    ],
)
def test_a_plain_name_means_the_version_of_both_times(
    tmp_path: Path, at: str, known_at: str, value: float
) -> None:
    book = load_factors(shelf(tmp_path, GRID), known_at=day_of(known_at), at=day_of(at))
    assert book["grid"].value == value
    assert book["grid@2022"].value == 0.54


def test_where_no_version_holds_all_are_named_with_their_ranges(tmp_path: Path) -> None:
    book = load_factors(shelf(tmp_path, GRID), known_at=date(2025, 1, 1), at=date(2024, 8, 1))
    assert "grid" in book
    says = (
        "grid@2022: 2022 to 2023; grid@2023: 2023 to 2024-07-01; grid@2023_corrected: 2023 to further notice"
    )
    with pytest.raises(ConfigError, match=re.escape(says)):
        book["grid"]


def test_a_version_that_is_not_verified_is_never_chosen(tmp_path: Path) -> None:
    doubtful = entry("grid@2024", 0.1, valid_from="2024", known_since="2025-09-01") + "verified = false\n"
    book = load_factors(shelf(tmp_path, GRID + doubtful), known_at=date(2026, 1, 1), at=date(2025, 1, 1))
    assert book["grid"].value == 0.52


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            entry("grid@a", 1.0, valid_from="2021") + entry("grid@b", 2.0, valid_from="2022"),
            "'grid@a' holds too",
        ),
        (entry("grid@a", 1.0, valid_from="2021", valid_to="2020"), "is not after valid_from"),
        (entry("grid@a", 1.0, valid_from="spring"), "is a year or a date"),
        (entry("grid@a", 1.0, valid_from="2021", known_since="2021-13-01"), "known_since"),
        (entry("grid@a", 1.0, valid_from="2021") + entry("grid", 2.0, valid_from="2021"), "NAME@VERSION"),
        ('[factor_versions.g]\nversions = ["grid@2O22"]\n' + GRID, "did you mean 'grid@2022'"),
        (
            GRID + entry("grid@c", 1.0, valid_from="2020", valid_to="2021").replace("kgCO2/kWh", "kg/t"),
            "in kg/t",
        ),
    ],
)
def test_faulty_versions_are_refused_with_their_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)) as caught:
        load_factors(shelf(tmp_path, text))
    assert caught.value.line > 0


def test_the_shipped_grid_factor_follows_the_year_of_the_data() -> None:
    book = load_factors()
    years = {2021: 0.5568, 2022: 0.5366, 2023: 0.5306, 2025: 0.5306}
    assert {year: book.when(date(year, 6, 1))["grid.cn.national"].value for year in years} == years


def test_the_name_of_a_set_is_what_it_was_before_factors_had_two_times() -> None:
    """Frozen: results stored by the first release keep their names."""
    used = {
        "grid": Factor(value=0.5306, unit="kgCO2/kWh", source="a", valid_from="2023"),
        "ncv": Factor(value=25.8, unit="GJ/t", source="b", valid_from="2006", uncertainty_percent=3.0),
    }
    assert set_name(used) == "fs-6b4fe39518e4"
    dated = {
        name: Factor(**{**_fields(one), "valid_to": "2031", "known_since": "2030"})
        for name, one in used.items()
    }
    assert set_name(dated) == set_name(used)


def _fields(factor: Factor) -> dict[str, object]:
    return {name: getattr(factor, name) for name in factor.__struct_fields__}


def test_a_birth_tells_the_factors_behind_its_set_and_they_read_back() -> None:
    site = load_site(configs_root() / "sites" / "demo.toml")
    line = next(one for one in build_model(site).line_info() if one.name == "kiln")
    assert set_name({name: factor_of(info) for name, info in line.factors.items()}) == line.factor_set
    assert "grid" in line.factors["grid.cn.national.2023"].roles
    assert line.factors["tce.electricity_equivalent"].roles == []
    assert all(info.source for info in line.factors.values())


def test_a_new_file_replaces_and_adds_and_the_rest_stays(tmp_path: Path) -> None:
    newer = tmp_path / "new.toml"
    newer.write_text(entry("grid@2023", 0.5, valid_from="2023", known_since="2026-01-01"))
    folder = tmp_path / "shelf"
    folder.mkdir()
    book = load_factors(shelf(folder, GRID), known_at=date(2026, 1, 1), at=date(2023, 5, 1), newer=newer)
    assert (book["grid"].value, book["grid@2022"].value) == (0.5, 0.54)


def test_infos_keep_both_times() -> None:
    one = Factor(value=1.0, unit="t/t", source="s", valid_from="2020", valid_to="2021", known_since="2022")
    assert factor_of(factor_infos({"a": one}, {})["a"]) == one
