"""How an agent tells which sequence numbers an hour took: the public count, hour by hour."""

import msgspec

HOUR_COUNTED = "hour_counted"
"""What an event is that tells an :class:`HourRun` that is over; its `detail` holds it as JSON."""

HOUR_NS = 3600 * 1_000_000_000


class HourRun(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """Consecutive numbers of one epoch whose items bear times of one UTC hour."""

    epoch: int
    hour_ns: int
    """Begin of the hour [Unix ns]."""
    first: int
    last: int
    readings: int = 0
    final: bool = False
    """The epoch ended here: what is stored above `last` was sent while the disk refused it."""


def encode_run(run: HourRun) -> str:
    """Write a run for the `detail` of an event."""
    return msgspec.json.encode(run).decode()


def decode_run(detail: str) -> HourRun:
    """Read a run; ValueError says where it is malformed or cannot be."""
    run = _RUN.decode(detail)
    fits = all(0 <= one < 1 << 63 for one in (run.epoch, run.hour_ns, run.readings, run.last))
    if not (fits and run.epoch and 1 <= run.first <= run.last) or run.hour_ns % HOUR_NS:
        raise ValueError(f"a run of numbers {run.first}..{run.last} in the hour {run.hour_ns} cannot be")
    return run


_RUN = msgspec.json.Decoder(HourRun)
