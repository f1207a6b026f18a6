"""The tables of a site file, as they are written. What they must fulfil together is in `site`."""

from typing import Literal

import msgspec

from greenhearth.hourly import HourlyTable
from greenhearth.processes import Process
from greenhearth.profiles import Profile


class SiteHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[site]``: which works this is."""

    id: str
    name: str


class AgentHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[agent]``: how this agent scans and keeps its records."""

    id: str
    scan_interval_s: float = 1.0
    outbox_max_mb: float = 512.0
    """Oldest records are given up, and counted, above this size."""
    metrics: str = ""
    """``HOST:PORT`` where Prometheus may ask for the agent's counts; empty: no port is opened."""


BusKind = Literal[
    "tcp", "tls", "rtu", "rtu_over_tcp", "ascii", "ascii_over_tcp", "dlt645", "iec62056_21", "ascii_line"
]
"""Modbus in five wrappings and over TLS; three families of serial meters that do not speak Modbus."""


class Bus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[bus.NAME]``: one physical endpoint; it has one owner and one request at a time."""

    kind: BusKind
    host: str = ""
    """Of a network bus; of meters without Modbus, where they are behind a transparent serial server."""
    port: int = 0
    """0: 802 for ``tls``, else 502."""
    device: str = ""
    """Serial device, best ``/dev/serial/by-id/...``."""
    baud: int = 19200
    parity: Literal["N", "E", "O"] = "E"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8
    rs485: Literal["auto", "rts", "rts_inverted"] = "auto"
    """Who switches the driver on: the adapter itself, or the RTS line (inverted: low while sending)."""
    gap_ms: float = 0.0
    """Least pause between two requests, for devices that need one."""
    ca: str = ""
    """PEM file of the authority whose devices are trusted (``tls``)."""
    cert: str = ""
    """PEM file of this agent's certificate; its role extension says what it may do (``tls``)."""
    key: str = ""
    """PEM file of the certificate's private key (``tls``)."""


class Device(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[device.NAME]``: one meter, weigher or PLC on a bus."""

    bus: str
    profile: str
    unit: int = 1
    address: str = ""
    """Of a device that does not speak Modbus: 12 digits (DL/T 645), the name it answers to (IEC 62056-21)."""
    points: list[str] = []
    """Points to read; empty: all of the profile."""
    every_s: dict[str, float] = {}
    """Point -> how often it is read [s], where that is not the profile's or not every scan."""


class Role(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[line.NAME.role.ROLE]``: which point plays a role of the process."""

    device: str
    point: str
    max_per_h: float = 0.0
    """Most the stream can deliver [unit per hour]; bounds a counter's steps. 0: no bound."""
    accuracy_percent: float | None = None
    """Maximum permissible error where it is better known than the profile's."""
    meter: str = ""
    """Roles of a line with the same meter ("crane scale") share its error; empty: a meter of its own."""


class Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[line.NAME]``: one production line."""

    title: str
    process: str
    role: dict[str, Role]
    parameters: dict[str, float] = {}
    """Values for parameters that the process declares."""
    factors: dict[str, str] = {}
    """Role of a factor in the process -> id in the catalogue (grid, coal, ...)."""
    product: str = ""
    """What this line makes, where it is not the product that the process names (another alloy)."""
    hourly: str = ""
    """Name of the ``[hourly.NAME]`` table whose factors its electricity is counted with."""
    boundary: dict[str, str] = {}
    """Metric -> boundary key that this line's meters really cover, where it is not the process's own."""
    conditions: dict[str, float] = {}
    """Conditions that published figures are corrected for or kept apart by (capacity, altitude, ...)."""
    nominal_t_per_h: float = 0.0
    """Usual throughput; below 1 % of it nothing is divided by the product."""
    day_starts_h: float = 0.0
    """Hour of the day [UTC] at which the 24 h window begins."""


class HistoryColumn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[history.columns.NAME]``: what a column of a historian's CSV means."""

    point: str
    """``device.point`` that it stands for."""
    means: Literal["interval_amount", "mean_over_period", "value"]
    scale: float = 1.0
    """Factor from the file's unit to the point's (MW to kW: 1000)."""
    low: float | None = None
    """Least value [unit of the point] that is believed; without it amounts and means begin at 0."""
    high: float | None = None


class History(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[history]``: how to read a historian's CSV."""

    time_column: str
    end_column: str = ""
    """Periods: the row holds from `time_column` to here."""
    interval_s: float = 0.0
    """Intervals of this length that end at `time_column`."""
    midnight_is_day_that_ended: bool = False
    """00:00 rows carry the date of the day that has just ended."""
    time_format: str = ""
    """strptime format; empty: ISO 8601. Times are UTC."""
    batch_column: str = ""
    """Whole number of the batch (heat) that the row belongs to."""
    columns: dict[str, HistoryColumn]
    """In this order they are columns 1, 2, ... of the replay."""


class Site(msgspec.Struct, kw_only=True):
    """A site file with everything it refers to, checked."""

    path: str
    head: SiteHead
    agent: AgentHead
    buses: dict[str, Bus]
    devices: dict[str, Device]
    lines: dict[str, Line]
    profiles: dict[str, Profile]
    """By profile id."""
    processes: dict[str, Process]
    """By process id."""
    history: History | None = None
    hourly: dict[str, HourlyTable] = {}
