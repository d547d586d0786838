"""Rewritings that may lose something: each needs a proof of its own.

`equal_value` puts the mean of all variables but one in the place of each of them. The theorem after
which it is named (a symmetric sum is extreme where all variables but one are equal) is not used: it
is no step of FORMAT.md, and what is lost, the goal less the new one, has to be proved like anything
else. Where that holds for one order of the variables only, nothing can be done here.

`pqr_method` writes a symmetric goal of three variables in `p`, `q`, `r`, their elementary symmetric
polynomials, which is exact. Where the goal is linear in `r` and the sign of its coefficient shows,
it puts a bound of `r` in its place: Schur's inequality of degree 3 or 4, `q^2 >= 3 p r`,
`p q >= 9 r`, each proved where it is used. That a goal is extreme in `r` where two variables are
equal or one is 0 is a theorem about all goals; it is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from bench.inequalities.lips.expanding import gather, write_terms
from bench.inequalities.lips.forms import Forms, raise_to
from bench.inequalities.lips.identities import shorten
from bench.inequalities.lips.sides import (
    ONE,
    ZERO,
    Rewriting,
    scale,
    take_difference,
)
from bench.inequalities.polynomials import (
    Floats,
    Polynomial,
    Terms,
    constant,
    generators,
    has_nonnegative_coefficients,
    make,
    split_by_power,
    terms_of,
)
from bench.inequalities.polynomials import insert as insert_polynomials
from bench.inequalities.proving.goals import Goal, insert, subtract
from bench.inequalities.sampling import scale_onto
from bench.inequalities.statements import Expression, add, compile_float, divide, multiply

SAMPLED = 200
"""Points at which a proposal must not be false."""
TOLERANCE = 1e-9


# Equal variables


def equal_value(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Put the mean of all variables but the first in their places, in a symmetric goal."""
    goal = forms.goal
    others = goal.variables[1:]
    points = draw_points(goal)
    old = take_difference(larger, smaller)
    if len(others) < 2 or not _is_symmetric(old, goal.variables, points):
        return
    for mean in _list_means(goal, others):
        images = dict.fromkeys(others, mean)
        sides = [shorten(forms, insert(side, images)) for side in (larger, smaller)]
        lost = subtract(old, take_difference(sides[0], sides[1]))
        if holds_at(goal, lost, points):
            yield Rewriting("equal_value", sides[0], sides[1], exact=False)


def _list_means(goal: Goal, others: Sequence[str]) -> Iterator[Expression]:
    count = Fraction(len(others))
    yield divide(add(*others), count)
    if not goal.free:
        yield ("^", multiply(*others), 1 / count)


def _is_symmetric(e: Expression, variables: Sequence[str], points: Floats) -> bool:
    """Whether a value stays the same after any two neighbouring variables are exchanged."""
    value = compile_float(e, variables)
    at, order = value(points), list(range(len(variables)))
    for i in order[1:]:
        swapped = [*order[: i - 1], i, i - 1, *order[i + 1 :]]
        if not np.allclose(at, value(points[:, swapped]), rtol=1e-7, equal_nan=True):
            return False
    return len(points) > 0


def draw_points(goal: Goal) -> Floats:
    """Return points in floating point that satisfy the assumptions; of equalities the first."""
    random = np.random.default_rng(5)
    points = random.exponential(1, (SAMPLED, len(goal.variables)))
    for i, v in enumerate(goal.variables):
        if not goal.is_nonnegative(v):
            points[:, i] *= random.choice([-1, 1], SAMPLED)
    if goal.equalities:
        points = scale_onto(compile_float(goal.equalities[0], goal.variables), points)
    for fact in goal.facts:
        points = points[compile_float(fact.expression, goal.variables)(points) >= 0]
    return points


def holds_at(goal: Goal, e: Expression, points: Floats) -> bool:
    """Whether an expression is not negative at any of some points, up to rounding."""
    values = compile_float(e, goal.variables)(points)
    return bool((values >= -TOLERANCE * (1 + abs(points).max(axis=1))).all())


# p, q, r


def pqr_method(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Write a symmetric goal in p, q, r; where it is linear in r, bound r."""
    goal = forms.goal
    form = forms.read(take_difference(larger, smaller))
    if len(goal.variables) != 3 or form is None:
        return
    below = forms.product(form.under)
    if forms.has_roots(form.top) or forms.has_roots(below):
        return
    top, bottom = (_read_elementary(forms, forms.plain(p)) for p in (form.top, below))
    if top is None or bottom is None:
        return
    yield Rewriting("pqr_method", *_balance(forms, top, [bottom]))
    if goal.free or any(forms.sign_of(forms.denominator(i)) < 1 for i in form.under):
        return
    points = draw_points(goal)
    for bounded, times in _bound_r(top):
        sides = _balance(forms, bounded, [times, bottom])
        if holds_at(goal, take_difference(*sides), points):
            yield Rewriting("pqr_method", *sides, exact=False)


def find_elementary(p: Polynomial) -> Polynomial | None:
    """Return a symmetric polynomial of three variables in p, q, r; None of another polynomial."""
    x, y, z = generators(3)
    elementary = (x + y + z, x * y + y * z + z * x, x * y * z)
    found: dict[tuple[int, ...], Fraction] = {}
    while not p.is_zero():
        (i, j, k), c = max(terms_of(p).items())
        if not i >= j >= k:
            return None
        powers = (i - j, j - k, k)
        found[powers] = c
        p = p - insert_polynomials(make(3, {powers: c}), elementary)
    return make(3, found)


def _read_elementary(forms: Forms, p: Polynomial) -> Polynomial | None:
    """Return the same, with the values that equalities give p, q or r."""
    found = find_elementary(p)
    if found is None:
        return None
    images = list(generators(3))
    for h in forms.known.equalities:
        symmetric = None if h is None else find_elementary(h)
        terms = {} if symmetric is None else terms_of(symmetric)
        for i, unit in enumerate([(1, 0, 0), (0, 1, 0), (0, 0, 1)]):
            if set(terms) == {unit, (0, 0, 0)}:
                images[i] = constant(3, -terms[0, 0, 0] / terms[unit])
    return insert_polynomials(found, images)


def _bound_r(top: Polynomial) -> Iterator[tuple[Polynomial, Polynomial]]:
    """Yield what `A r + B` becomes with a bound for `r`, and what it is multiplied by."""
    p, q, _ = generators(3)
    parts = split_by_power(top, 2)
    if max(parts, default=0) != 1:
        return
    a, b = parts[1], parts.get(0, top * 0)
    one = constant(3, 1)
    bounds: list[tuple[Polynomial, Polynomial]] = []
    if has_nonnegative_coefficients(a):
        bounds = [(p * (4 * q - p**2), 9 * one), ((4 * q - p**2) * (p**2 - q), 6 * p), (p * 0, one)]
    elif has_nonnegative_coefficients(-a):
        bounds = [(q**2, 3 * p), (p * q, 9 * one)]
    for bound, times in bounds:
        yield a * bound + b * times, times


def _balance(
    forms: Forms, top: Polynomial, below: Sequence[Polynomial]
) -> tuple[Expression, Expression]:
    """Return the terms with a plus and those with a minus, over a product, p, q, r written out."""
    if top.is_zero():
        return ZERO, ZERO
    content, factors = ONE, list[Expression]()
    for p in below:
        common = top.gcd(p)
        top, p = top / common, p / common
        shared = forms.find_content(p)
        content /= shared
        factors.append(_write(forms, terms_of(p * constant(3, 1 / shared))))
    content *= forms.find_content(top)
    divisors = [e for e in (Fraction(content.denominator), *factors) if e != ONE]
    top = top * constant(3, content.numerator / forms.find_content(top))
    terms = terms_of(top)
    larger = _write(forms, {e: c for e, c in terms.items() if c > 0})
    smaller = _write(forms, {e: -c for e, c in terms.items() if c < 0})
    if not divisors:
        return larger, smaller
    over = multiply(*divisors)
    return divide(larger, over), divide(smaller, over) if smaller != ZERO else ZERO


def _write(forms: Forms, terms: Terms) -> Expression:
    x, y, z = forms.goal.variables
    images = (add(x, y, z), add(multiply(x, y), multiply(y, z), multiply(z, x)), multiply(x, y, z))
    written: list[Expression] = []
    for e, c in terms.items():
        powers = [raise_to(image, Fraction(k)) for image, k in zip(images, e, strict=True) if k]
        written.append(scale(c, multiply(*powers)) if powers else c)
    return write_terms(gather(add(*written))) if written else ZERO
