"""Lines of declared cases: plant, registers, site file and kernels agree with the account."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from greenhearth.account import read_case, take_inventory
from greenhearth.clock import NS
from greenhearth.engine import Engine
from greenhearth.model import build_model
from greenhearth.processes import find_process, known_processes, load_process
from greenhearth.profiles import find_profile, load_profile
from greenhearth.quality import Quality
from greenhearth.shelf import configs_root
from greenhearth.sim.app import SimOptions
from greenhearth.sim.background import BackgroundSim
from greenhearth.sim.case_plant import CaseLine
from greenhearth.sim.case_potline import CasePotline
from greenhearth.sim.case_site import roles_of, site_text, write_site
from greenhearth.sim.cases import (
    CHANNELS,
    LineCase,
    channels_of,
    find_case,
    known_cases,
    line_case,
    open_cases,
)
from greenhearth.sim.controllers import LINE_CONTROLLER
from greenhearth.sim.grid import Values
from greenhearth.sim.pace import PARTS, Batches, Steady
from greenhearth.sim.registers import image
from greenhearth.site import load_site
from greenhearth.strict import ConfigError
from greenhearth.wire import Event
from greenhearth_agent.plan import make_plan

from ..agreement import ALLOWED, WITH_PFC, account_of_made, deviations, ratios_of

START_NS = 1_800_000_000 * NS
"""A whole hour."""
BATCH_MIN = 15.0
SCAN_S = 20.0
BLANK: Values = dict.fromkeys((field.value for field in LINE_CONTROLLER.fields), float("nan"))

_OF_EFFECTS = {"ae_product", "ae_overvoltage_product"}
WITH_EFFECTS = [n for n in known_cases() if _OF_EFFECTS & read_case(find_case(n)).quantities.keys()]


def line_of(name: str, minutes: float = BATCH_MIN) -> LineCase:
    return open_cases([name], minutes)[0]


def plant_of(line: LineCase) -> CaseLine:
    kind = CasePotline if line.process.kernel == "potline" else CaseLine
    return kind(line, BLANK, 1, START_NS)


def run(site: Path, plant: CaseLine, seconds: float) -> list[Event]:
    """Read a plant's registers every 20 s for a while; return what the kernels finished."""
    model = build_model(load_site(site))
    plan = make_plan(model)
    engine = Engine(model, plan.blocks)
    events: list[Event] = []
    for step in range(int(seconds / SCAN_S) + 1):
        t_ns = START_NS + round(step * SCAN_S * NS) + NS // 3
        plant.advance(t_ns)
        values, words = plant.values(), np.zeros(plan.n_words, np.uint16)
        for block in plan.blocks:
            for at, data in image(LINE_CONTROLLER, values, block.address, block.count).items():
                for k, word in enumerate(data):
                    if 0 <= at + k - block.address < block.count:
                        words[block.offset + at + k - block.address] = word
        n = len(plan.blocks)
        events += engine.update(t_ns, words, np.full(n, t_ns), np.zeros(n, np.int32)).events
    return events


def live_ratios(events: list[Event], line: str, window: str) -> dict[str, float | None]:
    """Return the metrics of the last finished window of one kind (not those of a green twin)."""
    finished = [event for event in events if event.what in ("window_finished", "batch_finished")]
    good = [e for e in finished if e.subject == line and e.window == window and e.coverage > 0.95]
    assert good, f"no {window} has finished"
    return {name: metric.value for name, metric in good[-1].metrics.items()}


def worst_of(name: str, site: Path, plant: CaseLine) -> tuple[float, str]:
    """Return the worst deviation of live figures and of what was made, with the metric's name."""
    line = plant.line
    declared = ratios_of(take_inventory(line.case))
    live = live_ratios(run(site, plant, 3700.0), line.name, "batch" if line.batches else "15min")
    made = account_of_made(line.case, plant.made().amounts).metrics
    coarse = WITH_PFC if line.stream("ae_product") or line.stream("ae_overvoltage_product") else set()
    gaps = deviations({k: v for k, v in declared.items() if k not in coarse}, live)
    true = deviations(declared, {k: metric.value for k, metric in made.items()})
    both = {**{f"{k}, live": v for k, v in gaps.items()}, **{f"{k}, made": v for k, v in true.items()}}
    worst = max(both, key=lambda k: both[k])
    return both[worst], f"{name}: {worst}"


@pytest.mark.parametrize("name", known_cases())
def test_what_a_case_declares_is_what_its_line_shows_and_what_its_account_says(
    name: str, tmp_path: Path
) -> None:
    plant = plant_of(line_of(name))
    site = tmp_path / "site.toml"
    write_site(site, [plant.line], "127.0.0.1", 502)
    gap, where = worst_of(name, site, plant)
    assert gap <= ALLOWED, where


def test_every_process_of_the_shelf_has_a_case() -> None:
    made = {read_case(find_case(name)).head.process for name in known_cases()}
    assert set(known_processes()) - made == set()


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("clinker_kiln", "total_01_t", "total_02_t"), ("eaf_scrap", "total_01_nm3", "total_02_nm3")],
)
def test_a_role_on_the_wrong_register_does_not_agree(name: str, one: str, other: str, tmp_path: Path) -> None:
    plant = plant_of(line_of(name))
    text = site_text([plant.line], "127.0.0.1", 502)
    head, roles = text.split(".role]\n")
    for a, b in ((one, "?"), (other, one), ("?", other)):
        roles = roles.replace(f'point = "{a}"', f'point = "{b}"')
    site = tmp_path / "site.toml"
    site.write_text(head + ".role]\n" + re.sub(r", max_per_h = [^,} ]+", "", roles))
    gap, _ = worst_of(name, site, plant)
    assert gap > 4.0 * ALLOWED


@pytest.mark.parametrize("name", WITH_EFFECTS)
def test_anode_effects_of_a_potline_agree_when_its_cells_are_looked_at_often_enough(
    name: str, tmp_path: Path
) -> None:
    """Edges are late by up to one scan: 0.4 s of 80 s and more is 0.5 % at worst."""
    line = line_of(name)
    plant = plant_of(line)
    assert isinstance(plant, CasePotline)
    site = tmp_path / "site.toml"
    write_site(site, [line], "127.0.0.1", 502)
    engine = Engine(build_model(load_site(site)))
    channels = {role: line.channels[role] for role in roles_of(line)}
    names = [
        f"{channels[s.role]}{s.name[-4:] if s.role == 'cell_voltage' else ''}" for s in engine.model.series
    ]
    n, events = len(names), list[Event]()
    for step in range(9001):
        t_ns = START_NS + step * 2 * NS // 5 + NS // 7
        plant.advance(t_ns)
        values = plant.values()
        x = np.array([values[one] for one in names], np.float64)
        q = np.where(np.isnan(x), int(Quality.SENTINEL), 0).astype(np.int32)
        events += engine.finish_with(t_ns, x, np.full(n, t_ns), q, np.ones(n, np.int32))
    declared = ratios_of(take_inventory(line.case))
    gaps = deviations(declared, live_ratios(events, name, "1h"))
    assert max(gaps.values()) <= ALLOWED, gaps
    told = [event for event in events if event.what == "anode_effect"]
    assert len(told) == plant.effects.number


@pytest.mark.parametrize("minutes", [0.0, BATCH_MIN])
def test_a_whole_period_makes_exactly_what_is_declared(minutes: float) -> None:
    for name in known_cases():
        line = line_of(name, minutes)
        plant = plant_of(line)
        plant.advance(START_NS)
        before = plant.values()
        plant.advance(START_NS + round(line.period_h * 3600 * NS))
        after = plant.values()
        for one in line.streams:
            if one.channel and not one.is_rate:
                rise = float(after[one.channel]) - float(before[one.channel])
                assert rise == pytest.approx(one.declared * one.scale, rel=1e-9), f"{name}.{one.role}"


def test_flows_are_the_slope_of_the_totals_and_never_negative() -> None:
    for pace in (Steady(3, 24.0, "x"), Batches(["charge", "run", "discharge"], 24.0, 10)):
        for h in np.arange(0.0, 6.0, 0.0371):
            slope = (pace.done(h + 1e-5) - pace.done(h - 1e-5)) / 2e-5 if h else pace.flow(h)
            assert pace.flow(h) == pytest.approx(slope, rel=1e-4, abs=1e-5)
            assert pace.flow(h).min() >= 0.0


def test_a_steady_line_wanders_but_its_intensity_does_not() -> None:
    pace = Steady(2, 24.0, "x")
    rates = np.array([pace.flow(h) for h in np.arange(0.0, 4.0, 0.01)])
    assert np.ptp(rates[:, 0]) / rates.mean() > 0.03
    quarters = np.diff([pace.done(h) for h in np.arange(0.0, 24.0, 0.25)], axis=0)
    assert np.abs(quarters[:, 0] / quarters[:, 1] - 1.0).max() < 1e-3


def test_a_batch_is_charged_runs_and_gives_its_product_in_this_order() -> None:
    pace = Batches(list(PARTS), 1.0, 1)
    assert [pace.batch(u)[1] for u in (0.05, 0.2, 0.5, 0.8, 0.95)] == [0, 1, 2, 3, 0]
    assert pace.done(0.3)[0] > 0.9
    assert pace.done(0.73)[2] == 0.0
    assert pace.batch(1.01)[0] == pace.batch(0.99)[0] + 1


def test_the_channels_of_the_simulator_and_of_the_profile_are_as_many() -> None:
    points = load_profile(find_profile("plcs/line_controller")).points
    for unit, number in CHANNELS.items():
        assert sum(p.unit == unit and p.count == 1 for p in points.values()) == number, unit
    assert points["cell_voltage_v"].count == sum(f.value.startswith("cell_") for f in LINE_CONTROLLER.fields)
    for name in known_processes():
        channels = channels_of(load_process(find_process(name)))
        assert set(channels.values()) <= set(points), name
        assert len(set(channels.values())) == len(channels), name


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("amount = 450.0", "amount = -450.0"), "quantity.coal"),
        (("amount = 450.0", "share = 0.5\nshare_source = 'x'\namount = 450.0"), "quantity.coal"),
        (("amount = 450.0", "flows = []\namount = 450.0"), "quantity.coal"),
    ],
)
def test_a_case_that_no_meter_could_show_is_refused_with_its_place(
    change: tuple[str, str], where: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(find_case("clinker_kiln").read_text().replace(*change))
    with pytest.raises(ConfigError) as refused:
        line_case(read_case(path))
    assert refused.value.key == where


def test_a_case_without_a_process_has_no_meters_to_simulate(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[case]\ntitle = "a"\nsource = "b"\n[quantity.x]\namount = 1.0\nunit = "t"\nflows = []\n')
    with pytest.raises(ConfigError, match=r"case\.process: is missing"):
        line_case(read_case(path))


def test_the_verb_lists_the_cases_and_says_what_it_does_not_understand() -> None:
    verb = [sys.executable, "-m", "greenhearth_cli", "sim"]

    def tell(*options: str) -> tuple[int, str, str]:
        done = subprocess.run([*verb, *options], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    code, told, _ = tell("--list")
    assert code == 0
    assert all(name[:10] in told for name in known_cases())
    code, told, complaint = tell("--case", "eaf_scarp")
    assert (code, told) == (2, "")
    assert "did you mean 'eaf_scrap'?" in complaint
    code, _, complaint = tell("--plants", "cell", "--write-site", "s.toml")
    assert code == 2
    assert "name some with --case" in complaint


def test_an_unknown_case_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'clinker_kiln'"):
        open_cases(["clinker_kilm"])
    with pytest.raises(ValueError, match="asked for twice"):
        open_cases(["clinker_kiln", "clinker_kiln"])


def test_a_site_file_that_a_person_wrote_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "site.toml"
    mine.write_text("[site]\n")
    with pytest.raises(ValueError, match="was not written by a simulator"):
        write_site(mine, [line_of("clinker_kiln")], "127.0.0.1", 502)
    assert mine.read_text() == "[site]\n"
    write_site(tmp_path / "other.toml", [line_of("clinker_kiln")], "127.0.0.1", 502)
    write_site(tmp_path / "other.toml", [line_of("clinker_kiln")], "127.0.0.1", 503)


def test_the_control_port_tells_what_a_case_has_made_and_its_values_can_be_forced() -> None:
    with BackgroundSim(SimOptions(plants=(), cases=("clinker_kiln",), speed=1000.0)) as sim:
        assert sim.endpoint("cases")[1] > 0
        sim.tell("set clinker_kiln.total_01_kwh 5")
        assert sim.tell("get clinker_kiln.total_01_kwh") == "5.0"
        made = json.loads(sim.tell("made clinker_kiln"))
        amount, unit = made["amounts"]["clinker"]
        assert unit == "t"
        assert amount == pytest.approx(5000.0 * made["hours"] / 24.0, rel=0.1)
        with pytest.raises(ValueError, match="no case 'clinker'; did you mean 'clinker_kiln'"):
            sim.tell("made clinker")


NEW_PROCESS = """
[process]
id = "paper_machine"
title = "Paper machine"
sector = "others"
product = "paper"
source = "invented for a test"

[role.electricity]
kind = "counter"
unit = "MWh"
required = true
meaning = "electricity of the machine"
flows = [{ method = "electricity", use = { ef = "grid" } }]

[role.gas]
kind = "counter"
unit = "kNm3"
required = true
meaning = "gas of the dryers"
flows = [{ method = "combustion", use = { ncv = "gas_ncv", ef = "fuel.natural_gas.ef" } }]

[role.gas_flow]
kind = "rate"
unit = "kNm3/h"
meaning = "gas of the dryers, now"
checks = "gas"

[role.paper]
kind = "counter"
unit = "kg"
required = true
meaning = "paper made"
flows = [{ method = "product" }]

[factor_roles]
grid = "grid.cn.national.2023"
gas_ncv = "fuel.natural_gas.ncv_vol_example"
"""
NEW_CASE = """
[case]
title = "A day of an invented paper machine"
source = "invented for a test"
process = "paper_machine"
period_h = 24.0
[quantity.electricity]
amount = 250000.0
unit = "kWh"
[quantity.gas]
amount = 40.0
unit = "kNm3"
[quantity.paper]
amount = 500.0
unit = "t"
"""


def test_a_new_process_needs_toml_files_and_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 t of paper: 500 kWh/t; 0.08 kNm3/t x 36.21 GJ/kNm3 x 56.1 kg/GJ = 162.5 kg CO2/t."""
    shelf = tmp_path / "shelf"
    shutil.copytree(configs_root(), shelf)
    (shelf / "processes" / "paper_machine.toml").write_text(NEW_PROCESS)
    (shelf / "cases" / "paper_machine.toml").write_text(NEW_CASE)
    monkeypatch.setenv("GREENHEARTH_CONFIGS", str(shelf))
    plant = plant_of(line_of("paper_machine"))
    declared = ratios_of(take_inventory(plant.line.case))
    assert declared["electricity_kwh_per_t"] == pytest.approx(500.0)
    assert declared["co2_scope1_kg_per_t"] == pytest.approx(0.08 * 36.21 * 56.1)
    site = tmp_path / "site.toml"
    write_site(site, [plant.line], "127.0.0.1", 502)
    gap, where = worst_of("paper_machine", site, plant)
    assert gap <= ALLOWED, where
