"""What the page is told: the latest of everything, what is stale, what is wrong, and the count."""

import time

import pytest

from greenhearth import wire
from greenhearth.clock import NS, Clock
from greenhearth_gateway.benchmarks import Benchmark, load_benchmarks
from greenhearth_gateway.config import load_config
from greenhearth_gateway.intake import Arrival, Source
from greenhearth_gateway.live import Hub
from greenhearth_gateway.overview import Scene, build_overview, series_views

EDGE = Source("works", "edge")
ALIKE = Benchmark(
    title="Furnaces like this one", processes=["eaf_scrap"], product="liquid_steel",
    metric="energy_kwh_per_t", value=405.0, unit="kWh/t", original_value=405.0, original_unit="kWh/t",
    boundary="furnace", kind="limit", jurisdiction="EU", valid_from="2026", source="a test",
    confidence="high",
)  # fmt: skip


@pytest.fixture
def scene_at(tmp_path, make, desk):
    """Returns a function: the scene as of a data time, over the hub that hears of every commit."""
    path = tmp_path / "gateway.toml"
    path.write_text(make.GATEWAY)
    config, hub = load_config(path), Hub()
    desk.writer.on_commit.append(hub.apply)

    benchmarks = load_benchmarks() | {"alike": ALIKE}  # 0.2 s that must not count as age

    def scene(t_ns, speed=1.0):
        clock = Clock(t_ns, time.monotonic_ns(), speed)
        return Scene(config, clock, hub, desk.problems, benchmarks)

    scene.hub = hub
    return scene


def line(overview, name):
    return next(one for one in overview.lines if one.line == name)


def health(**changes):
    values = {"v": 1, "agent": "edge", "epoch": 7, "t_ns": 1, "measured": 0, "waiting": 0, "dropped": 0}
    return wire.Health(**(values | {"readings": 0} | changes))


def test_an_empty_house_shows_empty_lists_and_the_configured_alarms(scene_at, make):
    overview = build_overview(scene_at(make.T0))
    assert (overview.lines, overview.agents, overview.devices, overview.reconciliation) == ([], [], [], [])
    assert [(alarm.id, alarm.state, alarm.active) for alarm in overview.alarms] == [("hot", "normal", False)]


def test_a_line_shows_its_newest_result_with_names_and_units(scene_at, desk, agent):
    birth, records = agent.birth(), [agent.record(energy=400.0), agent.record(energy=410.0, validity=1)]
    desk.writer.write([agent.frame(birth), agent.frame(records[1]), agent.frame(records[0], lane="backlog")])
    furnace = line(build_overview(scene_at(records[1].t_ns + NS)), "furnace")
    assert (furnace.batch, furnace.phase, furnace.phases[furnace.phase]) == ("4711", 1, "melt")
    assert (furnace.t_ns, furnace.stale, furnace.age_s) == (
        records[1].t_ns,
        False,
        pytest.approx(1.0, abs=0.2),
    )
    batch = furnace.windows["batch"]
    assert (batch.validity, batch.validity_name) == (1, "PRODUCT_ESTIMATED")
    metric = batch.metrics["energy_kwh_per_t"]
    assert (metric.value, metric.unit, metric.uncertainty) == (410.0, "kWh/t", 2.5)
    assert batch.metrics["co2_pfc_kg_per_t"].value is None


def test_running_and_finished_are_held_against_the_benchmarks_of_their_process(scene_at, desk, agent):
    desk.writer.write(
        [agent.frame(agent.birth()), agent.frame(agent.record()), agent.frame(agent.finished())]
    )
    furnace = line(build_overview(scene_at(agent.seq * NS)), "furnace")
    assert furnace.compared_window == "batch"
    finished = furnace.last_finished.comparisons
    assert [(one.benchmark, one.verdict) for one in finished] == [("alike", "meets")], (
        "reasons are said twice"
    )
    assert {one.benchmark for one in furnace.comparisons} > {"alike"}
    assert all(one.comparable == (not one.why) for one in furnace.comparisons), (
        "not comparable without a reason"
    )
    assert furnace.last_finished.metrics["energy_kwh_per_t"].value == 401.25
    assert furnace.last_finished.validity_name == "VALID"


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_a_line_is_stale_three_seconds_of_a_persons_life_after_its_last_record(scene_at, desk, agent, speed):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    for wall_s, stale in ((2.5, False), (3.1, True)):
        overview = build_overview(scene_at(record.t_ns + round(wall_s * speed * NS), speed))
        assert line(overview, "furnace").stale is stale
        assert line(overview, "furnace").age_s == pytest.approx(wall_s, abs=0.3)
        assert overview.agents[0].stale is stale


def test_a_slowly_scanned_line_is_stale_after_three_of_its_scans(scene_at, desk, agent):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    bus = wire.BusHealth("kiln_line", "/dev/x", 1.0, 1.0, 10.0)
    scene_at.hub.set_health(EDGE, health(buses=[bus]))
    assert not line(build_overview(scene_at(record.t_ns + 29 * NS)), "furnace").stale
    assert line(build_overview(scene_at(record.t_ns + 31 * NS)), "furnace").stale


def test_a_series_is_stale_by_its_own_limit_and_keeps_its_quality(scene_at, desk, agent):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    views = {one.name: one for one in series_views(scene_at(record.t_ns + 20 * NS))}
    assert views["furnace.active_power_kw"].stale, "after 10 s"
    assert not views["kiln.coal_t"].stale, "after 30 s"
    assert (views["kiln.coal_t"].value, views["kiln.coal_t"].quality_name) == (2 / 7, "UNCERTAIN_CLOCK")
    assert views["kiln.coal_t"].t_ns == record.t_ns + 2_500_000


def test_a_device_is_as_fresh_as_its_last_usable_reading(scene_at, desk, agent):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    devices = [
        wire.DeviceHealth("eaf", "plc", "ok", record.t_ns - 60 * NS),
        wire.DeviceHealth("x", "plc", "down"),
    ]
    scene_at.hub.set_health(EDGE, health(devices=devices))
    views = {one.name: one for one in build_overview(scene_at(record.t_ns + NS)).devices}
    assert not views["eaf"].stale
    assert views["eaf"].last_good_ns == record.t_ns + 1_000_000
    assert views["x"].stale


def test_after_a_restart_the_page_shows_what_it_showed_before(scene_at, desk, agent):
    desk.writer.write(
        [agent.frame(agent.birth()), agent.frame(agent.record()), agent.frame(agent.finished())]
    )
    again = Hub()
    again.load(desk.reader, desk.writer.books, desk.writer.alarm_states)
    for part in ("lines", "series", "totals", "devices"):
        assert getattr(again, part) == getattr(scene_at.hub, part), part


def test_what_a_new_birth_no_longer_names_is_forgotten_and_the_rest_is_kept(scene_at, desk, agent):
    birth, record = agent.birth(), agent.record()
    desk.writer.write([agent.frame(birth), agent.frame(record)])
    agent.epoch, agent.seq = 8, 0
    smaller = agent.birth()
    smaller.lines, smaller.series = smaller.lines[:1], smaller.series[:2]
    desk.writer.write([agent.frame(smaller)])
    overview = build_overview(scene_at(record.t_ns))
    assert [one.line for one in overview.lines] == ["furnace"]
    assert line(overview, "furnace").windows["batch"].metrics["energy_kwh_per_t"].value == 400.0
    assert len(series_views(scene_at(record.t_ns))) == 2
    desk.writer.write([agent.frame(birth)])
    assert len(build_overview(scene_at(record.t_ns)).lines) == 1, (
        "an old birth that comes again changes nothing"
    )


def test_two_agents_with_one_line_are_a_problem_only_while_both_live(scene_at, desk, agent, make):
    desk.writer.write([agent.frame(agent.birth()), agent.frame(agent.record())])
    other = make.Agent(name="other")
    later = make.T0 + 100 * NS
    desk.writer.write([other.frame(other.birth()), other.frame(other.record(t_ns=later))])
    both = build_overview(scene_at(make.T0 + 3 * NS)).problems
    assert any("Line 'furnace' is announced by two agents, works/other and works/edge" in one for one in both)
    assert build_overview(scene_at(later)).problems == [], "the first one was replaced"


def test_messages_that_cannot_be_read_are_a_problem_with_a_count(scene_at, desk, make):
    desk.writer.write([Arrival("greenhearth/1/works/edge/records", b"{%d" % n) for n in range(3)])
    scene_at.hub.refuse_live(EDGE, "version 2 is not 1")
    (problem,) = build_overview(scene_at(make.T0)).problems
    assert problem.startswith("4 message(s) from works/edge could not be read")
    assert problem.endswith("version 2 is not 1")


def test_what_an_agent_complains_of_is_passed_on(scene_at, make):
    scene_at.hub.set_health(EDGE, health(problems=["The disk is nearly full."]))
    assert build_overview(scene_at(make.T0)).problems == ["edge: The disk is nearly full."]


def test_the_count_closes_while_items_are_in_flight(scene_at, desk, agent, make):
    birth, records = agent.birth(), [agent.record() for _ in range(9)]
    desk.writer.write([agent.frame(birth), agent.frame(*records[:4])])
    scene_at.hub.set_health(EDGE, health(measured=8, waiting=5))
    desk.writer.write([agent.frame(*records[4:]), agent.frame(records[0])])
    (count,) = build_overview(scene_at(make.T0)).reconciliation
    assert (count.stored, count.waiting, count.duplicates, count.overlap) == (10, 5, 1, 7)
    assert count.closes


def test_an_item_that_the_agent_let_go_and_that_is_not_here_shows(scene_at, desk, agent, make):
    birth, records = agent.birth(), [agent.record() for _ in range(4)]
    desk.writer.write([agent.frame(birth), agent.frame(*records[:3])])
    scene_at.hub.set_health(EDGE, health(measured=5, waiting=0))
    (count,) = build_overview(scene_at(make.T0)).reconciliation
    assert (count.closes, count.difference) == (False, 1)


def test_items_that_nobody_measured_show(scene_at, desk, agent, make):
    desk.writer.write([agent.frame(agent.birth()), agent.frame(*[agent.record() for _ in range(4)])])
    scene_at.hub.set_health(EDGE, health(measured=3, waiting=0))
    (count,) = build_overview(scene_at(make.T0)).reconciliation
    assert (count.closes, count.difference) == (False, -2)


def test_quarantined_and_dropped_items_are_part_of_the_count(scene_at, desk, agent, make):
    birth, good, bad = agent.birth(), agent.record(), agent.record()
    bad.results[0].l = 5
    desk.writer.write([agent.frame(birth), agent.frame(good), agent.frame(bad)])
    scene_at.hub.set_health(EDGE, health(measured=6, waiting=1, dropped=2))
    (count,) = build_overview(scene_at(make.T0)).reconciliation
    assert (count.stored, count.quarantined, count.dropped, count.overlap) == (2, 1, 2, 0)
    assert count.closes


def test_an_agent_that_says_goodbye_is_offline(scene_at, make):
    scene_at.hub.set_health(EDGE, health())
    scene_at.hub.set_status(EDGE, wire.Status(1, "edge", False, 7))
    assert [a.online for a in build_overview(scene_at(make.T0)).agents] == [False]
