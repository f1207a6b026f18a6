"""Versions of a factor, and which of them held: the time of the data and that of the knowledge decide."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import msgspec

from greenhearth.strict import ConfigError


class Factor(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One value with its origin (``firmware_configs/factors/*.toml``, ``[factor."id"]``)."""

    value: float
    unit: str
    source: str
    clause: str = ""
    valid_from: str
    """Year or date from which the value holds; ``undated`` holds always."""
    valid_to: str = ""
    """Year or date before which it holds (exclusive); empty: until further notice."""
    known_since: str = ""
    """Date on which it came into the catalogue; empty: it was always there."""
    uncertainty_percent: float = 0.0
    """Expanded (k = 2) relative uncertainty; 0 where the source states none."""
    verified: bool = True
    """False: recollected, not read in a source; never used unless named by the site."""
    note: str = ""


def day_of(text: str) -> date:
    """Return the first day a text means: ``2023``, ``2023-07`` or ``2023-07-15``; ValueError if none.

    An empty text and ``undated`` mean the beginning of time.
    """
    if text in ("", "undated"):
        return date.min
    try:
        parts = [int(part) for part in text.split("-")]
        if len(parts) > 3 or len(text.split("-")[0]) != 4:
            raise ValueError(text)
        return date(*[*parts, 1, 1][:3])
    except ValueError:
        raise ValueError(f"'{text}' is no year or date (2023, 2023-07, 2023-07-15)") from None


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


class FactorBook(dict[str, Factor]):
    """The catalogue by id; the plain name of a versioned factor gives the version of its two times.

    A name counts as being in the book as soon as it has versions; looking it up raises ConfigError
    where none of them holds, with all versions and their ranges.
    """

    def __init__(
        self,
        entries: Mapping[str, Factor],
        versions: Mapping[str, list[str]],
        at: date | None = None,
        known_at: date | None = None,
    ) -> None:
        super().__init__(entries)
        self.entries, self.versions = dict(entries), dict(versions)
        self.at, self.known_at = at or today(), known_at or today()
        self.chosen = {name: self._choose(ids) for name, ids in versions.items()}
        """Plain name -> id of the version that holds, '' where none does."""
        self.update({name: entries[chosen] for name, chosen in self.chosen.items() if chosen})

    def when(self, at: date, known_at: date | None = None) -> "FactorBook":
        """Return the book for data of another day, and what was known on another day."""
        return FactorBook(self.entries, self.versions, at, known_at or self.known_at)

    def changes(self) -> list[date]:
        """Return the days on which some plain name may begin to mean another version."""
        ids = [one for members in self.versions.values() for one in members]
        texts = [text for one in ids for text in (self[one].valid_from, self[one].valid_to)]
        return sorted({day_of(text) for text in texts} - {date.min})

    def __contains__(self, name: object) -> bool:
        """Tell whether a name is an id or has versions."""
        return super().__contains__(name) or name in self.versions

    def __missing__(self, name: str) -> Factor:
        """Refuse a plain name without a version for this time."""
        if name not in self.versions:
            raise KeyError(name)
        listed = "; ".join(f"{one}: {described(self.entries[one])}" for one in self.versions[name])
        why = f"no version holds for data of {self.at}, as known on {self.known_at} ({listed}); name an id"
        raise ConfigError("factors", 0, name, why)

    def _choose(self, ids: Iterable[str]) -> str:
        fitting = [one for one in ids if _holds(self.entries[one], self.at, self.known_at)]
        return max(fitting, key=lambda one: day_of(self.entries[one].known_since), default="")


def described(factor: Factor) -> str:
    """Return when a factor holds and since when it is known, in words."""
    text = f"{factor.valid_from} to {factor.valid_to or 'further notice'}"
    text += f", known since {factor.known_since}" if factor.known_since else ""
    return text if factor.verified else f"{text}, not verified"


def overlap(one: Factor, other: Factor) -> bool:
    """Tell whether two factors hold on a common day and came into the catalogue together."""
    if day_of(one.known_since) != day_of(other.known_since):
        return False
    return day_of(one.valid_from) < _end(other) and day_of(other.valid_from) < _end(one)


def _holds(factor: Factor, at: date, known_at: date) -> bool:
    known = factor.verified and day_of(factor.known_since) <= known_at
    return known and holds_on(factor, at)


def holds_on(factor: Factor, at: date) -> bool:
    """Tell whether a factor is meant for data of a day."""
    return day_of(factor.valid_from) <= at < _end(factor)


def _end(factor: Factor) -> date:
    return day_of(factor.valid_to) if factor.valid_to else date.max
