"""Twin files: the shelf's own, their figures by hand, and what is refused with file, line and key."""

from pathlib import Path

import pytest

from greenhearth.factors import load_factors
from greenhearth.processes import known_processes
from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError
from greenhearth.twins import load_twin, twin_metrics, twins_of

SHELF = sorted((configs_root() / "twins").glob("*.toml"))
GRID = {"grid": "grid.cn.national.2023", "contract": "grid.cn.national.2023"}
AMMONIA = (configs_root() / "twins" / "ammonia__ammonia_hydrogen.toml").read_text(encoding="utf-8")
ALUMINIUM = (configs_root() / "twins" / "al_prebake__al_inert_anode.toml").read_text(encoding="utf-8")

BEFORE = "[per_tonne.electricity]"
PRODUCT = AMMONIA[AMMONIA.index("[per_tonne.ammonia]") : AMMONIA.index(BEFORE) - 1]


def figures(name: str, product_t: float, grid: dict[str, str] | None = None) -> dict[str, float | None]:
    twin = load_twin(configs_root() / "twins" / f"{name}.toml")
    found = twin_metrics(twin, product_t, GRID if grid is None else grid, load_factors())
    return {metric: one.value for metric, one in found.items()}


@pytest.mark.parametrize("path", SHELF, ids=lambda path: path.stem)
def test_every_twin_on_the_shelf_loads_and_makes_the_same_product(path: Path) -> None:
    twin = load_twin(path)
    found = twin_metrics(twin, 37.5, GRID, load_factors())
    assert found["product_t"].value == pytest.approx(37.5, rel=1e-9)
    assert found["co2_total_kg_per_t"].value is not None
    assert all(one.source for one in twin.per_tonne.values())
    assert twin in twins_of(twin.process)


def test_the_lines_of_the_demonstration_have_twins() -> None:
    for process in ("eaf_scrap", "clinker_kiln", "al_prebake"):
        assert twins_of(process), process
    assert twins_of("electricity_only") == ()
    assert "electricity_only" in known_processes()


def test_ammonia_from_hydrogen_is_its_electricity() -> None:
    """10 045 kWh/t on 0.5306 kg/kWh, 0.1229 kgce/kWh; nothing direct."""
    found = figures("ammonia__ammonia_hydrogen", 12.0)
    assert found["electricity_kwh"] == pytest.approx(12 * 10_045, rel=1e-12)
    assert found["co2_total_kg_per_t"] == pytest.approx(10_045 * 0.5306, rel=1e-12)
    assert found["co2_total_kg"] == pytest.approx(12 * 10_045 * 0.5306, rel=1e-12)
    assert found["kgce_per_t"] == pytest.approx(10_045 * 0.1229, rel=1e-12)
    assert found["co2_scope1_kg_per_t"] == 0.0


def test_near_zero_steel_is_its_scrap_electrodes_and_electricity() -> None:
    """1.087 t of scrap of which 8 % with 1.09 % carbon is lost, 1.5 kg of electrode at 3 kg/kg, 440 kWh."""
    found = figures("eaf_scrap__eaf_near_zero", 100.0)
    scope1 = 1.087 * 0.0109 * 0.08 * 3664.0 + 1.5 * 3.0
    assert found["co2_scope1_kg_per_t"] == pytest.approx(scope1, rel=1e-6)
    assert found["co2_total_kg_per_t"] == pytest.approx(scope1 + 440 * 0.5306, rel=1e-6)
    assert found["co2_biogenic_kg_per_t"] == pytest.approx(10 * 0.0295 * 112.0, rel=1e-6)


def test_the_grid_is_the_lines_own() -> None:
    clean = {"grid": "const.f_c_to_co2"}
    with pytest.raises(ValueError, match=r"ef|unit|convert"):
        figures("ammonia__ammonia_hydrogen", 1.0, clean)
    ids = [name for name, one in load_factors().items() if name.startswith("grid.") and one.value < 0.5]
    found = figures("ammonia__ammonia_hydrogen", 1.0, {"grid": ids[0], "contract": ids[0]})
    assert found["co2_total_kg_per_t"] == pytest.approx(10_045 * load_factors()[ids[0]].value, rel=1e-9)


def test_the_uncertainty_is_that_of_what_is_declared() -> None:
    """7 % of the electricity, k = 2; the product is certain, it is the line's."""
    twin = load_twin(configs_root() / "twins" / "ammonia__ammonia_hydrogen.toml")
    found = twin_metrics(twin, 1.0, GRID, load_factors())["electricity_kwh_per_t"]
    assert found.uncertainty == pytest.approx(0.07 * 10_045, rel=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "place", "why"),
    [
        ("[per_tonne.electricity]", "[per_tonne.electricty]", ":16: per_tonne.electricty:",
         "has no role 'electricty'; did you mean 'electricity'?"),
        ('unit = "kWh"', 'unit = "Nm3"', ":18: per_tonne.electricity.unit:", "Nm3"),
        ('source = "by definition"', 'source = ""', ":13: per_tonne.ammonia.source:", "is empty"),
        ('source = "by definition"\n', "", ":10: per_tonne.ammonia:", "the key 'source' is missing"),
        ("amount = 10045.0", "amount = -1.0", ":16: per_tonne.electricity:", "cannot be negative"),
        ("amount = 10045.0", "amount = nan", ":17: per_tonne.electricity.amount:", "not a finite number"),
        ('process = "ammonia"', 'process = "amonia"', ":4: twin.process:", "did you mean 'ammonia'?"),
        ('green = "ammonia_hydrogen"', 'green = "ammonia_h2"', ":5: twin.green:", "no process 'ammonia_h2'"),
        ("amount = 1.0", "amount = 0.5", ":11: per_tonne.ammonia.amount:",
         "make 0.5 t of product instead of 1 t; write 1"),
        (PRODUCT, "", ":11: per_tonne:", "no product is declared: add [per_tonne.ammonia]"),
        (BEFORE, f'[factors]\ngird = "x"\n{BEFORE}', ":17: factors.gird:", "did you mean 'grid'?"),
        (BEFORE, f'[factors]\ngrid = "grid.nowhere"\n{BEFORE}', ":16: factors:", "no factor 'grid.nowhere'"),
        (BEFORE, f"[parameters]\nx = 1.0\n{BEFORE}", ":17: parameters.x:", "has no 'x'"),
        (BEFORE, f"[spare]\nx = 1.0\n{BEFORE}", ":16: spare:", "unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place_and_the_remedy(
    tmp_path: Path, old: str, new: str, place: str, why: str
) -> None:
    path = tmp_path / "ammonia__wrong.toml"
    assert old in AMMONIA
    path.write_text(AMMONIA.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_twin(path)
    assert f"{path}{place}" in str(caught.value)
    assert why in str(caught.value)


def test_a_product_that_is_computed_must_come_out_too(tmp_path: Path) -> None:
    """An aluminium cell makes its tonne by Faraday's law: 3170.19 kAh are 4 parts in ten million too many."""
    path = tmp_path / "al_prebake__rounded.toml"
    path.write_text(ALUMINIUM.replace("3170.188862733", "3170.19"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"make 1\.00000035874 t of product .*; write 3170\.188862733"):
        load_twin(path)


def test_twins_of_another_shelf_are_others(tmp_path: Path) -> None:
    (tmp_path / "twins").mkdir()
    assert twins_of("ammonia", tmp_path) == ()
    (tmp_path / "other" / "twins").mkdir(parents=True)
    (tmp_path / "other" / "twins" / "ammonia__mine.toml").write_text(AMMONIA, encoding="utf-8")
    assert [twin.id for twin in twins_of("ammonia", tmp_path / "other")] == ["ammonia__mine"]
    assert twins_of("ammonia")[0].id == "ammonia__ammonia_hydrogen"
