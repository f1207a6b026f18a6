"""An hour of 1 008 series at 1 s through accumulate, balance, windows and intensity.

The same sums on the same data by numpy, pandas and polars, each as its users write them; all must
find the same metrics, uncertainties, coverage and balances. Prints medians of one run, each after
runs of its own that are not timed (the first after another's work takes up to twice as long, for any
of them), and what share of the machine's copy bandwidth is reached.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp())

from greenhearth.kernels.arrays import COUNTER, F8, I8
from greenhearth.model import Model, build_model
from greenhearth.site import load_site
from greenhearth.sweep import Sweep, Windows, tumbling_edges
from greenhearth.tables import StreamBuilder
from greenhearth.units import UNITS

LINES, SAMPLES, NS = 84, 3600, 1_000_000_000
T0 = 1_700_006_400 * NS
ROUNDS = 11
WARM_S = 0.03
COUNTERS = {
    "work": "kWh", "gas": "Nm3", "coal": "t", "oxygen": "Nm3", "lime": "t", "electrode": "t", "charge": "t",
    "made": "t",
}  # fmt: skip
RATES = {"power": "kW", "gas_flow": "Nm3/h", "dust": "kg/h", "steam": "kW"}
FLOWS = {
    "work": ("electricity_kwh", 1.0, "co2_electricity_kg", 0.5),
    "gas": ("fuel_kwh", 10.0, "co2_fuel_kg", 2.0),
    "coal": ("fuel_kwh", 8000.0, "co2_fuel_kg", 2500.0),
    "lime": ("co2_process_kg", 440.0, "co2_upstream_kg", 1100.0),
    "electrode": ("co2_process_kg", 3640.0, "co2_upstream_kg", 5000.0),
    "charge": ("charge_t", 1.0, "product_estimate_t", 0.9),
    "made": ("product_t", 1.0),
    "steam": ("heat_kwh", 1.0, "co2_heat_kg", 0.2),
}
U_METER = 0.01 / 3**0.5
REQUIRED, LIMITS = ("work", "made"), {"work": 100_000.0, "made": 500.0}
CHECKS = {"power": "work", "gas_flow": "gas"}
ROLES = {**COUNTERS, **RATES}


def point(role: str) -> str:
    """Name of the point of a role: it ends in its unit."""
    return f"{role}_{UNITS[ROLES[role]].suffix}"


def works() -> Model:
    """84 furnaces of 8 counters and 4 rates as a numbered model."""
    root = Path(tempfile.mkdtemp())
    for folder in ("plcs", "processes", "factors"):
        (root / folder).mkdir()
    points = "".join(
        f'[point.{point(name)}]\naddress = {4 * k}\ntype = "float64"\nunit = "{unit}"\n'
        f'accuracy_percent = 1.0\nkind = "{"counter" if name in COUNTERS else "rate"}"\nsource = "bench"\n'
        for k, (name, unit) in enumerate(ROLES.items())
    )
    head = '[profile]\nid = "plcs/furnace"\nmaker = "bench"\nmodel = "bench"\nsource = "bench"\n'
    (root / "plcs/furnace.toml").write_text(head + points)
    head = '[process]\nid = "furnace"\ntitle = "F"\nsector = "steel"\nproduct = "steel"\nsource = "bench"\n'
    (root / "processes/furnace.toml").write_text(head + "".join(map(role_text, ROLES)))
    text = '[site]\nid = "b"\nname = "b"\n[agent]\nid = "a"\n'
    for k in range(LINES):
        text += f'[bus.b{k}]\nkind = "tcp"\nhost = "h{k}"\n'
        text += f'[device.d{k}]\nbus = "b{k}"\nprofile = "plcs/furnace"\n'
        text += f'[line.f{k}]\ntitle = "F"\nprocess = "furnace"\nnominal_t_per_h = 100.0\n[line.f{k}.role]\n'
        for name in ROLES:
            bound = f", max_per_h = {LIMITS[name]}" if name in LIMITS else ""
            text += f'{name} = {{ device = "d{k}", point = "{point(name)}"{bound} }}\n'
    (root / "site.toml").write_text(text)
    os.environ["GREENHEARTH_CONFIGS"] = str(root)
    return build_model(load_site(root / "site.toml"))


def role_text(name: str) -> str:
    """One role of the process file."""
    flow = FLOWS.get(name, ())
    flows = ", ".join(
        f'{{ output = "{o}", multiply = {m} }}' for o, m in zip(flow[::2], flow[1::2], strict=True)
    )
    kind = "counter" if name in COUNTERS else "rate"
    text = f'[role.{name}]\nkind = "{kind}"\nunit = "{ROLES[name]}"\nmeaning = "{name}"\nflows = [{flows}]\n'
    text += "required = true\n" if name in REQUIRED else ""
    return text + (f'checks = "{CHECKS[name]}"\n' if name in CHECKS else "")


def samples() -> tuple[I8, F8]:
    """One hour: a few missing readings, and one exchanged meter."""
    rng = np.random.default_rng(1)
    t = T0 + np.arange(SAMPLES) * NS
    x = np.empty((LINES, 12, SAMPLES))
    pace = np.array([10.0, 1.0, 0.002, 3.0, 0.001, 0.0002, 0.03, 0.025])[:, None]
    x[:, :8] = 1e5 + np.cumsum(pace * (0.5 + rng.random((LINES, 8, SAMPLES))), axis=2)
    x[:, 8:] = np.array([36_000.0, 3600.0, 50.0, 4000.0])[:, None] * (0.5 + rng.random((LINES, 4, SAMPLES)))
    for line, role, at in ((3, 0, 700), (40, 1, 1234), (41, 9, 2000), (70, 7, 3100)):
        x[line, role, at : at + 4] = np.nan
    x[50, 0, 1500:] -= x[50, 0, 1500]
    return t, x.reshape(LINES * 12, SAMPLES)


@dataclass(frozen=True)
class Question:
    """What all are asked: the samples, the windows, and the factors of a line."""

    t: I8
    x: F8
    edges: I8
    limit: F8
    """[n] largest believable step."""
    is_counter: F8
    g: F8
    """[12, C] amount of each metric per unit."""
    p: F8
    """[12] product per unit."""
    per: I8
    """[C] what a metric is divided by: nothing, product, charge."""
    charge: F8


@dataclass(frozen=True)
class Answer:
    """Metrics and their uncertainty [L, W, C], coverage [L, W] and balances [L, W, 2]."""

    x: F8
    u: F8
    coverage: F8
    balance: F8


def question(model: Model, t: I8, x: F8, length_s: int) -> Question:
    """Take the factors out of the tables that the kernels use."""
    builder = StreamBuilder(model)
    c, w = builder.streams(), builder.lines().weights
    g = np.zeros((12, w.ratio.size))
    for m in range(w.ratio.size):
        part = slice(w.sum_ptr[m], w.sum_ptr[m + 1])
        g[w.sum_series[part], m] = w.sum_g[part]
    limit = c.max_per_h * (1.2 / 3600 + 2.0 / 3600)
    edges = tumbling_edges(int(t[0]), int(t[-1]), length_s * NS)
    return Question(t, x, edges, limit, c.kind == COUNTER, g, c.p[:12], w.ratio, c.charge[:12])


def answered(q: Question, a: F8, seconds: F8) -> Answer:
    """Metrics of sums a and covered time [n, W]: the same few numbers for every rival."""
    a, covered = a.reshape(LINES, 12, -1), seconds.reshape(LINES, 12, -1)
    span = np.diff(q.edges) / 1e9
    flow = a / covered
    a = a.transpose(0, 2, 1)
    below = np.stack([np.zeros(12), q.p, q.charge], 1)[:, q.per]
    divisor = np.where(q.per == 0, 1.0, a @ below)
    x = a @ q.g / divisor
    errors = (a * U_METER) ** 2  # every stream has a meter of its own: their errors add as squares
    squares = errors @ q.g**2 - 2.0 * x * (errors @ (q.g * below)) + x**2 * (errors @ below**2)
    u = 2.0 * np.sqrt(np.maximum(squares, 0.0)) / divisor
    coverage = np.minimum(covered[:, 0], covered[:, 7]) / span
    balance = flow[:, 8:10] / flow[:, 0:2] - 1.0
    return Answer(x, u, coverage, balance.transpose(0, 2, 1))


def in_numpy(q: Question) -> Answer:
    """Differences, masks and reduceat; only rows that have gaps are filled, the cheapest way."""
    x = q.x.reshape(LINES, 12, -1)
    starts = np.searchsorted(q.t[1:], q.edges[:-1], side="right")
    counters, rates = x[:, :8], x[:, 8:]
    d = np.diff(counters)
    for line, role in zip(*np.nonzero(np.isnan(d.sum(axis=2))), strict=True):
        d[line, role] = np.diff(filled(counters[line, role]))
    ok = (d >= 0.0) & (d <= q.limit.reshape(LINES, 12, 1)[:, :8])
    a, seconds = np.empty((LINES, 12, starts.size)), np.empty((LINES, 12, starts.size))
    a[:, :8] = np.add.reduceat(d * ok, starts, axis=2)
    seconds[:, :8] = np.add.reduceat(ok.view(np.int8), starts, axis=2, dtype=np.int16)
    e = rates[:, :, 1:] + rates[:, :, :-1]
    for line, role in zip(*np.nonzero(np.isnan(e.sum(axis=2))), strict=True):
        row = straight(rates[line, role])
        e[line, role] = row[1:] + row[:-1]
    a[:, 8:] = np.add.reduceat(e, starts, axis=2) * (0.5 / 3600)
    seconds[:, 8:] = np.diff([*starts, SAMPLES - 1])
    return answered(q, a.reshape(-1, starts.size), seconds.reshape(-1, starts.size))


def filled(row: F8) -> F8:
    """Return a row with gaps filled from before."""
    at = np.where(np.isnan(row), 0, np.arange(row.size))
    return np.asarray(row[np.maximum.accumulate(at)])


def straight(row: F8) -> F8:
    """Return a row with gaps bridged by straight lines: the sweep does so up to 30 s."""
    at, known = np.arange(row.size), ~np.isnan(row)
    return np.interp(at, at[known], row[known])


class InPandas:
    """A frame with a column per series on a time index."""

    def __init__(self, q: Question) -> None:
        times = pd.to_datetime(q.t)
        counter = q.is_counter.astype(bool)
        self.counters = pd.DataFrame(q.x[counter].T, index=times)
        self.rates = pd.DataFrame(q.x[~counter].T, index=times)
        self.order = np.argsort(np.concatenate([np.flatnonzero(counter), np.flatnonzero(~counter)]))
        self.limit = q.limit[counter]
        self.every = pd.Timedelta(int(q.edges[1] - q.edges[0]))

    def __call__(self, q: Question) -> Answer:
        """diff, where, resample."""
        d = self.counters.ffill().diff()
        ok = (d >= 0.0) & (d <= self.limit)
        rates = self.rates.interpolate()
        e = (rates + rates.shift()) * (0.5 / 3600)
        parts = [self.sums(d.where(ok)), self.sums(e)]
        a, n = (np.concatenate([part[k] for part in parts])[self.order] for k in range(2))
        return answered(q, a, n)

    def sums(self, frame: pd.DataFrame) -> tuple[F8, F8]:
        """Sum and count of every window; intervals belong to the window they end in."""
        groups = frame.iloc[1:].resample(self.every, closed="right", label="left")
        return groups.sum().to_numpy().T, groups.count().to_numpy().T


class InPolars:
    """A frame with a column per series, lazily, on all cores; its streaming engine takes 15 x as long."""

    def __init__(self, q: Question) -> None:
        data = {str(i): q.x[i] for i in range(len(q.x))}
        self.frame = pl.DataFrame({"t": q.t, **data}).with_columns(pl.exclude("t").fill_nan(None))
        self.every = f"{int(q.edges[1] - q.edges[0]) // NS}s"

    def __call__(self, q: Question) -> Answer:
        """One lazy query: steps, then their sums and counts by window."""
        steps = [self.step(q, i) for i in range(len(q.x))]
        names = [str(i) for i in range(len(q.x))]
        lazy = self.frame.lazy().select(pl.col("t").cast(pl.Datetime("ns")), *steps).slice(1)
        windows = lazy.group_by_dynamic("t", every=self.every, closed="right").agg(
            pl.col(names).sum(), pl.col(names).count().name.suffix("n")
        )
        found = windows.collect(engine="in-memory").drop("t").to_numpy().T
        return answered(q, found[: len(q.x)].astype(float), found[len(q.x) :].astype(float))

    def step(self, q: Question, i: int) -> pl.Expr:
        """Increment of one series per sample, null where there is none."""
        x = pl.col(str(i))
        if not q.is_counter[i]:
            rate = x.interpolate()
            return (rate + rate.shift()) * (0.5 / 3600)
        d = x.forward_fill().diff()
        return pl.when(d.is_between(0.0, q.limit[i])).then(d).alias(str(i))


class InSweep:
    """The compiled kernels."""

    def __init__(self, model: Model, threads: int) -> None:
        self.sweep = Sweep(model, threads=threads)

    def __call__(self, q: Question) -> Windows:
        """From samples to metrics."""
        self.sweep.begin(q.edges)
        self.sweep.add(q.t, q.x)
        return self.sweep.windows()


def as_answer(w: Windows) -> Answer:
    """Bring what the sweep found into the shape of the others."""
    pairs = [[w.balances[f"f{k}.power"], w.balances[f"f{k}.gas_flow"]] for k in range(LINES)]
    return Answer(w.x, w.u, w.coverage, np.array(pairs).transpose(0, 2, 1))


def must_agree(name: str, one: Answer, other: Answer) -> None:
    """Stop where two answers differ by more than 1e-9."""
    for what in ("x", "u", "coverage", "balance"):
        np.testing.assert_allclose(
            getattr(other, what), getattr(one, what), rtol=1e-9, atol=1e-9, err_msg=f"{name}: {what}"
        )


def medians(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each over rounds in which all take turns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            ready = time.perf_counter() + WARM_S
            while time.perf_counter() < ready:
                work()
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(all_of) for name, all_of in times.items()}


def compare(model: Model, t: I8, x: F8, length_s: int) -> None:
    """Run all on windows of one length and print."""
    q = question(model, t, x, length_s)
    cores = os.cpu_count() or 1
    ours = {f"sweep, {n} thread{'s' * (n > 1)}": InSweep(model, n) for n in sorted({1, cores})}
    rivals: dict[str, Callable[[Question], Answer]] = {
        "numpy": in_numpy, "pandas": InPandas(q), "polars": InPolars(q),
    }  # fmt: skip
    expected = as_answer(next(iter(ours.values()))(q))
    for name, rival in rivals.items():
        must_agree(name, expected, rival(q))
    target = np.empty_like(x)
    timed = {name: lambda f=f: f(q) for name, f in {**ours, **rivals}.items()}
    found = medians({**timed, "copy": lambda: np.copyto(target, x)})
    copy = found.pop("copy")
    best = min(found[name] for name in rivals)
    print(f"{x.shape[0]} series x {x.shape[1]} samples, {LINES} lines, windows of {length_s} s")
    bandwidth = 2 * x.nbytes / copy / 1e9  # a copy reads and writes
    for name, seconds in found.items():
        rate = x.nbytes / seconds / 1e9
        speed = f"{1000 * seconds:8.2f} ms {best / seconds:6.1f} x the best rival"
        print(f"{speed} {x.size / seconds / 1e6:7.0f} M samples/s {rate:6.2f} GB/s, ", end="")
        print(f"{100 * rate / bandwidth:3.0f} % of the copy  {name}")
    print(f"{1000 * copy:8.2f} ms np.copyto of the same samples: {bandwidth:.1f} GB/s, read and written")


def main() -> None:
    """Print the figures."""
    print(f"numpy {np.__version__}, pandas {pd.__version__}, polars {pl.__version__}, {os.cpu_count()} cores")
    model = works()
    t, x = samples()
    for length_s in (900, 60):
        compare(model, t, x, length_s)


if __name__ == "__main__":
    main()
