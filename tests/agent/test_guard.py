"""Nothing but reads leaves, nothing but the answer to the open request comes in."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greenhearth.quality import Quality
from greenhearth_agent.buses.guard import (
    Expected,
    ForbiddenFunctionError,
    Framing,
    Request,
    crc16,
    data_bytes,
    egress,
    inspect,
    sync_probe,
)

REQUEST = Request(unit=3, function=4, address=100, count=4)
DATA = bytes(range(1, 9))


def mbap(tid: int = 7, body: bytes = b"\x03\x04\x08" + DATA) -> bytes:
    return tid.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def rtu(body: bytes = b"\x03\x04\x08" + DATA) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


TCP = Expected(REQUEST, Framing.MBAP, tid=7)
SERIAL = Expected(REQUEST, Framing.RTU)


@pytest.mark.parametrize("function", range(256))
def test_only_the_four_reads_may_leave(function: int) -> None:
    packets = {
        Framing.MBAP: b"\0\1\0\0\0\6\1" + bytes([function]) + b"\0\0\0\1",
        Framing.RTU: bytes([1, function]) + b"\0\0\0\1\0\0",
    }
    for framing, packet in packets.items():
        if function in (1, 2, 3, 4):
            assert egress(packet, framing) == packet
        else:
            with pytest.raises(ForbiddenFunctionError):
                egress(packet, framing)


@pytest.mark.parametrize("framing", Framing)
def test_a_packet_without_a_function_may_not_leave(framing: Framing) -> None:
    with pytest.raises(ForbiddenFunctionError):
        egress(b"\1", framing)


def test_crc_of_a_published_frame() -> None:
    # Modbus over serial line V1.02 gives the CRC of 02 07 as 41 12 on the wire
    assert crc16(bytes.fromhex("0207")).to_bytes(2, "little") == bytes.fromhex("4112")


def test_the_true_answer_is_good_in_both_framings() -> None:
    for expected, frame in ((TCP, mbap()), (SERIAL, rtu())):
        verdict = inspect(expected, frame)
        assert (verdict.done, verdict.quality, verdict.data) == (True, Quality.GOOD, DATA)


@pytest.mark.parametrize("cut", range(19))
def test_an_answer_that_is_not_complete_is_waited_for(cut: int) -> None:
    if cut < len(mbap()):
        assert not inspect(TCP, mbap()[:cut]).done
    if cut < len(rtu()):
        assert not inspect(SERIAL, rtu()[:cut]).done


@pytest.mark.parametrize(
    "frame",
    [
        mbap(tid=8), mbap(tid=0), mbap(body=b"\x04\x04\x08" + DATA), mbap(body=b"\x03\x03\x08" + DATA),
        mbap(body=b"\x03\x04\x04" + DATA[:4]), mbap(body=b"\x03\x04\x06" + DATA),
        mbap(body=b"\x03\x04\x0a" + DATA + b"\0\0"), mbap() + mbap(), mbap() + b"\0",
        b"\0\7\0\1" + mbap()[4:], b"\0\7\0\0\xff\xff" + mbap()[6:], b"\0\7\0\0\0\1\3",
        mbap(body=b"\x03\x83\x02"), mbap(body=b"\x03\x84\x00"),
    ],
)  # fmt: skip
def test_a_false_tcp_answer_is_malformed(frame: bytes) -> None:
    assert inspect(TCP, frame).quality == Quality.MALFORMED


def test_transaction_id_zero_counts_only_where_the_profile_says_so() -> None:
    assert inspect(TCP, mbap(tid=0)).quality == Quality.MALFORMED
    assert inspect(TCP._replace(tid_zero=True), mbap(tid=0)).quality == Quality.GOOD
    assert inspect(TCP._replace(tid_zero=True), mbap(tid=8)).quality == Quality.MALFORMED


@pytest.mark.parametrize(
    "frame",
    [
        rtu(b"\x04\x04\x08" + DATA), rtu(b"\x03\x03\x08" + DATA), rtu(b"\x03\x04\x04" + DATA[:4]),
        rtu(b"\x03\x04\x0a" + DATA + b"\0\0"), rtu() + b"\0", b"\0" + rtu(), rtu(b"\x03\x83\x02"),
    ],
)  # fmt: skip
def test_a_false_serial_answer_is_malformed(frame: bytes) -> None:
    assert inspect(SERIAL, frame).quality == Quality.MALFORMED


@given(st.integers(3, 12), st.integers(0, 7))
def test_a_flipped_bit_on_the_line_is_a_crc_fault(at: int, bit: int) -> None:
    frame = bytearray(rtu())
    frame[at] ^= 1 << bit
    assert inspect(SERIAL, bytes(frame)).quality == Quality.CRC


@pytest.mark.parametrize(("code", "name"), [(2, 162), (6, Quality.BUSY), (11, 171)])
def test_an_exception_has_its_own_quality(code: int, name: int) -> None:
    body = bytes([3, 0x84, code])
    assert inspect(TCP, mbap(body=body)).quality == name
    assert inspect(SERIAL, rtu(body)).quality == name


@given(st.binary(max_size=300), st.sampled_from([TCP, SERIAL]))
def test_noise_never_becomes_data(noise: bytes, expected: Expected) -> None:
    assume(noise not in (mbap(), rtu()))
    verdict = inspect(expected, noise)
    if verdict.done and verdict.quality == Quality.GOOD:
        # Only a frame with the right header, length and (on a line) CRC may pass.
        assert len(noise) == len(mbap() if expected is TCP else rtu())


@given(st.integers(1, 4), st.integers(1, 125), st.lists(st.integers(1, 125), max_size=3))
def test_a_probe_cannot_be_taken_for_what_is_under_way(function: int, count: int, before: list[int]) -> None:
    request = Request(1, function, 10, count)
    lengths = {data_bytes(request), *(data_bytes(Request(1, function, 10, c)) for c in before)}
    probe = sync_probe(request, lengths)
    assert data_bytes(probe) not in lengths
    assert (probe.unit, probe.function, probe.address) == (1, function, 10)
    assert probe.count >= 1
