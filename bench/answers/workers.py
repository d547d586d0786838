"""The processes that checkers run in: warm, two of them, killed when they take too long.

One pool for the process, started by the first question and stopped by `close_checkers` or at exit.
It may be asked from any thread; a fork of the caller starts a pool of its own. Processes are
spawned, not forked, so that the caller's threads and models stay out of them. As with all spawned
Python processes, a script that asks needs `if __name__ == "__main__":` around what it does.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from bench.answers.algebra import deliberate, prepare
from bench.answers.conventions import Conventions
from bench.answers.deciding import Decision
from bench.types import Outcome

if TYPE_CHECKING:  # at run time they are imported by the first question: 60 ms for `bench --help`
    from concurrent.futures import Future

    from pebble import ProcessPool

TIMEOUT = 2.0
"""Seconds for one comparison; a worker's start does not count."""
_WORKERS = 2

_lock = threading.Lock()
_pool: ProcessPool | None = None
_owner = 0
"""The process that started the pool: after a fork, the child's threads do not serve it."""
_asked: WeakSet[Future[Decision]] = WeakSet()
"""Questions not yet forgotten; a pool that is stopped leaves its own unanswered for ever."""


def submit(gold: str, prediction: str, conventions: Conventions) -> Future[Decision]:
    """Ask for a comparison; `result_of` waits for the answer."""
    global _pool, _owner
    with _lock:
        if _pool is None or _owner != os.getpid() or not _pool.active:
            from multiprocessing import get_context

            from pebble import ProcessPool

            _stop(_pool)  # it may be broken and still have a worker
            _pool = ProcessPool(_WORKERS, initializer=prepare, context=get_context("spawn"))
            _owner = os.getpid()
        future = _pool.schedule(deliberate, args=(gold, prediction, conventions), timeout=TIMEOUT)
        _asked.add(future)
        return future


def result_of(future: Future[Decision]) -> Decision | None:
    """Wait for a decision; that its worker died or was killed is one, too.

    None where the pool could not keep a worker alive to ask.
    """
    from concurrent.futures import CancelledError
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

    try:
        return future.result()
    except TimeoutError:
        return Decision(Outcome.CHECKER_TIMEOUT, "none", f"undecided after {TIMEOUT:g} s")
    except ProcessExpired as e:
        return Decision(Outcome.UNSAFE, "none", f"the worker died ({e})")
    except CancelledError:
        return Decision(Outcome.CHECKER_TIMEOUT, "none", "the checkers were closed")
    except BrokenProcessPool:
        return None


def close_checkers() -> None:
    """Stop the workers, unfinished questions included; the next question starts new ones."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
        unanswered = [future for future in _asked if not future.done()]
    for future in unanswered:  # first: a pool that is stopped may call itself broken instead
        future.cancel()
    _stop(pool)


def _stop(pool: ProcessPool | None) -> None:
    if pool is not None and _owner == os.getpid():
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


atexit.register(close_checkers)
