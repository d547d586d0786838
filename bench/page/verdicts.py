"""A diff of two checkers on the page: what it does to each score, and every flip."""

from __future__ import annotations

from typing import Any

from bench.errors import DataError
from bench.page.sources import Source

_OF_DIFF = ("a", "b", "asked", "scores", "flips")
_OF_FLIP = ("name", "gold", "prediction", "equal", "right", "a", "b")


def describe_diff(source: Source) -> dict[str, Any]:
    """Return a stored diff as it is shown. Raises DataError: something of it is missing."""
    data = source.data
    flips = data.get("flips")
    whole = all(key in data for key in _OF_DIFF) and isinstance(flips, list)
    if not whole or not all(isinstance(f, dict) and set(_OF_FLIP) <= set(f) for f in flips):
        raise DataError(
            f"{source.path} is no whole diff of checkers; write it again with "
            "rstar-bench checkers diff --out"
        )
    return {"path": str(source.path), **{key: data[key] for key in _OF_DIFF}}
