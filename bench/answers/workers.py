"""The warm processes that decide what the caller could not, or should not, in its own.

Two compare answers, two others check certificates: these are asked longer questions, and have no
use for an algebra system.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.answers.conventions import Conventions
from bench.answers.deciding import Decision
from bench.answers.processes import Closed, Died, Overdue, Processes, Stuck, Unstartable
from bench.answers.processes import result_of as _answer_to
from bench.answers.second_opinion import deliberate, warm
from bench.types import Outcome

if TYPE_CHECKING:
    from concurrent.futures import Future

TIMEOUT = 2.0
"""CPU seconds for one comparison; a worker's start does not count."""
_PATIENCE = 100
"""Wall seconds for each CPU second: a process that takes longer does not compute, but waits."""
STUCK = Decision(Outcome.CHECKER_TIMEOUT, "none", "the machine gave the checker no time to decide")
"""The decision where that was so."""
_MEMORY = 2 << 30
"""Bytes a worker may take beyond what it holds when warm."""
_workers = Processes(2, _MEMORY, warm)


def _warm_checker() -> None:
    """Load the checker of certificates."""
    from bench.inequalities import checker
    from bench.inequalities.texts import reading

    assert checker and reading


_certificate_workers = Processes(2, _MEMORY, _warm_checker)


def submit(gold: str, prediction: str, conventions: Conventions) -> Future[Decision]:
    """Ask for a comparison; `result_of` waits for the answer."""
    question = (gold, prediction, conventions)
    return _workers.submit(deliberate, *question, timeout=_PATIENCE * TIMEOUT, cpu_seconds=TIMEOUT)


def result_of(future: Future[Decision]) -> Decision | None:
    """Wait for a decision; that its worker died or was killed is one, too.

    None where the pool could not keep a worker alive to ask.
    """
    try:
        decision: Decision = _answer_to(future)
    except Overdue:
        return Decision(
            Outcome.CHECKER_TIMEOUT, "none", f"undecided after {TIMEOUT:g} s of CPU time"
        )
    except Stuck:
        return STUCK
    except Died as error:
        return Decision(Outcome.UNSAFE, "none", str(error))
    except Closed as error:
        return Decision(Outcome.CHECKER_TIMEOUT, "none", str(error))
    except Unstartable:
        return None
    return decision


def submit_certificate(judge: Callable[..., Any], *args: str, cpu_seconds: float) -> Future[Any]:
    """Ask `judge`, a function of a module, about a certificate."""
    return _certificate_workers.submit(
        judge, *args, timeout=_PATIENCE * cpu_seconds, cpu_seconds=cpu_seconds
    )


def close_checkers() -> None:
    """Stop the workers, unfinished questions included; the next question starts new ones."""
    _workers.close()
    _certificate_workers.close()


atexit.register(close_checkers)
