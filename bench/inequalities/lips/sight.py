"""Goals that are visibly true: what is left to a search that is measured without the prover.

A goal is closed where, denominators cleared and everything multiplied out, all terms of it, or of
its factors of odd power, have a plus in variables that are not negative; where one variable is
left, or two and one degree (Sturm); and where its sides are the same, always or by the equalities.
Nothing is ordered, substituted or written as a sum of squares.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from bench.inequalities.budget import Budget
from bench.inequalities.lips.equality import prove_zero, raise_to_whole_powers
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    from_flint,
    has_nonnegative_coefficients,
    is_homogeneous,
    lengthen,
    make,
    split_by_power,
    terms_of,
    to_json,
    variables_of,
)
from bench.inequalities.proving.clearing import clear, read_assumptions
from bench.inequalities.proving.closers.orthant import COEFFICIENTS, is_nonnegative_from_zero
from bench.inequalities.proving.goals import Goal, Step, has_variable_exponent
from bench.inequalities.proving.polynomial_goals import PolynomialGoal, apply_homogenise


def prove_by_sight(goal: Goal, budget: Budget) -> list[Step] | None:
    """Return the steps of a proof of a goal that is visibly true; None of another, or a strict one.

    The budget is for the signs of its denominators.
    """
    if goal.strict or has_variable_exponent(goal.expression):
        return None
    for variant in (goal, *raise_to_whole_powers(goal)):
        known = read_assumptions(variant)
        cleared = clear(variant, known, budget)
        if cleared is None or cleared.has_radicals:
            continue
        split = known.find_split()
        raised = None if split is None else apply_homogenise(cleared, split)
        for each in (cleared, raised):
            steps = None if each is None else _close(each)
            if steps is not None:
                return steps
    return prove_zero(goal, budget) if goal.equalities else None


def _close(goal: PolynomialGoal) -> list[Step] | None:
    known, p = goal.assumptions, goal.plain
    if known.on_orthant:
        proof = _see(p) or _see_factors(p)
        if proof is None:
            return None
        return [*goal.steps, {"step": "orthant", "proof": lengthen(proof, goal.more)}]
    terms = terms_of(p)
    if any(c < 0 or any(k % 2 for k in e) for e, c in terms.items()):
        return None
    # A sum of squares of single terms.
    roots = [to_json(make(goal.n, {tuple(k // 2 for k in e): Fraction(1)})) for e in terms]
    values = list(map(str, terms.values()))
    gram = [[c if i == j else "0" for j in range(len(values))] for i, c in enumerate(values)]
    one = to_json(constant(goal.n, 1))
    blocks = [{"weight": one, "basis": roots, "gram": gram}] if terms else []
    inner = {"multiplier": one, "negated": False, "blocks": blocks, "equalities": []}
    return [*goal.steps, {"step": "squares", **lengthen(inner, goal.more)}]


def _see(p: Polynomial) -> dict[str, Any] | None:
    """Return a nonneg-proof by coefficients or by one variable."""
    if has_nonnegative_coefficients(p):
        return COEFFICIENTS
    occurring = variables_of(p)
    if len(occurring) == 1 or (len(occurring) == 2 and is_homogeneous(p)):
        parts = split_by_power(p, occurring[0])
        values = [
            sum(terms_of(parts[k]).values(), Fraction(0)) if k in parts else Fraction(0)
            for k in range(max(parts) + 1)
        ]
        if is_nonnegative_from_zero(values):
            return {"by": "sturm", "variable": occurring[0]}
    return None


def _see_factors(p: Polynomial) -> dict[str, Any] | None:
    """Return a nonneg-proof by factors, of which each of odd power is seen not to be negative."""
    content, factors = p.factor()
    scale, parts = from_flint(content), list[list[Any]]()
    for factor, power in factors:
        if power % 2 == 0:
            parts.append([to_json(factor), int(power), None])
            continue
        proof = _see(factor)
        if proof is None:
            factor, scale = -factor, -scale
            proof = _see(factor)
        if proof is None:
            return None
        parts.append([to_json(factor), int(power), proof])
    if scale < 0:
        return None
    return {"by": "product", "constant": str(scale), "factors": parts}
