"""What a person sees when something cannot be done: one sentence and an exit code.

Exit codes of every verb: 0 fine, 1 it failed, 2 wrong usage or configuration, 130 stopped by
Ctrl-C before it was done.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

log = logging.getLogger(__name__)

FAILED = 1
WRONG_USE = 2


class PlainError(Exception):
    """Something a person can act on; the text is one sentence with the remedy in it."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


class Verbs(TyperGroup):
    """A group of verbs that answers expected errors with a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; end the process with a sentence on stderr and the exit code of the error."""
        from greenhearth.strict import ConfigError

        try:
            return super().invoke(ctx)
        except PlainError as error:
            return _end(str(error), error.code)
        except ConfigError as error:
            return _end(str(error), WRONG_USE)
        except OSError as error:
            return _end(sentence_of(error), FAILED)
        except KeyboardInterrupt:
            return _end("stopped", 130)


@contextmanager
def wrong_values() -> Iterator[None]:
    """Take a ValueError for what a person has asked: its text, exit code 2."""
    from greenhearth.strict import ConfigError

    try:
        yield
    except ConfigError:
        raise
    except ValueError as error:
        raise PlainError(str(error), WRONG_USE) from error


def sentence_of(error: OSError) -> str:
    """Return what the system says about an error, with the file it is about."""
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what


def _end(text: str, code: int) -> None:
    log.debug("ended by an error", exc_info=True)
    sys.stderr.write(f"greenhearth: {text}\n")
    raise SystemExit(code)
