"""What a line's green twins would have taken for a finished hour or batch, as events.

Each stands behind the line's own event, for the same time and the same product.
"""

from collections.abc import Sequence

from greenhearth.line_twins import LineTwin, grid_of
from greenhearth.metrics import DIVIDED_BY, METRICS, PLAIN
from greenhearth.quality import Validity
from greenhearth.twins import metrics_of, twin_sources, twin_weights
from greenhearth.wire import TWIN, Event, MetricValue

TWIN_WINDOWS = ("batch", "1h")
"""Windows that twins are told for: quarter hours would fill journals, a day mixes grids."""

_AMOUNTS = {name for name, by in zip(METRICS, DIVIDED_BY, strict=True) if by == PLAIN}


class TwinTeller:
    """The twins of one line, with their figures per tonne on the grid that was asked for last.

    Amounts are proportional to the product and ratios do not depend on it, so a year on one yearly
    factor is one evaluation (1 to 2 ms) and 8 760 multiplications.
    """

    def __init__(self, twins: Sequence[LineTwin]) -> None:
        self.twins = list(twins)
        self._known: dict[str, tuple[tuple[float, ...], dict[str, MetricValue]]] = {}

    def events(self, event: Event) -> list[Event]:
        """Return one event per twin for a finished hour or batch that has a product; else none."""
        product = event.metrics.get("product_t")
        made = product.value if product and event.validity < Validity.PRODUCT_ZERO else None
        if event.window not in TWIN_WINDOWS or not made or made <= 0.0:
            return []
        return [self._event(one, event, made) for one in self.twins]

    def _event(self, one: LineTwin, event: Event, product_t: float) -> Event:
        metrics = self._per_tonne(one, event.start_ns, event.end_ns)
        return Event(
            epoch=0,
            seq=0,
            t_ns=event.t_ns,
            what=TWIN,
            subject=event.subject,
            window=event.window,
            batch=event.batch,
            start_ns=event.start_ns,
            end_ns=event.end_ns,
            validity=event.validity,
            coverage=event.coverage,
            metrics={name: _scaled(name, value, product_t) for name, value in metrics.items()},
            factor_set=one.factor_set,
            detail=one.twin.id,
        )

    def _per_tonne(self, one: LineTwin, start_ns: int, end_ns: int) -> dict[str, MetricValue]:
        ids, catalogue = grid_of(one.grid, start_ns, end_ns)
        grid = tuple(catalogue[name].value for name in ids.values() if name in catalogue)
        known = self._known.get(one.twin.id)
        if known is None or known[0] != grid:
            weights = twin_weights(one.twin, twin_sources(one.twin, ids, catalogue))
            known = self._known[one.twin.id] = grid, metrics_of(one.twin, 1.0, weights)
        return known[1]


def _scaled(name: str, one: MetricValue, product_t: float) -> MetricValue:
    by = product_t if name in _AMOUNTS else 1.0
    value = None if one.value is None else one.value * by
    doubt = None if one.uncertainty is None else float(f"{one.uncertainty * by:.3g}")
    return MetricValue(value, one.unit, doubt)
