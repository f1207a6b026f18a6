"""The alarm's state machine, held against a model that looks the whole history over each time."""

from hypothesis import given
from hypothesis import strategies as st

from greenhearth.clock import NS
from greenhearth_gateway.alarms.state import AlarmState, Limits, Sample, acknowledge, step

LIMITS = Limits(high=100.0, deadband=10.0, on_delay_ns=5 * NS, off_delay_ns=3 * NS, silence_ns=4 * NS)


def run(limits, samples, state=None):
    state = state or AlarmState()
    for t_s, value in samples:
        state = step(limits, state, Sample(t_s * NS, value))
    return state


def test_it_rises_only_after_the_whole_on_delay():
    samples = [(t, 120.0) for t in range(1, 6)]
    assert run(LIMITS, samples).state == "normal"
    raised = run(LIMITS, [*samples, (6, 120.0)])
    assert (raised.state, raised.since_ns) == ("unack", 6 * NS)


def test_one_sample_at_the_limit_starts_the_on_delay_again():
    samples = [(1, 120.0), (4, 120.0), (5, 100.0), (6, 120.0), (10, 120.0)]
    assert run(LIMITS, samples).state == "normal"


def test_it_returns_only_below_the_deadband_and_after_the_off_delay():
    raised = AlarmState(state="ack", t_ns=10 * NS, valid=True, value=120.0, acked_by="Ada")
    assert run(LIMITS, [(t, 95.0) for t in range(11, 30)], raised).state == "ack"
    assert run(LIMITS, [(11, 90.0), (13, 90.0)], raised).state == "ack"
    returned = run(LIMITS, [(11, 90.0), (14, 90.0)], raised)
    assert (returned.state, returned.acked_by) == ("normal", "")


def test_what_returns_unseen_waits_to_be_seen_and_can_rise_again():
    raised = AlarmState(state="unack", t_ns=10 * NS, valid=True)
    returned = run(LIMITS, [(11, 80.0), (14, 80.0)], raised)
    assert returned.state == "returned_unack"
    assert acknowledge(returned, "Ada", 20 * NS).state == "normal"
    assert run(LIMITS, [(15, 120.0), (18, 120.0), (20, 120.0)], returned).state == "unack"


def test_invalid_results_freeze_the_delay_and_do_not_count_towards_it():
    samples = [(1, 120.0), (3, 120.0), (4, None), (5, None), (6, 120.0), (8, 120.0)]
    assert run(LIMITS, samples).above_ns == 4 * NS
    assert run(LIMITS, [*samples, (9, 120.0)]).state == "unack"


def test_a_long_silence_does_not_count_towards_the_delay():
    assert run(LIMITS, [(1, 120.0), (3, 120.0), (100, 120.0)]).above_ns == 2 * NS


def test_without_delays_it_follows_every_sample():
    limits = Limits(high=100.0)
    assert run(limits, [(1, 100.1)]).state == "unack"
    assert run(limits, [(1, 100.1), (2, 100.0)]).state == "returned_unack"


def test_old_samples_change_nothing():
    state = run(LIMITS, [(5, 120.0)])
    assert step(LIMITS, state, Sample(5 * NS, 0.0)) is state
    assert step(LIMITS, state, Sample(4 * NS, None)) is state


def test_there_is_nothing_to_acknowledge_in_a_normal_or_acknowledged_alarm():
    for state in (AlarmState(), AlarmState(state="ack")):
        assert acknowledge(state, "Ada", NS) is state


samples_and_acks = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 7), st.sampled_from([None, 80.0, 90.0, 90.5, 100.0, 100.5, 120.0])),
        st.just("ack"),
    ),
    max_size=60,
)


def watched_s(history, holds):
    """Seconds for which `holds` was watched without a break at the end of the history; None: not at all.

    Looks back from the end: invalid samples are passed over, a valid one that does not hold ends
    the run, and only gaps between neighbours that are both valid and near count.
    """
    total, found = 0, False
    for at in range(len(history) - 1, -1, -1):
        t_s, value = history[at]
        if value is None:
            continue
        if not holds(value):
            break
        found = True
        before = history[at - 1] if at else (0, None)
        in_run = before[1] is not None and holds(before[1])
        if in_run and t_s - before[0] <= LIMITS.silence_ns // NS:
            total += t_s - before[0]
    return total if found else None


def model(script):
    """Return the state after each step of a script, from the history alone."""
    t_s, history, state, states = 0, [], "normal", []
    for what in script:
        if what == "ack":
            state = {"unack": "ack", "returned_unack": "normal"}.get(state, state)
        else:
            t_s += what[0]
            history.append((t_s, what[1]))
            above = watched_s(history, lambda v: v > 100.0)
            below = watched_s(history, lambda v: v <= 90.0)
            if what[1] is None:
                pass
            elif state in ("normal", "returned_unack") and above is not None and above >= 5:
                state = "unack"
            elif state in ("unack", "ack") and below is not None and below >= 3:
                state = "returned_unack" if state == "unack" else "normal"
        states.append(state)
    return states


@given(samples_and_acks)
def test_it_behaves_as_the_model_does(script):
    state, t_s, states = AlarmState(), 0, []
    for what in script:
        if what == "ack":
            state = acknowledge(state, "Ada", t_s * NS)
        else:
            t_s += what[0]
            state = step(LIMITS, state, Sample(t_s * NS, what[1]))
        states.append(state.state)
    assert states == model(script)


@given(samples_and_acks)
def test_it_never_rises_without_a_value_above_the_limit(script):
    harmless = [what for what in script if what == "ack" or what[1] is None or what[1] <= 100.0]
    assert set(model(harmless)) <= {"normal"}
    t_s, state = 0, AlarmState()
    for what in harmless:
        if what == "ack":
            state = acknowledge(state, "Ada", t_s * NS)
        else:
            t_s += what[0]
            state = step(LIMITS, state, Sample(t_s * NS, what[1]))
        assert state.state == "normal"
