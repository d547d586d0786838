"""Counting subsets gives what the real selectors choose from every one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import pytest

from bench.answers import canonicalize
from bench.search import AGGREGATES, Finished, select_best, select_majority, select_weighted
from bench.stats import choices

Choose = Callable[[Sequence[Finished]], int | None]


def made_up(seed: int) -> tuple[list[Finished | None], list[bool]]:
    """Up to eight samples with many ties; None is one that did not finish."""
    rng = random.Random(seed)
    samples: list[Finished | None] = []
    for _ in range(rng.randint(1, 8)):
        scores = tuple(rng.choice((-0.5, 0.0, 0.25)) for _ in range(rng.randint(1, 2)))
        answer = rng.choice(("1", "2", "1/2", "0.5"))
        samples.append(None if rng.random() < 0.2 else Finished(answer, scores))
    # Now and then equal answers are judged apart, as a checker may.
    right = [s is not None and (s.answer == "1" or rng.random() < 0.2) for s in samples]
    return samples, right


def list_all(
    choose: Choose, samples: Sequence[Finished | None], right: Sequence[bool]
) -> list[float]:
    """Ask a selector about every subset."""
    shares = []
    for k in range(1, len(samples) + 1):
        subsets = list(combinations(range(len(samples)), k))
        won = 0
        for subset in subsets:
            places = [i for i in subset if samples[i] is not None]
            chosen = choose([s for i in places if (s := samples[i]) is not None])
            won += chosen is not None and right[places[chosen]]
        shares.append(won / len(subsets))
    return shares


def groups_of(samples: Sequence[Finished | None]) -> list[str | None]:
    return [None if s is None else canonicalize(s.answer) for s in samples]


def scores_of(samples: Sequence[Finished | None], aggregate: str) -> list[float | None]:
    return [None if s is None else AGGREGATES[aggregate](s.step_scores) for s in samples]


def weigh(score: float | None, aggregate: str) -> float:
    if score is None:
        return 0.0
    return score if aggregate == "product" else (1 + score) / 2


@pytest.mark.parametrize("seed", range(60))
def test_a_majority_is_counted_as_it_is_chosen(seed: int) -> None:
    samples, right = made_up(seed)
    counted = choices.majority_of_k(groups_of(samples), right)
    assert counted == pytest.approx(list_all(select_majority, samples, right))


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("seed", range(20))
def test_scores_and_weighted_votes_are_counted_as_they_are_chosen(
    seed: int, aggregate: str
) -> None:
    samples, right = made_up(seed)
    scores = scores_of(samples, aggregate)
    best = partial(select_best, aggregate=aggregate)
    assert choices.best_of_k(scores, right) == pytest.approx(list_all(best, samples, right))
    weights = [weigh(score, aggregate) for score in scores]
    weighted = choices.weighted_of_k(groups_of(samples), scores, weights, right)
    by_list = list_all(partial(select_weighted, aggregate=aggregate), samples, right)
    assert weighted == pytest.approx(by_list)


def test_the_oracle_is_right_where_any_sample_is() -> None:
    assert choices.oracle_of_k([True, False, False]) == pytest.approx((1 / 3, 2 / 3, 1.0))


def test_a_tied_vote_goes_to_the_answer_that_came_first() -> None:
    assert choices.majority_of_k(["a", "b"], [True, False]) == (0.5, 1.0)
    assert choices.majority_of_k(["b", "a"], [False, True]) == (0.5, 0.0)


def test_a_majority_of_many_samples_is_exact() -> None:
    # 101 samples in two groups: with an odd size nothing ties, and the larger group's share of the
    # subsets in which it leads is a hypergeometric tail.
    from scipy.stats import hypergeom

    groups = ["a", "b"] * 50 + ["a"]
    shares = choices.majority_of_k(groups, [group == "a" for group in groups])
    for k in (1, 5, 51, 101):
        assert shares[k - 1] == pytest.approx(hypergeom(101, 51, k).sf(k // 2))


def test_random_subsets_come_close_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    groups = [rng.choice("abc") for _ in range(12)]
    scores = [rng.random() for _ in range(12)]
    right = [group == "b" for group in groups]
    exact = choices.weighted_of_k(groups, scores, scores, right)
    monkeypatch.setattr(choices, "MOST_LISTED", 11)
    drawn = choices.weighted_of_k(groups, scores, scores, right)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=5 * 0.5 / choices.DRAWN**0.5)
    assert drawn[-1] == exact[-1]
    assert drawn == choices.weighted_of_k(groups, scores, scores, right)
    assert drawn != choices.weighted_of_k(groups, scores, scores, right, seed=1)


def test_random_votes_that_weigh_nothing_go_to_the_best_scored_sample() -> None:
    rng = random.Random(6)
    scores = [rng.random() for _ in range(20)]
    groups = [rng.choice("abc") for _ in range(20)]
    right = [group == "a" for group in groups]
    drawn = choices.weighted_of_k(groups, scores, [0.0] * 20, right)
    assert drawn == pytest.approx(choices.best_of_k(scores, right), abs=0.08)
    assert drawn[-1] == choices.best_of_k(scores, right)[-1]


def test_so_many_subsets_are_drawn_that_the_mean_over_problems_is_good() -> None:
    assert choices.spread_draws(1) == choices.spread_draws(32) == choices.DRAWN
    assert choices.spread_draws(500) * 500 == 32_000
    assert choices.spread_draws(100_000) == 32
