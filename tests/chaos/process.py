"""A process of the product under test, with what a test wants changed in it.

``python -m tests.chaos.process [--bug NAME] [--outbox BYTES] [--set MODULE:NAME=NUMBER]... -- agent run ...``
does what ``greenhearth agent run ...`` does. `--set` and `--outbox` make rare things frequent (a shorter
pause between two retentions, an outbox that is full after seconds); `--bug` plants one of the defects of
`bugs.py`, to see that the rig finds it.
"""

import argparse
import importlib
import sys


def put(setting: str) -> None:
    """Set a module's constant: ``module:NAME=number``; whoever imported it by name keeps the old one."""
    place, _, value = setting.partition("=")
    module, _, name = place.partition(":")
    target = importlib.import_module(module)
    before = getattr(target, name)
    setattr(target, name, type(before)(float(value)))


def limit_outbox(most: int) -> None:
    """Let the agent's outbox be full at `most` bytes, which a site file may not ask for."""
    from greenhearth_agent.outbox import Outbox

    prepare = Outbox.open

    def limited(self: Outbox) -> None:
        self.max_bytes = most
        prepare(self)

    Outbox.open = limited  # type: ignore[method-assign]


def main(argv: list[str]) -> None:
    """Change what is asked for, then be the command."""
    at = argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--bug", default="")
    parser.add_argument("--outbox", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args(argv[:at])
    for setting in options.set:
        put(setting)
    if options.outbox:
        limit_outbox(options.outbox)
    if options.bug:
        from tests.chaos.bugs import BUGS

        BUGS[options.bug].plant()
    from greenhearth_cli.main import app

    app(argv[at + 1 :], prog_name="greenhearth")


if __name__ == "__main__":
    main(sys.argv[1:])
