"""Which driver a bus gets."""

from collections.abc import Callable

from greenhearth.site import Site
from greenhearth_agent.buses.driver import Driver
from greenhearth_agent.buses.modbus import ModbusBus


def make_driver(site: Site, name: str, stamp: Callable[[], int]) -> Driver:
    """Return the driver of bus `name`; `stamp` gives the time [Unix ns] of an answer."""
    return ModbusBus(name, site.buses[name], stamp)


def unit_of(site: Site, device: str) -> int:
    """Return what a request calls a device: its Modbus unit, else its number on its bus, from 1 on."""
    one = site.devices[device]
    if site.profiles[one.profile].protocol == "modbus":
        return one.unit
    return [name for name, other in site.devices.items() if other.bus == one.bus].index(device) + 1
