"""Where compiled kernels are kept between starts: compiling takes some 20 s, loading 0.2 s.

The compiler's own check looks at a function's file only, so that a change in a function it
calls, or in a constant it took in, would go unseen. The folder therefore carries a digest of
all sources that go into the kernels.
"""

import hashlib
import os
import sys
from pathlib import Path

_LIBRARY = Path(__file__).parent
_SOURCES = (*sorted(_LIBRARY.glob("kernels/*.py")), _LIBRARY / "metrics.py", _LIBRARY / "quality.py")


def kernel_cache() -> Path | None:
    """Return a writable folder for compiled kernels, None where there is none.

    ``NUMBA_CACHE_DIR``, else inside the virtual environment, else the user's cache.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = [home / "greenhearth"]
    if sys.prefix != sys.base_prefix:
        places.insert(0, Path(sys.prefix) / "cache")
    name = f"kernels-{_digest()}"
    return next((place / name for place in places if _writable(place / name)), None)


def use_kernel_cache() -> None:
    """Let kernels that this process or its children compile be found again next time.

    Call it before the kernels are imported.
    """
    place = kernel_cache()
    if place is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(place)


def _digest() -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:12]


def _writable(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK)
