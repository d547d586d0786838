"""Two methods on the same problems: the difference, its interval, and an exact test.

Several such tests, made together, have their p-values corrected together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.stats.intervals import normal_quantile, wilson_limits


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


def paired_difference(
    a: Sequence[bool], b: Sequence[bool], *, level: float = 0.95
) -> PairedDifference:
    """Return share(a) - share(b) over the same problems, with its interval and an exact test.

    The interval is Newcombe's square-and-add of the two Wilson intervals, allowing for their
    correlation φ with his continuity correction (method 10, Stat. Med. 17 (1998) 2635). The p-value
    is the exact McNemar test: two-sided binomial of the discordant problems against 1/2. They rest
    on different approximations and can disagree when p is close to 1 - level. Simulated coverage of
    the interval, of 95 %: 94.7 and 94.3 with 200 problems, 94.9 with 100, 95.7 with 400, at shares
    of 0.3 to 0.5 and correlations of 0.5 to 0.8.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"paired_difference: {len(a)} and {len(b)} answers, expected as many, > 0")
    n = len(a)
    both = sum(x and y for x, y in zip(a, b, strict=True))
    only_a, only_b = sum(a) - both, sum(b) - both
    p_a, p_b = sum(a) / n, sum(b) / n
    phi = _phi(both, only_a, only_b, n - both - only_a - only_b)
    (low_a, high_a), (low_b, high_b) = (
        wilson_limits(p, n, normal_quantile(level)) for p in (p_a, p_b)
    )
    down = _root_of_squares(p_a - low_a, high_b - p_b, phi)
    up = _root_of_squares(high_a - p_a, p_b - low_b, phi)
    d = (only_a - only_b) / n
    return PairedDifference(d, d - down, d + up, n, only_a, only_b, mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p of the discordant counts: 2·P(X <= min), X ~ Bin(sum, 1/2)."""
    n = only_a + only_b
    tail = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))


def mcnemar_mid_p(only_a: int, only_b: int) -> float:
    """Return twice the one-sided mid-p of the discordant counts: 2·P(X < min) + P(X = min).

    X ~ Bin(sum, 1/2), as in `mcnemar`, of which this counts what was seen by half (Fagerland,
    Lydersen and Laake, BMC Med. Res. Methodol. 13 (2013) 91; 1 where both counts are equal). The
    exact test keeps its size below the level and loses power by it; this one comes close to the
    level, and may pass it a little. Chance of a p of 5 % or less where neither is better, summed
    over all counts: 3.5 % for the exact test and 4.8 % for mid-p with 200 problems of which a fifth
    are discordant, 0.9 % and 2.5 % with 50 of which a tenth are.
    """
    n, least = only_a + only_b, min(only_a, only_b)
    below = sum(math.comb(n, i) for i in range(least))
    return (2 * below + math.comb(n, least)) / (1 << n)


def holm(ps: Sequence[float]) -> list[float]:
    """Return the p-values of tests made together, corrected for their number, in the order given.

    Step-down: the smallest is multiplied by how many there are, the next by one less, and so on;
    none becomes smaller than the one before it, or larger than 1. Whatever the tests have in
    common, the chance that any true null hypothesis falls below a level is at most that level.
    Holm, Scand. J. Statist. 6 (1979) 65.
    """
    corrected = [0.0] * len(ps)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = least
    return corrected


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
