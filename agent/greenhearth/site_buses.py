"""What the buses of a site file and the devices on them must fulfil together."""

import re

from greenhearth.profiles import Protocol
from greenhearth.site_tables import Bus, BusKind, Device, Site
from greenhearth.strict import Document

MODBUS_PORT, SECURE_PORT = 502, 802
PROTOCOLS: dict[BusKind, Protocol] = {
    "dlt645": "dlt645", "iec62056_21": "iec62056_21", "ascii_line": "ascii_line",
}  # fmt: skip
"""Kinds of bus that do not speak Modbus."""
_ON_A_PORT = frozenset({"rtu", "ascii"})
_DLT645_ADDRESS = re.compile(r"[0-9]{12}")
_IEC_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")


def protocol_of(bus: Bus) -> Protocol:
    """Return the protocol that the devices of a bus speak."""
    return PROTOCOLS.get(bus.kind, "modbus")


def on_serial_port(bus: Bus) -> bool:
    """Tell whether a bus is a serial port of this machine."""
    return bus.kind in _ON_A_PORT or (bus.kind in PROTOCOLS and not bus.host)


def port_of(bus: Bus) -> int:
    """Return the TCP port of a bus: as the site file says, else the registered one."""
    return bus.port or (SECURE_PORT if bus.kind == "tls" else MODBUS_PORT)


def endpoint_of(bus: Bus) -> str:
    """Return where a bus is, as a person would write it."""
    return bus.device if on_serial_port(bus) else f"{bus.host}:{port_of(bus)}"


def check_buses(doc: Document, site: Site) -> None:
    """Refuse buses that lack something, and endpoints with two owners."""
    seen: dict[str, str] = {}
    for name, bus in site.buses.items():
        key = f"bus.{name}"
        _check_place(doc, key, bus)
        _check_settings(doc, key, bus)
        endpoint = endpoint_of(bus)
        other = seen.setdefault(endpoint, name)
        if other != name:
            raise doc.error(key, f"{endpoint} already belongs to bus '{other}'; an endpoint has one owner")


def _check_place(doc: Document, key: str, bus: Bus) -> None:
    if bus.kind in _ON_A_PORT and not bus.device:
        raise doc.error(key, f"an {bus.kind} bus needs 'device', the serial port")
    if bus.kind in PROTOCOLS and bool(bus.host) == bool(bus.device):
        raise doc.error(key, f"a {bus.kind} bus needs 'device', the serial port, or 'host', a serial server")
    if bus.kind not in _ON_A_PORT and bus.kind not in PROTOCOLS and not bus.host:
        raise doc.error(key, f"a {bus.kind} bus needs 'host'")
    if bus.kind in PROTOCOLS and bus.host and not bus.port:
        raise doc.error(f"{key}.port", "a serial server has no usual port; say which")
    if not 0 <= bus.port <= 65535:
        raise doc.error(f"{key}.port", "a port is 1 to 65535")


def _check_settings(doc: Document, key: str, bus: Bus) -> None:
    if bus.baud <= 0:
        raise doc.error(f"{key}.baud", "a baud rate is above 0")
    if bus.gap_ms < 0:
        raise doc.error(f"{key}.gap_ms", "cannot be negative")
    if bus.data_bits == 7 and bus.kind in ("rtu", "rtu_over_tcp", "dlt645"):
        raise doc.error(f"{key}.data_bits", f"{bus.kind} sends bytes of 8 bits; 7 would cut them")
    if bus.rs485 != "auto" and not on_serial_port(bus):
        raise doc.error(f"{key}.rs485", "only a serial port of this machine has an RTS line")
    if bus.kind == "tls" and not (bus.ca and bus.cert and bus.key):
        raise doc.error(key, "a tls bus needs 'ca', 'cert' and 'key': both sides show who they are")
    if bus.kind != "tls" and (bus.ca or bus.cert or bus.key):
        raise doc.error(key, f"'ca', 'cert' and 'key' belong to a tls bus, not to {bus.kind}")


def check_place_of_device(
    doc: Document, key: str, bus: Bus, device: Device, taken: dict[tuple[str, str], str]
) -> None:
    """Refuse an address that its bus cannot have, or that another device of it has."""
    name = key.partition(".")[2]
    word = "unit" if protocol_of(bus) == "modbus" else "address"
    fault = _unit_fault(bus, device) if word == "unit" else _address_fault(bus, device)
    if fault:
        raise doc.error(f"{key}.{word}", fault)
    called = str(device.unit) if word == "unit" else device.address
    other = taken.setdefault((device.bus, called), name)
    if other != name:
        shown = called if word == "unit" else f"'{called}'"
        raise doc.error(f"{key}.{word}", f"{word} {shown} of bus '{device.bus}' is already '{other}'")


def _unit_fault(bus: Bus, device: Device) -> str:
    low, high = (0, 255) if bus.kind in ("tcp", "tls") else (1, 247)
    if device.address:
        return f"'address' is for meters without Modbus; a {bus.kind} device has 'unit'"
    return "" if low <= device.unit <= high else f"unit {device.unit} is not in {low}..{high}"


def _address_fault(bus: Bus, device: Device) -> str:
    if device.unit != 1:
        return f"a device on a {bus.kind} bus has an 'address', no 'unit'"
    if bus.kind == "dlt645" and not _DLT645_ADDRESS.fullmatch(device.address):
        return f"'{device.address}' is not the 12 digits on the meter (DL/T 645-2007, 5.2.2)"
    if not _IEC_ADDRESS.fullmatch(device.address):
        return f"'{device.address}' has more than 32 characters, or other than letters, digits and blanks"
    return ""


def check_profile_fits(doc: Document, key: str, site: Site, device: Device) -> None:
    """Refuse a device that does not speak what its bus carries."""
    bus, speaks = site.buses[device.bus], site.profiles[device.profile].protocol
    if speaks != protocol_of(bus):
        why = f"'{device.profile}' speaks {speaks}; bus '{device.bus}' is of kind {bus.kind}"
        raise doc.error(f"{key}.profile", why)


def check_cadence(doc: Document, key: str, site: Site, device: Device) -> None:
    """Refuse a cadence of a point that is not read, or one shorter than a scan."""
    points = site.profiles[device.profile].points
    for point, every_s in device.every_s.items():
        if point not in points:
            raise doc.error_naming(f"{key}.every_s", f"no point '{point}'", point, points)
        if every_s < site.agent.scan_interval_s:
            why = f"{every_s:g} s for '{point}' is shorter than a scan ({site.agent.scan_interval_s:g} s)"
            raise doc.error(f"{key}.every_s", why)
