"""Further families of rational functions near a radical, for where the first ones do not do.

They are right at more than one point, or anywhere: quadratic over linear forms that meet the
radical where a single variable is left, besides where the goal is 0; products of the radicand's
factors; and sums of the roots of its terms.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

from flint import fmpq_mat

from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    constant,
    degree_of,
    evaluate,
    from_flint,
    generators,
    has_nonnegative_coefficients,
    make,
    size_of,
    terms_of,
    to_flint,
    variables_of,
)
from bench.inequalities.proving.families import (
    Point,
    Value,
    find_gradient,
    permute,
    scale_to_root,
)
from bench.inequalities.roots import exact_root

SLOPES = [Fraction(x) for x in "0 1/4 1/2 1".split()]
"""What the roots of terms are multiplied by; at 1 the sum is not below the radical."""
NEAR = (4, 10)
"""Denominators at most of rationals that stand for an irrational root."""
MOST_PRODUCTS = 500
"""Products of factors that are looked at."""
MOST_PERMUTED = 5
"""Variables whose orders are all looked at."""


def list_further_values(u: Polynomial, index: int, z: Point, *, homogeneous: bool) -> list[Value]:
    """Return the `V` of these families for `u^(1/index)`, where the goal is 0 at `z`."""
    if not homogeneous:
        return list(_sum_roots_of_terms(u, index))
    scaled = scale_to_root(u, index, z)
    if scaled is None:
        return []
    u, t = scaled
    found = list(_multiply_factors(u, index, z, t))
    if index == 2 and degree_of(u) == 2:
        everything = list(range(size_of(u)))
        for among in (variables_of(u), everything):
            found += _divide_quadratic(u, z, t, among)
            if among == everything:
                break
    return found


def _list_near_roots(value: Fraction, index: int) -> list[Fraction]:
    """Return the root of a number, or rationals near it."""
    root = exact_root(value, index) if value else value
    if root is not None:
        return [root]
    number = float(value) ** (1 / index)
    return sorted({Fraction(number).limit_denominator(most) for most in NEAR})


def _sum_roots_of_terms(u: Polynomial, index: int) -> Iterator[Value]:
    """Yield `c + k m1 + k m2 ...` for `u = c^index + m1^index + ...`."""
    n = size_of(u)
    terms = terms_of(u)
    plain = terms.pop((0,) * n, Fraction(0))
    if plain <= 0 or any(c <= 0 or any(k % index for k in e) for e, c in terms.items()):
        return
    roots = {tuple(k // index for k in e): _list_near_roots(c, index)[-1] for e, c in terms.items()}
    rest = make(n, roots)
    for first, slope in itertools.product(_list_near_roots(plain, index), SLOPES):
        top = rest * constant(n, slope) + constant(n, first)
        yield Value(("terms", first, slope), top, constant(n, 1))


def _multiply_factors(u: Polynomial, index: int, z: Point, t: Fraction) -> Iterator[Value]:
    """Yield products of the factors of `u`, of the root's degree, value and symmetry."""
    n, one = size_of(u), constant(size_of(u), 1)
    degree = Fraction(degree_of(u), index)
    factors = [factor for factor, _ in u.factor()[1] if has_nonnegative_coefficients(factor)]
    if degree.denominator > 1 or len(factors) < 2:
        return
    symmetries = _find_symmetries(u, z)
    listed = _list_powers([degree_of(factor) for factor in factors], int(degree))
    for powers in itertools.islice(listed, MOST_PRODUCTS):
        product = one
        for factor, k in zip(factors, powers, strict=True):
            product = product * factor**k
        value = evaluate(product, z)
        if value and all(permute(product, order) == product for order in symmetries):
            yield Value(("factors", powers), product * constant(n, t / value), one)


def _list_powers(degrees: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """Yield the powers in which factors of these degrees have a product of a degree."""
    if not degrees:
        if total == 0:
            yield ()
        return
    for k in range(total // degrees[-1] + 1):
        for rest in _list_powers(degrees[:-1], total - k * degrees[-1]):
            yield (*rest, k)


def _find_symmetries(u: Polynomial, z: Point) -> list[tuple[int, ...]]:
    """Return the orders of the variables that leave a polynomial and a point as they are."""
    n = size_of(u)
    if n > MOST_PERMUTED:
        return [tuple(range(n))]
    return [
        order
        for order in itertools.permutations(range(n))
        if permute(u, order) == u and all(z[order[k]] == z[k] for k in range(n))
    ]


def _divide_quadratic(
    u: Polynomial, z: Point, t: Fraction, among: Sequence[int]
) -> Iterator[Value]:
    """Yield quotients of a quadratic form and the sum of some variables.

    Each has the root's derivatives at `z`, nearly its values where one variable alone is not 0, and
    the symmetry of `u`.
    """
    n = size_of(u)
    total = sum((generators(n)[i] for i in among), constant(n, 0))
    squares, products = _list_orbits(among, _find_symmetries(u, z))
    corners = [_list_near_roots(terms_of(u).get(orbit[0], Fraction(0)), 2) for orbit in squares]
    at = evaluate(total, z)
    wanted = [
        slope / (2 * t) * at + t * (i in among) for i, slope in enumerate(find_gradient(u, z))
    ]
    forms = [make(n, dict.fromkeys(orbit, Fraction(1))) for orbit in (*squares, *products)]
    slopes = [find_gradient(form, z) for form in forms]
    for numbers in itertools.product(*corners):
        left = [
            wanted[i] - sum((c * s[i] for c, s in zip(numbers, slopes, strict=False)), Fraction(0))
            for i in among
        ]
        others = _solve([[s[i] for s in slopes[len(squares) :]] for i in among], left)
        if others is None or min(others, default=0) < 0:
            continue
        form = sum(
            (f * constant(n, c) for f, c in zip(forms, (*numbers, *others), strict=True)),
            constant(n, 0),
        )
        yield Value(("corners", len(among), numbers), form, total)


def _list_orbits(
    among: Sequence[int], symmetries: Sequence[Sequence[int]]
) -> tuple[list[list[Exponents]], list[list[Exponents]]]:
    """Return the squares and the products of two variables, like ones together."""
    found: tuple[list[list[Exponents]], list[list[Exponents]]] = ([], [])
    seen: set[Exponents] = set()
    n = len(symmetries[0])
    for i, j in itertools.combinations_with_replacement(among, 2):
        m = tuple((k == i) + (k == j) for k in range(n))
        if m not in seen:
            orbit = sorted({tuple(m[k] for k in order) for order in symmetries})
            seen.update(orbit)
            found[i != j].append(orbit)
    return found


def _solve(rows: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """Return a solution of linear equations, 0 where it is free; None where there is none."""
    n = len(rows[0])
    entries = [to_flint(c) for row, b in zip(rows, right, strict=True) for c in (*row, b)]
    reduced, rank = fmpq_mat(len(rows), n + 1, entries).rref()
    found = [Fraction(0)] * n
    for i in range(rank):
        pivot = next(j for j in range(n + 1) if reduced[i, j] != 0)
        if pivot == n:
            return None
        found[pivot] = from_flint(reduced[i, n])
    return found
