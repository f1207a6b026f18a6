"""Real history behind the historian's controller, on the shared clock."""

from greenhearth.archive import Archive
from greenhearth.sim.grid import Values
from greenhearth.timeline import Moment, Timeline

MAX_COLUMNS = 16


class Replay:
    """An archive as a plant that the historian's controller shows."""

    def __init__(self, archive: Archive) -> None:
        if len(archive.tracks) > MAX_COLUMNS:
            raise ValueError(f"{len(archive.tracks)} columns are mapped; a replay has {MAX_COLUMNS}")
        self.timeline = Timeline(archive)
        self.starts_ns = self.timeline.starts_ns
        self._t_ns = self.starts_ns

    def advance(self, t_ns: int) -> None:
        """Move on to a time [Unix ns]."""
        self._t_ns = max(self._t_ns, t_ns)

    def values(self) -> Values:
        """Return ``columnNN_value``, ``columnNN_total`` (NaN: not mapped or missing) and the batch."""
        return point_values(self.timeline.at(self._t_ns))


def point_values(moment: Moment) -> Values:
    """Return a moment by the names of the ``historian_replay`` registers."""
    values: Values = {"period_number": float(moment.batch)}
    blank = [float("nan")] * (MAX_COLUMNS - len(moment.values))
    pairs = zip([*moment.values, *blank], [*moment.totals, *blank], strict=True)
    for number, (value, total) in enumerate(pairs, 1):
        values[f"column{number:02d}_value"] = value
        values[f"column{number:02d}_total"] = total
    return values
