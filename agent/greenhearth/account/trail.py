"""The trail: every figure as amount x factors, with the source of each, and sums over it.

One line per quantity, flow and output. The sums of the lines are the figures of the kernel; nothing
is in a total that is not on the trail.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from greenhearth.account.streams import FlowResult, Stream, output_unit
from greenhearth.factor_book import Factor
from greenhearth.flows import Sources
from greenhearth.methods import METHODS, Method
from greenhearth.metrics import DIVIDED_BY, METRICS, PLAIN, WEIGHTS
from greenhearth.processes import OUTPUTS, Parameter
from greenhearth.quantities import Quantity


class Argument(msgspec.Struct):
    """One factor of a line, with where it comes from."""

    name: str
    value: float
    """In `unit`, which is the one the method asks for."""
    unit: str
    given_value: float
    """As written in the catalogue or the case."""
    given_unit: str
    uncertainty_percent: float
    """Expanded (k = 2)."""
    id: str
    """Catalogue id, or name of a factor or parameter of the case; empty: a default of the method."""
    source: str
    clause: str = ""
    valid_from: str = ""
    verified: bool = True


class TrailLine(msgspec.Struct):
    """One result: amount x share x what one unit causes."""

    quantity: str
    amount: float
    unit: str
    """As declared."""
    share: float
    counted: float
    """Amount in `counted_unit`, the unit the method counts in; before the share."""
    counted_unit: str
    method: str
    """Empty: the output is stated, or multiplied as the process says."""
    formula: str
    source: str
    """Of the formula."""
    arguments: list[Argument]
    output: str
    per_unit: float
    """Output per `counted_unit`."""
    result: float
    result_unit: str
    gases: dict[str, float] = {}
    """Mass of the gases behind CO2e [kg]."""
    meter: str = ""
    amount_source: str = ""


@dataclass(frozen=True)
class Origins:
    """Where the sources of arguments are looked up."""

    factors: Mapping[str, Factor]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, float]
    """Of the parameters that the case sets."""


def trail_of(streams: Iterable[Stream], sources: Sources) -> list[TrailLine]:
    """Return the trail of all quantities, in the order of the case."""
    origins = Origins(sources.used, sources.parameters, sources.values)
    return [line for s in streams for f in s.flows for line in _lines(s, f, origins)]


def _lines(stream: Stream, flow: FlowResult, origins: Origins) -> list[TrailLine]:
    method = METHODS.get(flow.flow.method)
    counted = stream.amount * flow.factor
    gases = _gases(method, flow, counted * stream.share.value) if method else {}
    arguments = {n: _argument(n, q, flow, method, origins) for n, q in flow.arguments.items()}
    if flow.flow.multiply != 1.0:
        arguments["multiply"] = _multiplier(flow.flow.multiply)
    matter = _matter(method, flow) if method else {}
    return [
        TrailLine(
            quantity=stream.name,
            amount=stream.amount,
            unit=stream.entry.unit,
            share=stream.share.value,
            counted=counted,
            counted_unit=flow.unit,
            method=flow.flow.method,
            formula=method.formula if method else _formula(flow),
            source=method.source if method else "",
            arguments=[one for n, one in arguments.items() if n in matter.get(caused.output, arguments)],
            output=caused.output,
            per_unit=caused.value,
            result=counted * stream.share.value * caused.value,
            result_unit=output_unit(caused.output),
            gases=gases if caused.output.startswith("co2_") and caused.output != "co2_biogenic_kg" else {},
            meter=stream.entry.meter,
            amount_source=stream.entry.source,
        )
        for caused in flow.coefficients
    ]


def _matter(method: Method, flow: FlowResult) -> dict[str, set[str]]:
    """Return, for each output of a method, the arguments that it depends on here."""
    values: dict[str, complex] = {name: q.value for name, q in flow.arguments.items()}
    found: dict[str, set[str]] = {}
    for name, value in values.items():
        for output, stepped in method.law({**values, name: value + 1e-30j}).items():
            found.setdefault(output, set()).update({name} if stepped.imag else ())
    return found


def _formula(flow: FlowResult) -> str:
    names = [*flow.flow.factors, *flow.flow.parameters]
    return " x ".join(["amount", *names]) if names else "as stated"


def _multiplier(value: float) -> Argument:
    why = "a constant of the process file (conversion of units)"
    return Argument("multiply", value, "1", value, "1", 0.0, "", why)


def _argument(
    name: str, quantity: Quantity, flow: FlowResult, method: Method | None, origins: Origins
) -> Argument:
    given = flow.given.get(name, quantity)
    argument = Argument(
        name=name,
        value=quantity.value,
        unit=quantity.unit,
        given_value=given.value,
        given_unit=given.unit,
        uncertainty_percent=0.0,
        id="",
        source=f"default of the method ({method.source})" if method else "",
    )
    _add_origin(argument, quantity.name, origins)
    return argument


def _add_origin(argument: Argument, name: str, origins: Origins) -> None:
    factor, parameter = origins.factors.get(name), origins.parameters.get(name)
    if factor is not None:
        argument.id, argument.source, argument.clause = name, factor.source, factor.clause
        argument.valid_from, argument.verified = factor.valid_from, factor.verified
        argument.uncertainty_percent = factor.uncertainty_percent
    elif parameter is not None:
        argument.id, argument.uncertainty_percent = name, parameter.uncertainty_percent
        own = "set in the case; the process says: " if name in origins.values else ""
        argument.source = own + parameter.source


def _gases(method: Method, flow: FlowResult, counted: float) -> dict[str, float]:
    """Return the mass [kg] of each gas that a method weights by a GWP.

    A law is linear in its GWPs, so that with one of them 1 and the others 0 it gives the mass;
    `..._collected_kg` is what the hoods collected of it, where the method tells them apart.
    """
    names = [name for name in flow.arguments if name.startswith("gwp")]
    values: dict[str, complex] = {name: q.value for name, q in flow.arguments.items()}
    found: dict[str, float] = {}
    for name in names:
        alone = {**values, **dict.fromkeys(names, 0.0), name: 1.0}
        gas = name.partition("_")[2] or "gas"
        found[f"{gas}_kg"] = counted * _co2(method, alone)
        if "collected" in values:
            found[f"{gas}_collected_kg"] = counted * _co2(method, {**alone, "collected": 1.0})
    return found


def _co2(method: Method, values: Mapping[str, complex]) -> float:
    return math.fsum(kg.real for name, kg in method.law(values).items() if name.startswith("co2_"))


def totals_of(trail: Iterable[TrailLine]) -> dict[str, float]:
    """Return the sum of every output that occurs."""
    parts: dict[str, list[float]] = {}
    for line in trail:
        parts.setdefault(line.output, []).append(line.result)
    return {output: math.fsum(parts[output]) for output in OUTPUTS if output in parts}


def sums_of(totals: Mapping[str, float]) -> dict[str, tuple[float, str]]:
    """Return the numerators of all ratios, by their names without the divisor, with their units."""
    found: dict[str, tuple[float, str]] = {}
    for name, weights, divided in zip(METRICS, WEIGHTS, DIVIDED_BY, strict=True):
        plain, _, _ = name.partition("_per_")
        if divided != PLAIN and plain != name and plain not in OUTPUTS and not lacks_market(name, totals):
            unit = {"energy_gj": "GJ", "fuel_gj": "GJ", "heat_gj": "GJ", "energy_kwh": "kWh"}.get(plain)
            unit = unit or ("kgCO2" if plain.startswith("co2_") else "kg")
            value = math.fsum(w * totals.get(o, 0.0) for w, o in zip(weights, OUTPUTS, strict=True) if w)
            found[plain] = (value, unit)
    return found


def lacks_market(name: str, totals: Mapping[str, float]) -> bool:
    """Tell whether a market-based figure cannot be had: the electricity is known by place only."""
    return "_market" in name and "co2_electricity_kg" in totals and "co2_electricity_market_kg" not in totals
