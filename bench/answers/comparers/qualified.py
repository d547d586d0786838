r"""What is said behind an answer: for which n, where x is from, if what holds.

Much of it may be left out, or said in other words, and is no reason to reject. But numbers, signs
and the words that divide all cases (odd, even, ...) must be the same where both sides have some.
What was read of it counts: a parameter of which both sides say what it is may have any name, and
what is said to be positive is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.answers.comparers.finding import Asked, Finding
from bench.answers.expressions import (
    EXPRESSIONS,
    ZERO,
    Answer,
    Group,
    Listing,
    Qualified,
    Relation,
    SetOf,
    Symbol,
    rename_everywhere,
    variables,
)

_TELLING = re.compile(
    r"\d+(?:\.\d+)?|[<>+-]|\b(?:le|ge|ne)\b|odd|even|prime|composite|positive|negative|rational|irrational"
)


def qualified(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two answers of which one at least says for which cases it holds."""
    notes = [_note(x) for x in (gold, prediction)]
    conditions = [_conditions(x) for x in (gold, prediction)]
    if not any(notes) and not any(conditions):
        return None
    told = [sorted(_TELLING.findall(note)) for note in notes]
    if all(told) and told[0] != told[1]:
        return Finding(False, "condition", "for other cases")
    wrapped = isinstance(gold, Qualified) or isinstance(prediction, Qualified)
    if not wrapped and not any(conditions):
        return None
    g, p = (_without_conditions(x) for x in (gold, prediction))
    positive = {name for each in conditions for name in _positive(each)}
    return asked.assuming(positive).compare(g, _renamed(p, g, conditions))


def _note(x: Answer) -> str:
    return x.note if isinstance(x, Qualified | Relation) else ""


def _conditions(x: Answer) -> tuple[Answer, ...]:
    if isinstance(x, Qualified | Relation):
        return x.conditions
    return (x.condition,) if isinstance(x, SetOf) and _parameters((x.condition,)) else ()


def _without_conditions(x: Answer) -> Answer:
    """The answer alone; a relation keeps the words of its note, which say what its letters are."""
    if isinstance(x, Qualified):
        return x.answer
    return replace(x, conditions=()) if isinstance(x, Relation) else x


def _parameters(conditions: Sequence[Answer]) -> list[str]:
    """The letters that are said to be out of a set."""
    return [
        x.sides[0].name
        for x in conditions
        if isinstance(x, Relation) and x.signs == ("in",) and isinstance(x.sides[0], Symbol)
    ]


def _positive(conditions: Sequence[Answer]) -> list[str]:
    """The letters that are said to be positive."""
    return [
        x.sides[0].name
        for x in conditions
        if isinstance(x, Relation)
        and x.signs == (">",)
        and x.sides[1] == ZERO
        and isinstance(x.sides[0], Symbol)
    ]


def _renamed(x: Answer, gold: Answer, conditions: Sequence[Sequence[Answer]]) -> Answer:
    """The prediction with its one parameter named as in the reference, if it is from one set."""
    wanted, given = (_parameters(each) for each in conditions)
    if len(wanted) != 1 or len(given) != 1 or wanted == given:
        return x
    if wanted[0] in _names(x) or given[0] in _names(gold):
        return x
    return rename_everywhere(x, {given[0]: wanted[0]})


def _names(x: Answer) -> frozenset[str]:
    """The variables of an answer."""
    match x:
        case Group(_, _, items) | Listing(items):
            return frozenset().union(*map(_names, items))
        case Relation(sides):
            return frozenset().union(*map(_names, sides))
        case SetOf(variable, condition):
            return _names(variable) | _names(condition)
        case _:
            return variables(x) if isinstance(x, EXPRESSIONS) else frozenset()
