"""Runs a rule that may hang, die or exhaust memory: in its own process, under a limit of CPU time.

The process is told nothing but the rule and the two texts (`bench.answers.processes`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from time import perf_counter

from bench.answers.processes import (
    Closed,
    Died,
    Overdue,
    Processes,
    Stuck,
    Unstartable,
    result_of,
)
from bench.checkers.panel.base import Ruling
from bench.errors import BenchError
from bench.types import Outcome, Verdict

LIMIT = 5.0
"""CPU seconds for one question: as many of the wall clock on the quiet machine of the figures."""
_PATIENCE = 100
"""Wall seconds for each of them: a process that takes longer does not compute, but waits."""
_MEMORY = 4 << 30
"""Bytes a process may take beyond what it holds when warm."""

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
        self._process = Processes(1, _MEMORY, partial(_warm, rule))

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
        future = self._process.submit(
            _timed,
            self._rule,
            gold,
            prediction,
            timeout=_PATIENCE * self._limit,
            cpu_seconds=self._limit,
        )
        try:
            ruling, seconds = result_of(future)
        except Overdue:
            reason = f"undecided after {self._limit:g} s of CPU time, killed"
            return Outcome.CHECKER_TIMEOUT, reason, self._limit
        except Stuck as error:
            return Outcome.CHECKER_TIMEOUT, str(error), self._limit
        except Died as error:
            return Outcome.UNSAFE, str(error), 0.0
        except (Closed, Unstartable) as error:
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

    def close(self) -> None:
        """Kill the process, if there is one."""
        self._process.close()


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


def _warm(rule: Rule) -> None:
    """Import whatever the rule imports."""
    with contextlib.suppress(ImportError):  # the first question will say so
        _timed(rule, r"\frac{1}{2}", "0.5")
