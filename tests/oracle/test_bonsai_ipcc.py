"""Our methods against bonsai-ipcc 0.5.3, an independent implementation of the IPCC Guidelines.

Each formula that both have is fed with 1 000 random inputs; ours goes through the same methods that
accounts and live lines use. They share: cement tiers 1 to 3 with kiln dust, coke, sinter, direct
reduction, iron and steel, gas flaring, ferroalloys, aluminium anodes (prebake, pitch, packing coke,
Söderberg), PFC by default factors and by slope, lead and zinc, petrochemical tiers 1 and 2,
combustion in petrochemistry. bonsai-ipcc 0.5.3 has no lime, glass, other carbonates, ammonia, PFC
overvoltage or energy chapter; those are tested against worked examples in tests/account.

It writes fractions where the Guidelines print percent, takes hydrogen and tar of pitch (Eq 4.22) per
tonne of green anodes where they are tonnes there, and leaves out the time in Eq 3.42, which is not
shared. None of that changes a formula compared here.
"""

import math
import random
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

import pytest

from greenhearth.methods import METHODS, coefficients
from greenhearth.quantities import Quantity

CASES = 1000
LIMIT = 1e-9
PER_CARBON = Quantity(44.0 / 12.0, "tCO2/tC")
CO2_PER_CAO = 0.43971 / 0.5603
"""Molar masses as the oracle (and IPCC 2006 vol. 3, Eq 2.4) has them."""

Draw = random.Random
Pair = tuple[float, float]
"""CO2 [t] by the oracle, by ours."""


def co2_t(
    method: str, amount: float, unit: str = "t", **given: Quantity | float | tuple[float, str]
) -> float:
    """Return the CO2 [t] that one of our methods gives for an amount; bare numbers are fractions."""
    arguments: dict[str, Quantity] = {}
    for name, value in given.items():
        if isinstance(value, Quantity):
            arguments[name] = value
        else:
            number, of = value if isinstance(value, tuple) else (value, "1")
            arguments[name] = Quantity(number, of)
    found = coefficients(METHODS[method], unit, arguments)
    return amount * math.fsum(c.value for c in found if c.output.startswith("co2_")) / 1000.0


def carbon(amount: float, content: float) -> float:
    """Return the CO2 of carbon that enters (leaves, where the amount is negative)."""
    method = "carbon_in" if amount >= 0.0 else "carbon_out"
    return co2_t(method, abs(amount), carbon=(content, "tC/t"), co2_per_carbon=PER_CARBON)


def process(amount: float, ef: float, conversion: float = 1.0) -> float:
    """Return the CO2 of an amount by its factor."""
    return co2_t("process", amount, ef=(ef, "tCO2/t"), conversion=conversion)


def balance(draw: Draw, gains: int, losses: int) -> tuple[list[Pair], float]:
    """Draw (amount, carbon content) of streams in and out; return them and our CO2."""
    streams = [(draw.uniform(1.0, 1e6), draw.uniform(0.0, 1.0)) for _ in range(gains + losses)]
    signs = [1.0] * gains + [-1.0] * losses
    return streams, math.fsum(carbon(s * m, c) for s, (m, c) in zip(signs, streams, strict=True))


def clinker_tier1(o: ModuleType, r: Draw) -> Pair:
    cement, share, imported, exported = (
        r.uniform(1e3, 1e6),
        r.uniform(0.5, 1),
        r.uniform(0, 1e3),
        r.uniform(0, 1e3),
    )
    cao, dust = r.uniform(0.55, 0.7), r.uniform(1.0, 1.1)
    theirs = o.co2_emissions_tier1_(cement, share, imported, exported, o.ef_clc(cao, dust))
    clinker = cement * share - imported + exported
    return theirs, co2_t("oxide", clinker, content=cao, ef=(CO2_PER_CAO, "tCO2/t"), correction=dust)


def clinker_from_caco3(o: ModuleType, r: Draw) -> Pair:
    cao, of_cao, of_co2 = r.uniform(0.55, 0.7), r.uniform(0.55, 0.57), r.uniform(0.43, 0.45)
    theirs = o.calcination_factor_co2(o.caco3_supply(cao, of_cao), of_co2)
    return theirs, co2_t("oxide", 1.0, content=cao, ef=(of_co2 / of_cao, "tCO2/t"))


def clinker_tier2(o: ModuleType, r: Draw) -> Pair:
    clinker, cao, other = r.uniform(1e3, 1e6), r.uniform(0.55, 0.7), r.uniform(0.0, 0.1)
    theirs = o.co2_emissions_tier2_(clinker, o.ef_cl(cao, other), 1.0)
    return theirs, co2_t("oxide", clinker, content=cao - other, ef=(CO2_PER_CAO, "tCO2/t"))


def clinker_with_dust(o: ModuleType, r: Draw) -> Pair:
    clinker, dust = r.uniform(1e3, 1e6), r.uniform(0.0, 1e4)
    content, calcined, carbonate, ef = r.random(), r.random(), r.uniform(0.4, 0.55), r.uniform(0.45, 0.55)
    theirs = o.co2_emissions_tier2_(clinker, ef, o.cf_ckd(dust, clinker, content, calcined, carbonate, ef))
    lost = co2_t("carbonate", dust, ef=(carbonate, "tCO2/t"), purity=content, conversion=calcined)
    return theirs, process(clinker, ef) + lost


def clinker_tier3(o: ModuleType, r: Draw) -> Pair:
    carbonates = [(r.uniform(0.3, 0.55), r.uniform(1.0, 1e6), r.uniform(0.9, 1.0)) for _ in range(3)]
    dust, content, calcined, ef = r.uniform(0.0, 1e4), r.random(), r.random(), r.uniform(0.3, 0.55)
    shale, kerogen, burnt = r.uniform(0.0, 1e4), r.random(), r.uniform(0.0, 3.7)
    kiln, other = (
        o.co2_emissions_tier3_kiln(dust, content, calcined, ef),
        o.co2_emissions_tier3_other(shale, kerogen, burnt),
    )
    inputs = math.fsum(o.co2_emissions_tier3_carb(*one) for one in carbonates)
    ours = [co2_t("carbonate", m, ef=(e, "tCO2/t"), conversion=f) for e, m, f in carbonates]
    ours.append(co2_t("carbonate", -dust, ef=(ef, "tCO2/t"), purity=content, conversion=1.0 - calcined))
    return o.co2_emissions_tier3_(inputs, kiln, other), math.fsum([*ours, process(shale, burnt, kerogen)])


def coke_tier1(o: ModuleType, r: Draw) -> Pair:
    (coal, coke), ours = balance(r, 1, 1)
    return o.co2_coke_tier1b_(coal[0], coke[0], coal[1], coke[1]), ours


def coke_tier2(o: ModuleType, r: Draw) -> Pair:
    (coal, material, gas, coke, coke_gas, by), ours = balance(r, 3, 3)
    flared = r.uniform(0.0, 1e3)
    theirs = o.co2_coke_tier2_(*coal, o.c_pm(*material), *gas, *coke, *coke_gas, o.c_cob(*by), flared)
    return theirs, ours + carbon(-flared, 1.0)


def flaring(o: ModuleType, r: Draw) -> Pair:
    (bfg, bfg_c), (ldg, ldg_c) = balance(r, 2, 0)[0]
    a, b = r.random(), r.random()
    return o.co2_flaring(bfg, ldg, a, bfg_c, b, ldg_c), carbon(bfg * a, bfg_c) + carbon(ldg * b, ldg_c)


def steel_tier2(o: ModuleType, r: Draw) -> Pair:
    s, ours = balance(r, 8, 3)
    theirs = o.co2_steelmaking_tier2_(
        *s[0], o.c_cob_a(*s[1]), *s[2], *s[3], *s[4], *s[5], o.c_o_b(*s[6]), *s[7], *s[8], *s[9], *s[10]
    )
    return theirs, ours


def sinter_tier2(o: ModuleType, r: Draw) -> Pair:
    (breeze, coke_gas, bf_gas, material), ours = balance(r, 4, 0)
    return o.co2_sinter_tier2_(*breeze, *coke_gas, *bf_gas, o.c_pm_a(*material)), ours


def dri_tier2(o: ModuleType, r: Draw) -> Pair:
    """The Guidelines count heat [GJ] and carbon per heat here."""
    fuels = [(r.uniform(1.0, 1e6), r.uniform(20.0, 50.0), r.uniform(0.01, 0.03)) for _ in range(3)]
    theirs = o.co2_dri_tier2_(*(x for m, ncv, c in fuels for x in (m * ncv, c)))
    given = {"oxidation": 1.0, "co2_per_carbon": PER_CARBON}
    ours = (co2_t("combustion_carbon", m, ncv=(n, "GJ/t"), carbon=(c, "tC/GJ"), **given) for m, n, c in fuels)
    return theirs, math.fsum(ours)


def by_production(name: str) -> Callable[[ModuleType, Draw], Pair]:
    """Return the comparison of a tier 1: production x factor."""

    def compare(o: ModuleType, r: Draw) -> Pair:
        amount, ef = r.uniform(1.0, 1e6), r.uniform(0.0, 10.0)
        return getattr(o, name)(amount, ef), process(amount, ef)

    return compare


def ferroalloy_tier2(o: ModuleType, r: Draw) -> Pair:
    (ore, slag, product, rest), ours = balance(r, 2, 2)
    agent, ef = r.uniform(1.0, 1e6), r.uniform(0.0, 4.0)
    gains = o.co2_in_agent_tier2_(agent, ef), o.co2_in_ore(*ore), o.co2_in_slag(*slag)
    theirs = o.co2_ferroalloy_tier2_3_(*gains, o.co2_out_product(*product), o.co2_out_non_product(*rest))
    return theirs, ours + process(agent, ef)


def ferroalloy_tier3(o: ModuleType, r: Draw) -> Pair:
    agent, fixed, volatile, of_volatile = (
        r.uniform(1.0, 1e6),
        r.uniform(0.5, 0.8),
        r.uniform(0.0, 0.2),
        r.random(),
    )
    content = o.ccontent(fixed, volatile, of_volatile)
    return o.co2_in_agent_tier3_(agent, content), carbon(agent, fixed) + carbon(agent * volatile, of_volatile)


def prebaked_anode(o: ModuleType, r: Draw) -> Pair:
    metal, nac, s, ash = r.uniform(1.0, 1e6), r.uniform(0.38, 0.5), r.uniform(0.0, 0.03), r.uniform(0.0, 0.02)
    ours = co2_t("anode_carbon", metal, consumption=(nac, "t/t"), sulphur=s, ash=ash)
    return o.e_co2_anode(nac, metal, s, ash), ours


def anode_pitch(o: ModuleType, r: Draw) -> Pair:
    green, hydrogen, tar = r.uniform(1.0, 1e6), r.uniform(0.0, 0.01), r.uniform(0.0, 0.01)
    baked = green * r.uniform(0.9, 0.97)
    ours = math.fsum(carbon(m, 1.0) for m in (green, -hydrogen * green, -baked, -tar * green))
    return o.e_co2_pitch(green, hydrogen, baked, tar), ours


def anode_packing(o: ModuleType, r: Draw) -> Pair:
    coke, baked, s, ash = (
        r.uniform(0.0, 0.05),
        r.uniform(1.0, 1e6),
        r.uniform(0.0, 0.05),
        r.uniform(0.0, 0.05),
    )
    return o.e_co2_packing(coke, baked, s, ash), carbon(coke * baked, 1.0 - s - ash)


def soderberg(o: ModuleType, r: Draw) -> Pair:
    """CSM is in kg/t there, in t/t here."""
    metal, paste, csm, binder = (
        r.uniform(1.0, 1e6),
        r.uniform(0.4, 0.6),
        r.uniform(0.0, 5.0),
        r.uniform(0.2, 0.4),
    )
    sp, ashp, hp, sc, ashc = (r.uniform(0.0, 0.05) for _ in range(5))
    dust = r.uniform(0.0, 0.05)
    ours = co2_t(
        "paste_carbon", metal, paste=(paste, "t/t"), soluble=(csm, "kg/t"), binder=binder, binder_sulphur=sp,
        binder_ash=ashp, binder_hydrogen=hp, coke_sulphur=sc, coke_ash=ashc, dust=(dust, "t/t"),
    )  # fmt: skip
    return o.e_co2_soderberg(paste, metal, csm, binder, sp, ashp, hp, sc, ashc, dust), ours


def _gwps(r: Draw) -> tuple[float, float, Mapping[str, Quantity]]:
    cf4, c2f6 = r.uniform(5000.0, 8000.0), r.uniform(9000.0, 13000.0)
    return cf4, c2f6, {"gwp_cf4": Quantity(cf4, "tCO2e/t"), "gwp_c2f6": Quantity(c2f6, "tCO2e/t")}


def pfc_default(o: ModuleType, r: Draw) -> Pair:
    metal, cf4, c2f6 = r.uniform(1.0, 1e6), r.uniform(0.0, 2.0), r.uniform(0.0, 0.3)
    gwp_cf4, gwp_c2f6, gwps = _gwps(r)
    kg = o.e_cf4_tier1_(cf4, metal) * gwp_cf4 + o.e_c2f6_tier1_(c2f6, metal) * gwp_c2f6
    return kg / 1000.0, co2_t("pfc_default", metal, cf4=(cf4, "kg/t"), c2f6=(c2f6, "kg/t"), **gwps)


def pfc_slope(o: ModuleType, r: Draw) -> Pair:
    metal, slope, share = r.uniform(1.0, 1e6), r.uniform(0.05, 0.3), r.uniform(0.0, 0.3)
    frequency, minutes = r.uniform(0.0, 3.0), r.uniform(0.0, 5.0)
    gwp_cf4, gwp_c2f6, gwps = _gwps(r)
    cf4 = o.e_cf4_tier2_3_(slope, frequency * minutes, metal)
    kg = cf4 * gwp_cf4 + o.e_c2f6_tier2_3_(cf4, share) * gwp_c2f6
    ours = co2_t(
        "pfc_slope_metal", metal, slope=(slope, "(kg CF4/t Al)/(AE-min/cell-day)"), frequency=frequency,
        duration=(minutes, "min"), c2f6_share=share, **gwps,
    )  # fmt: skip
    return kg / 1000.0, ours


def petrochemical_tier1(o: ModuleType, r: Draw) -> Pair:
    amount, ef, percent = r.uniform(1.0, 1e6), r.uniform(0.0, 4.0), r.uniform(1.0, 100.0)
    return o.eco2_tier1(amount, ef, percent), process(amount, ef, percent / 100.0)


def petrochemical_tier2(o: ModuleType, r: Draw) -> Pair:
    (feed, primary, secondary), ours = balance(r, 1, 2)
    return o.eco2_tier2(o.fa_fc(*feed), o.pp_pc(*primary), o.sp_sc(*secondary)), ours


def heat_times_factor(name: str) -> Callable[[ModuleType, Draw], Pair]:
    """Return the comparison of fuel x NCV x EF, with the factor in kg/TJ."""

    def compare(o: ModuleType, r: Draw) -> Pair:
        fuel, ncv, ef = r.uniform(1.0, 1e6), r.uniform(5.0, 120.0), r.uniform(0.0, 3e5)
        ours = co2_t("combustion", fuel, ncv=(ncv, "GJ/t"), ef=(ef, "kgCO2/TJ"))
        return getattr(o, name)(fuel, ncv / 1000.0, ef) / 1000.0, ours

    return compare


class Formula(NamedTuple):
    """A formula that both have."""

    clause: str
    chapter: str
    compare: Callable[[ModuleType, Draw], Pair]


FORMULAS = (
    Formula("Eq 2.1 and 2.4, cement tier 1", "mineral", clinker_tier1),
    Formula("before Eq 2.4, CaCO3 per clinker", "mineral", clinker_from_caco3),
    Formula("Eq 2.2 and 2.4, cement tier 2", "mineral", clinker_tier2),
    Formula("Eq 2.2 and 2.5, lost kiln dust", "mineral", clinker_with_dust),
    Formula("Eq 2.3, cement tier 3", "mineral", clinker_tier3),
    Formula("Eq 4.1a, coke", "metal", by_production("co2_coke_tier1a_")),
    Formula("Eq 4.1b, coke", "metal", coke_tier1),
    Formula("Eq 4.2, coke", "metal", coke_tier2),
    Formula("Eq 4.4, steel", "metal", by_production("co2_steelmaking_tier1_")),
    Formula("Eq 4.5, pig iron", "metal", by_production("co2_pigiron")),
    Formula("Eq 4.6, direct reduced iron", "metal", by_production("co2_dri_tier1_")),
    Formula("Eq 4.7, sinter", "metal", by_production("co2_sinter_tier1_")),
    Formula("Eq 4.8, pellets", "metal", by_production("co2_pellet")),
    Formula("Eq 4.8a, flared gas", "metal", flaring),
    Formula("Eq 4.9, iron and steel", "metal", steel_tier2),
    Formula("Eq 4.10, sinter", "metal", sinter_tier2),
    Formula("Eq 4.11, direct reduced iron", "metal", dri_tier2),
    Formula("Eq 4.15, ferroalloys tier 1", "metal", by_production("co2_ferroalloy_tier1_")),
    Formula("Eq 4.16, ferroalloys tier 2", "metal", ferroalloy_tier2),
    Formula("Eq 4.17 and 4.19, reducing agents tier 3", "metal", ferroalloy_tier3),
    Formula("Eq 4.20, aluminium tier 1", "metal", by_production("e_co2_tier1_")),
    Formula("Eq 4.21, prebaked anodes", "metal", prebaked_anode),
    Formula("Eq 4.22, pitch of anodes", "metal", anode_pitch),
    Formula("Eq 4.23, packing coke", "metal", anode_packing),
    Formula("Eq 4.24, Söderberg paste", "metal", soderberg),
    Formula("Eq 4.25, PFC by default factors", "metal", pfc_default),
    Formula("Eq 4.26, PFC by slope", "metal", pfc_slope),
    Formula("Eq 4.32, lead", "metal", by_production("e_co2_lead")),
    Formula("Eq 4.33, zinc", "metal", by_production("e_co2_zinc")),
    Formula("Eq 3.15, petrochemicals tier 1", "chemical", petrochemical_tier1),
    Formula("Eq 3.17, petrochemicals tier 2", "chemical", petrochemical_tier2),
    Formula("Eq 3.28, fuel burnt", "chemical", heat_times_factor("e_combustion")),
    Formula("Eq 3.29, gas flared", "chemical", heat_times_factor("e_flare")),
)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda one: one.clause)
def test_a_formula_agrees_with_an_independent_implementation(
    formula: Formula, oracle: dict[str, ModuleType]
) -> None:
    """1 000 random inputs each, seeded by the name of the formula."""
    draw = random.Random(formula.clause)
    pairs = [formula.compare(oracle[formula.chapter], draw) for _ in range(CASES)]
    assert len({theirs for theirs, _ in pairs}) == CASES
    worst = max(abs(ours - theirs) / abs(theirs) for theirs, ours in pairs)
    assert worst <= LIMIT
