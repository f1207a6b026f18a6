"""A field never changes its type, and no item replaces another: across values, kinds, agents and restarts."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth import wire
from greenhearth.metrics import METRICS
from greenhearth_gateway.intake import Source
from greenhearth_gateway.store.lines import APART, Lines, event_lines, record_lines
from greenhearth_gateway.store.names import key, tag

from ..gateway.conftest import Desk, FakeAgent
from ..waiting import until
from .fake_influx import cut
from .projecting import is_level, projecting

INTEGERS = {"validity", "phase", "start", "seq"}
TEXTS = {"batch", "what", "detail"}
VALUES: list[Any] = [0, 0.0, -0.0, 1, -7, 1e300, 5e-324, 1e16, 1e15, 123456.789, 2**53, None]

numbers = st.one_of(st.sampled_from(VALUES), st.floats(), st.integers(-(2**63), 2**63))
names = st.one_of(
    st.text(max_size=8), st.sampled_from(["time", "validity", "u_x", "q_x", "x", "-", "%41", "batch"])
)


def fields_of(line: bytes) -> dict[str, str]:
    """Take a line's fields apart; the texts of these tests hold neither comma nor blank."""
    _, rest = cut(line)
    return dict(part.split("=", 1) for part in rest.rpartition(b" ")[0].decode().split(","))


def type_of(written: str) -> str:
    """Name the type that a server reads."""
    if written.startswith('"'):
        return "text"
    return "integer" if written.endswith("i") else "float"


def expected_type(name: str) -> str:
    """Name the type that a field of this name has for ever."""
    if name in TEXTS:
        return "text"
    return "integer" if name in INTEGERS or name.startswith("q_") else "float"


def check_types(found: Lines) -> None:
    """Hold every field of every line against its name."""
    for line in found.lines:
        for name, written in fields_of(line).items():
            assert type_of(written) == expected_type(name), (name, written)
            if expected_type(name) == "float":
                assert set(".en") & set(written), f"no float to a reader that knows no context: {written}"
                assert math.isfinite(float(written))


@given(st.lists(numbers, min_size=len(VALUES), max_size=len(VALUES)), st.integers(-(2**70), 2**70))
def test_the_type_of_a_field_is_decided_by_its_name_alone(values: list[Any], code: int) -> None:
    """Whole numbers, zeros, the largest and the smallest: floats stay floats, codes stay integers."""
    agent = FakeAgent()
    birth = agent.birth()
    birth.series = [wire.SeriesInfo(f"s{n}", "kW", "eaf", "furnace") for n in range(len(values))]
    empty: list[Any] = [None] * (len(METRICS) - 1)
    result = wire.WindowResult(0, 0, code, values[0] or 0, [values[1], *empty], [values[2], *empty], "b", 1)
    qualities = [n % 200 for n in range(len(values))]
    record = wire.Record(7, 2, 10**18, 1, [wire.Block(0, 0, values, qualities)], [result])
    found = record_lines(Source("works", "edge"), record, birth)
    check_types(found)
    written = [fields_of(line) for line in found.lines]
    for n, value in enumerate(values):
        here = [fields[f"s{n}"] for fields in written if f"s{n}" in fields]
        if value is not None and math.isfinite(float(value)):
            assert [float(one).hex() for one in here] == [float(value).hex()]
        else:
            assert here == []
            assert value is None or any(b"s%d=" % n in line for line, _ in found.faults), "it is not silent"


@given(st.lists(names, min_size=2, max_size=6, unique=True))
def test_two_names_are_two_fields_and_two_tags(chosen: list[str]) -> None:
    """Also those that mean something in the protocol, and their own escaped forms."""
    taken = {"validity", "coverage", "batch", "phase", "start"}
    assert len({tag(name) for name in chosen}) == len(chosen)
    written = [key(name, frozenset(taken), "u_") for name in chosen]
    every = [*written, *(f"u_{one}" for one in written), *taken]
    assert len(set(every)) == len(every)
    assert "time" not in every


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["device_down", "device_ok", "text_changed"]),
            st.sampled_from("ab"),
        ),
        max_size=40,
    )
)
def test_no_event_replaces_another(events: list[tuple[int, str, str]]) -> None:
    """Of one agent: several of a kind at one moment, several kinds for one subject, scans 100 ms apart."""
    places = set()
    for seq, (scan, what, subject) in enumerate(sorted(events, key=lambda one: one[0]), 1):
        at = 10**18 + scan * 100_000_000
        (line,) = event_lines(Source("works", "edge"), wire.Event(7, seq, at, what, subject)).lines
        place, rest = cut(line)
        t_ns = int(rest.rpartition(b" ")[2])
        assert 0 <= t_ns - at < APART
        places.add((place, t_ns))
    assert len(places) == len(events)


def test_figures_of_every_kind_window_line_and_agent_stand_side_by_side() -> None:
    """All at the same end: batch and hour, the line's and its twins', two agents, a kind nobody knows yet."""
    metrics = {"energy_kwh_per_t": wire.MetricValue(1.0, "kWh/t", None)}
    places = set()
    kinds = [
        ("batch_finished", "batch", ""), ("window_finished", "1h", ""), ("window_finished", "1d", ""),
        ("twin", "batch", "t1"), ("twin", "batch", "t2"), ("twin", "1h", "t1"), ("restated", "1h", ""),
        ("restated", "batch", ""), ("window_finished", "batch", ""),
    ]  # fmt: skip
    for agent in ("north", "south"):
        for line in ("furnace", "kiln"):
            for what, window, detail in kinds:
                event = wire.Event(7, 9, 5, what, line, window, "", 1, 5, 0, 1.0, metrics, "", detail)
                (written,) = event_lines(Source("works", agent), event).lines
                places.add((cut(written)[0], written.rpartition(b" ")[2]))
    assert len(places) == 4 * len(kinds)


def test_a_value_that_comes_twice_for_one_moment_is_a_fault_and_not_silent() -> None:
    """The first stays; the server would keep the last, without a word."""
    agent = FakeAgent()
    birth, record = agent.birth(), agent.record()
    record.blocks = [wire.Block(0, 0, [1.0]), wire.Block(0, 0, [2.0])]
    found = record_lines(Source("works", "edge"), record, birth)
    assert b" furnace.active_power_kw=1.0 " in found.lines[0]
    assert [b"furnace.active_power_kw=2.0" in line for line, _ in found.faults] == [True]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty journal."""
    one = Desk(tmp_path).open()
    yield one
    one.close()


def _schema(influx: Any) -> dict[str, list[list[str]]]:
    words = {"db": "greenhearth", "q": "SHOW FIELD KEYS"}
    reply = httpx.get(f"{influx.url}/query", params=words, timeout=30).json()
    return {one["name"]: sorted(one["values"]) for one in reply["results"][0]["series"]}


def test_a_real_store_sees_the_same_schema_before_and_after_a_restart(influx: Any, desk: Desk) -> None:
    """First whole numbers only, then all others, from a new process of everybody."""
    seen = []
    for values in ([0, 1, -1], VALUES[:-1]):
        agent = FakeAgent(epoch=7 + len(seen))
        items: list[Any] = [agent.birth()]
        for value in values:
            record = agent.record(energy=value)
            record.blocks = [wire.Block(len(items), 0, [value] * 3, [1, 0, 2])]
            items += [record, agent.finished()]
        desk.writer.write([agent.frame(*items)])
        with projecting(desk, influx.url, api="v1") as (projection,):
            until(lambda: is_level(desk), 20, "everything is carried on")
            assert projection.refused == 0
        seen.append(_schema(influx))
        influx.kill()
        influx.start()
        desk.close()
        desk.open()
    assert seen[0] == seen[1]
    assert ["furnace.active_power_kw", "float"] in seen[0]["readings"]
