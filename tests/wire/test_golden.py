"""The golden files of the wire: what they say, byte for byte, and what is refused.

Agent and gateway both speak through `greenhearth.wire`; a file that changes here is a change
of the contract with every agent in the field.
"""

import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth import wire
from greenhearth.factor_sets import FactorInfo

GOLDEN = Path(__file__).parent / "golden"
T = 1_767_225_600_000_000_000
AT = "greenhearth/1/works/edge-1/"

BIRTH = wire.Birth(
    epoch=1_767_225_600_123, seq=1, t_ns=T, site="works", agent="edge-1", software="greenhearth 0.1.0",
    series=[
        wire.SeriesInfo("furnace.active_power_kw", "kW", "eaf", "furnace"),
        wire.SeriesInfo("eaf.bath_temperature_c", "degC", "eaf", stale_after_s=60.0),
    ],
    lines=[
        wire.LineInfo(
            "furnace", "Ofen 1 – Lichtbogen", "eaf_scrap", "liquid_steel", "fs-0123456789ab",
            {"energy_kwh_per_t": "furnace gate to tap"}, "heat", ["idle", "melt"],
        ),
        wire.LineInfo("kiln", "Kiln", "clinker_kiln", "clinker", "fs-ba9876543210"),
    ],
    windows=["batch", "15min"], metrics=["product_t", "energy_kwh_per_t"], metric_units=["t", "kWh/t"],
)  # fmt: skip

RECORD = wire.Record(
    epoch=1_767_225_600_123, seq=2, t_ns=T + 1_000_000_007, birth=1,
    blocks=[
        wire.Block(d=12_345_678, i=0, x=[61_250.5, None], q=[0, 131]),
        wire.Block(d=-5, i=1, x=[0.1]),
    ],
    results=[
        wire.WindowResult(l=0, w=0, v=1, c=0.9975, x=[96.4, 441.0], u=[0.9, 5.25], b="4711", p=1),
        wire.WindowResult(l=1, w=1, v=5, c=0.0, x=[None, None], u=[None, None]),
    ],
)  # fmt: skip

EVENT = wire.Event(
    epoch=1_767_225_600_123, seq=3, t_ns=T + 2_000_000_000, what="batch_finished", subject="furnace",
    window="batch", batch="4711", start_ns=T, end_ns=T + 2_000_000_000, validity=0, coverage=1.0,
    metrics={
        "energy_kwh_per_t": wire.MetricValue(441.25, "kWh/t", 5.2),
        "co2_pfc_kg_per_t": wire.MetricValue(None, "kg CO2e/t", None),
    },
    factor_set="fs-0123456789ab", detail="",
)  # fmt: skip

FACTOR = FactorInfo(0.5306, "kgCO2/kWh", "2023", "announcement", roles=["grid"])
TWIN = wire.TwinInfo(
    "The same steel", "eaf_near_zero", "Near-zero electric steelmaking", "typical, 440 kWh/t", "same scrap",
    "fs-00112233aabb", {"grid.cn.national.2023": FACTOR},
)  # fmt: skip
TWIN_BIRTH = msgspec.structs.replace(
    BIRTH, lines=[msgspec.structs.replace(BIRTH.lines[0], twins={"eaf_scrap__eaf_near_zero": TWIN})]
)
TWIN_EVENT = msgspec.structs.replace(
    EVENT, seq=4, what="twin", factor_set="fs-00112233aabb", detail="eaf_scrap__eaf_near_zero",
    metrics={"co2_total_kg_per_t": wire.MetricValue(241.437, "kg CO2e/t", 24.8)},
)  # fmt: skip

HEALTH = wire.Health(
    v=1, agent="edge-1", epoch=1_767_225_600_123, t_ns=T,
    measured=1234, waiting=5, dropped=0, readings=98_765, oldest_waiting_ns=T - 5, hours_left=71.5,
    devices=[
        wire.DeviceHealth("eaf", "furnace_plc", "degraded", T, 600, {"TIMEOUT": 2, "EXCEPTION_2": 1}, 1.75)
    ],
    buses=[wire.BusHealth("furnace_plc", "tcp://127.0.0.1:5020", 0.012, 0.0135, 1.0, 3)],
    balances={"furnace.active_power_kw": -0.000125},
    problems=["Bus 'furnace_plc': the meter 'eaf' does not answer. Check its cable."],
)  # fmt: skip

MESSAGES = {
    "frame_birth": wire.Frame(1, "edge-1", "live", [BIRTH], [1_601_658_075]),
    "frame_records": wire.Frame(1, "edge-1", "backlog", [RECORD], [2_949_285_840]),
    "frame_events": wire.Frame(1, "edge-1", "live", [EVENT], [2_260_876_183]),
    "frame_mixed": wire.Frame(
        1, "edge-1", "live", [BIRTH, RECORD, EVENT], [967_609_861, 2_949_285_840, 3_449_030_971]
    ),
    "frame_twin": wire.Frame(1, "edge-1", "live", [TWIN_BIRTH, TWIN_EVENT], [3_766_637_475, 4_227_133_932]),
    "frame_without_checksums": wire.Frame(1, "edge-1", "backlog", [RECORD]),
    "health": msgspec.structs.replace(HEALTH, check=1_104_302_920),
    "status_online": wire.Status(1, "edge-1", True, 1_767_225_600_123, 912_103_703),
    "status_offline": wire.Status(1, "edge-1", False, 1_767_225_600_123, 4_083_331_304),
    "ack": wire.Ack(1, 1_767_225_600_123, 41, check=494_415_302),
    "ack_with_ranges": wire.Ack(1, 1_767_225_600_123, 41, [(43, 43), (50, 99)], 3_577_974_605),
    "ack_without_checksum": wire.Ack(1, 1_767_225_600_123, 41),
}
ITEMS = {"birth": BIRTH, "record": RECORD, "event": EVENT}
DECODERS = {
    wire.Frame: wire.decode_frame,
    wire.Health: wire.decode_health,
    wire.Status: wire.decode_status,
    wire.Ack: wire.decode_ack,
}


def golden(name):
    return (GOLDEN / f"{name}.json").read_bytes()


def test_every_golden_file_is_used_and_every_message_has_one():
    assert {path.stem for path in GOLDEN.glob("*.json")} == MESSAGES.keys() | ITEMS.keys()


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_as_it_should_and_is_written_byte_for_byte(name):
    message = MESSAGES[name]
    assert DECODERS[type(message)](golden(name)) == message
    assert wire.encode(message) == golden(name)


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_reads_as_it_should_and_is_written_byte_for_byte(name):
    assert msgspec.json.decode(golden(name), type=wire.Item) == ITEMS[name]
    assert wire.encode(ITEMS[name]) == golden(name)


def test_a_frame_is_its_items_in_a_plain_wrapper():
    """So that either side may keep items as bytes and wrap them without reading them."""
    items = [golden(name) for name in ITEMS]
    wrapped = b'{"v":1,"agent":"edge-1","lane":"live","items":[' + b",".join(items) + b'],"crcs":['
    assert golden("frame_mixed").startswith(wrapped)
    assert wire.frame_payload(AT + "records", "edge-1", "live", items) == golden("frame_mixed")


def test_the_checksum_of_an_item_is_its_crc_32_begun_with_the_topic():
    begun = zlib.crc32(b"greenhearth/1/works/edge-1/events")
    assert MESSAGES["frame_events"].crcs == [zlib.crc32(golden("event"), begun)]


@pytest.mark.parametrize("name", ["ack", "ack_with_ranges", "health", "status_online", "status_offline"])
def test_the_checksum_of_a_message_is_its_last_key_and_that_of_the_rest(name):
    topic = AT + name.partition("_")[0]
    body = golden(name).rpartition(b',"check":')[0] + b"}"
    assert MESSAGES[name].check == zlib.crc32(body, zlib.crc32(topic.encode()))
    bare = msgspec.structs.replace(MESSAGES[name], check=0)
    assert wire.encode_checked(topic, bare) == golden(name)


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("frame_records", b'"v":1', b'"v":2', "version 2 is not 1"),
        ("frame_records", b'"v":1', b'"v":true', "Expected `int`"),
        ("frame_records", b'"lane":"backlog"', b'"lane":"express"', "Invalid enum value 'express'"),
        ("frame_records", b'"kind":"record"', b'"kind":"recipe"', "Invalid value 'recipe'"),
        ("frame_records", b'"kind":"record",', b"", "missing required field `kind`"),
        ("frame_records", b'"birth":1,', b"", "missing required field `birth`"),
        ("frame_records", b'"seq":2', b'"seq":2.5', "Expected `int`, got `float`"),
        ("frame_records", b'"seq":2', b'"seq":"2"', "Expected `int`, got `str`"),
        ("frame_records", b'"seq":2', b'"seq":2,"extra":0', "unknown field `extra`"),
        ("frame_records", b"61250.5", b"NaN", "malformed"),
        ("frame_records", b"61250.5", b"1e999", "out of range"),
        ("frame_records", b"61250.5", b'"61250.5"', "Expected `float | null`"),
        ("frame_events", b'"value":441.25', b'"value":[]', "Expected `float | null`"),
        ("frame_birth", b'"windows":["batch"', b'"windows":[7', "Expected `str`, got `int`"),
        ("health", b'"waiting":5', b'"waiting":null', "Expected `int`"),
        ("status_online", b'"online":true', b'"online":1', "Expected `bool`"),
        ("ack", b'"upto":41', b'"upto":41,"sig":1', "unknown field `sig`"),
        ("ack_with_ranges", b"[43,43]", b"[43]", "Expected `array` of length 2"),
    ],
)
def test_what_is_not_the_contract_is_refused_with_the_place(name, old, new, why):
    payload = golden(name)
    assert payload.count(old) >= 1
    with pytest.raises(ValueError, match=r".") as caught:
        DECODERS[type(MESSAGES[name])](payload.replace(old, new, 1))
    assert why in str(caught.value)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_cut_of_a_message_is_refused(name):
    payload = golden(name)
    for length in range(0, len(payload), 7):
        with pytest.raises(ValueError, match=r"truncated|malformed"):
            DECODERS[type(MESSAGES[name])](payload[:length])


def test_a_payload_over_the_limit_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="is over 1048576"):
        wire.decode_frame(golden("frame_records") + b" " * wire.MAX_FRAME_BYTES)


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_values_read_back_bit_for_bit(values):
    block = wire.Block(0, 0, values)
    again = msgspec.json.decode(wire.encode(block), type=wire.Block)
    assert [v.hex() if v is not None else None for v in again.x] == [
        v.hex() if v is not None else None for v in values
    ]


@pytest.mark.parametrize("text", ["", "greenhearth", "greenhearth/2/s/a/ack", "greenhearth/1/s/a/ack/more"])
def test_a_topic_of_another_version_or_shape_is_refused(text):
    with pytest.raises(ValueError, match="is not greenhearth/1/site/agent/leaf"):
        wire.split_topic(text)


def test_topics_split_as_they_were_joined():
    assert wire.split_topic(wire.topic("works", "edge-1", "records")) == ("works", "edge-1", "records")
    assert [wire.leaf_of(item) for item in (BIRTH, RECORD, EVENT)] == ["birth", "records", "events"]
