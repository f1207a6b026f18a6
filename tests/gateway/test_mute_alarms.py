"""An alarm that can never speak is named among the problems, with what to do."""

import msgspec
import pytest

from greenhearth.clock import Clock
from greenhearth_gateway.alarms.mute import Heard, mute_sentences
from greenhearth_gateway.config import load_config
from greenhearth_gateway.live import Hub
from greenhearth_gateway.overview import Scene, problem_sentences

HEARD = {
    "furnace": Heard("works/edge", ["energy_kwh_per_t", "kgce_per_t"], has_batches=True),
    "kiln": Heard("works/edge", ["energy_kwh_per_t", "kgce_per_t"], has_batches=False),
}


@pytest.fixture
def alarms(tmp_path, make):
    """Returns a function: the configured alarms, one of them with changes."""

    def parts(**changes):
        path = tmp_path / "gateway.toml"
        path.write_text(make.GATEWAY)
        found = load_config(path).alarms
        return {"hot": msgspec.structs.replace(found["hot"], **changes)}

    return parts


def test_an_alarm_on_what_its_line_sends_is_no_problem(alarms):
    assert mute_sentences(alarms(), HEARD) == []


def test_a_metric_that_the_agent_does_not_send_is_named_with_line_agent_and_the_nearest(alarms):
    (told,) = mute_sentences(alarms(metric="energy_gj_per_t"), HEARD)
    assert told == (
        "Alarm 'hot' can never fire: agent works/edge does not send energy_gj_per_t for line 'furnace', for "
        "no process of its site has it. Watch one that is sent ('energy_kwh_per_t'?), or take the alarm out."
    )


def test_a_line_that_nobody_has_is_named_with_the_nearest(alarms):
    (told,) = mute_sentences(alarms(line="furnaces"), HEARD)
    assert "no agent has a line 'furnaces'" in told
    assert "('furnace'?)" in told


def test_batches_of_a_line_that_has_none_are_named(alarms):
    (told,) = mute_sentences(alarms(line="kiln", window="batch"), HEARD)
    assert "line 'kiln' has no batches" in told
    assert mute_sentences(alarms(line="kiln", window="1h"), HEARD) == []


def test_before_any_line_is_heard_of_nothing_is_said(alarms):
    assert mute_sentences(alarms(line="nobody's"), {}) == []


def test_the_page_hears_of_it_from_the_birth_and_no_more_once_the_agent_sends_the_metric(
    alarms, tmp_path, make, desk, agent
):
    config, hub = load_config(tmp_path / "gateway.toml") if alarms() else None, Hub()
    desk.writer.on_commit.append(hub.apply)
    scene = Scene(config, Clock.real(), hub, desk.problems, {})
    birth = agent.birth()
    kept = [m for m in birth.metrics if m != "energy_kwh_per_t"]
    fewer = msgspec.structs.replace(birth, metrics=kept, metric_units=birth.metric_units[1:])
    desk.writer.write([agent.frame(fewer)])
    assert any("does not send energy_kwh_per_t" in one for one in problem_sentences(scene))
    desk.writer.write([agent.frame(agent.birth())])
    assert not any("can never fire" in one for one in problem_sentences(scene))
