"""Runs the rig by hand: ``python -m tests.chaos.rig_by_hand --kills 10 --rounds 1``."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .account import describe
from .bugs import BUGS
from .rig import SPEED, RigOptions, run_rig


def main() -> int:
    """Run, tell, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--works", type=int, default=1)
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--at-most", type=float, default=0.0, dest="at_most_s")
    parser.add_argument("--bug", default="", choices=["", *BUGS])
    parser.add_argument("--pressed", action="store_true")
    parser.add_argument("--stop-at-finding", action="store_true")
    words = vars(parser.parse_args())
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcome = run_rig(RigOptions(folder=folder, **words))
    print(describe(outcome.options.seed, outcome.seconds, outcome.tally, outcome.verdict))
    print(*outcome.infrastructure, f"folder: {folder}", sep="\n")
    return 0 if outcome.verdict.clean and not outcome.infrastructure else 1


if __name__ == "__main__":
    sys.exit(main())
