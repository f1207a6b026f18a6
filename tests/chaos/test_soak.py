"""T31: whole works for a day of the plants' time; memory, handles and latency stay what they are.

``GREENHEARTH_CHAOS=B`` takes 24 minutes for the day and 6 for the planted leak. Tier A only asks
whether the meter works: it must find an agent that loses memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Broker
from .soak import DRIFT, DRIFT_S, JUDGED, MIB_PER_H, SoakWorks, judge, soak
from .tiers import seed, size, tier, write_result

SPEED = 60.0
DAY_S = size(0, 24 * 60, 168 * 60)
LEAK_S = size(24, 6 * 60, 6 * 60)
LEAK_BYTES = size(8192, 256, 256)
"""Lost with every record. 256 bytes are 0.9 MiB per hour of the plants' time; 1 byte a record would
be 0.004 MiB, which no meter of resident memory can tell from nothing within a day, and which is 25
times less than the bar."""


@pytest.fixture
def started() -> Iterator[list[SoakWorks]]:
    """Works that a test has started; ended afterwards."""
    works: list[SoakWorks] = []
    yield works
    for one in works:
        one.end()


def _measured(works: SoakWorks, seconds: float, others: dict[str, int]) -> dict[str, Any]:
    dice = seed()
    return judge(soak(works, seconds, others, print), dice)


@pytest.mark.skipif(tier() == "A", reason="a day at 60 x takes 24 minutes: GREENHEARTH_CHAOS=B")
def test_a_day_leaves_memory_handles_and_latency_as_they_are(
    broker: Broker, influx: Any, tmp_path: Path, started: list[SoakWorks]
) -> None:
    """Slope of resident memory at most 0.1 MiB per hour of the plants' time, upper bound of 95 %."""
    works = SoakWorks(tmp_path, broker, SPEED, influx.url)
    started.append(works)
    figures = _measured(works, DAY_S, {"influxd": influx.process.pid})
    write_result("soak", figures)
    print(figures)
    for name in JUDGED:
        assert figures[name]["rss_mib_per_h"]["high"] <= MIB_PER_H, name
        assert figures[name]["fds"]["holds"], name
        assert figures[name]["threads"]["holds"], name
    assert figures["p99_drift"] <= max(DRIFT, DRIFT_S / figures["live_p99_s"])


def test_an_agent_that_loses_memory_is_found(
    broker: Broker, tmp_path: Path, started: list[SoakWorks]
) -> None:
    """The test of the test: the same meter, a leak of known size."""
    works = SoakWorks(tmp_path, broker, SPEED, leak=LEAK_BYTES)
    started.append(works)
    figures = _measured(works, LEAK_S, {})
    planted = LEAK_BYTES * figures["items"] / figures["plant_hours"] / (1 << 20)
    found = figures["agent"]["private_mib_per_h"]
    print(f"planted {planted:.2f} MiB/h, found {found}, resident {figures['agent']['rss_mib_per_h']}")
    write_result("soak-leak", {**figures, "planted_mib_per_h": planted})
    for what in ("rss_mib_per_h", "private_mib_per_h"):
        assert figures["agent"][what]["low"] > MIB_PER_H, "the leak could be chance"
    assert 0.7 * planted <= found["estimate"] <= 2.0 * planted
    assert figures["agent"]["fds"]["holds"]
    assert figures["agent"]["threads"]["holds"]
