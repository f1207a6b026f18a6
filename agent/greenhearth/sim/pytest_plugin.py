"""Pytest fixtures for integrators: simulated plants on real sockets and serial lines.

A test asks for `plc` or `serial_line` and gets a running simulation::

    def test_my_gateway_reads_the_furnace(plc):
        host, port = plc.endpoint("furnace_plc")
        plc.tell("set furnace.active_power_kw 12345")
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from greenhearth.sim.background import BackgroundSim


@pytest.fixture
def plc() -> "Iterator[BackgroundSim]":
    """An arc furnace's controller on a TCP port: ``plc.endpoint("furnace_plc")``."""
    yield from _plants("furnace")


@pytest.fixture
def serial_line() -> "Iterator[BackgroundSim]":
    """A kiln's four meters on a serial device: ``serial_line.device()``, RTU, 19200 baud."""
    yield from _plants("kiln")


def _plants(name: str) -> "Iterator[BackgroundSim]":
    # Not at the top: whoever has this package installed pays for it in every pytest run.
    from greenhearth.sim.app import SimOptions
    from greenhearth.sim.background import BackgroundSim

    with BackgroundSim(SimOptions(plants=(name,))) as running:
        yield running
