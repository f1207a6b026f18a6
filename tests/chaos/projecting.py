"""A journal with its writer, and projections that carry it on, each in its thread."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from greenhearth.mqtt import BackOff
from greenhearth_gateway.config import InfluxPart
from greenhearth_gateway.intake import Source
from greenhearth_gateway.store.influx import InfluxTarget
from greenhearth_gateway.store.lines import event_lines, record_lines
from greenhearth_gateway.store.projection import Projection

from ..gateway.conftest import Desk, FakeAgent

LONGEST_WAIT_S = 0.1
"""In place of 30 s: what matters is how often, not how long."""


@contextmanager
def projecting(desk: Desk, *urls: str, api: str = "v2") -> Iterator[list[Projection]]:
    """Run the writer and a projection into every server; the first is called `influx`."""
    with ExitStack() as stack:
        projections = []
        for number, url in enumerate(urls):
            part = InfluxPart(enabled=True, url=url, api=api, org="works", bucket="greenhearth")  # type: ignore[arg-type]
            target = InfluxTarget(part, "secret")
            stack.callback(target.close)
            name = f"influx{number or ''}"
            one = Projection(name, target, desk.reader, desk.writer.inbox, desk.problems)
            one.back_off = BackOff(0.01, LONGEST_WAIT_S)
            projections.append(one)
        threads = [threading.Thread(target=one.run) for one in (desk.writer, *projections)]
        desk.writer.on_commit.append(lambda commit: _wake(projections) if commit.entries else None)
        for thread in threads:
            thread.start()
        try:
            yield projections
        finally:
            for one in projections:
                one.stop()
            for thread in threads[1:]:
                thread.join(20)
            desk.writer.stopping.set()
            threads[0].join(20)
    assert not any(thread.is_alive() for thread in threads)


def _wake(projections: list[Projection]) -> None:
    for one in projections:
        one.wake()


def put(desk: Desk, agent: FakeAgent, records: int) -> None:
    """Have items stored by the running writer: a birth if there was none, records, the end of a batch."""
    if agent.birth_seq == 0:
        desk.writer.inbox.put(agent.frame(agent.birth()))
    for first in range(0, records, 100):
        desk.writer.inbox.put(agent.frame(*(agent.record() for _ in range(min(100, records - first)))))
    desk.writer.inbox.put(agent.frame(agent.finished()))


def lines_of(desk: Desk) -> set[bytes]:
    """Return every line that the journal stands for."""
    births = {(source, birth.epoch, birth.seq): birth for source, birth in desk.reader.newest_births()}
    found: set[bytes] = set()
    for stored in desk.reader.items_after(0, 1_000_000):
        item = stored.item
        if hasattr(item, "blocks"):
            birth = births[Source(*stored.source), item.epoch, item.birth]
            found.update(record_lines(stored.source, item, birth).lines)
        elif hasattr(item, "what"):
            found.update(event_lines(stored.source, item).lines)
    return found


def is_level(desk: Desk, name: str = "influx") -> bool:
    """Tell whether a projection has carried on everything."""
    return desk.reader.cursor(name) == desk.reader.last_id() > 0
