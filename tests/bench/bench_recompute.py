"""One year of one line, a record a minute, restated with two new factors; per phase and in all.

The journal is written by the gateway's own writer first (some minutes; `--journal DIR` keeps it).
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp())
sys.path.insert(0, str(Path(__file__).parents[1] / "recompute"))

from kiln_journal import NEW, PLAIN_NAMES, kiln_site, open_works

from greenhearth.columns import read_scans
from greenhearth.factors import load_factors
from greenhearth.restate_sums import columns_of, find_sums, line_model
from greenhearth.site import load_site
from greenhearth_cli.recompute_answer import Question, answer
from greenhearth_gateway.intake import Source
from greenhearth_gateway.journal.past import births_of, journal_of, record_payloads

MINUTES = 365 * 1440 + 1
FOREVER = (1 << 63) - 1
T = TypeVar("T")


def timed(what: str, work: Callable[[], T]) -> T:
    """Run `work`, print wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    print(f"{what:34} {time.perf_counter() - wall:6.2f} s   processor {time.process_time() - cpu:6.2f} s")
    return found


def make(folder: Path, minutes: int) -> None:
    """Write the journal, the site file and the new factors."""
    folder.mkdir(parents=True, exist_ok=True)
    works = open_works(folder, kiln_site(folder, PLAIN_NAMES))
    works.be_born()
    works.run(minutes)
    works.close()
    (folder / "new.toml").write_text(NEW)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", type=Path, default=None, help="folder to keep or find the journal in")
    parser.add_argument("--minutes", type=int, default=MINUTES)
    given = parser.parse_args()
    folder = given.journal or Path(tempfile.mkdtemp())
    if not (folder / "journal.sqlite").exists():
        timed("writing the journal", lambda: make(folder, given.minutes))
    size = (folder / "journal.sqlite").stat().st_size
    print(f"{given.minutes} records, {size / 1e6:.0f} MB")
    question = Question(folder, folder / "kiln.toml", folder / "new.toml", to_text="2022-01-03")
    timed("two days (kernels compile)", lambda: answer(question))
    phases(folder)
    for window in ("24h", "all"):
        whole = Question(folder, folder / "kiln.toml", folder / "new.toml", window=window)
        (found,) = timed(f"all of it, windows: {window}", lambda asked=whole: answer(asked))
        print(f"  {found.checked.restated} of {found.checked.stored} windows restated")
    print("\n".join(found.explanations))


def phases(folder: Path) -> None:
    """Time each phase with those before it."""
    reader, source = journal_of(folder), Source("works", "edge1")
    model = line_model(load_site(folder / "kiln.toml"), "kiln", load_factors())
    births = births_of(reader, source)

    def payloads() -> "object":
        return record_payloads(reader, source, 0, FOREVER)

    def scans() -> "object":
        return read_scans(
            payloads(), lambda epoch, seq: columns_of(model, births.get((epoch, seq))), len(model.series)
        )

    timed("reading", lambda: sum(len(one) for one in payloads()))
    timed("reading, decoding", lambda: sum(len(one.t_ns) for one in scans()))
    timed("reading, decoding, window sums", lambda: find_sums(model, scans()))


if __name__ == "__main__":
    main()
