"""The detectable difference against Connor's formula and example."""

from __future__ import annotations

import math

import pytest

from bench import stats


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


@pytest.mark.parametrize(("discordant", "delta"), [(0.5, 0.4), (0.2, 0.02), (0.1, 0.1)])
def test_the_problems_needed_are_those_that_detect_the_difference(
    discordant: float, delta: float
) -> None:
    n = stats.count_problems(delta, discordant=discordant)
    assert stats.minimum_detectable_difference(n, discordant=discordant) <= delta + 1e-9
    assert stats.minimum_detectable_difference(n - 1, discordant=discordant) > delta - 1e-9


def test_seeds_spare_the_share_of_the_problems_that_they_draw_anew() -> None:
    one, many = (stats.count_problems(0.02, discordant=0.2, seeds=s, redrawn=0.5) for s in (1, 999))
    assert many == pytest.approx(one / 2, rel=0.01)
    assert stats.count_problems(0.02, discordant=0.2, seeds=8, redrawn=0) == one


def test_no_number_of_problems_shows_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="detect=0.3"):
        stats.count_problems(0.3, discordant=0.2)
