"""``greenhearth account``: the inventory of a case, with its trail and what it reaches."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greenhearth_cli.complaints import FAILED, WRONG_USE, PlainError
from greenhearth_cli.options import AsJson

if TYPE_CHECKING:
    from greenhearth.account import Case, Inventory
    from greenhearth.account.expect import Expected
    from greenhearth.account.tables import Grade
    from greenhearth.wire import MetricValue
    from greenhearth_gateway.benchmarks import Comparison
    from greenhearth_gateway.benchmarks import Grade as Graded


def account(
    file: Annotated[Path, typer.Argument(metavar="CASE.toml", help="Declared quantities and their factors.")],
    as_json: AsJson = False,
    check: Annotated[
        bool, typer.Option("--check", help="End with 1 if an expected value is not met.")
    ] = False,
) -> None:
    """Make an inventory of declared quantities, with the source of every factor.

    The JSON document is that of `greenhearth.account.inventory`, with three keys more:
    `benchmarks` (published figures that the process could meet), `grades` (levels on published
    scales, name -> grade) and `baselines` (name -> CUSUM); `met` tells whether all that is expected is.
    """
    from greenhearth.kernel_cache import use_kernel_cache

    use_kernel_cache()  # before the kernels are imported
    from greenhearth_cli.account_tables import show_account
    from greenhearth_cli.show import show_json

    document = account_of(file)
    if as_json:
        show_json(document)
    else:
        show_account(document)
    if check and not document["expected"]:
        raise PlainError(
            f"{file}: nothing is expected, so there is nothing to check: write [expect]", WRONG_USE
        )
    if check and not document["met"]:
        raise typer.Exit(FAILED)


def account_of(file: Path) -> dict[str, Any]:
    """Return the JSON document of a case; ConfigError for what is refused."""
    import msgspec

    from greenhearth.account import read_case, take_inventory
    from greenhearth.account.trends import trends_of
    from greenhearth.baseline import BaselineError

    case = read_case(file)
    inventory = take_inventory(case)
    try:
        trends = trends_of(case)
    except BaselineError as error:
        raise case.document.error("baseline", str(error)) from error
    compared, reached = _published(case, inventory)
    declared = {name: _graded(case, name, grade, inventory) for name, grade in case.grades.items()}
    expected = [
        *inventory.expected,
        *(one for trend in trends.values() for one in trend.expected),
        *(one for name, grade in declared.items() for one in _judged(case, name, grade)),
    ]
    return {
        **msgspec.to_builtins(inventory),
        "expected": msgspec.to_builtins(expected),
        "met": all(one.met for one in expected),
        "benchmarks": msgspec.to_builtins(compared),
        "grades": msgspec.to_builtins({**{one.ladder: one for one in reached}, **declared}),
        "baselines": msgspec.to_builtins(trends),
    }


def _published(case: "Case", inventory: "Inventory") -> "tuple[list[Comparison], list[Graded]]":
    """Return the published figures and scales of the case's process; none without a process."""
    from greenhearth_gateway.benchmarks import Subject, compare, grades, load_benchmarks

    if not inventory.process:
        return [], []
    subject = Subject(inventory.process, inventory.product, case.boundary, case.conditions)
    benchmarks, metrics = load_benchmarks(), _metric_values(inventory)
    return compare(subject, metrics, benchmarks), grades(subject, metrics, benchmarks)


def _metric_values(inventory: "Inventory") -> "dict[str, MetricValue]":
    from greenhearth.wire import MetricValue

    return {
        name: MetricValue(value=one.value, unit=one.unit, uncertainty=one.uncertainty)
        for name, one in inventory.metrics.items()
    }


def _graded(case: "Case", name: str, grade: "Grade", inventory: "Inventory") -> "Graded":
    from greenhearth_gateway.benchmarks import grade_value, load_benchmarks

    key = f"grade.{name}"
    value, doubt = grade.value, None
    if grade.metric:
        metric = inventory.metrics.get(grade.metric)
        value, doubt = (metric.value, metric.uncertainty) if metric else (None, None)
    if value is None:
        raise case.document.error(f"{key}.metric", f"'{grade.metric}' has no value in this account")
    benchmarks = load_benchmarks()
    ladders = {one.ladder for one in benchmarks.values() if one.ladder}
    if grade.ladder not in ladders:
        raise case.document.error_naming(f"{key}.ladder", f"no scale '{grade.ladder}'", grade.ladder, ladders)
    return grade_value(grade.ladder, value, {**case.conditions, **grade.conditions}, doubt, benchmarks)


def _judged(case: "Case", name: str, found: "Graded") -> "list[Expected]":
    """Hold a grade against what the case expects of it: the level, and limits of levels."""
    from greenhearth.account.expect import Expected, judge
    from greenhearth.account.tables import ExpectedValue

    grade, steps = case.grades[name], {step.level: step.value for step in found.steps}
    judged: list[Expected] = []
    for what, wanted in grade.expect.items():
        key = f"grade.{name}.{what}"
        if what == "level":
            met = str(wanted) == found.level
            why = "" if met else f"'{wanted}' is expected, '{found.level}' is reached {found.why}".rstrip()
            judged.append(Expected(key, str(wanted), 0.0, 0.0 if met else 1.0, None, 0.0, met, why))
        elif isinstance(wanted, float):
            expected = ExpectedValue(value=wanted)
            judged.append(judge(key, expected, found.unit, steps.get(what), grade.tolerance))
        else:
            raise case.document.error(f"grade.{name}.expect.{what}", "a limit is a number", ["level", *steps])
    return judged
