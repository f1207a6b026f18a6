"""What was shown live is what the same readings give as history."""

from greenhearth.engine import Engine
from greenhearth.model import build_model
from greenhearth.site import load_site
from greenhearth.wire import Event, Record, WindowResult

from .conftest import SITE, DemoRun

BAR = 1e-12


def _differences(live: list[WindowResult], again: list[WindowResult]) -> list[float]:
    """Relative differences of all metrics; 1 where one side has a number and the other has none."""
    found = []
    for a, b in zip(live, again, strict=True):
        assert (a.l, a.w, a.v, a.b, a.p) == (b.l, b.w, b.v, b.b, b.p)
        for x, y in zip(a.x, b.x, strict=True):
            if x is None or y is None:
                found.append(0.0 if x is y else 1.0)
            else:
                found.append(abs(x - y) / max(abs(x), 1e-300) if x != y else 0.0)
    return found


def _told(events: list[Event]) -> dict[tuple[object, ...], object]:
    """Figures of what finished and of the green twins beside it."""
    return {
        (e.subject, e.what, e.detail, e.window, e.end_ns): (e.metrics, e.factor_set)
        for e in events
        if e.what == "twin" or e.what.endswith("_finished")
    }


def test_every_live_result_is_the_result_of_its_history(demo_run: DemoRun) -> None:
    """All results of all lines and windows of a demo, run again from the journal's readings."""
    engine = Engine(build_model(load_site(SITE)))
    records = [item for item in demo_run.items("records") if isinstance(item, Record)]
    stored = [item for item in demo_run.items("events") if isinstance(item, Event)]
    worst, compared = 0.0, 0
    finished: list[Event] = []
    for record in sorted(records, key=lambda r: (r.epoch, r.seq)):
        scan = engine.apply(record)
        differences = _differences(record.results, scan.results)
        worst = max(worst, *differences)
        compared += len(differences)
        finished += scan.events

    assert compared > 100_000
    assert worst <= BAR
    again, live = _told(finished), _told(stored)
    assert {what for _, what, *_ in live} == {"batch_finished", "window_finished", "twin"}
    assert again == live
