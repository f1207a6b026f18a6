"""The bus against raw devices on real sockets and terminals that answer late, short and false."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from greenhearth.clock import Clock, Stamper
from greenhearth.quality import Quality
from greenhearth.site import Bus
from greenhearth_agent.buses.driver import Reply
from greenhearth_agent.buses.guard import ForbiddenFunctionError, Request
from greenhearth_agent.buses.modbus import ModbusBus
from greenhearth_agent.buses.serial_port import port_fault

from .conftest import Answer, mbap_frame, pty_device, rtu_frame, tcp_device

TIMEOUT_S = 0.12


def registers(request: bytes, at: int) -> bytes:
    """The true answer of a device whose register n holds n; `at` is where the unit stands."""
    unit, function = request[at], request[at + 1]
    address, count = (
        int.from_bytes(request[at + 2 : at + 4], "big"),
        int.from_bytes(request[at + 4 : at + 6], "big"),
    )
    data = b"".join((address + k).to_bytes(2, "big") for k in range(count))
    return bytes([unit, function, len(data)]) + data


def true_tcp(request: bytes) -> bytes:
    return mbap_frame(int.from_bytes(request[:2], "big"), registers(request, 6))


def true_rtu(request: bytes) -> bytes:
    return rtu_frame(registers(request, 0))


def make_bus(kind: str, port: int = 0, device: str = "") -> ModbusBus:
    bus = Bus(kind=kind, host="127.0.0.1", port=port, device=device)  # type: ignore[arg-type]
    return ModbusBus("b", bus, Stamper(Clock.real()).stamp)


async def read(bus: ModbusBus, address: int, count: int = 4, unit: int = 1, function: int = 3) -> Reply:
    if not bus.connected:
        assert await bus.connect() == ""
    return await bus.read(Request(unit, function, address, count), TIMEOUT_S)


def words(reply: Reply) -> list[int] | None:
    return None if reply.words is None else reply.words.tolist()


def test_registers_bits_and_functions_arrive_as_asked() -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0, true_tcp(r))]) as (port, heard):
            bus = make_bus("tcp", port)
            before = bus.stamp()
            reply = await read(bus, 100, 3, unit=9, function=4)
            assert (reply.quality, words(reply)) == (Quality.GOOD, [100, 101, 102])
            assert before < reply.t_ns < bus.stamp()
            assert heard[0][6:] == bytes([9, 4, 0, 100, 0, 3])
            bus.close()

    asyncio.run(work())


def test_bits_become_one_word_each() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0, mbap_frame(int.from_bytes(request[:2], "big"), bytes([1, 1, 2, 0b10000101, 0b00000010])))]

    async def work() -> None:
        async with tcp_device(answer) as (port, _):
            bus = make_bus("tcp", port)
            assert words(await read(bus, 0, 10, function=1)) == [1, 0, 1, 0, 0, 0, 0, 1, 0, 1]
            bus.close()

    asyncio.run(work())


def test_the_reply_is_stamped_when_it_came_not_when_it_was_asked_for() -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0.08, true_tcp(r))]) as (port, _):
            bus = make_bus("tcp", port)
            assert await bus.connect() == ""
            asked = bus.stamp()
            reply = await read(bus, 0)
            assert 0.075e9 < reply.t_ns - asked < 0.12e9
            assert 0.075 < reply.rtt_s < 0.12
            bus.close()

    asyncio.run(work())


FALSE_TCP: dict[str, Callable[[bytes], bytes]] = {
    "another transaction": lambda r: mbap_frame(int.from_bytes(r[:2], "big") + 1, registers(r, 6)),
    "transaction zero": lambda r: mbap_frame(0, registers(r, 6)),
    "fewer registers": lambda r: mbap_frame(int.from_bytes(r[:2], "big"), bytes([1, 3, 4, 0, 0, 0, 1])),
    "more registers": lambda r: mbap_frame(int.from_bytes(r[:2], "big"), bytes([1, 3, 10, *range(10)])),
    "another unit": lambda r: mbap_frame(int.from_bytes(r[:2], "big"), bytes([2]) + registers(r, 6)[1:]),
    "another function": lambda r: mbap_frame(
        int.from_bytes(r[:2], "big"), bytes([1, 4]) + registers(r, 6)[2:]
    ),
    "another protocol": lambda r: true_tcp(r)[:2] + b"\0\1" + true_tcp(r)[4:],
    "twice in one segment": lambda r: true_tcp(r) + true_tcp(r),
    "noise": lambda r: b"\xff" * 40,
}


@pytest.mark.parametrize("kind", FALSE_TCP)
def test_a_false_tcp_answer_is_refused_and_the_connection_is_closed(kind: str) -> None:
    async def work() -> None:
        false = [True]

        def answer(request: bytes) -> list[tuple[float, bytes]]:
            return [(0, FALSE_TCP[kind](request) if false[0] else true_tcp(request))]

        async with tcp_device(answer) as (port, _):
            bus = make_bus("tcp", port)
            reply = await read(bus, 0)
            assert (reply.quality, reply.words) == (Quality.MALFORMED, None)
            assert not bus.connected
            false[0] = False
            assert words(await read(bus, 50)) == [50, 51, 52, 53]
            bus.close()

    asyncio.run(work())


def test_transaction_zero_is_taken_from_a_device_that_is_known_for_it() -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0, FALSE_TCP["transaction zero"](r))]) as (port, _):
            bus = make_bus("tcp", port)
            await bus.connect()
            reply = await bus.read(Request(1, 3, 7, 2), TIMEOUT_S, tid_zero=True)
            assert words(reply) == [7, 8]
            bus.close()

    asyncio.run(work())


def test_an_answer_in_single_bytes_is_still_an_answer() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.001 * k, bytes([b])) for k, b in enumerate(true_tcp(request), 1)]

    async def work() -> None:
        async with tcp_device(answer) as (port, _):
            bus = make_bus("tcp", port)
            assert words(await read(bus, 3, 2)) == [3, 4]
            bus.close()

    asyncio.run(work())


def test_a_late_tcp_answer_never_meets_the_next_request() -> None:
    async def work() -> None:
        delays = [TIMEOUT_S + 0.03, 0.06]
        async with tcp_device(lambda r: [(delays.pop(0), true_tcp(r))]) as (port, _):
            bus = make_bus("tcp", port)
            assert (await read(bus, 0)).quality == Quality.TIMEOUT
            assert not bus.connected
            assert words(await read(bus, 100)) == [100, 101, 102, 103]
            bus.close()

    asyncio.run(work())


@pytest.mark.parametrize(("code", "quality"), [(2, 162), (6, Quality.BUSY), (11, 171)])
def test_an_exception_is_an_answer_and_keeps_the_connection(code: int, quality: int) -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0, mbap_frame(int.from_bytes(request[:2], "big"), bytes([1, 0x83, code])))]

    async def work() -> None:
        async with tcp_device(answer) as (port, _):
            bus = make_bus("tcp", port)
            assert (await read(bus, 0)).quality == quality
            assert bus.connected
            bus.close()

    asyncio.run(work())


def test_a_silent_device_costs_one_timeout() -> None:
    async def work() -> None:
        async with tcp_device(lambda r: []) as (port, _):
            bus = make_bus("tcp", port)
            await bus.connect()
            reply = await read(bus, 0)
            assert reply.quality == Quality.TIMEOUT
            assert TIMEOUT_S <= reply.rtt_s < TIMEOUT_S + 0.1

    asyncio.run(work())


def test_a_refused_connection_says_where_and_why(unused_port: int) -> None:
    async def work() -> None:
        bus = make_bus("tcp", unused_port)
        fault = await bus.connect()
        assert f"127.0.0.1:{unused_port}" in fault
        assert "refused" in fault.lower() or "Connect call failed" in fault
        assert (await bus.read(Request(1, 3, 0, 1), TIMEOUT_S)).quality == Quality.NO_LINK

    asyncio.run(work())


def test_a_connection_that_is_cut_in_the_middle_is_no_link_at_once() -> None:
    async def work() -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(300)
            writer.transport.abort()

        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        bus = make_bus("tcp", server.sockets[0].getsockname()[1])
        await bus.connect()
        reply = await bus.read(Request(1, 3, 0, 1), 5.0)
        assert reply.quality == Quality.NO_LINK
        assert reply.rtt_s < 1.0
        bus.close()
        server.close()

    asyncio.run(work())


@pytest.mark.parametrize("function", [5, 6, 8, 15, 16, 22, 23, 43])
def test_what_is_not_a_read_never_reaches_the_wire(function: int) -> None:
    async def work() -> None:
        async with tcp_device(lambda r: [(0, true_tcp(r))]) as (port, heard):
            bus = make_bus("tcp", port)
            await bus.connect()
            with pytest.raises(ForbiddenFunctionError):
                bus.pass_packet(True, mbap_frame(1, bytes([1, function, 0, 0, 0, 1])))
            client = bus.client
            assert client is not None
            with pytest.raises(ForbiddenFunctionError):
                await client.write_register(0, 1)
            assert words(await read(bus, 1, 1)) == [1]
            assert [frame[7] for frame in heard] == [3]
            bus.close()

    asyncio.run(work())


@pytest.fixture(params=["rtu", "rtu_over_tcp"])
def serial_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def serial_bus(kind: str, answer: Answer) -> AsyncIterator[tuple[ModbusBus, list[bytes]]]:
    """A bus to a raw device that speaks RTU on a terminal or over TCP."""
    if kind == "rtu":
        async with pty_device(answer) as (device, heard):
            bus = make_bus(kind, device=device)
            yield bus, heard
            bus.close()
    else:
        async with tcp_device(answer) as (port, heard):
            bus = make_bus(kind, port)
            yield bus, heard
            bus.close()


def test_rtu_registers_arrive(serial_kind: str) -> None:
    async def work() -> None:
        async with serial_bus(serial_kind, lambda r: [(0, true_rtu(r))]) as (bus, _):
            for address in (0, 100, 200):
                assert words(await read(bus, address)) == [address + k for k in range(4)]

    asyncio.run(work())


@pytest.mark.parametrize("late", [0.01, 0.1, 0.2, 0.35])
def test_a_late_rtu_answer_is_never_taken_for_the_next(serial_kind: str, late: float) -> None:
    """Same unit, same function, same count: only its length could tell, so it is asked for another."""

    async def work() -> None:
        delays = [TIMEOUT_S + late]

        def answer(request: bytes) -> list[tuple[float, bytes]]:
            return [(delays.pop(0) if delays else 0.005, true_rtu(request))]

        async with serial_bus(serial_kind, answer) as (bus, heard):
            assert (await read(bus, 0)).quality == Quality.TIMEOUT
            for _ in range(6):
                reply = await read(bus, 100)
                if reply.quality == Quality.GOOD:
                    break
            assert words(reply) == [100, 101, 102, 103]
            assert words(await read(bus, 200)) == [200, 201, 202, 203]
            assert any(frame[5] != 4 for frame in heard), "no probe of another length was sent"

    asyncio.run(work())


def test_a_device_that_is_always_too_late_never_gives_a_wrong_register(serial_kind: str) -> None:
    async def work() -> None:
        async with serial_bus(serial_kind, lambda r: [(TIMEOUT_S * 1.4, true_rtu(r))]) as (bus, _):
            for address in range(0, 100, 10):
                reply = await read(bus, address)
                assert reply.quality in (Quality.TIMEOUT, Quality.MALFORMED)

    asyncio.run(work())


FALSE_RTU: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "broken crc": (lambda r: true_rtu(r)[:-1] + bytes([true_rtu(r)[-1] ^ 1]), Quality.CRC),
    "fewer registers": (lambda r: rtu_frame(bytes([1, 3, 4, 0, 0, 0, 1])), Quality.MALFORMED),
    "another unit": (lambda r: rtu_frame(bytes([2]) + registers(r, 0)[1:]), Quality.MALFORMED),
    "noise before": (lambda r: b"\xff\x00" + true_rtu(r), Quality.MALFORMED),
    "cut off": (lambda r: true_rtu(r)[:6], Quality.MALFORMED),
    "echo of the request": (lambda r: r + true_rtu(r), Quality.MALFORMED),
}


@pytest.mark.parametrize("kind", FALSE_RTU)
def test_a_false_rtu_answer_is_refused_and_the_line_comes_back(serial_kind: str, kind: str) -> None:
    async def work() -> None:
        false = [True]
        make, quality = FALSE_RTU[kind]

        def answer(request: bytes) -> list[tuple[float, bytes]]:
            return [(0, make(request) if false[0] else true_rtu(request))]

        async with serial_bus(serial_kind, answer) as (bus, _):
            reply = await read(bus, 0)
            assert (reply.quality, reply.words) == (quality, None)
            false[0] = False
            assert words(await read(bus, 50)) == [50, 51, 52, 53]

    asyncio.run(work())


def test_one_silent_unit_does_not_put_another_in_doubt(serial_kind: str) -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [] if request[0] == 2 else [(0, true_rtu(request))]

    async def work() -> None:
        async with serial_bus(serial_kind, answer) as (bus, heard):
            assert (await read(bus, 0, unit=2)).quality == Quality.TIMEOUT
            assert words(await read(bus, 10, unit=1)) == [10, 11, 12, 13]
            assert len([frame for frame in heard if frame[0] == 1]) == 1, "unit 1 was probed without need"

    asyncio.run(work())


def test_frames_on_a_line_are_apart() -> None:
    async def work() -> None:
        times: list[float] = []

        def answer(request: bytes) -> list[tuple[float, bytes]]:
            times.append(asyncio.get_running_loop().time())
            return [(0, true_rtu(request))]

        async with serial_bus("rtu", answer) as (bus, _):
            for address in range(5):
                await read(bus, address)
        gaps = [b - a for a, b in pairwise(times)]
        assert min(gaps) >= 3.5 * 11 / 19200

    asyncio.run(work())


def test_an_absent_port_is_named_with_those_that_exist() -> None:
    async def work() -> None:
        fault = await make_bus("rtu", device="/dev/ttyNOTHERE9").connect()
        assert "the serial port /dev/ttyNOTHERE9 does not exist" in fault
        assert "there is" in fault or "no serial port at all" in fault

    asyncio.run(work())


def test_a_port_that_may_not_be_opened_says_what_helps(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch()
    port.chmod(0)
    if os.access(port, os.R_OK):
        pytest.skip("this user may open everything (root)")
    assert "group" in port_fault(str(port))


def test_unplugging_a_serial_line_is_no_link() -> None:
    async def work() -> None:
        async with pty_device(lambda r: [(0, true_rtu(r))]) as (device, _):
            bus = make_bus("rtu", device=device)
            assert words(await read(bus, 1, 1)) == [1]
        reply = await bus.read(Request(1, 3, 0, 1), TIMEOUT_S)
        assert reply.quality == Quality.NO_LINK
        assert "does not exist" in await bus.connect()

    asyncio.run(work())
