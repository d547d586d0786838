"""Intervals of what has no formula: the problems are drawn again, with replacement.

The problem is what is drawn, because samples of one problem are not independent. Percentile limits;
the draws are seeded, so that the same numbers have the same interval. Problems that are all alike
give an interval without width: what that is worth is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.stats.intervals import Interval

DRAWS = 2_000
"""Sets of problems that are drawn."""

Array = npt.NDArray[np.float64]


def bootstrap(
    problems: Sequence[Sequence[float]],
    statistic: Callable[[Array], Array] = lambda means: means[..., 0],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return a function of means over problems with its bootstrap interval.

    `problems` holds a row of numbers for each problem; `statistic` gets the means of the columns as
    the last axis of an array and returns an array without that axis. By default it is the mean of
    the first column. Raises ValueError: no problem.
    """
    if not problems:
        raise ValueError("the mean of no problems is not defined")
    rows = np.asarray(problems, dtype=float)
    n = len(rows)
    drawn = statistic(draw_weights(n, seed) @ rows)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(rows.mean(axis=0))), float(low), float(high), n)


@lru_cache(maxsize=2)
def draw_weights(n: int, seed: int) -> Array:
    """Return the weight of each of n problems in each draw, one draw a row."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n
