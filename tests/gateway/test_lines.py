"""Line protocol: what the journal holds, field by field, with escapes that cannot break a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth import wire
from greenhearth_gateway.intake import Source
from greenhearth_gateway.store.lines import event_lines, record_lines
from greenhearth_gateway.store.names import tag, text

SOURCE = Source("works", "edge")


def test_a_record_is_one_line_per_device_and_response_time_and_one_per_result(agent, make):
    birth, record = agent.birth(), agent.record()
    lines = [line.decode() for line in record_lines(SOURCE, record, birth).lines]
    t = record.t_ns
    assert lines == [
        f"readings,site=works,agent=edge,device=eaf furnace.active_power_kw={50_000 + 2 / 3!r},"
        f"furnace.active_energy_kwh=2.0 {t + 1_000_000}",
        f"readings,site=works,agent=edge,device=feeder kiln.coal_t={2 / 7!r},q_kiln.coal_t=64i"
        f" {t + 2_500_000}",
        'intensity,site=works,agent=edge,line=furnace,window=batch validity=0i,coverage=1.0,batch="4711",'
        f"phase=1i,energy_kwh_per_t=400.0,u_energy_kwh_per_t=2.5 {t}",
        f"intensity,site=works,agent=edge,line=kiln,window=15min validity=3i,coverage=0.5 {t}",
    ]


def test_a_reading_without_a_value_has_only_its_quality(agent):
    birth = agent.birth()
    agent.seq = 4
    lines = record_lines(SOURCE, agent.record(), birth).lines
    assert b"device=feeder q_kiln.coal_t=128i " in lines[1]


def test_a_good_reading_has_no_quality_field(agent):
    birth, record = agent.birth(), agent.record()
    record.blocks[1] = wire.Block(0, 2, [1.0], [0])
    assert b"q_" not in b"".join(record_lines(SOURCE, record, birth).lines)


def test_blocks_of_one_device_at_one_time_share_a_line(agent):
    birth, record = agent.birth(), agent.record()
    record.blocks = [wire.Block(5, 0, [1.0]), wire.Block(5, 1, [2.0]), wire.Block(6, 1, [3.0])]
    lines = record_lines(SOURCE, record, birth).lines
    assert lines[0].endswith(
        b"furnace.active_power_kw=1.0,furnace.active_energy_kwh=2.0 %d" % (record.t_ns + 5)
    )
    assert lines[1].endswith(b"furnace.active_energy_kwh=3.0 %d" % (record.t_ns + 6))


def test_a_finished_batch_is_a_line_at_its_end_and_other_events_are_text(agent, make):
    agent.birth()
    (line,) = event_lines(SOURCE, agent.finished()).lines
    assert line.decode() == (
        f"finished,site=works,agent=edge,line=furnace,window=batch validity=0i,coverage=1.0,start={make.T0}i,"
        f'batch="4711",energy_kwh_per_t=401.25,u_energy_kwh_per_t=3.0 {make.T0 + 2_000_000_000}'
    )
    down = wire.Event(7, 9, make.T0, "device_down", "eaf", detail='no "answer"')
    (line,) = event_lines(SOURCE, down).lines
    assert line.decode() == (
        "events,site=works,agent=edge,subject=eaf,kind=device_down "
        'what="device_down",detail="no \\"answer\\"",seq=9i '
        f"{make.T0 + 9}"
    )


@given(st.text())
def test_no_text_can_break_out_of_its_place(hostile):
    quoted, tagged = text(hostile), tag(hostile)
    assert "\n" not in quoted + tagged
    inside = quoted[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside
    assert "\\" not in inside
    plain = tagged.replace("\\,", "").replace("\\=", "").replace("\\ ", "")
    assert not set(plain) & set(",= \\")


@pytest.mark.parametrize("value", [0.1, 1e-300, 1e300, -0.0, 5e-324, 123456789.123456789])
def test_numbers_are_written_so_that_they_read_back_bit_for_bit(agent, value):
    birth, record = agent.birth(), agent.record()
    record.blocks = [wire.Block(0, 0, [value])]
    field = record_lines(SOURCE, record, birth).lines[0].split(b" ")[1].split(b"=")[1]
    assert float(field).hex() == value.hex()
