"""The text that Prometheus reads: it reads back, a port shows the newest, nothing is loaded unasked."""

import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from greenhearth.measures import BOUNDS_S, Durations, Sample, counter, gauge, histogram, table
from greenhearth.prometheus import Exporter, render


def test_what_is_rendered_reads_back_with_every_label() -> None:
    took = Durations()
    for seconds in (0.0005, 0.003, 0.003, 20.0):
        took.observe(seconds)
    odd = 'a "line"\nwith \\ signs'
    text = render(
        [
            counter("greenhearth_things_total", "Things.", 7, line=odd),
            gauge("greenhearth_nothing", "Not known yet.", None),
            histogram("greenhearth_commit_seconds", "Commits.", took),
            table("gauge", "greenhearth_many", "Many.", [Sample({"k": str(n)}, n) for n in range(3)]),
            table("gauge", "greenhearth_none", "None yet.", []),
        ]
    ).decode()
    found = {f.name: {tuple(s.labels.items()): s.value for s in f.samples if s.name[-6:] != "_bucket"}
             for f in text_string_to_metric_families(text)}  # fmt: skip
    assert found["greenhearth_things"] == {(("line", odd),): 7.0}
    assert found["greenhearth_many"] == {(("k", str(n)),): float(n) for n in range(3)}
    assert "greenhearth_nothing" not in text, "what is not known is no zero"
    assert "greenhearth_none" not in text
    assert 'greenhearth_commit_seconds_bucket{le="0.005"} 3.0' in text
    assert "greenhearth_commit_seconds_count 4.0" in text
    assert took.cumulative() == sorted(took.cumulative())
    assert len(took.cumulative()) == len(BOUNDS_S) + 1


def test_a_port_answers_with_what_was_shown_last_and_closes() -> None:
    exporter = Exporter("127.0.0.1", 0)
    exporter.start()
    url = f"http://127.0.0.1:{exporter.port}/metrics"
    for n in (1, 2):
        exporter.show([gauge("greenhearth_n", "n", n)])
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert f"greenhearth_n {n}.0".encode() in answer.read()
    second = Exporter("127.0.0.1", exporter.port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    exporter.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=5)
