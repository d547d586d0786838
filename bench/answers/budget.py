"""A bound on the time that one comparison may take in the caller's own process.

Arithmetic asks `spend` as it goes. Who runs out is asked again in a worker, which can be killed; in
a process of one's own there is only the promise to stop, and this keeps it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

_local = threading.local()


class OutOfTime(Exception):
    """The budget of this thread is spent."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Let what runs inside take so many seconds; `spend` raises OutOfTime after them."""
    before = getattr(_local, "deadline", None)
    _local.deadline = perf_counter() + seconds
    try:
        yield
    finally:
        _local.deadline = before


def spend() -> None:
    """Raise OutOfTime if the budget is spent; without one, do nothing."""
    deadline = getattr(_local, "deadline", None)
    if deadline is not None and perf_counter() > deadline:
        raise OutOfTime


@contextmanager
def unmetered() -> Iterator[None]:
    """Do not charge the budget for what runs inside: loading a module, once."""
    start = perf_counter()
    try:
        yield
    finally:
        if getattr(_local, "deadline", None) is not None:
            _local.deadline += perf_counter() - start
