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
class PairedDifference:
    """How much more often `a` was right than `b` on the same problems."""

    estimate: float
    """share(a) - share(b)."""
    low: float
    high: float
    n: int
    """Problems that both answered."""
    only_a: int
    """Problems that a solved and b did not: discordant."""
    only_b: int
    p: float
    """Exact two-sided McNemar test of "neither is better"."""


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
    low, high = _wilson_limits(successes / n, n, _z(level))
    return Interval(successes / n, low, high, n)


def clustered_mean(samples: Sequence[Sequence[float]], *, level: float = 0.95) -> Interval:
    """Return the mean over problems of each problem's sample mean: pass@1 from many samples.

    `samples` holds one sequence of values in [0, 1] per problem; every problem weighs the same. The
    problem is the cluster (Miller, arXiv 2411.00640): v = Var(problem means) / m. The interval is
    Wilson's at the effective sample size n* = p(1-p)/v, held between the m problems and all samples
    (Franco et al., J. Surv. Stat. Methodol. 7 (2019) 334), so that one sample per problem gives
    `wilson`, and all-right or all-wrong does not give a width of zero. Simulated coverage, of 95 %:
    93 to 97 % from 100 problems on, 92 % or more with 30; less with 10, or where two or three
    problems hold nearly all the successes (86 % in 30 problems, 76 % in 10).
    """
    return _mean_of_problems([fmean(s) for s in samples], sum(len(s) for s in samples), level)


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n samples, of which c are correct, hold a correct one.

    1 - C(n-c, k) / C(n, k), drawn without replacement; an unbiased estimate of pass@k when the
    samples are independent. Chen et al., arXiv 2107.03374, eq. 1.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass_at_k: n={n}, c={c}, k={k}, expected 0 <= c <= n and 1 <= k <= n")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int, *, level: float = 0.95) -> Interval:
    """Return pass@k averaged over problems given as (samples, correct ones), with its interval.

    The interval is that of `clustered_mean`; n samples hold n // k disjoint draws of k.
    """
    values = [pass_at_k(n, c, k) for n, c in counts]
    return _mean_of_problems(values, sum(n // k for n, _ in counts), level)


def paired_difference(
    a: Sequence[bool], b: Sequence[bool], *, level: float = 0.95
) -> PairedDifference:
    """Return share(a) - share(b) over the same problems, with its interval and an exact test.

    The interval is Newcombe's square-and-add of the two Wilson intervals, allowing for their
    correlation φ with his continuity correction (method 10, Stat. Med. 17 (1998) 2635). The p-value
    is the exact McNemar test: two-sided binomial of the discordant problems against 1/2. They rest
    on different approximations and can disagree when p is close to 1 - level.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"paired_difference: {len(a)} and {len(b)} answers, expected as many, > 0")
    n = len(a)
    both = sum(x and y for x, y in zip(a, b, strict=True))
    only_a, only_b = sum(a) - both, sum(b) - both
    p_a, p_b = sum(a) / n, sum(b) / n
    phi = _phi(both, only_a, only_b, n - both - only_a - only_b)
    (low_a, high_a), (low_b, high_b) = (_wilson_limits(p, n, _z(level)) for p in (p_a, p_b))
    down = _root_of_squares(p_a - low_a, high_b - p_b, phi)
    up = _root_of_squares(high_a - p_a, p_b - low_b, phi)
    d = (only_a - only_b) / n
    return PairedDifference(d, d - down, d + up, n, only_a, only_b, mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p of the discordant counts: 2·P(X <= min), X ~ Bin(sum, 1/2)."""
    n = only_a + only_b
    tail = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))


def bounds(successes: int, failures: int, n: int) -> Bounds:
    """Return the limits of the score of n problems of which the harness failed on `failures`.

    Worst: successes/n. Best: (successes + failures)/n. Between them lies the score that an unbroken
    harness would have given, whatever the failures hid (Manski's bounds).
    """
    if successes < 0 or failures < 0 or successes + failures > n or n == 0:
        raise ValueError(f"bounds: {successes} successes and {failures} failures of {n} problems")
    return Bounds(successes / n, (successes + failures) / n)


def minimum_detectable_difference(
    n: int, *, discordant: float = 0.5, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true difference that a two-sided paired test of n problems finds.

    "Finds" means with probability `power`. Solves √n·δ = z(1-α/2)·√ψ + z(power)·√(ψ - δ²) for δ;
    Connor, Biometrics 43 (1987) 207. ψ is `discordant`, the share of problems that exactly one of
    the methods solves; the default is that of two methods right half the time, independently, the
    most that independence allows. Returns infinity when not even a δ of ψ (all discordant problems
    on one side) would be found.
    """
    if n < 1 or not 0 < discordant <= 1:
        raise ValueError(f"minimum_detectable_difference: n={n}, discordant={discordant}")
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    square = n + z_power**2 - z_alpha**2
    if square < 0:
        return math.inf
    root = math.sqrt(n) * z_alpha + z_power * math.sqrt(square)
    delta = math.sqrt(discordant) * root / (n + z_power**2)
    return delta if delta <= discordant else math.inf


def _mean_of_problems(values: Sequence[float], most: int, level: float) -> Interval:
    """Return the mean of one value in [0, 1] per problem; `most` caps the effective sample size."""
    m = len(values)
    if m == 0:
        raise ValueError("the mean of no problems is not defined")
    p = min(1.0, max(0.0, fmean(values)))
    v = variance(values) / m if m > 1 else 0.0
    # v = 0 says nothing about precision when all are right or all wrong: then count problems.
    effective = p * (1 - p) / v if v > 0 else (most if 0 < p < 1 and m > 1 else m)
    low, high = _wilson_limits(p, min(max(effective, m), most), _z(level))
    return Interval(p, low, high, m)


def _wilson_limits(p: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's limits; at a share of 0 or 1 the outer limit is exact, not rounded."""
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if p == 0 else (centre - half) / scale
    return low, 1.0 if p == 1 else (centre + half) / scale


def _phi(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Return the correlation of two sets of answers, a positive one with Newcombe's correction."""
    a, b = both + only_a, both + only_b
    margins = a * (only_b + neither) * b * (only_a + neither)
    if margins == 0:
        return 0.0
    product = both * neither - only_a * only_b
    if product > 0:
        return max(product - (both + only_a + only_b + neither) / 2, 0.0) / math.sqrt(margins)
    return product / math.sqrt(margins)


def _root_of_squares(x: float, y: float, phi: float) -> float:
    """Return √(x² - 2φxy + y²); rounding can make a zero slightly negative."""
    return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))


def _z(level: float) -> float:
    """Return the two-sided normal quantile of a coverage, 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)
