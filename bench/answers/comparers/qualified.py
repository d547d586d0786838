"""What is said behind an answer: for which n, where x is from, if what holds.

Much of it may be left out, or said in other words, and is no reason to reject. But numbers, signs
and the words that divide all cases (odd, even, ...) must be the same where both sides have some.
"""

from __future__ import annotations

import re

from bench.answers.comparers.finding import Asked, Finding
from bench.answers.expressions import Answer, Qualified, Relation

_TELLING = re.compile(
    r"\d+(?:\.\d+)?|[<>+-]|\b(?:le|ge|ne)\b|odd|even|prime|composite|positive|negative|rational|irrational"
)


def qualified(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two answers of which one at least says for which cases it holds."""
    notes = [_note(x) for x in (gold, prediction)]
    if not any(notes):
        return None
    told = [sorted(_TELLING.findall(note)) for note in notes]
    if all(told) and told[0] != told[1]:
        return Finding(False, "condition", "for other cases")
    if isinstance(gold, Qualified) or isinstance(prediction, Qualified):
        g, p = (x.answer if isinstance(x, Qualified) else x for x in (gold, prediction))
        return asked.compare(g, p)
    return None


def _note(x: Answer) -> str:
    return x.note if isinstance(x, Qualified | Relation) else ""
