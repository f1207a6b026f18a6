"""The compiled kernel against the formula written out in plain Python, over random lines."""

import math

import numpy as np
import pytest

from greenhearth.coefficients import Coefficient
from greenhearth.metrics import DIVIDED_BY, METRICS, WEIGHTS
from greenhearth.processes import OUTPUTS
from greenhearth.quality import Validity
from greenhearth.weights import StreamWeight, contributions, evaluate_amounts

BELOW = ("", "product_t", "charge_t")


def in_words(
    weights: list[StreamWeight], amounts: list[float], metric: str, line: int
) -> tuple[float, float]:
    """r and 2 u(r): every source once, its contributions added with their signs, then squared."""
    m = METRICS.index(metric)
    divisor = BELOW[DIVIDED_BY[m]]
    top, bottom = 0.0, 0.0 if divisor else 1.0
    above: dict[object, float] = {}
    below: dict[object, float] = {}
    for i, (one, amount) in enumerate(zip(weights, amounts, strict=True)):
        if one.line != line:
            continue
        sources = {("meter", one.meter or i): one.u} | {("factor", n): u for n, u in one.also}
        for f in one.flows:
            for total, weight in (above, WEIGHTS[m][OUTPUTS.index(f.output)]), (below, f.output == divisor):
                a = amount * one.unit * weight
                for source, relative in sources.items():
                    total[source] = total.get(source, 0.0) + a * f.value * relative
                for name, part in f.parts:
                    total["factor", name] = total.get(("factor", name), 0.0) + a * part
            top += amount * one.unit * WEIGHTS[m][OUTPUTS.index(f.output)] * f.value
            bottom += amount * one.unit * (f.output == divisor) * f.value
    if bottom <= 0.0:
        return math.nan, math.nan
    r = top / bottom
    errors = [above.get(s, 0.0) - r * below.get(s, 0.0) for s in {**above, **below}]
    return r, 2.0 * math.sqrt(sum(e * e for e in errors)) / bottom


def a_random_line(rng: np.random.Generator, line: int) -> list[StreamWeight]:
    def flow(output: str, low: float) -> Coefficient:
        value = float(rng.uniform(low, 3.0))
        names = rng.choice(["ncv", "ef", "grid", "share"], size=rng.integers(0, 4), replace=False)
        return Coefficient(output, value, tuple((str(n), value * float(rng.normal(0, 0.03))) for n in names))

    found = []
    for _ in range(rng.integers(2, 7)):
        flows = [flow(str(o), -1.0) for o in rng.choice(OUTPUTS[3:], size=rng.integers(0, 5))]
        flows += [flow(str(o), 0.5) for o in rng.choice(["product_t", "charge_t"], size=rng.integers(0, 3))]
        also = (("ncv", 0.02),) if rng.random() < 0.3 else ()
        meter = str(rng.choice(["", "", "crane", "belt"]))
        unit, u = float(rng.choice([1.0, 0.001, 3.6])), float(rng.uniform(0, 0.05))
        found.append(StreamWeight(flows, line=line, unit=unit, u=u, meter=meter, also=also))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_every_metric_and_interval_of_random_lines_is_the_formula_in_plain_python(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 4))
    weights = [one for line in range(lines) for one in a_random_line(rng, line)]
    rng.shuffle(weights)
    amounts = rng.uniform(0.0, 1000.0, (3, len(weights)))

    found = evaluate_amounts(weights, amounts, lines)

    expected = np.array(
        [
            [[in_words(weights, row.tolist(), metric, line) for metric in METRICS] for row in amounts]
            for line in range(lines)
        ]
    )
    np.testing.assert_allclose(found.x, expected[..., 0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.u, expected[..., 1], rtol=1e-9, atol=1e-9)
    zero = np.isnan(expected[:, :, METRICS.index("energy_kwh_per_t"), 0])
    np.testing.assert_array_equal(found.v == int(Validity.PRODUCT_ZERO), zero)


@pytest.mark.parametrize("seed", range(5))
def test_the_shares_of_the_sources_add_up_to_the_whole_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = [*a_random_line(rng, 0), StreamWeight([Coefficient("product_t", 1.0)], u=0.01, name="scale")]
    amounts = rng.uniform(1.0, 1000.0, len(weights))
    m = METRICS.index("co2_total_kg_per_t")

    shares = contributions(weights, amounts, "co2_total_kg_per_t")

    assert sum(shares.values()) == pytest.approx(100.0)
    r, whole = in_words(weights, amounts.tolist(), "co2_total_kg_per_t", 0)
    made = sum(a * w.unit * f.value for a, w in zip(amounts, weights, strict=True) for f in w.flows
               if f.output == "product_t")  # fmt: skip
    # The scale is in the divisor alone: its part of u is r x 1 % of what it weighed, over the product.
    assert shares["meter scale"] == pytest.approx(100.0 * (2.0 * r * 0.01 * amounts[-1] / made / whole) ** 2)
    assert evaluate_amounts(weights, amounts[None]).u[0, 0, m] == pytest.approx(whole)
