"""Error bars and comparisons for scores that are shares of problems.

Shares and differences are fractions, never percent; `level` is the coverage of an interval.
Problems are taken as a random draw from those one could have asked, so an interval also covers the
choice of problems; samples of one problem are not independent of each other. Nothing here corrects
for the number of comparisons made, and nothing here knows what a record is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimated share with its confidence limits."""

    estimate: float
    low: float
    high: float
    n: int
    """Problems."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A score if every harness failure had been wrong, and if every one had been right."""

    worst: float
    best: float


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the share `successes / n` with its Wilson score interval.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n); Wilson, JASA 22 (1927) 209. It stays within
    [0, 1] and keeps its coverage for small n and for shares near 0 and 1, where p ± z·SE does not.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"wilson: {successes} of {n}, expected 0 <= successes <= n and n > 0")
    low, high = wilson_limits(successes / n, n, normal_quantile(level))
    return Interval(successes / n, low, high, n)


def clustered_mean(samples: Sequence[Sequence[float]], *, level: float = 0.95) -> Interval:
    """Return the mean over problems of each problem's sample mean: pass@1 from many samples.

    `samples` holds one sequence of values in [0, 1] per problem; every problem weighs the same. The
    problem is the cluster (Miller, arXiv 2411.00640): v = Var(problem means) / m. The interval is
    Wilson's at the effective sample size n* = p(1-p)/v, held between the m problems and all samples
    (Franco et al., J. Surv. Stat. Methodol. 7 (2019) 334), so that one sample per problem gives
    `wilson`, and all-right or all-wrong does not give a width of zero. Simulated coverage, of 95 %:
    95.2 with 200 problems of 8 samples and 94.7 where most are hard (Beta(1/2, 3/2)), 95.0 with 500
    of one, 95.0 with 30 of 8; less with 10, or where two or three problems hold nearly all the
    successes (86 % in 30 problems, 76 % in 10).
    """
    return mean_of_problems([fmean(s) for s in samples], sum(len(s) for s in samples), level)


def clustered_share(counts: Sequence[tuple[int, int]], *, level: float = 0.95) -> Interval:
    """Return the share of all trials that succeeded, where those of a problem hang together.

    `counts` holds one (successes, trials) per problem; every trial weighs the same, so a problem of
    many trials weighs more than in `clustered_mean`. The problem is the cluster of a ratio, whose
    linearised variance is v = m/(m-1) Σ(r - p·n)² / (Σn)². The interval is Wilson's at p(1-p)/v,
    held between Σn and (Σn)²/Σn², which is what trials are worth that agree within their problem.
    Simulated coverage, of 95 %: 94.7 with 30 problems of 8 trials (Beta(7, 3)), 94.4 with 100 of 1
    to 16 (Beta(1.4, 0.6)), 90.9 with 30 of these (Beta(0.7, 0.3)); with all trials taken as
    independent 86, 65 and 55. Raises ValueError without trials.
    """
    m, trials = len(counts), sum(n for _, n in counts)
    if not trials or any(not 0 <= r <= n for r, n in counts):
        raise ValueError(f"clustered_share: expected successes of trials, one pair each: {counts}")
    p = sum(r for r, _ in counts) / trials
    squares = sum((r - p * n) ** 2 for r, n in counts)
    v = squares * m / (m - 1) / trials**2 if m > 1 else 0.0
    least = trials**2 / sum(n * n for _, n in counts)
    low, high = _limits(p, v, m, least, trials, normal_quantile(level))
    return Interval(p, low, high, m)


def bounds(successes: int, failures: int, n: int) -> Bounds:
    """Return the limits of the score of n problems of which the harness failed on `failures`.

    Worst: successes/n. Best: (successes + failures)/n. Between them lies the score that an unbroken
    harness would have given, whatever the failures hid (Manski's bounds).
    """
    if successes < 0 or failures < 0 or successes + failures > n or n == 0:
        raise ValueError(f"bounds: {successes} successes and {failures} failures of {n} problems")
    return Bounds(successes / n, (successes + failures) / n)


def mean_of_problems(values: Sequence[float], most: int, level: float) -> Interval:
    """Return the mean of one value in [0, 1] per problem; `most` caps the effective sample size."""
    m = len(values)
    if m == 0:
        raise ValueError("the mean of no problems is not defined")
    p = min(1.0, max(0.0, fmean(values)))
    v = variance(values) / m if m > 1 else 0.0
    low, high = limits_of_mean(p, v, m, most, normal_quantile(level))
    return Interval(p, low, high, m)


def limits_of_mean(p: float, v: float, m: int, most: int, z: float) -> tuple[float, float]:
    """Return Wilson's limits of a mean over m problems whose variance is v, z errors to a side."""
    return _limits(p, v, m, m, most, z)


def _limits(p: float, v: float, m: int, least: float, most: int, z: float) -> tuple[float, float]:
    """Return Wilson's limits at the effective sample size, held between `least` and `most`."""
    # v = 0 says nothing about precision when all are right or all wrong: then count problems.
    effective = p * (1 - p) / v if v > 0 else (most if 0 < p < 1 and m > 1 else least)
    return wilson_limits(p, min(max(effective, least), most), z)


def wilson_limits(p: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's limits; at a share of 0 or 1 the outer limit is exact, not rounded."""
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if p == 0 else (centre - half) / scale
    return low, 1.0 if p == 1 else (centre + half) / scale


def normal_quantile(level: float) -> float:
    """Return the two-sided normal quantile of a coverage, 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)
