"""The sums behind the stored windows of a line, found again from its stored readings."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from greenhearth.columns import Scans
from greenhearth.factors import Factor
from greenhearth.kernels.arrays import F8, I4, I8
from greenhearth.kernels.retrace import retrace, rows_for
from greenhearth.metrics import WINDOWS
from greenhearth.model import EmptyModel, Model, build_model
from greenhearth.site import Site
from greenhearth.strict import ConfigError
from greenhearth.tables import StreamBuilder, new_out, new_scratch, new_state
from greenhearth.wire import Birth


@dataclass(frozen=True)
class Sums:
    """W finished windows: where each stands, and the amounts a [W, m] of its m streams."""

    row: dict[tuple[str, int], int]
    """(window, start [Unix ns]) -> row."""
    a: F8


def line_model(site: Site, line: str, catalogue: dict[str, Factor]) -> Model:
    """Return the model of one line alone: the series that play a role in it, and its factors."""
    alone = msgspec.structs.replace(site, lines={line: site.lines[line]})
    whole = build_model(alone, catalogue)
    return Model(alone, [one for one in whole.series if one.line], [], whole.lines)


def columns_of(model: Model, birth: Birth | None) -> NDArray[np.int64]:
    """Return for each series of a birth its number in the model, -1 where the line has none of it.

    ConfigError where a series was stored in another unit than the site file now says.
    """
    numbers = {one.name: i for i, one in enumerate(model.series)}
    series = birth.series if birth else []
    for one in series:
        if one.name in numbers and model.series[numbers[one.name]].unit != one.unit:
            now = model.series[numbers[one.name]].unit
            why = f"was stored in '{one.unit}', its profile now says '{now}'; give the site file of that time"
            raise ConfigError(model.site.path, 0, one.name, why)
    return np.array([numbers.get(one.name, -1) for one in series], np.int64)


def find_sums(model: Model, scans: Iterable[Scans]) -> Sums:
    """Feed the stored readings of one line (a model of that line alone) and return its windows."""
    tracer = _Tracer(model)
    for group in scans:
        tracer.feed(group)
    return tracer.sums()


def warm_up() -> None:
    """Compile what a recomputation runs, so that the first one need not wait for it."""
    tracer = _Tracer(EmptyModel())
    none, whole = np.zeros((0, 0)), np.zeros((0, 0), np.int64)
    arrays = (np.zeros(0, np.int64), none, whole, np.zeros((0, 0), np.int32))
    tracer.trace(*arrays, np.zeros((0, 3), np.int64), none, none)


class _Tracer:
    def __init__(self, model: Model) -> None:
        builder = StreamBuilder(model)
        self._tables = (builder.streams(), builder.lines(), builder.pots())
        self._m = builder.m
        self._work = (new_state(builder.m, 1), new_scratch(builder.m, 1), new_out(1))
        self._last_ns = 0
        self._keys: list[I8] = []
        self._sums: list[F8] = []

    def feed(self, scans: Scans) -> None:
        first, last = int(scans.t_ns[0]), int(scans.t_ns[-1])
        rows = rows_for(self._last_ns or first, last, len(scans.t_ns))
        key, a, covered = np.zeros((rows, 3), np.int64), np.zeros((rows, self._m)), np.zeros((rows, self._m))
        found = self.trace(scans.t_ns, scans.x, scans.t, scans.q, key, a, covered)
        self._keys.append(key[:found])
        self._sums.append(a[:found].copy())
        self._last_ns = last

    def trace(self, t_ns: I8, x: F8, t: I8, q: I4, key: I8, a: F8, covered: F8) -> int:
        return int(retrace(*self._tables, *self._work, t_ns, x, t, q, key, a, covered))

    def sums(self) -> Sums:
        keys = np.concatenate([*self._keys, np.zeros((0, 3), np.int64)])
        row = {(WINDOWS[window], start): k for k, (window, start, _) in enumerate(keys.tolist())}
        return Sums(row, np.concatenate([*self._sums, np.zeros((0, self._m))]))
