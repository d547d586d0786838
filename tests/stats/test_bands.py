"""Bands hold whole curves, and a fall is told from chance."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats import clustered_mean
from bench.stats.bands import find_fall, simultaneous_band
from bench.stats.choices import _best_shares
from bench.stats.subsets import pass_at_k

Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def draw_samples(problems: int, samples: int, seed: int) -> Rows:
    """Right and wrong samples, in the order of a score that says nothing."""
    rng = np.random.default_rng(seed)
    chances = rng.beta(1, 1, problems)[:, None]
    return (rng.random((problems, samples)) < chances).astype(float)


def best_curves(samples: Rows) -> Rows:
    found: Rows = samples @ _best_shares(samples.shape[1]).T
    return found[:, [0, 1, 3, 7, 15]]


def test_a_band_holds_the_intervals_of_its_points() -> None:
    curves = best_curves(draw_samples(50, 16, 1))
    band = simultaneous_band(curves, [50] * 5)
    assert band.critical > 1.96
    for point, low, high in zip(band.points, band.low, band.high, strict=True):
        assert low <= point.low < point.estimate < point.high <= high


def test_a_point_has_the_interval_of_its_own_mean() -> None:
    samples = draw_samples(40, 4, 2)
    band = simultaneous_band(samples.mean(axis=1, keepdims=True), [160])
    expected = clustered_mean(samples.tolist())
    assert band.points[0].low == pytest.approx(expected.low)
    assert band.points[0].high == pytest.approx(expected.high)


def test_problems_that_are_all_alike_leave_a_band_with_a_width() -> None:
    band = simultaneous_band(np.ones((20, 3)), [20] * 3)
    assert band.high == (1.0, 1.0, 1.0)
    assert all(0.8 < low < 0.9 for low in band.low)


def test_a_curve_that_falls_on_every_problem_is_found() -> None:
    rng = np.random.default_rng(3)
    first = rng.random(60)
    fall = find_fall(np.stack([first, first, first - 0.2 * rng.random(60)], axis=1))
    assert fall.p < 0.01
    assert 0 < fall.low < fall.drop < 0.2
    assert fall.differing == 60


def test_the_same_fall_on_every_problem_is_the_clearest_one() -> None:
    fall = find_fall([[1.0, 0.5, 0.0]] * 30)
    assert (fall.peak, fall.drop, fall.low, fall.differing) == (0, 1.0, 1.0, 30)
    assert fall.p < 0.01
    assert find_fall([[0.0, 1.0]] * 30).p == 1.0
    assert find_fall([[1.0, 1.0]] * 30).p > 0.05


def test_a_curve_that_rises_does_not_fall() -> None:
    rng = np.random.default_rng(4)
    first = rng.random(60) / 2
    fall = find_fall(np.stack([first, first + 0.1 * rng.random(60)], axis=1))
    assert fall.drop < 0 < fall.p
    assert fall.p > 0.9


def test_a_score_that_says_nothing_is_rarely_found_to_fall() -> None:
    found = [find_fall(best_curves(draw_samples(40, 16, seed))).p < 0.05 for seed in range(20)]
    assert sum(found) <= 4


@pytest.mark.slow
def test_the_test_of_a_fall_has_its_size() -> None:
    found = [find_fall(best_curves(draw_samples(200, 16, seed))).p < 0.05 for seed in range(3000)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.01)


@pytest.mark.slow
def test_a_band_covers_a_whole_curve_as_often_as_it_says() -> None:
    from scipy.special import beta

    ks = np.arange(1, 17)
    truth = 1 - beta(1, 1 + ks) / beta(1, 1)
    table = np.array([[pass_at_k(16, right, k) for k in ks] for right in range(17)])
    covered = []
    for seed in range(2000):
        right = draw_samples(200, 16, seed).sum(axis=1).astype(int)
        band = simultaneous_band(table[right], [200 * (16 // k) for k in ks])
        covered.append(bool(np.all((band.low <= truth) & (truth <= band.high))))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
