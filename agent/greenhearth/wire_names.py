"""The names that a birth tells: series, lines with their factors, and the green twins of lines."""

import msgspec

from greenhearth.factor_sets import FactorInfo


class SeriesInfo(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One series of a birth; its place in the list is its number in records."""

    name: str
    """``{line}.{role}`` or ``{device}.{point}`` where no line uses the point."""
    unit: str
    device: str
    line: str = ""
    stale_after_s: float = 10.0


class TwinInfo(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One green twin of a line: the same product by another process."""

    title: str
    green: str
    """The green process, and what it is called."""
    green_title: str
    source: str
    note: str = ""
    """What is the same and what is not."""
    factor_set: str = ""
    """Name of the factors behind its figures."""
    factors: dict[str, FactorInfo] = {}


class LineInfo(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One production line of a birth."""

    name: str
    title: str
    process: str
    product: str
    factor_set: str
    """Name and content hash of the factors that every result of this line used."""
    boundary: dict[str, str] = {}
    """Metric -> boundary key, for comparing like with like."""
    batch_word: str = ""
    """What a batch is called here ("heat"); empty where there are none."""
    phases: list[str] = []
    """Phase names by phase code."""
    factors: dict[str, FactorInfo] = {}
    """What `factor_set` is the name of: factors by id."""
    conditions: dict[str, float] = {}
    """Declared conditions (capacity_t, altitude_m, ...), for scales and their corrections."""
    twins: dict[str, TwinInfo] = {}
    """Green twins by id; events of the kind ``twin`` name them in `detail`."""
