"""Profiles, processes and factors that contradict themselves are refused where they do."""

from pathlib import Path

import pytest

from greenhearth.factors import load_factors, same_unit
from greenhearth.processes import load_process
from greenhearth.profiles import load_profile
from greenhearth.strict import ConfigError

HEAD = '[profile]\nid = "meters/m"\nmaker = "x"\nmodel = "y"\nsource = "z"\nmax_registers = 20\n'
POINT = '[point.{name}]\naddress = 10\ntype = "{type}"\nsource = "page 1"\n{more}\n'


def profile_error(folder: Path, text: str) -> ConfigError:
    path = folder / "meters" / "m.toml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_profile(path)
    return caught.value


@pytest.mark.parametrize(
    ("name", "kind", "more", "key", "says"),
    [
        ("a_kw", "float32", 'unit = "kw"', "unit", "unknown unit 'kw'; did you mean 'kW'?"),
        ("a", "float32", 'unit = "kW"', "unit", "must end in '_kw'"),
        ("a", "float32", 'order = "AB"', "order", "AB orders 2 bytes, float32 has 4"),
        ("a", "uint64", 'order = "ABCD"', "order", "ABCD orders 4 bytes, uint64 has 8"),
        ("a", "string", 'kind = "text"', "length", "needs 'length'"),
        ("a", "uint16", "length = 2", "length", "nothing else, needs 'length'"),
        ("a", "string", "length = 2", "kind", "a string is 'text'"),
        ("a", "bit", "", "bit", "needs 'bit' from 0 to 15"),
        ("a", "uint16", "bit = 3", "type", "go with type 'bit'"),
        ("a", "uint16", 'table = "coil"', "type", "go with type 'bit'"),
        ("a", "uint16", "sentinels = [65536]", "sentinels", "no unsigned integer of the 16 bits"),
        ("a", "int16", "sentinels = [-1]", "sentinels", "no unsigned integer of the 16 bits"),
        ("a", "uint16", "count = 65530", "address", "leave 0..65535"),
        ("a", "uint16", "count = 0", "count", "must be 1 or more"),
        ("a", "string", 'length = 21\nkind = "text"', "type", "do not fit the 20 of one request"),
        ("a", "uint16", "scale = 0", "scale", "0 would make every value 0"),
        ("a", "uint16", "low = 5.0\nhigh = 5.0", "low", "below 'high'"),
        ("a", "uint16", "accuracy_percent = -1", "accuracy_percent", "cannot be negative"),
        ("a", "uint32", 'kind = "counter"', "unit", "a counter needs a unit"),
        ("a_kwh", "uint32", 'unit = "kWh"\nkind = "rate"', "kind", "kWh is not a rate"),
        ("a_v", "uint16", 'unit = "V"\nkind = "state"', "unit", "a state has no unit"),
        ("a", "uint16", 'phases = ["on"]', "phases", "only a state has phases"),
        ("a", "uint16", "modulus = 9.0", "modulus", "only a counter"),
    ],
)
def test_a_point_that_contradicts_itself_is_refused(
    tmp_path: Path, name: str, kind: str, more: str, key: str, says: str
) -> None:
    error = profile_error(tmp_path, HEAD + POINT.format(name=name, type=kind, more=more))
    assert error.key == f"point.{name}.{key}"
    assert says in str(error)
    assert error.line >= 7


def test_two_values_in_the_same_registers_are_refused(tmp_path: Path) -> None:
    text = HEAD + POINT.format(name="wide", type="uint32", more="")
    text += POINT.format(name="late", type="uint16", more="").replace("address = 10", "address = 11")
    error = profile_error(tmp_path, text)
    assert (error.line, error.key) == (13, "point.late.address")
    assert "register 11 already belongs to 'wide'" in error.why


def test_bits_may_share_a_register(tmp_path: Path) -> None:
    path = tmp_path / "meters" / "m.toml"
    path.parent.mkdir()
    bits = [POINT.format(name=f"b{n}", type="bit", more=f"bit = {n}") for n in range(3)]
    path.write_text(HEAD + "".join(bits) + POINT.format(name="word", type="uint16", more=""))
    assert list(load_profile(path).points) == ["b0", "b1", "b2", "word"]


def test_a_point_in_a_range_that_must_not_be_read_is_refused(tmp_path: Path) -> None:
    text = HEAD + "no_read = [[8, 10]]\n" + POINT.format(name="a", type="uint16", more="")
    assert profile_error(tmp_path, text).why == "lies in a range of no_read"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "meters/m"', 'id = "meters/n"', "must be 'meters/m'"),
        ("max_registers = 20", "max_registers = 126", "1 to 125"),
        ("max_registers = 20", "timeout_ms = 0", "timeout_ms is above 0"),
        ("max_registers = 20", "max_register = 20", "did you mean 'max_registers'"),
    ],
)
def test_a_wrong_head_of_a_profile_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = HEAD.replace(old, new) + POINT.format(name="a", type="uint16", more="")
    assert says in str(profile_error(tmp_path, text))


PROCESS = """[process]
id = "p"
title = "P"
sector = "s"
product = "thing"
source = "this test"
batch_role = "number"
[role.number]
kind = "state"
meaning = "batch"
[role.work]
kind = "counter"
unit = "kWh"
meaning = "electricity"
flows = [
  { output = "electricity_kwh" },
  { output = "product_t", parameters = ["yield"] },
]
[role.power]
kind = "rate"
unit = "kW"
meaning = "power"
checks = "work"
[parameters.yield]
default = 0.9
unit = "t/t"
source = "this test"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('batch_role = "number"', 'batch_role = "numbr"', 7, "no role 'numbr'; did you mean 'number'"),
        ('batch_role = "number"', 'batch_role = "work"', 7, "is not a state"),
        ('unit = "kWh"', 'unit = "kwh"', 13, "did you mean 'kWh'"),
        ('output = "electricity_kwh"', 'output = "electricty_kwh"', 16, "did you mean 'electricity_kwh'"),
        ('parameters = ["yield"]', 'parameters = ["yeld"]', 17, "no parameter 'yeld'; did you mean 'yield'"),
        ('checks = "work"', 'checks = "wrk"', 23, "did you mean 'work'"),
        ('unit = "kW"\n', 'unit = "t/h"\n', 23, "does not add up to 'kWh'"),
        ('kind = "counter"', 'kind = "gauge"', 15, "a gauge has no increments"),
        ('id = "p"', 'id = "q"', 2, "must be 'p'"),
        ('unit = "t/t"\nsource = "this test"', 'unit = "t/t"\nsource = ""', 24, "needs a unit and a source"),
    ],
)
def test_a_wrong_process_is_refused_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in PROCESS
    path = tmp_path / "p.toml"
    path.write_text(PROCESS.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_process(path)
    assert says in str(caught.value)
    assert caught.value.line == line


FACTOR = '[factor."a.b"]\nvalue = 1.0\nunit = "kg/kg"\nsource = "{source}"\nvalid_from = "2024"\n'


def test_a_factor_given_twice_is_refused_and_the_first_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(FACTOR.format(source="x"))
    (tmp_path / "two.toml").write_text("\n" + FACTOR.format(source="x"))
    with pytest.raises(ConfigError, match=r"two\.toml:2: factor\.a\.b: is already in one\.toml"):
        load_factors(tmp_path)


def test_a_factor_without_a_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(FACTOR.format(source=""))
    with pytest.raises(ConfigError, match="needs a unit, a source"):
        load_factors(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("kgCO2/kWh", "tCO2e/MWh", True),
        ("tCO2/TJ(NCV)", "tCO2/TJ", True),
        ("TJ/Gg (=GJ/t)", "GJ/t", True),
        ("GJ/t", "MJ/Nm3", False),
        ("kgCO2/kWh", "tCO2/TJ", False),
        ("tCO2/t", "tCO2/kNm3", False),
    ],
)
def test_a_factor_may_stand_for_another_only_in_the_same_unit(one: str, other: str, same: bool) -> None:
    assert same_unit(one, other) is same
