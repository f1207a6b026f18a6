"""Energy of several periods against a declared straight line: ``[baseline.NAME]`` of a case."""

import msgspec
import numpy as np

from greenhearth.account.expect import Expected, judge
from greenhearth.account.tables import Case, ExpectedValue, Trend
from greenhearth.baseline import declared
from greenhearth.savings import save


class TrendResult(msgspec.Struct):
    """What was saved against the line."""

    unit: str
    source: str
    expected_energy: list[float]
    """Intercept + slope x driver, period by period."""
    cusum: list[float]
    """Sum of actual less expected energy; it falls while energy is saved."""
    saving: float
    expected: list[Expected]
    """Published CUSUM beside ours."""


def trends_of(case: Case) -> dict[str, TrendResult]:
    """Return every baseline of a case; BaselineError for data that cannot be right."""
    return {name: _trend(name, trend) for name, trend in case.trends.items()}


def _trend(name: str, trend: Trend) -> TrendResult:
    model = declared(["driver"], trend.intercept, [trend.slope])
    x = np.array(trend.driver, np.float64).reshape(-1, 1)
    saving = save(model, x, np.array(trend.energy, np.float64), 0.95)
    cusum = [float(value) for value in saving.cusum]
    wanted = [ExpectedValue(value=v, tolerance_abs=trend.tolerance_abs) for v in trend.expect_cusum]
    judged = [
        judge(f"baseline.{name}.cusum[{k}]", one, trend.unit, cusum[k], 0.0) for k, one in enumerate(wanted)
    ]
    energy = [float(value) for value in saving.expected]
    return TrendResult(trend.unit, trend.source, energy, cusum, float(saving.saving), judged)
