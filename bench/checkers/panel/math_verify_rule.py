"""math-verify at its pinned version, as it is used in practice: bare answers are put in a box.

Text that has delimiters of its own, or is prose, is given as it stands, and math-verify looks for
the answer itself. Its own alarms are off; the host keeps the clock.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

from bench.checkers.panel.base import Ruling
from bench.checkers.panel.hosted import Hosted

_DELIMITED = re.compile(r"\\boxed|\\fbox|\$|\\\(|\\\[")
_PROSE = re.compile(r"answer|[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}|\n")
_TEXT = re.compile(r"\\[a-zA-Z]+|\{[^{}]*\}")
_SHOWN = 80


def math_verify_checker() -> Hosted:
    """Return the member that asks math-verify."""
    about = "parse and verify, gold first; bare answers boxed, delimited text and prose as given"
    return Hosted("math-verify", f"math-verify {version('math-verify')}", about, math_verify)


def boxed_math_verify_checker() -> Hosted:
    """Return math-verify as lm-eval's tasks ask it: two answers, both boxed whatever they hold."""
    about = "parse and verify, gold first; both sides boxed"
    return Hosted("math-verify", f"math-verify {version('math-verify')}", about, boxed_math_verify)


def math_verify(gold: str, prediction: str) -> Ruling:
    """Ask math-verify about an answer or a response."""
    return _ask(_given(gold), _given(prediction))


def boxed_math_verify(gold: str, prediction: str) -> Ruling:
    """Ask math-verify about an answer."""
    return _ask(rf"\boxed{{{gold}}}", rf"\boxed{{{prediction}}}")


def _ask(gold: str, prediction: str) -> Ruling:
    from math_verify import parse, verify

    golds, predictions = (parse(side, parsing_timeout=None) for side in (gold, prediction))
    for name, readings in (("the reference", golds), ("the prediction", predictions)):
        if not readings:
            return Ruling(None, f"it cannot read {name}")
    equal = bool(verify(golds, predictions, timeout_seconds=None))
    relation = "equal" if equal else "different"
    return Ruling(equal, f"{relation}: {_shown(golds)} and {_shown(predictions)}")


def _given(text: str) -> str:
    """The text as math-verify gets it."""
    words = _TEXT.sub(" ", text)
    if _DELIMITED.search(text) or _PROSE.search(words):
        return text
    return rf"\boxed{{{text}}}"


def _shown(readings: list[Any]) -> str:
    """What it read, in its own notation; a number of thousands of digits cannot be printed."""
    try:
        return str(readings[0])[:_SHOWN]
    except ValueError:
        return "a number too long to print"
