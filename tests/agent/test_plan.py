"""The scan plan: cheapest cutting, limits of the device, refusals with their place."""

from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth.model import build_model
from greenhearth.profiles import Profile
from greenhearth.site import Bus, load_site
from greenhearth.strict import ConfigError
from greenhearth_agent.plan import Cut, Plan, Span, char_s, cut_spans, make_plan, may_join, quiet_s, request_s

BUSES = {
    "tcp": Bus(kind="tcp", host="x"),
    "rtu": Bus(kind="rtu", device="/dev/x", baud=19200),
    "slow": Bus(kind="rtu", device="/dev/x", baud=1200),
    "over tcp": Bus(kind="rtu_over_tcp", host="x", baud=9600),
}


@st.composite
def register_maps(draw: st.DrawFn) -> tuple[Profile, list[Span]]:
    spans, at = [], draw(st.integers(0, 5))
    for _ in range(draw(st.integers(1, 8))):
        at += draw(st.sampled_from([0, 0, 1, 2, 3, 7, 40]))
        width = draw(st.sampled_from([1, 2, 4]))
        spans.append(Span(at, at + width))
        at += width
    forbidden = []
    for a, b in pairwise(spans):
        if b.start > a.end and draw(st.booleans()):
            forbidden.append((a.end, a.end))
    profile = Profile(
        id="x", maker="x", model="x", source="x",
        max_registers=draw(st.integers(4, 20)), max_gap=draw(st.sampled_from([0, 1, 3, 50])),
        turnaround_ms=draw(st.sampled_from([0.0, 5.0, 80.0])), no_read=forbidden,
    )  # fmt: skip
    return profile, spans


def every_cutting(n: int) -> list[list[Cut]]:
    found = []
    for k in range(n):
        for inner in combinations(range(1, n), k):
            edges = [0, *inner, n]
            found.append([Cut(a, b) for a, b in pairwise(edges)])
    return found


def cost(bus: Bus, profile: Profile, spans: list[Span], cuts: list[Cut]) -> float:
    return sum(request_s(bus, profile, "holding", spans[c.end - 1].end - spans[c.begin].start) for c in cuts)


@given(register_maps(), st.sampled_from(sorted(BUSES)))
def test_no_cutting_is_cheaper_than_the_plan(a_map: tuple[Profile, list[Span]], kind: str) -> None:
    profile, spans = a_map
    bus = BUSES[kind]
    allowed = [
        cuts
        for cuts in every_cutting(len(spans))
        if all(may_join(profile, "holding", spans, cut) for cut in cuts)
    ]
    chosen = cut_spans(bus, profile, "holding", spans)
    assert chosen in allowed
    assert cost(bus, profile, spans, chosen) == pytest.approx(
        min(cost(bus, profile, spans, c) for c in allowed)
    )


def test_bus_time_of_a_known_request() -> None:
    bus = BUSES["rtu"]
    profile = Profile(id="x", maker="x", model="x", source="x", turnaround_ms=5.0)
    # 8 bytes there and 5 + 2 x 10 back are 33 characters of 11 bits, two silences of 3.5 characters
    assert char_s(bus) == pytest.approx(11 / 19200)
    assert request_s(bus, profile, "holding", 10) == pytest.approx(40 * 11 / 19200 + 0.005 + 0.002)
    assert quiet_s(Bus(kind="rtu", baud=115200)) == 0.00175


def plan_of(path: Path) -> Plan:
    return make_plan(build_model(load_site(path)))


def test_a_site_becomes_blocks_with_contiguous_series_and_words(site_file: Callable[..., Path]) -> None:
    plan = plan_of(site_file())
    assert [(b.address, b.count, b.first, b.n, b.offset) for b in plan.blocks] == [
        (0, 7, 0, 3, 0),
        (40, 1, 3, 1, 7),
    ]
    assert plan.n_words == 8
    assert plan.buses["plc"].blocks == [0, 1]


def test_points_that_a_site_does_not_choose_are_not_read(site_file: Callable[..., Path]) -> None:
    path = site_file()
    path.write_text(path.read_text() + 'points = ["state"]\n')
    assert [(b.address, b.count) for b in plan_of(path).blocks] == [(4, 1)]


def change_profile(shelf: Path, old: str, new: str) -> Path:
    path = shelf / "plcs" / "box.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        plan_of(path)
    return caught.value


def test_overlapping_addresses_are_refused_at_their_line(shelf: Path, site_file: Callable[..., Path]) -> None:
    profile = change_profile(shelf, "address = 4", "address = 3")
    error = refusal(site_file())
    assert error.file == str(profile)
    assert profile.read_text().splitlines()[error.line - 1] == "address = 3"
    assert error.key == "point.state.address"
    assert "register 3 already belongs to 'energy_kwh'" in str(error)


def test_one_address_read_with_two_types_is_refused(shelf: Path, site_file: Callable[..., Path]) -> None:
    change_profile(shelf, 'address = 40\ntype = "uint16"', 'address = 4\ntype = "int16"')
    assert "register 4 already belongs to 'state'" in str(refusal(site_file()))


FLAG = """
[point.flag{bit}]
address = 41
type = "bit"
bit = {bit}
kind = "state"
source = "tests"
"""


def test_several_bits_of_one_register_are_one_span(shelf: Path, site_file: Callable[..., Path]) -> None:
    profile = shelf / "plcs" / "box.toml"
    profile.write_text(profile.read_text() + "".join(FLAG.format(bit=bit) for bit in (3, 0, 15)))
    block = plan_of(site_file()).blocks[-1]
    assert (block.address, block.count, block.n) == (40, 2, 4)


def test_a_bit_inside_a_wider_value_does_not_split_it(shelf: Path, site_file: Callable[..., Path]) -> None:
    change_profile(shelf, "max_gap = 2", "max_gap = 0")
    profile = shelf / "plcs" / "box.toml"
    profile.write_text(profile.read_text() + FLAG.format(bit=1).replace("41", "3"))
    plan = plan_of(site_file())
    assert [(b.address, b.count, b.n) for b in plan.blocks] == [(0, 7, 4), (40, 1, 1)]


def test_a_point_in_a_forbidden_range_is_refused(shelf: Path, site_file: Callable[..., Path]) -> None:
    change_profile(shelf, "max_gap = 2", "max_gap = 2\nno_read = [[40, 41]]")
    assert "no_read" in str(refusal(site_file()))


def test_a_text_longer_than_a_request_is_refused(shelf: Path, site_file: Callable[..., Path]) -> None:
    change_profile(shelf, "length = 2", "length = 17")
    assert "do not fit the 16 of one request" in str(refusal(site_file()))


def test_a_bus_that_cannot_keep_up_is_refused_with_its_times(site_file: Callable[..., Path]) -> None:
    path = site_file()
    text = path.read_text().replace(
        'kind = "tcp"\nhost = "127.0.0.1"\nport = 502', 'kind = "rtu"\ndevice = "/dev/x"\nbaud = 1200'
    )
    path.write_text(text)
    error = refusal(path)
    assert error.file == str(path)
    assert text.splitlines()[error.line - 1] == "[bus.plc]"
    assert "plc needs 0.52 s of 0.20 s" in str(error)
