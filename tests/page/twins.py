"""Green twins of the scripted works: from a few numbers in the script to the gateway's own types."""

from typing import Any

from greenhearth_gateway.web import types
from greenhearth_gateway.web.twin_types import BreakEvenView, TwinFigureView, TwinResultView

HOUR = 3600 * 1_000_000_000
NO_TWIN = "no green twin is on the shelf"


def twins_of(line: dict[str, Any], now: int) -> list[types.TwinView]:
    """Return the twins of a scripted line; none where its script has none."""
    return [
        types.TwinView(
            twin=twin["twin"], title=twin["title"], green="green", green_title="Green process",
            source=twin["source"], note=twin["note"], results=[_result(line, twin, now)],
        )
        for twin in line.get("twins", [])
    ]  # fmt: skip


def _result(line: dict[str, Any], twin: dict[str, Any], now: int) -> TwinResultView:
    figures = [_figure(line, metric, *one, twin["why"]) for metric, one in twin["figures"].items()]
    total = figures[0].gap
    batch = line["batch_word"] != ""
    end = now - now % HOUR
    return TwinResultView(
        window="batch" if batch else "1h", batch="4710" if batch else "", start_ns=end - HOUR, end_ns=end,
        product_t=96.4, why=twin["why"], figures=figures, saved_kg=None if total is None else total * 96.4,
        saved_kg_uncertainty=None if total is None else 2500.0,
        break_even=None if twin["why"] else BreakEvenView(**twin["break_even"]), factor_set="fs-1",
    )  # fmt: skip


def _figure(
    line: dict[str, Any], metric: str, value: float, doubt: float, verdict: str, why: str
) -> TwinFigureView:
    ours, unit, uncertainty = line["metrics"][metric]
    gap = None if why or ours is None else ours - value
    return TwinFigureView(
        metric=metric, unit=unit, ours=ours, ours_uncertainty=uncertainty, twin=value, twin_uncertainty=doubt,
        gap=gap, gap_percent=None if gap is None else 100 * gap / ours,
        gap_uncertainty=None if gap is None else 26.0, verdict="" if why else verdict,
    )  # fmt: skip
