"""A stored figure is restated: the old one stays, the new one stands beside it, the causes add up."""

import json
import math
import re
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from greenhearth.clock import NS
from greenhearth.restatement import Restatement
from greenhearth.strict import ConfigError
from greenhearth_cli.complaints import PlainError
from greenhearth_cli.main import app
from greenhearth_cli.recompute_answer import Question, answer
from greenhearth_gateway.journal.past import journal_of
from greenhearth_gateway.journal.restatements import FILE_NAME, restatements

from .kiln_journal import NEW, PLAIN_NAMES, START_NS, kiln_site, open_works

TOTAL = "co2_total_kg_per_t"
COAL, GRID = "fuel.other_bituminous_coal.ncv", "grid.cn.national"


def ask(folder: Path, **changes: object) -> Restatement:
    given = {"data": folder, "site": folder / "kiln.toml", "newer": folder / "new.toml", **changes}
    (found,) = answer(Question(**given))  # type: ignore[arg-type]
    return found


def report(folder: Path) -> bytes:
    """The report of a line as it is rendered from the journal."""
    return msgspec.json.encode(journal_of(folder).finished("kiln", 1000))


def test_the_old_figure_stays_and_the_new_one_is_explained_by_its_causes(folder: Path) -> None:
    found = ask(folder)
    events = journal_of(folder).finished("kiln", 1000)
    stored = {event.start_ns: event.metrics for event in events if event.window == "24h"}
    assert found.checked.restated == len(found.windows) == len(stored) == 3
    for window in found.windows:
        figure = window.figures[TOTAL]
        assert figure.old == stored[window.start_ns][TOTAL].value
        assert set(figure.by_cause) == {COAL, GRID}
        assert sum(figure.by_cause.values()) == pytest.approx(figure.difference, rel=1e-9)
        assert figure.new == pytest.approx(figure.old + figure.difference, rel=1e-15)


def test_the_new_figures_are_what_hand_arithmetic_gives(folder: Path) -> None:
    """1 t of coal: 0.3 GJ more at 94.6 kg CO2/GJ; 1 kWh: 6.0 g less."""
    found = ask(folder)
    site_amounts = found.periods[0].product_t
    figures = found.periods[0].figures
    days = [one for one in journal_of(folder).finished("kiln", 1000) if one.window == "24h"]
    electricity = sum(one.metrics["electricity_kwh"].value or 0.0 for one in days)
    assert figures["co2_scope2_kg"].difference == pytest.approx(electricity * (0.5306 - 0.5366), rel=1e-9)
    coal_t = figures["co2_scope1_kg"].difference / (0.3 * 94.6)
    assert coal_t / site_amounts == pytest.approx(20.0 / 208.0, rel=0.02)
    assert figures["co2_total_kg"].difference == pytest.approx(
        figures["co2_scope1_kg"].difference + figures["co2_scope2_kg"].difference, rel=1e-9
    )


def test_the_explanation_is_a_sentence_with_both_values_and_what_they_move(folder: Path) -> None:
    coal, grid = ask(folder).explanations
    assert re.fullmatch(r"fuel\.other_bituminous_coal\.ncv 25\.8 -> 26\.1 GJ/t: \+2\.\d+ kg CO2e/t", coal)
    assert re.fullmatch(r"grid\.cn\.national 0\.5366 -> 0\.5306 kgCO2/kWh: -0\.1\d+ kg CO2e/t", grid)


def test_nothing_in_the_journal_changes_and_the_old_report_stays_byte_for_byte(folder: Path) -> None:
    before, file = report(folder), (folder / "journal.sqlite").read_bytes()
    ask(folder, window="all", store=True)
    assert report(folder) == before
    assert (folder / "journal.sqlite").read_bytes() == file


def test_with_the_factors_of_its_time_every_difference_is_exactly_zero(folder: Path) -> None:
    (folder / "new.toml").write_text(NEW.replace("0.5306", "0.5366").replace("26.1", "25.8"))
    found = ask(folder, window="all")
    assert found.checked.restated == found.checked.stored == 3 * (96 + 24 + 1)
    assert {one.difference for window in found.windows for one in window.figures.values()} == {0.0}
    assert all(one.new == one.old for window in found.windows for one in window.figures.values())
    assert found.changes == []


def test_storing_a_restatement_twice_keeps_one_of_each(folder: Path) -> None:
    found = ask(folder, store=True)
    once = restatements(folder / FILE_NAME, "kiln", 100)
    ask(folder, store=True)
    assert restatements(folder / FILE_NAME, "kiln", 100) == once
    assert len(once) == 3
    newest = once[0]
    assert newest.old[TOTAL].value == found.windows[-1].figures[TOTAL].old
    moved = math.fsum(cause.moved[TOTAL] for cause in newest.causes)
    assert newest.new[TOTAL].value == pytest.approx(newest.old[TOTAL].value + moved, rel=1e-12)
    assert [cause.new.known_since for cause in newest.causes] == ["2025-10-01", "2025-10-01"]


def test_only_the_data_of_a_year_get_the_factor_of_that_year(tmp_path: Path) -> None:
    """The set was fixed in 2022; on the first of January 2023 another version holds."""
    start = START_NS + (365 * 86400 - 7200) * NS
    works = open_works(tmp_path, kiln_site(tmp_path, PLAIN_NAMES), start, results_every=10)
    works.be_born()
    works.run(4 * 60 + 2)
    works.close()
    found = ask(tmp_path, newer=None, known_at="2026-01-01", window="1h")
    by_year = {
        datetime.fromtimestamp(one.start_ns / NS, UTC).year: one.figures[TOTAL] for one in found.windows
    }
    assert by_year[2022].difference == 0.0
    assert by_year[2023].by_cause == {GRID: pytest.approx(by_year[2023].difference)}
    assert found.changes[0].new.value == 0.5306


def test_windows_whose_readings_are_gone_are_counted_and_not_restated(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        db.execute("DELETE FROM items WHERE t_ns < ?", (START_NS + 86400 * NS,))
    checked = ask(folder).checked
    assert (checked.restated, checked.readings_gone, checked.differ) == (1, 1, 1)  # the first minute is gone


def test_a_stored_figure_that_its_readings_do_not_give_is_reported_with_both(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        first = START_NS + 600 * 60 * NS
        db.execute("DELETE FROM items WHERE t_ns BETWEEN ? AND ?", (first, first + 300 * 60 * NS))
        db.execute("UPDATE finished SET crc = NULL, payload = replace(payload, '\"value\":8', '\"value\":9')"
                   " WHERE id = (SELECT max(id) FROM finished"
                   " WHERE instr(payload, '\"window\":\"24h\"'))")  # fmt: skip
    found = ask(folder)
    assert found.checked.differ == 1
    assert "is stored as" in found.checked.examples[0]


def test_a_set_that_nobody_tells_is_counted(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        db.execute("UPDATE finished SET crc = NULL, payload = replace(payload, '\"fs-', '\"fs-0')")
    found = ask(folder)
    assert found.checked.set_unknown == 3
    assert "fs-0" in found.checked.examples[0]


def test_a_journal_of_before_the_births_told_factors_is_restated_from_the_catalogue(tmp_path: Path) -> None:
    works = open_works(tmp_path, kiln_site(tmp_path), results_every=10)
    works.be_born(tells_factors=False)
    works.run(1440 + 5)
    works.close()
    (tmp_path / "new.toml").write_text(NEW)
    found = ask(tmp_path)
    assert found.checked.restated == 1
    assert [change.name for change in found.changes] == [COAL]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('unit = "GJ/t"', 'unit = "MJ/t"', "is in MJ/t, the one it replaces in TJ/Gg (=GJ/t)"),
        ('known_since = "2025-10-01"', "", "needs 'known_since'"),
        ('valid_to = "2023"', 'valid_to = "2021"', "is not after valid_from"),
        ('source = "analysis of the delivered coal, made up for this example"', 'source = ""', "a source"),
        ("value = 26.1", "value = 26.1\nverified = false", "is not verified"),
    ],
)
def test_faulty_new_factors_are_refused(folder: Path, old: str, new: str, says: str) -> None:
    assert old in NEW
    (folder / "new.toml").write_text(NEW.replace(old, new))
    with pytest.raises(ConfigError, match=re.escape(says)):
        ask(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"line": "kilm"}, "did you mean 'kiln'"),
        ({"window": "day"}, "is none of"),
        ({"newer": None}, "say what is new"),
        ({"from_text": "yesterday"}, "is no ISO date"),
        ({"known_at": "soon"}, "invalid literal|no year"),
        ({"data": Path("nowhere")}, "there is no journal"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    folder: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(PlainError, match=says):
        ask(folder, **changes)


def test_a_file_that_is_no_journal_is_refused_with_its_name(folder: Path) -> None:
    (folder / "journal.sqlite").write_text("not a database" * 100)
    with pytest.raises(PlainError, match=r"journal\.sqlite"):
        ask(folder)


def test_only_the_windows_within_the_span_are_restated(folder: Path) -> None:
    found = ask(folder, from_text="2022-01-02", to_text="2022-01-03T00:00", window="1h")
    assert len(found.windows) == 24
    assert found.windows[0].start_ns == START_NS + 86400 * NS


def test_the_command_prints_tables_or_one_json_document(folder: Path) -> None:
    words = ["recompute", "--data", str(folder), "--site", str(folder / "kiln.toml")]
    words += ["--factors", str(folder / "new.toml")]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "3 of 3 stored windows restated" in shown.output
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert document[0]["windows"][0]["figures"][TOTAL]["difference"] > 0.0


def test_a_month_of_minutes_takes_seconds(tmp_path: Path) -> None:
    """A year may take 10 s; a month gets 4 s here, since tests share their machine."""
    works = open_works(tmp_path, kiln_site(tmp_path, PLAIN_NAMES), results_every=30)
    works.be_born()
    works.run(30 * 1440 + 5)
    works.close()
    (tmp_path / "new.toml").write_text(NEW)
    ask(tmp_path, to_text="2022-01-03")
    start = time.perf_counter()
    found = ask(tmp_path)
    assert time.perf_counter() - start < 4.0
    assert found.checked.restated == 30


def test_a_folder_without_the_journal_is_not_changed(folder: Path) -> None:
    shutil.move(folder / "journal.sqlite", folder / "elsewhere.sqlite")
    with pytest.raises(PlainError):
        ask(folder, store=True)
    assert not (folder / FILE_NAME).exists()


def test_without_any_readings_every_window_is_counted_as_gone(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        db.execute("DELETE FROM items")
    found = ask(folder, store=True)
    assert (found.checked.readings_gone, found.windows, found.periods) == (3, [], [])
    assert restatements(folder / FILE_NAME, "kiln", 10) == []


def test_a_day_without_product_keeps_its_co2_in_the_sums(tmp_path: Path) -> None:
    """The mill and the fans run on: what nothing can be divided by is still emitted."""
    works = open_works(tmp_path, kiln_site(tmp_path, PLAIN_NAMES), results_every=60)
    works.idle = True
    works.be_born()
    works.run(1440 + 5)
    works.close()
    (tmp_path / "new.toml").write_text(NEW)
    figures = ask(tmp_path).periods[0].figures
    assert TOTAL not in figures
    assert figures["co2_scope2_kg"].old > 1000.0
    both = figures["co2_scope1_kg"].old + figures["co2_scope2_kg"].old
    assert both == pytest.approx(figures["co2_total_kg"].old)


def test_readings_whose_birth_is_lost_are_not_taken_for_those_of_another(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        db.execute("DELETE FROM births")
    found = ask(folder)
    assert found.checked.restated == 0
    assert found.windows == []
