"""An agent that loses memory: ``python -m tests.chaos.soak_leak BYTES agent run ...``.

With every record it forgets to give back BYTES. A meter that does not find this agent's growth
proves nothing about the others.
"""

import sys
from typing import Any


def plant(size: int) -> None:
    """Let the pipeline keep `size` bytes of every record it makes."""
    from greenhearth.kernel_cache import use_kernel_cache

    use_kernel_cache()  # before the kernels are imported
    from greenhearth_agent.pipeline import Pipeline

    lost: list[bytes] = []
    update = Pipeline.update

    def leaking(self: Any) -> None:
        before = self.records
        update(self)
        lost.extend(bytes(size) + b"" for _ in range(self.records - before))

    Pipeline.update = leaking  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(int(sys.argv[1]))
    from greenhearth_cli.main import app

    app(sys.argv[2:], prog_name="greenhearth")
