r"""Why a polynomial in one variable, or a form in two, is not negative for `x >= 0`, easily.

    f(x) = (x - r)^2 h(x) + alpha x + beta,     alpha, beta >= 0, h of the same kind

Most polynomials that a proof meets have such a sum, often with an `r` a little to the right of the
least value. Where none is found, Sturm's chain is what there is to tell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from flint import fmpq_poly

from bench.inequalities.explaining.formulas import choose_sign
from bench.inequalities.explaining.squares import WeightedSquare, collect
from bench.inequalities.polynomials import (
    Polynomial,
    constant,
    from_flint,
    generators,
    has_nonnegative_coefficients,
    is_homogeneous,
    make,
    size_of,
    terms_of,
    to_flint,
    variables_of,
)

SIMPLE = [Fraction(k, d) for d in range(1, 5) for k in range(1, 4 * d + 1) if math.gcd(k, d) == 1]
"""Places of a square that are tried first."""
DENOMINATORS = range(5, 25)
"""Of places near the least value."""
DEEPEST = 3
"""Squares in one another."""

Coefficients = Sequence[Fraction]
"""Lowest power first."""


def read_one_variable(p: Polynomial) -> tuple[int, int | None, list[Fraction]] | None:
    """Return the variable, the one set to 1 in a form of two, and the coefficients.

    None of a polynomial with other variables.
    """
    used = variables_of(p)
    if not used or len(used) > 2 or (len(used) == 2 and not is_homogeneous(p)):
        return None
    x = used[0]
    coefficients = [Fraction(0)] * (int(p.degrees()[x]) + 1)
    for e, c in terms_of(p).items():
        coefficients[e[x]] += c
    return x, (used[1] if len(used) == 2 else None), coefficients


def find_squares(p: Polynomial) -> list[WeightedSquare] | None:
    """Return `p` as a sum of squares with weights that have no negative coefficient.

    `p` is in one variable or a form in two. None where no such sum is found.
    """
    if read_one_variable(p) is None:
        return None
    n = size_of(p)
    content, factors = p.factor()
    scale, weight, form = from_flint(content), constant(n, 1), constant(n, 1)
    hard: list[Polynomial] = []
    for factor, power in factors:
        k, sign = int(power), choose_sign(factor)
        factor, scale = factor * sign, scale * sign**k
        form = form * factor ** (k // 2)
        if k % 2 and has_nonnegative_coefficients(factor):
            weight = weight * factor
        elif k % 2:
            hard.append(factor)
    if not hard:
        return collect([WeightedSquare(scale, weight, form)]) if scale > 0 else None
    inner = _find_form(hard[0] * (-1 if scale < 0 else 1)) if len(hard) == 1 else None
    if inner is None:
        return None
    return collect(
        WeightedSquare(each.coefficient * abs(scale), each.weight * weight, each.form * form)
        for each in inner
    )


def _find_form(p: Polynomial) -> list[WeightedSquare] | None:
    """Return an irreducible polynomial as such a sum; None where none is found."""
    read = read_one_variable(p)
    assert read is not None
    n, (x, y, coefficients) = size_of(p), read
    found = _find(coefficients, DEEPEST)
    if found is None:
        return None
    degree = int(p.total_degree())
    squares = []
    for weight, form in found:
        more = degree - (len(weight) - 1) - 2 * (len(form) - 1)
        squares.append(
            WeightedSquare(
                Fraction(1),
                _homogenise(weight, n, x, y, more),
                _homogenise(form, n, x, y, 0),
            )
        )
    return squares


def _homogenise(coefficients: Coefficients, n: int, x: int, y: int | None, more: int) -> Polynomial:
    """Return a polynomial in `x` as a form of its degree and `more` in `x` and `y`."""
    top = len(coefficients) - 1 + more
    terms = {}
    for k, c in enumerate(coefficients):
        if c:
            terms[tuple(k if i == x else top - k if i == y else 0 for i in range(n))] = c
    return make(n, terms)


Pair = tuple[list[Fraction], list[Fraction]]
"""A weight and the form whose square it multiplies."""


def _find(coefficients: Coefficients, depth: int) -> list[Pair] | None:
    if all(c >= 0 for c in coefficients):
        return [(list(coefficients), [Fraction(1)])]
    if len(coefficients) < 3 or depth == 0 or coefficients[-1] < 0 or coefficients[0] < 0:
        return None
    p = fmpq_poly([to_flint(c) for c in coefficients])
    best: list[Pair] | None = None
    for r in SIMPLE:
        found = _take_square(p, r, depth)
        if found is not None and (best is None or _weigh(found) < _weigh(best)):
            best = found
    if best is None:
        near = (_take_square(p, r, depth) for r in _list_places(p))
        best = next((found for found in near if found is not None), None)
    return best


def _weigh(pairs: Sequence[Pair]) -> int:
    """Return about how long a sum is."""
    return sum(len(str(c)) + 1 for pair in pairs for line in pair for c in line if c)


def _take_square(p: fmpq_poly, r: Fraction, depth: int) -> list[Pair] | None:
    """Return `p` as `(x - r)^2 h + alpha x + beta`; None where a sign forbids it."""
    square = fmpq_poly([to_flint(r * r), to_flint(-2 * r), 1])
    inner, rest = divmod(p, square)
    line = _read(rest)
    if any(c < 0 for c in line):
        return None
    found = _find(_read(inner), depth - 1)
    if found is None:
        return None
    pairs = [(weight, _times(form, r)) for weight, form in found]
    return [*pairs, (line, [Fraction(1)])] if any(line) else pairs


def _read(p: fmpq_poly) -> list[Fraction]:
    return [from_flint(c) for c in p.coeffs()] or [Fraction(0)]


def _times(form: Coefficients, r: Fraction) -> list[Fraction]:
    """Return a form times `x - r`."""
    raised = [Fraction(0), *form]
    return [a - r * b for a, b in itertools.zip_longest(raised, form, fillvalue=Fraction(0))]


def _list_places(p: fmpq_poly) -> Iterator[Fraction]:
    """Yield rationals a little to the right of places where the polynomial may be least."""
    slope = np.array([float(from_flint(c)) for c in p.derivative().coeffs()])
    roots = np.roots(slope[::-1])
    places = [float(root.real) for root in roots if abs(root.imag) < 1e-9 < root.real]
    for bottom in DENOMINATORS:
        for place in places:
            yield Fraction(int(place * bottom) + 1, bottom)


def complete_square(p: Polynomial) -> list[WeightedSquare] | None:
    """Return a quadratic in one variable as a square and a positive number; None of another."""
    read = read_one_variable(p)
    if read is None or read[1] is not None or len(read[2]) != 3:
        return None
    x, _, (c, b, a) = read
    if a <= 0 or 4 * a * c <= b * b:
        return None
    n = size_of(p)
    one, form = constant(n, 1), generators(n)[x] + constant(n, b / (2 * a))
    return collect([WeightedSquare(a, one, form), WeightedSquare(c - b * b / (4 * a), one, one)])


# Sturm


def drop_squares(coefficients: Coefficients) -> list[Fraction]:
    """Return the product of the factors of odd power that have negative coefficients."""
    p = fmpq_poly([to_flint(c) for c in coefficients])
    _, factors = p.factor()
    product = fmpq_poly([1])
    for factor, k in factors:
        if k % 2 and any(c < 0 for c in factor.coeffs()):
            product *= factor
    return _read(product)


def count_changes(coefficients: Coefficients) -> tuple[int, int]:
    """Return how often the signs of Sturm's chain change, at 0 and far to the right."""
    chain = [fmpq_poly([to_flint(c) for c in coefficients])]
    following = chain[0].derivative()
    while following.degree() >= 0:
        chain.append(following)
        following = -(chain[-2] % chain[-1])
    starts = [from_flint(each[0]) for each in chain]
    ends = [from_flint(each.leading_coefficient()) for each in chain]
    return _count(starts), _count(ends)


def _count(values: Sequence[Fraction]) -> int:
    signs = [value > 0 for value in values if value]
    return sum(a != b for a, b in itertools.pairwise(signs))
