"""The shapes of green twins beside their line, as the page gets them."""

from greenhearth_gateway.web.comparison_types import View


class TwinFigureView(View):
    """One metric of the line beside its twin's."""

    metric: str
    unit: str
    ours: float | None
    ours_uncertainty: float | None
    twin: float | None
    twin_uncertainty: float | None
    gap: float | None
    """Ours minus the twin's; null where the line's result is not valid."""
    gap_percent: float | None
    """Of ours."""
    gap_uncertainty: float | None
    """Expanded (k = 2), taken as if the two had no error in common: never too small."""
    verdict: str
    """Of the twin: ``better``, ``worse``, ``within uncertainty``, or empty where there is no gap."""


class BreakEvenView(View):
    """On which grids the twin emits less than the line."""

    better: str
    """``below`` or ``above`` the grid factor `grid`, ``on every grid`` or ``on no grid``."""
    grid: float | None
    """Grid factor at which both emit the same [kg CO2/kWh]; both stand on it."""
    supply: float | None
    """What the twin's electricity alone may have [kg CO2/kWh], the line as it is; below 0: it cannot."""
    grid_now: float | None
    """Grid factor that these figures are with."""


class TwinResultView(View):
    """The twin beside one finished batch or hour of the line."""

    window: str
    batch: str
    start_ns: int
    end_ns: int
    product_t: float | None
    why: str
    """Why it does not apply; empty where it does."""
    figures: list[TwinFigureView]
    saved_kg: float | None
    """CO2e that the twin would not have emitted in this batch or hour [kg]; below 0 it emits more."""
    saved_kg_uncertainty: float | None
    break_even: BreakEvenView | None
    factor_set: str
    """Name of the factors behind the twin's figures."""


class TwinView(View):
    """One green twin of a line: the same product by another process."""

    twin: str
    title: str
    green: str
    green_title: str
    source: str
    note: str
    results: list[TwinResultView]
    """Its last batch where the line has batches, then its last hour."""
