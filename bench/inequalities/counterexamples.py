"""Points at which a statement is false: found in floating point, decided in rational numbers.

Simple points are looked at first, then points of the domain at which a claim clearly fails, then
those at which it holds by least, from many starts. Each is made rational and put on the equalities,
and then every assumption must hold and the claim fail exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.descent import descend
from bench.inequalities.domains import Domain, measure_margin
from bench.inequalities.polynomials import Floats
from bench.inequalities.relations import Point, decide
from bench.inequalities.statements import Statement
from bench.inequalities.surfaces import Round, Surface, list_simple_points

SAMPLED = 1_500
"""Points of the domain, before those are left out that an inequality forbids."""
STARTS = 12
"""Points from which a claim is followed down."""
LOWEST = 6
"""Points where that ended, the worst ones, that are made rational."""
CLEAR = -1e-3
"""Margin, relative to the sides, below which a point survives being rounded."""
MILDEST = 10
"""Clear points that are made rational, those with the least extreme coordinates."""
NEAR = 1e-9
"""How much a margin in floating point may be wrong."""
TESTED = 20
"""Points of one rounding that are decided exactly."""
NEARBY = 1.0
"""CPU seconds for the points near a given one."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A point that all assumptions allow, and the claim that is false there."""

    point: Mapping[str, Fraction]
    claim: int


def find_counterexample(statement: Statement, budget: Budget) -> Counterexample | None:
    """Return a point that refutes the statement, verified exactly; None where none is found."""
    domain = Domain(statement)
    surface = _surface_of(statement)
    drawn = domain.land(domain.draw(SAMPLED, np.random.default_rng(0)))
    drawn = drawn[domain.allows(drawn)]
    for number in range(len(statement.claims)):
        point = _Search(statement, number, domain, surface, budget).find(drawn)
        if point is not None:
            return Counterexample(point, number)
    return None


def refute_near(statement: Statement, near: Point) -> Counterexample | None:
    """Return a counterexample: a given point, or one near it with all equalities."""
    domain, surface = Domain(statement), _surface_of(statement)
    x = np.array([[_to_float(near[name]) for name in statement.variables]])
    for number in range(len(statement.claims)):
        search = _Search(statement, number, domain, surface, Budget(NEARBY))
        point = search.test([near])
        if point is None:
            point = search.test_near(x, ROUNDINGS)
        if point is not None:
            return Counterexample(point, number)
    return None


def is_counterexample(statement: Statement, point: Mapping[str, Fraction], claim: int) -> bool:
    """Whether all assumptions hold at a point and a claim does not, both without any doubt."""
    return all(decide(a, point) is True for a in statement.assumptions) and (
        decide(statement.claims[claim], point) is False
    )


def _surface_of(statement: Statement) -> Surface:
    return Surface(statement.variables, [a for a in statement.assumptions if a[0] == "="])


class _Search:
    """The search for a point that refutes one claim."""

    def __init__(
        self, statement: Statement, number: int, domain: Domain, surface: Surface, budget: Budget
    ) -> None:
        self._statement = statement
        self._number = number
        self._domain = domain
        self._surface = surface
        self._budget = budget
        self._measure = measure_margin(statement.claims[number], statement.variables)
        self._assumed = [measure_margin(a, statement.variables) for a in statement.assumptions]
        self._seen: set[tuple[Fraction, ...]] = set()

    def find(self, drawn: Floats) -> Point | None:
        """Return a point that refutes the claim; `drawn` are points of the domain's chart."""
        simple = np.array(list(list_simple_points(len(self._statement.variables))), dtype=float)
        found = self.test_near(simple, ROUNDINGS[:1])
        if found is not None or not len(drawn):
            return found
        values = self._measure(self._domain.leave_chart(drawn))
        clear = drawn[values < CLEAR]
        mildest = clear[np.argsort(abs(clear).max(axis=1, initial=0.0))[:MILDEST]]
        found = self.test_near(self._domain.leave_chart(mildest), ROUNDINGS)
        if found is not None or self._budget.is_spent:
            return found
        blocks = np.array_split(np.arange(len(drawn)), min(STARTS, len(drawn)))
        starts = [block[values[block].argmin()] for block in blocks]
        ends = descend(self._domain, self._measure, drawn[starts], self._budget)
        low = self._domain.leave_chart(ends)
        return self.test_near(low[np.argsort(self._measure(low))][:LOWEST], ROUNDINGS)

    def test_near(self, x: Floats, roundings: Sequence[Round]) -> Point | None:
        """Return a refuting point near one of the points in floating point."""
        for rounded in roundings:
            if self._budget.is_spent:
                return None
            found = self.test(p for row in x for p in self._surface.land(row.tolist(), rounded))
            if found is not None:
                return found
        return None

    def test(self, points: Iterable[Point]) -> Point | None:
        """Return one of the points that refutes the claim exactly; the worst are decided first."""
        names = self._statement.variables
        rows = dict.fromkeys(tuple(point[name] for name in names) for point in points)
        new = [row for row in rows if row not in self._seen]
        if not new:
            return None
        self._seen.update(new)
        x = np.array([list(map(_to_float, row)) for row in new])
        margin = self._measure(x)
        hopeful = margin <= NEAR
        for assumed in self._assumed:
            hopeful &= assumed(x) >= -NEAR
        chosen = np.flatnonzero(hopeful)
        for i in chosen[np.argsort(margin[chosen])][:TESTED]:
            point = dict(zip(names, new[i], strict=True))
            if is_counterexample(self._statement, point, self._number):
                return point
        return None


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _round_to(denominator: int, x: float) -> Fraction:
    """Return the nearest multiple of a unit fraction."""
    return Fraction(round(x * denominator), denominator)


def _simplify(most: int, x: float) -> Fraction:
    """Return a short fraction whose distance to `x` is small for the size of `x`."""
    if abs(x) >= 1 or not x:
        return Fraction(x).limit_denominator(most)
    return 1 / Fraction(1 / x).limit_denominator(most)


ROUNDINGS: Sequence[Round] = [
    *(partial(_simplify, most) for most in (2, 1, 4, 12, 60)),
    *(partial(_round_to, denominator) for denominator in (1, 2, 6, 12, 100)),
    *(partial(_simplify, most) for most in (10**3, 10**5, 10**7)),
]
"""How a point in floating point is made rational. The first keeps simple points as they are."""
