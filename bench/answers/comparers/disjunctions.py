r"""Equations joined by "or": together they are the one equation of their product.

`a = 0 or b = 0` is `ab = 0`, and `x = 2 or x = -2` is `x^2 = 4`.
"""

from __future__ import annotations

from bench.answers.comparers.finding import Asked, Finding
from bench.answers.comparers.proportions import proportional
from bench.answers.expressions import (
    EXPRESSIONS,
    ZERO,
    Answer,
    Expression,
    Listing,
    Relation,
    multiply,
    subtract,
)

_JOINTS = ("or", "±")


def disjunctions(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """Two conditions of which at least one is made of alternatives."""
    if not any(isinstance(x, Listing) and x.joint in _JOINTS for x in (gold, prediction)):
        return None
    g, p = _factors(gold), _factors(prediction)
    if g is None or p is None:
        return None
    del asked
    zero = [Relation((multiply(*factors), ZERO), ("=",)) for factors in (g, p)]
    same = proportional(zero[0], zero[1])
    return Finding(True, "equation", "the same alternatives") if same else None


def _factors(x: Answer) -> list[Expression] | None:
    """The differences of the sides of each equation; none if there is anything else."""
    items = x.items if isinstance(x, Listing) and x.joint in _JOINTS else (x,)
    found: list[Expression] = []
    for item in items:
        if not (isinstance(item, Relation) and item.signs == ("=",)):
            return None
        left, right = item.sides
        if not (isinstance(left, EXPRESSIONS) and isinstance(right, EXPRESSIONS)):
            return None
        found.append(subtract(left, right))
    return found
