"""Candidates for the bound of a radical, made where the goal is an equality.

With `t = U^(1/q)` and a point `z` at which the goal is 0, a rational `V` with `V = t` at `z` and
the same derivatives there makes a bound that is exact to first order. The families of such `V` are
in `bench.inequalities.proving.families` and `interpolating`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from bench.inequalities.polynomials import (
    Floats,
    Polynomial,
    compile_polynomial,
    constant,
    degree_of,
    evaluate,
    from_flint,
    make,
    size_of,
    terms_of,
)
from bench.inequalities.proving.families import (
    Point,
    Value,
    coefficient_of,
    list_values,
    permute,
)
from bench.inequalities.proving.goals import FREE
from bench.inequalities.proving.interpolating import list_further_values
from bench.inequalities.proving.polynomial_goals import (
    PolynomialGoal,
    list_degrees,
)
from bench.inequalities.sampling import scale_onto

SAMPLED = 3_000
FEWEST = 20
"""Points that must be found for choices to be told apart."""
MOST_POINTS_TRIED = 2
"""Equality points from which bounds are made."""
EASE = {"upper": 0, "lower": 0, "convex": 1, "above": -1, "below": -1, "keep": 0}
"""What a kind of bound is ranked by, easiest first."""
KEPT = "keep"
"""Not a bound: the radical of a single term is left for powers of the variables."""


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
        self._coefficients: dict[int, tuple[int, Floats]] = {}

    @classmethod
    def draw(cls, goal: PolynomialGoal) -> Points | None:
        """Return points that the assumptions allow; None where too few are found."""
        x = sample(goal, SAMPLED, seed=2)
        return cls(goal, x) if len(x) >= FEWEST else None

    def coefficient(self, i: int) -> tuple[int, Floats]:
        """Return the one power of radical `i` in the goal, and its coefficient at the points."""
        if i not in self._coefficients:
            power, p = coefficient_of(self.goal, i)
            self._coefficients[i] = (power, compile_polynomial(p)(self._both))
        return self._coefficients[i]

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


def list_boundings(goal: PolynomialGoal, z: Point, *, further: bool) -> list[list[Bounding]]:
    """Return for each group of like radicals the bounds that may be tried, made at `z`.

    With `further` those of more families. A group that has none is an empty list: then no bounds
    are known for the goal.
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
    return [
        _bound_group(goal, z, members, key[2], count, further=further)
        for key, members in groups.items()
    ]


def _sign_of(goal: PolynomialGoal, p: Polynomial) -> int:
    for sign in (1, -1):
        if goal.assumptions.is_visibly_nonnegative(sign * p):
            return sign
    return 0


def _bound_group(
    goal: PolynomialGoal,
    z: Point,
    members: Sequence[int],
    sign: int,
    count: int,
    *,
    further: bool,
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

    def list_all(i: int) -> list[Value]:
        found = list_values(goal, i, z, kinds, count, homogeneous)
        if further:
            index, u = goal.radicals[i]
            found += list_further_values(u, index, z, homogeneous=homogeneous)
        return found

    first = list_all(members[0])
    values: dict[int, dict[tuple[Any, ...], Value]] = {members[0]: {v.tag: v for v in first}}
    for i in members[1:]:
        order = _find_renaming(goal, members[0], i)
        if order is not None and all(z[order[k]] == z[k] for k in range(goal.n)):
            values[i] = {
                v.tag: Value(v.tag, permute(v.top, order), permute(v.bottom, order)) for v in first
            }
        else:
            values[i] = {v.tag: v for v in list_all(i)}
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


def _find_renaming(goal: PolynomialGoal, i: int, j: int) -> tuple[int, ...] | None:
    """Return an order of the variables that makes radical `j` and its coefficient of `i`'s."""
    n = goal.n
    first, second = coefficient_of(goal, i)[1], coefficient_of(goal, j)[1]
    shifts = [tuple((k + r) % n for k in range(n)) for r in range(1, n)]
    orders = [*shifts, *itertools.permutations(range(n))] if n <= 5 else shifts
    for with_coefficient in (True, False):
        for order in orders:
            if permute(goal.radicals[i].radicand, order) == goal.radicals[j].radicand and (
                not with_coefficient or permute(first, order) == second
            ):
                return order
    return None
