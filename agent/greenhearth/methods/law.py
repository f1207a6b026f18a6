"""What a method is: named arguments with units and ranges, and a law that is arithmetic only.

A law gets its arguments in the units it declares and returns what one unit of the stream
causes. It may use + - * / only: it is also called with complex arguments, which gives its
derivatives to machine precision (complex step; Squire and Trapp, SIAM Review 40, 1998).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from greenhearth.coefficients import Coefficient
from greenhearth.quantities import Quantity, UnitError, convert, scale, why_not
from greenhearth.strict import nearest_name

Values = Mapping[str, complex]
Law = Callable[[Values], dict[str, complex]]
_STEP = 1e-30

KWH_PER_GJ = 1000.0 / 3.6
KGCE_PER_GJ = 1000.0 / 29.3076
"""1 kgce = 29 307.6 kJ (7 000 kcal of 4.1868 kJ; GB/T 2589-2020, 3.7 and 6.4)."""
CO2_PER_CARBON = 44.0 / 12.0


@dataclass(frozen=True)
class Arg:
    """One argument of a method."""

    unit: str
    """``{stream}`` stands for the unit that the stream is counted in."""
    meaning: str
    default: float | str | None = None
    """A number, ``=other`` (the value of another argument), a catalogue id; None: it must be given."""
    low: float = 0.0
    high: float = float("inf")
    """Least and greatest value [unit] that is believed."""
    high_gas: float | None = None
    """Greatest value per kNm3, where it is another one than per tonne."""


@dataclass(frozen=True)
class Method:
    """A published way from an amount to energy, CO2 or product."""

    name: str
    streams: tuple[str, ...]
    """Units that a stream may be counted in; the law is per one of these."""
    args: dict[str, Arg]
    formula: str
    """As printed on an audit trail."""
    source: str
    law: Law = field(repr=False)

    def stream_unit(self, unit: str) -> str:
        """Return which of the method's own units a stream's unit converts to; UnitError if none."""
        for wanted in self.streams:
            try:
                scale(unit, wanted)
            except UnitError:
                continue
            return wanted
        hints = dict.fromkeys(why_not(unit, wanted).removeprefix(": ") for wanted in self.streams)
        raise UnitError(
            f"the method '{self.name}' counts in {' or '.join(self.streams)}; '{unit}' does not convert"
            + "".join(f"; {hint}" for hint in hints if hint)
        )


def coefficients(method: Method, unit: str, given: Mapping[str, Quantity]) -> list[Coefficient]:
    """Return what one `unit` of a stream causes by a method, with its errors.

    `given` holds every argument without a default, and any other; LookupError for one that is
    missing or unknown, UnitError for units that do not convert, ValueError for a value out of range.
    """
    own = method.stream_unit(unit)
    arguments = resolve(method, own, given)
    values: dict[str, complex] = {name: q.value for name, q in arguments.items()}
    parts: dict[str, dict[str, float]] = {output: {} for output in method.law(values)}
    for name, quantity in arguments.items():
        if quantity.u:
            _add_parts(method, values, name, quantity, parts)
    per = scale(unit, own)
    found = [Coefficient(o, v.real, tuple(parts[o].items())) for o, v in method.law(values).items()]
    # A zero is told (a contract of 0 kg/kWh is a figure), except the memo that most fuels have none of.
    return [c.times(per) for c in found if c.value or c.parts or c.output != "co2_biogenic_kg"]


def resolve(method: Method, stream: str, given: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return every argument in its own unit and within its range; see `coefficients` for errors."""
    for name in given:
        if name not in method.args:
            near = nearest_name(name, method.args)
            hint = f"; did you mean '{near}'?" if near else ""
            raise LookupError(f"the method '{method.name}' has no argument '{name}'{hint}")
    found: dict[str, Quantity] = {}
    for name, arg in method.args.items():
        found[name] = _argument(method, stream, name, arg, given, found)
    return found


def _argument(
    method: Method,
    stream: str,
    name: str,
    arg: Arg,
    given: Mapping[str, Quantity],
    found: Mapping[str, Quantity],
) -> Quantity:
    wanted = arg.unit.replace("{stream}", stream)
    if name in given:
        return in_range(name, arg, convert(given[name], wanted), given[name])
    if isinstance(arg.default, str) and arg.default.startswith("="):
        return found[arg.default[1:]]
    if isinstance(arg.default, float):
        return Quantity(arg.default, wanted)
    raise LookupError(f"the method '{method.name}' needs '{name}' ({arg.meaning}, {wanted})")


def in_range(name: str, arg: Arg, quantity: Quantity, given: Quantity) -> Quantity:
    """Return the quantity; ValueError where its value cannot be right."""
    per_gas = arg.high_gas is not None and quantity.unit.endswith("/kNm3")
    high = arg.high_gas if per_gas and arg.high_gas is not None else arg.high
    if arg.low <= quantity.value <= high:
        return quantity
    whence = f" ({given.name})" if given.name else ""
    text = f"{name} = {given.value:g} {given.unit}{whence} is not within {arg.low:g} to {high:g}"
    if high <= 1.0 < quantity.value <= 100.0:
        text += f": a fraction is meant here; write {quantity.value / 100.0:g}, or the unit '%'"
    elif arg.unit == "%" and arg.low > 1.0 >= quantity.value * 0.01 and quantity.value <= 1.0:
        text += f": percent is meant here; write {quantity.value * 100.0:g}"
    raise ValueError(text + f" {quantity.unit if arg.unit != '1' else ''}".rstrip())


def _add_parts(
    method: Method, values: Values, name: str, quantity: Quantity, parts: dict[str, dict[str, float]]
) -> None:
    """Add d(output)/d(argument) x u(argument) to the parts of every output."""
    stepped = {**values, name: values[name] + 1j * _STEP}
    for output, value in method.law(stepped).items():
        part = value.imag / _STEP * quantity.u
        if part:
            error = quantity.name or name
            parts[output][error] = parts[output].get(error, 0.0) + part
