"""Windows of a history, many at once, have the metrics and intervals of windows one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.coefficients import Coefficient
from greenhearth.error_sources import StreamWeight, ledgers, used_metrics, weight_tables
from greenhearth.kernels.arrays import Lines, Streams
from greenhearth.kernels.intensity import evaluate, evaluate_windows
from greenhearth.weights import _line_table, stream_table

H = 3.6e12
OUTPUTS = (
    "electricity_kwh", "fuel_kwh", "heat_kwh", "co2_fuel_kg", "co2_process_kg", "co2_electricity_kg",
    "product_t", "product_estimate_t", "charge_t", "recycled_t",
)  # fmt: skip
PER_UNIT = st.floats(-4000.0, 4000.0).filter(lambda value: abs(value) > 1e-3)

PARTS = st.lists(st.tuples(st.sampled_from(["grid", "ncv", "carbon"]), st.floats(-5.0, 5.0)), max_size=2)
FLOWS = st.lists(st.builds(Coefficient, st.sampled_from(OUTPUTS), PER_UNIT, PARTS.map(tuple)), max_size=3)
WEIGHTS = st.lists(
    st.builds(
        StreamWeight,
        FLOWS,
        line=st.integers(-1, 3),
        unit=st.sampled_from([1.0, 3.6]),
        u=st.sampled_from([0.0, 0.005, 0.02]),
        meter=st.sampled_from(["", "belt", "scale"]),
        required=st.booleans(),
        also=st.lists(st.tuples(st.sampled_from(["ncv", "purity"]), st.just(0.01)), max_size=1).map(tuple),
    ),
    min_size=1,
    max_size=20,
)


def tables(weights: list[StreamWeight]) -> tuple[Streams, Lines]:
    """Four lines with the metrics that they have; two of them divide by nothing below 0.5 t/h."""
    used = weight_tables(ledgers(weights, 4), used_metrics(weights))
    lines = _line_table(weights, 4)._replace(weights=used, min_product_t_per_h=np.array([0.0, 0.5, 0.0, 0.5]))
    return stream_table(weights), lines


@pytest.mark.parametrize("windows", [1, 4, 60])
@settings(max_examples=100, deadline=None)
@given(WEIGHTS, st.integers(0, 2**32 - 1), st.booleans())
def test_many_windows_at_once_are_the_same_as_one_by_one(
    windows: int, weights: list[StreamWeight], seed: int, odd: bool
):
    streams, lines = tables(weights)
    rng = np.random.default_rng(seed)
    shape, metrics = (windows, len(weights)), lines.weights.ratio.size
    a, span = 100.0 * rng.random(shape), H * rng.random(windows)
    covered = span[:, None] * np.where(rng.random(shape) < 0.1, 0.0, 0.94 + 0.06 * rng.random(shape))
    if odd:
        a *= rng.choice([1.0, 1.0, 0.0, -1.0, 1e-6, np.nan], shape)
        span[rng.integers(windows)] = 0.0
    x, u = np.full((2, 4, windows, metrics), -1.0)
    v, cover = np.full((4, windows), -1, np.int32), np.full((4, windows), -1.0)
    evaluate(streams, lines, 0, 4, a, covered, np.tile(span, (4, 1)), False, x, u, v, cover)

    found, interval = np.full((2, 2, metrics, windows), -1.0)
    code, share = np.full((2, windows), -1, np.int32), np.full((2, windows), -1.0)
    for first in (0, 2):
        part = slice(first, first + 2)
        evaluate_windows(
            streams, lines, first, first + 2, a.T.copy(), covered.T.copy(), span, found, interval, code, share
        )
        np.testing.assert_array_equal(code, v[part])
        np.testing.assert_array_equal(share, cover[part])
        np.testing.assert_allclose(found.transpose(0, 2, 1), x[part], rtol=1e-12)
        np.testing.assert_allclose(interval.transpose(0, 2, 1), u[part], rtol=1e-12)
