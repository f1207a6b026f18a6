"""Which requests read a site's points, in the least bus time. Pure.

For every device and table the points are sorted by address; a block is an unbroken run of
them, so the cheapest cutting is found by dynamic programming over where the last block
begins. A block obeys the device's longest request, its largest gap and its forbidden ranges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from greenhearth.model import Model, ReadBlock, Series
from greenhearth.profiles import Profile, Table, words_of
from greenhearth.site import Bus, Site
from greenhearth.strict import Document

NETWORK_S = 0.002
"""Both ways through switch and network stack of a plant network, beside the device's own time."""
ADAPTER_S = 0.002
"""Reading and writing through a USB or on-board UART with its driver."""
LONGEST_BITS = 2000
"""Most coils or discrete inputs in one request (Modbus application protocol V1.1b3, 6.1)."""


class Span(NamedTuple):
    """Registers that must be read together: one value, or the bits of one register."""

    start: int
    end: int
    """One past the last register."""


class Cut(NamedTuple):
    """Spans `begin` up to, not including, `end` are one request."""

    begin: int
    end: int


@dataclass
class BusPlan:
    """What one bus reads in a scan, in order, and how long that takes."""

    name: str
    blocks: list[int] = field(default_factory=list)
    """Numbers into :attr:`Plan.blocks`."""
    seconds: list[float] = field(default_factory=list)
    """Estimate for each of them."""

    @property
    def planned_s(self) -> float:
        """Seconds of bus time a scan takes."""
        return sum(self.seconds)


@dataclass
class Plan:
    """All requests of a scan."""

    blocks: list[ReadBlock]
    buses: dict[str, BusPlan]

    @property
    def n_words(self) -> int:
        """Length of the scan buffer."""
        return max((b.offset + b.count for b in self.blocks), default=0)


def char_s(bus: Bus) -> float:
    """Return the time [s] of one character: start, 8 data, parity and stop bits."""
    return (9 + (bus.parity != "N") + bus.stop_bits) / bus.baud


def quiet_s(bus: Bus) -> float:
    """Return the silence [s] between frames: 3.5 characters, from 19200 baud on 1.75 ms.

    Source: Modbus over serial line V1.02, 2.5.1.1.
    """
    return 0.00175 if bus.baud > 19200 else 3.5 * char_s(bus)


def request_s(bus: Bus, profile: Profile, table: Table, count: int) -> float:
    """Return the estimated bus time [s] of one request for `count` registers or bits."""
    fixed = profile.turnaround_ms / 1000.0
    if bus.kind == "tcp":
        return fixed + NETWORK_S
    data = (count + 7) // 8 if is_bits(table) else 2 * count
    line = (8 + 5 + data) * char_s(bus) + 2 * quiet_s(bus)
    return fixed + line + (ADAPTER_S if bus.kind == "rtu" else NETWORK_S)


def is_bits(table: Table) -> bool:
    """Tell whether a table's addresses are single bits."""
    return table in ("coil", "discrete")


def longest(profile: Profile, table: Table) -> int:
    """Return the most registers or bits that one request to this device may ask for."""
    return min(16 * profile.max_registers, LONGEST_BITS) if is_bits(table) else profile.max_registers


def may_join(profile: Profile, table: Table, spans: Sequence[Span], cut: Cut) -> bool:
    """Tell whether these spans may be one request."""
    low, high = spans[cut.begin].start, spans[cut.end - 1].end
    if high - low > longest(profile, table):
        return False
    if any(first < high and last >= low for first, last in profile.no_read):
        return False
    inside = spans[cut.begin : cut.end]
    return all(b.start - a.end <= profile.max_gap for a, b in pairwise(inside))


def cut_spans(bus: Bus, profile: Profile, table: Table, spans: Sequence[Span]) -> list[Cut]:
    """Cut sorted spans into the requests that take the least bus time."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(spans) + 1):
        found = (float("inf"), 0)
        for begin in range(end - 1, -1, -1):
            if not may_join(profile, table, spans, Cut(begin, end)):
                break  # a longer run contains the same fault
            count = spans[end - 1].end - spans[begin].start
            cost = best[begin][0] + request_s(bus, profile, table, count)
            found = min(found, (cost, begin))
        best.append(found)
    cuts, end = [], len(spans)
    while end > 0:
        begin = best[end][1]
        cuts.append(Cut(begin, end))
        end = begin
    return cuts[::-1]


def make_plan(model: Model) -> Plan:
    """Plan a scan of a whole site.

    ConfigError names a bus that needs more time than the scan interval.
    """
    plan = Plan([], {name: BusPlan(name) for name in model.site.buses})
    first = 0
    for device in model.site.devices:
        for table, series in _by_table(model, device):
            first = _add_blocks(plan, model.site, device, table, series, first)
    _check_time(model.site, plan)
    return plan


def spans_of(series: Sequence[Series]) -> list[Span]:
    """Return the spans of the values of one table, which are sorted by address.

    Profiles refuse values that overlap; a bit may lie in the register of another value.
    """
    spans: list[Span] = []
    for one in series:
        span = Span(one.address, one.address + words_of(one.point))
        if spans and span.start < spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(span.end, spans[-1].end))
        else:
            spans.append(span)
    return spans


def _by_table(model: Model, device: str) -> Iterator[tuple[Table, list[Series]]]:
    mine = [s for s in [*model.series, *model.texts] if s.device == device]
    for table in sorted({s.point.table for s in mine}):
        chosen = [s for s in mine if s.point.table == table]
        yield table, sorted(chosen, key=lambda s: (s.address, s.point.bit))


def _add_blocks(plan: Plan, site: Site, device: str, table: Table, series: list[Series], first: int) -> int:
    """Append the blocks of one table of one device; return the next series number."""
    spans = spans_of(series)
    entry = site.devices[device]
    bus, profile = site.buses[entry.bus], site.profiles[entry.profile]
    for cut in cut_spans(bus, profile, table, spans):
        low, high = spans[cut.begin].start, spans[cut.end - 1].end
        n = sum(low <= s.address < high and s.point.type != "string" for s in series)
        block = ReadBlock(device, table, low, high - low, first, n, plan.n_words)
        plan.buses[entry.bus].blocks.append(len(plan.blocks))
        plan.buses[entry.bus].seconds.append(request_s(bus, profile, table, block.count))
        plan.blocks.append(block)
        first += n
    return first


def _check_time(site: Site, plan: Plan) -> None:
    interval = site.agent.scan_interval_s
    for name, bus in plan.buses.items():
        if bus.planned_s > interval:
            doc = Document(Path(site.path))
            why = f"{name} needs {bus.planned_s:.2f} s of {interval:.2f} s"
            raise doc.error(f"bus.{name}", f"{why}: read fewer points, or scan less often")
