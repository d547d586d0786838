"""Values with a condition each: the same value under the same condition, in any order."""

from __future__ import annotations

from bench.answers.comparers.finding import Asked, Finding, all_of
from bench.answers.expressions import Answer, Piecewise, Text

_REST = frozenset(("otherwise", "else", "elsewhere"))

Pair = tuple[Answer, Answer]


def piecewise(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """At least one side is made of cases."""
    if not (isinstance(gold, Piecewise) or isinstance(prediction, Piecewise)):
        return None
    if not (isinstance(gold, Piecewise) and isinstance(prediction, Piecewise)):
        return None  # a name may stand before the cases; otherwise they are of different kinds
    if len(gold.cases) != len(prediction.cases):
        return Finding(False, "piecewise", "not the same number of cases")
    rest = list(prediction.cases)
    unmatched: list[Pair] = []
    for case in gold.cases:
        found = next((other for other in rest if _same(case, other, asked)), None)
        if found is None:
            unmatched.append(case)
        else:
            rest.remove(found)
    if len(unmatched) == len(rest) == 1:
        # What one side calls "otherwise", the other may spell out.
        (value, condition), (other, its) = unmatched[0], rest[0]
        if (_is_rest(condition) or _is_rest(its)) and asked.same(value, other):
            return Finding(True, "piecewise", "the same cases, one of them what is left")
    same = not unmatched
    return Finding(same, "piecewise", "the same cases" if same else "different cases")


def _same(gold: Pair, prediction: Pair, asked: Asked) -> bool | None:
    if _is_rest(gold[1]) and _is_rest(prediction[1]):
        return asked.same(gold[0], prediction[0])
    return all_of([asked.same(g, p) for g, p in zip(gold, prediction, strict=True)])


def _is_rest(condition: Answer) -> bool:
    return isinstance(condition, Text) and condition.words.lower() in _REST
