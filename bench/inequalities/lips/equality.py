"""Whether two expressions are equal, exactly, and the proof that one may replace another.

Expressions are equal if the numerator of their difference is 0, roots taken as variables of their
own whose powers are reduced. They are equal under the assumptions if that numerator is a sum of
multiples of the equalities' numerators. What is not seen to be equal may still be so: roots that
depend on one another are not told (`sqrt(a*b)` and `sqrt(a)*sqrt(b)` are), and multiples of several
equalities are looked for up to a degree.

A replacement that loses something is proved by `bench.inequalities.proving.prover`. Every proof
here is made of the steps of FORMAT.md that come within a step `replace`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from flint import fmpq_mat

from bench.inequalities.budget import Budget
from bench.inequalities.lips.sides import (
    ZERO,
    join_terms,
    list_signed_terms,
    list_terms_of_difference,
    take_difference,
)
from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    degree_of,
    from_flint,
    is_homogeneous,
    make,
    size_of,
    terms_of,
    to_flint,
)
from bench.inequalities.proving.clearing import CannotClear, Reader, clear, read_assumptions
from bench.inequalities.proving.closers.orthant import COEFFICIENTS
from bench.inequalities.proving.closers.squares import list_monomials
from bench.inequalities.proving.closing import add_up_equalities
from bench.inequalities.proving.goals import Goal, Step, raise_variables, subtract, walk
from bench.inequalities.proving.polynomial_goals import (
    Assumptions,
    PolynomialGoal,
    Split,
    apply_homogenise,
)
from bench.inequalities.proving.prover import prove_goal
from bench.inequalities.statements import Expression, add, to_json_expression

MOST_UNKNOWNS = 300
"""Coefficients of multipliers that are looked for at once."""
MOST_POWER = 8
"""Power of the variables that replaces them, so that roots of these go."""


class Equality(StrEnum):
    """How two expressions are equal."""

    ALWAYS = "wherever both have a meaning"
    ASSUMED = "where the equalities hold"
    NOT_SEEN = "not seen to be equal"


def compare(goal: Goal, left: Expression, right: Expression) -> Equality:
    """Return how two expressions in a goal's variables are seen to be equal."""
    known = read_assumptions(goal)
    plain = dataclasses.replace(goal, expression=subtract(left, right), steps=())
    for variant in (plain, *raise_to_whole_powers(plain)):
        p = _read_numerator(variant, None)
        if p is not None and p.is_zero():
            return Equality.ALWAYS
    for split in (None, known.find_split()):
        p = _read_numerator(plain, split)
        if p is not None and _vanishes(p, known):
            return Equality.ASSUMED
    return Equality.NOT_SEEN


def _read_numerator(goal: Goal, split: Split | None) -> Polynomial | None:
    reader = Reader(goal.variables, [goal.signs[v] for v in goal.variables], split)
    try:
        return reader.read(goal.expression).numerator
    except CannotClear:
        return None


def raise_to_whole_powers(goal: Goal) -> list[Goal]:
    """Return the goal in powers of its variables whose roots are whole; none where none occur."""
    indices = {
        e[2].denominator
        for e in walk(goal.expression)
        if isinstance(e, tuple) and e[0] == "^" and isinstance(e[2], Fraction)
    }
    power = math.lcm(*indices)
    if not 1 < power <= MOST_POWER:
        return []
    raised = raise_variables(goal, goal.variables, power)
    return [] if raised is None else [raised]


def _vanishes(p: Polynomial, known: Assumptions) -> bool:
    """Whether a numerator is 0 where the equalities hold, coefficient by coefficient of roots."""
    parts: dict[Exponents, dict[Exponents, Fraction]] = {}
    for e, c in terms_of(p).items():
        parts.setdefault(e[known.n :], {})[e[: known.n]] = c
    return all(
        find_multipliers(make(known.n, terms), known.equalities) is not None
        for terms in parts.values()
    )


# Multipliers


def find_multipliers(
    p: Polynomial, divisors: Sequence[Polynomial | None]
) -> list[tuple[int, Polynomial]] | None:
    """Return multipliers of divisors, by number, whose products add up to `p`.

    None where none are found: of one divisor they are found if there are any, of several up to the
    largest of all the degrees.
    """
    if p.is_zero():
        return []
    usable = [(j, h) for j, h in enumerate(divisors) if h is not None and not h.is_zero()]
    for j, h in usable:
        quotient, rest = divmod(p, h)
        if rest.is_zero():
            return [(j, quotient)]
    if len(usable) < 2:
        return None
    found = _solve_for_multipliers(p, [h for _, h in usable])
    if found is None:
        return None
    pairs = zip(usable, found, strict=True)
    return [(j, multiplier) for (j, _), multiplier in pairs if not multiplier.is_zero()]


def _solve_for_multipliers(
    p: Polynomial, divisors: Sequence[Polynomial]
) -> list[Polynomial] | None:
    """Return multipliers for all divisors, their coefficients found as unknowns."""
    n, degree = size_of(p), max(map(degree_of, (p, *divisors)))
    one_degree = all(map(is_homogeneous, (p, *divisors)))
    unknowns: list[tuple[int, Exponents]] = []
    for j, h in enumerate(divisors):
        top = degree_of(p) - degree_of(h) if one_degree else degree - degree_of(h)
        lowest = top if one_degree else 0
        unknowns += [(j, e) for d in range(max(lowest, 0), top + 1) for e in list_monomials(n, d)]
    if not unknowns or len(unknowns) > MOST_UNKNOWNS:
        return None
    columns = [terms_of(make(n, {e: Fraction(1)}) * divisors[j]) for j, e in unknowns]
    columns.append(terms_of(p))
    rows = {e: i for i, e in enumerate(dict.fromkeys(e for column in columns for e in column))}
    matrix = fmpq_mat(len(rows), len(columns))
    for k, column in enumerate(columns):
        for e, c in column.items():
            matrix[rows[e], k] = to_flint(c)
    solution = _solve(matrix)
    if solution is None:
        return None
    found: list[dict[Exponents, Fraction]] = [{} for _ in divisors]
    for (j, e), value in zip(unknowns, solution, strict=True):
        if value:
            found[j][e] = value
    return [make(n, terms) for terms in found]


def _solve(matrix: fmpq_mat) -> list[Fraction] | None:
    """Return a solution of the equations whose right sides are the last column; None without."""
    reduced, rank = matrix.rref()
    width = matrix.ncols() - 1
    solution = [Fraction(0)] * width
    for i in range(rank):
        pivot = next(k for k in range(width + 1) if reduced[i, k] != 0)
        if pivot == width:
            return None
        solution[pivot] = from_flint(reduced[i, width])
    return solution


# Proofs


def prove_replacement(
    goal: Goal,
    larger: Expression,
    smaller: Expression,
    budget: Budget,
    parts: Sequence[Expression] = (),
) -> list[Step] | None:
    """Return the steps of a proof that a goal is at least `larger - smaller`; None if not found.

    Where that is no equality, `parts` may be expressions, each to be proved by itself, that add up
    to what the goal has more.
    """
    new = take_difference(larger, smaller)
    lost = dataclasses.replace(
        goal, expression=subtract(goal.expression, new), steps=(), strict=False
    )
    found = prove_zero(lost, budget)
    if found is None and parts:
        found = _prove_parts(lost, parts, budget)
    return found if found is not None else _prove_shortened(lost, budget)


def prove_zero(goal: Goal, budget: Budget) -> list[Step] | None:
    """Return the steps of a proof of a goal that is 0, always or by the equalities.

    None where it is not seen to be, or where the sign of a denominator or radicand is not.
    """
    for variant in (goal, *raise_to_whole_powers(goal)):
        p = _read_numerator(variant, None)
        # Read first: a proof of the signs costs more, and most guesses end here.
        if p is None or not (p.is_zero() or variant.equalities):
            continue
        known = read_assumptions(variant)
        cleared = clear(variant, known, budget)
        if cleared is not None:
            found = _close_zero(cleared)
            if found is not None:
                return found
    return None


def _close_zero(goal: PolynomialGoal) -> list[Step] | None:
    """Return a proof that a polynomial is 0; with roots, that it is so homogenised."""
    known = goal.assumptions
    if goal.p.is_zero():
        if known.on_orthant:
            return [*goal.steps, {"step": "orthant", "proof": COEFFICIENTS}]
        return [*goal.steps, add_up_equalities(goal, [])]
    if not goal.has_radicals:
        found = find_multipliers(goal.plain, known.equalities)
        if found is not None:
            return [*goal.steps, add_up_equalities(goal, found)]
    for j in range(len(known.equalities)):
        split = known.split(j)
        raised = None if split is None else apply_homogenise(goal, split)
        if raised is not None and raised.p.is_zero():
            return _close_zero(raised)
    return None


def replace_in_goal(goal: Goal, by: Expression, proof: Sequence[Step]) -> Goal:
    """Return the goal after a step `replace`."""
    step = {"step": "replace", "by": to_json_expression(by), "proof": list(proof)}
    return dataclasses.replace(goal, expression=by, steps=(*goal.steps, step))


def _prove_shortened(goal: Goal, budget: Budget) -> list[Step] | None:
    """Prove a difference after the terms that cancel as they are written are gone."""
    terms = list_terms_of_difference(goal.expression, ZERO)
    if len(terms) < len(list_signed_terms(goal.expression)):
        by = join_terms(terms)
        proof = prove_zero(_differ(goal, by), budget)
        if proof is not None:
            return prove_goal(replace_in_goal(goal, by, proof), budget)
    return prove_goal(goal, budget)


def _prove_parts(goal: Goal, parts: Sequence[Expression], budget: Budget) -> list[Step] | None:
    """Prove a goal that is a sum of parts, part by part."""
    proof = prove_zero(_differ(goal, add(*parts)), budget)
    if proof is None:
        return None
    goal = replace_in_goal(goal, add(*parts), proof)
    for i, part in enumerate(parts[:-1]):
        left = add(*parts[i + 1 :])
        alone = prove_zero(_differ(goal, left, part), budget)
        if alone is None:
            return None
        lost = _differ(goal, left)
        proof = prove_goal(
            replace_in_goal(lost, part, alone), budget.part(budget.left, 1 / (len(parts) - i))
        )
        if proof is None:
            return None
        goal = replace_in_goal(goal, left, proof)
    return prove_goal(goal, budget)


def _differ(goal: Goal, *less: Expression) -> Goal:
    """Return the goal of what is left of a goal after something is taken away."""
    expression = goal.expression
    for each in less:
        expression = subtract(expression, each)
    return dataclasses.replace(goal, expression=expression, steps=())
