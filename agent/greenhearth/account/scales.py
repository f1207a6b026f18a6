"""What a case wants to be held against: published scales, its conditions, a declared baseline."""

from typing import Any

from greenhearth.account.tables import Grade, Trend
from greenhearth.conditions import CONDITIONS, out_of_range
from greenhearth.metrics import METRICS
from greenhearth.strict import Document


def grades_in(doc: Document) -> dict[str, Grade]:
    """Return the tables ``[grade.NAME]``."""
    found = doc.tables("grade", Grade)
    for name, grade in found.items():
        key = f"grade.{name}"
        if (grade.value is None) == (not grade.metric):
            raise doc.error(key, "needs either 'value' (in the ladder's unit) or 'metric' (of this account)")
        if grade.metric and grade.metric not in METRICS:
            raise doc.error_naming(f"{key}.metric", f"no metric '{grade.metric}'", grade.metric, METRICS)
        conditions_of(doc, grade.conditions, f"{key}.conditions")
    return found


def conditions_of(doc: Document, raw: Any, key: str) -> dict[str, float]:
    """Return the conditions in a table; ConfigError for one that is unknown or not believed."""
    found = doc.convert(raw, dict[str, float], key)
    for name in found:
        if name not in CONDITIONS:
            raise doc.error(f"{key}.{name}", "no such condition", CONDITIONS)
    for name, why in out_of_range(found).items():
        raise doc.error(f"{key}.{name}", why)
    return found


def trends_in(doc: Document) -> dict[str, Trend]:
    """Return the tables ``[baseline.NAME]``."""
    found = doc.tables("baseline", Trend)
    for name, trend in found.items():
        if len(trend.energy) != len(trend.driver) or len(trend.expect_cusum) not in (0, len(trend.energy)):
            raise doc.error(f"baseline.{name}", "energy, driver and expect_cusum must be equally long")
        if not trend.energy:
            raise doc.error(f"baseline.{name}.energy", "holds no period")
        if not trend.source:
            raise doc.error(f"baseline.{name}.source", "is empty: who determined intercept and slope?")
    return found
