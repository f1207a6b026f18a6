"""The factors behind the name of a set: as a birth tells them, and as they are read back from one."""

from collections.abc import Mapping

import msgspec

from greenhearth.factor_book import Factor


class FactorInfo(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One factor of a set, so that the set's name can be expanded years later."""

    value: float
    unit: str
    valid_from: str
    source: str
    valid_to: str = ""
    known_since: str = ""
    uncertainty_percent: float = 0.0
    """Expanded (k = 2), relative."""
    roles: list[str] = []
    """Factor roles of the process that it plays; none where the process names it itself."""


def factor_infos(used: Mapping[str, Factor], roles: Mapping[str, str]) -> dict[str, FactorInfo]:
    """Return the factors of a line by id, as a birth tells them; `roles` is factor role -> id."""
    return {
        name: FactorInfo(
            value=one.value,
            unit=one.unit,
            valid_from=one.valid_from,
            source=one.source,
            valid_to=one.valid_to,
            known_since=one.known_since,
            uncertainty_percent=one.uncertainty_percent,
            roles=sorted(role for role, chosen in roles.items() if chosen == name),
        )
        for name, one in sorted(used.items())
    }


def factor_of(info: FactorInfo) -> Factor:
    """Return a factor as it was told in a birth."""
    return Factor(
        value=info.value,
        unit=info.unit,
        source=info.source,
        valid_from=info.valid_from,
        valid_to=info.valid_to,
        known_since=info.known_since,
        uncertainty_percent=info.uncertainty_percent,
    )
