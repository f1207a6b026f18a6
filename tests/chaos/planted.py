"""A pytest with a planted bug: ``GREENHEARTH_BUG=NAME pytest -p tests.chaos.planted ...``."""

import pytest
from hypothesis import Phase, settings

from greenhearth.kernel_cache import use_kernel_cache

from .bugs import plant_what_is_asked_for


def pytest_configure(config: pytest.Config) -> None:
    """Plant before any test is imported; keep no example that only a planted bug makes fail."""
    del config
    phases = (Phase.explicit, Phase.generate)  # the simplest example is not looked for, the first will do
    settings.register_profile("planted", database=None, phases=phases, report_multiple_bugs=False)
    settings.load_profile("planted")
    use_kernel_cache()
    plant_what_is_asked_for()
