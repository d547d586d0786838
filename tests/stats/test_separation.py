"""A score that tells right from wrong, one that does not, and what else explains it."""

from __future__ import annotations

import random

import pytest

from bench.stats.separation import auc, explain_within


def test_auc_counts_pairs_and_halves_ties() -> None:
    assert auc([3.0, 1.0], [2.0, 0.0]) == 0.75
    assert auc([1.0], [1.0]) == 0.5
    assert auc([0.0], [1.0, 2.0]) == 0.0


def test_auc_of_one_side_is_refused() -> None:
    with pytest.raises(ValueError, match="0 wrong"):
        auc([1.0], [])


def test_a_constant_of_each_cluster_explains_nothing() -> None:
    clusters = ["a"] * 8 + ["b"] * 8
    values = [0.0, 1.0] * 4 + [10.0, 11.0] * 4
    found = explain_within(values, [[0.0] * 8 + [1.0] * 8], clusters)
    assert found is not None
    assert (found.share, found.adjusted) == pytest.approx((0.0, 0.0))
    assert (found.n, found.clusters) == (16, 2)


def test_what_makes_the_value_explains_all_of_it() -> None:
    flags = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0] * 2
    values = [flag + shift for flag, shift in zip(flags, [0] * 8 + [7] * 8, strict=True)]
    found = explain_within(values, [flags], [0] * 8 + [1] * 8)
    assert found is not None
    assert (found.share, found.adjusted) == pytest.approx((1.0, 1.0))


def test_columns_without_meaning_explain_nothing_once_adjusted() -> None:
    rng = random.Random(0)
    values = [rng.gauss(0, 1) for _ in range(120)]
    columns = [[rng.gauss(0, 1) for _ in range(120)] for _ in range(30)]
    found = explain_within(values, columns, [i // 6 for i in range(120)])
    assert found is not None
    assert found.share > 0.2
    assert abs(found.adjusted) < 0.15


def test_equal_columns_count_once() -> None:
    rng = random.Random(1)
    values, column = ([rng.random() for _ in range(20)] for _ in range(2))
    once = explain_within(values, [column], [0] * 20)
    assert once is not None
    twice = explain_within(values, [column, column], [0] * 20)
    assert twice is not None
    assert twice.adjusted == pytest.approx(once.adjusted)


def test_values_that_do_not_vary_within_clusters_are_not_explained() -> None:
    values = [0.1] * 10 + [0.7] * 10
    assert explain_within(values, [[*range(20)]], [0] * 10 + [1] * 10) is None


def test_too_few_values_explain_nothing() -> None:
    values = [random.Random(2).random() * at for at in range(12)]
    column = [float(at % 3) for at in range(12)]
    assert explain_within(values, [column], [0] * 12) is not None
    assert explain_within(values[1:], [column[1:]], [0] * 11) is None
