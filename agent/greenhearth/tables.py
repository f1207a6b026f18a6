"""A model as the flat arrays that the kernels read."""

from collections.abc import Sequence

import numpy as np

from greenhearth.clock import NS
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
from greenhearth.metrics import BINS, METRICS, PER_TONNE, ROLLING_S, WEIGHTS
from greenhearth.model import Coefficient, LineModel, Model, ReadBlock, Series, is_required
from greenhearth.processes import OUTPUTS, ProcessRole
from greenhearth.profiles import Point, words_of
from greenhearth.quality import Quality
from greenhearth.units import UNITS

KINDS = {"counter": COUNTER, "rate": RATE}
DERIVED_ROLES = ("cell_kah", "ae_minutes", "ae_product")
AL_T_PER_KAH = 0.335573e-3
"""Electrochemical equivalent of aluminium: 26.98154 g/mol x 3 600 s/h / (3 x 96 485.33 C/mol)."""

AE_TIMING_U = 0.01
"""Relative standard uncertainty of anode-effect minutes: both edges within 1 s scans of a
2-minute effect, sqrt(2) x (1 s / sqrt 12) / 120 s = 0.35 %, rounded up for slower scans."""

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


class StreamBuilder:
    """Collects what each series is to its line, then freezes it as arrays."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.derived: list[tuple[LineModel, str]] = [
            (line, role) for line in model.lines if line.process.kernel for role in DERIVED_ROLES
        ]
        self.n = len(model.series)
        self.m = self.n + len(self.derived)
        self.numbers = {line.name: k for k, line in enumerate(model.lines)}

    def streams(self) -> Streams:
        """Return the stream table of all m series."""
        rows = [self._row(i) for i in range(self.m)]
        entries = [self._entries(*row) for row in rows]
        flat = [e for one in entries for e in one]
        product = np.array([self._products(*row) for row in rows], np.float64).reshape(self.m, 4)
        return Streams(
            kind=np.array([self._kind(i) for i in range(self.m)], np.int32),
            line=np.array([self.numbers[row[0].name] if row[0] else -1 for row in rows], np.int32),
            required=np.array([self._required(i, *rows[i][:2]) for i in range(self.m)], np.int32),
            modulus=np.array([s.point.modulus for s in self.model.series] + [0.0] * (self.m - self.n)),
            max_per_h=np.array([self._max_per_h(i) for i in range(self.m)], np.float64),
            gap_ns=np.full(self.m, self._gap_ns(), np.int64),
            u=np.array([self._u(i, *rows[i][:2]) for i in range(self.m)], np.float64),
            entry_ptr=np.cumsum([0, *(len(one) for one in entries)]).astype(np.int32),
            entry_metric=np.array([e[0] for e in flat], np.int32),
            entry_g=np.array([e[1] for e in flat], np.float64),
            entry_gu=np.array([e[2] for e in flat], np.float64),
            p=product[:, 0].copy(),
            pu=product[:, 1].copy(),
            pe=product[:, 2].copy(),
            peu=product[:, 3].copy(),
        )

    def _row(self, i: int) -> tuple[LineModel | None, str, list[Coefficient], float]:
        """Return (line, role, flows, unit conversion) of series i."""
        if i >= self.n:
            line, role = self.derived[i - self.n]
            return line, role, line.flows.get(role, []), 1.0
        s = self.model.series[i]
        if not s.line:
            return None, "", [], 1.0
        line = self.model.lines[self.numbers[s.line]]
        wanted = line.process.roles[s.role].unit
        factor = UNITS[s.unit].factor / UNITS[wanted].factor if s.unit and wanted else 1.0
        return line, s.role, line.flows.get(s.role, []), factor

    def _entries(
        self, line: LineModel | None, role: str, flows: list[Coefficient], unit: float
    ) -> list[tuple[int, float, float]]:
        """Return (metric, amount per unit, its uncertainty) of one stream."""
        found = []
        for m, weights in enumerate(WEIGHTS):
            pairs = [(weights[OUTPUTS.index(f.output)], f) for f in flows]
            g = sum(w * f.value for w, f in pairs) * unit
            if g != 0.0:
                found.append((m, g, sum(abs(w) * f.u for w, f in pairs) * unit))
        return found

    def _products(
        self, line: LineModel | None, role: str, flows: list[Coefficient], unit: float
    ) -> tuple[float, float, float, float]:
        sums = {"product_t": [0.0, 0.0], "product_estimate_t": [0.0, 0.0]}
        for flow in flows:
            if flow.output in sums:
                sums[flow.output][0] += flow.value * unit
                sums[flow.output][1] += flow.u * unit
        real, estimate = sums["product_t"], sums["product_estimate_t"]
        return real[0], real[1], estimate[0], estimate[1]

    def _kind(self, i: int) -> int:
        return DERIVED if i >= self.n else KINDS.get(self.model.series[i].point.kind, GAUGE)

    def _required(self, i: int, line: LineModel | None, role: str) -> int:
        return int(i < self.n and line is not None and is_required(line.process.roles[role]))

    def _max_per_h(self, i: int) -> float:
        s = self._series(i)
        limit = self.model.site.lines[s.line].role[s.role].max_per_h if s and s.line else 0.0
        return limit or float("inf")

    def _u(self, i: int, line: LineModel | None, role: str) -> float:
        if role in ("ae_minutes", "ae_product") and i >= self.n:
            return AE_TIMING_U
        s = self._series(i)
        if s is None and line is not None:
            s = self.model.series[self.model.index(line.name, "line_current")]
        if s is None:
            return 0.0
        given = self.model.site.lines[s.line].role[s.role].accuracy_percent if s.line else None
        return _or(given, s.point.accuracy_percent) / 100.0 / RECTANGULAR

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
            ratio=np.array(PER_TONNE, np.int32),
        )

    def _members(self, line: LineModel) -> list[int]:
        own = [i for i, s in enumerate(self.model.series) if s.line == line.name and s.point.kind in KINDS]
        return own + [self.n + k for k, (of, _) in enumerate(self.derived) if of is line]

    def _state(self, line: LineModel, role: str) -> int:
        return self.model.index(line.name, role) if role else -1

    def pots(self) -> Pots:
        """Return the potline table."""
        lines = [line for line in self.model.lines if line.process.kernel]
        rows = [self._pot_row(line) for line in lines]
        ints = np.array([row[:6] for row in rows], np.int32).reshape(len(rows), 6)
        reals = np.array([row[6:] for row in rows], np.float64).reshape(len(rows), 3)
        first, cells, current, kah, ae_min, ae_product = (ints[:, k].copy() for k in range(6))
        return Pots(
            first, cells, current, kah, ae_min, ae_product,
            threshold_v=reals[:, 0].copy(),
            min_ns=(reals[:, 1] * NS).astype(np.int64),
            t_per_ka_day=reals[:, 2].copy(),
        )  # fmt: skip

    def _pot_row(self, line: LineModel) -> tuple[float, ...]:
        first = self.model.index(line.name, "cell_voltage")
        count = self.model.series[first].point.count
        at = self.n + self.derived.index((line, DERIVED_ROLES[0]))
        per_day = 24.0 * AL_T_PER_KAH * line.parameter("current_efficiency")
        return (
            first, count, self.model.index(line.name, "line_current"), at, at + 1, at + 2,
            line.parameter("ae_threshold_v"), line.parameter("ae_min_s"), per_day,
        )  # fmt: skip


def new_state(m: int, lines: int) -> State:
    """Return the state before the first scan."""
    r = len(ROLLING_S)
    return State(
        x=np.full(m, np.nan), t=np.zeros(m, np.int64), q=np.full(m, int(Quality.NOT_READ), np.int32),
        last_v=np.zeros(m), last_t=np.zeros(m, np.int64),
        hold_v=np.zeros(m), hold_last=np.zeros(m), hold_t=np.zeros(m, np.int64), hold_n=np.zeros(m, np.int32),
        ae_since=np.zeros(m, np.int64), ae_booked=np.zeros(m, np.int64), in_circuit=np.zeros(m, np.int32),
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


def new_out(lines: int) -> Out:
    """Return the arrays a step tells its results in."""
    windows, metrics = len(ROLLING_S) + 1, len(METRICS)
    rows = (len(ROLLING_S) * (MOST_SKIPPED + 1) + 1) * max(1, lines)  # the most that one step can finish
    return Out(
        x=np.full((lines, windows, metrics), np.nan), u=np.full((lines, windows, metrics), np.nan),
        v=np.zeros((lines, windows), np.int32), c=np.zeros((lines, windows)),
        done_n=np.zeros(1, np.int64), done_key=np.zeros((rows, 4), np.int64), done_b=np.full(rows, np.nan),
        done_x=np.zeros((rows, 1, metrics)), done_u=np.zeros((rows, 1, metrics)),
        done_v=np.zeros((rows, 1), np.int32), done_c=np.zeros((rows, 1)),
    )  # fmt: skip


__all__ = ["ProcessRole", "StreamBuilder", "decode_table", "new_out", "new_scratch", "new_state"]
