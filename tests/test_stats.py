"""Every number against a published worked value, scipy, or a property that must hold."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from scipy.stats import binomtest

from bench import stats

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (0, 30), (1, 30), (13, 16), (30, 30), (7, 500)]
)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_agrees_with_scipy(successes: int, n: int, level: float) -> None:
    ours = stats.wilson(successes, n, level=level)
    theirs = binomtest(successes, n).proportion_ci(level, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)
    assert (ours.estimate, ours.n) == (successes / n, n)


@pytest.mark.parametrize("n", [1, 3, 49, 1000])
def test_wilson_ends_exactly_at_zero_and_one(n: int) -> None:
    assert stats.wilson(0, n).low == 0.0
    assert stats.wilson(n, n).high == 1.0


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= n"):
        stats.wilson(successes, n)


def test_one_sample_per_problem_gives_wilson() -> None:
    for solved in range(31):
        clustered = stats.clustered_mean([[1.0]] * solved + [[0.0]] * (30 - solved))
        plain = stats.wilson(solved, 30)
        assert clustered.estimate == pytest.approx(plain.estimate)
        assert clustered.low == pytest.approx(plain.low, abs=1e-12)
        assert clustered.high == pytest.approx(plain.high, abs=1e-12)


def width(interval: stats.Interval) -> float:
    return interval.high - interval.low


def as_values(interval: stats.Interval) -> Sequence[float]:
    return (interval.estimate, interval.low, interval.high)


def test_repeating_a_sample_adds_no_information() -> None:
    once = [[1.0]] * 12 + [[0.0]] * 18
    eightfold = [values * 8 for values in once]
    assert as_values(stats.clustered_mean(eightfold)) == pytest.approx(
        as_values(stats.clustered_mean(once))
    )


def test_independent_samples_narrow_the_interval_at_most_to_that_of_all_samples() -> None:
    every_second = [[1.0, 0.0] * 4] * 30
    assert width(stats.clustered_mean(every_second)) == pytest.approx(width(stats.wilson(120, 240)))


def test_all_right_in_every_sample_is_not_certainty() -> None:
    certain = stats.clustered_mean([[1.0] * 64] * 30)
    assert certain.low == pytest.approx(stats.wilson(30, 30).low)


def test_every_problem_weighs_the_same_whatever_its_samples() -> None:
    assert stats.clustered_mean([[1.0], [0.0] * 9]).estimate == 0.5


def test_the_clustered_interval_covers_as_often_as_it_says() -> None:
    rng = random.Random(20250101)
    trials, problems, samples, hits = 1500, 40, 4, 0
    for _ in range(trials):
        chances = [rng.betavariate(0.6, 1.4) for _ in range(problems)]  # mean 0.3
        drawn = [[float(rng.random() < p) for _ in range(samples)] for p in chances]
        interval = stats.clustered_mean(drawn)
        hits += interval.low <= 0.3 <= interval.high
    assert 0.925 <= hits / trials <= 0.975


def test_no_problems_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no problems"):
        stats.clustered_mean([])


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


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[bool], list[bool]]:
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return a, b


# both, only a, only b, neither -> estimate, low, high
NEWCOMBE = [
    # Cavo et al. 2012, in the tests of the R package contingencytables (Fagerland, Lydersen, Laake)
    ((59, 6, 16, 80), (-0.0621, -0.1186, -0.0046)),
    # Bentur et al. 2009, in Fagerland, Lydersen, Laake, Stat. Med. 33 (2014) 2850
    ((1, 1, 7, 12), (-0.2857, -0.5069, -0.0256)),
    # Altman et al., Statistics with confidence (2000), p. 52
    ((14, 5, 0, 22), (0.122, 0.011, 0.226)),
]


@pytest.mark.parametrize(("cells", "expected"), NEWCOMBE)
def test_the_paired_interval_is_newcombes(
    cells: tuple[int, int, int, int], expected: tuple[float, float, float]
) -> None:
    found = stats.paired_difference(*answers(*cells))
    digits = 5e-4 if expected[0] == 0.122 else 5e-5
    assert (found.estimate, found.low, found.high) == pytest.approx(expected, abs=digits)
    assert (found.only_a, found.only_b, found.n) == (cells[1], cells[2], sum(cells))


def random_cells(count: int) -> list[tuple[int, int, int, int]]:
    rng = random.Random(5)
    cells = [tuple(rng.randrange(0, 12) for _ in range(4)) for _ in range(count)]
    return [(a, b, c, d + 1) for a, b, c, d in cells]


@pytest.mark.parametrize("cells", random_cells(40))
def test_exchanging_the_two_methods_only_changes_signs(cells: tuple[int, int, int, int]) -> None:
    a, b = answers(*cells)
    there, back = stats.paired_difference(a, b), stats.paired_difference(b, a)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p == back.p
    assert -1 <= there.low <= there.estimate <= there.high <= 1


def test_equal_answers_differ_by_nothing() -> None:
    found = stats.paired_difference([True] * 9 + [False], [True] * 9 + [False])
    assert (found.estimate, found.p, found.only_a, found.only_b) == (0.0, 1.0, 0, 0)
    assert found.low <= 0 <= found.high


def test_answers_of_different_length_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="2 and 1 answers"):
        stats.paired_difference([True, False], [True])


@pytest.mark.parametrize(
    ("only_a", "only_b"), [(0, 0), (5, 0), (6, 0), (3, 3), (10, 2), (300, 260)]
)
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    expected = binomtest(only_a, n, 0.5).pvalue if n else 1.0
    assert stats.mcnemar(only_a, only_b) == pytest.approx(expected)


def test_failures_bound_the_score_from_both_sides() -> None:
    assert stats.bounds(18, 4, 40) == stats.Bounds(worst=0.45, best=0.55)
    assert stats.bounds(18, 0, 40) == stats.Bounds(worst=0.45, best=0.45)
    with pytest.raises(ValueError, match="30 successes and 20 failures of 40"):
        stats.bounds(30, 20, 40)


def pairs_needed(discordant: float, delta: float, *, z_alpha: float, z_power: float) -> float:
    """Connor (1987), p. 209, as powersamplesize calculators print it."""
    root = z_alpha * math.sqrt(discordant) + z_power * math.sqrt(discordant - delta**2)
    return (root / delta) ** 2


@pytest.mark.parametrize(("discordant", "delta"), [(0.5, 0.4), (0.5, 0.1), (0.2, 0.05), (0.1, 0.1)])
def test_the_detectable_difference_inverts_connors_sample_size(
    discordant: float, delta: float
) -> None:
    n = pairs_needed(discordant, delta, z_alpha=1.959964, z_power=0.841621)
    # Whole numbers of problems only: the answer for n rounded down and up enclose the difference.
    high = stats.minimum_detectable_difference(math.floor(n), discordant=discordant)
    low = stats.minimum_detectable_difference(math.ceil(n), discordant=discordant)
    assert low <= delta + 1e-6
    assert high >= delta - 1e-6


def test_connors_published_example_needs_23_pairs() -> None:
    """p10 = 0.45, p01 = 0.05, 80 % power, two-sided 5 %."""
    assert stats.minimum_detectable_difference(23, discordant=0.5) <= 0.4
    assert stats.minimum_detectable_difference(22, discordant=0.5) > 0.4


def test_more_problems_detect_less_and_too_few_nothing() -> None:
    found = [stats.minimum_detectable_difference(n, discordant=0.1) for n in (5, 100, 400, 1600)]
    assert found[0] == math.inf
    assert found[1] > found[2] > found[3]
    assert found[3] == pytest.approx(found[2] / 2, rel=0.02)


def test_importing_statistics_loads_neither_numpy_nor_scipy() -> None:
    check = "import sys, bench.stats; print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
