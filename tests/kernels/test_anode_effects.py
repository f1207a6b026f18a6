"""Anode effects from cell voltages: all that happened, none that did not, and how long each was."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenhearth.engine import Engine
from greenhearth.model import Model, build_model
from greenhearth.quality import Quality, Validity
from greenhearth.site import load_site
from greenhearth.wire import Event

from .conftest import WORKS

T0 = 1_700_006_400_000_000_000
S = 1_000_000_000
THRESHOLD, TARGET, GAP_NS = 8.0, 4.2, 30 * S
OUT = -1.0
"""Stands for a cell that is taken out of circuit."""
SITE = """
[site]
id = "w"
name = "w"
[agent]
id = "a"
[bus.one]
kind = "tcp"
host = "127.0.0.1"
[device.pots]
bus = "one"
profile = "plcs/pots"
[line.cell]
title = "Cells"
process = "cells"
parameters = { ae_min_s = %s, ae_end_s = 2.0 }
[line.cell.role]
line_current = { device = "pots", point = "current_ka" }
work = { device = "pots", point = "work_kwh" }
cell_voltage = { device = "pots", point = "cell_v" }
"""


@pytest.fixture(scope="session")
def potline(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Model]:
    """Make the model of a line with so many cells and so long a shortest effect [s]."""

    def make(cells: int, shortest_s: float, required: str = "") -> Model:
        root = tmp_path_factory.mktemp("potline")
        shutil.copytree(WORKS, root, dirs_exist_ok=True)
        pots, process = root / "plcs/pots.toml", root / "processes/cells.toml"
        pots.write_text(pots.read_text().replace("count = 4", f"count = {cells}"))
        if required:
            text = process.read_text()
            process.write_text(
                text.replace(f"[derived.{required}]", f"[derived.{required}]\nrequired = true")
            )
        (root / "site.toml").write_text(SITE % shortest_s)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GREENHEARTH_CONFIGS", str(root))
            return build_model(load_site(Path(root / "site.toml")))

    return make


@dataclass
class Run:
    """An engine fed with voltages [cells] (NaN: failed reading), and the sums of what it booked."""

    model: Model
    engine: Engine = field(init=False)
    events: list[Event] = field(default_factory=list)
    sums: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("min", "product", "count", "over"), 0.0)
    )

    def __post_init__(self) -> None:
        self.engine = Engine(self.model)

    def scan(self, t_ns: int, volts: np.ndarray, current: float = 400.0) -> None:
        """Run one scan; the first two series are current and energy."""
        x = np.concatenate([[current, 0.0], volts])
        q = np.where(np.isnan(x), int(Quality.TIMEOUT), 0).astype(np.int32)
        q[x == OUT] = int(Quality.SENTINEL)
        fresh = np.ones(x.size, np.int32)
        events = self.engine.finish_with(t_ns, x, np.full(x.size, t_ns), q, fresh)
        self.events += [e for e in events if e.what.startswith("anode_effect")]
        pots, inc = self.engine._pots, self.engine._scratch.inc
        rows = (pots.ae_min, pots.ae_product, pots.ae_count, pots.ae_over)
        for name, row in zip(self.sums, rows, strict=True):
            self.sums[name] += inc[row[0]]

    def told(self, cell: int) -> list[tuple[int, int]]:
        """Start and end of the effects told of one cell."""
        name = f"cell.cell_voltage_{cell + 1:03d}"
        return [(e.start_ns, e.end_ns) for e in self.events if e.subject == name]


def plain(t: list[int], v: list[float], shortest: int, hold: int) -> tuple[list[tuple[int, int]], int, float]:
    """The same in plain Python: finished effects, time [ns] and integral [V ns] of all that count.

    Stretches without a gap are cut into runs at or above the threshold, runs with short dips joined.
    """
    stretches: list[list[tuple[int, float]]] = [[]]
    for one, volts in zip(t, v, strict=True):
        last = stretches[-1]
        if np.isnan(volts):
            continue
        if volts == OUT:
            stretches.append([])
            continue
        if last and one - last[-1][0] > GAP_NS:
            stretches.append([])
        stretches[-1].append((one, volts))
    finished, above, integral = [], 0, 0.0
    for number, stretch in enumerate(stretches):
        open_end = number == len(stretches) - 1
        for effect in joined(stretch, hold):
            time = sum(b - a for a, b, _ in effect)
            if time == 0 or time < shortest:
                continue
            above += time
            integral += sum(part for _, _, part in effect)
            end = effect[-1][1]
            seen_low = stretch[-1][0] - end
            unfinished = open_end and t[-1] - stretch[-1][0] <= GAP_NS and seen_low < hold
            if not unfinished:
                finished.append((effect[0][0], end))
    return finished, above, integral


def joined(stretch: list[tuple[int, float]], hold: int) -> list[list[tuple[int, int, float]]]:
    """Runs (start, end, integral of the overvoltage), in groups with dips shorter than the hold."""
    runs: list[list[tuple[int, int, float]]] = []
    before = 0.0
    for k, (one, volts) in enumerate(stretch):
        if volts >= THRESHOLD:
            end = stretch[k + 1][0] if k + 1 < len(stretch) else one
            part = (volts - TARGET) * (end - one)
            goes_on = before >= THRESHOLD
            if goes_on:
                start, _, so_far = runs[-1][-1]
                runs[-1][-1] = (start, end, so_far + part)
            elif runs and stretch[k - 1][0] - runs[-1][-1][1] < hold:
                runs[-1].append((one, end, part))
            else:
                runs.append([(one, end, part)])
        before = volts
    return runs


@dataclass
class Plan:
    """Voltages over time with what was planted in them."""

    t: np.ndarray
    v: np.ndarray
    planted: list[tuple[int, int, int]]
    """Cell, start, end [ns]."""


def planted(cells: int, hz: int, seconds: int, shortest_s: float, seed: int) -> Plan:
    """Effects of `shortest_s` to 10 minutes, low samples in them, humps, spikes and two failed seconds."""
    rng = np.random.default_rng(seed)
    t = T0 + np.arange(seconds * hz) * (S // hz) + rng.integers(0, S // hz // 20, seconds * hz)
    v = 4.15 + 0.05 * rng.standard_normal((t.size, cells))
    found = []
    blind = (T0 + 400 * S, T0 + 402 * S)
    for cell in range(cells):
        clock = T0 + int(rng.uniform(5, 60) * S)
        while True:
            what = rng.choice(["effect", "chatter", "hump", "spike"])
            length = {"hump": rng.uniform(10, 60), "spike": rng.uniform(0.1, 0.6 * shortest_s - 1 / hz)}.get(
                what, float(np.exp(rng.uniform(np.log(shortest_s + 2 / hz), np.log(600.0))))
            )
            start, end = clock, clock + int(length * S)
            clock = end + int(rng.uniform(5, 200) * S)
            if end > t[-1] - 10 * S:
                break
            if any(blind[0] - S < edge < blind[1] + S for edge in (start, end)):
                continue  # what nobody could see begin or end
            if what == "chatter" and start < blind[0] < end:
                what = "effect"  # low before and low after: that could be two
            inside = np.flatnonzero((t >= start) & (t < end))
            v[inside, cell] = 7.9 if what == "hump" else rng.uniform(20.0, 40.0)
            if what == "chatter":  # within two samples around the threshold, dips of one sample
                v[inside[2:-2], cell] = 8.05
                v[inside[2:-2:3], cell] = 7.95
            if what in ("effect", "chatter"):
                found.append((cell, start, end))
    v[(t > blind[0]) & (t < blind[1])] = np.nan
    return Plan(t, v, found)


@pytest.mark.parametrize(("hz", "seconds", "shortest_s"), [(10, 1100, 2.0), (1, 3000, 6.0)])
def test_every_planted_effect_is_found_none_is_invented_and_each_is_right_within_one_sample(
    potline: Callable[..., Model], hz: int, seconds: int, shortest_s: float
) -> None:
    plan = planted(300, hz, seconds, shortest_s, seed=5)
    run = Run(potline(300, 0.6 * shortest_s))
    for t, v in zip(plan.t.tolist(), plan.v, strict=True):
        run.scan(t, v)
    found = sorted((c, a, b) for c in range(300) for a, b in run.told(c))

    assert len(plan.planted) > 500
    assert [c for c, _, _ in found] == [c for c, _, _ in sorted(plan.planted)]
    sample = int(np.diff(plan.t).max())
    for (_, a, b), (_, start, end) in zip(found, sorted(plan.planted), strict=True):
        assert 0 <= a - start <= sample
        assert 0 <= b - end <= sample
        assert abs((b - a) - (end - start)) <= sample
    assert run.sums["count"] == len(found)


def test_minutes_and_overvoltage_of_300_cells_are_those_of_plain_python(
    potline: Callable[..., Model],
) -> None:
    plan = planted(300, 1, 1200, 6.0, seed=8)
    run = Run(potline(300, 3.0))
    above, integral = 0, 0.0
    for t, v in zip(plan.t.tolist(), plan.v, strict=True):
        run.scan(t, v)
    for cell in range(300):
        finished, time, over = plain(plan.t.tolist(), plan.v[:, cell].tolist(), 3 * S, 2 * S)
        assert run.told(cell) == finished
        above, integral = above + time, integral + over
    t_per_cell_day = 24 * 400.0 * 0.335573e-3 * 0.94

    assert run.sums["min"] == pytest.approx(above / 60e9, rel=1e-12)
    assert run.sums["product"] == pytest.approx(above / 60e9 * t_per_cell_day, rel=1e-12)
    assert run.sums["over"] == pytest.approx(1000 * integral / 86400e9 * t_per_cell_day, rel=1e-12)


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from([100_000_000, S, 2 * S, 7 * S, 31 * S]),
        st.sampled_from([4.2, 7.99, 8.0, 8.0, 31.5, 31.5, float("nan"), OUT]),
    ),
    min_size=2,
    max_size=50,
)


@settings(max_examples=150, deadline=None)
@given(SAMPLES, st.integers(0, 49))
def test_any_voltages_give_what_plain_python_finds_also_over_a_restart(
    potline: Callable[..., Model], samples: list[tuple[int, float]], stop: int
) -> None:
    model = _four_cells(potline)
    run, t = Run(model), np.cumsum([T0] + [dt for dt, _ in samples]).tolist()
    volts = [4.2] + [v for _, v in samples]
    for k, (now, v) in enumerate(zip(t, volts, strict=True)):
        run.scan(now, np.array([v, 4.2, 4.2, OUT]))
        if k == stop:  # killed here, and started again
            saved = run.engine.snapshot()
            run.engine = Engine(model)
            run.engine.restore(saved)
    finished, above, integral = plain(t, volts, 3 * S, 2 * S)

    assert run.told(0) == finished
    assert run.sums["min"] == pytest.approx(above / 60e9, rel=1e-9)
    assert run.sums["over"] == pytest.approx(1000 * integral / 86400e9 * 3.0281, rel=1e-4)
    assert run.told(1) == run.told(3) == []


_MODELS: list[Model] = []


def _four_cells(potline: Callable[..., Model]) -> Model:
    if not _MODELS:
        _MODELS.append(potline(4, 3.0))
    return _MODELS[0]


def _second_by_second(run: Run, cell: list[float], start: int = 0) -> None:
    for k, v in enumerate(cell, start):
        run.scan(T0 + k * S, np.array([v, 4.2, 4.2, 4.2]))


def test_an_effect_says_how_long_it_was_and_how_high_in_plain_words(potline: Callable[..., Model]) -> None:
    run = Run(_four_cells(potline))
    _second_by_second(run, [4.2] * 5 + [30.2] * 30 + [4.2] + [34.2] * 30 + [4.0] * 5)
    (event,) = run.events

    assert (event.what, event.subject) == ("anode_effect", "cell.cell_voltage_001")
    assert (event.start_ns, event.end_ns) == (T0 + 5 * S, T0 + 66 * S)
    assert (
        event.detail == "anode effect of 61.0 s, up to 34.2 V, on average 28000 mV above its target voltage"
    )
    assert run.sums["min"] == pytest.approx(
        1.0
    )  # the dip of one second is part of the effect, not of its time


def test_low_samples_for_as_long_as_the_end_hold_make_two_effects(potline: Callable[..., Model]) -> None:
    run = Run(_four_cells(potline))
    _second_by_second(run, [4.2, *[30.0] * 10, 4.2, 4.2, 4.2, *[30.0] * 10, 4.2, 4.2, 4.2])
    assert run.told(0) == [(T0 + S, T0 + 11 * S), (T0 + 14 * S, T0 + 24 * S)]
    assert run.sums["count"] == 2


def test_failed_readings_do_not_end_an_effect_until_the_gap_is_too_long(
    potline: Callable[..., Model],
) -> None:
    run = Run(_four_cells(potline))
    nan = float("nan")
    _second_by_second(run, [4.2, *[30.0] * 10, *[nan] * 20, *[30.0] * 10, 4.2, 4.2, 4.2])
    assert run.told(0) == [(T0 + S, T0 + 41 * S)]
    _second_by_second(run, [*[30.0] * 10, *[nan] * 40, *[30.0] * 10, 4.2, 4.2, 4.2], start=100)
    assert run.told(0)[1:] == [(T0 + 100 * S, T0 + 109 * S), (T0 + 150 * S, T0 + 160 * S)]
    assert "its end was not seen" in run.events[1].detail


def test_a_cell_taken_out_of_circuit_ends_its_effect(potline: Callable[..., Model]) -> None:
    run = Run(_four_cells(potline))
    _second_by_second(run, [4.2, *[30.0] * 10, OUT, OUT, OUT])
    assert run.told(0) == [(T0 + S, T0 + 10 * S)]
    assert "out of circuit" in run.events[0].detail


def test_more_effects_than_fit_are_counted_and_in_every_sum(potline: Callable[..., Model]) -> None:
    run = Run(potline(300, 3.0))
    for k in range(20):
        run.scan(T0 + k * S, np.full(300, 30.0 if 2 <= k < 12 else 4.2))
    *listed, rest = run.events

    assert (len(listed), rest.what) == (64, "anode_effects_not_listed")
    assert rest.detail.startswith("236 more anode effects ended in this scan")
    assert run.sums["count"] == 300
    assert run.sums["min"] == pytest.approx(300 * 10 / 60)


def test_minutes_of_anode_effect_are_not_covered_while_voltages_fail(potline: Callable[..., Model]) -> None:
    run = Run(potline(4, 3.0, required="ae_product"))
    for k in range(900):
        run.scan(T0 + k * S, np.full(4, 4.2))
    assert run.engine._results()[0].v == Validity.VALID
    for k in range(900, 1100):
        run.scan(T0 + k * S, np.full(4, np.nan))
    result = run.engine._results()[0]

    assert result.v == Validity.PARTIAL
    assert result.c == pytest.approx(1 - 200 / 900, abs=0.03)
