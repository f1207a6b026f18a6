"""The scan buffer: words, response times and qualities of all blocks since the last update."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from greenhearth_agent.plan import Plan

NOT_READ = -1


class ScanBuffer:
    """Filled by the pollers, emptied by the pipeline; both live in the same event loop."""

    def __init__(self, plan: Plan, on_write: Callable[[], None]) -> None:
        self.words = np.zeros(plan.n_words, np.uint16)
        self.t_ns = np.zeros(len(plan.blocks), np.int64)
        self.quality = np.full(len(plan.blocks), NOT_READ, np.int32)
        self._blocks = plan.blocks
        self._on_write = on_write

    def write(self, block: int, t_ns: int, quality: int, words: NDArray[np.uint16] | None) -> None:
        """Note the answer to one block; without words its old ones stay, and do not count."""
        if words is not None:
            one = self._blocks[block]
            self.words[one.offset : one.offset + one.count] = words
        self.t_ns[block] = t_ns
        self.quality[block] = quality
        self._on_write()

    @property
    def empty(self) -> bool:
        """Whether nothing has been written since the last clear()."""
        return bool((self.quality == NOT_READ).all())

    def clear(self) -> None:
        """Mark all blocks as not read."""
        self.quality.fill(NOT_READ)
