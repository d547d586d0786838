"""pass@k against counting every draw."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from bench import stats


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 1, 2), (6, 5, 2), (4, 0, 4)])
def test_pass_at_k_is_the_share_of_draws_that_hold_a_correct_sample(n: int, c: int, k: int) -> None:
    draws = list(combinations(range(n), k))
    share = sum(min(draw) < c for draw in draws) / len(draws)
    assert stats.pass_at_k(n, c, k) == pytest.approx(share)


def test_pass_at_k_is_exact_for_many_samples() -> None:
    product = math.prod(1 - 100 / i for i in range(9_901, 10_001))  # the paper's numerical form
    assert stats.pass_at_k(10_000, 100, 100) == pytest.approx(1 - product, rel=1e-9)


def test_more_draws_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="k=9"):
        stats.pass_at_k(8, 4, 9)


def test_mean_pass_at_k_runs_from_the_sample_mean_to_solved_at_least_once() -> None:
    counts = [(8, 0), (8, 1), (8, 4), (8, 8), (8, 0), (8, 2)]
    samples = [[1.0] * c + [0.0] * (n - c) for n, c in counts]
    assert stats.mean_pass_at_k(counts, 1) == stats.clustered_mean(samples)
    at_8, once = stats.mean_pass_at_k(counts, 8), stats.wilson(4, 6)
    assert (at_8.low, at_8.high) == pytest.approx((once.low, once.high))
