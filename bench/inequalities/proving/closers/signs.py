"""Proofs of a polynomial's sign under assumptions: denominators, radicands, coefficients."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    degree_of,
    generators,
    has_nonnegative_coefficients,
    is_homogeneous,
    make,
    terms_of,
    to_json,
)
from bench.inequalities.proving.closers.constrained import prove_by_assumptions
from bench.inequalities.proving.closers.orthant import find_negative_point, prove_on_orthant
from bench.inequalities.proving.polynomial_goals import Assumptions, Split, homogenise

MARGINS = (Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000))
SHARES = (Fraction(1, 2), Fraction(1, 100))
"""Of positive terms, which are left as the least value."""


class Signed(NamedTuple):
    """A sign, 1 or -1, and a sign-proof of FORMAT.md for it."""

    sign: int
    proof: dict[str, Any]


def prove_sign(
    p: Polynomial, known: Assumptions, split: Split | None, budget: Budget
) -> Signed | None:
    """Return why `p` is positive, or negative, wherever the assumptions hold; None if not found."""
    for sign in (1, -1):
        if known.is_visibly_positive(sign * p):
            return Signed(sign, {"by": "visible"})
    for sign in (1, -1):
        found = _prove_positive_at_once(sign * p, known, split)
        if found is not None:
            return Signed(sign, found)
    for sign in (1, -1):
        found = _by_margin(sign * p, known, split, budget) or _by_gap(sign * p, known, budget)
        if found is not None:
            return Signed(sign, found)
    return None


def prove_positive(
    p: Polynomial, known: Assumptions, split: Split | None, budget: Budget
) -> dict[str, Any] | None:
    """Return why `p` is positive wherever the assumptions hold; None if not found."""
    if known.is_visibly_positive(p):
        return {"by": "visible"}
    return (
        _prove_positive_at_once(p, known, split)
        or _above_a_term(p, known, budget)
        or _by_margin(p, known, split, budget)
        or _by_gap(p, known, budget)
    )


def _prove_positive_at_once(
    p: Polynomial, known: Assumptions, split: Split | None
) -> dict[str, Any] | None:
    return (
        _by_equality(p, known, split)
        or _by_fact(p, known, strict=True)
        or _by_power(p, known, split)
    )


def _above_a_term(p: Polynomial, known: Assumptions, budget: Budget) -> dict[str, Any] | None:
    """Leave a part of the terms that are seen to be positive."""
    if not known.on_orthant or find_negative_point(p, 400) is not None:
        return None
    terms = {e: c for e, c in terms_of(p).items() if c > 0}
    visible = [e for e in terms if known.is_visibly_positive(make(known.n, {e: Fraction(1)}))]
    for share in SHARES:
        for chosen in (visible, *([e] for e in visible)):
            least = make(known.n, {e: terms[e] * share for e in chosen})
            if budget.is_spent or least.is_zero():
                return None
            proof = prove_on_orthant(p - least, budget.part(6), squares=len(chosen) == len(visible))
            if proof is not None:
                inner = {"by": "orthant", "proof": proof}
                return {"by": "above", "least": to_json(least), "proof": inner}
    return None


def prove_not_negative(p: Polynomial, known: Assumptions, budget: Budget) -> dict[str, Any] | None:
    """Return why `p` is not negative wherever the assumptions hold; None if not found."""
    if known.is_visibly_nonnegative(p):
        return {"by": "visible"}
    found = _by_fact(p, known, strict=False)
    if found is not None:
        return found
    if known.on_orthant:
        proof = prove_on_orthant(p, budget.part(4))
        if proof is not None:
            return {"by": "orthant", "proof": proof}
    return prove_by_assumptions(p, known, budget.part(5))


def _by_equality(p: Polynomial, known: Assumptions, split: Split | None) -> dict[str, Any] | None:
    if split is None:
        return None
    found = homogenise(p, split)
    if found is None or not known.is_visibly_positive(found):
        return None
    return {"by": "homogenised", "equality": split.equality}


def _by_fact(p: Polynomial, known: Assumptions, *, strict: bool) -> dict[str, Any] | None:
    for j, fact in enumerate(known.facts):
        if fact is not None and fact[0] == p and (fact[1] or not strict):
            return {"by": "fact", "fact": j}
    return None


def _by_power(p: Polynomial, known: Assumptions, split: Split | None) -> dict[str, Any] | None:
    if split is None or not known.on_orthant or not split.low.is_constant() or p.is_zero():
        return None
    if not is_homogeneous(p):
        return None
    total = sum(generators(known.n), constant(known.n, 0))
    for power in (1, 2, 3):
        more = power * degree_of(split.high) - degree_of(p)
        if more >= 0 and has_nonnegative_coefficients(20 * p * total**more - split.high**power):
            return {"by": "power", "equality": split.equality, "p": power, "m": more}
    return None


def _by_margin(
    p: Polynomial, known: Assumptions, split: Split | None, budget: Budget
) -> dict[str, Any] | None:
    if not known.on_orthant or not known.exclude_origin:
        return None
    higher = None if split is None else homogenise(p, split)
    q = p if higher is None else higher
    if find_negative_point(q, 400) is not None:
        return None
    total = sum(generators(known.n), constant(known.n, 0 if is_homogeneous(q) else 1))
    for margin in MARGINS:
        rest = q - total ** degree_of(q) * constant(known.n, margin)
        proof = prove_on_orthant(rest, budget.part(6))
        if proof is not None:
            return {
                "by": "margin",
                "margin": str(margin),
                "equality": None if split is None or higher is None else split.equality,
                "proof": proof,
            }
    return None


def _by_gap(p: Polynomial, known: Assumptions, budget: Budget) -> dict[str, Any] | None:
    if known.on_orthant:
        return None
    for gap in (Fraction(1, 10), Fraction(1, 1000)):
        found = prove_by_assumptions(p - constant(known.n, gap), known, budget.part(5))
        if found is not None:
            return {"by": "gap", "gap": str(gap), "squares": found}
    return None
