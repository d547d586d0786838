"""Sums of squares over positive numbers, taken together by the inequality of Cauchy and Schwarz.

    n1^2 / d1 + n2^2 / d2 + ... >= (n1 + n2 + ...)^2 / (d1 + d2 + ...)

The degree of what is to be shown falls so far that much is closed that was not before. The proof
of the step is Lagrange's identity.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    compile_polynomial,
    has_nonnegative_coefficients,
    lengthen,
    to_json,
)
from bench.inequalities.proving.bounding import sample
from bench.inequalities.proving.clearing import clear, read_assumptions, read_polynomial
from bench.inequalities.proving.goals import Goal, Step, list_terms, subtract
from bench.inequalities.statements import (
    Expression,
    add,
    divide,
    multiply,
    to_json_expression,
)

SAMPLED = 1_000
"""Points at which the bound is looked at before it is used."""
LEAST = -1e-9
"""Value, relative to the largest, below which it is taken for false."""


class _Square(NamedTuple):
    """`root^2 / over`."""

    root: Expression
    over: Expression


def add_squares(goal: Goal, budget: Budget) -> Goal | None:
    """Return the goal with its squares over something in one such fraction; None without gain."""
    if goal.free:
        return None
    terms = list(list_terms(goal.expression))
    read = [_as_square(term) for term in terms]
    squares = [each for each in read if each is not None]
    if len(squares) < 2:
        return None
    rest = [term for term, each in zip(terms, read, strict=True) if each is None]
    whole = add(*(each.root for each in squares))
    over = add(*(each.over for each in squares))
    by = add(divide(("^", whole, Fraction(2)), over), *rest)
    proof = _prove(goal, by, squares, budget)
    if proof is None:
        return None
    step = {"step": "replace", "by": to_json_expression(by), "proof": proof}
    changed = dataclasses.replace(goal, expression=by, steps=(*goal.steps, step))
    return changed if _seems_true(changed, budget) else None


def _as_square(e: Expression) -> _Square | None:
    """Return a term as a square, not of a number, over a term that is no number."""
    scale, above, below = _split(e)
    if scale <= 0 or not above or not below:
        return None
    roots: list[Expression] = []
    for factor in above:
        if not (isinstance(factor, tuple) and factor[0] == "^"):
            return None
        base, exponent = factor[1:]
        if not isinstance(exponent, Fraction) or exponent <= 0 or exponent % 2:
            return None
        roots.append(base if exponent == 2 else ("^", base, exponent / 2))
    more = [] if scale == 1 else [1 / scale]
    return _Square(multiply(*roots), multiply(*more, *below))


def _split(e: Expression) -> tuple[Fraction, list[Expression], list[Expression]]:
    """Return a number, and factors above and below the line."""
    if isinstance(e, Fraction):
        return e, [], []
    head = e[0] if isinstance(e, tuple) else ""
    if head == "*":
        parts = [_split(part) for part in e[1:]]
    elif head == "/":
        scale, above, below = _split(e[2])
        parts = [_split(e[1]), (1 / scale if scale else scale, below, above)]
    elif head == "-":
        parts = [(Fraction(-1), [], []), _split(e[1])]
    else:
        return Fraction(1), [e], []
    return (
        math.prod((part[0] for part in parts), start=Fraction(1)),
        [factor for part in parts for factor in part[1]],
        [factor for part in parts for factor in part[2]],
    )


def _prove(
    goal: Goal, by: Expression, squares: Sequence[_Square], budget: Budget
) -> list[Step] | None:
    """Return why the goal is not less than the expression that takes its place."""
    roots = [read_polynomial(each.root, goal.variables) for each in squares]
    overs = [read_polynomial(each.over, goal.variables) for each in squares]
    n = [p for p in roots if p is not None]
    d = [p for p in overs if p is not None and has_nonnegative_coefficients(p)]
    if len(n) < len(squares) or len(d) < len(squares):
        return None
    lemma = dataclasses.replace(
        goal, expression=subtract(goal.expression, by), steps=(), strict=False
    )
    cleared = clear(lemma, read_assumptions(goal), budget)
    if cleared is None or cleared.has_radicals or cleared.p.is_zero():
        return None
    weighted = [
        (
            math.prod((each for k, each in enumerate(d) if k not in (i, j)), start=d[0] * 0 + 1),
            n[i] * d[j] - n[j] * d[i],
        )
        for i, j in itertools.combinations(range(len(n)), 2)
    ]
    total = sum((weight * base**2 for weight, base in weighted), d[0] * 0)
    common = total.gcd(cleared.plain)
    scale = (total / common).leading_coefficient()
    multiplier, factor = total / common / scale, cleared.plain / common / scale
    if not all(map(has_nonnegative_coefficients, (multiplier, factor))):
        return None
    proof = {
        "by": "squares",
        "multiplier": to_json(multiplier),
        "blocks": [
            {"weight": to_json(weight * factor), "basis": [to_json(base)], "gram": [["1"]]}
            for weight, base in weighted
            if not base.is_zero()
        ],
    }
    return [*cleared.steps, {"step": "orthant", "proof": lengthen(proof, cleared.more)}]


def _seems_true(goal: Goal, budget: Budget) -> bool:
    """Whether no sampled point refutes a goal; with radicals none is looked at."""
    cleared = clear(goal, read_assumptions(goal), budget)
    if cleared is None or cleared.has_radicals:
        return cleared is not None
    values = compile_polynomial(cleared.plain)(sample(cleared, SAMPLED, seed=5))
    return not len(values) or bool(values.min() >= LEAST * abs(values).max())
