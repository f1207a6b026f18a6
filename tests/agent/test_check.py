"""What is refused before anything connects, and what is shown of a site that may run."""

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError
from greenhearth_agent.check import check_site


def test_the_schedule_of_a_good_site(site_file: Callable[..., Path]) -> None:
    report = check_site(site_file())
    bus = report.buses[0]
    assert (report.site, report.agent, report.series, report.texts) == ("works", "edge", 4, 1)
    assert [(r.device, r.unit, r.table, r.address, r.count, r.points) for r in bus.requests] == [
        ("box", 1, "holding", 0, 7, 4),
        ("box", 1, "holding", 40, 1, 1),
    ]
    assert bus.planned_s == pytest.approx(sum(r.seconds for r in bus.requests)) == pytest.approx(0.006)
    text = report.text()
    assert "bus plc (tcp, 127.0.0.1:502): 0.006 s of 0.2 s (3 %)" in text
    assert "box unit 1: holding 0..6, 4 points, 3.0 ms" in text
    assert msgspec.json.decode(msgspec.json.encode(report))["buses"][0]["name"] == "plc"


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('id = "works"', 'id = "a/b"', "site.id", "letters, digits"),
        ('id = "edge"', 'id = "#"', "agent.id", "letters, digits"),
        ("scan_interval_s = 0.2", "scan_interval_s = 0.01", "agent.scan_interval_s", "0.05"),
        ("outbox_max_mb = 16", "outbox_max_mb = 0.5", "agent.outbox_max_mb", "1 or more"),
        ("scan_interval_s = 0.2", "scan_intervall_s = 0.2", "agent.scan_intervall_s", "'scan_interval_s'"),
        ('profile = "plcs/box"', 'profile = "plcs/bax"', "device.box.profile", "'plcs/box'"),
        ('bus = "plc"', 'bus = "pcl"', "device.box.bus", "'plc'"),
    ],
)
def test_a_wrong_site_is_refused_with_its_line(
    site_file: Callable[..., Path], old: str, new: str, key: str, says: str
) -> None:
    path = site_file()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        check_site(path)
    assert (caught.value.file, caught.value.key) == (str(path), key)
    assert new in path.read_text().splitlines()[caught.value.line - 1]
    assert says in str(caught.value)


def test_checking_connects_to_nothing(site_file: Callable[..., Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        check_site(site_file(listener.getsockname()[1]))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("site", ["demo", "ladle_furnace", "steel_works"])
def test_the_sites_on_the_shelf_can_be_run(site: str) -> None:
    report = check_site(configs_root() / "sites" / f"{site}.toml")
    for bus in report.buses:
        assert bus.planned_s < 0.5 * bus.interval_s, f"{bus.name} has little room"
