"""Everything on the shelf loads, says where it comes from, and fits together."""

from pathlib import Path

import pytest

from greenhearth.factors import load_factors
from greenhearth.metrics import METRICS
from greenhearth.model import build_model
from greenhearth.processes import Process, find_process, known_processes, load_process
from greenhearth.profiles import find_profile, known_profiles, load_profile
from greenhearth.shelf import configs_root, listed
from greenhearth.site import load_site
from greenhearth.strict import Document

SITES = [path for path in sorted((configs_root() / "sites").glob("*.toml")) if "gateway" not in path.stem]


def process(name: str) -> Process:
    return load_process(find_process(name))


def named(one: Process) -> set[str]:
    """Return the factors a process names itself, without the roles that a site fills."""
    roles = {**one.roles, **one.derived}.values()
    names = {f for role in roles for flow in role.flows for f in [*flow.factors, *flow.use.values()]}
    return names - set(one.factor_roles) - set(one.parameters)


@pytest.mark.parametrize("profile_id", known_profiles())
def test_a_profile_loads_and_every_point_says_where_it_was_read(profile_id: str) -> None:
    profile = load_profile(find_profile(profile_id))
    assert profile.id == profile_id
    assert profile.source
    assert all(len(point.source) > 10 for point in profile.points.values())


@pytest.mark.parametrize("name", known_processes())
def test_a_process_loads_and_all_its_factors_are_verified_ones_of_the_catalogue(name: str) -> None:
    one, catalogue = process(name), load_factors()
    used = named(one) | {one.factor_roles.get(chosen, chosen) for chosen in one.factor_roles.values()}
    assert used <= set(catalogue), used - set(catalogue)
    assert [factor for factor in used if not catalogue[factor].verified] == []


@pytest.mark.parametrize("name", known_processes())
def test_a_process_states_boundaries_for_metrics_that_exist_and_uses_all_it_declares(name: str) -> None:
    one = process(name)
    assert set(one.boundary) <= set(METRICS)
    roles = {**one.roles, **one.derived}.values()
    flows = [flow for role in roles for flow in role.flows]
    used = {name for flow in flows for name in [*flow.factors, *flow.parameters, *flow.use.values()]}
    kernel = (
        {n for n in one.parameters if n.startswith(("ae_", "normal_cell"))}
        if one.kernel == "potline"
        else set()
    )
    assert set(one.parameters) - used - kernel == set()
    assert set(one.factor_roles) <= used


def test_every_factor_has_a_unit_a_source_and_a_date() -> None:
    catalogue = load_factors()
    assert len(catalogue) > 400
    for name, factor in catalogue.items():
        assert factor.unit, name
        assert factor.source, name
        assert factor.valid_from, name


def test_what_was_recollected_is_never_marked_as_verified() -> None:
    doubtful = [f for f in load_factors().values() if "ecollection" in f.source]
    assert doubtful
    assert not any(factor.verified for factor in doubtful)


@pytest.mark.parametrize(
    ("factor", "value"),
    [
        ("fuel.natural_gas.ef", 56.1),
        ("fuel.other_bituminous_coal.ncv", 25.8),
        ("tce.electricity_equivalent", 0.1229),
        ("grid.cn.national.2023", 0.5306),
        ("gwp100.cf4.ar5", 6630.0),
        ("gwp100.c2f6.ar5", 11100.0),
        ("al.pfc.eu.cwpb.sef", 0.143),
        ("al.pfc.eu.cwpb.f", 0.121),
        ("cement.calc_default", 0.525),
        ("steel.ef.eu.eaf_electrode", 3.0),
    ],
)
def test_well_known_factors_have_their_published_values(factor: str, value: float) -> None:
    assert load_factors()[factor].value == value


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_on_the_shelf_loads_and_becomes_a_model(path: Path) -> None:
    model = build_model(load_site(path))
    assert len(model.series) > 0
    assert len({one.name for one in model.series}) == len(model.series)


def test_the_shelf_holds_toml_and_readmes_only() -> None:
    others = [
        path
        for path in configs_root().rglob("*")
        if path.is_file() and path.suffix not in (".toml", ".md", ".rules", ".csv")
    ]
    assert others == []


@pytest.mark.parametrize("name", [n for k in ("factors", "benchmarks", "processes") for n in listed(k)])
def test_no_file_on_the_shelf_has_a_line_that_the_locator_misses(name: str) -> None:
    doc = Document(configs_root() / f"{name}.toml")
    tables = [(top, key) for top, table in doc.data.items() if isinstance(table, dict) for key in table]
    missed = [f"{top}.{key}" for top, key in tables if doc.line_of(f"{top}.{key}") == doc.line_of(top)]
    firsts = {f"{top}.{next(iter(doc.data[top]))}" for top, _ in tables}
    assert set(missed) <= firsts
