"""Three ways to the same energy: power over time, the meter's counter, and what was stored as result."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from greenhearth.clock import NS
from greenhearth.model import build_model
from greenhearth.quality import Validity, is_usable
from greenhearth.site import load_site
from greenhearth.wire import Event, Record

from .conftest import SITE, DemoRun

F8 = NDArray[np.float64]
HOUR_S = 3600.0
METERS = {
    "furnace": ("active_power", "electricity"),
    "kiln": ("active_power", "electricity"),
    "cell": ("ac_power", "ac_energy"),
}
"""Roles of power and counter of each line."""


class Track(NamedTuple):
    """Good readings of one series."""

    t_s: F8
    x: F8


def _track(records: list[Record], number: int) -> Track:
    """Collect a series from all records, at the times of its own replies."""
    readings: dict[float, float] = {}
    for record in records:
        for block in record.blocks:
            at = number - block.i
            if 0 <= at < len(block.x) and (not block.q or is_usable(block.q[at])):
                value = block.x[at]
                assert value is not None
                readings[(record.t_ns + block.d) / NS] = value
    times = np.array(sorted(readings))
    return Track(times, np.array([readings[t] for t in times]))


def _integral_kwh(power: Track, start_s: float, end_s: float) -> float:
    """Integrate power [kW] along straight lines between readings, from start to end."""
    inside = (power.t_s > start_s) & (power.t_s < end_s)
    t = np.concatenate([[start_s], power.t_s[inside], [end_s]])
    x = np.interp(t, power.t_s, power.x)
    return float(np.sum((x[1:] + x[:-1]) / 2 * np.diff(t)) / HOUR_S)


def _rise_kwh(counter: Track, start_s: float, end_s: float) -> float:
    return float(np.interp(end_s, *counter) - np.interp(start_s, *counter))


def _quarters(events: list[Event], line: str) -> list[Event]:
    """Return the valid finished quarters of an hour of a line."""
    quarters = [
        e for e in events if e.subject == line and e.window == "15min" and e.what == "window_finished"
    ]
    return [event for event in quarters if event.validity in (Validity.VALID, Validity.PRODUCT_ZERO)]


@pytest.mark.parametrize("line", sorted(METERS))
def test_power_counter_and_stored_energy_agree_over_an_hour(demo_run: DemoRun, line: str) -> None:
    """Sixty simulated minutes; the bar is 0.1 %."""
    model = build_model(load_site(SITE))
    records, events = demo_run.items("records"), demo_run.items("events")
    power, counter = (_track(records, model.index(line, role)) for role in METERS[line])  # type: ignore[arg-type]
    quarters = _quarters(events, line)[-4:]  # type: ignore[arg-type]
    assert len(quarters) == 4
    spans = [(event.start_ns / NS, event.end_ns / NS) for event in quarters]
    integral = sum(_integral_kwh(power, *span) for span in spans)
    rise = sum(_rise_kwh(counter, *span) for span in spans)
    stored = sum(event.metrics["electricity_kwh"].value or 0.0 for event in quarters)
    assert rise > 1000
    assert integral == pytest.approx(rise, rel=1e-3)
    assert stored == pytest.approx(rise, rel=1e-3)
