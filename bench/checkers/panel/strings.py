"""A string rule in the manner of PRM800K's `grade_answer`: normalise, split tuples, compare.

Ours, from a description of that rule. A fraction must be written in the same lowest terms and an
integer as an integer, so 2/4 is not 1/2. The original then asks sympy about elements that still
differ, through `parse_expr`, which executes text: that step is left out, and what it would have
accepted is rejected here. Without it nothing can hang, so the rule runs in this process.
"""

from __future__ import annotations

import re
from time import perf_counter

from bench.checkers.panel.base import bare
from bench.types import Outcome, Verdict

_DROPPED = re.compile(
    r"\\(?:left|right|!|,|;|:|quad|qquad)(?![a-zA-Z])|\\\$|\$|\\?%|\^\{?\\circ\}?|°|\\ "
)
_UNITS = re.compile(
    r"(?<![a-zA-Z\\])(?:degree|cm|centimeter|meter|mile|second|minute|hour|day|week|month|year|"
    r"foot|feet|inch|yard)(?:es|s)?(?: *\^\{?[0-9]+\}?)?(?![a-zA-Z])"
)
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mbox)\{([^{}]*)\}")
_WORDS = re.compile(r" (?:and|or) |\\text\{ ?(?:and|or) ?\}")
_SHORT_FRACTION = re.compile(r"\\frac(\d)(\d)")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}")
_SHORT_ROOT = re.compile(r"\\sqrt(\w)")
_MIXED = re.compile(r"(\d) +(\d+/\d+)")
_THOUSANDS = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
_WHOLE = re.compile(r"(-?\d+)(?:\.0*)?")
_PAIRS = {"(": ")]", "[": ")]"}
_ABOUT = "normalised strings, tuples element by element; PARTIAL: the original's sympy step is out"


class PRM800KStyle:
    """The string rule; it holds nothing."""

    name = "prm800k-style"
    version = "prm800k-style 1"
    about = _ABOUT

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Judge one prediction."""
        start = perf_counter()
        text = prediction or ""
        if not gold.strip():
            outcome, reason = Outcome.INVALID_GOLD, "the reference is empty"
        elif not text.strip():
            outcome, reason = Outcome.NO_ANSWER, "there is no answer"
        else:
            ours, theirs = normalised(bare(gold)), normalised(bare(text))
            equal = bool(ours) and _elements(ours) == _elements(theirs)
            outcome = Outcome.CORRECT if equal else Outcome.WRONG
            reason = f"{'equal' if equal else 'different'} strings: {ours!r} and {theirs!r}"
        return Verdict(outcome, self.version, gold, text, reason, perf_counter() - start)

    def warm(self) -> None:
        """Do nothing: there is nothing to start."""

    def close(self) -> None:
        """Do nothing: there is no process."""


def normalised(answer: str) -> str:
    """Return the string that is compared: no units, no spaces, lower case."""
    text = _WORDS.sub(",", answer.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))
    text = _TEXT.sub(r"\1", _DROPPED.sub("", text))
    text = _FRACTION.sub(r" \1/\2", _SHORT_FRACTION.sub(r" \1/\2", text))
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _UNITS.sub("", text)).strip()
    text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), _MIXED.sub(r"\1+\2", text))
    text = re.sub(r"\s+", "", text).removesuffix(".")
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    if whole := _WHOLE.fullmatch(text):
        text = whole[1]
    return text.lower()


def _elements(text: str) -> list[str]:
    """The parts of a tuple, an interval or a list, with its brackets; one part for all else."""
    bracketed = len(text) > 1 and text[-1] in _PAIRS.get(text[0], "")
    if not bracketed:
        return text.split(",")
    inner = text[1:-1]
    if any(bracket in inner for bracket in "()[]"):
        return [text]
    return [text[0], *inner.split(","), text[-1]]
