"""Room for a run: on the disk that it is written to, and in the cache that its weights go to.

Asked before anything is loaded: a disk that is full, or a cache that nobody may write to, should
not be found out after minutes of merging weights. Both bounds are below what a long run needs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench.engines.opening import ENGINES, SCORERS
from bench.errors import BenchError
from bench.evaluation.spec import Resolved
from bench.files.cache import cache_dir

MARGIN = 1 << 20
"""Bytes that are to stay free."""
PER_PROBLEM = 16 << 10
"""Bytes of a problem's record, tree and timings; most searches leave more."""


def require_disk(out: Path, problems: int) -> None:
    """Raise BenchError where a run of so many problems cannot be written to `out`."""
    require_free(out, MARGIN + PER_PROBLEM * problems, "the run")


def require_cache(resolved: Resolved) -> None:
    """Raise BenchError where the cache cannot take the weights that are yet to be merged."""
    needed = _count_weights(resolved)
    if needed:
        cache = cache_dir()
        require_writable(cache)
        require_free(cache, needed + MARGIN, "the cache of merged weights (RSTAR_BENCH_CACHE)")


def _count_weights(resolved: Resolved) -> int:
    needed = 0
    if resolved.policy is not None and resolved.engine is not None:
        needed += ENGINES[resolved.engine].count_missing(resolved.policy)
    if resolved.ppm is not None:
        needed += SCORERS[resolved.scorer.engine].count_missing(resolved.ppm)
    return needed


def require_free(path: Path, needed: int, what: str) -> None:
    """Raise BenchError where fewer bytes are free than something needs at least."""
    try:
        free = shutil.disk_usage(_nearest(path)).free
    except OSError:
        return  # whoever writes there says what is wrong
    if free < needed:
        raise BenchError(
            f"{what} needs at least {_in_mib(needed)} below {path}, and {_in_mib(free)} are free; "
            "free some space, or choose another place"
        )


def require_writable(folder: Path) -> None:
    """Raise BenchError for a cache that cannot be written to.

    Tried, because what permissions say is not what a file system does.
    """
    probe = folder / f"probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise BenchError(
            f"the cache {folder} cannot be written to: {error.strerror}; set RSTAR_BENCH_CACHE to "
            "a folder that can"
        ) from error


def _nearest(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it that is there."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


def _in_mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
