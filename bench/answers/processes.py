"""Processes that are made to be killed: warm, silent, bounded in memory, dead when their parent is.

What is asked of them is a function of a module and its arguments, with a limit on the wall clock
and perhaps another on CPU time, which no neighbour can use up; who takes longer is killed, and the
next question gets a fresh process, whose start does not count. Where CPU time has a limit, it is
the question's fault that it is spent; that the wall clock's comes first is the machine's. A pool
may be asked from any thread; a fork of the caller starts processes of its own. They are spawned,
not forked, so that the caller's threads and models stay out of them: a script that asks needs
`if __name__ == "__main__":` around what it does, as with all spawned Python processes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:  # at run time they are imported by the first question: 60 ms for `bench --help`
    from concurrent.futures import Future

    from pebble import ProcessPool

_PR_SET_PDEATHSIG = 1


class Lost(Exception):
    """There is no answer; the message says why, in words for a verdict."""


class Overdue(Lost):
    """The process spent its CPU time and was killed."""


class Stuck(Lost):
    """The process did not end by the wall clock's limit, which leaves its CPU time many times over.

    It waits for what the machine does not give it.
    """


class Died(Lost):
    """The process ended by itself, or was killed by others."""


class Closed(Lost):
    """The processes were stopped before they answered."""


class Unstartable(Lost):
    """No process could be kept alive to ask; asking once more may help."""


class Processes:
    """So many processes, started by the first question and stopped by `close`."""

    def __init__(self, count: int, memory: int, warm: Callable[[], object]) -> None:
        """Start nothing yet.

        `memory` is what each may take, in bytes, beyond what it holds after `warm`, which is called
        in each once, and loads what the questions will need.
        """
        self._count, self._memory, self._warm = count, memory, warm
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._owner = 0  # after a fork, the child's threads do not serve the parent's pool
        # A pool that is stopped leaves its own unanswered for ever.
        self._asked: WeakSet[Future[Any]] = WeakSet()

    def submit(
        self,
        function: Callable[..., Any],
        *args: object,
        timeout: float,
        cpu_seconds: float | None = None,
    ) -> Future[Any]:
        """Ask; `result_of` waits for the answer. `timeout` is of the wall clock."""
        if cpu_seconds is not None:
            args, function = (cpu_seconds, function, *args), _run_metered
        with self._lock:
            if self._pool is None or self._owner != os.getpid() or not self._pool.active:
                from multiprocessing import get_context

                from pebble import ProcessPool

                self._stop(self._pool)  # it may be broken and still have a process
                self._pool = ProcessPool(
                    self._count,
                    initializer=_prepare,
                    initargs=(self._memory, self._warm),
                    context=get_context("spawn"),
                )
                self._owner = os.getpid()
            future: Future[Any] = self._pool.schedule(function, args=args, timeout=timeout)
            self._asked.add(future)
            return future

    def close(self) -> None:
        """Stop them, unfinished questions included; the next question starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            unanswered = [future for future in self._asked if not future.done()]
        for future in unanswered:  # first: a pool that is stopped may call itself broken instead
            future.cancel()
        self._stop(pool)

    def _stop(self, pool: ProcessPool | None) -> None:
        if pool is not None and self._owner == os.getpid():
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def count_cores() -> int:
    """Return how many cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def result_of(future: Future[Any]) -> Any:
    """Wait for an answer.

    Raises Overdue, Stuck, Died, Closed or Unstartable, or what the function raised.
    """
    from concurrent.futures import CancelledError
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

    try:
        return future.result()
    except TimeoutError as error:
        raise Stuck("the machine gave its process no time") from error
    except ProcessExpired as error:
        if error.exitcode == -signal.SIGPROF:
            raise Overdue("its CPU time was spent") from error
        raise Died(f"its process died ({error})") from error
    except CancelledError as error:
        raise Closed("the checkers were closed") from error
    except BrokenProcessPool as error:
        raise Unstartable(str(error)) from error


def _run_metered(cpu_seconds: float, function: Callable[..., Any], *args: object) -> Any:
    """Run in this process, which the system ends when it has computed for so long, in C or not."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        return function(*args)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _prepare(memory: int, warm: Callable[[], object]) -> None:
    """Make this process one of them."""
    import ctypes
    import logging
    import resource
    import sys
    import warnings
    from pathlib import Path

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # parsers print warnings; the caller's output is not theirs
        os.dup2(null, stream)
    os.close(null)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    warm()
    statm = Path("/proc/self/statm")
    if statm.exists():
        base = int(statm.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (base + memory, hard))
