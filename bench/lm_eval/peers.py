"""math-verify as others use it, in a process of its own that is killed when it takes too long."""

from __future__ import annotations

import atexit
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pebble import ProcessPool

TIMEOUT = 5.0
"""Seconds for one pair, math-verify's own default for each of its steps."""
_MEMORY = 4 << 30
"""Bytes of address space: some powers would take all there is."""

_lock = threading.Lock()
_pool: ProcessPool | None = None


@lru_cache(maxsize=4096)
def math_verify_accepts(gold: str, answer: str) -> bool | None:
    """Return whether math-verify takes the answer to be the gold; None where it did not finish."""
    from concurrent.futures import CancelledError
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

    try:
        accepted: bool = (
            _started().schedule(_accepts, args=(gold, answer), timeout=TIMEOUT).result()
        )
    except (TimeoutError, ProcessExpired, BrokenProcessPool, CancelledError, MemoryError):
        return None
    return accepted


def _accepts(gold: str, answer: str) -> bool:
    from math_verify import parse, verify

    # The process is killed from outside: no alarm signals in here.
    golds = parse(f"\\boxed{{{gold}}}", parsing_timeout=None)
    answers = parse(f"\\boxed{{{answer}}}", parsing_timeout=None)
    return bool(verify(golds, answers, timeout_seconds=None))


def _prepare() -> None:
    import logging
    import resource

    import math_verify  # noqa: F401  (its import takes longer than a pair may)

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # its warnings on having no timeout
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _started() -> ProcessPool:
    global _pool
    with _lock:
        if _pool is None or not _pool.active:
            from multiprocessing import get_context

            from pebble import ProcessPool

            _pool = ProcessPool(1, initializer=_prepare, context=get_context("spawn"))
            atexit.register(close)
        return _pool


def close() -> None:
    """Stop the process; the next question starts another."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
