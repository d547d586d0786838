"""Guesses from what was read before: what comes back often is guessed, and doubts cost nothing."""

from __future__ import annotations

import random

from bench.engines.drafting import LENGTHS, MOST, Drafter, price


def test_what_always_comes_is_guessed_as_far_as_asked() -> None:
    drafter = Drafter()
    cycle = [5, 6, 7, 8, 9] * 30
    drafter.learn(cycle, 0, written=True)
    assert drafter.guess([7, 8], most=4, least=0.5) == [9, 5, 6, 7]
    assert drafter.guess(cycle, most=MOST, least=0.5) == [5, 6, 7, 8, 9, 5, 6, 7]
    assert drafter.guess(cycle, most=0, least=0.5) == []


def test_nothing_is_guessed_behind_what_was_never_seen_or_is_too_short() -> None:
    drafter = Drafter()
    assert drafter.guess([1, 2, 3], most=4, least=0.0) == []
    drafter.learn([1, 2, 3, 4] * 9, 0, written=True)
    assert drafter.guess([9, 9, 9], most=4, least=0.0) == []
    assert drafter.guess([1], most=4, least=0.0) == []


def test_a_guess_ends_where_it_is_no_longer_likely_enough() -> None:
    drafter, draw = Drafter(), random.Random(1)
    for _ in range(200):  # after 1, 2, 3 comes 4; after 4, one of two
        drafter.learn([1, 2, 3, 4, draw.choice([5, 6]), 7], 0, written=True)
    assert drafter.guess([1, 2], most=8, least=0.8) == [3, 4]
    assert len(drafter.guess([1, 2], most=8, least=0.2)) > 2


def test_what_comes_no_more_is_unlearnt() -> None:
    drafter = Drafter()
    drafter.learn([1, 2, 3] * 20, 0, written=True)
    drafter.learn([1, 2, 4] * 200, 0, written=True)
    assert drafter.guess([1, 2], most=1, least=0.5) == [4]


def test_a_longer_beginning_decides_where_a_shorter_one_leaves_doubt() -> None:
    drafter = Drafter()
    for first, last in ((10, 40), (20, 50)) * 40:
        drafter.learn([first, first, first, 2, 3, last, 0], 0, written=True)
    assert drafter.guess([10, 10, 2, 3], most=1, least=0.9) == [40]
    assert drafter.guess([20, 20, 2, 3], most=1, least=0.9) == [50]
    assert max(LENGTHS) >= 5


def test_only_what_is_new_is_learnt() -> None:
    drafter = Drafter()
    drafter.learn([1, 2, 3, 4], 4, written=True)
    assert drafter.guess([1, 2], most=1, least=0.0) == []
    drafter.learn([1, 2, 3, 4], 3, written=True)
    assert drafter.guess([2, 3], most=1, least=0.0) == [4]


def test_a_guess_must_be_the_surer_the_fuller_a_step_is() -> None:
    prices = [price(tokens, tokens) for tokens in (1, 8, 32, 128)]
    assert prices == sorted(prices) and prices[0] < 0.1 and 0.8 < prices[-1] < 1
    assert price(8, 200) < price(8, 8)  # a step full of prompts costs much for few tokens


def test_how_sure_a_guess_is_follows_from_what_guesses_were_worth() -> None:
    drafter, draw = Drafter(), random.Random(2)
    drafter.learn([1, 2, 3] * 5, 0, written=False)  # five times out of five, of one beginning
    assert drafter.guess([1, 2], most=1, least=0.7) == [3]
    for other in range(300):  # of which others like it say little
        start = 100 + 3 * other
        drafter.learn([start, start + 1, start + 2] * 5, 0, written=False)
        drafter.learn([start, start + 1, draw.randrange(50)], 2, written=True)
    assert drafter.guess([1, 2], most=1, least=0.2) == []
