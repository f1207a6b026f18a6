"""Prebake by slope and by overvoltage, Söderberg and inert anodes: published and worked-out figures."""

from pathlib import Path

import numpy as np
import pytest

from greenhearth.factors import load_factors
from greenhearth.flows import Sources, flow_coefficients
from greenhearth.methods import METHODS, coefficients
from greenhearth.metrics import METRICS
from greenhearth.potlines import DERIVED_ROLES
from greenhearth.processes import POTLINE_STREAMS, find_process, load_process
from greenhearth.quantities import Quantity
from greenhearth.strict import ConfigError
from greenhearth.weights import StreamWeight, evaluate_amounts

from .conftest import WORKS


def caused(stream: str, amount: float, method: str, **given: tuple[float, str]) -> dict[str, float]:
    """What an amount causes by a method, through the compiled kernel; per tonne of 500 000 t made."""
    gwps = {"gwp_cf4": (6630.0, "kgCO2e/kg"), "gwp_c2f6": (11100.0, "kgCO2e/kg")}
    arguments = {name: Quantity(value, unit) for name, (value, unit) in {**gwps, **given}.items()}
    metal = StreamWeight(coefficients(METHODS["product"], "t", {}))
    pfc = StreamWeight(coefficients(METHODS[method], stream, arguments))
    x = evaluate_amounts([metal, pfc], np.array([[500_000.0, amount]])).x[0, 0]
    return dict(zip(METRICS, x.tolist(), strict=True))


def test_the_commission_s_example_by_slope_goes_through_the_stream_of_the_kernel() -> None:
    """CBAM template V2.1: 500 000 t Al, 2.17 effects of 1.23 min, SEF 0.146, F 0.122, 98 % collected."""
    amount = 2.17 * 1.23 * 500_000.0  # min t/(cell-day)
    slope = (0.146, "(kg CF4/t Al)/(AE-min/cell-day)")
    both = caused(
        "min t/d", amount, "pfc_slope", slope=slope, c2f6_share=(0.122, "t/t"), collected=(98.0, "%")
    )
    one = {"gwp_cf4": (1000.0, "kgCO2e/kg"), "gwp_c2f6": (1000.0, "kgCO2e/kg")}
    cf4 = caused("min t/d", amount, "pfc_slope", slope=slope, c2f6_share=(0.0, "t/t"), **one)
    sum_of_gases = caused("min t/d", amount, "pfc_slope", slope=slope, c2f6_share=(0.122, "t/t"), **one)

    assert both["co2_pfc_kg_per_t"] * 500 == pytest.approx(1_587_424.347, rel=1e-9)
    assert cf4["co2_total_kg"] / 1e6 == pytest.approx(194.8443, rel=1e-9)
    assert (sum_of_gases["co2_total_kg"] - cf4["co2_total_kg"]) / 1e6 == pytest.approx(23.7710046, rel=1e-9)


def test_by_overvoltage_one_minute_at_25_volts_is_a_fifth_of_a_kilogram_and_not_twenty() -> None:
    """1.16 x 17.36 mV / 95 = 0.212 kg CF4/t; dividing by 0.95 would give 21 kg/t."""
    aeo_mv = 25_000.0 / 1440.0
    found = caused(
        "mV t", aeo_mv * 500_000.0, "pfc_overvoltage",
        coefficient=(1.16, "(kg CF4/t Al)/(mV)"), current_efficiency=(0.95, "1"), c2f6_share=(0.0, "t/t"),
    )  # fmt: skip
    assert found["co2_pfc_kg_per_t"] / 6630 == pytest.approx(0.2119883, rel=1e-6)


@pytest.mark.parametrize(
    ("process", "stream", "output", "by_hand"),
    [
        (
            "al_prebake_overvoltage",
            "ae_overvoltage_product",
            "co2_pfc_kg",
            1.16 / 94 * (6630 + 0.121 * 11100),
        ),
        ("al_soderberg", "ae_product", "co2_pfc_kg", 0.058 * (6630 + 0.086 * 11100)),
        # 0.5 (1 - 0.24 x 0.041 - 0.76 x 0.021) - 0.0005 - 0.01 = 0.4766 t C/t x 0.335573 kg/kAh x 0.90
        ("al_soderberg", "cell_kah", "co2_anode_kg", 0.4766 * 44 / 12 * 0.335573 * 0.90),
        ("al_inert_anode", "cell_kah", "co2_anode_kg", 0.0),
        ("al_inert_anode", "cell_kah", "product_t", 0.335573e-3 * 0.94),
    ],
)
def test_a_kind_of_cell_causes_what_was_worked_out_by_hand(
    process: str, stream: str, output: str, by_hand: float
) -> None:
    definition = load_process(find_process(process))
    sources = Sources(load_factors(), definition.factor_roles, definition.parameters)
    role = definition.derived[stream]
    found = [c for flow in role.flows for c in flow_coefficients(flow, role.unit, sources)]
    assert sum(c.value for c in found if c.output == output) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[parameters.ae_end_s]", "[parameters.ae_late_s]", "needs the parameter 'ae_end_s'"),
        ("[derived.ae_count]", "[derived.ae_cuont]", "fills no stream 'ae_cuont'; did you mean 'ae_count'?"),
        ("[role.line_current]", "[role.line_curent]", "needs the role 'line_current'"),
        ('kernel = "potline"', "", "the kernel '' fills no stream 'cell_kah'"),
    ],
)
def test_a_potline_whose_kernel_would_miss_something_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = (WORKS / "processes/cells.toml").read_text()
    (tmp_path / "cells.toml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_process(tmp_path / "cells.toml")
    assert says in str(caught.value)


def test_every_stream_that_the_potline_kernel_fills_may_be_declared() -> None:
    assert set(POTLINE_STREAMS) == set(DERIVED_ROLES)
