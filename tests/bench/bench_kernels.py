"""One live update of 1 000 series through all kernels, in one dispatch.

Prints the median of several rounds beside two yardsticks of the same run: numpy doing only
the decode and the increments, and the time to touch the same memory once.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp())

from greenhearth.engine import Engine
from greenhearth.kernels import step
from greenhearth.kernels.intensity import evaluate
from greenhearth.model import Model, ReadBlock, build_model
from greenhearth.site import load_site

FURNACES, POTLINES, CELLS = 80, 2, 258
WORKS = Path(__file__).parents[1] / "kernels" / "works"


def site_text() -> str:
    """80 furnaces of 6 series and 2 potlines of 260: 1 000 series on 82 lines."""
    head = '[site]\nid = "b"\nname = "b"\n[agent]\nid = "a"\n'
    parts = [head]
    site = (WORKS / "site.toml").read_text()
    furnace, cell = site.split("[line.furnace]\n")[1].split("[line.cell]\n")
    for k in range(FURNACES):
        parts.append(f'[bus.b{k}]\nkind = "tcp"\nhost = "h{k}"\n')
        parts.append(f'[device.d{k}]\nbus = "b{k}"\nprofile = "plcs/bench"\n')
        parts.append(
            f"[line.f{k}]\n{furnace}".replace("line.furnace", f"line.f{k}").replace('"plc"', f'"d{k}"')
        )
    for k in range(POTLINES):
        parts.append(f'[bus.p{k}]\nkind = "tcp"\nhost = "p{k}"\n')
        parts.append(f'[device.p{k}]\nbus = "p{k}"\nprofile = "plcs/pots"\n')
        parts.append(f"[line.c{k}]\n{cell}".replace("line.cell", f"line.c{k}").replace('"pots"', f'"p{k}"'))
    return "".join(parts)


def works() -> Model:
    """The bench works as a numbered model."""
    root = Path(tempfile.mkdtemp())
    shutil.copytree(WORKS, root, dirs_exist_ok=True)
    pots = root / "plcs/pots.toml"
    pots.write_text(pots.read_text().replace("count = 4", f"count = {CELLS}"))
    (root / "site.toml").write_text(site_text())
    os.environ["GREENHEARTH_CONFIGS"] = str(root)
    return build_model(load_site(root / "site.toml"))


def plan(model: Model) -> list[ReadBlock]:
    """One block per furnace; a potline's cells need three."""
    blocks, series, offset = [], 0, 0
    for name in model.site.devices:
        sizes = [(0, 11, 6)] if name.startswith("d") else [(0, 110, 102), (110, 100, 100), (210, 58, 58)]
        for address, count, n in sizes:
            blocks.append(ReadBlock(name, "holding", address, count, series, n, offset))
            series, offset = series + n, offset + count
    return blocks


def median_us(work: Callable[[int], None], rounds: int = 7, calls: int = 300) -> float:
    """Median over rounds of the mean time of a call [us]."""
    means = []
    for r in range(rounds):
        start = time.perf_counter_ns()
        for k in range(calls):
            work(r * calls + k)
        means.append((time.perf_counter_ns() - start) / calls / 1000)
    return statistics.median(means)


def main() -> None:
    """Print the figures."""
    model = works()
    blocks = plan(model)
    engine = Engine(model, blocks)
    words = np.ones(engine.n_words, np.uint16)
    q = np.zeros(len(blocks), np.int32)
    t0 = 1_700_006_400_000_000_000

    def one(k: int) -> None:
        t = t0 + k * 1_000_000_000
        words[::7] = k & 0xFFF
        step.live(
            engine._decode, engine._streams, engine._lines, engine._pots, engine._state, engine._scratch,
            engine._out, t, words, np.full(len(blocks), t), q,
        )  # fmt: skip

    def whole(k: int) -> None:
        t = t0 + (10_000 + k) * 1_000_000_000
        engine.update(t, words, np.full(len(blocks), t), q)

    def intensity(_k: int) -> None:
        s, o = engine._state, engine._out
        evaluate(
            engine._streams, engine._lines, 0, len(model.lines), s.sum_a, s.sum_c, engine._scratch.span,
            True, o.x, o.u, o.v, o.c,
        )  # fmt: skip

    wide = np.ones(2000, ">u2")
    last = np.zeros(1000)

    def in_numpy(k: int) -> None:
        x = wide.view(">u4").astype(np.float64) * 0.1
        delta = x - last
        np.where((delta >= 0) & (delta < 1e6), delta, 0.0)
        0.5 * (x + last) * (1 / 3600)

    touched = sum(a.nbytes for a in engine._state) - 2 * engine._state.bins_a.nbytes
    source, target = np.ones(touched // 8), np.empty(touched // 8)
    one(0)
    figures = {
        "all kernels, one dispatch": median_us(one),
        f"of these {len(engine.metrics)} metrics with intervals, of every line and window": median_us(
            intensity
        ),
        "the same with wire blocks and results as objects": median_us(whole, calls=50),
        "numpy, only decode of one type and two increments": median_us(in_numpy),
        f"touching its {touched // 1024} KiB of state once": median_us(lambda _k: np.copyto(target, source)),
    }
    print(f"{len(model.series)} series, {len(model.lines)} lines, {len(blocks)} blocks")
    for name, value in figures.items():
        print(f"  {value:8.1f} us  {value / figures['all kernels, one dispatch']:6.2f} x  {name}")


if __name__ == "__main__":
    main()
