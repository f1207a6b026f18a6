"""The shapes of restatements and of factor sets, as the API tells them."""

from pydantic import Field

from greenhearth_gateway.web.comparison_types import View


class FactorView(View):
    """One factor as a birth or a restatement names it."""

    id: str
    value: float
    unit: str
    source: str
    valid_from: str
    known_since: str = ""


class SetFactorView(FactorView):
    """One factor of a set, as the birth that named the set tells it."""

    valid_to: str = ""
    uncertainty_percent: float = 0.0
    """Expanded (k = 2), relative; 0 where none is declared."""
    roles: list[str] = Field(default=[])
    """Factor roles of the process that it plays; none where the process names it itself."""


class FactorSetView(View):
    """What the name of a factor set stands for."""

    name: str
    line: str
    factors: list[SetFactorView]


class RestatedView(View):
    """One figure, with the expanded uncertainty (k = 2) where it is known."""

    value: float
    unit: str
    uncertainty: float | None = None


class CauseView(View):
    """One changed factor and what it moves in each metric."""

    name: str
    old: FactorView
    new: FactorView
    moved: dict[str, float]


class RestatementView(View):
    """One stored batch or window, old beside new; old is what was reported."""

    site: str
    agent: str
    line: str
    window: str
    start_ns: int
    new_set: str
    end_ns: int
    batch: str
    validity: int
    known_at: str
    """What was known on this day went into the new figure."""
    old_set: str
    old: dict[str, RestatedView]
    new: dict[str, RestatedView]
    causes: list[CauseView]
    """What they move adds up to new less old."""
