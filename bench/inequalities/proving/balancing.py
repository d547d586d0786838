"""Where a goal is an equality, if that is at one point inside the orthant, in floating point.

What is proved of cyclic polynomials, of the smallest variable and of orders has its equality where
all variables are equal. A goal with weights has it elsewhere, and is scaled so that it is there.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import Goal
from bench.inequalities.statements import compile_float, evaluate

SAMPLED = 2_000
ROUNDS = 24
KEPT = 20
EQUAL = 3e-5
"""Value, relative to that at an ordinary point, that may be 0."""
LARGEST = 12
"""Denominator of a ratio of coordinates at most."""


def find_balance(goal: Goal) -> dict[str, Fraction] | None:
    """Return a point at which the goal is 0 and not all variables are equal; None if not found.

    Of a goal with equalities or facts none is looked for.
    """
    if goal.free or goal.facts or goal.equalities or len(goal.variables) < 2:
        return None
    point = _descend(goal)
    if point is None:
        return None
    ratios = [Fraction(x / point.min()).limit_denominator(LARGEST) for x in point]
    if len(set(ratios)) == 1:
        return None
    found = dict(zip(goal.variables, ratios, strict=True))
    return found if evaluate(goal.expression, found) == 0 else None


def _descend(goal: Goal) -> Floats | None:
    """Return the point inside the orthant at which the goal is smallest, if it is 0 there."""
    value = compile_float(goal.expression, goal.variables)
    random = np.random.default_rng(0)
    n = len(goal.variables)
    x = np.exp(random.standard_normal((SAMPLED, n)))
    size = float(np.nanmedian(abs(value(x)))) or 1.0

    def measure(at: Floats) -> Floats:
        # Of a form, all points of a ray are one; near the axes it is small without being 0.
        scaled = at / np.exp(np.log(at).mean(axis=1))[:, None]
        with np.errstate(all="ignore"):
            found = value(scaled) / size
        return np.where(np.isfinite(found), found, np.inf)

    for step in range(ROUNDS):
        best = x[np.argsort(measure(x))[:KEPT]]
        near = np.repeat(best, 40, axis=0)
        x = np.vstack([best, near * np.exp(0.6 ** (step + 1) * random.standard_normal(near.shape))])
    best = x[np.argmin(measure(x))]
    smallest = float(measure(best[None])[0])
    return best if abs(smallest) < EQUAL else None
