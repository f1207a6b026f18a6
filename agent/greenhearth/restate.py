"""Stored history with other factors: nothing stored changes, the new figure stands beside the old one.

The sums behind every window are found again from the stored readings. With the factors of its own time
they must give the stored figure; only then they are evaluated with the new ones. The difference is divided
by sequential substitution: the changed factors are put in one after the other, in the alphabetical order of
their names, and each is the cause of what its step moves. So the causes add up to the difference; what two
factors of one product move together belongs to the later one.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from greenhearth.clock import NS
from greenhearth.columns import Scans
from greenhearth.factor_book import FactorBook
from greenhearth.kernels.arrays import F8
from greenhearth.metrics import METRICS
from greenhearth.model import Model
from greenhearth.restate_factors import Infos, Path, factor_set, path_between, stored_set
from greenhearth.restate_report import Group, explanations, periods
from greenhearth.restate_sums import Sums, find_sums, line_model
from greenhearth.restatement import Checked, Restatement
from greenhearth.site import Site
from greenhearth.tables import StreamBuilder
from greenhearth.weights import evaluate_amounts
from greenhearth.wire import Event

SAME = 1e-9
"""Relative difference up to which a figure is the stored one; the same software gives the same bits."""

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Task:
    """One line to restate."""

    site: Site
    line: str
    old_book: FactorBook
    """The catalogue as it is, for sets that no birth tells."""
    new_book: FactorBook
    infos: Infos = field(default_factory=dict)


def restate(task: Task, events: Sequence[Event], scans: Callable[[Model], Iterable[Scans]]) -> Restatement:
    """Restate the finished batches and windows `events` of one line from its stored readings.

    `scans` is asked for the readings of a model's series, in the order of their times.
    ConfigError where a new factor has another unit, is not verified, or has no version for the data.
    """
    checked = Checked(stored=len(events))
    groups: list[Group] = []
    if events:
        model = line_model(task.site, task.line, task.new_book.when(_day(events[0])))
        groups = _groups(task, events, find_sums(model, scans(model)), checked)
    changes = list(dict.fromkeys(change for group in groups for change in group.path.changes))
    found = periods(groups)
    windows = sorted((one for group in groups for one in group.windows()), key=lambda one: one.end_ns)
    return Restatement(
        line=task.line,
        title=task.site.lines[task.line].title,
        known_at=str(task.new_book.known_at),
        old_sets=sorted({group.path.old.name for group in groups}),
        new_sets=sorted({group.path.new.name for group in groups}),
        changes=changes,
        explanations=explanations(changes, found),
        periods=found,
        checked=checked,
        windows=windows,
    )


def _groups(task: Task, events: Sequence[Event], sums: Sums, checked: Checked) -> list[Group]:
    """Divide the windows by their old set and by the days on which the new factors change."""
    days = sorted({*task.old_book.changes(), *task.new_book.changes()})
    members: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        members.setdefault((event.factor_set, bisect_right(days, _day(event))), []).append(event)
    found = (_group(task, name, group, sums, checked) for (name, _), group in members.items())
    return [group for group in found if group is not None]


def _group(task: Task, name: str, events: list[Event], sums: Sums, checked: Checked) -> Group | None:
    day = _day(events[0])
    old = stored_set(task.site, task.line, name, task.old_book.when(day), task.infos)
    if old is None:
        checked.set_unknown += len(events)
        _tell(checked, f"the set {name}: neither a birth nor this catalogue and site file tell its factors")
        return None
    new = factor_set(task.site, task.line, task.new_book.when(day))
    path = path_between(task.site, task.line, old, new)
    with_sums = [event for event in events if (event.window, event.start_ns) in sums.row]
    checked.readings_gone += len(events) - len(with_sums)
    a = sums.a[[sums.row[event.window, event.start_ns] for event in with_sums]]
    return _checked_group(path, with_sums, a, checked)


def _checked_group(path: Path, events: list[Event], a: F8, checked: Checked) -> Group | None:
    """Keep the windows whose stored figure the old factors give again."""
    stored = _stored(events)
    old = _evaluated(path.models[0], a)[0]
    same = _same(stored, old)
    for k in np.flatnonzero(~same).tolist():
        _tell(checked, _difference(events[k], stored[k], old[k]))
    checked.differ += int((~same).sum())
    checked.restated += int(same.sum())
    kept = [event for event, one in zip(events, same.tolist(), strict=True) if one]
    if not kept:
        return None
    later = [_evaluated(model, a[same]) for model in path.models[1:]]
    u = later[-1][1] if later else _evaluated(path.new.model, a[same])[1]
    return Group(path, kept, stored[same], a[same], np.stack([old[same], *(x for x, _ in later)]), u)


def _evaluated(model: Model, a: F8) -> tuple[F8, F8]:
    found = evaluate_amounts(StreamBuilder(model).weights, a)
    return found.x[0], found.u[0]


def _stored(events: list[Event]) -> F8:
    """Return the stored metrics [W, M]; NaN where there is none."""
    found = np.full((len(events), len(METRICS)), np.nan)
    number = {name: m for m, name in enumerate(METRICS)}
    for k, event in enumerate(events):
        for name, one in event.metrics.items():
            if one.value is not None and name in number:
                found[k, number[name]] = one.value
    return found


def _same(stored: F8, again: F8) -> NDArray[np.bool_]:
    """Tell [W] where every stored figure has come out again."""
    near = np.abs(again - stored) <= SAME * np.abs(stored)
    found: NDArray[np.bool_] = np.all(near | np.isnan(stored), axis=1)
    return found


def _difference(event: Event, stored: F8, again: F8) -> str:
    """Say which figure of a window does not come out again."""
    gap = np.nan_to_num(np.abs(again - stored) / np.maximum(np.abs(stored), 1e-30), nan=np.inf)
    m = int(np.argmax(np.where(np.isnan(stored), -1.0, gap)))
    what = f"{event.window} from {_time(event.start_ns)}"
    return f"{what}: {METRICS[m]} is stored as {stored[m]:.9g}, its readings give {again[m]:.9g}"


def _tell(checked: Checked, text: str) -> None:
    if len(checked.examples) < MOST_EXAMPLES:
        checked.examples.append(text)


def _time(t_ns: int) -> str:
    return datetime.fromtimestamp(t_ns / NS, UTC).isoformat(timespec="seconds")


def _day(event: Event) -> date:
    """Return the day whose factors a window has: the one it begins on [UTC]."""
    return datetime.fromtimestamp(event.start_ns / NS, UTC).date()
