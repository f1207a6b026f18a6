"""Site files: the good one is accepted, every wrong one is refused where it is wrong.

A case is a folder: ``site.toml`` and the exact sentence in ``error.txt`` (empty: accepted).
"""

from pathlib import Path

import pytest

from greenhearth.shelf import configs_root
from greenhearth.site import line_boundary, load_site
from greenhearth.strict import ConfigError

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_wrong_site_file_is_refused_with_file_line_key_and_nearest_name(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    wanted = (case / "error.txt").read_text().strip()
    if not wanted:
        assert load_site(Path("site.toml")).head.id == "bench"
        return
    with pytest.raises(ConfigError) as caught:
        load_site(Path("site.toml"))
    assert str(caught.value) == wanted


def test_a_site_file_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"nowhere\.toml:0: file: cannot be read \(No such file or directory\)"
    ):
        load_site(tmp_path / "nowhere.toml")


def test_a_site_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b'[site]\nid = "\xff"\n')
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_site(path)


def test_an_error_carries_its_parts_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent / "cases" / "unknown_key")
    with pytest.raises(ConfigError) as caught:
        load_site(Path("site.toml"))
    error = caught.value
    assert (error.file, error.line, error.key) == ("site.toml", 7, "agent.scan_intervall_s")
    assert error.nearest == "scan_interval_s"


def test_the_demonstration_works_have_the_three_lines_and_buses_the_demo_overrides() -> None:
    site = load_site(configs_root() / "sites" / "demo.toml")
    assert {name: bus.kind for name, bus in site.buses.items()} == {
        "furnace_plc": "tcp",
        "kiln_line": "rtu",
        "potline_plc": "tcp",
    }
    assert {name: line.process for name, line in site.lines.items()} == {
        "furnace": "eaf_scrap",
        "kiln": "clinker_kiln",
        "cell": "al_prebake",
    }
    kiln = [(d.unit, name) for name, d in site.devices.items() if d.bus == "kiln_line"]
    assert kiln == [
        (1, "kiln_drive_meter"),
        (2, "coal_feeder"),
        (3, "alternative_fuel_feeder"),
        (4, "kiln_scales"),
    ]


def test_a_line_may_say_that_its_meters_cover_more_than_the_process_does() -> None:
    site = load_site(configs_root() / "sites" / "demo.toml")
    line = site.lines["furnace"]
    process = site.processes[line.process]
    boundary = line_boundary(process, line)
    assert boundary["kgce_per_t"] == "EAF process energy"
    assert process.boundary["kgce_per_t"] != boundary["kgce_per_t"]
    assert boundary["co2_scope1_kg_per_t"] == process.boundary["co2_scope1_kg_per_t"]
