"""A green twin's event on its way: once per finished hour, numbered like the rest, on the disk."""

import asyncio
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from greenhearth import wire
from greenhearth.clock import NS, Clock, Stamper
from greenhearth.engine import Engine
from greenhearth.shelf import configs_root
from greenhearth_agent.app import resume
from greenhearth_agent.buffer import ScanBuffer
from greenhearth_agent.check import CheckedSite, read_site
from greenhearth_agent.items import entry_of
from greenhearth_agent.outbox import Outbox
from greenhearth_agent.pipeline import Numbers, Pipeline
from greenhearth_agent.spool import Spool

from .conftest import PROFILE, SITE

FACTORS = configs_root() / "factors"
T0 = 1_767_225_600 * NS
"""2026-01-01 00:00:00 UTC."""
PRODUCT = """
[point.made_t]
address = 8
type = "uint32"
unit = "t"
kind = "counter"
source = "tests"
"""
LINE = """
[line.plant]
title = "Plant"
process = "from_coal"
[line.plant.role]
electricity = { device = "box", point = "energy_kwh" }
product = { device = "box", point = "made_t" }
"""
PROCESS = """
[process]
id = "NAME"
title = "Made NAME"
sector = "test"
product = "thing"
source = "tests"
[role.electricity]
kind = "counter"
unit = "kWh"
required = true
meaning = "electricity"
flows = [{ method = "electricity", use = { ef = "grid" } }]
[role.product]
kind = "counter"
unit = "t"
required = true
meaning = "product"
flows = [{ method = "product" }]
[factor_roles]
grid = "grid.cn.national.2023"
"""
TWIN = """
[twin]
process = "from_coal"
green = "from_sun"
title = "The same from the sun"
source = "tests"
[per_tonne.product]
amount = 1.0
unit = "t"
source = "by definition"
[per_tonne.electricity]
amount = 50.0
unit = "kWh"
source = "tests"
"""


@pytest.fixture
def works(tmp_path: Path, shelf: Path) -> CheckedSite:
    """A plant with a product and one twin on a shelf of its own, with the real factors."""
    (shelf / "plcs" / "box.toml").write_text(PROFILE + PRODUCT)
    for folder in ("processes", "twins"):
        (shelf / folder).mkdir()
    (shelf / "factors").symlink_to(FACTORS)
    for name in ("from_coal", "from_sun"):
        (shelf / "processes" / f"{name}.toml").write_text(PROCESS.replace("NAME", name))
    (shelf / "twins" / "from_coal__from_sun.toml").write_text(TWIN)
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(port=502) + LINE)
    return read_site(path)


def fill(words: np.ndarray, kwh: int, t: int) -> None:
    """Write the two counters where the box has them."""
    words[2:4] = kwh >> 16, kwh & 0xFFFF
    words[8:10] = t >> 16, t & 0xFFFF


def scan(one: Pipeline, t_ns: int, kwh: int, made: int) -> None:
    """Let every block be read at `t_ns`, and the kernels run."""
    assert one.buffer is not None
    one.stamper = Stamper(Clock(t_ns, time.monotonic_ns(), 1e-6))
    fill(one.buffer.words, kwh, made)
    for block in range(len(one.engine.blocks)):
        one.buffer.write(block, t_ns, 0, None)
    one.update()


def pipeline(works: CheckedSite, outbox: Outbox, epoch: int) -> Pipeline:
    engine = Engine(works.model, works.plan.blocks)
    resume(engine, outbox)
    spool = Spool(outbox, epoch, lambda _: None)
    one = Pipeline(Clock.real(), Stamper(Clock.real()), 1.0, engine, Numbers(epoch), spool=spool)
    one.buffer = ScanBuffer(works.plan, one.written)
    birth = wire.Birth(0, 0, T0, "works", "edge", "test", [], works.model.line_info(), [], [], [])
    one.begin(entry_of(one.numbers.take(birth)))
    return one


def stored(outbox: Outbox) -> list[wire.Item]:
    entries = [entry for _, entry in outbox.waiting_after(0, 10_000)]
    return [msgspec.json.decode(entry.payload, type=wire.Item) for entry in entries]


def test_a_twin_is_told_once_per_finished_hour_numbered_and_on_the_disk(
    works: CheckedSite, tmp_path: Path
) -> None:
    """Over a kill of the agent in the second hour, too."""

    async def work() -> list[wire.Item]:
        outbox = Outbox(tmp_path / "outbox", 64_000_000)
        outbox.open()
        one = pipeline(works, outbox, 5)
        for minute in range(100):
            scan(one, T0 + minute * 60 * NS, 1000 + 100 * minute, 50 + minute)
        await one._spool().flush()
        outbox.close()
        outbox.open()
        one = pipeline(works, outbox, 6)
        for minute in range(100, 190):
            scan(one, T0 + minute * 60 * NS, 1000 + 100 * minute, 50 + minute)
        await one._spool().flush()
        found = stored(outbox)
        await one._spool().close()
        return found

    items = asyncio.run(work())
    for epoch in (5, 6):
        own = [item.seq for item in items if item.epoch == epoch]
        assert own == list(range(1, len(own) + 1))
    twins = [item for item in items if isinstance(item, wire.Event) and item.what == "twin"]
    hours = [
        item for item in items if isinstance(item, wire.Event) and item.window == "1h" and item not in twins
    ]
    assert [(t.start_ns - T0) // (3600 * NS) for t in twins] == [0, 1, 2]
    assert [(t.start_ns, t.end_ns) for t in twins] == [(h.start_ns, h.end_ns) for h in hours]
    for twin, hour in zip(twins, hours, strict=True):
        assert twin.seq == hour.seq + 1
        made = hour.metrics["product_t"].value
        assert made == pytest.approx(60.0, rel=0.02)
        assert twin.metrics["electricity_kwh"].value == pytest.approx(50.0 * made, rel=1e-12)
        assert twin.metrics["co2_total_kg"].value == pytest.approx(50.0 * 0.5306 * made, rel=1e-12)
        assert twin.detail == "from_coal__from_sun"
    birth = next(item for item in items if isinstance(item, wire.Birth))
    assert birth.lines[0].twins["from_coal__from_sun"].factor_set == twins[0].factor_set
