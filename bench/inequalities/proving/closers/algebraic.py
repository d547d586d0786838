"""Zeros under assumptions whose coordinates are irrational, and what they say of a sum of squares.

Where a sum of squares with rational coefficients is 0 at a point, it is 0 at the conjugate points
as well, though the assumptions may exclude these. So each matrix sends to 0 the least rational
space that contains the monomials' values: of a zero with coordinates in a field of degree `d` it
has up to `d` dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpz_mat

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Exponents,
    Floats,
    Polynomial,
    compile_polynomial,
    from_flint,
    generators,
    terms_of,
)
from bench.inequalities.proving.closers.gram import Block
from bench.inequalities.proving.closers.zeros import DIGITS, NullVectors, value_at
from bench.inequalities.proving.goals import FREE
from bench.inequalities.proving.polynomial_goals import Assumptions, add_radicals

STARTS = 24
"""Points from which zeros are looked for."""
PENALTY = 100.0
"""Weight of what is assumed in the descent to a zero."""
FURTHEST = 20.0
"""Coordinate of a start at most, or its root."""
ZERO = 1e-2
"""Value of a coordinate or of a fact of a start that may be 0."""
APART = 5e-2
"""Distance of starts, and of a start from its zero."""
STEPS = 12
MOST_DEGREE = 6
"""Degree of a field at most."""
LARGEST = 10**6
"""Coefficient of a relation between numbers that are no accident."""

Zero = list[Any]
"""Numbers of many digits."""


def find_irrational_zeros(
    p: Polynomial, known: Assumptions, rational: Sequence[Sequence[Fraction]], budget: Budget
) -> list[Zero]:
    """Return zeros of `p` that the assumptions allow; not those that are known to be rational."""
    import mpmath

    seen = [np.array([float(x) for x in zero]) for zero in rational]
    found: list[Zero] = []
    with mpmath.workdps(DIGITS):
        for start in _list_starts(p, known):
            if budget.is_spent:
                break
            if any(abs(start - other).max() < APART for other in seen):
                continue
            seen.append(start)
            zero = _refine(p, known, start)
            if zero is not None:
                found.append(zero)
    return found


def _list_starts(p: Polynomial, known: Assumptions) -> Iterator[Floats]:
    """Yield points at which a descent ends, with what is assumed as a penalty."""
    from scipy.optimize import minimize

    size = max(abs(float(from_flint(c))) for c in p.coeffs())
    facts = [fact[0] for fact in known.facts if fact is not None]
    pieces = [(p, 1 / size, 0), *((h, PENALTY, 2) for h in known.equalities if h is not None)]
    pieces += [(g, PENALTY, -2) for g in facts]
    compiled = [
        (
            compile_polynomial(q),
            [compile_polynomial(q.derivative(i)) for i in range(known.n)],
            weight,
            kind,
        )
        for q, weight, kind in pieces
    ]
    squared = np.array([sign != FREE for sign in known.signs])

    def measure(y: Floats) -> tuple[float, Floats]:
        x = np.where(squared, y * y, y)
        total, gradient = 0.0, np.zeros(known.n)
        for value, slopes, weight, kind in compiled:
            at = float(value(x[None])[0])
            if kind < 0 and at > 0:
                continue
            slope = np.array([each(x[None])[0] for each in slopes])
            total += weight * (at * at if kind else at)
            gradient += weight * slope * (2 * at if kind else 1.0)
        return total, gradient * np.where(squared, 2 * y, 1.0)

    random = np.random.default_rng(1)
    for _ in range(STARTS):
        result = minimize(
            measure,
            random.standard_normal(known.n),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-FURTHEST, FURTHEST)] * known.n,
            options={"maxfun": 300},
        )
        if result.fun < -1:
            return  # it seems to be negative, or has no least value
        if abs(result.fun) < ZERO:
            yield np.where(squared, result.x**2, result.x)


def _refine(p: Polynomial, known: Assumptions, start: Floats) -> Zero | None:
    """Return the critical point near a start, on the face it is on, if `p` is 0 there."""
    import mpmath

    n = known.n
    zero = [mpmath.mpf(0) if abs(x) < ZERO else mpmath.mpf(float(x)) for x in start]
    facts = [fact[0] for fact in known.facts if fact is not None]
    on = [h for h in known.equalities if h is not None]
    on += [g for g in facts if abs(compile_polynomial(g)(start[None])[0]) < ZERO]
    moving = [i for i in range(n) if zero[i] != 0]
    point = [*zero, *_guess_multipliers(p, on, moving, start)]
    size = n + len(on)
    lagrange = add_radicals(p, len(on))
    for h, multiplier in zip(on, generators(size)[n:], strict=True):
        lagrange = lagrange - multiplier * add_radicals(h, len(on))
    if not _solve(lagrange, point, [*moving, *range(n, size)]):
        return None
    zero, tiny = point[:n], mpmath.mpf(10) ** (10 - DIGITS // 2)
    fits = (
        all(abs(z - x) < APART for z, x in zip(zero, start, strict=True))
        and all(abs(value_at(terms_of(q), zero)) < tiny for q in (p, *on))
        and all(value_at(terms_of(g), zero) > -tiny for g in facts)
        and all(z > -tiny or s == FREE for z, s in zip(zero, known.signs, strict=True))
    )
    return zero if fits else None


def _guess_multipliers(
    p: Polynomial, on: Sequence[Polynomial], moving: Sequence[int], start: Floats
) -> list[Any]:
    import mpmath

    if not on or not moving:
        return [mpmath.mpf(0)] * len(on)
    slopes = [
        [compile_polynomial(q.derivative(i))(start[None])[0] for i in moving] for q in (p, *on)
    ]
    found = np.linalg.lstsq(np.array(slopes[1:]).T, np.array(slopes[0]), rcond=None)[0]
    return [mpmath.mpf(float(x)) for x in found]


def _solve(p: Polynomial, point: Zero, moving: Sequence[int]) -> bool:
    """Move coordinates by Newton to where their derivatives are 0; whether they got there."""
    import mpmath

    slopes = [p.derivative(i) for i in moving]
    first = [terms_of(slope) for slope in slopes]
    second = [[terms_of(slope.derivative(j)) for j in moving] for slope in slopes]
    for _ in range(STEPS):
        gradient = mpmath.matrix([value_at(terms, point) for terms in first])
        curvature = mpmath.matrix([[value_at(terms, point) for terms in row] for row in second])
        try:
            step = mpmath.lu_solve(curvature, gradient)
        except (ZeroDivisionError, ValueError):
            return False
        for k, i in enumerate(moving):
            point[i] -= step[k]
        if max(abs(x) for x in step) < mpmath.mpf(10) ** (10 - DIGITS):
            return True
    return False


class Conjugates:
    """The rational spaces that zeros make, computed once for every list of monomials."""

    def __init__(self, zeros: Sequence[Zero]) -> None:
        """Know nothing yet."""
        self.zeros = zeros
        self._spans: dict[tuple[int, tuple[Exponents, ...]], list[list[Fraction]]] = {}

    def null_vectors(self, blocks: Sequence[Block]) -> NullVectors:
        """Return what each block's matrix must send to 0; not those whose weight is 0 there."""
        import mpmath

        found: NullVectors = {}
        with mpmath.workdps(DIGITS):
            for number, zero in enumerate(self.zeros):
                for index, block in enumerate(blocks):
                    if abs(value_at(terms_of(block.weight), zero)) > mpmath.mpf(10) ** -25:
                        span = self._span(number, tuple(block.monomials))
                        found.setdefault(index, []).extend(span)
        return found

    def _span(self, number: int, monomials: tuple[Exponents, ...]) -> list[list[Fraction]]:
        key = (number, monomials)
        if key not in self._spans:
            zero = self.zeros[number]
            values = [value_at({m: Fraction(1)}, zero) for m in monomials]
            self._spans[key] = span_rationally(values)
        return self._spans[key]


def span_rationally(values: Sequence[Any]) -> list[list[Fraction]]:
    """Return vectors that span the least rational space with a vector in it; none if it is large.

    `values` are the vector's entries, numbers of many digits.
    """
    basis: list[Any] = []
    rows: list[list[Fraction]] = []
    for value in values:
        row = _express(value, basis)
        if row is None:
            basis.append(value)
            row = [Fraction(int(k == len(basis) - 1)) for k in range(len(basis))]
        if len(basis) > MOST_DEGREE:
            return []
        rows.append(row)
    return [[row[k] if k < len(row) else Fraction(0) for row in rows] for k in range(len(basis))]


def _express(value: Any, basis: Sequence[Any]) -> list[Fraction] | None:
    """Return a number as a rational combination of others; None where it is none."""
    import mpmath

    numbers = [value, *basis]
    scale = mpmath.mpf(10) ** (DIGITS - 15)
    rows = [
        [*(int(i == j) for j in range(len(numbers))), int(mpmath.nint(x * scale))]
        for i, x in enumerate(numbers)
    ]
    entries = [c for row in rows for c in row]
    reduced = fmpz_mat(len(numbers), len(numbers) + 1, entries).lll()
    relation = [int(reduced[0, j]) for j in range(len(numbers) + 1)]
    if not relation[0] or max(map(abs, relation)) > LARGEST:
        return None
    return [Fraction(-c, relation[0]) for c in relation[1:-1]]
