"""Rational points at which a true statement is nearly false, for making false ones of it.

A minimiser of scipy's finds where a claim holds by least, a grid has small rationals and the border
of the domain, and lines through all of these are followed to where an equality holds. The prover's
search for counterexamples has no part in it, so that it can be measured against what is found here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from random import Random

import numpy as np

from bench.inequalities.counterexamples import is_counterexample
from bench.inequalities.relations import Point
from bench.inequalities.statements import (
    Array,
    Relation,
    Statement,
    add,
    compile_float,
    evaluate,
    negate,
)

Row = tuple[Fraction, ...]
"""Coordinates in the order of the variables."""

VALUES = tuple(map(Fraction, ("0", "1/2", "1", "2", "1/1000", "3", "1/3", "4", "-1", "30", "-2")))
"""Coordinates of the grid, the commonest first."""
GRID = 400
"""Points of the grid at most; beyond, as many are drawn."""
STARTS = 6
"""Of the minimiser, for a claim."""
DENOMINATORS = (1, 2, 3, 4, 6, 10, 20, 1000)
"""To which a minimum is rounded."""
MOST_DENOMINATOR = 10**4
"""Of a coordinate, or a multiple, that is taken for rational where an equality holds."""
LANDED = 150
"""Points from which lines to an equality are followed."""
NEAR = 1e-9
"""How much, relative to its size, a margin in floating point may be wrong."""
TESTED = 20
"""Points at which a changed statement is evaluated exactly."""


@dataclass(frozen=True, slots=True)
class TightPoints:
    """Points for the statements that are made of one true statement."""

    rows: tuple[Row, ...]
    floats: Array

    @classmethod
    def find(cls, statement: Statement) -> TightPoints:
        """Return points inside and outside of a statement's domain, where its claims are tight."""
        random = Random(0)
        names = statement.variables
        loose = _list_grid(len(names), random)
        for claim in statement.claims:
            for minimum in _minimise(statement, claim, random):
                loose += [tuple(_round(x, most) for x in minimum) for most in DENOMINATORS]
        rows = dict.fromkeys(loose)
        equalities = [a for a in statement.assumptions if a[0] == "="]
        if len(equalities) == 1:
            near = list(dict.fromkeys([*reversed(loose)]))[:LANDED]
            rows |= dict.fromkeys(_land(equalities[0], names, near))
        return cls(tuple(rows), np.array([list(map(float, row)) for row in rows]))

    def empty(self) -> TightPoints:
        """Return no points."""
        return TightPoints((), self.floats[:0])

    def refute(self, statement: Statement) -> tuple[Point, int] | None:
        """Return a point and the claim that fails there, both exactly."""
        names = statement.variables
        allowed = np.ones(len(self.rows), dtype=bool)
        for relation in statement.assumptions:
            if relation[0] != "!=":
                margin = _measure(relation, names, self.floats)
                allowed &= abs(margin) <= NEAR if relation[0] == "=" else margin >= -NEAR
        for number, claim in enumerate(statement.claims):
            margin = _measure(claim, names, self.floats)
            chosen = np.flatnonzero(allowed & (margin <= NEAR))
            for i in chosen[np.argsort(margin[chosen])][:TESTED]:
                point = dict(zip(names, self.rows[i], strict=True))
                if is_counterexample(statement, point, number):
                    return point, number
        return None


def _measure(relation: Relation, names: Sequence[str], x: Array) -> Array:
    """Return by how much a relation holds, relative to its sides; nan where it has no meaning."""
    op, left, right = relation
    larger, smaller = (left, right) if op in (">=", ">") else (right, left)
    with np.errstate(all="ignore"):
        above, below = (compile_float(side, names)(x) for side in (larger, smaller))
        found: Array = (above - below) / (1 + abs(above) + abs(below))
    return found


def _list_grid(n: int, random: Random) -> list[Row]:
    """Return points with coordinates of `VALUES`: all for few variables, else as many as may be."""
    few = next(k for k in range(len(VALUES), 1, -1) if k**n <= GRID or k == 2)
    rows = list(itertools.islice(itertools.product(VALUES[:few], repeat=n), GRID))
    drawn = (tuple(random.choice(VALUES) for _ in range(n)) for _ in range(GRID))
    return [*rows, *drawn, (Fraction(1),) * n]


def _minimise(statement: Statement, claim: Relation, random: Random) -> Iterator[list[float]]:
    """Yield points of the domain at which a claim holds by least, in floating point."""
    from scipy.optimize import minimize

    names = statement.variables

    def measure(relation: Relation) -> Callable[[Array], float]:
        def at(x: Array) -> float:
            value = float(_measure(relation, names, x[None, :])[0])
            return value if math.isfinite(value) else 1.0

        return at

    conditions = [
        {"type": "eq" if a[0] == "=" else "ineq", "fun": measure(a)}
        for a in statement.assumptions
        if a[0] != "!="
    ]
    for _ in range(STARTS):
        start = np.array([math.exp(random.gauss(0, 0.7)) for _ in names])
        with np.errstate(all="ignore"):
            found = minimize(
                measure(claim), start, method="SLSQP", constraints=conditions, tol=1e-14
            ).x
        if np.isfinite(found).all() and abs(found).max() < 1e6:
            # Of a homogeneous claim every multiple of a minimum is one.
            yield [float(x) for x in found]
            if (least := abs(found[abs(found) > 1e-6]).min(initial=math.inf)) < math.inf:
                yield [float(x / least) for x in found]


def _round(x: float, most: int) -> Fraction:
    return Fraction(x).limit_denominator(most)


def _land(equality: Relation, names: Sequence[str], rows: Sequence[Row]) -> Iterator[Row]:
    """Yield points at which an equality holds exactly, on lines through others.

    The lines are those on which one coordinate changes, those through the origin, and chords from
    points on which the equality holds: where it is quadratic, a chord's other end is rational.
    """
    from_here = partial(_follow, equality, names)
    landed: list[Row] = []
    zero = (Fraction(0),) * len(names)
    axes = [tuple(Fraction(i == j) for j in range(len(names))) for i in range(len(names))]
    for axis in axes:
        dropped = [tuple(x * (1 - d) for x, d in zip(row, axis, strict=True)) for row in rows]
        landed += from_here(dropped, [axis] * len(rows))
    landed += from_here([zero] * len(rows), rows)
    bases = list(dict.fromkeys(landed))[:3]
    for base in bases:
        chords = [tuple(x - b for x, b in zip(row, base, strict=True)) for row in rows]
        landed += from_here([base] * len(rows), chords)
    yield from landed


def _follow(
    equality: Relation,
    names: Sequence[str],
    starts: Sequence[Row],
    ways: Sequence[Row],
) -> Iterator[Row]:
    """Yield `start + t way` for the rational t, not 0, of least size where the equality holds."""
    e = add(equality[1], negate(equality[2]))
    value = compile_float(e, names)
    start, way = (np.array([list(map(float, row)) for row in rows]) for rows in (starts, ways))
    sizes = np.exp(np.linspace(-6, 4, 121))
    for ts in (sizes, -sizes):
        values = np.array([value(start + t * way) for t in ts])
        changes = np.sign(values[:-1]) * np.sign(values[1:]) <= 0
        chosen = np.flatnonzero(changes.any(axis=0))
        at = changes.argmax(axis=0)[chosen]
        low, high, begin = ts[at], ts[at + 1], values[at, chosen]
        for _ in range(60):
            middle = (low + high) / 2
            same = value(start[chosen] + middle[:, None] * way[chosen]) * begin > 0
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        for i, t in zip(chosen.tolist(), high.tolist(), strict=True):
            times = _round(t, MOST_DENOMINATOR)
            row = tuple(x + times * d for x, d in zip(starts[i], ways[i], strict=True))
            if evaluate(e, dict(zip(names, row, strict=True))) == 0:
                yield row
