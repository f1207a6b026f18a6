"""Factors: emission factors, calorific values and coefficients, as data with a source."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from pathlib import Path

import msgspec

from greenhearth.factor_book import Factor, FactorBook, day_of, overlap
from greenhearth.shelf import configs_root
from greenhearth.strict import Document


class _Versions(msgspec.Struct, forbid_unknown_fields=True):
    """``[factor_versions."NAME"]``: ids that are versions of one factor."""

    versions: list[str]


@dataclass
class _Shelf:
    """What has been read so far, and in which file it stands."""

    entries: dict[str, Factor] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, Document] = field(default_factory=dict)


def load_factors(
    root: Path | None = None,
    known_at: date | None = None,
    at: date | None = None,
    newer: Path | None = None,
) -> FactorBook:
    """Read the whole catalogue; plain names of versioned factors mean what held `at`, as `known_at`.

    Both are today where not given. Ids ``NAME@VERSION``, and those that ``[factor_versions."NAME"]``
    lists, are versions of ``NAME``. `newer` is one more file, whose entries replace or add.

    Raises:
        ConfigError: a faulty file, an id given twice, a factor without unit, source or time.
    """
    shelf = _Shelf()
    for path in sorted((root or configs_root() / "factors").glob("*.toml")):
        _read(shelf, Document(path))
    if newer is not None:
        _read_newer(shelf, Document(newer))
    _name_versions(shelf)
    for name, ids in shelf.versions.items():
        _check_versions(shelf, name, ids)
    return FactorBook(shelf.entries, shelf.versions, at, known_at)


def _read(shelf: _Shelf, doc: Document) -> None:
    for name, factor in _factors(shelf, doc).items():
        if name in shelf.entries:
            raise doc.error(f"factor.{name}", f"is already in {shelf.homes[name].path.name}")
        shelf.entries[name], shelf.homes[name] = factor, doc


def _read_newer(shelf: _Shelf, doc: Document) -> None:
    """Take the entries of a file of new values: each says since when it is known."""
    found = _factors(shelf, doc)
    if not found:
        raise doc.error("factor", 'holds no factor; write one or more tables [factor."ID"]')
    for name, factor in found.items():
        had = shelf.entries.get(name)
        if not factor.known_since:
            raise doc.error(f"factor.{name}", "needs 'known_since', the date it became known")
        if had and not same_unit(had.unit, factor.unit):
            why = f"is in {factor.unit}, the one it replaces in {had.unit}; convert the value"
            raise doc.error(f"factor.{name}.unit", why)
        shelf.entries[name], shelf.homes[name] = factor, doc


def _factors(shelf: _Shelf, doc: Document) -> dict[str, Factor]:
    doc.only("factor", "factor_versions")
    for name, group in doc.tables("factor_versions", _Versions).items():
        listed = shelf.versions.setdefault(name, [])
        listed += [one for one in group.versions if one not in listed]
        shelf.homes.setdefault(name, doc)
    found = doc.tables("factor", Factor)
    for name, factor in found.items():
        check_factor(doc, f"factor.{name}", factor)
    return found


def check_factor(doc: Document, key: str, factor: Factor) -> None:
    """Refuse a factor that nobody could use or trace."""
    if not (factor.source and factor.unit and factor.valid_from):
        raise doc.error(key, "needs a unit, a source and the year it is valid from")
    for name in ("valid_from", "valid_to", "known_since"):
        try:
            day_of(getattr(factor, name))
        except ValueError:
            why = "is a year or a date (2023, 2023-07 or 2023-07-15)"
            raise doc.error(f"{key}.{name}", why) from None
    if factor.valid_to and day_of(factor.valid_to) <= day_of(factor.valid_from):
        why = f"'{factor.valid_to}' is not after valid_from '{factor.valid_from}'"
        raise doc.error(f"{key}.valid_to", why)
    check_doubt(doc, key, factor.uncertainty_percent)


def check_doubt(doc: Document, key: str, percent: float) -> None:
    """Refuse an uncertainty below zero: as a root of squares it would pass for a positive one."""
    if percent < 0.0:
        why = f"is {percent:g}; an expanded uncertainty (k = 2) is 0 (not stated) or more"
        raise doc.error(f"{key}.uncertainty_percent", why)


def _name_versions(shelf: _Shelf) -> None:
    """Add the ids ``NAME@VERSION`` to the versions of their names."""
    for one in shelf.entries:
        name, mark, _ = one.partition("@")
        listed = shelf.versions.setdefault(name, []) if mark else []
        if mark and one not in listed:
            listed.append(one)


def _check_versions(shelf: _Shelf, name: str, ids: list[str]) -> None:
    home, key = shelf.homes.get(name) or shelf.homes[ids[0]], f"factor_versions.{name}"
    if name in shelf.entries:
        why = "is a factor and a name of versions; call the factor NAME@VERSION too"
        raise shelf.homes[name].error(f"factor.{name}", why)
    for one in ids:
        if one not in shelf.entries:
            raise home.error_naming(key, f"no factor '{one}'", one, shelf.entries)
    for one, other in combinations(ids, 2):
        first, second = shelf.entries[one], shelf.entries[other]
        if not same_unit(first.unit, second.unit):
            why = f"is a version of '{name}' in {second.unit}; '{one}' is in {first.unit}"
            raise shelf.homes[other].error(f"factor.{other}.unit", why)
        if overlap(first, second):
            why = f"holds on days on which '{one}' holds too; give a valid_to, or another known_since"
            raise shelf.homes[other].error(f"factor.{other}", why)


def same_unit(one: str, other: str) -> bool:
    """Tell whether two factors may stand for each other without any conversion.

    ``tCO2/MWh`` and ``kgCO2/kWh`` are the same number; CO2 and CO2e are not told apart.
    """
    return _plain_unit(one) == _plain_unit(other)


def _plain_unit(unit: str) -> str:
    plain = unit.replace("CO2e", "CO2").replace("(NCV)", "").replace(" ", "")
    plain = plain.replace("(=GJ/t)", "").replace("TJ/Gg", "GJ/t")
    return {"tCO2/MWh": "kgCO2/kWh"}.get(plain, plain)


def set_name(used: Mapping[str, Factor]) -> str:
    """Return a content-addressed name for the factors a line uses."""
    text = "\n".join(f"{k}={v.value!r} {v.unit} {v.valid_from}" for k, v in sorted(used.items()))
    return "fs-" + hashlib.sha256(text.encode()).hexdigest()[:12]


__all__ = ["Factor", "FactorBook", "load_factors", "same_unit", "set_name"]
