"""Green twins on the operator's page, in a real browser."""

from typing import Any

import pytest


def _twin(tab: Any, line: str, number: int = 0) -> Any:
    return tab.locator(f'[data-line="{line}"] .twin-rows > li').nth(number)


def test_a_twin_stands_beside_its_line_with_the_gap_and_what_to_call_it(tab: Any) -> None:
    """The sign is that of the change, and the word says what it is."""
    one = _twin(tab, "furnace")
    assert one.locator("b").inner_text() == "The same scrap melted without fossil gas and carbon"
    assert one.locator('[data-field="twin-co2"]').inner_text() == "241 ± 25 kg CO₂e/t"
    gap = one.locator('[data-field="twin-gap"]')
    assert gap.inner_text() == "≈ −24.6 kg CO₂e/t (−9 %): within uncertainty"
    assert float(gap.get_attribute("data-value")) == pytest.approx(24.6)
    assert tab.locator('[data-line="furnace"] [data-field="twin-of"]').inner_text() == "of heat 4710"


@pytest.mark.parametrize(
    ("number", "sign", "words"),
    [
        (0, "▼", "on this grid of 0.531 kg/kWh · better below 1.000 kg/kWh"),
        (1, "▲", "on this grid of 0.531 kg/kWh · the grid would have to be below 0.310 kg/kWh"),
    ],
    ids=["better", "worse"],
)
def test_the_grid_on_which_it_turns_is_said(tab: Any, number: int, sign: str, words: str) -> None:
    """Beside the grid that the figures are with."""
    one = _twin(tab, "kiln", number)
    assert one.locator('[data-field="twin-gap"]').inner_text().startswith(sign)
    assert one.locator('[data-field="break-even"]').inner_text() == words
    assert "up to 0." in one.locator('[data-field="break-even"]').get_attribute("title")


@pytest.mark.parametrize(
    ("better", "words"), [("on every grid", "better on every grid"), ("on no grid", "better on no grid")]
)
def test_where_it_does_not_turn_that_is_said(tab: Any, works: Any, better: str, words: str) -> None:
    """No grid factor is made up."""
    works.lines["furnace"]["twins"][0]["break_even"] |= {"better": better, "grid": None}
    works.commit()
    _twin(tab, "furnace").get_by_text(words).wait_for()


def test_all_figures_and_the_source_open_below(tab: Any) -> None:
    """Ours, the twin's and the gap, each with its doubt."""
    one = _twin(tab, "furnace")
    one.get_by_text("figures and source").click()
    row = one.locator('tr[data-metric="co2_scope1_kg_per_t"]')
    assert row.locator("th, td").all_inner_texts() == [
        "CO₂e scope 1 [kg CO₂e/t]",
        "53.6 ± 1.7",
        "8.0 ± 1.2",
        "46 ± 26",
    ]
    assert "less in that heat of 96.40 t" in one.locator('[data-field="saved"]').inner_text()
    assert "Source: eaf_near_zero with all its metal from scrap" in one.inner_text()


def test_why_a_twin_does_not_apply_is_said_and_has_no_gap(tab: Any, works: Any) -> None:
    """As for a published figure that does not fit."""
    works.lines["kiln"]["twins"][0]["why"] = "there was no product in that hour"
    works.commit()
    one = _twin(tab, "kiln")
    one.get_by_text("not compared: there was no product in that hour").wait_for()
    assert not one.locator('[data-field="twin-gap"]').is_visible()
    assert not one.locator('[data-field="break-even"]').is_visible()


def test_a_line_without_a_twin_says_so(tab: Any) -> None:
    """An empty part would look like one that did not load."""
    assert (
        tab.locator('[data-line="cell"] [data-field="no-twins"]').inner_text()
        == "no green twin is on the shelf"
    )
    assert not tab.locator('[data-line="kiln"] [data-field="no-twins"]').is_visible()
