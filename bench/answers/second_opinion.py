"""What a worker process does: the same decision with more time; math-verify where we cannot read.

It sees text that was found harmless enough by `bench.answers.limits`, and may still hang or exhaust
memory: its process is made to be killed. Nothing here evaluates text; math-verify parses it with
grammars of its own. SIGALRM, math-verify's own timeout, is switched off: the pool keeps the clock.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

from bench.answers.budget import OutOfTime, budget
from bench.answers.conventions import DEFAULT, Conventions
from bench.answers.deciding import Decision, decide
from bench.types import Outcome

_PATIENCE = 1.5
"""CPU seconds after which a worker gives up by itself, a little before it would be killed."""


class Opinion(StrEnum):
    """What came of one comparison by math-verify."""

    EQUAL = "equal"
    DIFFERENT = "different"
    GOLD_UNREADABLE = "gold unreadable"
    PREDICTION_UNREADABLE = "prediction unreadable"
    EXHAUSTED = "exhausted"
    """Memory or recursion ran out."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finding, and the words that go with it."""

    finding: Opinion
    reason: str


def deliberate(gold: str, prediction: str, conventions: Conventions) -> Decision:
    """Decide what the caller could not within its budget; always with an outcome."""
    try:
        with budget(_PATIENCE):
            decision = decide(gold, prediction, conventions)
    except OutOfTime:
        return Decision(
            Outcome.CHECKER_TIMEOUT, "none", f"undecided after {_PATIENCE:g} s of CPU time"
        )
    except (MemoryError, RecursionError) as e:
        return Decision(Outcome.UNSAFE, "none", f"the worker met {type(e).__name__}")
    return decision if decision.outcome is not None else _second_opinion(decision, gold, prediction)


def _second_opinion(undecided: Decision, gold: str, prediction: str) -> Decision:
    """What math-verify says of a pair that our own comparers read and left undecided."""
    comparison = ask_math_verify(gold, prediction)
    outcome = {
        Opinion.EQUAL: Outcome.CORRECT,
        Opinion.DIFFERENT: Outcome.WRONG,
        Opinion.EXHAUSTED: Outcome.UNSAFE,
    }.get(comparison.finding, Outcome.UNPARSED)
    return replace(
        undecided, outcome=outcome, comparer=math_verify_name(), reason=comparison.reason
    )


@cache
def math_verify_name() -> str:
    """Return the library's name and version, as verdicts print it."""
    from importlib.metadata import version

    return f"math-verify {version('math-verify')}"


def warm() -> None:
    """Load what a comparison may need, math-verify's second opinion too: 1.2 s in all."""
    deliberate(r"\sqrt{2}", r"\sqrt{3}", DEFAULT)
    ask_math_verify(r"\int_0^1 x\,dx", "0.5")


def ask_math_verify(gold: str, prediction: str) -> Comparison:
    """Compare two answers as math-verify does when both are boxed, gold first."""
    try:
        golds, predictions = _parse(gold), _parse_boxed(prediction)
        if not golds:
            return Comparison(Opinion.GOLD_UNREADABLE, "math-verify cannot read the reference")
        if not predictions:
            return Comparison(Opinion.PREDICTION_UNREADABLE, "math-verify cannot read it")
        return _verify(golds, predictions)
    except (MemoryError, RecursionError) as e:
        return Comparison(Opinion.EXHAUSTED, f"math-verify failed with {type(e).__name__}")


def _parse_boxed(answer: str) -> list[Any]:
    """The readings of an answer: expressions, and the text itself last; empty if there are none."""
    from math_verify import parse

    try:
        boxed = r"\boxed{" + answer + "}"
        return list(parse(boxed, parsing_timeout=None, raise_on_error=True))
    except (MemoryError, RecursionError):
        raise
    except Exception:  # parsers raise what they please; not readable is all it means
        return []


_parse = lru_cache(maxsize=1024)(_parse_boxed)
"""For references, which many predictions share."""


def _verify(golds: list[Any], predictions: list[Any]) -> Comparison:
    from math_verify import verify

    trouble = ""
    for gold, prediction in itertools.product(golds, predictions):
        if isinstance(gold, str) or isinstance(prediction, str):
            continue  # spelling was compared before
        try:
            if verify(gold, prediction, timeout_seconds=None, raise_on_error=True):
                return Comparison(Opinion.EQUAL, "equal expressions")
        except (MemoryError, RecursionError):
            raise
        except Exception as e:  # one pair of readings that cannot be compared; others may
            trouble = f"; comparing them raised {type(e).__name__}"
    if _is_only_text(predictions) and not _is_only_text(golds):
        return Comparison(Opinion.PREDICTION_UNREADABLE, "math-verify reads no expression in it")
    return Comparison(Opinion.DIFFERENT, f"different expressions{trouble}")


def _is_only_text(readings: list[Any]) -> bool:
    return all(isinstance(reading, str) for reading in readings)
