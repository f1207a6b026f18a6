"""Green twins beside their line: figures, gaps, and why there is none; pure."""

from dataclasses import asdict

from greenhearth.quality import Validity, is_comparable
from greenhearth.twin_gap import break_even_grid, gap
from greenhearth.wire import Event, LineInfo, MetricValue, TwinInfo
from greenhearth_gateway.names import validity_text
from greenhearth_gateway.twin_ledger import TwinLedger
from greenhearth_gateway.web.twin_types import BreakEvenView, TwinFigureView, TwinResultView, TwinView

TOTAL = "co2_total_kg_per_t"
FIGURES = (
    TOTAL,
    "co2_total_market_kg_per_t",
    "co2_scope1_kg_per_t",
    "energy_kwh_per_t",
    "electricity_kwh_per_t",
    "kgce_per_t",
)
"""Metrics that are shown side by side, the headline first."""

_NONE = MetricValue(None, "", None)


def twin_views(info: LineInfo, ledger: TwinLedger) -> list[TwinView]:
    """Return every twin of a line with its last batch and hour."""
    return [_view(info, ledger, name, twin) for name, twin in info.twins.items()]


def why_no_twins(info: LineInfo) -> str:
    """Say why a line has no twin; empty where it has one."""
    return "" if info.twins else f"no green twin of the process '{info.process}' is on the shelf"


def _view(info: LineInfo, ledger: TwinLedger, name: str, twin: TwinInfo) -> TwinView:
    windows = ("batch", "1h") if info.batch_word else ("1h",)
    return TwinView(
        twin=name,
        title=twin.title,
        green=twin.green,
        green_title=twin.green_title,
        source=twin.source,
        note=twin.note,
        results=[_result(info, ledger, name, window) for window in windows],
    )


def _result(info: LineInfo, ledger: TwinLedger, name: str, window: str) -> TwinResultView:
    own = ledger.own.get(window)
    twin = ledger.beside(own, name) if own else None
    view = TwinResultView(
        window=window,
        batch=own.batch if own else "",
        start_ns=own.start_ns if own else 0,
        end_ns=own.end_ns if own else 0,
        product_t=own.metrics.get("product_t", _NONE).value if own else None,
        why=_why(info.batch_word if window == "batch" else "hour", own, twin),
        figures=[],
        saved_kg=None,
        saved_kg_uncertainty=None,
        break_even=None,
        factor_set=twin.factor_set if twin else "",
    )
    if own and twin:
        _fill(view, own, twin)
    return view


def _why(what: str, own: Event | None, twin: Event | None) -> str:
    if own is None:
        return f"no {what} has finished yet"
    if own.validity == Validity.PRODUCT_ZERO:
        return f"there was no product in that {what}"
    if not is_comparable(own.validity):
        return f"the line's result is not valid ({validity_text(own.validity)})"
    return "" if twin else f"the agent has not told the twin's figures for that {what}"


def _fill(view: TwinResultView, own: Event, twin: Event) -> None:
    comparable = not view.why
    view.figures = [
        _figure(name, own.metrics.get(name, _NONE), twin.metrics[name], comparable)
        for name in FIGURES
        if name in twin.metrics
    ]
    total = next((one for one in view.figures if one.metric == TOTAL), None)
    if comparable and total and total.gap is not None and view.product_t is not None:
        view.saved_kg = total.gap * view.product_t
        doubt = total.gap_uncertainty
        view.saved_kg_uncertainty = None if doubt is None else doubt * view.product_t
        view.break_even = _break_even(own, twin)


def _figure(metric: str, ours: MetricValue, twin: MetricValue, comparable: bool) -> TwinFigureView:
    found = gap(ours, twin) if comparable else None
    return TwinFigureView(
        metric=metric,
        unit=twin.unit,
        ours=ours.value,
        ours_uncertainty=ours.uncertainty,
        twin=twin.value,
        twin_uncertainty=twin.uncertainty,
        gap=found.value if found else None,
        gap_percent=found.percent if found else None,
        gap_uncertainty=found.uncertainty if found else None,
        verdict=found.verdict if found else "",
    )


def _break_even(own: Event, twin: Event) -> BreakEvenView | None:
    found = break_even_grid(own.metrics, twin.metrics)
    if found is None:
        return None
    kwh = twin.metrics["electricity_kwh_per_t"].value
    co2 = twin.metrics.get("co2_electricity_kg_per_t", _NONE).value
    now = co2 / kwh if co2 is not None and kwh else None
    return BreakEvenView(**asdict(found), grid_now=now)
