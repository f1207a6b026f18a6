"""Anode-effect detection on 300 pots at 10 Hz: share of one core, and what was found of what was planted.

Ten minutes of voltages with planted effects of 2 s to 5 min go as registers through
`Engine.update` (decode, all kernels, windows, intensity, records and events), one call a scan,
as the agent does; then the compiled step alone, then the potline kernel alone. One low sample
a second in every effect, and a spike of 1 s before each, must change nothing. Bar: 2 % of one core.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp())

from greenhearth.engine import Engine
from greenhearth.kernels import step
from greenhearth.kernels.potline import potline
from greenhearth.model import Model, ReadBlock, build_model
from greenhearth.site import load_site
from greenhearth.wire import Event

POTS, HZ, SECONDS = 300, 10, 600
BAR_PERCENT = 2.0
T0 = 1_700_006_400_000_000_000
WORKS = Path(__file__).parents[1] / "kernels" / "works"
SITE = """
[site]
id = "w"
name = "w"
[agent]
id = "a"
scan_interval_s = 0.1
[bus.one]
kind = "tcp"
host = "127.0.0.1"
[device.pots]
bus = "one"
profile = "plcs/pots"
[line.cell]
title = "Cells"
process = "cells"
parameters = { ae_min_s = 1.5 }
[line.cell.role]
line_current = { device = "pots", point = "current_ka" }
work = { device = "pots", point = "work_kwh" }
cell_voltage = { device = "pots", point = "cell_v" }
"""


def works() -> Model:
    """One potline of 300 cells as a numbered model."""
    root = Path(tempfile.mkdtemp())
    shutil.copytree(WORKS, root, dirs_exist_ok=True)
    pots = root / "plcs/pots.toml"
    pots.write_text(pots.read_text().replace("count = 4", f"count = {POTS}"))
    (root / "site.toml").write_text(SITE)
    os.environ["GREENHEARTH_CONFIGS"] = str(root)
    return build_model(load_site(root / "site.toml"))


BLOCKS = [
    ReadBlock("pots", "holding", 0, 110, 0, 102, 0),
    ReadBlock("pots", "holding", 110, 100, 102, 100, 110),
    ReadBlock("pots", "holding", 210, 100, 202, 100, 210),
]
"""310 registers: three requests."""


def planted() -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Registers [scans, 310] in mV, and the effects in them (cell, start, end [ns])."""
    rng = np.random.default_rng(11)
    n = SECONDS * HZ
    words = np.zeros((n, 310), np.uint16)
    words[:, :2] = np.frombuffer(np.array([400.0], ">f4").tobytes(), ">u2")
    words[:, 10:] = (4150 + 50 * rng.standard_normal((n, POTS))).astype(np.uint16)
    found = []
    for cell in range(POTS):
        clock = rng.uniform(2, 40)
        while True:
            length = float(np.exp(rng.uniform(np.log(2.0), np.log(300.0))))
            if clock + length > SECONDS - 5:
                break
            first, last = int(np.ceil(clock * HZ)), int(np.ceil((clock + length) * HZ))
            words[first:last, 10 + cell] = rng.integers(20_000, 40_000)
            words[first + 3 : last - 3 : 10, 10 + cell] = 7900  # one low sample a second
            found.append((cell, T0 + round(clock * 1e9), T0 + round((clock + length) * 1e9)))
            clock += length + rng.uniform(8, 200)
            spike = int((clock - 4) * HZ)
            words[spike : spike + 10, 10 + cell] = 30_000  # 1 s: too short
    return words, found


def run(engine: Engine, words: np.ndarray) -> tuple[list[Event], float]:
    """Feed all scans; return the anode effects and the seconds of processor time they took."""
    events: list[Event] = []
    q = np.zeros(3, np.int32)
    began = time.process_time()
    for k in range(len(words)):
        t = T0 + k * (1_000_000_000 // HZ)
        scan = engine.update(t, words[k], np.full(3, t), q)
        if scan.events:
            events += scan.events
    return [e for e in events if e.what.startswith("anode_effect")], time.process_time() - began


def kernels(engine: Engine, words: np.ndarray) -> float:
    """Return the seconds of processor time of the compiled step alone, over the same scans."""
    q = np.zeros(3, np.int32)
    began = time.process_time()
    for k in range(len(words)):
        t = T0 + k * (1_000_000_000 // HZ)
        step.live(
            engine._decode, engine._streams, engine._lines, engine._pots, engine._state, engine._scratch,
            engine._out, t, words[k], np.full(3, t), q,
        )  # fmt: skip
    return time.process_time() - began


def potline_alone(engine: Engine, words: np.ndarray) -> float:
    """Return the seconds of processor time of the potline kernel alone: every cell fresh, none decoded."""
    state, scratch = engine._state, engine._scratch
    volts = words[:, 10:].astype(np.float64) / 1000.0
    began = time.process_time()
    for k in range(len(words)):
        state.x[2 : 2 + POTS] = volts[k]
        state.t[: 2 + POTS] = T0 + k * (1_000_000_000 // HZ)
        state.q[: 2 + POTS] = 0
        scratch.fresh[: 2 + POTS] = 1
        potline(engine._pots, engine._streams, state, scratch, engine._out)
    return time.process_time() - began


def check(events: list[Event], plan: list[tuple[int, int, int]]) -> tuple[int, int, float]:
    """Return how many were found, how many invented, and the worst error of a duration [samples]."""
    names = [f"cell.cell_voltage_{k + 1:03d}" for k in range(POTS)]
    told = sorted((names.index(e.subject), e.start_ns, e.end_ns) for e in events)
    left, worst, found = list(told), 0.0, 0
    for cell, start, end in plan:
        match = next((one for one in left if one[0] == cell and one[1] < end and one[2] > start), None)
        if match is not None:
            left.remove(match)
            found += 1
            worst = max(worst, abs((match[2] - match[1]) - (end - start)) * HZ / 1e9)
    return found, len(left), worst


def main() -> None:
    """Print the figures."""
    model = works()
    words, plan = planted()
    run(Engine(model, BLOCKS), words[:5])
    potline_alone(Engine(model, BLOCKS), words[:5])
    events, whole = run(Engine(model, BLOCKS), words)
    figures: dict[str, Callable[[], float]] = {
        "Engine.update: registers to records, results and events": lambda: whole,
        "all kernels, one dispatch a scan": lambda: kernels(Engine(model, BLOCKS), words),
        "the potline kernel, with setting its inputs": lambda: potline_alone(Engine(model, BLOCKS), words),
    }
    found, invented, worst = check(events, plan)
    print(f"{POTS} pots x {HZ} Hz, {SECONDS} s, {len(model.series)} series; bar {BAR_PERCENT} % of one core")
    for name, measure in figures.items():
        seconds = measure()
        print(f"  {seconds / len(words) * 1e6:8.1f} us  {100 * seconds / SECONDS:6.3f} %  {name}")
    print(
        f"  {found} of {len(plan)} planted effects found, {invented} invented, "
        f"worst duration {worst:.2f} samples off"
    )


if __name__ == "__main__":
    main()
