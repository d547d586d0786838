"""Terms whose degrees an equality cannot bring together are multiplied by roots of 1.

An equality `A = B` of forms whose degrees differ by `d` makes degrees equal that differ by a
multiple of `d`. Where they differ by `g`, no multiple, a term is multiplied by `(A / B)^(g / d)`,
which is 1: the goal has a radical more then, and is homogeneous.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import Polynomial, terms_of
from bench.inequalities.proving.clearing import clear, read_assumptions
from bench.inequalities.proving.closers.orthant import COEFFICIENTS
from bench.inequalities.proving.goals import Goal, list_terms, subtract
from bench.inequalities.statements import (
    Expression,
    add,
    divide,
    multiply,
    negate,
    to_json_expression,
)

MOST_INDEX = 3
"""Index of a root of 1 at most; roots of higher ones are hard to bound."""


def even_out_degrees(goal: Goal, budget: Budget) -> Iterator[Goal]:
    """Yield the goal with terms multiplied by roots, so that all degrees can be made equal.

    First the one that takes fewest. None where the goal's terms are not forms, or need no roots.
    """
    known = read_assumptions(goal)
    split = known.find_split()
    terms = list(list_terms(goal.expression))
    degrees = [find_degree(term) for term in terms]
    if split is None or goal.free or any(degree is None for degree in degrees):
        return
    shares = [degree / split.difference % 1 for degree in degrees if degree is not None]
    gaps = {(a - b) % 1 for a in shares for b in shares}
    if len(gaps) < 2 or max(gap.denominator for gap in gaps) > MOST_INDEX:
        return
    ratio = divide(_write(split.high, goal), _write(split.low, goal))
    for kept in sorted(set(shares), key=lambda share: (-shares.count(share), share)):
        parts = [
            term if share == kept else _multiply(term, ("^", ratio, (kept - share) % 1))
            for term, share in zip(terms, shares, strict=True)
        ]
        changed = _replace(goal, add(*parts), budget)
        if changed is not None:
            yield changed


def find_degree(e: Expression) -> Fraction | None:
    """Return the degree of a homogeneous expression; None of another."""
    if isinstance(e, Fraction):
        return Fraction(0)
    if isinstance(e, str):
        return Fraction(1)
    head, *parts = e
    if head == "^":
        base = find_degree(parts[0])
        return None if base is None or not isinstance(parts[1], Fraction) else base * parts[1]
    degrees = [find_degree(part) for part in parts]
    known = [degree for degree in degrees if degree is not None]
    if len(known) < len(degrees):
        return None
    if head == "*":
        return sum(known, Fraction(0))
    if head == "/":
        return known[0] - known[1]
    return known[0] if len(set(known)) == 1 else None


def _multiply(term: Expression, factor: Expression) -> Expression:
    """Return a product with its sign in front."""
    if isinstance(term, tuple) and term[0] == "-":
        return negate(_multiply(term[1], factor))
    if isinstance(term, Fraction) and term < 0:
        return negate(_multiply(-term, factor))
    return multiply(term, factor)


def _write(p: Polynomial, goal: Goal) -> Expression:
    """Return a polynomial as an expression."""
    terms: list[Expression] = []
    for exponents, c in terms_of(p).items():
        factors: list[Expression] = [
            v if k == 1 else ("^", v, Fraction(k))
            for v, k in zip(goal.variables, exponents, strict=True)
            if k
        ]
        terms.append(multiply(*([c] if c != 1 or not factors else []), *factors))
    return add(*terms)


def _replace(goal: Goal, by: Expression, budget: Budget) -> Goal | None:
    """Return the goal with an expression that is equal to it; None where that is not seen."""
    lemma = dataclasses.replace(
        goal, expression=subtract(goal.expression, by), steps=(), strict=False
    )
    cleared = clear(lemma, read_assumptions(goal), budget, unit_roots=True)
    if cleared is None or not cleared.p.is_zero():
        return None
    proof = [*cleared.steps, {"step": "orthant", "proof": COEFFICIENTS}]
    step = {"step": "replace", "by": to_json_expression(by), "proof": proof}
    return dataclasses.replace(goal, expression=by, steps=(*goal.steps, step))
