"""Public names of codes; a code from a newer agent keeps its number."""

from greenhearth.quality import Validity, quality_name


def validity_text(code: int) -> str:
    """Return the name of a validity code, e.g. ``PARTIAL``."""
    try:
        return Validity(code).name
    except ValueError:
        return f"CODE_{code}"


def quality_text(code: int) -> str:
    """Return the name of a quality code, e.g. ``TIMEOUT``."""
    try:
        return quality_name(code)
    except ValueError:
        return f"CODE_{code}"
