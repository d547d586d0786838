"""Selectors over finished trajectories: votes, scores, ties, and nothing to choose from."""

from __future__ import annotations

import pytest

from bench.search import Finished, best, first, majority


def test_nothing_finished_means_no_choice() -> None:
    assert (first([]), majority([]), best([])) == (None, None, None)


def test_majority_counts_equal_answers_as_one_vote() -> None:
    samples = [Finished(answer, ()) for answer in ("7", "0.5", "0.50", "8")]
    assert majority(samples) == 1


def test_a_tied_vote_goes_to_the_earlier_answer() -> None:
    assert majority([Finished(answer, ()) for answer in ("4", "5", "5", "4")]) == 0


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("last", 1), ("min", 2), ("mean", 0), ("product", 0)]
)
def test_aggregations_of_step_scores_choose_differently(aggregate: str, expected: int) -> None:
    samples = [
        Finished("a", (0.9, 0.9, 0.1)),
        Finished("b", (-0.5, 0.1, 0.9)),
        Finished("c", (0.2, 0.2, 0.2)),
    ]
    assert best(samples, aggregate) == expected


def test_without_scores_best_has_no_choice() -> None:
    assert best([Finished("a", ())]) is None
