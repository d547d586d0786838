"""Scalings that numbers do not refute: points of the domain, and counterexamples once found.

A scaling is dropped where the bound is none (its multiplier is negative, or a condition of the
lemma does not hold), and where the new goal is false. The points at which the original goal is an
equality weigh most: there the new goal has to be one, too. All of that is floating point and drops,
now and then, what is true; nothing is proved by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.inequalities.budget import Budget
from bench.inequalities.counterexamples import find_counterexample
from bench.inequalities.lips.scaling import Scaling
from bench.inequalities.lips.sides import Rewriting
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import subtract
from bench.inequalities.sampling import scale_onto
from bench.inequalities.statements import Expression, Statement, compile_float

SAMPLED = 4000
KEPT = 500
"""Points of the domain on which everything is tried."""
TOLERANCE = 1e-9
"""By how much, relative to their size, two values may be in the wrong order."""
ROUNDS = 30
STARTS = 30
"""Points from which an equality is looked for, in so many rounds of ever smaller steps."""
CANDIDATES = 200
"""Best points among which the different ones are chosen."""
APART = 0.02
"""Distance of points of equality that count as different."""
MOST_EQUALITIES = 24
TO_BOUNDARY = 0.1
"""Share of coordinates that are made ten times smaller while an equality is looked for."""
HARDEST = 60
"""Points at most on which every scaling is tried before it is written."""
NEARBY = (0.2, 0.05, 0.01)
"""Distances from a point of equality at which the new goal is looked at as well."""


class Filter:
    """What one search knows of the domain of its statement."""

    def __init__(
        self, statement: Statement, *, preserve_equality: bool = True, use_filter: bool = True
    ) -> None:
        """Draw points.

        Args:
            statement: the first claim is the goal that the search starts from.
            preserve_equality: whether to look for the points at which that goal is an equality, at
                which every later goal must hold.
            use_filter: whether anything is dropped at all.
        """
        self._statement = statement
        self._names = statement.variables
        self._use_filter = use_filter
        if not use_filter:
            return
        random = np.random.default_rng(0)
        drawn = _draw(statement, random)
        self._points = drawn[random.permutation(len(drawn))[:KEPT]]
        if preserve_equality:
            self._points = np.vstack([self._points, self._find_equalities(drawn, random)])

    def list_hardest(self, larger: Expression, smaller: Expression) -> dict[str, Floats]:
        """Return some of the points, by variable, most of them where a goal holds most narrowly.

        None where nothing is filtered.
        """
        if not self._use_filter:
            return dict.fromkeys(self._names, np.zeros(0))
        slack = self.measure_slack(larger, smaller)
        order = np.argsort(slack)[: int(np.isfinite(slack).sum())]
        # Ever fewer of those where more is left.
        ranks = np.unique(np.geomspace(1, max(1, len(order)), HARDEST).astype(int)) - 1
        hardest = self._points[order[ranks[ranks < len(order)]]]
        return {name: hardest[:, i] for i, name in enumerate(self._names)}

    def keep(
        self, larger: Expression, smaller: Expression, scalings: Iterable[Scaling]
    ) -> list[Scaling]:
        """Return the scalings of the goal `larger >= smaller` that no point refutes."""
        if not self._use_filter:
            return list(scalings)
        old = {"larger": self._evaluate(larger), "smaller": self._evaluate(smaller)}
        return [each for each in scalings if self._holds(old, each)]

    def passes(
        self, larger: Expression, smaller: Expression, proposal: Scaling | Rewriting
    ) -> bool:
        """Whether no point refutes what is proposed for the goal `larger >= smaller`."""
        if isinstance(proposal, Scaling):
            return bool(self.keep(larger, smaller, [proposal]))
        return proposal.exact or self.allows(proposal.larger, proposal.smaller)

    def allows(self, larger: Expression, smaller: Expression) -> bool:
        """Whether no point refutes `larger >= smaller`."""
        if not self._use_filter:
            return True
        left, right = self._evaluate(larger), self._evaluate(smaller)
        defined = np.isfinite(left) & np.isfinite(right)
        return bool(_is_above(left, right)[defined].all())

    def measure_slack(self, larger: Expression, smaller: Expression) -> Floats:
        """Return by how much `larger >= smaller` holds at the points, relative to its sides.

        Nothing is known of it where nothing is filtered.
        """
        if not self._use_filter:
            return np.zeros(0)
        left, right = self._evaluate(larger), self._evaluate(smaller)
        with np.errstate(all="ignore"):
            slack: Floats = (left - right) / (abs(left) + abs(right))
        return slack

    def refute(self, larger: Expression, smaller: Expression, seconds: float) -> bool:
        """Whether an exact counterexample is found in so many CPU seconds; it is remembered."""
        if not self._use_filter:
            return False
        goal = replace(self._statement, claims=((">=", larger, smaller),))
        found = find_counterexample(goal, Budget(seconds))
        if found is None:
            return False
        point = [float(found.point[name]) for name in self._names]
        self._points = np.vstack([self._points, [point]])
        return True

    def _evaluate(self, e: Expression) -> Floats:
        return compile_float(e, self._names)(self._points)

    def _holds(self, old: dict[str, Floats], scaling: Scaling) -> bool:
        larger, smaller = self._evaluate(scaling.larger), self._evaluate(scaling.smaller)
        defined = np.isfinite(old["larger"]) & np.isfinite(old["smaller"])
        bounds, bounded = old["larger"], larger
        if scaling.side == "smaller":
            bounds, bounded = smaller, old["smaller"]
        right = _is_above(bounds, bounded) & _is_above(larger, smaller)
        return bool(right[defined].all())

    def _find_equalities(self, drawn: Floats, random: np.random.Generator) -> Floats:
        """Return points at which the original goal is an equality, or nearly, and others near."""
        op, left, right = self._statement.claims[0]
        larger, smaller = (left, right) if op in (">=", ">") else (right, left)
        sides = [compile_float(side, self._names) for side in (larger, smaller)]

        def measure(x: Floats) -> Floats:
            values = [side(x) for side in sides]
            with np.errstate(all="ignore"):
                gap = abs(values[0] - values[1]) / (abs(values[0]) + abs(values[1]))
            return np.where(np.isfinite(gap), gap, np.inf)

        x = drawn
        for step in range(ROUNDS):
            x = _list_different(x[np.argsort(measure(x))[:CANDIDATES]], APART)[:STARTS]
            x = np.vstack([x, self._move(x, 0.7 ** (step + 1), random)])
        x = _list_different(x[np.argsort(measure(x))[:CANDIDATES]], APART)[:MOST_EQUALITIES]
        orders = map(list, itertools.permutations(range(x.shape[1])))
        images = _allow(self._statement, np.vstack([x[:, order] for order in orders]))
        x = images[np.argsort(measure(images))]
        equal = _list_different(x, APART)[:MOST_EQUALITIES]
        near = [self._move(equal, distance, random) for distance in NEARBY]
        return np.vstack([equal, *near])

    def _move(self, x: Floats, distance: float, random: np.random.Generator) -> Floats:
        """Return points of the domain, several about each of some points, or nearer to 0."""
        repeated = np.repeat(x, 20, axis=0)
        moved = repeated * (1 + distance * random.standard_normal(repeated.shape))
        moved *= np.where(random.random(moved.shape) < TO_BOUNDARY, 0.1, 1.0)
        return _allow(self._statement, moved)


def _is_above(larger: Floats, smaller: Floats) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        above: NDArray[np.bool_] = larger - smaller >= -TOLERANCE * (abs(larger) + abs(smaller))
    return above


def _draw(statement: Statement, random: np.random.Generator) -> Floats:
    """Return points of the domain: about the middle, near the boundary, of all sizes."""
    n = len(statement.variables)
    x = np.vstack(
        [
            random.dirichlet(np.ones(n), SAMPLED // 2) * n,
            random.dirichlet(np.full(n, 0.4), SAMPLED // 4) * n,
            1 + 0.1 * random.standard_normal((SAMPLED // 4, n)),
        ]
    )
    x = np.maximum(abs(x), 1e-6)
    sizes = np.exp(1.5 * random.standard_normal(len(x)))
    x = x * np.where(random.random(len(x)) < 0.5, sizes, 1.0)[:, None]
    signs = np.where(random.random(x.shape) < 0.5, -1.0, 1.0)
    return _allow(statement, np.vstack([x, x * signs]))


def _allow(statement: Statement, x: Floats) -> Floats:
    """Return the points moved onto the equality, if there is one, that all inequalities allow."""
    margins = [
        (op, compile_float(subtract(left, right), statement.variables))
        for op, left, right in statement.assumptions
    ]
    equalities: list[Callable[[Floats], Floats]] = [f for op, f in margins if op == "="]
    if len(equalities) > 1:
        return x[:0]
    for equality in equalities:
        x = scale_onto(equality, x)
    for op, margin in margins:
        if op not in ("=", "!="):
            x = x[margin(x) >= 0] if op in (">=", ">") else x[margin(x) <= 0]
    return x


def _list_different(x: Floats, apart: float) -> Floats:
    """Return points in their order without those that are near an earlier one."""
    kept: list[Floats] = []
    for point in x:
        if not kept or abs(np.array(kept) - point).max(axis=1).min() > apart:
            kept.append(point)
    return np.array(kept).reshape(-1, x.shape[1])
