"""A bound on the CPU time that one comparison may take in the caller's own thread.

Arithmetic asks `spend` as it goes. Who runs out is asked again in a worker, which can be killed; in
a thread of one's own there is only the promise to stop, and this keeps it. What counts is what the
thread computed: a wall clock would let a busy neighbour decide verdicts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

_BETWEEN = 8
"""Calls of `spend` between two looks at the clock, each of which is a system call."""


class _Local(threading.local):
    deadline: float | None = None
    calls: int = 0


_local = _Local()


class OutOfTime(Exception):
    """The budget of this thread is spent."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Let what runs inside take so many CPU seconds; `spend` raises OutOfTime after them."""
    before = _local.deadline
    _local.deadline = thread_time() + seconds
    try:
        yield
    finally:
        _local.deadline = before


def spend() -> None:
    """Raise OutOfTime if the budget is spent; without one, do nothing."""
    _local.calls += 1
    if _local.calls >= _BETWEEN:
        _local.calls = 0
        deadline = _local.deadline
        if deadline is not None and thread_time() > deadline:
            raise OutOfTime


@contextmanager
def unmetered() -> Iterator[None]:
    """Do not charge the budget for what runs inside: loading a module, once."""
    start = thread_time()
    try:
        yield
    finally:
        if _local.deadline is not None:
            _local.deadline += thread_time() - start
