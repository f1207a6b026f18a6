"""The energy baseline: energy explained by its drivers, and how far that explanation may be trusted.

Ordinary least squares with an intercept (ISO 50006:2023, a statistical model as baseline), or
a straight line that somebody has declared. Pure: arrays in, figures out; the only `import scipy`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

F8 = NDArray[np.float64]

_MAX_VIF = 1e6
"""Above it a driver is a copy of others: three of its digits are its own, and none of its coefficient's.
The NIST data set Longley, made to be hard, has 1.8e3."""


class BaselineError(ValueError):
    """Data that no baseline can be made of: the sentence names what, and what to do."""


@dataclass(frozen=True)
class Statistics:
    """How well a fitted model explains its baseline; vectors have the intercept first."""

    points: int
    dof: int
    """Degrees of freedom: points less coefficients."""
    s: float
    """Standard deviation of a residual [unit of the energy]."""
    r2: float
    adjusted_r2: float
    cv_rmse: float
    """`s` over the mean energy."""
    f: float
    f_p: float
    """Probability of such an F if no driver had any effect."""
    standard_errors: F8
    t: F8
    t_p: F8
    """Two-sided probability of such a t if the coefficient were 0."""
    vif: F8
    """Variance inflation factor of each driver (no intercept)."""
    autocorrelation: float
    """Of each residual with the one before it, in the order given."""
    means: F8
    low: F8
    high: F8
    """Mean, least and greatest value of each driver."""
    inverse: F8
    """(X'X)^-1 of the drivers about their means [k, k]."""


@dataclass(frozen=True)
class Model:
    """Expected energy = coefficients[0] + sum of coefficients[1 + j] x driver j."""

    drivers: tuple[str, ...]
    coefficients: F8
    statistics: Statistics | None
    """None: declared, not fitted."""

    def expected(self, x: F8) -> F8:
        """Return the expected energy of each row of drivers [n, k]."""
        return np.asarray(self.coefficients[0] + x @ self.coefficients[1:])

    def outside(self, x: F8, margin: float = 0.0) -> list[list[str]]:
        """Return, row by row, the drivers that lie outside the range of the baseline's data.

        `margin` widens the range at both ends by that share of its width.
        """
        known = self.statistics
        if known is None:
            return [[] for _ in x]
        more = margin * (known.high - known.low)
        beyond = (x < known.low - more) | (x > known.high + more)
        return [[name for name, out in zip(self.drivers, row, strict=True) if out] for row in beyond]

    def interval(self, x: F8, confidence: float) -> float | None:
        """Return the half width of the confidence interval on the summed saving of rows `x` [n, k].

        Every row has its own residual, and all share the error of the coefficients:
        s^2 (n + X' (X'X)^-1 X) with X the sum of the rows, times the t quantile. None for a
        declared model. Assumes residuals that do not depend on one another.
        """
        known = self.statistics
        if known is None:
            return None
        rows = len(x)
        away = x.sum(axis=0) - rows * known.means
        shared = rows * rows / known.points + float(away @ known.inverse @ away)
        quantile = float(special.stdtrit(known.dof, 0.5 + confidence / 2.0))
        return quantile * known.s * math.sqrt(rows + shared)


def declared(drivers: Sequence[str], intercept: float, slopes: Sequence[float]) -> Model:
    """Return a baseline with given coefficients, which has no statistics."""
    return Model(tuple(drivers), np.array([intercept, *slopes], np.float64), None)


def fit(drivers: Sequence[str], x: F8, energy: F8) -> Model:
    """Fit energy [n] on drivers [n, k] by ordinary least squares with an intercept.

    Solved by QR on drivers about their means and scaled to length 1, so that a year number
    beside a population does not eat the digits (normal equations lose twice as many).

    Raises:
        BaselineError: a figure that is not a number, negative energy, too few points, energy or
            a driver that never changes, a driver that is a mixture of others.
    """
    _check(drivers, x, energy)
    means = x.mean(axis=0)
    centred = x - means
    lengths = np.linalg.norm(centred, axis=0)
    q, r = np.linalg.qr(centred / lengths)
    _check_collinear(drivers, r)
    rest = energy - energy.mean()
    slopes = np.linalg.solve(r, q.T @ rest) / lengths
    root = np.linalg.inv(r) / lengths[:, None]
    coefficients = np.concatenate([[energy.mean() - means @ slopes], slopes])
    residuals = rest - centred @ slopes
    return Model(tuple(drivers), coefficients, _statistics(coefficients, x, energy, residuals, root @ root.T))


def _statistics(coefficients: F8, x: F8, energy: F8, residuals: F8, inverse: F8) -> Statistics:
    n, k = x.shape
    dof, means = n - k - 1, x.mean(axis=0)
    sse, sst = float(residuals @ residuals), float(np.sum((energy - energy.mean()) ** 2))
    s2 = sse / dof
    errors = np.sqrt(s2 * np.concatenate([[1.0 / n + means @ inverse @ means], np.diag(inverse)]))
    t = _over(coefficients, errors)
    f = float(_over(np.array([(sst - sse) / k]), np.array([s2]))[0])
    return Statistics(
        points=n,
        dof=dof,
        s=math.sqrt(s2),
        r2=1.0 - sse / sst,
        adjusted_r2=1.0 - s2 / (sst / (n - 1)),
        cv_rmse=math.sqrt(s2) / float(energy.mean()),
        f=f,
        f_p=float(special.fdtrc(k, dof, f)),
        standard_errors=errors,
        t=t,
        t_p=np.asarray(2.0 * special.stdtr(dof, -np.abs(t))),
        vif=np.diag(inverse) * np.sum((x - means) ** 2, axis=0),
        autocorrelation=float(residuals[1:] @ residuals[:-1]) / sse if sse > 0.0 else 0.0,
        means=means,
        low=x.min(axis=0),
        high=x.max(axis=0),
        inverse=inverse,
    )


def _over(above: F8, below: F8) -> F8:
    """Divide; where nothing is left over (a perfect fit) the ratio is infinite."""
    ratio = np.full(len(above), np.inf)
    np.divide(above, below, out=ratio, where=below > 0.0)
    return ratio


def _check(drivers: Sequence[str], x: F8, energy: F8) -> None:
    n, k = x.shape
    if len(drivers) != k or len(energy) != n or k == 0:
        raise BaselineError(
            f"{len(drivers)} drivers are named but {k} given, for {n} rows and {len(energy)} energies"
        )
    columns = [("the energy", energy), *((f"driver '{d}'", c) for d, c in zip(drivers, x.T, strict=True))]
    for name, column in columns:
        missing = int(np.count_nonzero(~np.isfinite(column)))
        if missing:
            raise BaselineError(f"{missing} of {n} values of {name} are not numbers; leave those rows out")
    check_energy(energy)
    if n < k + 3:
        raise BaselineError(
            f"{n} points for {k + 1} coefficients, but at least {k + 3} are needed: "
            "take a longer baseline period or fewer drivers"
        )
    for name, column in columns:
        if np.ptp(column) <= 1e-12 * np.abs(column).max():
            raise BaselineError(
                f"{name} is {column[0]:g} at every point of the baseline: nothing can be learnt from it"
            )


def check_energy(energy: F8) -> None:
    """Refuse negative energy (BaselineError): a meter with a wrong sign, or energy that was sold."""
    negative = np.flatnonzero(energy < 0.0)
    if len(negative):
        first = int(negative[0])
        raise BaselineError(
            f"the energy of {len(negative)} points is negative, the first {energy[first]:g} "
            f"(point {first + 1}); a baseline is made of energy used"
        )


def _check_collinear(drivers: Sequence[str], r: F8) -> None:
    """Refuse a driver that is a mixture of those before it; R_jj is what is new in driver j."""
    for j in range(1, len(drivers)):
        if r[j, j] ** 2 * _MAX_VIF < 1.0:
            shares = np.linalg.solve(r[:j, :j], r[:j, j])
            others = " and ".join(f"'{drivers[i]}'" for i in range(j) if abs(shares[i]) > 1e-6)
            raise BaselineError(
                f"driver '{drivers[j]}' is collinear with {others}: "
                "their effects cannot be told apart; leave one out"
            )


@dataclass(frozen=True)
class Check:
    """One test of validity: its figure, the limit, and where the limit comes from."""

    name: str
    value: float
    relation: str
    limit: float
    passed: bool
    source: str


def checks_of(model: Model, r2_min: float = 0.75, p_max: float = 0.05) -> list[Check]:
    """Return the tests that a fitted model must pass; none for a declared one."""
    known = model.statistics
    if known is None:
        return []
    significance = "usual level of significance, 5 %; key p_max"
    rule = "rule of thumb: three quarters of the variation explained; key r2_min"
    return [
        Check("F, all drivers together: p", known.f_p, "<", p_max, known.f_p < p_max, significance),
        Check("R2", known.r2, ">=", r2_min, known.r2 >= r2_min, rule),
        *(
            Check(f"t of '{name}': p", float(p), "<", p_max, bool(p < p_max), significance)
            for name, p in zip(model.drivers, known.t_p[1:], strict=True)
        ),
    ]
