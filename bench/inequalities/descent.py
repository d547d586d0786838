"""Going down in a domain: where a claim holds by least, in floating point."""

from __future__ import annotations

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.domains import Domain, Measure
from bench.inequalities.polynomials import Floats

WALLS = (0.1, 1e-2, 1e-4, 1e-6, 0.0)
"""How strongly the domain's walls repel, one descent after another."""
FARTHEST = 3.0
"""Step down, in the chart."""
DOWN = 8
"""Newton's steps down."""
WIDE = 1e-4
"""Of a second derivative."""
FLAT = 1e-9
"""Curvature, relative to the largest one, that is taken for no curvature."""
SHARES = np.array([4.0, 1.0, 0.5, 0.2, 0.05, 0.01, 1e-3])
"""Of a step down, that are tried."""


def descend(domain: Domain, measure: Measure, starts: Floats, budget: Budget) -> Floats:
    """Return points of the chart at which `measure` is locally least, one for each start.

    Newton's steps along the equalities with derivatives by differences; a curvature counts by its
    size, so that no saddle attracts. The walls of the domain repel, each time less.
    """
    t = starts
    for strength in WALLS if domain.has_walls else (0.0,):
        t = _descend_once(domain, measure, strength, t, budget)
    return t


def _descend_once(
    domain: Domain, measure: Measure, strength: float, t: Floats, budget: Budget
) -> Floats:
    def value(landed: Floats) -> Floats:
        found = measure(domain.leave_chart(landed))
        if strength:
            found = found + strength * domain.measure_walls(landed)
        return np.where(domain.allows(landed), found, np.inf)

    count, n = t.shape
    best = value(t)
    for _ in range(DOWN):
        basis = domain.tangent(t)
        if budget.is_spent or not basis.shape[1]:
            break
        gradient, hessian = _differentiate(lambda t: value(domain.land(t)), t, best, basis)
        step = np.einsum("pd,pdn->pn", _step_down(gradient, hessian), basis)
        tried = domain.land((t[:, None] + SHARES[:, None] * step[:, None]).reshape(-1, n))
        values = value(tried).reshape(count, -1)
        rows, chosen = np.arange(count), values.argmin(axis=1)
        better = values[rows, chosen] < best
        if not better.any():
            break
        t = np.where(better[:, None], tried.reshape(count, -1, n)[rows, chosen], t)
        best = np.where(better, values[rows, chosen], best)
    return t


def _differentiate(
    value: Measure, t: Floats, middle: Floats, basis: Floats
) -> tuple[Floats, Floats]:
    """Return gradients and Hessians at points, in the directions of a basis of each.

    Where there is no value, that of the point, `middle`, is taken.
    """
    d, axes = basis.shape[1], np.eye(basis.shape[1])
    pairs = [(i, j) for i in range(d) for j in range(i)]
    ways = np.vstack([axes, -axes, *(axes[[i]] + axes[[j]] for i, j in pairs)])
    around = t[:, None] + WIDE * np.einsum("wd,pdn->pwn", ways, basis)
    values = value(around.reshape(-1, t.shape[1])).reshape(len(t), -1)
    values = np.where(np.isfinite(values), values, middle[:, None])
    after, before, both = np.split(values, [d, 2 * d], axis=1)
    hessian = np.zeros((len(t), d, d))
    hessian[:, range(d), range(d)] = after + before - 2 * middle[:, None]
    for k, (i, j) in enumerate(pairs):
        hessian[:, i, j] = both[:, k] - after[:, i] - after[:, j] + middle
        hessian[:, j, i] = hessian[:, i, j]
    return (after - before) / (2 * WIDE), hessian / WIDE**2


def _step_down(gradient: Floats, hessian: Floats) -> Floats:
    """Return Newton's steps with every curvature taken for positive."""
    curvature, axes = np.linalg.eigh(hessian)
    curvature = abs(curvature)
    along = np.einsum("pd,pde->pe", gradient, axes)
    flat = np.maximum(FLAT * curvature.max(axis=1, keepdims=True), 1e-300)
    step = -along / np.maximum(curvature, flat)
    size = abs(step).max(axis=1, keepdims=True)
    step *= np.minimum(1.0, FARTHEST / np.maximum(size, 1e-300))
    found: Floats = np.einsum("pe,pde->pd", step, axes)
    return found
