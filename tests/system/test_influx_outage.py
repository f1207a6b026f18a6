"""A database that is away while the works go on: it gets everything when it is back.

``INFLUX_AWAY_S=60 pytest -s tests/system/test_influx_outage.py`` is the long form.
"""

import os
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from greenhearth.wire import Record
from greenhearth_gateway.journal.reader import Reader

from .conftest import GATEWAY, Works, until

AWAY_S = float(os.environ.get("INFLUX_AWAY_S", "5"))


@pytest.fixture
def works_with_influx(works: Works, influx: Any, tmp_path: Path) -> Works:
    """The works, with a gateway whose projection is switched on."""
    text = GATEWAY.read_text(encoding="utf-8")
    on = text.replace("enabled = false", "enabled = true").replace("http://127.0.0.1:8086", influx.url)
    config = tmp_path / "gateway.toml"
    config.write_text(on)
    where = ["--http", "127.0.0.1:0", "--data", str(tmp_path / "gateway")]
    works.family.start("gateway", ["gateway", "run", str(config), *where, *works.shared])
    works.family.ready("gateway", 30)
    return works


def _stored_points(reader: Reader) -> dict[str, int]:
    """Count the readings of the furnace's power and of the kiln's clinker in the journal."""
    counts = {"furnace.active_power": 0, "kiln.clinker": 0}
    births = {(b.epoch, b.seq): b for _, b in reader.newest_births()}
    for stored in reader.items_after(0, 1_000_000):
        if isinstance(stored.item, Record):
            names = births[stored.item.epoch, stored.item.birth].series
            for block in stored.item.blocks:
                for k, value in enumerate(block.x):
                    name = names[block.i + k].name
                    if name in counts and value is not None:
                        counts[name] += 1
    return counts


def _points_in(url: str, field: str) -> int:
    query = {"db": "greenhearth", "q": f'SELECT count("{field}") FROM readings'}
    reply = msgspec.json.decode(httpx.get(f"{url}/query", params=query, timeout=30).content)
    return int(reply["results"][0]["series"][0]["values"][0][1])


def test_a_database_that_was_away_has_every_point_when_it_is_back(
    works_with_influx: Works, influx: Any, tmp_path: Path
) -> None:
    """Real plants, agent and gateway at a hundred times life; InfluxDB is killed and started again."""
    works = works_with_influx
    works.start_agent()
    reader = Reader(tmp_path / "gateway" / "journal.sqlite")
    until(lambda: reader.cursor("influx") > 200, 30, "the projection writes")
    influx.kill()
    at_kill, killed = reader.cursor("influx"), time.monotonic()
    until(lambda: time.monotonic() - killed >= AWAY_S, AWAY_S + 5, "the outage lasts")
    assert reader.last_id() > at_kill + 100, "the journal did not go on"
    influx.start()
    began = time.monotonic()
    works.family.end("agent")
    until(lambda: reader.cursor("influx") == reader.last_id(), 60, "the projection has caught up")
    took = time.monotonic() - began
    expected = _stored_points(reader)
    found = {name: _points_in(influx.url, name) for name in expected}
    print(
        f"away {AWAY_S:.0f} s, {reader.last_id() - at_kill} items behind, caught up in {took:.1f} s: {found}"
    )
    assert min(expected.values()) > 100
    assert found == expected
