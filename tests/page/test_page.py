"""The operator's page in a real browser: what it shows, and what the browser thinks of it."""

import time
from pathlib import Path
from typing import Any

import pytest

from greenhearth_gateway.web.headers import POLICY

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "page"
HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>\'"&amp;'
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _field(tab: Any, line: str, field: str) -> Any:
    return tab.locator(f'[data-line="{line}"] [data-field="{field}"]')


def _value(tab: Any, line: str, field: str) -> float:
    return float(_field(tab, line, field).get_attribute("data-value"))


def _until(tab: Any, condition: str, within_ms: float = 8000) -> None:
    """Wait until a JavaScript expression is true; as a function, for the policy forbids to evaluate text."""
    tab.wait_for_function(f"() => {condition}", timeout=within_ms)


def test_a_line_shows_its_intensity_with_unit_and_uncertainty(tab: Any) -> None:
    """The two big figures are those of the running heat."""
    assert _value(tab, "furnace", "live-energy") == 441.0
    assert _field(tab, "furnace", "live-energy").inner_text() == "441.0"
    assert _field(tab, "furnace", "live-energy-uncertainty").inner_text() == "± 5.2"
    assert _value(tab, "furnace", "live-co2") == 266.0
    card = tab.locator('[data-line="furnace"]').inner_text()
    assert "kWh/t" in card
    assert "kg CO₂e/t" in card
    assert _field(tab, "furnace", "batch").inner_text() == "heat 4711"
    assert _field(tab, "furnace", "phase").locator("[aria-current]").inner_text() == "melt"


def test_lines_with_batches_begin_with_the_running_one_the_others_with_an_hour(tab: Any) -> None:
    """Nobody chose a window yet."""
    windows = [tab.locator(f'[data-line="{n}"]').get_attribute("data-window") for n in ("furnace", "kiln")]
    assert windows == ["batch", "1h"]


def test_the_chosen_window_is_shown_and_remembered(tab: Any) -> None:
    """The switch works by keyboard and outlives a reload."""
    tab.locator('[data-line="furnace"] input[value="batch"]').focus()
    tab.keyboard.press("ArrowLeft")
    assert _value(tab, "furnace", "live-energy") == 441.0
    assert "PARTIAL: 62 % of the window covered" in _field(tab, "furnace", "validity").inner_text()
    tab.reload()
    tab.wait_for_selector('[data-line="furnace"][data-window="24h"]')


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "VALID: 41 % of the window covered"),
        (1, "ESTIMATED: product estimated from charge"),
        (2, "START UNSEEN: the heat began before the agent was watching"),
        (3, "PARTIAL: 41 % of the window covered"),
        (4, "NO PRODUCT: too little product to divide by"),
        (5, "NO DATA: a required meter gave nothing in this window"),
    ],
)
def test_validity_is_told_in_words(tab: Any, works: Any, code: int, words: str) -> None:
    """Every code has a reason a person can read; without a value there is a dash, never a 0."""
    works.lines["furnace"]["windows"]["batch"] = [code, 0.41, 1.0]
    works.commit()
    tab.wait_for_selector(f'[data-line="furnace"] [data-field="validity"][data-value="{code}"]')
    assert words in _field(tab, "furnace", "validity").inner_text()
    if code >= 4:
        assert _field(tab, "furnace", "live-energy").inner_text() == "–"
        assert _field(tab, "furnace", "live-energy").get_attribute("data-value") == ""


def test_new_data_is_on_the_page_within_a_second(tab: Any, works: Any) -> None:
    """A commit reaches the card, with the time of its record."""
    before = float(tab.locator('[data-line="furnace"]').get_attribute("data-t-ns"))
    works.lines["furnace"]["metrics"]["electricity_kwh"][0] = 38999
    began = time.monotonic()
    works.commit()
    tab.wait_for_selector('[data-line="furnace"] [data-field="electricity_kwh"][data-value="38999"]')
    assert time.monotonic() - began < 1
    assert float(tab.locator('[data-line="furnace"]').get_attribute("data-t-ns")) > before


def test_a_scale_says_the_level_reached_and_how_far_the_next_is(tab: Any) -> None:
    """Only scales that apply are listed; the others have their reason with the figures below."""
    rows = tab.locator('[data-line="kiln"] [data-field="grades"] > li')
    assert rows.count() == 1
    assert rows.locator('[data-field="reached"]').inner_text() == "level 3"
    assert "next: 2, +8.3 kgce/t (+7.8 %) · within uncertainty also none" in rows.inner_text()
    assert rows.locator("ol li").all_inner_texts() == ["1 ≤ 100", "2 ≤ 107", "3 ≤ 117"]
    assert rows.locator("ol [aria-current]").inner_text() == "3 ≤ 117"


def test_benchmarks_have_their_gap_source_and_clause(tab: Any) -> None:
    """A figure that can be compared has a signed gap in unit and percent."""
    row = tab.locator('[data-line="kiln"] [data-benchmark="cn.cement.clinker.l1"]')
    assert row.locator('[data-field="gap"]').inner_text() == "✕ +15.3 kgce/t (+15.3 %)"
    assert row.locator('[data-field="gap"]').get_attribute("data-verdict") == "misses"
    assert "target 100 kgce/t · CN, table 1, GB 16780-2021" in row.inner_text()


@pytest.mark.parametrize(
    ("line", "benchmark", "begin"),
    [
        ("furnace", "cn.steel.eaf_ge70.l1", "▼ −6.7 kgce/t"),
        ("kiln", "cn.cement.clinker.l3", "≈ −1.7 kgce/t"),
        ("cell", "cn.al.liquid_ac.l4", "✓ −152 kWh/t"),
        ("furnace", "steel.eaf.typ.electricity", "▲ +21.0 kWh/t"),
    ],
    ids=[
        "a running heat has not met it yet",
        "within uncertainty",
        "meets",
        "typical figures are not there to be met",
    ],
)
def test_a_verdict_has_its_own_mark(tab: Any, line: str, benchmark: str, begin: str) -> None:
    """Colour is not needed to tell a met limit from a missed one."""
    gap = tab.locator(f'[data-line="{line}"] [data-benchmark="{benchmark}"] [data-field="gap"]')
    assert gap.inner_text().startswith(begin)


def test_what_cannot_be_compared_is_listed_with_the_reason(tab: Any) -> None:
    """It has no gap and no place on the scale."""
    card = tab.locator('[data-line="furnace"]')
    card.get_by_text("2 not comparable, and why").click()
    card.locator('[data-benchmark="steel.nearzero.iea"]').wait_for()
    listed = card.locator('[data-field="not-comparable"]').inner_text()
    assert "IEA near-zero steel" in listed
    assert "its boundary is cradle to crude steel" in listed
    assert card.locator('[data-benchmark="steel.nearzero.iea"] [data-field="gap"]').inner_text() == ""


def test_co2_by_source_adds_up_to_the_total(tab: Any) -> None:
    """The parts beside the bar are those of the window that is shown."""
    parts = ("fuel", "process", "electricity", "anode", "pfc")
    total = sum(_value(tab, "furnace", f"co2_{part}_kg_per_t") for part in parts)
    assert total == pytest.approx(_value(tab, "furnace", "live-co2"))


def test_the_last_finished_heat_is_shown_with_those_before_on_request(tab: Any) -> None:
    """The table is fetched when it is opened."""
    assert _value(tab, "furnace", "finished-energy") == pytest.approx(0.97 * 441)
    assert "GB 21256 level 1" in _field(tab, "furnace", "finished-gap").inner_text()
    tab.get_by_text("the last 12 heats").click()
    tab.wait_for_selector('[data-line="furnace"] .finished tbody tr')
    assert tab.locator('[data-line="furnace"] .finished tbody tr').count() == 3


def test_the_trend_is_drawn_and_follows_the_chosen_metric(tab: Any) -> None:
    """The caption tells the range to those who cannot see the curve."""
    chart = tab.locator('[data-line="kiln"] .chart')
    chart.locator("canvas").first.wait_for()
    tab.locator('[data-line="kiln"] select').select_option("electricity_kwh_per_t")
    _until(tab, "document.querySelector('[data-line=kiln] .chart').ariaLabel.startsWith('Electricity per t')")
    _until(tab, "document.querySelector('[data-line=kiln] .caption').textContent.includes('highest 65')")


def test_without_the_chart_script_the_figures_go_on(context: Any, host: Any) -> None:
    """The page says what is missing and shows the rest."""
    page = context.new_page()
    page.route("**/dygraph-combined.js", lambda route: route.abort())
    page.goto(host.url)
    page.wait_for_selector('[data-line="kiln"] [data-field="live-energy"]:not([data-value=""])')
    assert "chart script did not load" in page.locator('[data-line="kiln"] .chart').inner_text()


def test_meters_buses_and_the_count_are_shown(tab: Any, works: Any) -> None:
    """Health stands beside the figures it explains."""
    row = tab.locator('[data-device="alt_fuel_feeder"]')
    assert row.get_attribute("data-state") == "degraded"
    assert "35 timeout" in row.locator('[data-field="errors"]').inner_text()
    assert "0.47 of 1.0 s" in tab.locator('[data-bus="kiln_line"]').inner_text()
    count = tab.locator('[data-agent="edge-1"] [data-field="equation"]').inner_text().replace("\u202f", "")
    assert count == "12345 measured = 12340 stored + 5 waiting + 0 quarantined + 0 dropped: ✓ closes"
    works.problems = ["edge-1: the outbox is 91 % full; check the broker"]
    works.commit()
    tab.get_by_text("the outbox is 91 % full").wait_for()


def test_before_the_first_data_the_page_says_what_to_check(tab: Any, works: Any) -> None:
    """And fills by itself when something arrives."""
    works.empty = True
    works.commit()
    tab.get_by_role("heading", name="Waiting for the first data from an agent").wait_for()
    assert "Is an agent running?" in tab.locator("#empty").inner_text()
    works.empty = False
    works.commit()
    tab.locator("#empty").wait_for(state="hidden")
    assert _value(tab, "cell", "live-energy") == 13598.0


def test_markup_in_names_is_shown_as_text(tab: Any, works: Any, complaints: list[str]) -> None:
    """Names come from plant files and PLC strings; none of them may become part of the page."""
    furnace = works.lines["furnace"]
    furnace |= {"title": HOSTILE, "batch": HOSTILE, "product": HOSTILE, "phases": [HOSTILE], "phase": 0}
    furnace["comparisons"][0][1] = furnace["comparisons"][5][9] = HOSTILE
    tab.get_by_text("2 not comparable, and why").click()
    works.title, works.problems = HOSTILE, [HOSTILE]
    works.raise_alarm()
    works.alarm["acked_by"] = HOSTILE
    works.commit()
    tab.wait_for_function("text => document.getElementById('title').textContent === text", arg=HOSTILE)
    assert tab.locator('[data-line="furnace"] h2').text_content() == HOSTILE
    assert tab.locator("#problems li").text_content() == HOSTILE
    assert tab.locator("img, main script").count() == 0
    assert tab.evaluate("window.owned") is None
    assert complaints == []


@pytest.mark.parametrize("policy", [POLICY, STRICT], ids=["the gateway's policy", "no inline style either"])
def test_nothing_is_refused_and_nothing_goes_wrong(
    context: Any, host: Any, works: Any, complaints: list[str], policy: str
) -> None:
    """No exception, no failed request, no breach of the content policy, nothing from elsewhere."""
    page = context.new_page()
    asked: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda r: complaints.append(f"{r.url} {r.status}") if r.status >= 400 else None)

    def stricter(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"content-security-policy": policy})

    page.route(host.url, stricter)
    works.raise_alarm()
    page.goto(host.url)
    page.locator('[data-line="furnace"] .chart canvas').last.hover()
    page.get_by_text("Alarm journal").click()
    page.locator("#alarms tbody tr").wait_for()
    assert complaints == []
    assert [url for url in asked if not url.startswith(host.url)] == []


def test_updates_move_nothing_on_the_page(tab: Any, works: Any) -> None:
    """Figures change in their place: the browser counts no layout shift."""
    tab.locator('[data-line="cell"] .chart canvas').first.wait_for()
    tab.evaluate(
        "window.shifts = []; new PerformanceObserver(list => window.shifts.push(...list.getEntries()"
        ".map(e => e.value))).observe({type: 'layout-shift'})"
    )
    for _ in range(12):
        for line in works.lines.values():
            line["metrics"]["energy_kwh_per_t"][0] *= 1.013
            line["metrics"]["co2_total_kg_per_t"][0] *= 0.991
        wanted = works.lines["cell"]["metrics"]["energy_kwh_per_t"][0]
        works.commit()
        field = "[data-line=cell] [data-field=live-energy]"
        _until(tab, f"Math.abs(document.querySelector('{field}').dataset.value - {wanted}) < 1e-6")
    assert sum(tab.evaluate("window.shifts")) < 0.01


@pytest.mark.parametrize(
    ("name", "width", "height", "scheme"),
    [
        ("control-room-dark", 1920, 1080, "dark"),
        ("control-room-light", 1920, 1080, "light"),
        ("laptop", 1366, 768, "dark"),
        ("phone-light", 390, 844, "light"),
        ("phone-dark", 390, 844, "dark"),
        ("small-phone", 360, 640, "dark"),
    ],
)
def test_the_page_fits_its_screen(
    browser: Any, host: Any, works: Any, name: str, width: int, height: int, scheme: str
) -> None:
    """Nothing has to be scrolled sideways; a picture is kept for people to look at."""
    works.raise_alarm()
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(host.url)
    page.locator('[data-line="cell"] .chart canvas').first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=width < 1000)
    context.close()
