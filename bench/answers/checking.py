r"""Says whether a predicted answer equals the reference, by which rule, and why.

`check` waits, `acheck` awaits; both give the same `Verdict` and raise only when no worker process
can be started at all. In order: an empty side, equal spelling, limits on size, math-verify. The
arguments are not symmetric: the first is the reference. What is not decided here is how an answer
is found in a text (`bench.answers.extraction`), and conventions on units and percent, which are
math-verify's: it ignores units, and reads `50\%` as text.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache

from bench.answers import workers
from bench.answers.algebra import Comparison, Finding
from bench.answers.canonical import canonical
from bench.answers.conventions import DEFAULT, Conventions
from bench.answers.limits import objection
from bench.errors import BenchError
from bench.types import Outcome, Verdict

_ATTEMPTS = 2
"""A pool can break under a question that did no harm, when idle workers are killed."""
_REMEMBERED = 4096

_OUTCOMES = {
    Finding.EQUAL: Outcome.CORRECT,
    Finding.DIFFERENT: Outcome.WRONG,
    Finding.GOLD_UNREADABLE: Outcome.INVALID_GOLD,
    Finding.PREDICTION_UNREADABLE: Outcome.UNPARSED,
    Finding.OUT_OF_TIME: Outcome.CHECKER_TIMEOUT,
    Finding.EXHAUSTED: Outcome.UNSAFE,
}
_REPEATABLE = (Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED)

_lock = threading.Lock()
_verdicts: OrderedDict[tuple[str, str], Verdict] = OrderedDict()


def check(gold: str, prediction: str | None, conventions: Conventions = DEFAULT) -> Verdict:
    """Grade one answer; blocks for at most the workers' timeout once its turn comes."""
    text = prediction or ""
    verdict = _settled(gold, text)
    for _ in range(_ATTEMPTS):
        if verdict is None:
            future = workers.submit(gold, text)
            verdict = _judged(gold, text, workers.result_of(future))
    return _remembered(verdict)


async def acheck(gold: str, prediction: str | None, conventions: Conventions = DEFAULT) -> Verdict:
    """Grade one answer without blocking the event loop; gather as many as there are."""
    import asyncio  # here, since whoever awaits has it, and others need not pay for it

    text = prediction or ""
    verdict = _settled(gold, text)
    for _ in range(_ATTEMPTS):
        if verdict is None:
            future = workers.submit(gold, text)
            await asyncio.wait([asyncio.wrap_future(future)])
            verdict = _judged(gold, text, workers.result_of(future))
    return _remembered(verdict)


def _settled(gold: str, prediction: str) -> Verdict | None:
    """The verdict, where no algebra is needed for it."""
    with _lock:
        if (known := _verdicts.get((gold, prediction))) is not None:
            _verdicts.move_to_end((gold, prediction))
            return known

    def verdict(outcome: Outcome, comparer: str, reason: str) -> Verdict:
        return Verdict(outcome, comparer, gold, prediction, reason)

    reference = canonical(gold)
    if not reference:
        return verdict(Outcome.INVALID_GOLD, "none", "the reference is empty")
    if not prediction.strip():
        return verdict(Outcome.NO_ANSWER, "none", "there is no answer")
    if canonical(prediction) == reference:
        return verdict(Outcome.CORRECT, "string", "the same text but for spelling")
    if (refused := objection(prediction)) is not None:
        return verdict(refused.outcome, "limits", refused.reason)
    if (refused := objection(gold)) is not None:
        return verdict(Outcome.INVALID_GOLD, "limits", f"the reference: {refused.reason}")
    return None


def _judged(gold: str, prediction: str, comparison: Comparison) -> Verdict | None:
    """The verdict that a comparison amounts to; none where there was no worker to make it."""
    if comparison.finding is Finding.NO_WORKER:
        return None
    return Verdict(
        outcome=_OUTCOMES[comparison.finding],
        comparer=_math_verify(),
        gold=gold,
        prediction=prediction,
        reason=comparison.reason,
        seconds=comparison.seconds,
    )


def _remembered(verdict: Verdict | None) -> Verdict:
    if verdict is None:
        raise BenchError(
            "no checker process can be started, or all of them keep dying. A script that checks "
            "answers must do so under `if __name__ == '__main__':`; else see the error above."
        )
    if verdict.outcome in _REPEATABLE:
        with _lock:
            _verdicts[verdict.gold, verdict.prediction] = verdict
            if len(_verdicts) > _REMEMBERED:
                _verdicts.popitem(last=False)
    return verdict


@cache
def _math_verify() -> str:
    from importlib.metadata import version

    return f"math-verify {version('math-verify')}"
