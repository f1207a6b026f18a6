"""The stated intervals against 200 000 draws of every meter and factor, for what plants really have.

Each case says twice what a line is: as streams with weights, and as a formula of drawn numbers. The
formula knows nothing of sources, sensitivities or correlation: it only uses the same draw twice.
"""

from collections.abc import Callable
from math import prod

import numpy as np
import pytest

from greenhearth.coefficients import Coefficient
from greenhearth.kernels.arrays import F8
from greenhearth.metrics import METRICS
from greenhearth.weights import StreamWeight, evaluate_amounts

DRAWS = 200_000
KWH, NCV, EF, PRODUCT = 1000.0, 25.8, 94.6, 900.0

VALUES = {
    "ncv": (NCV, 0.01), "ef": (EF, 0.02), "waste_ncv": (18.0, 0.03), "biogenic": (0.4, 0.03),
    "fossil": (0.6, 0.02), "grid": (0.55, 0.025), "efficiency": (0.94, 0.01), "anode": (0.41, 0.0125),
    "carbonate": (525.0, 0.02), "coke_carbon": (0.88, 0.01), "iron_carbon": (0.045, 0.02),
    "slope": (0.143, 0.03), "metal_of_scrap": (0.98, 0.01), "metal_of_iron": (0.94, 0.01),
}  # fmt: skip
"""Name -> (value, relative standard uncertainty)."""

METERS = {"belt": 0.01, "burner 2": 0.015, "scale": 0.005, "crane": 0.02, "current": 0.004, "kwh": 0.003}
MC = "co2_fuel_kg_per_t"


def flow(output: str, *names: str, times: float = 1.0) -> Coefficient:
    """A product of named factors; a name that is twice in it counts twice."""
    value = times * prod(VALUES[name][0] for name in names)
    parts: dict[str, float] = {}
    for name in names:
        parts[name] = parts.get(name, 0.0) + value * VALUES[name][1]
    return Coefficient(output, value, tuple(parts.items()))


def stream(meter: str, *flows: Coefficient, also: tuple[str, ...] = ()) -> StreamWeight:
    more = tuple((name, VALUES[name][1]) for name in also)
    return StreamWeight(flows, u=METERS[meter], meter=meter, also=more)


class Drawn:
    """Numbers drawn once per name."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.seen: dict[str, F8] = {}

    def __call__(self, name: str) -> F8:
        """Return the draws of a factor."""
        return self._one(name, *VALUES[name])

    def amount(self, meter: str, value: float) -> F8:
        """Return what a meter would have said of an amount."""
        return value * self._one(meter, 1.0, METERS[meter])

    def _one(self, name: str, value: float, relative: float) -> F8:
        if name not in self.seen:
            self.seen[name] = self.rng.normal(value, abs(value) * relative, DRAWS)
        return self.seen[name]


MADE = stream("scale", flow("product_t"))
COAL = stream("belt", flow("co2_fuel_kg", "ncv", "ef"))
Case = tuple[str, list[StreamWeight], list[float], Callable[[Drawn], F8]]

CASES: dict[str, Case] = {
    "one fuel": (
        "co2_fuel_kg_per_t",
        [COAL, MADE],
        [100.0, PRODUCT],
        lambda d: d.amount("belt", 100.0) * d("ncv") * d("ef") / d.amount("scale", PRODUCT),
    ),
    "two fuels with one calorific value": (
        "co2_fuel_kg_per_t",
        [COAL, stream("burner 2", flow("co2_fuel_kg", "ncv", "ef")), MADE],
        [100.0, 60.0, PRODUCT],
        lambda d: (
            (d.amount("belt", 100.0) + d.amount("burner 2", 60.0))
            * d("ncv")
            * d("ef")
            / d.amount("scale", PRODUCT)
        ),
    ),
    "one scale in CO2 and product": (
        "co2_total_kg_per_t",
        [
            stream("crane", flow("product_t"), flow("co2_process_kg", "carbonate")),
            COAL,
            stream("kwh", flow("co2_electricity_kg", "grid")),
        ],
        [PRODUCT, 100.0, 90_000.0],
        lambda d: (
            d("carbonate")
            + (d.amount("belt", 100.0) * d("ncv") * d("ef") + d.amount("kwh", 90_000.0) * d("grid"))
            / d.amount("crane", PRODUCT)
        ),
    ),
    "current efficiency in product and anode carbon": (
        "co2_total_kg_per_t",
        [
            stream(
                "current",
                flow("product_t", "efficiency", times=0.335573e-3),
                flow("co2_anode_kg", "efficiency", "anode", times=0.335573 * 3.58),
            ),
            stream("kwh", flow("co2_electricity_kg", "grid")),
        ],
        [3.0e6, 1.3e7],
        lambda d: (
            d("anode") * 3580.0
            + d.amount("kwh", 1.3e7)
            * d("grid")
            / (d.amount("current", 3.0e6) * d("efficiency") * 0.335573e-3)
        ),
    ),
    "current and its efficiency in anode effects and product": (
        "co2_pfc_kg_per_t",
        [
            stream("current", flow("product_t", "efficiency", times=0.335573e-3)),
            stream("current", flow("co2_pfc_kg", "slope", times=7973.0), also=("efficiency",)),
        ],
        [3.0e6, 300.0],
        lambda d: d("slope") * 7973.0 * 300.0 / (3.0e6 * 0.94 * 0.335573e-3),
    ),
    "recycled share, scrap and pig iron on one crane scale": (
        "recycled_share_percent",
        [
            stream("crane", flow("charge_t", "metal_of_scrap"), flow("recycled_t", "metal_of_scrap")),
            stream("crane", flow("charge_t", "metal_of_iron")),
            stream("belt", flow("charge_t", "metal_of_iron")),
        ],
        [70.0, 20.0, 30.0],
        lambda d: (
            100.0
            * d.amount("crane", 70.0)
            * d("metal_of_scrap")
            / (
                d.amount("crane", 70.0) * d("metal_of_scrap")
                + (d.amount("crane", 20.0) + d.amount("belt", 30.0)) * d("metal_of_iron")
            )
        ),
    ),
    "biogenic share of an alternative fuel beside a fossil one": (
        "co2_total_kg_per_t",
        [
            StreamWeight(
                [
                    # (1 - b) has the slope -1 in b
                    Coefficient(
                        "co2_fuel_kg", 18.0 * EF * 0.6,
                        (("waste_ncv", 18.0 * EF * 0.6 * 0.03), ("ef", 18.0 * EF * 0.6 * 0.02),
                         ("biogenic", -18.0 * EF * 0.4 * 0.03)),
                    ),
                    flow("co2_biogenic_kg", "waste_ncv", "ef", "biogenic"),
                ],
                u=METERS["belt"], meter="belt",
            ),
            stream("burner 2", flow("co2_fuel_kg", "ncv", "ef")),
            MADE,
        ],
        [50.0, 40.0, PRODUCT],
        lambda d: (
            (
                d.amount("belt", 50.0) * d("waste_ncv") * d("ef") * (1.0 - d("biogenic"))
                + d.amount("burner 2", 40.0) * d("ncv") * d("ef")
            )
            / d.amount("scale", PRODUCT)
        ),
    ),
    "carbon in minus carbon out, the metal on one scale": (
        "co2_process_kg_per_t",
        [
            stream("belt", flow("co2_process_kg", "coke_carbon", times=3664.0)),
            stream("scale", flow("product_t"), flow("co2_process_kg", "iron_carbon", times=-3664.0)),
        ],
        [300.0, PRODUCT],
        lambda d: (
            3664.0 * d.amount("belt", 300.0) * d("coke_carbon") / d.amount("scale", PRODUCT)
            - 3664.0 * d("iron_carbon")
        ),
    ),
    "electricity bought and sold on the same grid": (
        "co2_scope2_kg_per_t",
        [
            stream("kwh", flow("co2_electricity_kg", "grid")),
            stream("burner 2", flow("co2_electricity_kg", "grid", times=-1.0)),
            MADE,
        ],
        [9.0e5, 6.0e5, PRODUCT],
        lambda d: (
            (d.amount("kwh", 9.0e5) - d.amount("burner 2", 6.0e5)) * d("grid") / d.amount("scale", PRODUCT)
        ),
    ),
    "an absolute amount, not per tonne": (
        "co2_total_kg",
        [COAL, stream("belt", flow("co2_fuel_kg", "waste_ncv", "ef")), MADE],
        [100.0, 30.0, PRODUCT],
        lambda d: (
            (d.amount("belt", 100.0) * d("ncv") + d.amount("belt", 30.0) * d("waste_ncv")) * d("ef")
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_stated_interval_is_that_of_200_000_draws(name: str) -> None:
    metric, weights, amounts, formula = CASES[name]
    found = evaluate_amounts(weights, np.array([amounts]))
    m = METRICS.index(metric)

    drawn = formula(Drawn(np.random.default_rng(20)))

    assert found.x[0, 0, m] == pytest.approx(np.mean(drawn), rel=0.003)
    assert found.u[0, 0, m] == pytest.approx(2.0 * np.std(drawn), rel=0.02)


@pytest.mark.parametrize(
    "name",
    [
        "two fuels with one calorific value",
        "current and its efficiency in anode effects and product",
        "recycled share, scrap and pig iron on one crane scale",
        "electricity bought and sold on the same grid",
    ],
)
def test_taking_the_errors_as_independent_would_miss_it(name: str) -> None:
    """The cases above do tell correlated from independent errors: by more than the 2 % allowed."""
    metric, weights, amounts, _ = CASES[name]
    m = METRICS.index(metric)
    apart = [
        StreamWeight(
            [Coefficient(f.output, f.value, tuple((f"{k} {n}", p) for n, p in f.parts)) for f in one.flows],
            u=one.u, name=str(k),
        )
        for k, one in enumerate(weights)
    ]  # fmt: skip

    together = evaluate_amounts(weights, np.array([amounts])).u[0, 0, m]
    independent = evaluate_amounts(apart, np.array([amounts])).u[0, 0, m]

    assert abs(independent / together - 1.0) > 0.05
