"""Where a polynomial that is not negative is 0: what a sum of squares must vanish at as well.

Zeros with small rational coordinates are found on a grid and tested exactly. The others are found
by descent, refined to 70 digits and used through the span of their monomials: zeros that are
conjugate to one another span a rational space, though each of them is irrational.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Exponents,
    Floats,
    Polynomial,
    compile_polynomial,
    degree_of,
    evaluate,
    from_flint,
    is_homogeneous,
    make,
    size_of,
    terms_of,
)
from bench.inequalities.proving.closers.gram import Block

Point = tuple[Fraction, ...]
NullVectors = dict[int, list[list[Fraction]]]
"""By block, vectors over its monomials that its matrix must send to 0."""

DIGITS = 70
MOST_DENOMINATOR = 10**9


def find_grid_zeros(p: Polynomial) -> list[Point]:
    """Return zeros on the orthant with whole coordinates up to 3, in many variables 2 or 1."""
    n = size_of(p)
    if n > 6:
        return []
    homogeneous = is_homogeneous(p)
    grid = [
        point
        for point in itertools.product(range(4 if n <= 4 else 2), repeat=n)
        if any(point) and (not homogeneous or math.gcd(*point) == 1)
    ]
    if len(grid) > 300:
        grid = [point for point in grid if max(point) <= 2][:300]
    values = compile_polynomial(p)(np.array(grid, dtype=float))
    size, degree = max(abs(float(from_flint(c))) for c in p.coeffs()), degree_of(p)
    found = []
    for point, value in zip(grid, values, strict=True):
        if abs(value) < 1e-6 * size * max(point) ** degree:
            exact = tuple(Fraction(x) for x in point)
            if evaluate(p, exact) == 0:
                found.append(exact)
    return found


def null_vectors_at(
    p: Polynomial, blocks: Sequence[Block], zeros: Sequence[Point], *, derivatives: bool = True
) -> NullVectors:
    """Return what each block's matrix must send to 0 because the sum is 0 at some points.

    A weight that is 0 at the point says nothing, except, with `derivatives`, one of the orthant's:
    where a single variable of it is 0 there and the sum's derivative by that variable is 0, too.
    """
    found: NullVectors = {}
    for zero in zeros:
        for index, block in enumerate(blocks):
            if _vanishes(p, block.weight, zero, derivatives):
                vector = [_monomial(zero, m) for m in block.monomials]
                if any(vector):
                    found.setdefault(index, []).append(vector)
    return found


def _vanishes(p: Polynomial, weight: Polynomial, zero: Point, derivatives: bool) -> bool:
    if evaluate(weight, zero) != 0:
        return True
    terms = terms_of(weight)
    if not derivatives or len(terms) != 1:
        return False
    (exponents,) = terms
    absent = [i for i, (x, k) in enumerate(zip(zero, exponents, strict=True)) if k and x == 0]
    if len(absent) != 1 or exponents[absent[0]] != 1:
        return False
    return evaluate(p.derivative(absent[0]), zero) == 0


def _monomial(point: Sequence[Any], exponents: Exponents) -> Any:
    return math.prod((x**k for x, k in zip(point, exponents, strict=True) if k), start=Fraction(1))


def irrational_null_vectors(
    p: Polynomial, blocks: Sequence[Block], budget: Budget, *, orthant: bool
) -> NullVectors:
    """Return the same for all the zeros of a homogeneous `p` that a descent finds."""
    import mpmath

    found: NullVectors = {}
    with mpmath.workdps(DIGITS):
        zeros = _refine_zeros(p, budget, orthant)
        for index, block in enumerate(blocks):
            weight = terms_of(block.weight)
            vectors = [
                [mpmath.fprod(x**k for x, k in zip(zero, m, strict=True)) for m in block.monomials]
                for zero in zeros
                if abs(value_at(weight, zero)) > mpmath.mpf(10) ** -25
            ]
            if vectors and (span := _span_rationally(vectors)):
                found[index] = span
    return found


def _refine_zeros(p: Polynomial, budget: Budget, orthant: bool) -> list[list[Any]]:
    import mpmath

    n, found = size_of(p), []
    for start in _descend(p, budget.part(8), orthant):
        present = [i for i in range(n) if start[i] != 0]
        fixed = max(present, key=lambda i: abs(start[i]))
        moving = [i for i in present if i != fixed]
        zero = [mpmath.mpf(float(x)) for x in start]
        zero[fixed] = mpmath.mpf(1)
        if moving and not _solve_gradient(p, zero, moving):
            continue
        near = all(abs(z - x) < 1e-2 for z, x in zip(zero, start, strict=True))
        if near and abs(value_at(terms_of(p), zero)) < mpmath.mpf(10) ** -40:
            found.append(zero)
    return found


def _descend(p: Polynomial, budget: Budget, orthant: bool, starts: int = 80) -> list[Floats]:
    """Return different points with a largest coordinate of 1 where `p` is nearly 0."""
    from scipy.optimize import minimize

    n, degree = size_of(p), degree_of(p)
    size = max(abs(float(from_flint(c))) for c in p.coeffs())
    value = compile_polynomial(p)
    slopes = [compile_polynomial(p.derivative(i)) for i in range(n)]
    random = np.random.default_rng(0)

    def measure(y: Floats) -> tuple[float, Floats]:
        x = y * y if orthant else y
        length = x.sum() if orthant else math.sqrt((x * x).sum())
        inner = np.ones(n) if orthant else x / length
        at = value(x[None])[0] / size
        slope = np.array([each(x[None])[0] for each in slopes]) / size
        gradient = (slope - degree * at / length * inner) / length**degree
        return at / length**degree, gradient * 2 * y if orthant else gradient

    found: list[Floats] = []
    for _ in range(starts):
        if budget.is_spent:
            break
        options = {"maxiter": 400, "ftol": 1e-30, "gtol": 1e-13}
        result = minimize(
            measure, random.standard_normal(n), jac=True, method="L-BFGS-B", options=options
        )
        if result.fun > 1e-9:
            continue
        x = result.x**2 if orthant else result.x
        x = x / x[int(np.argmax(abs(x)))]
        x[abs(x) < 1e-4] = 0
        if not any(np.max(abs(x - other)) < 1e-3 for other in found):
            found.append(x)
    return found


def _solve_gradient(p: Polynomial, zero: list[Any], moving: Sequence[int]) -> bool:
    """Move coordinates to where the derivatives by them are 0, by Newton; whether they got there.

    Coordinates that are 0 stay so: the derivatives are those on that face.
    """
    import mpmath

    n = size_of(p)
    present = {i for i in range(n) if zero[i] != 0}
    face = make(
        n,
        {
            e: c
            for e, c in terms_of(p).items()
            if all(k == 0 or i in present for i, k in enumerate(e))
        },
    )
    slopes = [face.derivative(i) for i in moving]
    first = [terms_of(slope) for slope in slopes]
    second = [[terms_of(slope.derivative(j)) for j in moving] for slope in slopes]
    step = None
    for _ in range(14):
        gradient = mpmath.matrix([value_at(terms, zero) for terms in first])
        curvature = mpmath.matrix([[value_at(terms, zero) for terms in row] for row in second])
        try:
            step = mpmath.lu_solve(curvature, gradient)
        except (ZeroDivisionError, ValueError):
            return False
        for k, i in enumerate(moving):
            zero[i] -= step[k]
        if max(abs(x) for x in step) < mpmath.mpf(10) ** -60:
            return True
    return step is not None and max(abs(x) for x in step) < mpmath.mpf(10) ** -40


def value_at(terms: dict[Exponents, Fraction], point: Sequence[Any]) -> Any:
    """Return the value of a polynomial's terms at a point of numbers of many digits."""
    import mpmath

    total = mpmath.mpf(0)
    for exponents, c in terms.items():
        term = mpmath.mpf(c.numerator) / c.denominator
        for x, k in zip(point, exponents, strict=True):
            if k:
                term *= x**k
        total += term
    return total


def _span_rationally(vectors: Sequence[Sequence[Any]]) -> list[list[Fraction]] | None:
    """Return rational vectors that span the same space; None where it is not a rational one."""
    import mpmath

    rows, pivots = [list(v) for v in vectors], []
    rank = 0
    for _ in range(len(rows)):
        best, at, column = max(
            (
                (abs(rows[i][j]), i, j)
                for i in range(rank, len(rows))
                for j in range(len(rows[0]))
                if j not in pivots
            ),
            default=(mpmath.mpf(0), 0, 0),
        )
        if best < mpmath.mpf(10) ** -30:
            break
        rows[rank], rows[at] = rows[at], rows[rank]
        pivot = rows[rank][column]
        rows[rank] = [x / pivot for x in rows[rank]]
        for other in range(len(rows)):
            if other != rank and rows[other][column] != 0:
                factor = rows[other][column]
                rows[other] = [x - factor * y for x, y in zip(rows[other], rows[rank], strict=True)]
        pivots.append(column)
        rank += 1
    found = []
    for row in rows[:rank]:
        rational = [_read_rational(x) for x in row]
        if any(x is None for x in rational):
            return None
        found.append([x for x in rational if x is not None])
    return found


def _read_rational(value: Any) -> Fraction | None:
    """Return the rational that a number of many digits is, by its continued fraction."""
    import mpmath

    x, before, last = value, (1, 0), (int(mpmath.floor(value)), 1)
    for _ in range(40):
        if abs(value - mpmath.mpf(last[0]) / last[1]) < mpmath.mpf(10) ** -32:
            return Fraction(last[0], last[1])
        rest = x - mpmath.floor(x)
        if rest == 0:
            return Fraction(last[0], last[1])
        x = 1 / rest
        whole = int(mpmath.floor(x))
        before, last = last, (whole * last[0] + before[0], whole * last[1] + before[1])
        if last[1] > MOST_DENOMINATOR:
            return None
    return None
