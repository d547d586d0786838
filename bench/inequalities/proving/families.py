"""Families of rational functions `V` near a radical `t = U^(1/q)`, exact where the goal is 0.

Forms in the variables with free numbers: linear ones, quadratic ones, the other side of the goal
shared out (Jensen, power means and Hoelder in one formula), means of `U`'s factors (AM-GM), and
functions that are exact where a variable is 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

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
    split_by_power,
    terms_of,
    to_flint,
)
from bench.inequalities.proving.closers.squares import list_monomials
from bench.inequalities.proving.polynomial_goals import PolynomialGoal, drop_radicals
from bench.inequalities.roots import exact_root

Point = tuple[Fraction, ...]


class Value(NamedTuple):
    """A `V`, and the family and the numbers it was made with."""

    tag: tuple[Any, ...]
    top: Polynomial
    bottom: Polynomial


def coefficient_of(goal: PolynomialGoal, i: int) -> tuple[int, Polynomial]:
    """Return the power in which radical `i` occurs, and its coefficient; power 0: several."""
    parts = {k: p for k, p in split_by_power(goal.p, goal.n + i).items() if k}
    if len(parts) != 1:
        return 0, goal.p * 0
    ((power, p),) = parts.items()
    return power, p


def permute(p: Polynomial, order: Sequence[int]) -> Polynomial:
    """Return a polynomial with variable `order[k]` in the place of variable `k`'s exponent."""
    n = size_of(p)
    return make(
        n,
        {
            tuple(e[order[k]] for k in range(len(order))) + e[len(order) :]: c
            for e, c in terms_of(p).items()
        },
    )


def list_values(
    goal: PolynomialGoal,
    i: int,
    z: Point,
    kinds: Sequence[str],
    count: int,
    homogeneous: bool,
) -> list[Value]:
    """Return the `V` of all families for one radical, the first of equal ones."""
    index, u = goal.radicals[i]
    scaled = scale_to_root(u, index, z)
    if scaled is None:
        return []
    u, t = scaled
    degree = Fraction(degree_of(u), index) if homogeneous else None
    near = list(_match(u, index, t, z, degree))
    found = [
        *near,
        *_share(goal, i, kinds, count),
        *(_mean_of_factors(u, index, z, homogeneous) if "upper" in kinds else ()),
        *_root_of_factors(u, index, z),
    ]
    if index == 2 and homogeneous:
        found += _exact_at_boundary(u, near)
        if degree == 2 and goal.n <= 3:
            found += _quadratic(u, z, t)
    kept: list[Value] = []
    for value in found:
        if not any(v.top == value.top and v.bottom == value.bottom for v in kept):
            kept.append(value)
    return kept


def scale_to_root(u: Polynomial, index: int, z: Point) -> tuple[Polynomial, Fraction] | None:
    """Return `u` and its root at `z`, scaled where that is irrational; None where `u` is 0 there.

    A rational number near the root will do where the goal is not tight.
    """
    at = evaluate(u, z)
    if at <= 0:
        return None
    t = exact_root(at, index)
    if t is None:
        t = Fraction(float(at) ** (1 / index)).limit_denominator(30)
        u = u * constant(size_of(u), t**index / at)
    return u, t


def find_gradient(p: Polynomial, z: Point) -> list[Fraction]:
    """Return the derivatives at a point."""
    return [evaluate(p.derivative(k), z) for k in range(size_of(p))]


def _linear(n: int, coefficients: Sequence[Fraction], plus: Fraction = Fraction(0)) -> Polynomial:
    total = constant(n, plus)
    for x, c in zip(generators(n), coefficients, strict=True):
        total = total + x * constant(n, c)
    return total


_MIXES = [Fraction(x) for x in "0 1 1/2 1/4 3/4 3/2 -1/2 2 -1 9/8 7/8".split()]


def _match(
    u: Polynomial, index: int, t: Fraction, z: Point, degree: Fraction | None
) -> Iterator[Value]:
    """Yield forms that have the root's value at `z`, and its derivatives to some part."""
    n, one = size_of(u), constant(size_of(u), 1)
    slope = [d / (index * t ** (index - 1)) for d in find_gradient(u, z)]
    total = sum(z, Fraction(0))
    if degree is not None and degree.denominator == 1 and degree >= 0:
        power = int(degree)
        if power >= 1:
            yield from _match_form(n, t, z, slope, power, total)
        else:
            for mix in _MIXES[:3]:
                c = [(t + mix * total * s) / total for s in slope]
                if all(x >= 0 for x in c):
                    yield Value(("ratio", mix), _linear(n, c), sum(generators(n), one * 0))
        return
    for mix in (Fraction(0), Fraction(1), Fraction(1, 2), Fraction(3, 4)):
        c = [(1 - mix) * s for s in slope]
        plus = t - sum((a * b for a, b in zip(c, z, strict=True)), Fraction(0))
        if plus >= 0 and all(x >= 0 for x in c) and (plus or any(c)):
            yield Value(("affine", mix), _linear(n, c, plus), one)
    yield Value(("number",), constant(n, t), one)


def _match_form(
    n: int, t: Fraction, z: Point, slope: Sequence[Fraction], power: int, total: Fraction
) -> Iterator[Value]:
    one, x = constant(n, 1), generators(n)
    mean = sum(x, one * 0) * constant(n, 1 / total)
    # Of L * mean^(power - 1): the derivative at z is that of L and (power - 1) t / total.
    own = [s - (power - 1) * t / total for s in slope]
    for mix in _MIXES:
        c = [(1 - mix) * a + mix * t / total for a in own]
        if all(v >= 0 for v in c) and any(c):
            yield Value(("linear", mix), _linear(n, c) * mean ** (power - 1), one)
    if power == 2 and all(v > 0 for v in z):
        squares = sum((v * v for v in z), Fraction(0))
        for mix in (Fraction(0), Fraction(1, 2), Fraction(1)):
            c = [(1 - mix) * s / (2 * v) + mix * t / squares for s, v in zip(slope, z, strict=True)]
            if all(v >= 0 for v in c) and any(c):
                form = sum((a**2 * constant(n, b) for a, b in zip(x, c, strict=True)), one * 0)
                yield Value(("squares", mix), form, one)


def _share(goal: PolynomialGoal, i: int, kinds: Sequence[str], count: int) -> Iterator[Value]:
    """Yield the goal's other side, shared out among all radicals."""
    power, k = coefficient_of(goal, i)
    n = goal.n
    plain = make(size_of(goal.p), {e: c for e, c in terms_of(goal.p).items() if not any(e[n:])})
    if power != 1 or plain.is_zero() or any(k.degrees()[n:]):
        return
    top, bottom = drop_radicals(plain, n), drop_radicals(k, n)
    top, bottom = (top, -bottom) if "upper" in kinds else (-top, bottom)
    common = top.gcd(bottom)
    for shared in (common, _monomial_content(top, bottom)):
        a, b = top / shared, bottom / shared
        if has_nonnegative_coefficients(-a) and has_nonnegative_coefficients(-b):
            a, b = -a, -b
        if has_nonnegative_coefficients(a) and has_nonnegative_coefficients(b):
            yield Value(("share",), a, b * count)
            return


def _monomial_content(p: Polynomial, q: Polynomial) -> Polynomial:
    least = [min(int(e[k]) for e in [*p.monoms(), *q.monoms()]) for k in range(size_of(p))]
    return make(size_of(p), {tuple(least): Fraction(1)})


def _mean_of_factors(u: Polynomial, index: int, z: Point, homogeneous: bool) -> Iterator[Value]:
    """Yield means of `index` parts into which the factors of `u` are put: AM-GM."""
    if index not in (2, 3):
        return
    n, one = size_of(u), constant(size_of(u), 1)
    content, factors = u.factor()
    listed = [factor for factor, power in factors for _ in range(int(power))]
    if not 2 <= len(listed) <= 6:
        return
    seen: list[Polynomial] = []
    for places in itertools.product(range(index), repeat=len(listed)):
        parts = [one * content, *[one] * (index - 1)]
        for factor, place in zip(listed, places, strict=True):
            parts[place] = parts[place] * factor
        if homogeneous and len({degree_of(part) for part in parts}) > 1:
            continue
        values = [evaluate(part, z) for part in parts]
        if any(v <= 0 for v in values):
            continue
        t = exact_root(math.prod(values, start=Fraction(1)), index)
        if t is None:
            continue
        mean = sum(
            (part * constant(n, t / v / index) for part, v in zip(parts, values, strict=True)),
            one * 0,
        )
        if mean in seen or not has_nonnegative_coefficients(mean):
            continue
        seen.append(mean)
        look = (tuple(sorted(len(part) for part in parts)), str(sorted(map(str, mean.coeffs()))))
        yield Value(("mean", look, degree_of(mean)), mean, one)


def _root_of_factors(u: Polynomial, index: int, z: Point) -> Iterator[Value]:
    """Yield `Y` for `u = X Y^(index - 1)`, scaled to the root's value at `z`."""
    if index < 3:
        return
    n, one = size_of(u), constant(size_of(u), 1)
    content, factors = u.factor()
    x, y = one * content, one
    for factor, power in factors:
        times = int(power)
        if times >= index - 1 and has_nonnegative_coefficients(factor):
            y, times = y * factor, times - (index - 1)
        x = x * factor**times
    if len(y) > 1 and evaluate(y, z):
        t = exact_root(evaluate(x, z) / evaluate(y, z), index)
        if t:
            yield Value(("factor",), y * constant(n, t), one)


def _exact_at_boundary(u: Polynomial, near: Sequence[Value]) -> Iterator[Value]:
    """Yield `M + W / (M + V)` for `u = M^2 + W`, `M` a power of one variable: exact where W = 0."""
    n = size_of(u)
    terms = terms_of(u)
    for e, c in terms.items():
        root = exact_root(c, 2) if c > 0 else None
        if root is None or sum(k > 0 for k in e) != 1 or any(k % 2 for k in e):
            continue
        m = make(n, {tuple(k // 2 for k in e): root})
        w = u - m * m
        if w.is_zero() or not has_nonnegative_coefficients(w):
            continue
        for value in near:
            if value.bottom.is_one():
                bottom = m + value.top
                yield Value(("boundary", value.tag), m * bottom + w, bottom)


_FREE_NUMBERS = [Fraction(x) for x in "0 1/4 1/2 1 2 3/2 3/4".split()]


def _quadratic(u: Polynomial, z: Point, t: Fraction) -> Iterator[Value]:
    """Yield quadratic forms with the root's value and derivatives at `z` and `u`'s symmetry."""
    n, one = size_of(u), constant(size_of(u), 1)
    symmetries = [o for o in itertools.permutations(range(n)) if permute(u, o) == u]
    orbits: list[Polynomial] = []
    seen: set[Exponents] = set()
    for m in list_monomials(n, 2):
        orbit = {tuple(m[o[k]] for k in range(n)) for o in symmetries}
        if m not in seen:
            seen |= orbit
            orbits.append(make(n, {e: Fraction(1) for e in orbit}))
    wanted = [d / (2 * t) for d in find_gradient(u, z)]
    slopes = [find_gradient(orbit, z) for orbit in orbits]
    rows = [[*(s[k] for s in slopes), wanted[k]] for k in range(n)]
    reduced, rank = fmpq_mat(n, len(orbits) + 1, [to_flint(c) for row in rows for c in row]).rref()
    solved = [[from_flint(reduced[a, b]) for b in range(len(orbits) + 1)] for a in range(rank)]
    pivots = [next(b for b, c in enumerate(row) if c) for row in solved]
    if len(orbits) in pivots:
        return
    free = [o for o in range(len(orbits)) if o not in pivots]
    if len(free) > 3:
        return
    for numbers in itertools.product(_FREE_NUMBERS, repeat=len(free)):
        c = [Fraction(0)] * len(orbits)
        for o, number in zip(free, numbers, strict=True):
            c[o] = number * t / 2
        for row, pivot in zip(solved, pivots, strict=True):
            c[pivot] = row[-1] - sum((row[o] * c[o] for o in free), Fraction(0))
        if all(v >= 0 for v in c) and any(c):
            form = sum((o * constant(n, v) for o, v in zip(orbits, c, strict=True)), one * 0)
            yield Value(("quadratic", numbers), form, one)
