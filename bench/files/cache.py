"""The folder of what can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return RSTAR_BENCH_CACHE, else a folder in the user's cache."""
    given = os.environ.get("RSTAR_BENCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "rstar-bench"
