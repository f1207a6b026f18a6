"""The fit against certified results, and what cannot be fitted."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.baseline import F8, BaselineError, checks_of, declared, fit

# NIST Statistical Reference Datasets, linear regression, "Norris" (Norris.dat): y, x
NORRIS = np.array(
    [
        (0.1, 0.2), (338.8, 337.4), (118.1, 118.2), (888.0, 884.6), (9.2, 10.1), (228.1, 226.5),
        (668.5, 666.3), (998.5, 996.3), (449.1, 448.6), (778.9, 777.0), (559.2, 558.2), (0.3, 0.4),
        (0.1, 0.6), (778.1, 775.5), (668.8, 666.9), (339.3, 338.0), (448.9, 447.5), (10.8, 11.6),
        (557.7, 556.0), (228.3, 228.1), (998.0, 995.8), (888.8, 887.6), (119.6, 120.2), (0.3, 0.3),
        (0.6, 0.3), (557.6, 556.8), (339.3, 339.1), (888.0, 887.2), (998.5, 999.0), (778.9, 779.0),
        (10.2, 11.1), (117.6, 118.3), (228.9, 229.2), (668.4, 669.1), (449.2, 448.9), (0.2, 0.5),
    ]
)  # fmt: skip

# the same, "Longley" (Longley.dat; J. Am. Stat. Assoc. 62 (1967) 819): y, x1 ... x6
LONGLEY = np.array(
    [
        (60323, 83.0, 234289, 2356, 1590, 107608, 1947), (61122, 88.5, 259426, 2325, 1456, 108632, 1948),
        (60171, 88.2, 258054, 3682, 1616, 109773, 1949), (61187, 89.5, 284599, 3351, 1650, 110929, 1950),
        (63221, 96.2, 328975, 2099, 3099, 112075, 1951), (63639, 98.1, 346999, 1932, 3594, 113270, 1952),
        (64989, 99.0, 365385, 1870, 3547, 115094, 1953), (63761, 100.0, 363112, 3578, 3350, 116219, 1954),
        (66019, 101.2, 397469, 2904, 3048, 117388, 1955), (67857, 104.6, 419180, 2822, 2857, 118734, 1956),
        (68169, 108.4, 442769, 2936, 2798, 120445, 1957), (66513, 110.8, 444546, 4681, 2637, 121950, 1958),
        (68655, 112.6, 482704, 3813, 2552, 123366, 1959), (69564, 114.2, 502601, 3931, 2514, 125368, 1960),
        (69331, 115.7, 518173, 4806, 2572, 127852, 1961), (70551, 116.9, 554894, 4007, 2827, 130081, 1962),
    ]
)  # fmt: skip
DEFLATOR_TO_YEAR = ("deflator", "gnp", "unemployed", "armed_forces", "population", "year")


def columns(drivers: int, points: int = 12, seed: int = 5) -> tuple[F8, F8]:
    """Drivers [points, drivers] and an energy that depends on all of them."""
    random = np.random.default_rng(seed)
    x = random.uniform(10.0, 20.0, (points, drivers))
    return x, 1000.0 + x.sum(axis=1) * 30.0 + random.normal(0.0, 2.0, points)


def test_norris_comes_out_as_nist_certifies() -> None:
    model = fit(["x"], NORRIS[:, 1:], NORRIS[:, 0])
    known = model.statistics
    assert known is not None
    assert model.coefficients == pytest.approx([-0.262323073774029, 1.00211681802045], rel=1e-11)
    assert known.standard_errors == pytest.approx([0.232818234301152, 0.429796848199937e-03], rel=1e-11)
    assert known.s == pytest.approx(0.884796396144373, rel=1e-11)
    assert known.r2 == pytest.approx(0.999993745883712, rel=1e-14)
    assert known.f == pytest.approx(5436385.54079785, rel=1e-10)
    assert (known.points, known.dof) == (36, 34)


def test_longley_comes_out_as_nist_certifies() -> None:
    """Six drivers that nearly follow from one another: normal equations keep half of these digits."""
    model = fit(DEFLATOR_TO_YEAR, LONGLEY[:, 1:], LONGLEY[:, 0])
    known = model.statistics
    assert known is not None
    assert model.coefficients == pytest.approx(
        [
            -3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683,
            -1.03322686717359, -0.511041056535807e-01, 1829.15146461355,
        ],
        rel=1e-10,
    )  # fmt: skip
    assert known.standard_errors == pytest.approx(
        [
            890420.383607373, 84.9149257747669, 0.334910077722432e-01, 0.488399681651699,
            0.214274163161675, 0.226073200069370, 455.478499142212,
        ],
        rel=1e-10,
    )  # fmt: skip
    assert known.s == pytest.approx(304.854073561965, rel=1e-11)
    assert known.r2 == pytest.approx(0.995479004577296, rel=1e-13)
    assert known.f == pytest.approx(330.285339234588, rel=1e-10)
    assert known.dof == 9


def test_the_probabilities_are_those_of_printed_tables() -> None:
    """t = 2.262 is the 97.5 % point of 9 degrees of freedom; Longley's t of the year is 4.016."""
    model = fit(DEFLATOR_TO_YEAR, LONGLEY[:, 1:], LONGLEY[:, 0])
    known = model.statistics
    assert known is not None
    assert known.t[6] == pytest.approx(1829.15146461355 / 455.478499142212, rel=1e-10)
    assert known.t_p[6] == pytest.approx(0.003037, abs=1e-6)
    assert known.t_p[1] == pytest.approx(0.863141, abs=1e-6)
    assert known.f_p == pytest.approx(4.984e-10, rel=1e-3)
    assert known.adjusted_r2 == pytest.approx(0.992465, abs=1e-6)
    one = np.array([known.means])
    assert model.interval(one, 0.95) == pytest.approx(2.2621572 * known.s * (1 + 1 / 16) ** 0.5, rel=1e-7)


def test_a_longley_model_fails_for_the_drivers_that_say_nothing() -> None:
    """An R2 of 0.995 does not make six drivers of sixteen points valid."""
    checks = checks_of(fit(DEFLATOR_TO_YEAR, LONGLEY[:, 1:], LONGLEY[:, 0]))
    failed = [check.name for check in checks if not check.passed]
    assert failed == ["t of 'deflator': p", "t of 'gnp': p", "t of 'population': p"]
    assert all(check.source for check in checks)


def test_noise_fails_r2_f_and_t() -> None:
    random = np.random.default_rng(2)
    model = fit(["tonnes"], random.uniform(0, 1, (30, 1)), random.uniform(100, 200, 30))
    assert [check.passed for check in checks_of(model)] == [False, False, False]


def test_a_line_without_scatter_is_found_and_passes() -> None:
    """BEE's line without noise: whatever the division by nothing gives, no warning and no NaN."""
    x = np.arange(6.0)[:, None]
    model = fit(["p"], x, 180.0 + 0.4 * x[:, 0])
    assert model.coefficients == pytest.approx([180.0, 0.4])
    assert all(check.passed for check in checks_of(model))


def test_a_declared_model_has_no_statistics() -> None:
    model = declared(["p"], 180.0, [0.4])
    assert model.statistics is None
    assert checks_of(model) == []
    assert model.interval(np.ones((3, 1)), 0.95) is None
    assert model.expected(np.array([[380.0]])).tolist() == [332.0]


@settings(max_examples=60, deadline=None)
@given(st.floats(1.0, 1e5), st.integers(0, 1000), st.integers(1, 3))
def test_a_constant_on_all_energies_moves_only_the_intercept(add: float, seed: int, drivers: int) -> None:
    names = ["a", "b", "c"][:drivers]
    x, energy = columns(drivers, seed=seed)
    before, after = fit(names, x, energy), fit(names, x, energy + add)
    assert after.coefficients[0] - before.coefficients[0] == pytest.approx(add, rel=1e-6)
    assert after.coefficients[1:] == pytest.approx(before.coefficients[1:], rel=1e-6)
    assert before.statistics is not None
    assert after.statistics is not None
    assert after.statistics.standard_errors == pytest.approx(before.statistics.standard_errors, rel=1e-6)
    assert after.statistics.r2 == pytest.approx(before.statistics.r2, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-3, 1e6), st.integers(0, 1000))
def test_the_unit_of_a_driver_changes_its_slope_and_nothing_else(factor: float, seed: int) -> None:
    x, energy = columns(2, seed=seed)
    before, after = fit(["a", "b"], x, energy), fit(["a", "b"], x * [factor, 1.0], energy)
    assert after.coefficients * [1.0, factor, 1.0] == pytest.approx(before.coefficients, rel=1e-7)
    x_new = x[:3]
    assert after.interval(x_new * [factor, 1.0], 0.9) == pytest.approx(before.interval(x_new, 0.9), rel=1e-7)


def test_too_few_points_are_refused() -> None:
    """Three coefficients need five points: two degrees of freedom."""
    x, energy = columns(2, points=5)
    assert fit(["a", "b"], x, energy).statistics is not None
    with pytest.raises(BaselineError, match="4 points for 3 coefficients, but at least 5"):
        fit(["a", "b"], x[:4], energy[:4])


def test_a_constant_driver_is_refused_by_name() -> None:
    x, energy = columns(2)
    x[:, 1] = 0.1 + 0.2
    with pytest.raises(BaselineError, match=r"driver 'heats' is 0\.3 at every point"):
        fit(["tonnes", "heats"], x, energy)


def test_constant_energy_is_refused() -> None:
    x, energy = columns(1)
    with pytest.raises(BaselineError, match="the energy is 5 at every point"):
        fit(["tonnes"], x, np.full_like(energy, 5.0))


def test_a_collinear_driver_is_refused_with_those_it_follows_from() -> None:
    """Good and scrap add up to the charge: three columns, two facts. The heats have no part in it."""
    x, energy = columns(3)
    mixture = np.column_stack([x, x[:, 0] + 2.0 * x[:, 2]])
    with pytest.raises(BaselineError, match=re.escape("'charge' is collinear with 'good' and 'scrap'")):
        fit(["good", "heats", "scrap", "charge"], mixture, energy)


def test_the_same_driver_in_another_unit_is_collinear_in_spite_of_rounding() -> None:
    x, energy = columns(1)
    with pytest.raises(BaselineError, match="'kg' is collinear with 't'"):
        fit(["t", "kg"], np.column_stack([x, np.round(x * 1000.0, 1)]), energy)


def test_what_is_not_a_number_is_counted_and_named() -> None:
    x, energy = columns(2)
    x[[1, 4], 1] = np.nan
    with pytest.raises(BaselineError, match="2 of 12 values of driver 'heats' are not numbers"):
        fit(["tonnes", "heats"], x, energy)
    energy[0] = np.inf
    with pytest.raises(BaselineError, match="1 of 12 values of the energy"):
        fit(["tonnes", "heats"], x, energy)


def test_negative_energy_is_refused_with_its_place() -> None:
    x, energy = columns(1)
    energy[3] = -1.5
    with pytest.raises(BaselineError, match=re.escape("the first -1.5 (point 4)")):
        fit(["tonnes"], x, energy)


def test_names_and_columns_must_match() -> None:
    x, energy = columns(2)
    with pytest.raises(BaselineError, match="1 drivers are named but 2 given"):
        fit(["tonnes"], x, energy)
