"""Published figures and the scales they form, read strictly from ``firmware_configs/benchmarks``."""

from pathlib import Path
from typing import Literal

import msgspec

from greenhearth.conditions import CONDITIONS
from greenhearth.metrics import METRIC_UNITS, METRICS
from greenhearth.processes import known_processes
from greenhearth.shelf import configs_root
from greenhearth.strict import Document
from greenhearth_gateway.benchmarks.corrections import CORRECTIONS

Kind = Literal["limit", "target", "typical"]
DOUBTFUL = ("memory_verify", "low")
"""Confidences that cannot be shown as verified: recollected, or the copies read disagree."""

Share = Literal["scrap_share_percent", "scrap_share_metallic_percent"]


class Range(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Bounds of a condition, each included (`at_least`, `at_most`) or not (`above`, `below`)."""

    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether `value` is within."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def __str__(self) -> str:
        if self.at_least is not None and self.at_least == self.at_most:
            return f"of {self.at_least:g}"
        words = {
            "of at least": self.at_least,
            "above": self.above,
            "below": self.below,
            "of at most": self.at_most,
        }
        return " and ".join(f"{word} {bound:g}" for word, bound in words.items() if bound is not None)


class Ladder(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[ladder."id"]``: one scale with several levels."""

    title: str
    word: str = ""
    """What a level is called in front of its name: "level", "class"; empty: the name alone."""
    beyond: str = ""
    """Name of the open class beyond the last limit, where the scale has one."""


class Benchmark(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One published figure (``firmware_configs/benchmarks/*.toml``, ``[benchmark."id"]``)."""

    title: str
    processes: list[str]
    """Processes of the shelf that could meet it; empty: none yet."""
    product: str
    metric: str
    """One of METRICS; empty where none of them measures it."""
    value: float
    """In `unit`. Upper end where the source gives a range."""
    unit: str
    original_value: float
    original_unit: str
    boundary: str
    """What the figure covers; empty where the source does not say."""
    kind: Kind
    jurisdiction: str
    valid_from: str
    source: str
    confidence: Literal["high", "medium", "low", "memory_verify"]
    clause: str = ""
    better: Literal["less", "more"] = "less"
    """Whether a smaller or a larger figure is the better one."""
    low: float | None = None
    """Lower end of a range."""
    ladder: str = ""
    """Scale that this figure is a limit of; empty: it stands alone."""
    level: str = ""
    """Level of that scale which is reached where the limit is met."""
    when: dict[str, Range] = {}
    """Condition -> range in which the figure holds (a capacity class)."""
    corrections: list[str] = []
    """Ids of the corrections that its standard makes to it, in this order."""
    scrap_slope: tuple[float, float] | None = None
    """Value at 0 and at 100 % of `share`, linear in between."""
    share: Share = "scrap_share_percent"
    """Definition of the scrap share that `scrap_slope` slides with."""
    why_no_metric: str = ""
    """Why no metric measures it, where `metric` is empty."""
    verified: bool = True
    note: str = ""
    scale: Ladder | None = None
    """The ladder's own table; set by the loader, not in the file."""


def load_benchmarks(root: Path | None = None) -> dict[str, Benchmark]:
    """Read the whole catalogue; ConfigError names file, line, key and the nearest right name."""
    catalogue: dict[str, Benchmark] = {}
    processes = known_processes()
    for path in sorted((root or configs_root() / "benchmarks").glob("*.toml")):
        doc = Document(path)
        doc.only("benchmark", "ladder")
        ladders = doc.tables("ladder", Ladder)
        for name, benchmark in doc.tables("benchmark", Benchmark).items():
            if name in catalogue:
                raise doc.error(f"benchmark.{name}", "is already in the catalogue")
            _check(doc, f"benchmark.{name}", benchmark, processes)
            _check_scale(doc, f"benchmark.{name}", benchmark, ladders)
            benchmark.scale = ladders.get(benchmark.ladder)
            catalogue[name] = benchmark
    return catalogue


def _check(doc: Document, key: str, benchmark: Benchmark, processes: list[str]) -> None:
    if benchmark.metric:
        if benchmark.metric not in METRICS:
            why = f"no metric '{benchmark.metric}'"
            raise doc.error_naming(f"{key}.metric", why, benchmark.metric, METRICS)
        unit = METRIC_UNITS[METRICS.index(benchmark.metric)]
        if benchmark.unit != unit:
            raise doc.error(f"{key}.unit", f"is {benchmark.unit}; {benchmark.metric} is in {unit}")
    for process in benchmark.processes:
        if process not in processes:
            raise doc.error_naming(f"{key}.processes", f"no process '{process}'", process, processes)
    if not (benchmark.source and benchmark.valid_from and benchmark.product and benchmark.title):
        raise doc.error(key, "needs a title, a product, a source and the year it is valid from")
    if benchmark.verified and benchmark.confidence in DOUBTFUL:
        raise doc.error(f"{key}.verified", f"must be false with confidence '{benchmark.confidence}'")
    if benchmark.low is not None and benchmark.low >= benchmark.value:
        raise doc.error(f"{key}.low", "must be below 'value'")


def _check_scale(doc: Document, key: str, benchmark: Benchmark, ladders: dict[str, Ladder]) -> None:
    if benchmark.scale is not None:
        raise doc.error(f"{key}.scale", "belongs in a [ladder.NAME] table of its own")
    if bool(benchmark.ladder) != bool(benchmark.level):
        raise doc.error(key, "needs both 'ladder' and 'level', or neither")
    if benchmark.ladder and benchmark.ladder not in ladders:
        why = f"no table [ladder.{benchmark.ladder}] in this file"
        raise doc.error_naming(f"{key}.ladder", why, benchmark.ladder, ladders)
    for name in benchmark.corrections:
        if name not in CORRECTIONS:
            raise doc.error_naming(f"{key}.corrections", f"no correction '{name}'", name, CORRECTIONS)
    for name in benchmark.when:
        if name not in CONDITIONS:
            raise doc.error(f"{key}.when.{name}", "unknown condition", CONDITIONS)
    if benchmark.scrap_slope and benchmark.value != max(benchmark.scrap_slope):
        raise doc.error(f"{key}.value", "must be the upper end of 'scrap_slope'")
