"""What the log says of a link: when the broker goes, when it is back, and once if it never stays."""

import logging

from greenhearth.mqtt_options import LinkOptions

STEADY_S = 5.0
"""A connection that held for less was no success: the wait before the next one goes on growing."""
UNSTEADY = 5
"""Connections in a row that did not hold from which on the log says so, and of each of them no more."""


class LinkLog:
    """Remembers what was said, so that it is said once."""

    def __init__(self, options: LinkOptions, log: logging.Logger) -> None:
        self._where = f"{options.host}:{options.port}"
        self._who, self._log = options.client_id, log
        self._short = 0
        """Connections in a row that were accepted and did not hold."""
        self._quiet = False

    def connected(self) -> None:
        """Say that the broker has accepted a connection."""
        self._quiet = self._short > UNSTEADY
        if not self._quiet:
            self._log.info("connected to the broker at %s", self._where)

    def ended(self, accepted: bool, lasted_s: float) -> bool:
        """Note the end of a connection; return whether it had held for a while."""
        held = accepted and lasted_s >= STEADY_S
        if accepted:
            self._short = 0 if held else self._short + 1
        return held

    def away(self, why: str) -> None:
        """Say that the broker is away, or that it ends every connection."""
        if self._short == UNSTEADY and not self._quiet:
            self._log.warning(
                "the broker at %s has ended %d connections of %s within %g s each (%s): does another "
                "program run with this id, or is the line bad? Trying on",
                *(self._where, UNSTEADY, self._who, STEADY_S, why),
            )
        elif not self._quiet:
            self._log.warning(
                "the broker at %s is away (%s); trying again until it answers", self._where, why
            )
        self._quiet = True
