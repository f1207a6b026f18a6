"""One line of ``[case]`` instead of an argument in every flow: the set of GWPs, CO2 per carbon."""

from collections.abc import Iterable, Mapping

from greenhearth.account.tables import CaseHead
from greenhearth.factor_book import Factor
from greenhearth.methods import METHODS
from greenhearth.strict import Document

_GWP = "gwp100."
RATIO = "carbon_to_co2"
_MOLAR = "44/12"
_CONSTANT = "const.f_c_to_co2"
"""Carbon to CO2 in the flows of processes that multiply by it."""


def ratio_factor(doc: Document, head: CaseHead, own: Mapping[str, Factor]) -> dict[str, Factor]:
    """Return the factor that ``carbon_to_co2`` stands for, if it is a number or "44/12"."""
    given = head.carbon_to_co2
    if given == "" or (isinstance(given, str) and given != _MOLAR):
        return {}
    value = 44.0 / 12.0 if isinstance(given, str) else given
    if not 3.6 <= value <= 3.7:
        raise doc.error(f"case.{RATIO}", f"is {given}; between 3.6 and 3.7 tCO2/tC is meant (3.664, '44/12')")
    if RATIO in own:
        raise doc.error(f"factor.{RATIO}", f"is also set by case.{RATIO}: take one of them out")
    source = f"set in the case: {RATIO} = {given}"
    return {RATIO: Factor(value=value, unit="tCO2/tC", source=source, valid_from="undated")}


def choices_of(doc: Document, head: CaseHead, catalogue: Mapping[str, Factor]) -> dict[str, str]:
    """Return argument or default id -> id that the case wants instead; ConfigError for unknown sets."""
    found: dict[str, str] = {}
    if head.carbon_to_co2 != "":
        wanted = head.carbon_to_co2
        chosen = wanted if isinstance(wanted, str) and wanted != _MOLAR else RATIO
        found.update({"co2_per_carbon": chosen, _CONSTANT: chosen})
        if chosen not in catalogue:
            why = f"no factor '{wanted}': write a number, '44/12' or the name of a factor"
            raise doc.error_naming(f"case.{RATIO}", why, str(wanted), catalogue)
    if head.gwp:
        found.update(_gwps(doc, head.gwp, catalogue))
    return found


def of_own_flows(instead: Mapping[str, str]) -> dict[str, str]:
    """Return what holds for a flow that the case itself declares: what it names, it means."""
    return {name: chosen for name, chosen in instead.items() if name != _CONSTANT}


def _gwps(doc: Document, wanted: str, catalogue: Mapping[str, Factor]) -> dict[str, str]:
    last = wanted.strip().lower()
    known = sorted({name.rpartition(".")[2] for name in catalogue if name.startswith(_GWP)})
    if last not in known:
        why = f"no set of global warming potentials '{wanted}': there are {', '.join(known).upper()}"
        raise doc.error("case.gwp", why)
    return {name: f"{name.rpartition('.')[0]}.{last}" for name in _default_gwps()}


def _default_gwps() -> Iterable[str]:
    """Return the catalogue ids that methods take for a GWP where none is given."""
    defaults = {arg.default for method in METHODS.values() for arg in method.args.values()}
    return sorted(name for name in defaults if isinstance(name, str) and name.startswith(_GWP))
