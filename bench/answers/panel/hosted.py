"""Runs a rule that may hang, die or exhaust memory: in a process of its own, under a wall clock.

The process is spawned by the first question, told nothing but the rule and the two texts, and
killed at the limit; the next question gets a fresh one. Its start does not count. What the rule
prints is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from bench.answers.panel.base import Ruling
from bench.errors import BenchError
from bench.types import Outcome, Verdict

if TYPE_CHECKING:
    from pebble import ProcessPool

LIMIT = 5.0
"""Wall seconds for one question, the limit under which the published figures were measured."""
_MEMORY = 4 << 30
"""Bytes a process may take beyond what it holds when warm."""
_PR_SET_PDEATHSIG = 1

Rule = Callable[[str, str], Ruling]
"""Gold, prediction. A function of a module, so that a spawned process can import it."""


class Hosted:
    """A member of the panel whose rule runs in a process that is made to be killed."""

    def __init__(
        self, name: str, version: str, about: str, rule: Rule, *, limit: float = LIMIT
    ) -> None:
        """Start nothing yet."""
        self.name, self.version, self.about = name, version, about
        self._rule, self._limit = rule, limit
        self._pool: ProcessPool | None = None

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Judge one prediction.

        Raises:
            BenchError: no process can be started, or the rule lacks a package there.
        """
        text = prediction or ""

        def verdict(outcome: Outcome, reason: str, seconds: float = 0.0) -> Verdict:
            return Verdict(outcome, self.version, gold, text, reason, seconds)

        if not gold.strip():
            return verdict(Outcome.INVALID_GOLD, "the reference is empty")
        if not text.strip():
            return verdict(Outcome.NO_ANSWER, "there is no answer")
        return verdict(*self._ask(gold, text))

    def warm(self) -> None:
        """Start the process. Raises BenchError, as `check` does."""
        self.check("1", "1")

    def _ask(self, gold: str, prediction: str) -> tuple[Outcome, str, float]:
        from concurrent.futures.process import BrokenProcessPool

        from pebble import ProcessExpired

        try:
            future = self._running().schedule(
                _timed, args=(self._rule, gold, prediction), timeout=self._limit
            )
            ruling, seconds = future.result()
        except TimeoutError:
            reason = f"undecided after {self._limit:g} s, killed"
            return Outcome.CHECKER_TIMEOUT, reason, self._limit
        except ProcessExpired as error:
            return Outcome.UNSAFE, f"its process died ({error})", 0.0
        except BrokenProcessPool as error:
            self.close()
            raise BenchError(
                f"no process can be started for the checker {self.name!r} ({error}). A script that "
                "uses the panel must do so under `if __name__ == '__main__':`."
            ) from error
        except ImportError as error:  # every question would end so: no verdict on this one
            raise BenchError(f"the checker {self.name!r} cannot work here: {error}") from error
        if ruling.equal is None:
            return Outcome.UNPARSED, ruling.reason, seconds
        return (Outcome.CORRECT if ruling.equal else Outcome.WRONG), ruling.reason, seconds

    def _running(self) -> ProcessPool:
        if self._pool is None or not self._pool.active:
            from multiprocessing import get_context

            from pebble import ProcessPool

            self.close()
            self._pool = ProcessPool(
                1, initializer=_prepare, initargs=(self._rule,), context=get_context("spawn")
            )
        return self._pool

    def close(self) -> None:
        """Kill the process, if there is one."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _timed(rule: Rule, gold: str, prediction: str) -> tuple[Ruling, float]:
    """Ask the rule in this process; an exception of its own is a ruling, too."""
    start = perf_counter()
    try:
        ruling = rule(gold, prediction)
    except ImportError:
        raise
    except Exception as error:  # a rule is somebody else's code and raises what it pleases
        message = " ".join(str(error).split())[:200]
        ruling = Ruling(None, f"it raised {type(error).__name__}: {message}")
    return ruling, perf_counter() - start


def _prepare(rule: Rule) -> None:
    """Make this process a host: dead when its parent is, silent, warm, and bounded."""
    import ctypes
    import logging
    import warnings

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with contextlib.suppress(ImportError):  # the first question will say so
        _timed(rule, r"\frac{1}{2}", "0.5")  # imports whatever the rule imports
    statm = Path("/proc/self/statm")
    if statm.exists():
        base = int(statm.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (base + _MEMORY, hard))
