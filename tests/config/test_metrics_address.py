"""Where an agent answers Prometheus: nowhere unless told, and only at an address."""

from pathlib import Path

import pytest

from greenhearth.shelf import configs_root
from greenhearth.site import load_site
from greenhearth.strict import ConfigError

DEMO = (configs_root() / "sites" / "demo.toml").read_text(encoding="utf-8")


def site_with(folder: Path, address: str) -> Path:
    path = folder / "site.toml"
    path.write_text(DEMO.replace("[agent]\n", f'[agent]\nmetrics = "{address}"\n'), encoding="utf-8")
    return path


@pytest.mark.parametrize("address", ["127.0.0.1:9464", "plant-pc.local:1", "[::1]:65535"])
def test_an_address_is_taken(tmp_path: Path, address: str) -> None:
    assert load_site(site_with(tmp_path, address)).agent.metrics == address


def test_without_the_key_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO, encoding="utf-8")
    assert load_site(path).agent.metrics == ""


@pytest.mark.parametrize(
    "wrong", ["9464", ":9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "a b:1", "::1:9464", "x:1 "]
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, wrong: str) -> None:
    path = site_with(tmp_path, wrong)
    line = path.read_text(encoding="utf-8").splitlines().index(f'metrics = "{wrong}"') + 1
    with pytest.raises(ConfigError, match=r"is not HOST:PORT, like 127\.0\.0\.1:9464") as caught:
        load_site(path)
    assert f":{line}" in str(caught.value) or f"line {line}" in str(caught.value)
