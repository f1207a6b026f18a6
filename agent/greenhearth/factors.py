"""Factors: emission factors, calorific values and coefficients, as data with a source."""

import hashlib
from pathlib import Path

import msgspec

from greenhearth.shelf import configs_root
from greenhearth.strict import Document


class Factor(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One value with its origin (``firmware_configs/factors/*.toml``, ``[factor."id"]``)."""

    value: float
    unit: str
    source: str
    clause: str = ""
    valid_from: str
    """Year or date from which the value holds."""
    uncertainty_percent: float = 0.0
    """Expanded (k = 2) relative uncertainty; 0 where the source states none."""
    verified: bool = True
    """False: recollected, not read in a source; never used unless named by the site."""
    note: str = ""


def load_factors(root: Path | None = None) -> dict[str, Factor]:
    """Read the whole catalogue; ConfigError for a faulty file or an id given twice."""
    catalogue: dict[str, Factor] = {}
    homes: dict[str, str] = {}
    for path in sorted((root or configs_root() / "factors").glob("*.toml")):
        doc = Document(path)
        doc.only("factor")
        for name, factor in doc.tables("factor", Factor).items():
            if name in catalogue:
                raise doc.error(f"factor.{name}", f"is already in {homes[name]}")
            if not (factor.source and factor.unit and factor.valid_from):
                raise doc.error(f"factor.{name}", "needs a unit, a source and the year it is valid from")
            catalogue[name], homes[name] = factor, path.name
    return catalogue


def same_unit(one: str, other: str) -> bool:
    """Tell whether two factors may stand for each other without any conversion.

    ``tCO2/MWh`` and ``kgCO2/kWh`` are the same number; CO2 and CO2e are not told apart.
    """
    return _plain_unit(one) == _plain_unit(other)


def _plain_unit(unit: str) -> str:
    plain = unit.replace("CO2e", "CO2").replace("(NCV)", "").replace(" ", "")
    plain = plain.replace("(=GJ/t)", "").replace("TJ/Gg", "GJ/t")
    return {"tCO2/MWh": "kgCO2/kWh"}.get(plain, plain)


def set_name(used: dict[str, Factor]) -> str:
    """Return a content-addressed name for the factors a line uses."""
    text = "\n".join(f"{k}={v.value!r} {v.unit} {v.valid_from}" for k, v in sorted(used.items()))
    return "fs-" + hashlib.sha256(text.encode()).hexdigest()[:12]
