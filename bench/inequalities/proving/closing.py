"""The end of a proof: a polynomial goal without radicals is closed, or it is not.

On the orthant first, homogenised where an equality allows it; then with the assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    degree_of,
    has_nonnegative_coefficients,
    is_homogeneous,
    lengthen,
    split_by_degree,
    to_json,
)
from bench.inequalities.proving.closers.constrained import prove_by_assumptions
from bench.inequalities.proving.closers.orthant import (
    COEFFICIENTS,
    find_negative_point,
    prove_on_orthant,
)
from bench.inequalities.proving.closers.signs import prove_positive
from bench.inequalities.proving.goals import Step
from bench.inequalities.proving.polynomial_goals import (
    PolynomialGoal,
    Split,
    apply_homogenise,
    cancel_positive_factors,
    homogenise,
)


def close(goal: PolynomialGoal, budget: Budget) -> list[Step] | None:
    """Return all steps of a proof of a goal without radicals; None if none is found."""
    known = goal.assumptions
    budget.tried["polynomials"] += 1
    if goal.strict:
        return _close_strictly(goal, budget)
    if goal.p.is_zero():
        if known.on_orthant:
            return [*goal.steps, {"step": "orthant", "proof": COEFFICIENTS}]
        return [*goal.steps, add_up_equalities(goal, [])]
    if known.on_orthant:
        constrained = any(known.facts) or any(h is not None for h in known.equalities)
        split = known.find_split()
        raised = apply_homogenise(goal, split) if split is not None else None
        if raised is not None:
            found = _close_on_orthant(raised, budget.part(40))
            if found is not None:
                return found
        if _fails_on_a_ray(raised or goal, split):
            return None
        found = _close_on_orthant(goal, budget.part(8 if constrained else 40))
        if found is None:
            found = _close_by_facts(goal, budget)
        if found is not None or not constrained:
            return found
    proof = prove_by_assumptions(goal.plain, known, budget)
    if proof is None:
        return None
    inner = lengthen({key: value for key, value in proof.items() if key != "by"}, goal.more)
    return [*goal.steps, {"step": "squares", **inner}]


def _fails_on_a_ray(goal: PolynomialGoal, split: Split | None) -> bool:
    """Whether a form is negative somewhere, and an equality is all that is assumed besides signs.

    A ray on which all variables are positive has a point of `A = B`, so that nothing is left to do.
    """
    known = goal.assumptions
    alone = split is not None and not known.facts and len(known.equalities) == 1
    return (
        alone and is_homogeneous(goal.plain) and find_negative_point(goal.plain, 1500) is not None
    )


def add_up_equalities(goal: PolynomialGoal, multipliers: Sequence[tuple[int, Polynomial]]) -> Step:
    """Return the step `squares` without squares: the goal is a sum of multiples of equalities."""
    inner: dict[str, Any] = {
        "multiplier": to_json(constant(goal.n, 1)),
        "negated": False,
        "blocks": [],
        "equalities": [[j, to_json(multiplier)] for j, multiplier in multipliers],
    }
    return {"step": "squares", **lengthen(inner, goal.more)}


def _close_strictly(goal: PolynomialGoal, budget: Budget) -> list[Step] | None:
    split = goal.assumptions.find_split()
    raised = apply_homogenise(goal, split) if split is not None else None
    for variant in (raised, goal):
        if variant is None or variant.p.is_zero():
            continue
        smaller = cancel_positive_factors(variant)
        proof = prove_positive(smaller.plain, goal.assumptions, split, budget)
        if proof is not None:
            return [*smaller.steps, {"step": "positive", "proof": lengthen(proof, goal.more)}]
    return None


def _close_on_orthant(goal: PolynomialGoal, budget: Budget) -> list[Step] | None:
    if find_negative_point(goal.plain, 1500) is not None:
        return None
    smaller = cancel_positive_factors(goal)
    proof = prove_on_orthant(smaller.plain, budget)
    if proof is None:
        return None
    return [*smaller.steps, {"step": "orthant", "proof": lengthen(proof, goal.more)}]


def _close_by_facts(goal: PolynomialGoal, budget: Budget) -> list[Step] | None:
    """Homogenise by a fact `A >= b` or `A <= b`, where that changes the goal the right way."""
    known = goal.assumptions
    for j, fact in enumerate(known.facts):
        if fact is None:
            continue
        parts = split_by_degree(fact[0])
        if len(parts) != 2 or 0 not in parts:
            continue
        for sign in (1, -1):
            high, low = sign * parts[max(parts)], -sign * parts[0]
            if not has_nonnegative_coefficients(high) or not has_nonnegative_coefficients(low):
                continue
            found = _homogenise_by_fact(goal, Split(j, high, low, sign), budget)
            if found is not None:
                return found
    return None


def _homogenise_by_fact(goal: PolynomialGoal, split: Split, budget: Budget) -> list[Step] | None:
    p = goal.plain
    higher = homogenise(p, split)
    if higher is None or higher == p:
        return None
    proofs = {}
    for k, part in split_by_degree(p).items():
        if k < degree_of(p):
            proof = prove_on_orthant(part if split.sign < 0 else -part, budget.part(5))
            if proof is None:
                return None
            proofs[str(k)] = lengthen(proof, goal.more)
    step = {"step": "homogenise_fact", "fact": split.equality, "parts": proofs}
    return _close_on_orthant(goal.then(step, goal.lift(higher)), budget.part(25))
