"""Whether the hourly grid factors of a site reach far enough; pure."""

from datetime import UTC, datetime

import numpy as np

from greenhearth.hourly import NS_PER_HOUR, HourlyTable
from greenhearth.site import Site

AHEAD_H = 48
"""Hours to come that a table should hold: a weekend."""

_AFTER = "is counted with the yearly factor and marked PARTIAL"


def grid_hour_problems(site: Site, t_ns: int) -> list[str]:
    """Return a sentence for every table in use that lacks the hour of `t_ns`, or ends within 48 h of it."""
    tables = ((name, site.hourly[name], _users(site, name)) for name in sorted(site.hourly))
    return [why for name, table, lines in tables if lines and (why := _why(name, table, lines, t_ns))]


def _users(site: Site, name: str) -> str:
    return ", ".join(line for line, part in site.lines.items() if part.hourly == name)


def _why(name: str, table: HourlyTable, lines: str, t_ns: int) -> str:
    hour = t_ns // NS_PER_HOUR - table.first_hour
    end = _utc(table.first_hour + len(table.location))
    head = f"the grid factors of [hourly.{name}] (line {lines})"
    if hour >= len(table.location):
        return f"{head} ended at {end}: electricity since then {_AFTER}; put newer hours into its file"
    if hour < 0:
        return f"{head} begin at {_utc(table.first_hour)}: electricity before that {_AFTER}"
    if np.isnan(table.location[hour]):
        gap = _utc(table.first_hour + hour)
        return f"{head} lack the hour from {gap}: its electricity {_AFTER}; put the hour into its file"
    if hour + AHEAD_H >= len(table.location):
        return f"{head} end at {end}: electricity after that {_AFTER}; put newer hours into its file"
    return ""


def _utc(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%d %H:%M UTC")
