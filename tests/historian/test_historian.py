"""A historian's CSV is read to the last row, and what cannot be believed is counted."""

from pathlib import Path

import numpy as np
import pytest

from greenhearth.archive import Archive
from greenhearth.historian import build_archive, parse_time, read_archive
from greenhearth.quality import Quality
from greenhearth.site_tables import History, HistoryColumn
from greenhearth.strict import ConfigError

H = 3_600_000_000_000


def intervals(**more: object) -> History:
    column = HistoryColumn(point="h.x", means="interval_amount")
    return History(time_column="time", interval_s=3600.0, columns={"kwh": column}, **more)  # type: ignore[arg-type]


def periods(**column: float) -> History:
    means = HistoryColumn(point="h.x", means="mean_over_period", scale=1000.0, **column)
    return History(time_column="on", end_column="off", batch_column="heat", columns={"mw": means})


def hourly(*rows: tuple[str, str]) -> Archive:
    return build_archive([{"time": time, "kwh": kwh} for time, kwh in rows], intervals())


def arcs(*rows: tuple[str, str, str, str]) -> Archive:
    day = "2024-03-01 "
    table = [{"heat": heat, "on": day + on, "off": day + off, "mw": mw} for heat, on, off, mw in rows]
    return build_archive(table, periods())


def test_amounts_belong_to_the_interval_that_ends_at_their_time() -> None:
    archive = hourly(("2024-03-01T01:00:00", "2.5"), ("2024-03-01T02:00:00", "4"))
    assert archive.tracks[0].totals.tolist() == [2.5, 6.5]
    assert (archive.end_ns - archive.start_ns).tolist() == [H, H]
    assert archive.start_ns[1] == archive.end_ns[0]
    assert archive.counts == {}


def test_a_midnight_row_with_the_date_of_the_day_that_ended_moves_a_day_on() -> None:
    marks = ("2018-01-01T22:00:00", "2018-01-01T23:00:00", "2018-01-01T00:00:00", "2018-01-02T01:00:00")
    rows = [{"time": mark, "kwh": "1"} for mark in marks]
    with_rule = build_archive(rows, intervals(midnight_is_day_that_ended=True))
    assert np.diff(with_rule.end_ns).tolist() == [H, H, H]
    assert with_rule.counts == {}
    without = build_archive(rows, intervals())
    assert without.counts == {"the time is not after the row before": 1}


@pytest.mark.parametrize(
    ("text", "reason", "quality"),
    [
        ("", "no value", Quality.MALFORMED),
        ("n/a", "unreadable value", Quality.MALFORMED),
        ("inf", "unreadable value", Quality.MALFORMED),
        ("-715.5", "value out of range", Quality.RANGE),
    ],
)
def test_a_bad_value_is_kept_as_bad_and_counted(text: str, reason: str, quality: Quality) -> None:
    archive = hourly(
        ("2024-03-01T01:00:00", "2"), ("2024-03-01T02:00:00", text), ("2024-03-01T03:00:00", "3")
    )
    track = archive.tracks[0]
    assert track.quality.tolist() == [0, quality, 0]
    assert np.isnan(track.values[1])
    assert track.totals.tolist() == [2.0, 2.0, 5.0]
    assert archive.counts == {reason: 1}
    assert (archive.faults[0].line, archive.faults[0].text) == (3, text)


def test_an_unreadable_or_repeated_time_is_bad_and_the_rest_goes_on() -> None:
    archive = hourly(
        ("2024-03-01T01:00:00", "1"),
        ("yesterday", "1"),
        ("2024-03-01T02:00:00", "1"),
        ("2024-03-01T02:00:00", "1"),
        ("2024-03-01T03:00:00", "1"),
    )
    assert archive.time_quality.tolist() == [0, Quality.MALFORMED, 0, Quality.CLOCK, 0]
    assert archive.counts == {"unreadable time": 1, "the time is not after the row before": 1}
    assert archive.tracks[0].totals[-1] == 3.0


def test_one_row_from_the_future_does_not_make_the_rest_late() -> None:
    archive = hourly(
        ("2024-03-01T01:00:00", "1"),
        ("2084-03-01T02:00:00", "1"),
        ("2024-03-01T03:00:00", "1"),
        ("2024-03-01T04:00:00", "1"),
    )
    assert archive.time_quality.tolist() == [0, Quality.CLOCK, 0, 0]
    assert archive.counts == {"the time is ahead of the row after": 1}


def test_a_mean_counts_for_its_period_in_the_points_unit() -> None:
    archive = arcs(("1", "08:00:00", "08:06:00", "2.5"), ("1", "08:10:00", "08:13:00", "1"))
    assert archive.tracks[0].amounts == pytest.approx([250.0, 50.0])
    assert archive.tracks[0].values.tolist() == [2500.0, 1000.0]
    assert archive.batch_totals("mw") == pytest.approx({1: 300.0})


def test_periods_that_end_before_they_start_or_overlap_their_own_batch_are_bad() -> None:
    archive = arcs(
        ("1", "08:00:00", "08:06:00", "2"),
        ("1", "08:07:00", "08:07:00", "2"),
        ("1", "08:09:00", "08:08:00", "2"),
        ("1", "08:05:00", "08:09:00", "2"),
        ("2", "08:05:00", "08:11:00", "2"),
        ("x", "08:12:00", "08:18:00", "2"),
    )
    assert archive.counts == {
        "the end is not after the start": 2,
        "the period overlaps the row before": 1,
        "unreadable batch number": 1,
    }
    assert archive.batch_totals("mw") == pytest.approx({1: 200.0, 2: 200.0, 0: 0.0})


def test_limits_of_a_column_are_in_the_points_unit() -> None:
    row = {"heat": "1", "on": "2024-03-01 08:00", "off": "2024-03-01 09:00", "mw": "-0.5"}
    assert build_archive([row], periods()).counts == {"value out of range": 1}
    assert build_archive([row], periods(low=-600.0)).counts == {}
    assert build_archive([row], periods(low=-600.0, high=-501.0)).counts == {"value out of range": 1}


def test_a_value_without_a_period_is_integrated_from_row_to_row() -> None:
    history = History(time_column="t", columns={"kw": HistoryColumn(point="h.x", means="value")})
    rows = [
        {"t": f"2024-03-01 0{h}:00", "kw": kw} for h, kw in ((1, "10"), (2, "20"), (4, "-20"), (5, "-20"))
    ]
    archive = build_archive(rows, history)
    assert archive.tracks[0].amounts == pytest.approx([0.0, 15.0, 0.0, -20.0])
    assert archive.counts == {}


def test_times_are_utc_unless_they_say_otherwise() -> None:
    plain = parse_time("2024-03-01T01:00:00", intervals())
    assert plain == parse_time("2024-03-01T02:00:00+01:00", intervals())
    assert plain == parse_time("01.03.2024 01:00", intervals(time_format="%d.%m.%Y %H:%M"))
    assert parse_time("2024-02-30", intervals()) is None


def test_a_missing_column_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "energy.csv"
    file.write_text("times,kwh\n2024-03-01,1\n")
    with pytest.raises(ConfigError, match=r"energy\.csv:1: time: is not a column.*did you mean 'times'"):
        read_archive(file, intervals())
    with pytest.raises(ConfigError, match="cannot be read"):
        read_archive(tmp_path / "none.csv", intervals())


def test_a_file_with_a_header_only_is_an_empty_archive(tmp_path: Path) -> None:
    file = tmp_path / "energy.csv"
    file.write_text("\ufefftime,kwh\n", encoding="utf-8")
    archive = read_archive(file, intervals())
    assert len(archive.end_ns) == 0
    assert archive.tracks[0].totals.tolist() == []


def test_a_short_row_is_a_row_without_a_value(tmp_path: Path) -> None:
    file = tmp_path / "energy.csv"
    file.write_text("time,kwh\n2024-03-01T01:00:00,1\n2024-03-01T02:00:00\n")
    assert read_archive(file, intervals()).counts == {"no value": 1}
