"""The public count on the page: by agent, by hour, what waits, what was refused."""

import re
from typing import Any

import pytest

from greenhearth_gateway.web import types

H0 = 1_767_225_600_000_000_000
HOUR_NS = 3600 * 1_000_000_000


def hour(n: int, state: Any, **figures: int) -> types.HourView:
    """The hour that begins n hours after midnight."""
    counts = dict.fromkeys(("stored", "waiting", "quarantined", "dropped", "difference"), 0) | figures
    measured = sum(counts.values())
    return types.HourView(
        hour_ns=H0 + n * HOUR_NS, state=state, running=n == 9, measured=measured, readings=0, **counts
    )


@pytest.fixture
def told(works: Any) -> Any:
    """A works with four kinds of hours."""
    works.hours = [
        hour(5, "closes", stored=3600),
        hour(6, "missing", stored=3588, difference=12),
        hour(8, "dropped", stored=3000, dropped=600),
        hour(9, "waiting", stored=100, waiting=7),
    ]
    return works


def plain(text: str) -> str:
    return re.sub(r"[\u202f\s]+", " ", text)


def test_every_hour_says_by_sign_word_and_figure_how_its_count_stands(told: Any, tab: Any) -> None:
    """Colour is never alone; an hour without items is no hour that closes."""
    tab.wait_for_selector('.hours li[data-state="missing"]')
    cells = tab.locator(".hours li")
    assert cells.count() == 24
    assert tab.locator('.hours li[data-state="none"]').count() == 20
    titles = [cells.nth(n).get_attribute("title").replace("\u202f", "") for n in range(19, 24)]
    assert titles == [
        "05:00 UTC: 3600 measured, all here",
        "06:00 UTC: 12 of 3600 missing",
        "07:00 UTC: nothing measured",
        "08:00 UTC: 600 of 3600 given up",
        "09:00 UTC: 7 of 107 waits, still running",
    ]
    assert cells.nth(20).inner_text().startswith("✕")
    summary = tab.locator('[data-field="hours"]')
    said = "Of the last 4 hours: 1 miss items (06:00), 1 gave items up (08:00), 1 wait (09:00)"
    assert summary.inner_text() == said
    summary.click()
    row = tab.locator('.hour-rows tr[data-state="missing"]')
    assert row.locator('[data-field="difference"]').get_attribute("data-value") == "12"


def test_a_count_that_does_not_close_is_a_red_sentence(told: Any, tab: Any) -> None:
    """And zero is said as plainly."""
    error = tab.locator('[data-agent="edge-1"] [data-field="accounting"]')
    assert error.inner_text() == "✓ accounting error: 0"
    assert not tab.locator('[data-field="missing"]').is_visible()
    sentence = "12 measured item(s) of agent demo/edge-1 are missing (12 of 2026-01-01 06:00 to 07:00 UTC)"
    told.count = {"closes": False, "difference": 12, "missing": sentence}
    told.commit()
    tab.get_by_text(sentence).wait_for()
    assert error.inner_text() == "✕ accounting error: +12"
    colour = "e => getComputedStyle(e).color"
    red = tab.locator('[data-field="missing"]').evaluate(colour)
    assert error.evaluate(colour) == red


def test_a_backlog_is_age_rate_and_time_to_drain_and_a_few_items_are_none(told: Any, tab: Any) -> None:
    """What is on its way is not called a backlog."""
    outbox = tab.locator('[data-agent="edge-1"] [data-field="outbox"]')
    assert outbox.inner_text().startswith("5 on the way · outbox lasts 17 d")
    view = types.BacklogView(
        waiting=259200, oldest_age_s=259200, drain_s=2160, drained_per_s=120, live_per_s=1, backlog_per_s=121
    )
    three_days = told.overview().now_ns - 259_200 * 1_000_000_000
    told.count = {
        "waiting": 259200, "oldest_waiting_ns": three_days, "backlog": view, "hours_left": None, "damaged": 3
    }  # fmt: skip
    told.commit()
    tab.get_by_text("drained in 36 min").wait_for()
    said = plain(outbox.inner_text())
    assert said.startswith("backlog of 259 200, the oldest 3 d old · drained in 36 min · live 1.0/s")
    assert "outbox: rate not known yet" in said
    assert "3 came damaged and were sent again" in said


def test_the_newest_reasons_of_the_quarantine_are_read_out_and_never_run(
    told: Any, host: Any, context: Any, complaints: list[str]
) -> None:
    """A reason holds text from the wire."""
    told.count = {"quarantined": 2}
    reason = "block of series 0..5; the birth names <img src=x onerror=alert(1)>"
    told.refused = [
        types.QuarantineView(site="demo", agent="edge-1", epoch=7, seq=8, reason=reason, topic="a/b", times=2)
    ]
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto(host.url)
    part = page.locator('[data-field="quarantine"]')
    part.wait_for()
    assert plain(part.locator("summary").inner_text()) == "2 items in quarantine; the newest reasons"
    part.locator("summary").click()
    assert reason in part.inner_text()
    assert complaints == []


def test_at_a_phones_width_nothing_runs_over(told: Any, host: Any, context: Any) -> None:
    """The table scrolls inside its card."""
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(host.url)
    page.wait_for_selector('.hours li[data-state="missing"]')
    page.locator('[data-field="hours"]').click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
