"""Columns of samples give the windows that the live engine gives, however they are cut."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.engine import Engine
from greenhearth.kernels.arrays import Streams
from greenhearth.kernels.sweep import Meters
from greenhearth.model import Model
from greenhearth.quality import Quality
from greenhearth.sweep import Crew, Sweep, new_meters, tumbling_edges, window_sums
from greenhearth.tables import StreamBuilder

NS = 1_000_000_000
T0 = 1_700_006_400 * NS
"""A whole hour."""

QUARTER, HOUR = 900 * NS, 3600 * NS
FURNACE = ["number", "work", "power", "gas", "charge", "made"]
WORK, POWER, GAS, CHARGE, MADE = range(1, 6)
EXACT = {"rel": 1e-12, "abs": 1e-9}
"""Of a kWh, a sum of 1e6 samples of the register's last bit is 1e-10."""


def history(seed: int, samples: int, step_s: float = 1.0, faults: float = 0.01):
    """Return t [T], x [6, T] and q [6, T] of a furnace whose readings fail, dip, jump, roll and reset."""
    rng = np.random.default_rng(seed)
    jitter = rng.integers(0, NS // 4, samples)
    t = T0 + (np.arange(samples) * step_s * NS).astype(np.int64) + (jitter if seed % 2 else 0)
    steps = rng.random((6, samples)) * [[0], [12], [0], [1], [0.04], [0.05]]
    x = np.cumsum(steps, axis=1)
    x += np.array([[0], [999_000], [0], [400], [7], [3]])
    x[WORK] %= 1e6  # its modulus
    x[POWER] = 36_000 * rng.random(samples)
    x[GAS] = np.floor(x[GAS])
    for row in (WORK, GAS, MADE):
        at = int(rng.integers(samples // 4, samples))
        x[row, at:] -= x[row, at] * rng.random()  # an exchanged meter
    odd = rng.random(x.shape) < faults
    x[odd] *= rng.choice([0.0, 0.5, 1.5, 3.0], odd.sum())
    x[rng.random(x.shape) < faults] = np.nan
    for row in range(1, 6):
        at = int(rng.integers(0, samples))
        x[row, at : at + int(rng.integers(1, 1200))] = np.nan
    q = np.where(rng.random(x.shape) < faults, int(Quality.TIMEOUT), 0).astype(np.int32)
    q[rng.random(x.shape) < faults] = int(Quality.UNCERTAIN_CLOCK)
    x[0] = 5
    return t, x, q


def live_engine(model: Model, t, x, q) -> tuple[Engine, list]:
    """Run the furnace's samples through the live engine scan by scan."""
    engine, events = Engine(model), []
    rows = [model.index("furnace", role) for role in FURNACE]
    for k in range(t.size):
        values, quality = np.full(len(model.series), np.nan), np.full(len(model.series), 138, np.int32)
        values[rows] = x[:, k]
        quality[rows] = np.where(np.isnan(x[:, k]), int(Quality.NOT_READ), q[:, k])
        fresh = (quality != 138).astype(np.int32)
        times = np.full(len(model.series), t[k])
        events += engine.finish_with(int(t[k]), values, times, quality, fresh)
    return engine, events


def sweep_of(model: Model, edges, state=None, reach_back: bool = False, threads: int = 1) -> Sweep:
    """A sweep of the furnace into windows."""
    swept = Sweep(model, ["furnace"], threads)
    swept.begin(edges, state, reach_back)
    return swept


def rows_of(model: Model) -> list[int]:
    """Numbers of the furnace's series, in the order of FURNACE."""
    return [model.index("furnace", role) for role in FURNACE]


@pytest.mark.parametrize(("seed", "step_s", "length"), [(0, 1.0, QUARTER), (1, 1.0, QUARTER), (2, 7.0, HOUR)])
def test_every_window_has_the_metrics_of_the_live_engine(model: Model, seed: int, step_s: float, length: int):
    t, x, q = history(seed, 4000, step_s)
    _, events = live_engine(model, t, x, q)
    name = {QUARTER: "15min", HOUR: "1h"}[length]
    finished = [e for e in events if e.subject == "furnace" and e.window == name]
    swept = sweep_of(model, tumbling_edges(int(t[0]), int(t[-1]), length))
    swept.add(t, x, q, rows_of(model))
    windows = swept.windows()

    assert len(finished) >= 4
    for k, event in enumerate(finished):
        assert (event.start_ns, event.end_ns) == (windows.edges_ns[k], windows.edges_ns[k + 1])
        assert event.validity == windows.validity[0, k]
        assert event.coverage == pytest.approx(windows.coverage[0, k], **EXACT)
        for m, metric in enumerate(windows.metrics):
            value, u = event.metrics[metric].value, event.metrics[metric].uncertainty
            assert (math.nan if value is None else value) == pytest.approx(
                windows.x[0, k, m], **EXACT, nan_ok=True
            )
            assert (math.nan if u is None else u) == pytest.approx(windows.u[0, k, m], rel=6e-3, nan_ok=True)


def same(meters: Meters, others: Meters) -> bool:
    """Tell whether two sweeps know the same of their series."""
    return all(np.array_equal(a, b) for a, b in zip(meters, others, strict=True))


@pytest.mark.parametrize("reach_back", [False, True])
def test_a_history_in_chunks_is_the_history_as_a_whole(model: Model, reach_back: bool):
    t, x, q = history(3, 5000)
    edges = tumbling_edges(int(t[0]), int(t[-1]), 60 * NS)
    whole = sweep_of(model, edges, reach_back=reach_back)
    whole.add(t, x, q, rows_of(model))
    pieces = sweep_of(model, edges, reach_back=reach_back, threads=2)
    for part in np.split(np.arange(5000), [1, 2, 700, 701, 2345, 4999]):
        pieces.add(t[part], x[:, part], q[:, part], rows_of(model))
    one, many = whole.windows(), pieces.windows()

    np.testing.assert_allclose(many.amounts, one.amounts, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(many.covered_ns, one.covered_ns)
    np.testing.assert_allclose(many.x, one.x, rtol=1e-11)
    assert same(whole.sums.meters, pieces.sums.meters)


def test_a_sweep_carries_on_from_the_state_of_an_engine(model: Model):
    t, x, q = history(4, 4000)
    edges = tumbling_edges(int(t[0]), int(t[-1]), QUARTER)
    engine, _ = live_engine(model, t[:1500], x[:, :1500], q[:, :1500])
    whole, rest = sweep_of(model, edges), sweep_of(model, edges, engine._state)
    whole.add(t, x, q, rows_of(model))
    rest.add(t[1500:], x[:, 1500:], q[:, 1500:], rows_of(model))

    np.testing.assert_allclose(rest.windows().amounts[2:], whole.windows().amounts[2:], rtol=1e-12, atol=1e-9)
    assert rest.windows().amounts[0].sum() == 0.0


@pytest.mark.parametrize("reach_back", [False, True])
def test_short_windows_add_up_to_long_ones(model: Model, reach_back: bool):
    t, x, q = history(5, 7200)
    sums = []
    for edges in ([T0, T0 + 2 * HOUR], tumbling_edges(T0, T0 + 2 * HOUR, 7 * NS // 2)):
        swept = sweep_of(model, edges, reach_back=reach_back)
        swept.add(t, x, q, rows_of(model))
        sums.append((swept.windows().amounts.sum(axis=0), swept.windows().covered_ns.sum(axis=0)))

    assert sums[0][0][rows_of(model)[1:]].min() > 0.0
    np.testing.assert_allclose(sums[1][0], sums[0][0], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(sums[1][1], sums[0][1], rtol=1e-12)


@pytest.mark.parametrize(("threads", "least"), [(1, 1), (2, 1), (2, 40), (3, 7), (5, 0), (4, 1000)])
def test_threads_get_every_row_once_and_no_part_that_is_too_small(threads: int, least: int):
    parts: list[tuple[int, int]] = []
    crew = Crew(threads)
    for n in (0, 1, 100):
        parts.clear()
        crew.share(lambda first, last: parts.append((first, last)), n, least)
        assert [row for part in sorted(parts) for row in range(*part)] == list(range(n))
        assert len(parts) == 1 or min(last - first for first, last in parts) >= least
    assert (len(parts) > 1) == (threads > 1 and least < 50)


def test_an_error_in_any_part_is_told():
    def fails(first: int, last: int) -> None:
        if first <= 99 < last:
            raise IndexError("row 99")

    with pytest.raises(IndexError, match="row 99"):
        Crew(2).share(fails, 100, 1)


def test_threads_change_no_bit(model: Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("greenhearth.sweep.LEAST_SAMPLES", 1)
    t, x, q = history(6, 3000)
    edges = tumbling_edges(int(t[0]), int(t[-1]), 60 * NS)
    found = []
    for threads in (1, 2, 5):
        swept = sweep_of(model, edges, threads=threads)
        swept.add(t, x, q, rows_of(model))
        found.append(swept.windows())

    assert found[0].amounts.tobytes() == found[1].amounts.tobytes() == found[2].amounts.tobytes()
    assert found[0].u.tobytes() == found[2].u.tobytes()


def plain(
    kind: str, t, x, edges, bound: float, modulus: float, reach_back: bool
) -> list[tuple[float, float]]:
    """The same sums by plain Python: a list of increments first, then each over its windows."""
    increments, last, held = [], None, []
    for k, (now, v) in enumerate(zip(t, x, strict=True)):
        if math.isnan(v):
            continue
        before = t[k - 1] if k else 0
        if last is not None and kind == "rate":
            if now - last[0] <= 30 * NS:
                increments.append((last[0], now, (v + last[1]) / 2 * (now - last[0]) / 3.6e12, before))
        elif last is not None:
            rise = step(last, (now, v), bound, modulus)
            if rise is None:
                steady = held and step(held[-1], (now, v), bound, modulus) is not None
                held = [*held, (now, v)] if steady else [(now, v)]
                if len(held) < 5:
                    continue
                increments.append((held[0][0], now, v - held[0][1], before))
            else:
                increments.append((last[0], now, rise, before))
        last, held = (now, v), []
    return [spread(increments, edges, w, reach_back) for w in range(len(edges) - 1)]


def step(one, two, bound: float, modulus: float) -> float | None:
    """The rise between two readings of a counter, None if it is not believable."""
    hours = (two[0] - one[0]) / 3.6e12
    limit, rise = bound * (1.2 * hours + 2 / 3600), two[1] - one[1]
    if 0 <= rise <= limit:
        return rise
    most = limit if math.isfinite(limit) else modulus / 10
    return rise + modulus if rise < 0 and modulus and 0 <= rise + modulus <= most else None


def spread(increments, edges, w: int, reach_back: bool) -> tuple[float, float]:
    """Amount and covered time of window w."""
    amount = covered = 0.0
    for since, until, what, before in increments:
        running = max((k for k in range(len(edges)) if edges[k] <= before), default=-1)
        start = since if w == running and not reach_back else max(since, edges[w])
        overlap = max(0, min(until, edges[w + 1]) - start)
        if w < running and not reach_back:
            overlap = 0
        amount += what * overlap / (until - since)
        covered += overlap
    return amount, covered


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from([NS, NS, NS, 10 * NS, 2 * NS + 1, 45 * NS]),
        st.sampled_from([0.0, 1.5, 7.0, 20.0, 60.0, -3.0, -900.0, 99_000.0, math.nan, math.nan]),
    ),
    min_size=1,
    max_size=60,
)
EDGES = st.lists(st.integers(-20, 400), min_size=2, max_size=8, unique=True).map(sorted)


@settings(max_examples=300, deadline=None)
@given(SAMPLES, EDGES, st.integers(0, 60), st.booleans(), st.sampled_from([WORK, POWER, GAS]))
def test_plain_python_finds_the_same_sums(
    session_model: Model, samples, edges_s, cut: int, reach_back: bool, row: int
):
    t = T0 + np.cumsum([dt for dt, _ in samples]).astype(np.int64)
    moved = np.cumsum([0.0 if math.isnan(v) else v for _, v in samples])
    x = np.where([math.isnan(v) for _, v in samples], np.nan, (999_950.0 + moved) % 1e6)
    edges = [T0 + s * NS // 2 for s in edges_s]
    swept = sweep_of(session_model, edges, reach_back=reach_back)
    number = rows_of(session_model)[row]
    for part in (slice(0, cut), slice(cut, None)):
        swept.add(t[part], x[None, part], None, [number])
    bound, modulus = {WORK: (1e5, 1e6), POWER: (math.inf, 0.0), GAS: (math.inf, 0.0)}[row]
    kind = "rate" if row == POWER else "counter"
    expected = plain(kind, t.tolist(), x.tolist(), edges, bound, modulus, reach_back)

    windows = swept.windows()
    np.testing.assert_allclose(windows.amounts[:, number], [a for a, _ in expected], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(windows.covered_ns[:, number], [c for _, c in expected], rtol=1e-12, atol=1e-6)


def test_what_a_gap_hid_is_booked_as_live_or_over_the_windows_it_was_measured_over(model: Model):
    t = T0 + np.array([0, 600, 1200, 1800]) * NS
    x = np.array([[0.0, np.nan, np.nan, 1800.0]])
    edges = [T0, T0 + 600 * NS, T0 + 1200 * NS, T0 + 1800 * NS]
    found = []
    for reach_back in (False, True):
        swept = sweep_of(model, edges, reach_back=reach_back)
        swept.add(t, x, None, [rows_of(model)[GAS]])
        found.append(swept.windows().amounts[:, rows_of(model)[GAS]].tolist())

    assert found == [[0.0, 0.0, 1800.0], [600.0, 600.0, 600.0]]


def test_power_is_held_against_its_counter_in_every_window(model: Model):
    t = T0 + np.arange(1801) * NS
    x = np.array([10.0 * np.arange(1801), np.where(np.arange(1801) < 900, 36_000.0, 36_360.0)])
    swept = sweep_of(model, tumbling_edges(T0, T0 + 1800 * NS, QUARTER))
    swept.add(t, x, None, rows_of(model)[1:3])

    found = swept.windows().balances["furnace.power"]
    assert found.tolist() == pytest.approx([0.01 / 1800, 0.01], abs=1e-12)
    empty = sweep_of(model, [T0, T0 + HOUR]).windows()
    assert np.isnan(empty.balances["furnace.power"]).all()


def test_window_sums_of_a_line_need_no_model(model: Model):
    t, x, q = history(7, 3000)
    edges = tumbling_edges(int(t[0]), int(t[-1]), QUARTER)
    streams = StreamBuilder(model).streams()
    swept = sweep_of(model, edges)
    swept.add(t, x, q, rows_of(model))
    a, covered = window_sums(streams, t, x, q, edges, series=rows_of(model))

    assert np.array_equal(a, swept.windows().amounts)
    assert covered[:, rows_of(model)[1:]].sum(axis=0).min() > 0.0
    without = np.where(q >= 128, np.nan, x)
    assert np.array_equal(window_sums(streams, t, without, None, edges, series=rows_of(model))[0], a)


Change = Callable[[dict], dict]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: {"t_ns": a["t_ns"][::-1].copy()}, r"t_ns\[1\] is not after t_ns\[0\]: sort them"),
        (lambda a: {"x": a["x"][:, 1:]}, r"give \[n, T\]"),
        (lambda a: {"q": np.zeros((6, 3), np.int32)}, r"give \[n, T\]"),
        (lambda a: {"series": [0, 1, 2, 3, 4, 4]}, "each at most once"),
        (lambda a: {"edges_ns": [T0]}, "at least two"),
        (lambda a: {"edges_ns": [T0, T0]}, "each after the one before"),
        (lambda a: {"meters": seen(a["streams"])}, "are already in"),
        (lambda a: {"x": a["x"][:1], "series": [6]}, "derived streams: run it through Engine"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model: Model, change: Change, says: str):
    t, x, _ = history(8, 50)
    given = {
        "streams": StreamBuilder(model).streams(),
        "t_ns": t,
        "x": x,
        "q": None,
        "edges_ns": [T0, T0 + HOUR],
    }
    given["series"] = rows_of(model)
    with pytest.raises(ValueError, match=says):
        window_sums(**{**given, **change(given)})


def seen(streams: Streams) -> Meters:
    """Meters that have seen samples up to the last of the history."""
    meters = new_meters(streams.kind.size)
    meters.seen_t[:] = T0 + HOUR
    return meters


def test_a_line_with_derived_streams_is_refused_by_name(model: Model):
    with pytest.raises(ValueError, match="line 'cell' has derived streams"):
        Sweep(model)
    with pytest.raises(ValueError, match="call begin"):
        Sweep(model, ["furnace"]).windows()


def test_windows_lie_as_live_windows_lie(model: Model):
    assert tumbling_edges(T0 + 1, T0 + QUARTER, QUARTER).tolist() == [T0, T0 + QUARTER]
    six = 6 * HOUR
    day = tumbling_edges(T0, T0 + 1, 24 * HOUR, six)
    assert day.size == 2
    assert (day[0] - six) % (24 * HOUR) == 0
    assert day[0] <= T0 < day[1]
    with pytest.raises(ValueError, match="give a later end"):
        tumbling_edges(T0, T0, QUARTER)
