"""What k of n samples would have given: pass@k."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.stats.intervals import Interval, mean_of_problems


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
    return mean_of_problems(values, sum(n // k for n, _ in counts), level)
