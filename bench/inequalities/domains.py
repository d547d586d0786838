"""Where the assumptions of a statement hold, in floating point: drawing there, and going down.

A point has coordinates of two kinds: those of the statement, and those of a chart in which bounds
of single variables cannot be left and in which tiny, usual and huge numbers are equally far apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.inequalities.polynomials import Floats
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    add,
    compile_float,
    find_variables,
    negate,
)

Measure = Callable[[Floats], Floats]
Curve = Callable[[Floats, Floats, Floats], Floats]

LANDING = 12
"""Newton's steps onto the equalities."""
LANDED = 1e-9
"""How far from 0, relative to its sides, an equality may be."""
STEP = 1e-6
"""Of a derivative."""
LARGEST = 1.0
"""Step onto the equalities, in the chart."""
REACH = 30.0
"""How far a point may be from the chart's origin: 13 orders of magnitude."""

CURVES: Mapping[tuple[bool, bool], Curve] = {
    (True, True): lambda t, low, high: low + (high - low) / (1 + np.exp(-t)),
    (True, False): lambda t, low, high: low + np.exp(t),
    (False, True): lambda t, low, high: high - np.exp(t),
    (False, False): lambda t, low, high: np.sinh(t),
}
"""How a coordinate of the chart becomes one of the statement's, by whether that is bounded from
below, and from above."""


def measure_margin(relation: Relation, names: Sequence[str]) -> Measure:
    """Return by how much a relation holds at points, relative to the size of its sides.

    Points without a value have infinity.
    """
    op, left, right = relation
    above, below = (compile_float(side, names) for side in (left, right))

    def measure(x: Floats) -> Floats:
        a, b = above(x), below(x)
        with np.errstate(all="ignore"):
            margin = (a - b) / np.maximum(abs(a) + abs(b), 1e-300)
        margin = np.where(np.isfinite(margin), margin, np.nan)
        margin = {"<": -margin, "<=": -margin, "=": -abs(margin), "!=": abs(margin)}.get(op, margin)
        found: Floats = np.where(np.isnan(margin), np.inf, margin)
        return found

    return measure


class Domain:
    """The points that the assumptions of a statement allow."""

    def __init__(self, statement: Statement) -> None:
        """Find the bounds of single variables among the assumptions."""
        self.names = statement.variables
        self._lower = np.full(len(self.names), -np.inf)
        self._upper = np.full(len(self.names), np.inf)
        self._inequalities: list[Measure] = []
        self._equalities: list[Measure] = []
        self._on_surface: list[Measure] = []
        for op, left, right in statement.assumptions:
            if op == "=":
                self._equalities.append(compile_float(add(left, negate(right)), self.names))
                self._on_surface.append(measure_margin((op, left, right), self.names))
            elif op != "!=":
                larger, smaller = (left, right) if op in (">=", ">") else (right, left)
                if not self._bound(larger, smaller):
                    self._inequalities.append(measure_margin((op, left, right), self.names))
        has_lower, has_upper = np.isfinite(self._lower), np.isfinite(self._upper)
        self._free = np.array(~has_lower & ~has_upper)
        self._curves: list[tuple[NDArray[np.bool_], Curve]] = []
        for (lower, upper), curve in CURVES.items():
            columns = np.array((has_lower == lower) & (has_upper == upper))
            if columns.any():
                self._curves.append((columns, curve))

    def _bound(self, larger: Expression, smaller: Expression) -> bool:
        """Take note of a bound of a single variable, if that is all that an assumption is."""
        for name, other, bounds, tighter in (
            (larger, smaller, self._lower, max),
            (smaller, larger, self._upper, min),
        ):
            if isinstance(name, str) and not find_variables(other):
                value = float(compile_float(other, ())(np.zeros((1, 0)))[0])
                i = self.names.index(name)
                if np.isfinite(value):
                    bounds[i] = tighter(bounds[i], value)
                    return True
        return False

    def leave_chart(self, t: Floats) -> Floats:
        """Return points of the chart in the statement's coordinates."""
        t = np.clip(t, -REACH, REACH)
        x = np.empty_like(t)
        for columns, curve in self._curves:
            x[:, columns] = curve(t[:, columns], self._lower[columns], self._upper[columns])
        return x

    def draw(self, count: int, random: np.random.Generator) -> Floats:
        """Return points of the chart: alike and unlike coordinates, near and far from bounds."""
        n = len(self.names)
        x = np.vstack(
            [
                random.dirichlet(np.ones(n), count // 4),
                random.dirichlet(np.full(n, 0.4), count // 4),
                1 + 0.05 * random.standard_normal((count // 8, n)),
                random.exponential(1, (count // 8, n)),
                np.exp(3 * random.standard_normal((count // 4, n))),
            ]
        )
        scaled = random.random(len(x)) < 0.5
        x = x * np.where(scaled, np.exp(2 * random.standard_normal(len(x))), 1.0)[:, None]
        t = np.log(np.maximum(x, 1e-9))
        turned = (random.random((len(x), 1)) < 0.5) & (random.random(x.shape) < 0.5)
        return np.where(self._free, np.arcsinh(np.where(turned, -x, x)), t)

    def land(self, t: Floats) -> Floats:
        """Return points moved onto the equalities by Newton's steps, each the shortest."""
        if not self._equalities:
            return t
        for _ in range(LANDING):
            with np.errstate(all="ignore"):
                values, slopes = self._slope(t)
                move = np.einsum("pmn,pm->pn", slopes, _solve_gram(slopes, values))
                move = np.where(np.any(values != 0, axis=1, keepdims=True), move, 0.0)
                size = abs(move).max(axis=1, keepdims=True)
                t = t - move * np.minimum(1.0, LARGEST / np.maximum(size, 1e-300))
            if not (size > 1e-13).any():
                break
        return t

    def _slope(self, t: Floats) -> tuple[Floats, Floats]:
        """Return the equalities' values, (points, equalities), and derivatives in the chart."""
        count, n = t.shape
        shifted = np.vstack([t, *(t + STEP * axis for axis in np.eye(n))])
        x = self.leave_chart(shifted)
        values = np.array([h(x) for h in self._equalities]).reshape(-1, n + 1, count)
        slopes = (values[:, 1:] - values[:, :1]) / STEP
        return values[:, 0].T, slopes.transpose(2, 0, 1)

    def tangent(self, t: Floats) -> Floats:
        """Return an orthonormal basis of the directions along the equalities, (points, d, n)."""
        n = t.shape[1]
        if not self._equalities:
            return np.tile(np.eye(n), (len(t), 1, 1))
        _, slopes = self._slope(t)
        slopes = np.where(np.isfinite(slopes), slopes, 0.0)
        found: Floats = np.linalg.svd(slopes)[2][:, len(self._equalities) :]
        return found

    def allows(self, t: Floats) -> NDArray[np.bool_]:
        """Whether points fulfil the inequalities, and the equalities nearly."""
        x = self.leave_chart(t)
        allowed = np.array(np.isfinite(x).all(axis=1))
        for equality in self._on_surface:
            allowed &= equality(x) >= -LANDED
        for inequality in self._inequalities:
            allowed &= inequality(x) >= 0
        return allowed

    @property
    def has_walls(self) -> bool:
        """Whether more than equalities and bounds of single variables is assumed."""
        return bool(self._inequalities)

    def measure_walls(self, t: Floats) -> Floats:
        """Return what grows without bound near the border of an inequality: minus its logarithm."""
        x = self.leave_chart(t)
        total = np.zeros(len(t))
        with np.errstate(all="ignore"):
            for inequality in self._inequalities:
                total -= np.log(inequality(x))
        return total


def _solve_gram(slopes: Floats, values: Floats) -> Floats:
    """Return the multipliers of the shortest step that makes `values` vanish, row by row."""
    gram = slopes @ slopes.transpose(0, 2, 1)
    if gram.shape[1] == 1:
        single: Floats = values / gram[:, 0]
        return single
    traces = np.trace(gram, axis1=1, axis2=2)
    solvable = np.isfinite(values).all(axis=1) & np.isfinite(traces) & (traces > 0)
    gram[~solvable] = np.eye(gram.shape[1])
    # A little of the identity keeps dependent equalities solvable.
    gram += 1e-14 * traces[:, None, None] * np.eye(gram.shape[1]) * solvable[:, None, None]
    solved = np.linalg.solve(gram, values[:, :, None])[:, :, 0]
    found: Floats = np.where(solvable[:, None], solved, np.nan)
    return found
