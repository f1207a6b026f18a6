"""Each source of error counts once: worked by hand, as properties, and with nothing to divide by."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.coefficients import Coefficient
from greenhearth.error_sources import used_metrics
from greenhearth.metrics import DIVIDED_BY, METRICS, PLAIN
from greenhearth.quality import Validity
from greenhearth.weights import Evaluated, StreamWeight, contributions, evaluate_amounts

CO2 = METRICS.index("co2_fuel_kg_per_t")
TOTAL = METRICS.index("co2_total_kg")
SHARE = METRICS.index("recycled_share_percent")
MADE = StreamWeight([Coefficient("product_t", 1.0)])
"""A scale without error."""


def fuel(u: float, meter: str = "", line: int = 0) -> StreamWeight:
    return StreamWeight([Coefficient("co2_fuel_kg", 2.0)], u=u, meter=meter, line=line)


def evaluated(*streams: tuple[StreamWeight, float]) -> Evaluated:
    return evaluate_amounts([one for one, _ in streams], np.array([[amount for _, amount in streams]]))


def interval(*streams: tuple[StreamWeight, float], metric: int = CO2) -> float:
    return float(evaluated(*streams).u[0, 0, metric])


def test_two_streams_on_one_meter_add_their_errors() -> None:
    """(300 + 100) t x 2 kg/t x 1 % / 10 t = 0.8 kg/t, expanded 1.6."""
    found = interval((fuel(0.01, "belt"), 300.0), (fuel(0.01, "belt"), 100.0), (MADE, 10.0))
    assert found == pytest.approx(1.6, rel=1e-12)


def test_two_streams_on_two_meters_add_the_squares_of_their_errors() -> None:
    """2 x sqrt(6^2 + 2^2) / 10 = 1.2649."""
    found = interval((fuel(0.01), 300.0), (fuel(0.01), 100.0), (MADE, 10.0))
    assert found == pytest.approx(2.0 * math.sqrt(40.0) / 10.0, rel=1e-12)


def test_one_meter_with_two_accuracies_is_still_one_error() -> None:
    """300 x 2 x 1 % + 100 x 2 x 3 % = 12 kg over 10 t."""
    found = interval((fuel(0.01, "belt"), 300.0), (fuel(0.03, "belt"), 100.0), (MADE, 10.0))
    assert found == pytest.approx(2.4, rel=1e-12)


def test_what_one_meter_takes_away_again_leaves_no_error() -> None:
    back = StreamWeight([Coefficient("co2_fuel_kg", -2.0)], u=0.01, meter="belt")
    assert interval((fuel(0.01, "belt"), 50.0), (back, 50.0), (MADE, 10.0)) == 0.0


def test_a_meter_that_is_numerator_and_product_cancels() -> None:
    both = StreamWeight([Coefficient("product_t", 1.0), Coefficient("co2_fuel_kg", 3.0)], u=0.05)
    found = evaluated((both, 77.0))
    assert found.x[0, 0, CO2] == pytest.approx(3.0)
    assert found.u[0, 0, CO2] == pytest.approx(0.0, abs=1e-15)
    assert found.u[0, 0, TOTAL] == pytest.approx(2 * 0.05 * 231.0)


def test_a_negative_factor_takes_its_error_with_its_sign() -> None:
    """Carbon out at the content of carbon in: only the difference of 40 t carries the content's error."""
    into = StreamWeight([Coefficient("co2_fuel_kg", 2.0, (("content", 0.1),))])
    out = StreamWeight([Coefficient("co2_fuel_kg", -2.0, (("content", -0.1),))])
    assert interval((into, 100.0), (out, 60.0), (MADE, 10.0)) == pytest.approx(2 * 40 * 0.1 / 10)


def test_a_meter_of_another_line_is_not_shared_with_this_one() -> None:
    weights = [fuel(0.01, "belt"), MADE, fuel(0.01, "belt", line=1), StreamWeight(MADE.flows, line=1)]
    alone = evaluate_amounts(weights[:2], np.array([[300.0, 10.0]]))
    both = evaluate_amounts(weights, np.array([[300.0, 10.0, 700.0, 10.0]]), lines=2)
    assert both.u[0, 0, CO2] == alone.u[0, 0, CO2]
    assert both.u[1, 0, CO2] == pytest.approx(alone.u[0, 0, CO2] * 7 / 3)


amount = st.floats(0.01, 1e6)
accuracy = st.floats(0.0, 0.2)


@settings(max_examples=50, deadline=None)
@given(whole=amount, part=st.floats(0.0, 1.0), u=accuracy, product=amount)
def test_splitting_a_stream_on_one_meter_changes_nothing(whole, part, u, product) -> None:
    a, b = whole * part, whole * (1.0 - part)
    one = evaluated((fuel(u, "belt"), whole), (MADE, product))
    two = evaluated((fuel(u, "belt"), a), (fuel(u, "belt"), b), (MADE, product))
    np.testing.assert_allclose(two.x[0, 0, CO2], one.x[0, 0, CO2], rtol=1e-12)
    np.testing.assert_allclose(two.u[0, 0, CO2], one.u[0, 0, CO2], rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 20), whole=amount, u=accuracy)
def test_n_independent_meters_of_equal_parts_shrink_the_error_by_the_root_of_n(n, whole, u) -> None:
    one = interval((fuel(u), whole), (MADE, 1.0))
    many = interval(*[(fuel(u), whole / n)] * n, (MADE, 1.0))
    assert many == pytest.approx(one / math.sqrt(n), rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    amounts=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=4, max_size=4),
    us=st.lists(accuracy, min_size=4, max_size=4),
    scale=st.floats(1e-3, 1e3),
)
def test_no_interval_is_negative_and_scaling_all_amounts_leaves_ratios_alone(amounts, us, scale) -> None:
    ncv = (("ncv", 0.03),)
    weights = [
        StreamWeight([Coefficient("co2_fuel_kg", 3.0, ncv), Coefficient("fuel_kwh", 8.0, ncv)], u=us[0]),
        StreamWeight([Coefficient("co2_fuel_kg", -1.0, ncv)], u=us[1], meter="m"),
        StreamWeight([Coefficient("product_t", 1.0), Coefficient("charge_t", 1.1)], u=us[2], meter="m"),
        StreamWeight([Coefficient("charge_t", 1.0), Coefficient("recycled_t", 1.0)], u=us[3]),
    ]
    found = evaluate_amounts(weights, np.array([amounts, np.multiply(amounts, scale)]))

    assert not (found.u < 0.0).any()
    ratios = [m for m, by in enumerate(DIVIDED_BY) if by != PLAIN]
    np.testing.assert_allclose(found.x[0, 1, ratios], found.x[0, 0, ratios], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.u[0, 1, ratios], found.u[0, 0, ratios], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("product", [0.0, -3.0])
def test_without_product_ratios_have_no_value_and_amounts_do(product: float) -> None:
    found = evaluated((fuel(0.01), 300.0), (MADE, product))
    assert found.v[0, 0] == Validity.PRODUCT_ZERO
    assert np.isnan(found.x[0, 0, CO2])
    assert np.isnan(found.u[0, 0, CO2])
    assert found.x[0, 0, TOTAL] == 600.0
    assert found.u[0, 0, TOTAL] == pytest.approx(12.0)


@pytest.mark.parametrize("charge", [0.0, -1.0])
def test_without_charge_there_is_no_share_and_the_line_stays_valid(charge: float) -> None:
    scrap = StreamWeight([Coefficient("charge_t", 1.0), Coefficient("recycled_t", 1.0)])
    found = evaluated((scrap, charge), (fuel(0.01), 300.0), (MADE, 10.0))
    assert found.v[0, 0] == Validity.VALID
    assert np.isnan(found.x[0, 0, SHARE])
    assert np.isnan(found.u[0, 0, SHARE])
    assert found.x[0, 0, CO2] == 60.0


def test_a_charge_of_scrap_alone_is_recycled_beyond_doubt() -> None:
    scrap = StreamWeight([Coefficient("charge_t", 0.98), Coefficient("recycled_t", 0.98)], u=0.05)
    found = evaluated((scrap, 120.0), (MADE, 100.0))
    assert found.x[0, 0, SHARE] == pytest.approx(100.0)
    assert found.u[0, 0, SHARE] == pytest.approx(0.0, abs=1e-12)


def test_an_amount_that_is_not_known_leaves_what_needs_it_without_a_value() -> None:
    coke = StreamWeight([Coefficient("co2_process_kg", 3.0)], required=True)
    found = evaluated((coke, math.nan), (fuel(0.01), 300.0), (MADE, 10.0))
    assert found.v[0, 0] == Validity.NO_DATA
    assert np.isnan(found.x[0, 0, METRICS.index("co2_total_kg_per_t")])
    assert found.x[0, 0, CO2] == 60.0


def test_amounts_that_do_not_fit_the_streams_are_refused() -> None:
    with pytest.raises(ValueError, match=r"amounts of shape \(1, 3\) do not fit 2 streams"):
        evaluate_amounts([fuel(0.01), MADE], np.ones((1, 3)))
    with pytest.raises(ValueError, match="a stream belongs to line 1, there are 1"):
        evaluate_amounts([fuel(0.01, line=1)], np.ones((1, 1)))


def test_an_interval_is_explained_by_its_sources_largest_first() -> None:
    """(300 + 100) x 2 x 1 % = 8; 2 % of 800 by the factor = 16; 0.5 % of the product by its scale = 4."""
    gas = StreamWeight([Coefficient("co2_fuel_kg", 2.0, (("gas_ef", 0.04),))], u=0.01, meter="belt")
    made = StreamWeight(MADE.flows, u=0.005, name="made")
    shares = contributions([gas, gas, made], [300.0, 100.0, 10.0], "co2_fuel_kg_per_t")
    whole = 16**2 + 8**2 + 4**2
    assert list(shares) == ["gas_ef", "meter belt", "meter made"]
    assert shares == pytest.approx(
        {"gas_ef": 25600 / whole, "meter belt": 6400 / whole, "meter made": 1600 / whole}
    )


@pytest.mark.parametrize("amounts", [[300.0, 0.0], [0.0, 10.0]])
def test_what_has_no_value_or_no_error_has_nothing_to_explain(amounts: list[float]) -> None:
    assert contributions([fuel(0.01), MADE], amounts, "co2_fuel_kg_per_t") == {}


def test_a_metric_is_there_when_a_flow_leads_to_it_even_at_a_factor_of_zero() -> None:
    grid = StreamWeight([Coefficient("co2_electricity_kg", 0.0), Coefficient("electricity_kwh", 1.0)])
    names = [METRICS[m] for m in used_metrics([grid, MADE])]
    assert {"product_t", "electricity_kwh_per_t", "co2_scope2_kg_per_t", "co2_total_kg_per_t"} <= set(names)
    assert not {"co2_heat_kg_per_t", "co2_fuel_kg_per_t", "recycled_share_percent"} & set(names)


def test_without_a_contract_there_is_no_market_based_total_that_lacks_the_electricity() -> None:
    streams = [StreamWeight([Coefficient("co2_electricity_kg", 0.5)]), fuel(0.01), MADE]
    contract = StreamWeight([Coefficient("co2_electricity_market_kg", 0.0)])
    market = METRICS.index("co2_total_market_kg_per_t")
    assert market not in used_metrics(streams)
    assert market in used_metrics([*streams, contract])
