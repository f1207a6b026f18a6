"""What a line declares of itself: checked where it is written, announced by the agent, used by the scales."""

from pathlib import Path

import pytest

from greenhearth.conditions import CONDITIONS
from greenhearth.model import build_model
from greenhearth.shelf import configs_root
from greenhearth.site import load_site
from greenhearth.strict import ConfigError

SITE = (configs_root() / "sites" / "ladle_furnace.toml").read_text(encoding="utf-8")


def site_with(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.replace('process = "ladle_furnace"\n', f'process = "ladle_furnace"\n{text}\n'))
    return path


def test_declared_conditions_and_product_reach_the_birth(tmp_path: Path) -> None:
    text = 'product = "liquid steel"\n[line.ladle.conditions]\ncapacity_t = 120.0\nstainless = 1.0'
    (info,) = build_model(load_site(site_with(tmp_path, text))).line_info()
    assert info.conditions == {"capacity_t": 120.0, "stainless": 1.0}
    assert info.product == "liquid steel"


def test_without_them_a_line_has_the_product_of_its_process(tmp_path: Path) -> None:
    (info,) = build_model(load_site(site_with(tmp_path, ""))).line_info()
    assert info.conditions == {}
    assert info.product == "treated steel"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("capacity = 120.0", "line.ladle.conditions.capacity: unknown condition; did you mean 'capacity_t'?"),
        ("capacity_t = 0.0", "line.ladle.conditions.capacity_t: 0 is not in 0.1 to 1000 t (nominal capacity"),
        ("pressure_pa = 800.0", "800 is not in 40000 to 110000 Pa"),
        ("wet_quench = 2.0", "2 is not in 0 to 1 (no or yes)"),
        ("clinker_ratio_percent = nan", "is not a finite number"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(site_with(tmp_path, f"[line.ladle.conditions]\n{text}"))
    assert says in str(caught.value)


def test_every_condition_says_what_it_means() -> None:
    assert all(one.meaning and one.unit and one.low < one.high for one in CONDITIONS.values())
