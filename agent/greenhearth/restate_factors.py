"""Which factors a stored figure was made with, which it is restated with, and the steps between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from greenhearth.factor_book import Factor, FactorBook
from greenhearth.factor_sets import FactorInfo, factor_of
from greenhearth.factors import same_unit, set_name
from greenhearth.model import Model
from greenhearth.restate_sums import line_model
from greenhearth.restatement import Change, Side
from greenhearth.site import Site
from greenhearth.strict import ConfigError

Infos = Mapping[str, Mapping[str, FactorInfo]]
"""Name of a set -> its factors by id, as births told them."""


@dataclass(frozen=True)
class FactorSet:
    """A line with its factors put in."""

    name: str
    model: Model
    used: dict[str, Factor]
    roles: dict[str, str]
    """Factor role -> id, for the roles that are used."""


@dataclass(frozen=True)
class Path:
    """From the old set to the new one, factor by factor in the alphabetical order of their names."""

    old: FactorSet
    new: FactorSet
    changes: list[Change] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    """len(changes) + 1: before the first change, after it, after the second, ..."""


def factor_set(
    site: Site, line: str, catalogue: dict[str, Factor], roles: Mapping[str, str] | None = None
) -> FactorSet:
    """Put a catalogue into a line; `roles` overrules what the site file chooses."""
    chosen = {**site.lines[line].factors, **(roles or {})}
    own = msgspec.structs.replace(site.lines[line], factors=chosen)
    model = line_model(msgspec.structs.replace(site, lines={line: own}), line, catalogue)
    used = dict(model.lines[0].used)
    every = {**model.lines[0].process.factor_roles, **chosen}
    return FactorSet(set_name(used), model, used, {role: one for role, one in every.items() if one in used})


def stored_set(site: Site, line: str, name: str, book: FactorBook, infos: Infos) -> FactorSet | None:
    """Return the set that a stored figure names: from the births, or where the catalogue leads to it."""
    told = infos.get(name)
    if told:
        known = site.processes[site.lines[line].process].factor_roles
        roles = {role: one for one, info in told.items() for role in info.roles if role in known}
        factors = {one: factor_of(info) for one, info in told.items()}
        found = factor_set(site, line, {**book, **factors}, roles)
    else:
        found = factor_set(site, line, book)
    return found if found.name == name else None


def path_between(site: Site, line: str, old: FactorSet, new: FactorSet) -> Path:
    """Find what differs and the models of each step; ConfigError for a change that cannot be made."""
    changes = _changes(old, new)
    for change in changes:
        _check(site, line, change, new.used[change.new.id])
    models = [old.model, *(_step(site, line, old, new, changes[:k]) for k in range(1, len(changes)))]
    return Path(old, new, changes, [*models, new.model] if changes else models)


def _changes(old: FactorSet, new: FactorSet) -> list[Change]:
    pairs = {(one, new.roles[role]) for role, one in old.roles.items() if role in new.roles}
    in_roles = {*old.roles.values(), *new.roles.values()}
    pairs |= {(one, one) for one in old.used if one in new.used and one not in in_roles}
    found = []
    for before, after in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        was, now = old.used[before], new.used[after]
        if was.value != now.value or not same_unit(was.unit, now.unit) or before != after:
            name = before if before == after else f"{before} -> {after}"
            roles = sorted(role for role, one in new.roles.items() if one == after)
            found.append(Change(name, _side(before, was), _side(after, now), tuple(roles)))
    return found


def _side(name: str, factor: Factor) -> Side:
    known_since = factor.known_since
    return Side(name, factor.value, factor.unit, factor.source, factor.valid_from, known_since)


def _check(site: Site, line: str, change: Change, now: Factor) -> None:
    key = f"line.{line}.factors"
    if not same_unit(change.old.unit, change.new.unit):
        why = f"'{change.new.id}' is in {change.new.unit}, what it replaces in {change.old.unit}"
        raise ConfigError(site.path, 0, key, f"{why}; convert the value")
    if not now.verified and change.new.id not in site.lines[line].factors.values():
        why = f"'{change.new.id}' is not verified ({now.source}); name it here to use it all the same"
        raise ConfigError(site.path, 0, key, why)


def _step(site: Site, line: str, old: FactorSet, new: FactorSet, done: list[Change]) -> Model:
    """Return the model in which the changes `done` are made, and no others."""
    made = {change.new.id for change in done}
    catalogue = {**new.used, **old.used, **{one: new.used[one] for one in made}}
    roles = {**old.roles, **{role: one for role, one in new.roles.items() if one in made}}
    return factor_set(site, line, catalogue, roles).model
