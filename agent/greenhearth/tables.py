"""A model as the flat arrays that the kernels read."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from greenhearth.clock import NS
from greenhearth.error_sources import ledgers, used_metrics, weight_tables
from greenhearth.hourly import BY_HOUR_CONTRACT, HourlyTable, hourly_table
from greenhearth.kernels.arrays import (
    BIT,
    COUNTER,
    DERIVED,
    FLOAT,
    GAUGE,
    INT,
    RATE,
    UINT,
    Decode,
    Lines,
    Out,
    Pots,
    Scratch,
    State,
    Streams,
)  # fmt: skip
from greenhearth.kernels.window import MOST_SKIPPED
from greenhearth.metrics import BINS, METRICS, ROLLING_S
from greenhearth.model import LineModel, Model, ReadBlock, Series, is_required
from greenhearth.potlines import DERIVED_ROLES, EFFECTS_PER_SCAN, derived_errors, pot_table
from greenhearth.processes import ProcessRole
from greenhearth.profiles import Point, words_of
from greenhearth.quality import Quality
from greenhearth.units import UNITS
from greenhearth.weights import StreamWeight, per_unit

B1 = NDArray[np.bool_]
KINDS = {"counter": COUNTER, "rate": RATE}
RECTANGULAR = 3**0.5
"""Accuracy limits are taken as a rectangular distribution (JCGM 100:2008, 4.3.7)."""


def decode_table(model: Model, blocks: Sequence[ReadBlock]) -> Decode:
    """Build the decode table of all series for the blocks of a scan plan."""
    n = len(model.series)
    sentinels = [s.point.sentinels for s in model.series]
    table = Decode(
        block=np.full(n, -1, np.int32),
        at=np.zeros(n, np.int32),
        words=np.array([words_of(s.point) for s in model.series], np.int32),
        form=np.array([_form(s.point) for s in model.series], np.int32),
        shift=np.array([_shifts(s.point) for s in model.series], np.int32).reshape(n, 8),
        bit=np.array([max(0, s.point.bit) for s in model.series], np.int32),
        scale=np.array([s.point.scale for s in model.series], np.float64),
        offset=np.array([s.point.offset for s in model.series], np.float64),
        low=np.array([_or(s.point.low, -np.inf) for s in model.series], np.float64),
        high=np.array([_or(s.point.high, np.inf) for s in model.series], np.float64),
        sentinel_ptr=np.cumsum([0, *(len(s) for s in sentinels)]).astype(np.int32),
        sentinel=np.array([v for s in sentinels for v in s], np.uint64),
    )
    for number, block in enumerate(blocks):
        for i in range(block.first, block.first + block.n):
            table.block[i] = number
            table.at[i] = block.offset + model.series[i].address - block.address
    return table


def _or(value: float | None, instead: float) -> float:
    return instead if value is None else value


def _form(point: Point) -> int:
    if point.type == "bit":
        return BIT
    if point.type.startswith("float"):
        return FLOAT
    return INT if point.type.startswith("int") else UINT


def _shifts(point: Point) -> list[int]:
    """Return the left shift of each wire byte, padded to 8."""
    n = 2 * words_of(point)
    order = point.order or "ABCDEFGH"[:n]
    shifts = [8 * (n - 1 - "ABCDEFGH".index(letter)) for letter in order]
    return shifts + [0] * (8 - n)


def _hourly(model: Model, line: LineModel) -> list[str]:
    """Return the hourly streams whose electricity this line really meters."""
    return [role for role in line.hourly_fallback if model.index(line.name, role.partition(".")[0]) >= 0]


class StreamBuilder:
    """Collects what each series is to its line, then freezes it as arrays."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.derived: list[tuple[LineModel, str]] = [
            *((line, role) for line in model.lines if line.process.kernel for role in DERIVED_ROLES),
            *((line, role) for line in model.lines for role in _hourly(model, line)),
        ]
        self.n = len(model.series)
        self.m = self.n + len(self.derived)
        self.numbers = {line.name: k for k, line in enumerate(model.lines)}
        self.weights = [self._weight(i) for i in range(self.m)]
        self.columns = used_metrics(self.weights)

    def lacking(self) -> B1:
        """Return [lines, metrics]: which of `columns` a line has nothing to do with, though another has."""
        own = [used_metrics(w for w in self.weights if w.line == k) for k in range(len(self.model.lines))]
        rows = [[m not in used for m in self.columns] for used in own]
        return np.array(rows, np.bool_).reshape(len(rows), len(self.columns))

    def streams(self) -> Streams:
        """Return the stream table of all m series."""
        m = range(self.m)
        return Streams(
            kind=np.array([self._kind(i) for i in m], np.int32),
            line=np.array([one.line for one in self.weights], np.int32),
            required=np.array([one.required for one in self.weights], np.int32),
            modulus=np.array([s.point.modulus for s in self.model.series] + [0.0] * (self.m - self.n)),
            max_per_h=np.array([self._max_per_h(i) for i in m], np.float64),
            gap_ns=np.full(self.m, self._gap_ns(), np.int64),
            p=per_unit(self.weights, "product_t"),
            pe=per_unit(self.weights, "product_estimate_t"),
            charge=per_unit(self.weights, "charge_t"),
        )

    def _weight(self, i: int) -> StreamWeight:
        """Return what series i is to its line."""
        if i >= self.n:
            return self._derived_weight(*self.derived[i - self.n])
        s = self.model.series[i]
        if not s.line:
            return StreamWeight([], line=-1)
        line = self.model.lines[self.numbers[s.line]]
        wanted = line.process.roles[s.role]
        meter, u = self._meter(s)
        return StreamWeight(
            line.flows.get(s.role, []),
            line=self.numbers[s.line],
            unit=UNITS[s.unit].factor / UNITS[wanted.unit].factor if s.unit and wanted.unit else 1.0,
            u=u,
            meter=meter,
            required=is_required(wanted),
        )

    def _derived_weight(self, line: LineModel, role: str) -> StreamWeight:
        """Return what a derived stream is to its line: it has the errors of what it is made from."""
        if role in line.hourly_fallback:
            return replace(self._weight(self._source(line, role)), flows=line.flows[role])
        meter, u = self._meter(self.model.series[self.model.index(line.name, "line_current")])
        u, also = derived_errors(line, role, u)
        required = role in line.process.derived and is_required(line.process.derived[role])
        flows = line.flows.get(role, [])
        number = self.numbers[line.name]
        return StreamWeight(flows, line=number, u=u, meter=meter, also=also, required=required)

    def _meter(self, s: Series) -> tuple[str, float]:
        """Return the name of a series' meter, and its relative standard uncertainty."""
        role = self.model.site.lines[s.line].role[s.role]
        limit_percent = _or(role.accuracy_percent, s.point.accuracy_percent)
        return role.meter or s.name, limit_percent / 100.0 / RECTANGULAR

    def _kind(self, i: int) -> int:
        return DERIVED if i >= self.n else KINDS.get(self.model.series[i].point.kind, GAUGE)

    def _max_per_h(self, i: int) -> float:
        s = self._series(i)
        limit = self.model.site.lines[s.line].role[s.role].max_per_h if s and s.line else 0.0
        return limit or float("inf")

    def _series(self, i: int) -> Series | None:
        return self.model.series[i] if i < self.n else None

    def _gap_ns(self) -> int:
        return int(max(30.0, 5.0 * self.model.site.agent.scan_interval_s) * NS)

    def lines(self) -> Lines:
        """Return the line table."""
        models = self.model.lines
        members = [self._members(line) for line in models]
        day = [int(line.line.day_starts_h * 3600 * NS) for line in models]
        floors = [max(0.01 * line.line.nominal_t_per_h, 1e-6) for line in models]
        return Lines(
            ptr=np.cumsum([0, *(len(one) for one in members)]).astype(np.int32),
            series=np.array([i for one in members for i in one], np.int32),
            batch=np.array(
                [self._state(line, line.process.batch_role) for line in self.model.lines], np.int32
            ),
            phase=np.array(
                [self._state(line, line.process.phase_role) for line in self.model.lines], np.int32
            ),
            offset_ns=np.array([[0, 0, start] for start in day], np.int64).reshape(len(day), len(ROLLING_S)),
            min_product_t_per_h=np.array(floors, np.float64),
            weights=weight_tables(ledgers(self.weights, len(models)), self.columns),
            hourly=hourly_table([self._hourly_row(k) for k in range(len(self.derived)) if self._by_hour(k)]),
        )

    def _by_hour(self, k: int) -> bool:
        line, role = self.derived[k]
        return role in line.hourly_fallback

    def _hourly_row(self, k: int) -> tuple[int, int, HourlyTable, bool, float]:
        line, role = self.derived[k]
        assert line.hourly is not None
        by_contract = role.endswith(BY_HOUR_CONTRACT)
        return self._source(line, role), self.n + k, line.hourly, by_contract, line.hourly_fallback[role]

    def _source(self, line: LineModel, role: str) -> int:
        """Return the series that an hourly stream is made from."""
        return self.model.index(line.name, role.partition(".")[0])

    def _members(self, line: LineModel) -> list[int]:
        own = [i for i, s in enumerate(self.model.series) if s.line == line.name and s.point.kind in KINDS]
        return own + [self.n + k for k, (of, _) in enumerate(self.derived) if of is line]

    def _state(self, line: LineModel, role: str) -> int:
        return self.model.index(line.name, role) if role else -1

    def pots(self) -> Pots:
        """Return the potline table."""
        return pot_table(self.model, lambda line: self.n + self.derived.index((line, DERIVED_ROLES[0])))


def new_state(m: int, lines: int) -> State:
    """Return the state before the first scan."""
    r = len(ROLLING_S)
    return State(
        x=np.full(m, np.nan), t=np.zeros(m, np.int64), q=np.full(m, int(Quality.NOT_READ), np.int32),
        last_v=np.zeros(m), last_t=np.zeros(m, np.int64),
        hold_v=np.zeros(m), hold_last=np.zeros(m), hold_t=np.zeros(m, np.int64), hold_n=np.zeros(m, np.int32),
        ae_since=np.zeros(m, np.int64), ae_below=np.zeros(m, np.int64), ae_above=np.zeros(m, np.int64),
        ae_over=np.zeros(m), ae_peak=np.zeros(m), in_circuit=np.full(m, -1, np.int32),
        bin_id=np.zeros(r, np.int64), bins_a=np.zeros((r, BINS, m)), bins_c=np.zeros((r, BINS, m)),
        sum_a=np.zeros((r + 1, m)), sum_c=np.zeros((r + 1, m)),
        tumble_id=np.full((lines, r), -1, np.int64), tumble_a=np.zeros((r, m)), tumble_c=np.zeros((r, m)),
        batch_id=np.full(lines, np.nan),
        batch_start=np.zeros(lines, np.int64), batch_seen=np.zeros(lines, np.int32),
        began=np.zeros(1, np.int64),
    )  # fmt: skip


def new_scratch(m: int, lines: int) -> Scratch:
    """Return the arrays that one step hands from kernel to kernel."""
    return Scratch(
        fresh=np.zeros(m, np.int32), inc=np.zeros(m), t0=np.zeros(m, np.int64), t1=np.zeros(m, np.int64),
        reset=np.zeros(m, np.int32), span=np.zeros((lines, len(ROLLING_S) + 1)),
    )  # fmt: skip


def new_out(lines: int, metrics: int = len(METRICS)) -> Out:
    """Return the arrays a step tells its results in, with as many metrics as `Lines.weights` has."""
    windows = len(ROLLING_S) + 1
    rows = (len(ROLLING_S) * (MOST_SKIPPED + 1) + 1) * max(1, lines)  # the most that one step can finish
    return Out(
        x=np.full((lines, windows, metrics), np.nan), u=np.full((lines, windows, metrics), np.nan),
        v=np.zeros((lines, windows), np.int32), c=np.zeros((lines, windows)),
        done_n=np.zeros(1, np.int64), done_key=np.zeros((rows, 4), np.int64), done_b=np.full(rows, np.nan),
        done_x=np.zeros((rows, 1, metrics)), done_u=np.zeros((rows, 1, metrics)),
        done_v=np.zeros((rows, 1), np.int32), done_c=np.zeros((rows, 1)),
        ae_n=np.zeros(2, np.int64), ae_key=np.zeros((EFFECTS_PER_SCAN, 4), np.int64),
        ae_x=np.zeros((EFFECTS_PER_SCAN, 2)),
    )  # fmt: skip


__all__ = ["ProcessRole", "StreamBuilder", "decode_table", "new_out", "new_scratch", "new_state"]
