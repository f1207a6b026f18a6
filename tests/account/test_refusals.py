"""What a case may not say: refused with the place and the remedy, never a silent number."""

from collections.abc import Callable

import pytest

from greenhearth.account import Case, take_inventory
from greenhearth.strict import ConfigError

from .conftest import KILN, Account

Read = Callable[[str], Case]
HEAD = '[case]\ntitle = "x"\nsource = "y"\n'
UNIT_OF_COAL = 'amount = 300.0\nunit = "t"'

SPOILT = {
    "an unknown unit": (
        UNIT_OF_COAL,
        'amount = 300.0\nunit = "lumps"',
        "quantity.coal.unit",
        "unknown unit 'lumps'",
    ),
    "a unit that does not convert": (
        UNIT_OF_COAL,
        'amount = 300.0\nunit = "MWh"',
        "quantity.coal.flows[0].method",
        "does not",
    ),
    "a factor without a source": (
        'source = "laboratory, mean of the month"\n',
        "",
        "factor.coal_ncv",
        "has no source",
    ),
    "a factor in another unit": (
        'unit = "GJ/t"',
        'unit = "GJ/kNm3"',
        "quantity.coal.flows[0]",
        "does not convert",
    ),
    "a gross calorific value": (
        'unit = "GJ/t"',
        'unit = "GJ/t (GCV)"',
        "quantity.coal.flows[0]",
        "gross calorific",
    ),
    "a negative product": ("amount = 2000.0", "amount = -2000.0", "quantity.clinker", "never negative"),
    "a misspelt method": (
        '"combustion"',
        '"combustian"',
        "quantity.coal.flows[0].method",
        "mean 'combustion'",
    ),
    "a misspelt argument": ("use = { ncv", "use = { nvc", "quantity.coal.flows[0].use.nvc", "mean 'ncv'"),
    "a missing argument": ('ncv = "coal_ncv", ', "", "quantity.coal.flows[0].use", "needs 'ncv'"),
    "a factor that is nowhere": (
        'ncv = "coal_ncv"',
        'ncv = "coal_nvc"',
        "quantity.coal.flows[0]",
        "mean 'coal_ncv'",
    ),
    "a bare number": ('ncv = "coal_ncv"', "ncv = 25.0", "quantity.coal.flows[0]", "without a source"),
    "an unknown key": ("amount = 300.0", "amout = 300.0", "quantity.coal.amout", "did you mean 'amount'?"),
    "an unknown table": ("[factor.coal_ncv]", "[factr.coal_ncv]", "factr", "did you mean 'factor'?"),
    "no amount": ("amount = 300.0\n", "", "quantity.coal", "needs one of 'amount'"),
    "not a number": ("amount = 300.0", "amount = nan", "quantity.coal.amount", "not a finite number"),
    "an uncertainty over 100 %": (
        "uncertainty_percent = 2.0",
        "uncertainty_percent = 200.0",
        "quantity.coal.uncertainty_percent",
        "0 to 100",
    ),
    "a share without a rule": (
        UNIT_OF_COAL,
        f"{UNIT_OF_COAL}\nshare = 0.5",
        "quantity.coal.share",
        "share_source",
    ),
    "a share in percent": (UNIT_OF_COAL, f"{UNIT_OF_COAL}\nshare = 50.0", "quantity.coal.share", "fraction"),
    "stocks without purchases": (
        UNIT_OF_COAL,
        f"{UNIT_OF_COAL}\nopening = 5.0",
        "quantity.coal",
        "belong to 'purchased'",
    ),
    "hours without a rate": (
        UNIT_OF_COAL,
        f"{UNIT_OF_COAL}\nhours = 5.0",
        "quantity.coal",
        "belong together",
    ),
    "an empty source": ('source = "log book"', 'source = " "', "case.source", "whose figures"),
    "a period of nothing": ("period_h = 24.0", "period_h = 0.0", "case.period_h", "cover some time"),
    "a date that is none": ("period_h = 24.0", 'date = "last year"', "case.date", "is no year or date"),
    "a misspelt process": (
        'product = "grey clinker"',
        'process = "clinker_kil"',
        "case.process",
        "mean 'clinker_kiln'",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_case_is_refused_with_place_and_remedy(what: str, read: Read) -> None:
    """The line is that of the key; nothing is guessed."""
    old, new, key, words = SPOILT[what]
    assert old in KILN
    text = KILN.replace(old, new, 1)
    with pytest.raises(ConfigError) as refused:
        take_inventory(read(text))
    assert refused.value.key == key
    assert words in str(refused.value)
    assert 1 <= refused.value.line <= len(text.splitlines())


ADDED = {
    "an expected name that is none": (
        "[expect]\nco2_feul_kg = 1.0\n",
        "expect.co2_feul_kg",
        "mean 'co2_fuel_kg'",
    ),
    "an expected unit that does not convert": (
        '[expect]\nco2_fuel_kg = { value = 1.0, unit = "MWh" }\n',
        "expect.co2_fuel_kg",
        "does not convert",
    ),
    "a factor of the catalogue redefined": (
        '[factor."cement.calc_default"]\nvalue = 0.5\nunit = "tCO2/t"\nsource = "x"\n',
        "factor.cement.calc_default",
        "id of the catalogue",
    ),
    "a factor role without a process": (
        '[factors]\ngrid = "grid.cn.national.2023"\n',
        "factors.grid",
        "no such factor role",
    ),
    "a parameter without a process": ("[parameters]\nyield = 0.9\n", "parameters.yield", "no such parameter"),
    "a parameter without a source": (
        '[parameter.x]\ndefault = 1.0\nunit = "1"\nsource = ""\n',
        "parameter.x",
        "source",
    ),
    "a boundary of nothing": ('[boundary]\nco2_kg = "gate to gate"\n', "boundary.co2_kg", "no metric"),
    "a condition that is none": (
        "[conditions]\naltitude = 3.0\n",
        "conditions.altitude",
        "mean 'altitude_m'",
    ),
    "a condition out of range": (
        "[conditions]\naltitude_m = 90000.0\n",
        "conditions.altitude_m",
        "is not in",
    ),
    "an allocation to nobody": (
        '[allocation.a]\nto = "c"\nsource = "x"\namounts = { a = 1.0, b = 2.0 }\n',
        "allocation.a.to",
        "none of the amounts",
    ),
    "half of the weights": (
        '[allocation.a]\nto = "a"\nsource = "x"\namounts = { a = 1.0, b = 2.0 }\nweights = { a = 1.0 }\n',
        "allocation.a.weights",
        "has none for b",
    ),
    "nothing to share by": (
        '[allocation.a]\nto = "a"\nsource = "x"\namounts = { a = 0.0 }\n',
        "allocation.a",
        "nothing to share",
    ),
    "a grade of nothing": ('[grade.g]\nladder = "gb16780.cement"\n', "grade.g", "needs either 'value'"),
    "a baseline of unequal columns": (
        '[baseline.b]\nunit = "t"\nintercept = 1.0\nslope = 1.0\nsource = "x"\nenergy = [1.0]\ndriver = []\n',
        "baseline.b",
        "equally long",
    ),
}


@pytest.mark.parametrize("what", ADDED)
def test_a_table_that_does_not_fit_is_refused(what: str, read: Read) -> None:
    """As above, for what is added to a case that is right."""
    text, key, words = ADDED[what]
    with pytest.raises(ConfigError) as refused:
        take_inventory(read(f"{KILN}\n{text}"))
    assert refused.value.key == key
    assert words in str(refused.value)


@pytest.mark.parametrize("table", ["case", "quantity", "factor", "expect", "grade", "baseline", "allocation"])
@pytest.mark.parametrize("value", ["5", '"text"', "[1, 2]", "{ a = 3 }"])
def test_a_table_that_is_no_table_is_refused(table: str, value: str, read: Read) -> None:
    """Never a traceback, whatever stands there."""
    others = [part for part in KILN.split("\n[") if not part.startswith((table, "case]"))]
    head = "" if table == "case" else "\n[case]\ntitle = 'x'\nsource = 'y'\n"
    text = f"{table} = {value}\n{head}" + "".join(f"\n[{part}" for part in others if part.strip())
    with pytest.raises(ConfigError):
        take_inventory(read(text))


def test_percent_where_a_fraction_is_meant_is_refused(read: Read) -> None:
    """25 tC/t is no carbon content; 0.25 is."""
    burnt = '"combustion", use = { ncv = "coal_ncv", ef = "fuel.other_bituminous_coal.ef" }'
    coke = KILN.replace(burnt, '"carbon_in", use = { carbon = "coal_ncv" }')
    with pytest.raises(ConfigError, match=r"a fraction is meant here; write 0\.25"):
        take_inventory(read(coke.replace('unit = "GJ/t"', 'unit = "tC/t"')))


def test_a_process_is_not_accounted_without_what_it_needs(read: Read) -> None:
    """A quantity that is left out is not zero."""
    text = f'{HEAD}process = "clinker_kiln"\n\n[quantity.coal]\namount = 1.0\nunit = "t"\n'
    with pytest.raises(
        ConfigError, match=r"is missing: 'clinker_kiln' needs it .*write amount = 0\.0"
    ) as refused:
        take_inventory(read(text))
    assert refused.value.key.startswith("quantity.")


def test_a_state_of_a_process_has_no_amount(read: Read) -> None:
    """A heat number cannot be accounted; the streams can."""
    text = f'{HEAD}process = "ladle_furnace"\n\n[quantity.heat_number]\namount = 1.0\nunit = "1"\n'
    with pytest.raises(ConfigError, match="it has no amount"):
        take_inventory(read(text))


def test_no_product_gives_totals_and_no_intensity(account: Account) -> None:
    """The kiln stood: its CO2 is known, per tonne it is nothing."""
    idle = account(KILN.replace("amount = 2000.0", "amount = 0.0"))
    metric = idle.metrics["co2_total_kg_per_t"]
    assert metric.value is None
    assert metric.uncertainty is None
    assert metric.why == "the product is 0 t: there is nothing to divide by"
    assert idle.totals["co2_fuel_kg"].value == pytest.approx(300.0 * 25.0 * 94.6)
    assert idle.metrics["co2_total_kg"].value == pytest.approx(709500.0 + 31836.0)


def test_a_case_without_a_product_says_how_to_name_one(account: Account) -> None:
    """A free case has no product until a quantity is one."""
    without = KILN.replace('{ method = "product" }, ', "")
    assert "give one the method 'product'" in account(without).metrics["co2_total_kg_per_t"].why


def test_what_is_stated_by_place_only_has_no_market_figure(account: Account) -> None:
    """Otherwise the market-based total would silently lack the electricity."""
    bought = 'method = "electricity", use = { ef = "grid.cn.national.2023" }'
    stated = KILN.replace(bought, 'output = "co2_electricity_kg"')
    found = account(stated.replace('unit = "MWh"', 'unit = "tCO2"'))
    assert found.metrics["co2_scope2_kg_per_t"].value == pytest.approx(30.0)
    assert found.metrics["co2_total_market_kg_per_t"].value is None
    assert "by place only" in found.metrics["co2_total_market_kg_per_t"].why
    assert "co2_total_market_kg" not in found.totals


def test_what_may_be_doubted_is_said(account: Account) -> None:
    """A factor that was recollected, and amounts without an uncertainty."""
    unsure = KILN.replace("uncertainty_percent = 2.0\n", "").replace(
        "grid.cn.national.2023", "grid.cn.fossil.2021"
    )
    warnings = " ".join(account(unsure).warnings)
    assert "grid.cn.fossil.2021" in warnings
    assert "no uncertainty is stated for coal" in warnings
