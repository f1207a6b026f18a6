"""The sentences that tell a person what is wrong right now; each has one owner and one key."""

import logging
import threading

log = logging.getLogger(__name__)


class Problems:
    """Current problems by key. A problem is logged when it begins and when it ends, once each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, str] = {}

    def begin(self, key: str, sentence: str) -> None:
        """State a problem, or replace the wording of one that goes on."""
        with self._lock:
            is_new = key not in self._open
            self._open[key] = sentence
        if is_new:
            log.warning("%s", sentence)

    def end(self, key: str) -> None:
        """Take a problem back."""
        with self._lock:
            sentence = self._open.pop(key, None)
        if sentence is not None:
            log.info("over: %s", sentence)

    def is_open(self, key: str) -> bool:
        """Tell whether a problem is there now."""
        with self._lock:
            return key in self._open

    def keys(self) -> list[str]:
        """Return the keys of the problems of now, sorted."""
        with self._lock:
            return sorted(self._open)

    def sentences(self) -> list[str]:
        """Return the problems of now, in the order of their keys."""
        with self._lock:
            return [self._open[key] for key in sorted(self._open)]
