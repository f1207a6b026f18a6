"""The shapes of comparisons with published figures and of grades on their scales, as the page gets them."""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Base of all answers: built by us, so never coerced or extended."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null")


class ComparisonView(View):
    """One line held against one published figure."""

    benchmark: str
    title: str
    value: float
    """The published figure."""
    unit: str
    metric: str
    kind: str
    """``limit``, ``target`` or ``typical``."""
    comparable: bool
    """False: unit or boundary differ; `why` says how."""
    gap: float | None
    """Line minus benchmark; above zero is worse where less is better."""
    gap_percent: float | None
    verdict: str
    """``meets``, ``misses``, ``within uncertainty``, or empty where there is nothing to meet."""
    why: str
    source: str
    clause: str
    jurisdiction: str = ""
    note: str = ""
    level: str = ""
    """Level of a scale that this figure is the limit of."""
    better: str = "less"
    """``less`` or ``more``: which figure is the better one."""


class StepView(View):
    """One level of a scale with its limit for the line."""

    level: str
    value: float


class GradeView(View):
    """Where a line stands on one scale of published levels."""

    ladder: str
    title: str
    metric: str
    unit: str
    value: float | None
    """The line's own figure; null where the scale does not apply."""
    level: str
    """Level or class reached, ``none`` beyond the last; empty where the scale does not apply."""
    reached: str
    """The same for people: ``level 3``, ``class D``, ``none: worse than level 3``."""
    could_be: list[str]
    """Other levels that the uncertainty leaves possible."""
    next_level: str
    next_value: float | None
    gap: float | None
    """Line minus the limit of the next better level."""
    gap_percent: float | None
    why: str
    """Why the scale does not apply."""
    steps: list[StepView]
    source: str
    clause: str
    jurisdiction: str
    note: str
