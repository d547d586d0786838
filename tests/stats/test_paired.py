"""Paired differences against published examples, scipy and symmetry; Holm's against arithmetic."""

from __future__ import annotations

import random

import pytest
from scipy.stats import binom, binomtest

from bench import stats


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


def test_holm_multiplies_step_by_step_and_never_goes_down() -> None:
    """By hand: 4 x 0.005 = 0.02, 3 x 0.01 = 0.03, 2 x 0.03 = 0.06, and 0.04 stays behind it."""
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_gives_no_p_above_one_and_leaves_a_single_one_alone() -> None:
    assert stats.holm([0.6, 0.9, 0.5]) == [1.0, 1.0, 1.0]
    assert stats.holm([0.03]) == [0.03]
    assert stats.holm([]) == []


def test_equal_ps_are_corrected_alike() -> None:
    assert stats.holm([0.01, 0.2, 0.01]) == pytest.approx([0.03, 0.2, 0.03])


@pytest.mark.parametrize(("only_a", "only_b"), [(5, 0), (6, 2), (3, 3), (300, 260)])
def test_a_mid_p_counts_half_of_what_was_seen(only_a: int, only_b: int) -> None:
    n, least = only_a + only_b, min(only_a, only_b)
    seen = binom(n, 0.5).pmf(least)
    both_tails = 2 * (binom(n, 0.5).cdf(least) - seen / 2)
    assert stats.mcnemar_mid_p(only_a, only_b) == pytest.approx(both_tails)
    assert stats.mcnemar_mid_p(only_b, only_a) == stats.mcnemar_mid_p(only_a, only_b)


def test_without_a_discordant_problem_a_mid_p_says_nothing() -> None:
    assert stats.mcnemar_mid_p(0, 0) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("discordant", [0.1, 0.3])
def test_the_exact_test_keeps_its_size_and_the_mid_p_reaches_it(discordant: float) -> None:
    """By summing over all counts, not by simulation."""
    n, level = 200, 0.05
    exact = mid = 0.0
    for m in range(n + 1):
        chance = binom(n, discordant).pmf(m)
        if chance > 1e-12:
            for b in range(m + 1):
                p = chance * binom(m, 0.5).pmf(b)
                exact += p * (stats.mcnemar(b, m - b) <= level)
                mid += p * (stats.mcnemar_mid_p(b, m - b) <= level)
    assert exact <= level
    assert mid == pytest.approx(level, abs=0.01)
    assert mid > exact
