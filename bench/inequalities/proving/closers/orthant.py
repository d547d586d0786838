"""Proofs that a polynomial is not negative where no variable is: cheapest first.

Coefficients, then factors, one variable by Sturm, coefficients of one variable, the smallest
variable taken from the others, all orders with successive differences, and sums of squares at last.
Each returns a nonneg-proof of FORMAT.md, or None where it finds none.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq_poly

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Floats,
    Polynomial,
    add_minimum,
    compile_polynomial,
    degree_of,
    evaluate,
    from_flint,
    has_nonnegative_coefficients,
    is_cyclic,
    is_homogeneous,
    put_in_order,
    size_of,
    split_by_power,
    to_flint,
    to_json,
    variables_of,
)

Proof = dict[str, Any]

MOST_IN_ORDER = 3
"""Variables of which all orders are tried."""
MOST_WITH_MINIMUM = 4
"""Variables of which each is tried as the smallest."""
DIFFERENCES = 3
"""Successive substitutions of an order at most (SDS)."""

COEFFICIENTS: Proof = {"by": "coefficients"}


def prove_on_orthant(p: Polynomial, budget: Budget, *, squares: bool = True) -> Proof | None:
    """Return a proof that `p >= 0` where all variables are; None where none is found."""
    return _prove(p, budget, 0, squares, factored=False)


def find_negative_point(p: Polynomial, tries: int = 3000) -> list[Fraction] | None:
    """Return a rational point of the orthant at which `p` is negative; None where none is found."""
    n = size_of(p)
    value = compile_polynomial(p)
    random = np.random.default_rng(0)
    points = _draw_points(n, tries, random)
    for _ in range(2):
        values = value(points)
        order = np.argsort(np.where(np.isfinite(values), values, np.inf))[:5]
        for k in order:
            if not values[k] < 0:
                break
            point = [Fraction(float(x)).limit_denominator(1000) for x in points[k]]
            if evaluate(p, point) < 0:
                return point
        near = np.repeat(points[order], 400, axis=0)
        points = np.abs(near * (1 + 0.1 * random.standard_normal(near.shape)))
    return None


def _draw_points(n: int, tries: int, random: np.random.Generator) -> Floats:
    """Return points of the simplex, of the inside and of faces."""
    sparse = np.where(random.random((tries, n)) < 0.4, 0, random.random((tries, n)))
    return np.vstack(
        [
            random.dirichlet(np.ones(n), tries),
            random.exponential(1, (tries // 2, n)) ** 2,
            sparse,
        ]
    )


def _prove(
    p: Polynomial, budget: Budget, depth: int, squares: bool, *, factored: bool
) -> Proof | None:
    if has_nonnegative_coefficients(p):
        return COEFFICIENTS
    if find_negative_point(p, 600 if depth else 3000) is not None:
        return None
    if not factored:
        found = _prove_factors(p, budget, depth, squares)
        if found is not _NOTHING_TO_FACTOR:
            return found
    occurring = variables_of(p)
    if len(occurring) == 1 or (len(occurring) == 2 and is_homogeneous(p)):
        return _prove_by_sturm(p, occurring[0])
    if budget.is_spent:
        return None
    return (
        _prove_by_variable(p, budget, depth, squares, occurring)
        or _prove_by_cases(p, budget, depth, occurring)
        or (_prove_by_squares(p, budget, depth, occurring) if squares else None)
    )


_NOTHING_TO_FACTOR: Proof = {}


def _prove_factors(p: Polynomial, budget: Budget, depth: int, squares: bool) -> Proof | None:
    """Prove each factor of odd power; `_NOTHING_TO_FACTOR` where there is one factor only."""
    content, factors = p.factor()
    if len(factors) < 2 and not any(power > 1 for _, power in factors):
        return _NOTHING_TO_FACTOR
    scale, parts = from_flint(content), []
    for factor, power in factors:
        if power % 2 == 0:
            parts.append([to_json(factor), int(power), None])
            continue
        if _looks_negative(factor):
            factor, scale = -factor, -scale
        proof = _prove(factor, budget, depth, squares, factored=True)
        if proof is None:
            return None
        parts.append([to_json(factor), int(power), proof])
    if scale < 0:
        return None
    return {"by": "product", "constant": str(scale), "factors": parts}


def _looks_negative(p: Polynomial) -> bool:
    if has_nonnegative_coefficients(-p):
        return True
    if has_nonnegative_coefficients(p):
        return False
    return find_negative_point(p, 800) is not None and find_negative_point(-p, 800) is None


def _prove_by_sturm(p: Polynomial, variable: int) -> Proof | None:
    coefficients = [Fraction(0)] * (int(p.degrees()[variable]) + 1)
    for exponents, c in p.to_dict().items():
        coefficients[int(exponents[variable])] += from_flint(c)
    if not is_nonnegative_from_zero(coefficients):
        return None
    return {"by": "sturm", "variable": variable}


def is_nonnegative_from_zero(coefficients: Sequence[Fraction]) -> bool:
    """Whether a polynomial in one variable, lowest power first, is `>= 0` on [0, oo)."""
    p = fmpq_poly([to_flint(c) for c in coefficients])
    if p.degree() < 0:
        return True
    if p.leading_coefficient() < 0:
        return False
    _, factors = p.factor()
    return not any(power % 2 and _count_positive_roots(factor) for factor, power in factors)


def _count_positive_roots(p: fmpq_poly) -> int:
    """Return how many positive roots a square-free polynomial has, by Sturm's chain."""
    if p[0] == 0:
        p = p.right_shift(1)
    chain = [p, p.derivative()]
    while chain[-1].degree() > 0:
        rest = chain[-2] % chain[-1]
        if rest.degree() < 0:
            break
        chain.append(-rest)
    at_zero = [each[0] for each in chain]
    at_infinity = [each.leading_coefficient() for each in chain if each.degree() >= 0]
    return _count_changes(at_zero) - _count_changes(at_infinity)


def _count_changes(values: Sequence[Any]) -> int:
    signs = [value > 0 for value in values if value != 0]
    return sum(a != b for a, b in itertools.pairwise(signs))


def _prove_by_variable(
    p: Polynomial, budget: Budget, depth: int, squares: bool, occurring: Sequence[int]
) -> Proof | None:
    """Prove every coefficient of the powers of one variable."""
    for i in occurring:
        parts = split_by_power(p, i)
        if len(parts) > 1 and all(
            has_nonnegative_coefficients(part) or find_negative_point(part, 200) is None
            for part in parts.values()
        ):
            found = _prove_parts(parts, budget, depth, squares and len(occurring) > 3)
            if found is not None:
                return {"by": "variable", "variable": i, "coefficients": found}
    return None


def _prove_parts(
    parts: dict[int, Polynomial], budget: Budget, depth: int, squares: bool
) -> dict[str, Proof] | None:
    found: dict[str, Proof] = {}
    for k, part in sorted(parts.items(), key=lambda item: len(item[1])):
        proof = _prove(part, budget, depth + 1, squares, factored=False)
        if proof is None:
            return None
        found[str(k)] = proof
    return found


def _prove_by_cases(
    p: Polynomial, budget: Budget, depth: int, occurring: Sequence[int]
) -> Proof | None:
    n = size_of(p)
    if depth or not is_homogeneous(p) or len(occurring) < n:
        return None
    found = None
    if n <= MOST_WITH_MINIMUM:
        found = _prove_from_minimum(p, budget, depth)
    if found is None and n <= MOST_IN_ORDER:
        found = _prove_in_orders(p, budget, DIFFERENCES)
    return found


def _prove_from_minimum(p: Polynomial, budget: Budget, depth: int) -> Proof | None:
    """Take the smallest variable from the others, and prove the coefficients of its powers."""
    n = size_of(p)
    cases: dict[str, Proof] = {}
    for i in [0] if is_cyclic(p) else range(n):
        shifted = add_minimum(p, i)
        parts = {k: part for k, part in split_by_power(shifted, i).items() if not part.is_zero()}
        found = _prove_parts(parts, budget, depth, n > 3)
        if found is None:
            return None
        cases[str(i)] = {"by": "variable", "variable": i, "coefficients": found}
    return {"by": "minimum", "cases": cases}


def _prove_in_orders(p: Polynomial, budget: Budget, differences: int) -> Proof | None:
    """Prove `p` for each order of the variables, by coefficients after some substitutions."""
    n = size_of(p)
    highest = tuple([degree_of(p)] + [0] * (n - 1))
    cases: dict[str, Proof] = {}
    for order in itertools.permutations(range(n)):
        if budget.is_spent:
            return None
        ordered = put_in_order(p, order)
        name = ",".join(map(str, order))
        if has_nonnegative_coefficients(ordered):
            cases[name] = COEFFICIENTS
            continue
        if differences == 0 or ordered.to_dict().get(highest, 0) < 0:
            return None
        found = _prove_in_orders(ordered, budget, differences - 1)
        if found is None:
            return None
        cases[name] = found
    return {"by": "orders", "cases": cases}


def _prove_by_squares(
    p: Polynomial, budget: Budget, depth: int, occurring: Sequence[int]
) -> Proof | None:
    from bench.inequalities.proving.closers.squares import prove_by_squares

    for power in (0, 1, 2) if depth == 0 else (0,):
        if budget.left < 1:
            return None
        found = prove_by_squares(p, budget.part(25), power=power)
        if found is not None:
            return found
    n = size_of(p)
    if depth == 0 and is_homogeneous(p) and n <= MOST_WITH_MINIMUM and len(occurring) == n:
        return _prove_squares_from_minimum(p, budget)
    return None


def _prove_squares_from_minimum(p: Polynomial, budget: Budget) -> Proof | None:
    cases: dict[str, Proof] = {}
    for i in [0] if is_cyclic(p) else range(size_of(p)):
        proof = _prove(add_minimum(p, i), budget, 1, True, factored=True)
        if proof is None:
            return None
        cases[str(i)] = proof
    return {"by": "minimum", "cases": cases}
