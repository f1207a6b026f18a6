"""What an auditor sees of a line: every figure with its interval, its factors, its events, restatements."""

from pathlib import Path
from typing import Any

from greenhearth.metrics import METRIC_UNITS, METRICS

from .audit import NOON, effect, restatement

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "page"
BY_NAME = "async () => { const m = await import('/metrics.js'); return [m.TITLES, m.GROUPS, m.SOURCES]; }"
UNITS = "async units => { const f = await import('/format.js'); return units.map(f.unit); }"


def _card(tab: Any, line: str) -> Any:
    return tab.locator(f'[data-line="{line}"]')


def test_every_metric_has_a_title_a_place_and_a_unit_as_people_write_it(tab: Any) -> None:
    """The page and the agents are built from one list; a metric without words would be seen as its code."""
    titles, groups, sources = tab.evaluate(BY_NAME)
    assert sorted(titles) == sorted(METRICS)
    placed = [name for _, members in groups for name in members]
    assert sorted(placed) == sorted(METRICS)
    parts = {"fuel", "process", "electricity", "heat", "anode", "pfc", "waste_gas"}
    assert {one["metric"] for one in sources} == {f"co2_{part}_kg_per_t" for part in parts}
    shown = tab.evaluate(UNITS, list(METRIC_UNITS))
    assert set(shown) >= {"kg CO₂e/t", "kWh/t", "GJ/t", "kgce/t", "%", "kg/kg"}
    assert not [unit for unit in shown if "CO2" in unit]


def test_all_figures_of_the_window_are_told_with_their_intervals_on_request(tab: Any, works: Any) -> None:
    """Only what the agent sends, and of that only what the line has."""
    works.lines["furnace"]["metrics"] |= {
        "recycled_share_percent": [100.0, "%", 0.00001],
        "co2_scope2_market_kg_per_t": [245.3, "kg CO2e/t", 11.2],
        "voc_kg_per_t": [None, "kg/t", None],
        "newer_kg_per_t": [3.25, "kg/t", None],
    }
    works.commit()
    card = _card(tab, "furnace")
    card.get_by_text("all 20 figures, running heat").click()
    market = card.locator('[data-figure="co2_scope2_market_kg_per_t"]')
    market.wait_for()
    cells = market.locator("th, td").all_inner_texts()
    assert cells == ["CO₂e scope 2, market-based", "245", "± 11", "kg CO₂e/t"]
    share = card.locator('[data-figure="recycled_share_percent"] td').all_inner_texts()
    assert share == ["100.0", "", "%"]  # an interval that rounds to nothing is not told as 0.000
    assert card.locator('[data-figure="newer_kg_per_t"] th').inner_text() == "newer kg per t"
    assert card.locator('[data-figure="voc_kg_per_t"]').count() == 0


def test_figures_have_their_intervals_wherever_they_stand(tab: Any) -> None:
    """Below the big two, beside each source, on a scale, in the table of heats, as newest of the trend."""
    card = _card(tab, "furnace")
    facts = card.locator(".facts").inner_text().replace("\u202f", "")
    assert "38174 kWh\n± 190" in facts
    legend = card.locator(".stack-legend").inner_text()
    assert "212.4 ± 9.8" in legend
    assert "anode\n6.30 ± 0.20" in legend
    assert "PFC" not in legend  # a furnace has none
    assert (
        "upstream 71.0 ± 8.0, not in the total" in card.locator('[data-field="beside-sources"]').inner_text()
    )
    assert "54.30 ± 0.70 kgce/t" in card.locator(".scale-name").first.inner_text()
    card.get_by_text("the last 12 heats").click()
    card.locator(".finished tbody tr").first.wait_for()
    assert "427.8 ± 5.2" in card.locator(".finished tbody tr").first.inner_text()
    caption = "document.querySelector('[data-line=furnace] .caption').textContent"
    tab.wait_for_function(f"() => {caption}.includes('± 5.2 kWh/t')")


def test_a_market_based_total_is_told_only_where_a_contract_makes_it_another(tab: Any, works: Any) -> None:
    """The same figure twice would be read as two."""
    beside = _card(tab, "kiln").locator('[data-field="beside-sources"]')
    for market, words in ((825.4, ""), (790.1, "market-based total 798 ± 13")):
        works.lines["kiln"]["metrics"]["co2_total_market_kg_per_t"] = [market, "kg CO2e/t", 13.0]
        works.commit()
        tab.wait_for_function(
            "words => document.querySelector('[data-line=kiln] .beside-sources').textContent === words",
            arg=words,
        )
    assert beside.is_visible()


def test_the_name_of_a_factor_set_unfolds_to_its_factors(tab: Any) -> None:
    """With value, unit, role, source and since when it holds; asked for once it is opened."""
    card = _card(tab, "furnace")
    assert card.locator("[data-factor]").count() == 0
    card.get_by_text("Factors demo").click()
    grid = card.locator('[data-factor="grid.cn.national.2023"]')
    grid.wait_for()
    assert grid.inner_text().split("\n") == [
        "grid.cn.national.2023",
        "0.5306 ± 5 % kgCO₂/kWh",
        "used as contract, grid · valid from 2023 · known since 2025-11-01 · MEE announcement",
    ]
    own = card.locator('[data-factor="tce.electricity_equivalent"]').inner_text()
    assert "named by the process · undated · GB/T 2589-2020" in own


def test_anode_effects_are_listed_newest_first_and_only_the_newest_is_seen_unasked(
    tab: Any, works: Any
) -> None:
    """Twenty lines of text would push the factors off the card."""
    card = _card(tab, "cell")
    assert not card.locator(".events").is_visible()
    works.events["cell"] = [effect(cell, NOON - cell * 60_000_000_000) for cell in range(1, 21)]
    works.commit()
    newest = card.locator('[data-field="newest-event"]')
    newest.wait_for()
    assert newest.inner_text().endswith("cell voltage 001: anode effect of 2.0 min, up to 31.6 V")
    assert card.locator("[data-event]").count() == 0
    card.get_by_text("the last 20").click()
    rows = card.locator('[data-event="anode_effect"]')
    rows.nth(19).wait_for()
    assert "cell voltage 020" in rows.nth(19).inner_text()
    works.events["cell"] = [effect(77, NOON), *works.events["cell"][:-1]]
    works.commit()
    tab.wait_for_function(
        "() => document.querySelector('[data-line=cell] [data-event]').textContent.includes('077')"
    )
    assert rows.count() == 20
    assert not _card(tab, "kiln").locator(".events").is_visible()


def test_a_restatement_stands_beside_the_old_figure_with_its_causes(
    context: Any, host: Any, works: Any, complaints: list[str]
) -> None:
    """The figure that was reported stays first; lines without restatements say nothing."""
    works.restated = [restatement(), restatement(NOON - 24 * 3600 * 1_000_000_000)]
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(host.url)
    newest = page.locator('[data-line="furnace"] [data-field="restated-newest"]')
    newest.wait_for()
    told = newest.inner_text()
    assert "factor set fs-new, as known on 2026-02-01; reported with fs-old" in told
    assert "CO₂e: 268.4 → 266.0 ± 10 kg CO₂e/t, −2.40 (−0.89 %)" in told
    assert "−2.40 kg CO₂e/t by grid.cn.national: 0.537 → 0.531 kgCO₂/kWh (of 2025)" in told
    assert "scope 2" not in told
    newest.get_by_text("other figures: 1").click()
    assert "CO₂e scope 2, location-based: 214.6 →" in newest.inner_text()
    assert page.locator('[data-line="furnace"] .restated').get_by_text("1 restated before").is_visible()
    assert not page.locator('[data-line="kiln"] .restated').is_visible()
    assert complaints == []


def test_a_card_with_everything_unfolded_fits_a_phone(browser: Any, host: Any, works: Any) -> None:
    """Nothing has to be scrolled sideways; a picture is kept for people to look at."""
    works.restated = [restatement()]
    works.events["furnace"] = [effect(cell, NOON - cell) for cell in range(3)]
    context = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme="light")
    page = context.new_page()
    page.goto(host.url)
    page.locator('[data-line="furnace"] .restated').wait_for()
    page.evaluate("document.querySelectorAll('.line details').forEach(one => { one.open = true; })")
    page.locator("[data-factor]").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / "phone-unfolded.png", full_page=True)
    context.close()
