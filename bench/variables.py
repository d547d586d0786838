"""Environment variables of this project: one prefix, and the names that they had before."""

from __future__ import annotations

import logging
import os
from functools import cache

PREFIX = "RSTAR_BENCH_"
_OLD_PREFIX = "RSTAR_"

log = logging.getLogger(__name__)


def read_variable(name: str) -> str | None:
    """Return the variable of this whole name; else what it was called before, with a notice.

    `RSTAR_BENCH_CHECKPOINTS` was `RSTAR_CHECKPOINTS`.
    """
    old = _OLD_PREFIX + name.removeprefix(PREFIX)
    if name in os.environ or old not in os.environ:
        return os.environ.get(name)
    _tell(old, name)
    return os.environ[old]


@cache
def _tell(old: str, name: str) -> None:
    log.warning("%s is called %s now; the old name is still read", old, name)
