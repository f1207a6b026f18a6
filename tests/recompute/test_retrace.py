"""The sums found again are the live ones: every figure of every process comes out bit for bit."""

import math
import random

import msgspec
import numpy as np
import pytest

from greenhearth.clock import NS
from greenhearth.columns import NOT_READ, Scans, read_scans
from greenhearth.engine import Engine
from greenhearth.factors import load_factors
from greenhearth.metrics import METRICS
from greenhearth.model import Model, Series, build_model
from greenhearth.restate_sums import find_sums, line_model
from greenhearth.shelf import configs_root
from greenhearth.site import load_site
from greenhearth.tables import StreamBuilder
from greenhearth.weights import evaluate_amounts
from greenhearth.wire import Block, Event, Record

T0 = 1_767_225_600 * NS
STEP = 5 * NS
SCANS = 3000


def value(series: Series, k: int, chance: random.Random) -> float:
    """A reading of a series at scan k: counters rise and sometimes start anew, states change."""
    if series.point.kind == "counter":
        return math.nan if chance.random() < 0.01 else (k if k < 2000 else k - 1990) * 0.01
    if series.role == "heat_number":
        return float(4000 + k // 700)
    if series.role == "cell_voltage":
        return 30.0 if k % 400 < 60 and series.name.endswith("3") else 4.2
    return 100.0 + chance.random()


def history(model: Model) -> tuple[list[Event], list[bytes]]:
    """Run the live engine over made-up readings; return its events and the stored records."""
    chance, engine = random.Random(3), Engine(model)
    events: list[Event] = []
    payloads: list[bytes] = []
    for k in range(SCANS):
        blocks: list[Block] = []
        for i, series in enumerate(model.series):
            x = value(series, k, chance)
            if not i or model.series[i - 1].device != series.device:
                blocks.append(Block(len(blocks) * 1000, i, [], []))
            blocks[-1].x.append(None if math.isnan(x) else x)
            blocks[-1].q.append(128 if math.isnan(x) else 0)
        if 500 < k < 900:
            blocks.pop()  # a device fell silent
        record = Record(1, k + 2, T0 + k * STEP, 1, blocks, [])
        events += engine.apply(record).events
        payloads.append(msgspec.json.encode(record))
    return events, payloads


@pytest.mark.parametrize("line", ["furnace", "kiln", "cell"])
def test_the_figures_of_every_finished_window_come_out_bit_for_bit(line: str) -> None:
    site, book = load_site(configs_root() / "sites" / "demo.toml"), load_factors()
    events, payloads = history(build_model(site, book))
    model = line_model(site, line, book)
    names = [one.name for one in model.series]
    columns = np.array(
        [names.index(s.name) if s.name in names else -1 for s in build_model(site, book).series]
    )
    sums = find_sums(model, read_scans(payloads, lambda *_: columns, len(names), most=700))
    own = [event for event in events if event.subject == line and event.what.endswith("_finished")]
    assert {event.window for event in own} >= ({"batch"} if line == "furnace" else {"15min", "1h"})
    again = evaluate_amounts(StreamBuilder(model).weights, sums.a).x[0]
    for event in own:
        row = again[sums.row[event.window, event.start_ns]]
        stored = {name: one.value for name, one in event.metrics.items() if one.value is not None}
        assert {name: row[METRICS.index(name)] for name in stored} == stored


def scans_of(payloads: list[bytes]) -> Scans:
    """Four series, of which the second and the fourth are wanted."""
    (found,) = read_scans(payloads, lambda *_: np.array([-1, 1, -1, 0]), 2)
    return found


def test_columns_hold_what_the_records_hold_and_say_what_was_not_read() -> None:
    one = Record(1, 2, T0, 1, [Block(5, 0, [1.0, None], [0, 131]), Block(7, 3, [4.0])], [])
    other = Record(1, 3, T0 + STEP, 1, [Block(5, 0, [1.5, 2.5])], [])
    found = scans_of([msgspec.json.encode(one), msgspec.json.encode(other)])
    assert found.t_ns.tolist() == [T0, T0 + STEP]
    assert found.q.tolist() == [[0, 131], [NOT_READ, 0]]
    assert found.t.tolist() == [[T0 + 7, T0 + 5], [0, T0 + STEP + 5]]
    np.testing.assert_array_equal(found.x, [[4.0, math.nan], [math.nan, 2.5]])


def test_a_record_whose_keys_stand_in_another_order_is_read_all_the_same() -> None:
    text = b'{"results":[],"blocks":[{"x":[9.0],"i":3,"d":1}],"t_ns":5,"birth":1,"seq":2,"epoch":1}'
    assert scans_of([text]).x.tolist()[0][0] == 9.0
