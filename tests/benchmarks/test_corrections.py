"""Limits corrected for a line's conditions: published examples reproduced, the rest checked by hand."""

from collections.abc import Mapping

import pytest

from greenhearth_gateway.benchmarks import grade_value, load_benchmarks
from greenhearth_gateway.benchmarks.corrections import CORRECTIONS, altitude_factor
from greenhearth_gateway.benchmarks.limits import Circumstances, Limit, limit_at

CATALOGUE = load_benchmarks()
COKING = {
    "mixed_gas_share": 0.5, "volatile_percent": 24.5, "moisture_percent": 11.0, "wet_quench": 1.0,
    "oven_age_years": 20.0,
}  # fmt: skip


def limit(name: str, conditions: Mapping[str, float]) -> Limit:
    """Return a figure of the shelf under these conditions."""
    return limit_at(CATALOGUE[name], Circumstances(conditions, {}))


def values(prefix: str, conditions: Mapping[str, float]) -> list[float]:
    """Return the three levels of a scale under these conditions."""
    return [limit(f"{prefix}.l{k}", conditions).value for k in (1, 2, 3)]


def test_cement_is_corrected_for_clinker_and_altitude_as_published() -> None:
    ratio = {"clinker_ratio_percent": 76.0}
    assert values("cn.cement.cement", ratio) == pytest.approx([81.1, 88.15, 95.2], rel=1e-9)
    assert altitude_factor(80000.0) == pytest.approx(1.012407352578337, rel=1e-12)
    high = values("cn.cement.cement", {**ratio, "pressure_pa": 80000.0})
    assert high == pytest.approx([82.106236, 89.243708, 96.38118], rel=1e-6)


@pytest.mark.parametrize(
    ("conditions", "factor"),
    [
        ({"pressure_pa": 80000.0, "altitude_m": 1500.0}, 1.0),  # above 1500 m only
        ({"pressure_pa": 80000.0, "altitude_m": 1501.0}, 1.012407352578337),
        ({"pressure_pa": 84600.0}, 1.0),
        ({"pressure_pa": 84500.0}, altitude_factor(84500.0)),
        ({"altitude_m": 2000.0}, 1.0),  # without the pressure there is nothing to calculate with
    ],
)
def test_clinker_is_corrected_above_1500_metres_only(conditions: dict[str, float], factor: float) -> None:
    assert values("cn.cement.clinker", conditions) == pytest.approx(
        [100 * factor, 107 * factor, 117 * factor]
    )


def test_coke_is_corrected_as_published() -> None:
    assert values("cn.steel.coke_top", COKING) == pytest.approx([126.57, 124.07, 198.03], rel=1e-9)


def test_coke_from_a_stamped_charge_has_its_own_coefficients() -> None:
    # 115 + 12 x 0.5 + (3.20 + 6.44) / 2 + 3.71 x 0.5 + 2.50
    conditions = {**COKING, "volatile_percent": 26.5}
    assert limit("cn.steel.coke_stamp.l1", conditions).value == pytest.approx(130.175)


@pytest.mark.parametrize(("age", "addition"), [(15.0, 0.0), (15.1, 2.5), (25.0, 2.5), (25.1, 5.5)])
def test_an_old_oven_is_allowed_more(age: float, addition: float) -> None:
    assert limit("cn.steel.coke_top.l1", {"oven_age_years": age}).value == pytest.approx(110 + addition)


@pytest.mark.parametrize("volatile", [20.9, 28.1])
def test_beyond_the_table_of_volatile_matter_there_is_no_limit(volatile: float) -> None:
    (reason,) = limit("cn.steel.coke_top.l1", {"volatile_percent": volatile}).reasons
    assert reason.startswith("its table for volatile_percent runs from 21 to 28, this line has")


@pytest.mark.parametrize(
    ("name", "conditions", "value"),
    [
        ("cn.steel.bf.l1", {"fe_grade_percent": 60.0}, 361 + 2 * 3.61),
        ("cn.steel.bf.l1", {"fe_grade_percent": 50.0}, 361 + 5 * 3.61),
        ("cn.steel.bf.l1", {"fe_grade_percent": 65.0}, 361.0),
        ("cn.steel.bf.l3", {"vanadium_titanium_ore_percent": 20.0}, 415 + 9.0),
        ("cn.steel.sinter.l2", {"laterite_ore_percent": 10.0}, 46 + 12.0),
        ("cn.steel.converter.l1", {"scrap_share_percent": 20.0, "steel_class": 3.0}, -30 + 4.6 + 1.5),
        ("cn.steel.eaf_ge70.l2", {"capacity_t": 100.0, "hot_metal_share_percent": 30.0}, 64 - 24.0),
        ("cn.steel.eaf_ge70.l2", {"capacity_t": 100.0, "stainless": 1.0}, 70.4),
        ("cn.steel.eaf_ge70.l2", {"capacity_t": 100.0, "steel_class": 2.0}, 79.0),
        ("cn.fa.fesi.el.l1", {"ore_grade_percent": 97.0}, 8090.0),
        ("cn.fa.hcfecr.el.l3", {"ore_grade_percent": 42.0}, 3340.0),
        ("cn.glass.float_gt800.l1", {"capacity_t_per_d": 900.0, "glass_thickness_factor": 1.05}, 168.0),
        ("cbam.default.cn.grey_clinker.total", {"import_year": 2026.0}, 1529.0),
        ("cbam.default.cn.grey_clinker.total", {"import_year": 2027.0}, 1668.0),
        ("cbam.default.cn.grey_clinker.total", {"import_year": 2031.0}, 1807.0),
        ("cbam.default.cn.ammonia.total", {"import_year": 2028.0}, 4403.6),
    ],
)
def test_each_correction_by_hand(name: str, conditions: dict[str, float], value: float) -> None:
    found = limit(name, conditions)
    assert found.reasons == ()
    assert found.value == pytest.approx(value, rel=1e-9)


def test_what_a_line_does_not_declare_is_not_corrected_and_that_is_said() -> None:
    found = limit("cn.steel.coke_top.l3", {"moisture_percent": 11.0})
    assert found.value == pytest.approx(138.67)
    assert "corrected for moisture from 135 to 138.67" in found.notes
    assert "not corrected for wet quenching: this line declares no wet_quench" in found.notes


@pytest.mark.parametrize(
    ("capacity", "level"), [(45.0, "3"), (49.99, "3"), (50.0, "3"), (69.99, "3"), (70.0, "3"), (100.0, "3")]
)
def test_a_furnace_is_graded_in_its_own_class(capacity: float, level: str) -> None:
    grade = grade_value("gb21256.eaf", 70.0, {"capacity_t": capacity})
    assert grade.level == level
    assert len(grade.steps) == (3 if capacity >= 70.0 else 2)


def test_every_correction_names_its_clause_and_is_used() -> None:
    used = {name for one in CATALOGUE.values() for name in one.corrections}
    assert used == set(CORRECTIONS)
    assert all(one.source and one.formula and one.needs for one in CORRECTIONS.values())
