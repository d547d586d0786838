r"""Says whether a predicted answer equals the reference, by which rule, and why.

`check` waits, `acheck` awaits; both give the same `Verdict` and raise only when no worker process
can be started at all. Nearly all pairs are decided at once, in the caller's process and within a
small budget of CPU time (`bench.answers.deciding`); the rest in worker processes that are killed
after two CPU seconds, so that no verdict depends on what else the machine does. The arguments are
not symmetric: the first is the reference. The prediction may be an answer or a whole response; what
was found in it, and where, the verdict says.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import perf_counter

from bench.answers import workers
from bench.answers.budget import OutOfTime, budget
from bench.answers.conventions import DEFAULT, Conventions
from bench.answers.deciding import Decision, decide
from bench.errors import BenchError
from bench.machine import Event, count
from bench.types import Outcome, Verdict

AT_ONCE = 0.05
"""CPU seconds that a comparison may take in the caller's thread before a worker is asked."""
_ATTEMPTS = 2
"""A pool can break under a question that did no harm, when idle workers are killed; and a machine
that gave a worker no time may give it some to another."""
_REMEMBERED = 4096
_REPEATABLE = (
    Outcome.CORRECT,
    Outcome.WRONG,
    Outcome.UNPARSED,
    Outcome.GUESSED,
    Outcome.NO_ANSWER,
)

_Question = tuple[str, str, Conventions]
_lock = threading.Lock()
_verdicts: OrderedDict[_Question, Verdict] = OrderedDict()


def check(gold: str, prediction: str | None, conventions: Conventions = DEFAULT) -> Verdict:
    r"""Grade one answer; blocks until a worker's CPU time is spent, if it comes to that.

    >>> check(r"\frac{1}{2}", "0.5").correct
    True
    >>> check("[0, 1)", "(0, 1)").correct
    False
    """
    question = (gold, prediction or "", conventions)
    start = perf_counter()
    if (known := _remembered(question)) is not None:
        return known
    decision = _at_once(question)
    for attempt in range(_ATTEMPTS):
        if _must_ask(decision, attempt):
            decision = workers.result_of(workers.submit(*question))
    return _verdict(question, decision, perf_counter() - start)


async def acheck(gold: str, prediction: str | None, conventions: Conventions = DEFAULT) -> Verdict:
    """Grade one answer; the event loop is held up for `AT_ONCE` at most, and awaited after that."""
    import asyncio  # here, since whoever awaits has it, and others need not pay for it

    question = (gold, prediction or "", conventions)
    start = perf_counter()
    if (known := _remembered(question)) is not None:
        return known
    decision = _at_once(question)
    for attempt in range(_ATTEMPTS):
        if _must_ask(decision, attempt):
            future = workers.submit(*question)
            await asyncio.wait([asyncio.wrap_future(future)])
            decision = workers.result_of(future)
    return _verdict(question, decision, perf_counter() - start)


def _at_once(question: _Question) -> Decision | None:
    """The decision, where it takes no time to speak of."""
    try:
        with budget(AT_ONCE):
            decision = decide(*question)
    except (OutOfTime, RecursionError):
        return None
    return decision if decision.outcome is not None else None


def _must_ask(decision: Decision | None, attempt: int) -> bool:
    """Whether a worker has to be asked, for the first time or again."""
    if decision is workers.STUCK and attempt:
        count(Event.VERDICT_AGAIN)
    return decision is None or decision is workers.STUCK


def _remembered(question: _Question) -> Verdict | None:
    with _lock:
        if (known := _verdicts.get(question)) is not None:
            _verdicts.move_to_end(question)
        return known


def _verdict(question: _Question, decision: Decision | None, seconds: float) -> Verdict:
    if decision is None or decision.outcome is None:
        raise BenchError(
            "no checker process can be started, or all of them keep dying. A script that checks "
            "answers must do so under `if __name__ == '__main__':`; else see the error above."
        )
    if decision is workers.STUCK:
        count(Event.VERDICT_LOST)
    gold, prediction, _ = question
    verdict = Verdict(
        outcome=decision.outcome,
        comparer=decision.comparer,
        gold=gold,
        prediction=prediction,
        reason=decision.reason,
        seconds=seconds,
        gold_form=decision.gold_form,
        prediction_form=decision.prediction_form,
        guess=decision.guess,
    )
    if verdict.outcome in _REPEATABLE:
        with _lock:
            _verdicts[question] = verdict
            if len(_verdicts) > _REMEMBERED:
                _verdicts.popitem(last=False)
    return verdict
