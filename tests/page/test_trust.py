"""What an operator may trust: stale looks stale, a lost connection is seen, alarms are answered."""

import time
from pathlib import Path
from typing import Any

import pytest

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "page"
VISIBLE_WITHIN_S = 3.0


def _keep_picture(tab: Any, name: str) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=ARTEFACTS / f"{name}.png")


def test_a_line_that_falls_silent_looks_stale_within_3_s_and_only_that_line(tab: Any, works: Any) -> None:
    """The gateway goes on; the kiln's records do not."""
    works.frozen["kiln"] = time.time_ns()
    began = time.monotonic()
    tab.wait_for_selector('[data-line="kiln"][data-stale="true"]')
    assert time.monotonic() - began <= VISIBLE_WITHIN_S
    age = tab.locator('[data-line="kiln"] [data-field="age"]').inner_text()
    assert age.startswith("STALE · 2.")
    assert tab.locator('[data-line="furnace"]').get_attribute("data-stale") == "false"
    struck = "getComputedStyle(document.querySelector('[data-line=kiln] .value')).textDecorationLine"
    assert tab.evaluate(struck) == "line-through"
    _keep_picture(tab, "stale-line")
    works.frozen.clear()
    works.commit()
    tab.wait_for_selector('[data-line="kiln"][data-stale="false"]')


def test_a_line_before_its_first_record_is_not_called_live(tab: Any, works: Any) -> None:
    """Time 0 is no time: there is no age to show."""
    works.frozen["kiln"] = 0
    works.commit()
    tab.wait_for_selector('[data-line="kiln"][data-stale="true"]')
    assert tab.locator('[data-line="kiln"] [data-field="age"]').inner_text() == "no data yet"


def test_a_killed_gateway_is_seen_within_3_s_and_its_return_too(tab: Any, host: Any, works: Any) -> None:
    """The banner comes without the server's help and goes when the stream is back."""
    host.kill()
    began = time.monotonic()
    tab.get_by_text("CONNECTION LOST").wait_for()
    assert time.monotonic() - began <= VISIBLE_WITHIN_S
    box = tab.locator("#lost").bounding_box()
    assert box["width"] == 1920
    tab.wait_for_selector('[data-line="cell"][data-stale="true"]')
    _keep_picture(tab, "connection-lost")
    works.lines["cell"]["metrics"]["electricity_kwh"][0] = 421000
    host.start()
    tab.wait_for_selector("body[data-connection=live]")
    tab.wait_for_selector(
        '[data-line="cell"][data-stale="false"] [data-field="electricity_kwh"][data-value="421000"]'
    )
    assert not tab.locator("#lost").is_visible()


def test_a_gateway_that_hangs_with_its_connections_open_is_seen_too(tab: Any, works: Any) -> None:
    """Only the beats are missing. A busy machine adds time: the best of three counts."""
    seen_after = [_seen_after_a_hang(tab, works) for _ in range(3)]
    assert min(seen_after) <= VISIBLE_WITHIN_S, seen_after


def _seen_after_a_hang(tab: Any, works: Any) -> float:
    works.running.clear()
    began = time.monotonic()
    tab.get_by_text("CONNECTION LOST").wait_for()
    took = time.monotonic() - began
    works.running.set()
    tab.locator("#lost").wait_for(state="hidden")
    return took


def test_an_alarm_tells_what_why_and_what_to_do(tab: Any, works: Any) -> None:
    """It is counted in the header and spoken once."""
    works.raise_alarm()
    works.commit()
    alarm = tab.locator('[data-alarm="furnace_energy_high"]')
    alarm.wait_for()
    text = alarm.inner_text()
    assert "▲ high" in text
    assert "441.0 kWh/t, limit 430 kWh/t · furnace" in text
    assert "Do: Check slag foaming" in text
    assert "respond within 9 min" in text
    alarm.get_by_text("cause and consequence").click()
    assert "cold or wet scrap" in alarm.inner_text()
    assert "longer tap-to-tap time" in alarm.inner_text()
    assert tab.locator("#alarm-count").inner_text() == "1 alarm, 1 to acknowledge"
    assert tab.locator("[aria-live]").text_content() == "high alarm: Furnace: heat uses too much energy"
    assert tab.title() == "(1) Demonstration works"


def test_an_alarm_is_acknowledged_by_keyboard_under_a_name_that_is_remembered(tab: Any, works: Any) -> None:
    """Without a name nothing is sent."""
    works.raise_alarm()
    works.commit()
    alarm = tab.locator('[data-alarm="furnace_energy_high"]')
    alarm.get_by_role("button", name="Acknowledge").focus()
    tab.keyboard.press("Enter")
    alarm.get_by_text("Write your name above first").wait_for()
    assert works.acks == []
    tab.keyboard.type("A. Operator")  # the focus has moved to the field
    alarm.get_by_role("button", name="Acknowledge").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector('[data-alarm="furnace_energy_high"][data-state="ack"]')
    assert works.acks == [("furnace_energy_high", "A. Operator")]
    assert "by A. Operator" in alarm.inner_text()
    assert alarm.get_by_role("button").count() == 0
    tab.reload()
    tab.wait_for_selector("body[data-connection=live]")
    assert tab.get_by_label("Your name").input_value() == "A. Operator"


def test_a_refused_acknowledgement_says_why(tab: Any, works: Any) -> None:
    """Somebody else was faster and this page has not heard of it yet."""
    works.raise_alarm()
    works.refuses = "alarm 'furnace_energy_high' is ack; there is nothing to acknowledge"
    works.commit()
    tab.get_by_label("Your name").fill("A. Operator")
    button = tab.locator('[data-alarm="furnace_energy_high"] button')
    button.click()
    answer = tab.locator('[data-alarm="furnace_energy_high"] .alarm-answer')
    answer.get_by_text("Not acknowledged: alarm 'furnace_energy_high' is ack").wait_for()


@pytest.mark.parametrize(
    ("state", "words"), [("ack", "acknowledged"), ("returned_unack", "returned, not acknowledged")]
)
def test_the_state_of_an_alarm_is_told_in_words(tab: Any, works: Any, state: str, words: str) -> None:
    """Colour is never the only sign."""
    works.raise_alarm(state)
    works.commit()
    tab.wait_for_selector(f'[data-alarm="furnace_energy_high"][data-state="{state}"]')
    assert tab.locator('[data-alarm="furnace_energy_high"] [data-field="state"]').inner_text() == words


def test_an_alarm_that_is_over_leaves_the_list(tab: Any, works: Any) -> None:
    """The panel says so in words."""
    works.raise_alarm()
    works.commit()
    tab.locator('[data-alarm="furnace_energy_high"]').wait_for()
    works.alarm["state"] = "normal"
    works.commit()
    tab.get_by_text("✓ No active alarms").wait_for()
    assert tab.locator("#alarm-count").inner_text() == "no active alarms"
