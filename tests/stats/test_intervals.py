"""Every number against a published worked value, scipy, or a property that must hold."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from bench import stats

ROOT = Path(__file__).parents[2]


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


def test_a_share_of_trials_is_that_of_all_of_them_and_one_each_gives_wilson() -> None:
    assert stats.clustered_share([(1, 1), (0, 9)]).estimate == 0.1
    for right in range(31):
        each = [(1, 1)] * right + [(0, 1)] * (30 - right)
        assert as_values(stats.clustered_share(each)) == pytest.approx(
            as_values(stats.wilson(right, 30)), abs=1e-12
        )


def test_trials_that_agree_within_their_problem_are_worth_one() -> None:
    agreeing = [(8, 8)] * 12 + [(0, 8)] * 18
    assert as_values(stats.clustered_share(agreeing)) == pytest.approx(
        as_values(stats.wilson(12, 30))
    )
    certain = stats.clustered_share([(64, 64)] * 29 + [(1, 1)])
    assert certain.low == pytest.approx(stats.wilson(29, 29).low, abs=0.002)


def test_trials_of_one_problem_are_one_trial() -> None:
    assert stats.clustered_share([(30, 40)]).low < stats.wilson(30, 40).low / 2


def test_the_interval_of_a_share_of_trials_covers_as_often_as_it_says() -> None:
    rng = random.Random(20250101)
    trials, hits, hits_of_single = 1500, 0, 0
    for _ in range(trials):
        counts = []
        for _ in range(60):
            chance, n = rng.betavariate(1.4, 0.6), rng.choice((1, 2, 4, 16))  # mean 0.7
            counts.append((sum(rng.random() < chance for _ in range(n)), n))
        interval = stats.clustered_share(counts)
        single = stats.wilson(sum(r for r, _ in counts), sum(n for _, n in counts))
        hits += interval.low <= 0.7 <= interval.high
        hits_of_single += single.low <= 0.7 <= single.high
    assert 0.92 <= hits / trials <= 0.97
    assert hits_of_single / trials < 0.75


@pytest.mark.parametrize("counts", [[], [(0, 0)], [(3, 2)]])
def test_a_share_of_no_trials_is_refused(counts: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="expected successes of trials"):
        stats.clustered_share(counts)


def test_no_problems_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no problems"):
        stats.clustered_mean([])


def test_failures_bound_the_score_from_both_sides() -> None:
    assert stats.bounds(18, 4, 40) == stats.Bounds(worst=0.45, best=0.55)
    assert stats.bounds(18, 0, 40) == stats.Bounds(worst=0.45, best=0.45)
    with pytest.raises(ValueError, match="30 successes and 20 failures of 40"):
        stats.bounds(30, 20, 40)


def test_importing_statistics_loads_neither_numpy_nor_scipy() -> None:
    check = "import sys, bench.stats; print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problems", "samples", "ability"),
    [(200, 8, (1.0, 1.0)), (200, 8, (0.5, 1.5)), (500, 1, (1.0, 1.0)), (30, 8, (1.0, 1.0))],
)
def test_a_clustered_interval_covers_the_truth_as_often_as_it_says(
    problems: int, samples: int, ability: tuple[float, float]
) -> None:
    rng = np.random.default_rng(1)
    truth = ability[0] / sum(ability)
    covered = 0
    for _ in range(3000):
        chance = rng.beta(*ability, problems)
        right = rng.random((problems, samples)) < chance[:, None]
        found = stats.clustered_mean(right.astype(float).tolist())
        covered += found.low <= truth <= found.high
    assert covered / 3000 == pytest.approx(0.95, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "shares", "correlation"),
    [(200, (0.5, 0.4), 0.5), (200, (0.3, 0.3), 0.7), (100, (0.4, 0.3), 0.8)],
)
def test_a_paired_interval_covers_the_truth_as_often_as_it_says(
    n: int, shares: tuple[float, float], correlation: float
) -> None:
    """Two answers to a problem are right where two correlated normal numbers are small."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(3000):
        drawn = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n)
        a, b = (drawn < norm.ppf(shares)).T.tolist()
        found = stats.paired_difference(a, b)
        covered += found.low <= shares[0] - shares[1] <= found.high
    assert covered / 3000 == pytest.approx(0.95, abs=0.01)
