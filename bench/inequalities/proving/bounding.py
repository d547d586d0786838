"""Candidates for the bound of a radical, made where the goal is an equality.

With `t = U^(1/q)` and a point `z` at which the goal is 0, a rational `V` with `V = t` at `z` and
the same derivatives there makes a bound that is exact to first order. The families below are forms
in the variables with free numbers: linear ones, quadratic ones, the other side of the goal shared
out (Jensen, power means and Hoelder in one formula), means of `U`'s factors (AM-GM), and functions
that are exact where a variable is 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq_mat

from bench.inequalities.polynomials import (
    Exponents,
    Floats,
    Polynomial,
    compile_polynomial,
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
from bench.inequalities.proving.goals import FREE
from bench.inequalities.proving.polynomial_goals import (
    PolynomialGoal,
    drop_radicals,
    list_degrees,
)
from bench.inequalities.roots import exact_root
from bench.inequalities.sampling import scale_onto

Point = tuple[Fraction, ...]
SAMPLED = 3_000
FEWEST = 20
"""Points that must be found for choices to be told apart."""
MOST_POINTS_TRIED = 2
"""Equality points from which bounds are made."""
EASE = {"upper": 0, "lower": 0, "convex": 1, "above": -1, "below": -1, "keep": 0}
"""What a kind of bound is ranked by, easiest first."""
KEPT = "keep"
"""Not a bound: the radical of a single term is left for powers of the variables."""


class Value(NamedTuple):
    """A `V`, and the family and the numbers it was made with."""

    tag: tuple[Any, ...]
    top: Polynomial
    bottom: Polynomial


@dataclass(frozen=True, slots=True)
class Bounding:
    """A bound for each radical of a group whose members are the same up to renaming."""

    kind: str
    tag: tuple[Any, ...]
    radicals: tuple[int, ...]
    by: Mapping[int, tuple[Polynomial, Polynomial]]
    """`V` by radical; empty where they are kept."""

    @property
    def ease(self) -> int:
        """How hard it is to close what such a bound leaves; smaller is easier."""
        return EASE[self.kind] + (2 if self.tag[0] == "boundary" else 0)


class Points:
    """Sampled points of the domain, and what goal and radicals are at them."""

    def __init__(self, goal: PolynomialGoal, x: Floats) -> None:
        """Compute the radicals, the coefficients and the size of the goal's terms."""
        self.goal, self.x = goal, x
        n = goal.n
        self.t = [
            np.maximum(compile_polynomial(r.radicand)(x), 0) ** (1 / r.degree)
            for r in goal.radicals
        ]
        both = np.column_stack([x, *self.t]) if self.t else x
        terms = terms_of(goal.p)
        absolute = make(size_of(goal.p), {e: abs(c) for e, c in terms.items()})
        self.size = np.maximum(compile_polynomial(absolute)(abs(both)), 1e-300)
        free = make(size_of(goal.p), {e: c for e, c in terms.items() if not any(e[n:])})
        self.plain = compile_polynomial(free)(both)
        self._both = both

    @classmethod
    def draw(cls, goal: PolynomialGoal) -> Points | None:
        """Return points that the assumptions allow; None where too few are found."""
        x = sample(goal, SAMPLED, seed=2)
        return cls(goal, x) if len(x) >= FEWEST else None

    def coefficient(self, i: int) -> tuple[int, Floats]:
        """Return the one power of radical `i` in the goal, and its coefficient at the points."""
        power, p = coefficient_of(self.goal, i)
        return power, compile_polynomial(p)(self._both)

    def value_of(self, bounding: Bounding) -> Floats | None:
        """Return what bounded radicals add to the goal; None where `above` or `below` is false."""
        total = np.zeros(len(self.x))
        with np.errstate(all="ignore"):
            for i in bounding.radicals:
                power, k = self.coefficient(i)
                t, q = self.t[i], self.goal.radicals[i].degree
                if bounding.kind == KEPT:
                    total = total + k * t**power
                    continue
                top, bottom = bounding.by[i]
                v = compile_polynomial(top)(self.x) / compile_polynomial(bottom)(self.x)
                if bounding.kind == "above" and (t - v * (1 + 1e-9)).max() > 1e-12:
                    return None
                if bounding.kind == "below" and (v - t * (1 + 1e-9)).max() > 1e-12:
                    return None
                total = total + k * _bound_at(bounding.kind, t, v, power, q)
        return np.where(np.isfinite(total), total, -1e9)


def _bound_at(kind: str, t: Floats, v: Floats, p: int, q: int) -> Floats:
    if kind == "upper":
        return (p * t**q + (q - p) * v**q) / (q * v ** (q - p))
    if kind == "lower":
        return q * t**q * v**p / ((q - p) * t**q + p * v**q)
    if kind == "convex":
        return t**q * ((2 * q - p) * v**q - (q - p) * t**q) / (q * v ** (2 * q - p))
    found: Floats = v**p
    return found


def coefficient_of(goal: PolynomialGoal, i: int) -> tuple[int, Polynomial]:
    """Return the power in which radical `i` occurs, and its coefficient; power 0: several."""
    parts = {k: p for k, p in split_by_power(goal.p, goal.n + i).items() if k}
    if len(parts) != 1:
        return 0, goal.p * 0
    ((power, p),) = parts.items()
    return power, p


def is_homogeneous_with_radicals(goal: PolynomialGoal) -> bool:
    """Whether all terms have one degree, radicals counted by their radicands'."""
    degrees = list_degrees(goal.n, goal.radicals)
    found = {
        sum((k * w for k, w in zip(e, degrees, strict=True)), Fraction(0)) for e in terms_of(goal.p)
    }
    homogeneous = all(
        len({sum(e) for e in terms_of(radical.radicand)}) <= 1 for radical in goal.radicals
    )
    return len(found) <= 1 and homogeneous


def sample(goal: PolynomialGoal, count: int, seed: int) -> Floats:
    """Return points, shape (points, variables), that the assumptions allow."""
    known, n = goal.assumptions, goal.n
    random = np.random.default_rng(seed)
    x = np.vstack(
        [
            random.dirichlet(np.ones(n), count // 2),
            random.dirichlet(np.full(n, 0.3), count // 2),
            abs(1 + 0.02 * random.standard_normal((count // 8, n))) / n,
            np.eye(n) + 1e-4,
            1 - np.eye(n) + 1e-4,
        ]
    )
    equalities = [h for h in known.equalities if h is not None]
    if not equalities and not is_homogeneous_with_radicals(goal):
        x = x * np.exp(2 * random.standard_normal((len(x), 1)))
    for i, sign in enumerate(known.signs):
        if sign == FREE:
            x[:, i] *= np.sign(random.standard_normal(len(x)))
    if equalities and not is_homogeneous_with_radicals(goal):
        if len(equalities) > 1:
            return x[:0]
        x = scale_onto(compile_polynomial(equalities[0]), x)
    for fact in known.facts:
        if fact is not None:
            x = x[compile_polynomial(fact[0])(x) >= 0]
    return x


def find_equality_points(goal: PolynomialGoal, points: Points) -> list[Point]:
    """Return rational points with positive coordinates at which the goal is 0, or seems to be.

    Where none is found, the point of ones.
    """
    n = goal.n
    found: list[Point] = []
    if is_homogeneous_with_radicals(goal) or not any(
        h is not None for h in goal.assumptions.equalities
    ):
        found += _on_grid(goal)
    if not is_homogeneous_with_radicals(goal):
        found += [p for p in _near_smallest(goal, points) if p not in found]
    found.sort(key=lambda z: (sum(x == 0 for x in z), max(z) - min(z)))
    inside = [z for z in found if all(x > 0 for x in z)]
    return inside[:MOST_POINTS_TRIED] or [(Fraction(1),) * n]


def _radicals_at(goal: PolynomialGoal, x: Floats) -> list[Floats]:
    return [
        np.maximum(compile_polynomial(radical.radicand)(x), 0) ** (1 / radical.degree)
        for radical in goal.radicals
    ]


def _value_with_radicals(goal: PolynomialGoal, x: Floats) -> Floats:
    t = _radicals_at(goal, x)
    return compile_polynomial(goal.p)(np.column_stack([x, *t]) if t else x)


def _on_grid(goal: PolynomialGoal) -> list[Point]:
    n = goal.n
    most = 4 if n <= 3 else 2
    grid = [
        z
        for z in itertools.product(range(most + 1 if n <= 4 else 2), repeat=n)
        if any(z) and math.gcd(*z) == 1
    ]
    values = _value_with_radicals(goal, np.array(grid, dtype=float))
    size = max(abs(float(from_flint(c))) for c in goal.p.coeffs())
    degree = degree_of(goal.p)
    return [
        tuple(Fraction(k) for k in z)
        for z, value in zip(grid, values, strict=True)
        if abs(value) < 1e-8 * size * max(1, *z) ** degree
    ]


def _near_smallest(goal: PolynomialGoal, points: Points) -> Iterator[Point]:
    """Yield rational points near the smallest values of the goal, refined by sampling."""
    equalities = [h for h in goal.assumptions.equalities if h is not None]
    random = np.random.default_rng(7)
    x = points.x
    size = max(abs(float(from_flint(c))) for c in goal.p.coeffs())
    for step in range(9):
        values = _value_with_radicals(goal, x)
        best = x[np.argsort(np.where(np.isfinite(values), values, np.inf))[:30]]
        near = np.repeat(best, 40, axis=0)
        near = abs(near * (1 + 0.3 ** (step + 1) * random.standard_normal(near.shape)))
        if equalities:
            near = scale_onto(compile_polynomial(equalities[0]), near)
        x = np.vstack([best, near])
    values = _value_with_radicals(goal, x)
    seen: set[Point] = set()
    for point in x[np.argsort(values)[:60]]:
        for denominator in (1, 2, 3, 4, 6):
            z = tuple(Fraction(round(float(v) * denominator), denominator) for v in point)
            if z in seen or any(v <= 0 for v in z):
                continue
            seen.add(z)
            value = _value_with_radicals(goal, np.array([[float(v) for v in z]]))[0]
            if abs(value) < 1e-9 * size and all(evaluate(h, z) == 0 for h in equalities):
                yield z


def list_boundings(goal: PolynomialGoal, z: Point) -> list[list[Bounding]]:
    """Return for each group of like radicals the bounds that may be tried, made at `z`.

    A group that has none is an empty list: then no bounds are known for the goal.
    """
    groups: dict[Any, list[int]] = {}
    for i, radical in enumerate(goal.radicals):
        if not goal.p.degrees()[goal.n + i]:
            continue
        power, coefficient = coefficient_of(goal, i)
        sign = _sign_of(goal, coefficient)
        if not power or not sign:
            return [[]]
        look = tuple(sorted(map(str, radical.radicand.coeffs())))
        groups.setdefault((radical.degree, power, sign, look), []).append(i)
    count = sum(len(members) for members in groups.values())
    return [_bound_group(goal, z, members, key[2], count) for key, members in groups.items()]


def _sign_of(goal: PolynomialGoal, p: Polynomial) -> int:
    for sign in (1, -1):
        if goal.assumptions.is_visibly_nonnegative(sign * p):
            return sign
    return 0


def _bound_group(
    goal: PolynomialGoal, z: Point, members: Sequence[int], sign: int, count: int
) -> list[Bounding]:
    kinds = ("lower", "convex", "below") if sign > 0 else ("upper", "above")
    radicand = goal.radicals[members[0]].radicand
    group = tuple(members)
    found: list[Bounding] = []
    if radicand.is_constant():
        for each in _approximate(goal, members[0]):
            by = {i: (each.top, each.bottom) for i in group}
            found.append(Bounding(kinds[0], ("constant", each.tag), group, by))
        return found
    homogeneous = is_homogeneous_with_radicals(goal)
    if homogeneous and all(len(goal.radicals[i].radicand) == 1 for i in members):
        found.append(Bounding(KEPT, (KEPT,), group, {}))
    first = _list_values(goal, members[0], z, kinds, count, homogeneous)
    values: dict[int, dict[tuple[Any, ...], Value]] = {members[0]: {v.tag: v for v in first}}
    for i in members[1:]:
        order = _find_renaming(goal, members[0], i)
        if order is not None and all(z[order[k]] == z[k] for k in range(goal.n)):
            values[i] = {
                v.tag: Value(v.tag, _permute(v.top, order), _permute(v.bottom, order))
                for v in first
            }
        else:
            listed = _list_values(goal, i, z, kinds, count, homogeneous)
            values[i] = {v.tag: v for v in listed}
    shared = set.intersection(*(set(each) for each in values.values()))
    for tag in sorted(shared, key=str):
        for kind in ("above",) if tag[0] == "mean" else kinds:
            by = {i: (values[i][tag].top, values[i][tag].bottom) for i in members}
            found.append(Bounding(kind, tag, group, by))
    return found


def _approximate(goal: PolynomialGoal, i: int) -> Iterator[Value]:
    """Yield rational numbers near a radical that is a number."""
    index, radicand = goal.radicals[i]
    number = float(from_flint(radicand.leading_coefficient())) ** (1 / index)
    for denominator in (2, 10, 100, 10_000):
        value = Fraction(round(number * denominator), denominator)
        if value > 0:
            yield Value((denominator,), constant(goal.n, value), constant(goal.n, 1))


def _permute(p: Polynomial, order: Sequence[int]) -> Polynomial:
    n = size_of(p)
    return make(
        n,
        {
            tuple(e[order[k]] for k in range(len(order))) + e[len(order) :]: c
            for e, c in terms_of(p).items()
        },
    )


def _find_renaming(goal: PolynomialGoal, i: int, j: int) -> tuple[int, ...] | None:
    """Return an order of the variables that makes radical `j` and its coefficient of `i`'s."""
    n = goal.n
    first, second = coefficient_of(goal, i)[1], coefficient_of(goal, j)[1]
    shifts = [tuple((k + r) % n for k in range(n)) for r in range(1, n)]
    orders = [*shifts, *itertools.permutations(range(n))] if n <= 5 else shifts
    for with_coefficient in (True, False):
        for order in orders:
            if _permute(goal.radicals[i].radicand, order) == goal.radicals[j].radicand and (
                not with_coefficient or _permute(first, order) == second
            ):
                return order
    return None


def _list_values(
    goal: PolynomialGoal,
    i: int,
    z: Point,
    kinds: Sequence[str],
    count: int,
    homogeneous: bool,
) -> list[Value]:
    """Return the `V` of all families for one radical, the first of equal ones."""
    index, u = goal.radicals[i]
    at = evaluate(u, z)
    if at <= 0:
        return []
    t = exact_root(at, index)
    if t is None:
        # An irrational value: a rational one near it will do where the goal is not tight.
        t = Fraction(float(at) ** (1 / index)).limit_denominator(30)
        u = u * constant(goal.n, t**index / at)
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


def _gradient(p: Polynomial, z: Point) -> list[Fraction]:
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
    slope = [d / (index * t ** (index - 1)) for d in _gradient(u, z)]
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
    symmetries = [o for o in itertools.permutations(range(n)) if _permute(u, o) == u]
    orbits: list[Polynomial] = []
    seen: set[Exponents] = set()
    for m in list_monomials(n, 2):
        orbit = {tuple(m[o[k]] for k in range(n)) for o in symmetries}
        if m not in seen:
            seen |= orbit
            orbits.append(make(n, {e: Fraction(1) for e in orbit}))
    wanted = [d / (2 * t) for d in _gradient(u, z)]
    slopes = [_gradient(orbit, z) for orbit in orbits]
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
