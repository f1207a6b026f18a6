"""A historian's file on a time line says what stood there at any moment."""

import math
from itertools import pairwise

import pytest

from greenhearth.archive import Archive
from greenhearth.clock import NS
from greenhearth.historian import build_archive, parse_time
from greenhearth.site_tables import History, HistoryColumn
from greenhearth.timeline import Timeline

INTERVALS = History(
    time_column="time",
    interval_s=3600.0,
    columns={"kwh": HistoryColumn(point="h.x", means="interval_amount")},
)
PERIODS = History(
    time_column="on",
    end_column="off",
    batch_column="heat",
    columns={"mw": HistoryColumn(point="h.x", means="mean_over_period", scale=1000.0)},
)


def at(clock: str) -> int:
    found = parse_time(f"2024-03-01T{clock}", INTERVALS)
    assert found is not None
    return found


def hourly(*rows: tuple[str, str]) -> Archive:
    return build_archive([{"time": f"2024-03-01T{t}", "kwh": kwh} for t, kwh in rows], INTERVALS)


def arcs(*rows: tuple[str, str, str, str]) -> Archive:
    day = "2024-03-01T"
    table = [{"heat": heat, "on": day + on, "off": day + off, "mw": mw} for heat, on, off, mw in rows]
    return build_archive(table, PERIODS)


def test_a_total_rises_on_a_straight_line_within_its_interval() -> None:
    line = Timeline(hourly(("01:00:00", "8"), ("02:00:00", "4")))
    assert line.at(at("00:30:00")).totals == [4.0]
    assert line.at(at("01:00:00")).totals == [8.0]
    assert line.at(at("01:45:00")) == ([4.0], [11.0], 0)
    assert line.at(at("09:00:00")).totals == [12.0]


def test_missing_intervals_and_bad_values_are_nan_and_the_total_goes_on_after_them() -> None:
    line = Timeline(hourly(("01:00:00", "8"), ("03:00:00", "4"), ("04:00:00", "bad"), ("05:00:00", "1")))
    assert math.isnan(line.at(at("01:30:00")).totals[0])
    assert line.at(at("03:00:00")).totals == [12.0]
    assert math.isnan(line.at(at("03:30:00")).totals[0])
    assert math.isnan(line.at(at("03:30:00")).values[0])
    assert line.at(at("05:00:00")).totals == [13.0]


def test_between_periods_the_rate_is_zero_and_the_batch_comes_up_before_its_first_period() -> None:
    line = Timeline(arcs(("7", "08:00:00", "08:06:00", "2"), ("8", "08:30:00", "08:36:00", "1")))
    assert line.at(line.starts_ns) == ([0.0], [0.0], 0)
    assert line.at(at("07:59:50")) == ([0.0], [0.0], 7)
    assert line.at(at("08:03:00")) == ([2000.0], [100.0], 7)
    assert line.at(at("08:29:30")) == ([0.0], [200.0], 7)
    assert line.at(at("08:29:50")) == ([0.0], [200.0], 8)
    assert line.at(at("08:36:00")) == ([1000.0], [300.0], 8)


def per_batch(line: Timeline, step_s: float = 0.0) -> dict[int, float]:
    """Return what a reader books who looks at every moment and books to the batch it sees."""
    sums, last = dict[int, float](), 0.0
    for t_ns in line.moments(step_s).tolist():
        moment = line.at(t_ns)
        sums[moment.batch] = sums.get(moment.batch, 0.0) + moment.totals[0] - last
        last = moment.totals[0]
    return sums


def test_overlapping_heats_keep_their_amounts_to_the_last_digit() -> None:
    archive = arcs(
        ("1", "08:00:00", "08:06:00", "2"),
        ("1", "08:10:00", "08:20:00", "3"),
        ("2", "08:05:00", "08:12:00", "1"),
        ("2", "08:13:00", "08:19:00", "1"),
    )
    line = Timeline(archive)
    for step_s in (0.0, 7.0):
        booked = per_batch(line, step_s)
        assert {k: booked[k] for k in (1, 2)} == pytest.approx(archive.batch_totals("mw"), rel=1e-9)


def test_moments_are_strictly_increasing_and_begin_and_end_with_the_file() -> None:
    line = Timeline(arcs(("7", "08:00:00", "08:06:00", "2"), ("8", "08:30:00", "08:36:00", "1")))
    moments = line.moments(60.0).tolist()
    assert moments == sorted(set(moments))
    assert {at("08:00:00"), at("08:06:00"), at("08:36:00")} <= set(moments)
    assert max(b - a for a, b in pairwise(moments)) <= 60 * NS


def test_a_file_without_usable_rows_has_no_moments() -> None:
    line = Timeline(hourly(("nonsense", "1")))
    assert line.moments().tolist() == []
    assert (line.starts_ns, line.ends_ns) == (0, 0)
    assert line.at(NS).totals == [0.0]
