"""The flows of a stream with their factors and parameters put in: coefficients, and what they used."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from greenhearth.coefficients import Coefficient
from greenhearth.factors import Factor
from greenhearth.methods import METHODS, coefficients
from greenhearth.processes import Flow, Parameter
from greenhearth.quantities import Quantity, UnitError
from greenhearth.strict import nearest_name


class FlowError(ValueError):
    """A flow whose factors are missing, of the wrong unit or out of range; says which, and the remedy."""


@dataclass
class Sources:
    """Where the names in a flow lead: factor roles to catalogue ids, parameters to values."""

    catalogue: Mapping[str, Factor]
    factor_roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> catalogue id, the site's choice already in it."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    """Values that the site (or case) gives to parameters."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Argument, or catalogue id that methods and processes take -> the id that a case wants there."""
    used: dict[str, Factor] = field(default_factory=dict)
    """Every factor that was looked up, by id."""

    def factor(self, name: str) -> tuple[str, Factor]:
        """Return id and factor of a factor role or a catalogue id; FlowError if there is none."""
        found = self.chosen(name)
        if found not in self.catalogue:
            near = nearest_name(found, [*self.catalogue, *self.factor_roles, *self.parameters])
            hint = f"; did you mean '{near}'?" if near else ""
            if found[:1].isdigit():
                hint = ": a number gets a table with value, unit and source, and is used by its name"
            raise FlowError(f"no factor '{found}'{hint}")
        self.used[found] = self.catalogue[found]
        return found, self.catalogue[found]

    def chosen(self, name: str) -> str:
        """Return the catalogue id behind a name; a role may stand for another (``contract = "grid"``)."""
        seen = {name}
        while (behind := self.factor_roles.get(name, name)) not in seen:
            seen.add(behind)
            name = behind
        return name

    def parameter(self, name: str) -> float:
        """Return the value of a parameter: the one given, or its default."""
        return self.values.get(name, self.parameters[name].default)

    def quantity(self, name: str) -> Quantity:
        """Return a factor or a parameter as a quantity with its error; FlowError if there is none."""
        if name in self.parameters and name not in self.factor_roles:
            parameter, value = self.parameters[name], self.parameter(name)
            return Quantity(value, parameter.unit, _u(value, parameter), name)
        found, factor = self.factor(name)
        return Quantity(factor.value, factor.unit, _u(factor.value, factor), found)


def _u(value: float, source: Factor | Parameter) -> float:
    """Return the standard uncertainty of a value whose expanded one (k = 2) is in percent."""
    return abs(value) * source.uncertainty_percent / 200.0


def flow_coefficients(flow: Flow, unit: str, sources: Sources) -> list[Coefficient]:
    """Return what one `unit` of a stream causes by one flow; FlowError says what is wrong."""
    if not flow.method:
        return [_product(flow, sources)]
    method = METHODS[flow.method]
    try:
        return coefficients(method, unit, arguments(flow, sources))
    except (UnitError, LookupError, ValueError) as error:
        raise FlowError(f"{flow.method}: {error.args[0] if error.args else error}") from error


def arguments(flow: Flow, sources: Sources) -> dict[str, Quantity]:
    """Return the arguments of a method flow by name: those in `use`, and catalogue defaults."""
    found = {arg: sources.quantity(name) for arg, name in flow.use.items()}
    for name, arg in METHODS[flow.method].args.items():
        if name in found:
            continue
        if name in sources.instead:
            found[name] = sources.quantity(sources.instead[name])
        elif isinstance(arg.default, str) and not arg.default.startswith("="):
            found[name] = sources.quantity(sources.instead.get(arg.default, arg.default))
    return found


def _product(flow: Flow, sources: Sources) -> Coefficient:
    value, relative = flow.multiply, dict[str, float]()
    for name in flow.factors:
        found, factor = sources.factor(sources.instead.get(name, name))
        value *= factor.value
        relative[found] = relative.get(found, 0.0) + _relative(factor.value, factor)
    for name in flow.parameters:
        x = sources.parameter(name)
        value *= x
        relative[name] = relative.get(name, 0.0) + _relative(x, sources.parameters[name])
    return Coefficient(flow.output, value, tuple((name, value * u) for name, u in relative.items() if u))


def _relative(x: float, source: Factor | Parameter) -> float:
    """Return u(x) / x of a factor of a product: its sign keeps errors of negative factors right."""
    return math.copysign(source.uncertainty_percent / 200.0, x)
