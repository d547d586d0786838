"""Selectors over finished trajectories: votes, scores, ties, and nothing to choose from."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.search import (
    Finished,
    select_best,
    select_first,
    select_likely,
    select_majority,
    select_top_majority,
    select_weighted,
)


def test_nothing_finished_means_no_choice() -> None:
    assert (select_first([]), select_majority([]), select_best([])) == (None, None, None)
    assert (select_weighted([]), select_top_majority([])) == (None, None)


def test_majority_counts_equal_answers_as_one_vote() -> None:
    samples = [Finished(answer, ()) for answer in ("7", "0.5", "0.50", "8")]
    assert select_majority(samples) == 1


def test_a_tied_vote_goes_to_the_earlier_answer() -> None:
    assert select_majority([Finished(answer, ()) for answer in ("4", "5", "5", "4")]) == 0


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("last", 1), ("min", 2), ("mean", 0), ("product", 0)]
)
def test_aggregations_of_step_scores_choose_differently(aggregate: str, expected: int) -> None:
    samples = [
        Finished("a", (0.9, 0.9, 0.1)),
        Finished("b", (-0.5, 0.1, 0.9)),
        Finished("c", (0.2, 0.2, 0.2)),
    ]
    assert select_best(samples, aggregate) == expected


def test_without_scores_best_has_no_choice() -> None:
    assert select_best([Finished("a", ())]) is None


def scored(*pairs: tuple[str, float]) -> list[Finished]:
    return [Finished(answer, (score,)) for answer, score in pairs]


def test_a_weighted_vote_adds_probabilities_so_a_bad_score_never_counts_against() -> None:
    # 5: (0.5 + 0.45) = 0.95 against 4: 0.9, though the scores of 5 sum to -0.1.
    samples = scored(("4", 0.8), ("5", -0.1), ("5.0", 0.0))
    assert select_weighted(samples) == 2
    assert select_best(samples) == 0


def test_a_weighted_vote_by_product_takes_the_product_as_it_is() -> None:
    samples = [Finished("1", (1.0, -1.0)), Finished("2", (0.0, 0.0))]
    assert select_weighted(samples, "product") == 1


def test_the_official_rule_lets_only_the_best_valued_vote() -> None:
    samples = scored(("4", 0.9), ("5", 0.8), ("5", 0.7), ("6", 0.1), ("6", 0.1), ("6", 0.1))
    assert select_best(samples) == 0
    assert select_majority(samples) == 3
    assert select_top_majority(samples, k=3) == 1
    assert select_top_majority(samples, k=6) == 3


def test_a_tied_vote_of_the_best_valued_goes_to_the_better_valued() -> None:
    assert select_top_majority(scored(("4", 0.1), ("5", 0.2)), k=2) == 1


def test_unscored_trajectories_do_not_vote_by_score() -> None:
    assert (select_weighted([Finished("4", ())]), select_top_majority([Finished("4", ())])) == (
        None,
        None,
    )


def test_a_likely_answer_outvotes_one_that_the_ppm_likes_a_little_more() -> None:
    likely, rare = Finished("1", (0.2,), math.log(0.64)), Finished("2", (0.6,), math.log(0.01))
    assert select_weighted([likely, rare]) == 1
    assert select_likely([likely, rare]) == 0  # 0.8 x 0.6 against 0.1 x 0.8
    sure = replace(rare, logprob=math.log(0.49))
    assert select_likely([likely, sure]) == 1  # 0.7 x 0.8


def test_without_every_probability_the_vote_goes_by_scores_alone() -> None:
    known, unknown = Finished("1", (0.2,), math.log(0.9)), Finished("2", (0.6,))
    assert select_likely([known, unknown]) == 1
    assert select_likely([]) is None
