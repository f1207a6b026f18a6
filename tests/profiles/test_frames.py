"""Frames from manuals, from devices and from the I/O list, decoded through the profiles.

Each folder holds ``frames.toml`` of one profile. Its bytes were printed in a manual, captured
from a device, or written by hand from an I/O list; none was made from the profile.
"""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from greenhearth.kernels.decode import decode, text
from greenhearth.model import Model, ReadBlock, build_model
from greenhearth.profiles import find_profile, known_profiles, load_profile, words_of
from greenhearth.quality import quality_name
from greenhearth.site import load_site
from greenhearth.tables import decode_table

HERE = Path(__file__).parent
FUNCTIONS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Case(NamedTuple):
    """One frame of one profile."""

    profile: str
    frame: dict[str, Any]


class Heard(NamedTuple):
    """Registers of one unit, from `first` on."""

    unit: int
    table: str
    first: int
    words: "np.ndarray[Any, np.dtype[np.uint16]]"


def _cases() -> list[Case]:
    return [
        Case(profile, frame)
        for profile in known_profiles()
        if _file(profile).is_file()
        for frame in tomllib.loads(_file(profile).read_text()).get("frame", [])
    ]


def _file(profile: str) -> Path:
    return HERE / profile.partition("/")[2] / "frames.toml"


def _crc(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def _pdu(frame: str, framing: str) -> bytes:
    """Return unit, function and data of a frame after checking what surrounds them."""
    raw = bytes.fromhex(frame)
    if framing == "rtu":
        assert _crc(raw[:-2]) == raw[-2:], "the frame's CRC is wrong: it was copied badly"
        return raw[:-2]
    assert raw[2:4] == b"\0\0", "the protocol id of Modbus TCP is 0"
    assert int.from_bytes(raw[4:6], "big") == len(raw) - 6, "the length of the MBAP header is wrong"
    return raw[6:]


def _exchange(frame: dict[str, Any]) -> Heard:
    """Read a request and its reply, whole as they were on the wire."""
    request, reply = _pdu(frame["request"], frame["framing"]), _pdu(frame["reply"], frame["framing"])
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    assert reply[:2] == request[:2]
    assert reply[2] == 2 * count == len(reply) - 3
    return Heard(request[0], FUNCTIONS[request[1]], first, np.frombuffer(reply[3:], ">u2").astype(np.uint16))


def _registers(frame: dict[str, Any]) -> Heard:
    """Read registers that were published without the frame around them."""
    words = np.frombuffer(bytes.fromhex(frame["words"]), ">u2").astype(np.uint16)
    return Heard(1, frame["table"], frame["address"], words)


def _site(folder: Path, profile: str, unit: int, points: list[str]) -> Model:
    path = folder / "site.toml"
    path.write_text(
        '[site]\nid = "bench"\nname = "Bench"\n[agent]\nid = "a1"\n'
        '[bus.one]\nkind = "tcp"\nhost = "127.0.0.1"\n'
        f'[device.it]\nbus = "one"\nunit = {unit}\nprofile = "{profile}"\npoints = {points}\n'
    )
    return build_model(load_site(path))


def _names_within(profile: str, table: str, first: int, count: int) -> list[str]:
    """Return the points of a profile of which at least the first value lies in the request."""
    points = load_profile(find_profile(profile)).points
    return [
        name
        for name, point in points.items()
        if point.table == table
        and point.address < first + count
        and point.address + words_of(point) * point.count > first
    ]


@pytest.mark.parametrize("profile", known_profiles())
def test_every_profile_on_the_shelf_has_frames_to_prove_it(profile: str) -> None:
    assert _file(profile).is_file(), f"{profile} has no frame from a manual, a device or an I/O list"


@pytest.mark.parametrize("case", _cases(), ids=lambda case: f"{case.profile}-{case.frame['origin'][:40]}")
def test_a_frame_decodes_to_the_value_its_origin_states(case: Case, tmp_path: Path) -> None:
    frame = case.frame
    heard = _registers(frame) if frame["framing"] == "registers" else _exchange(frame)
    unit, table, first, words = heard
    names = _names_within(case.profile, table, first, len(words))
    assert frame.get("expect") or frame.get("bad") or frame.get("texts"), "this frame proves nothing"
    model = _site(tmp_path, case.profile, unit, names)
    found = _decoded(model, first, words)
    for name, value in frame.get("expect", {}).items():
        assert found[name][1] == "GOOD", f"{name} is {found[name][1]}"
        assert found[name][0] == pytest.approx(value, rel=0, abs=frame.get("tolerance", 0)), name
    for name, quality in frame.get("bad", {}).items():
        assert found[name][1] == quality
        assert np.isnan(found[name][0])
    for series in model.texts:
        at = series.address - first
        if at < 0 or at + series.point.length > len(words):
            continue
        assert text(list(words[at : at + series.point.length])) == frame["texts"][series.point_name]


def _decoded(
    model: Model, first: int, words: "np.ndarray[Any, np.dtype[np.uint16]]"
) -> dict[str, tuple[float, str]]:
    """Run the decode kernel over one block; name -> (value, quality name)."""
    end = first + len(words)
    inside = [
        i for i, s in enumerate(model.series) if first <= s.address and s.address + words_of(s.point) <= end
    ]
    if not inside:  # only texts
        return {}
    block = ReadBlock("it", model.series[inside[0]].point.table, first, len(words), inside[0], len(inside), 0)
    n = len(model.series)
    x, t = np.full(n, np.nan), np.zeros(n, np.int64)
    q, fresh = np.zeros(n, np.int32), np.zeros(n, np.int32)
    stamps, good = np.ones(1, np.int64), np.zeros(1, np.int32)
    decode(decode_table(model, [block]), words, stamps, good, x, t, q, fresh)
    names = [s.name.removeprefix("it.") for s in model.series]
    return {names[i]: (float(x[i]), quality_name(int(q[i]))) for i in inside}
