"""The kernels with their state, as one object: scans in, readings, results and events out."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from greenhearth import wire
from greenhearth.clock import CountOfTime
from greenhearth.kernels import step
from greenhearth.kernels.arrays import COUNTER, F8, I4, I8, U2, State
from greenhearth.kernels.decode import text
from greenhearth.kernels.shift import newest, shift
from greenhearth.metrics import METRIC_UNITS, METRICS, WINDOWS
from greenhearth.model import EmptyModel, Model, ReadBlock
from greenhearth.potlines import effect_events
from greenhearth.quality import BAD
from greenhearth.tables import StreamBuilder, decode_table, new_out, new_scratch, new_state
from greenhearth.twin_events import TwinTeller
from greenhearth.units import UNITS
from greenhearth.weights import evaluate_amounts
from greenhearth.wire import Block, Event, MetricValue, Record, WindowResult


@dataclass
class Scan:
    """What one step told; events still lack epoch and seq."""

    blocks: list[Block] = field(default_factory=list)
    results: list[WindowResult] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """String points whose text has changed."""


class _Snapshot(msgspec.Struct):
    version: int
    model: str
    arrays: dict[str, bytes]
    time: CountOfTime = msgspec.field(default_factory=CountOfTime)


class Engine:
    """One site's kernels; not thread-safe, its owner calls it scan by scan."""

    def __init__(self, model: Model, blocks: Sequence[ReadBlock] = ()) -> None:
        builder = StreamBuilder(model)
        self.model = model
        self.blocks = list(blocks)
        self.metrics = [METRICS[m] for m in builder.columns]
        """The metrics of its results, in their order: those that some line of the site has. A line that has
        not all of them tells None for the others."""
        self.metric_units = [METRIC_UNITS[m] for m in builder.columns]
        self.n_words = max((b.offset + b.count for b in blocks), default=0)
        self._n = builder.n
        self._decode = decode_table(model, blocks)
        self._streams = builder.streams()
        self._lines = builder.lines()
        self._pots = builder.pots()
        self._state = new_state(builder.m, len(model.lines))
        self._scratch = new_scratch(builder.m, len(model.lines))
        self._out = new_out(len(model.lines), len(builder.columns))
        self._lacking = builder.lacking()
        self._texts: dict[str, str] = {}
        self.time = CountOfTime()
        self._factor_sets = [info.factor_set for info in model.line_info()]
        self._twins = {line.name: TwinTeller(line.twins) for line in model.lines}

    def update(self, t_ns: int, words: U2, block_t_ns: I8, block_q: I4) -> Scan:
        """Run one scan: words [n_words], response times and qualities [blocks] (-1: not read)."""
        step.live(
            self._decode, self._streams, self._lines, self._pots, self._state, self._scratch, self._out,
            t_ns, words, block_t_ns, block_q.astype(np.int32, copy=False),
        )  # fmt: skip
        return Scan(
            blocks=self._readings(t_ns, block_t_ns, block_q),
            results=self._results(),
            events=self._events(t_ns),
            texts=self._changed_texts(words, block_q),
        )

    def apply(self, record: Record) -> Scan:
        """Run one scan from the readings of a record: after a restart, or over history."""
        if record.epoch == self.time.epoch and record.steps_ns != self.time.steps_ns:
            self.shift(record.t_ns, record.t_ns, record.steps_ns - self.time.steps_ns)
        x, t = np.full(self._n, np.nan), np.zeros(self._n, np.int64)
        q, fresh = np.zeros(self._n, np.int32), np.zeros(self._n, np.int32)
        for block in record.blocks:
            part = slice(block.i, block.i + len(block.x))
            x[part] = [np.nan if value is None else value for value in block.x]
            t[part] = record.t_ns + block.d
            q[part] = block.q or 0
            fresh[part] = 1
        return self.apply_readings(record.t_ns, x, t, q, fresh)

    def apply_readings(self, t_ns: int, x: F8, t: I8, q: I4, fresh: I4) -> Scan:
        """Run one scan from readings x, t, q [n]; `fresh` [n] is 1 where there is a new one."""
        events = self.finish_with(t_ns, x, t, q, fresh)
        return Scan(results=self._results(), events=events)

    def finish_with(self, t_ns: int, x: F8, t: I8, q: I4, fresh: I4) -> list[Event]:
        """Like `apply_readings`, but tell only the events: ten times as fast over long histories."""
        step.replay(
            self._streams, self._lines, self._pots, self._state, self._scratch, self._out,
            t_ns, x, t, q, fresh,
        )  # fmt: skip
        return self._events(t_ns)

    def shift(self, t_ns: int, now_ns: int, step_ns: int, unsure: bool = False) -> list[Event]:
        """Follow a step of the clock from t_ns to now_ns, right after it; return the windows that it ends.

        `unsure`: how much time has passed is not known. See `kernels.shift`.
        """
        tables = self._streams, self._lines, self._state, self._scratch, self._out
        shift(*tables, step_ns, now_ns, unsure)
        self.time.steps_ns += step_ns
        return self._finished(t_ns)

    def newest_ns(self) -> int:
        """Return the time of the newest reading that it has seen, 0: none."""
        return int(newest(self._state))

    def _events(self, t_ns: int) -> list[Event]:
        return [*self._finished(t_ns), *self._resets(t_ns), *effect_events(self.model, self._out, t_ns)]

    def _readings(self, t_ns: int, block_t_ns: I8, block_q: I4) -> list[Block]:
        found = []
        for number, block in enumerate(self.blocks):
            if block_q[number] < 0 or block.n == 0:
                continue
            part = slice(block.first, block.first + block.n)
            q = self._state.q[part]
            d = int(block_t_ns[number]) - t_ns
            found.append(Block(d, block.first, _numbers(self._state.x[part]), q.tolist() if q.any() else []))
        return found

    def _results(self) -> list[WindowResult]:
        o = self._out
        self._leave_out(o.x, o.u)
        x, u = _numbers(o.x), _numbers(_three_digits(o.u))
        v, c = o.v.tolist(), o.c.tolist()
        found = []
        for line, batch in enumerate(self._lines.batch.tolist()):
            code = self._state.x[self._lines.phase[line]] if self._lines.phase[line] >= 0 else np.nan
            phase = -1 if np.isnan(code) else int(code)
            for w in range(0 if batch >= 0 else 1, len(WINDOWS)):
                name = _batch_id(self._state.batch_id[line]) if w == 0 else ""
                one = WindowResult(line, w, v[line][w], c[line][w], x[line][w], u[line][w], name, phase)
                found.append(one)
        return found

    def _leave_out(self, *figures: F8) -> None:
        """Take the metrics that a line lacks out of [lines, windows, metrics]: they are none, not zero."""
        for one in figures:
            one[np.broadcast_to(self._lacking[:, None, :], one.shape)] = np.nan

    def _finished(self, t_ns: int) -> list[Event]:
        own = [self._finished_event(t_ns, row) for row in range(int(self._out.done_n[0]))]
        return own + [twin for event in own for twin in self._twins[event.subject].events(event)]

    def _finished_event(self, t_ns: int, row: int) -> Event:
        o = self._out
        line, window, start, end = (int(v) for v in o.done_key[row])
        none = self._lacking[line]
        x = _numbers(np.where(none, np.nan, o.done_x[row, 0]))
        u = _numbers(np.where(none, np.nan, _three_digits(o.done_u[row, 0])))
        values = zip(self.metrics, self.metric_units, x, u, strict=True)
        return Event(
            epoch=0,
            seq=0,
            t_ns=t_ns,
            what="window_finished" if window else "batch_finished",
            subject=self.model.lines[line].name,
            window=WINDOWS[window],
            batch=_batch_id(o.done_b[row]),
            start_ns=start,
            end_ns=end,
            validity=int(o.done_v[row, 0]),
            coverage=float(o.done_c[row, 0]),
            metrics={name: MetricValue(value, unit, u) for name, unit, value, u in values},
            factor_set=self._factor_sets[line],
        )

    def _resets(self, t_ns: int) -> list[Event]:
        return [
            Event(
                0, 0, t_ns, "counter_reset", self.model.series[i].name,
                detail=f"goes on from {self._state.hold_v[i]:g}; what was counted in between is not known",
            )
            for i in np.flatnonzero(self._scratch.reset).tolist()
        ]  # fmt: skip

    def _changed_texts(self, words: U2, block_q: I4) -> dict[str, str]:
        changed = {}
        for s in self.model.texts:
            for number, block in enumerate(self.blocks):
                at = s.address - block.address
                inside = block.device == s.device and at >= 0 and at + s.point.length <= block.count
                if inside and block.table == s.point.table and 0 <= block_q[number] < BAD:
                    now = text(words[block.offset + at : block.offset + at + s.point.length].tolist())
                    if self._texts.get(s.name) != now:
                        self._texts[s.name] = changed[s.name] = now
        return changed

    def balances(self) -> dict[str, float]:
        """Return power integral over counter minus one, over the last hour, by ``line.role``.

        Both are divided by their covered time, so that a gap in one is no deviation.
        """
        found = {}
        for line in self.model.lines:
            for role, definition in line.process.roles.items():
                rate, counter = (
                    self.model.index(line.name, role),
                    self.model.index(line.name, definition.checks),
                )
                if definition.checks and rate >= 0 and counter >= 0:
                    integrated, counted = self._mean_flow(rate), self._mean_flow(counter)
                    if np.isfinite(integrated) and counted > 0.0:
                        found[f"{line.name}.{role}"] = float(integrated / counted) - 1.0
        return found

    def _mean_flow(self, i: int) -> np.float64:
        """Return what series i brought in the last hour per covered time, in the base unit of its kind."""
        covered, unit = self._state.sum_c[2, i], UNITS[self.model.series[i].unit].factor
        return np.float64(self._state.sum_a[2, i] * unit / covered) if covered > 0.0 else np.float64(np.nan)

    def totals(self) -> dict[str, float]:
        """Return the newest good value of every counter, by series name."""
        counters = np.flatnonzero(self._streams.kind[: self._n] == COUNTER).tolist()
        return {self.model.series[i].name: float(self._state.last_v[i]) for i in counters}

    def latest(self, name: str) -> tuple[float, int, int]:
        """Return (value, time [Unix ns], quality) of the newest reading of a series."""
        i = next(k for k, s in enumerate(self.model.series) if s.name == name)
        return float(self._state.x[i]), int(self._state.t[i]), int(self._state.q[i])

    def snapshot(self) -> bytes:
        """Return the whole state as bytes."""
        arrays = {name: value.tobytes() for name, value in self._state._asdict().items()}
        # Gauges never fill their bins: 240 cells shrink from 700 kB to a few.
        return zlib.compress(msgspec.msgpack.encode(_Snapshot(1, self._fingerprint(), arrays, self.time)), 1)

    def restore(self, blob: bytes) -> None:
        """Take up a state that `snapshot` gave; ValueError when it belongs to another model."""
        try:
            saved = msgspec.msgpack.decode(zlib.decompress(blob), type=_Snapshot)
        except (zlib.error, msgspec.DecodeError) as error:
            raise ValueError(f"the saved state is damaged: {error}") from error
        if saved.version != 1 or saved.model != self._fingerprint():
            raise ValueError(
                "the saved state belongs to another site file or version: series, lines or arrays changed"
            )
        state = self._state._asdict()
        restored = {
            k: np.frombuffer(saved.arrays[k], v.dtype).reshape(v.shape).copy() for k, v in state.items()
        }
        self._state, self.time = State(**restored), saved.time

    def _fingerprint(self) -> str:
        names = [f"{s.name}:{s.unit}" for s in self.model.series] + [line.name for line in self.model.lines]
        names += [f"{name} {v.dtype}{v.shape}" for name, v in self._state._asdict().items()]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _numbers(values: F8) -> Any:
    """Return (nested) lists of floats, None where there is no number."""
    if np.isfinite(values).all():
        return values.tolist()
    return np.where(np.isfinite(values), values, None).tolist()  # type: ignore[call-overload]


def _three_digits(u: F8) -> F8:
    """Round uncertainties to three significant digits; two would do (JCGM 100:2008, 7.2.6).

    On the wire and in the journal that is a third of a record.
    """
    return np.array([float(f"{value:.3g}") for value in u.ravel().tolist()]).reshape(u.shape)


def _batch_id(number: float) -> str:
    return "" if np.isnan(number) else f"{number:.0f}"


def warm_up() -> None:
    """Compile the kernels on an empty model, before the first poll needs them."""
    empty = EmptyModel()
    engine = Engine(empty)
    engine.update(1, np.zeros(0, np.uint16), np.zeros(0, np.int64), np.zeros(0, np.int32))
    engine.apply(wire.Record(0, 0, 2, 0, [], []))
    engine.shift(2, 2, 0)
    evaluate_amounts([], np.zeros((1, 0)))  # what green twins call
