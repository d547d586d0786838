"""Bootstrap limits agree with formulas where there are some, and draw whole problems."""

from __future__ import annotations

import random

import pytest

from bench import stats
from bench.stats.bootstrap import bootstrap


def test_the_limits_of_a_mean_are_those_of_the_normal_approximation() -> None:
    rng = random.Random(3)
    values = [rng.gauss(0.4, 0.1) for _ in range(400)]
    found = bootstrap([[value] for value in values])
    assert found.estimate == pytest.approx(sum(values) / 400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.1 / 20, rel=0.1)
    assert found.n == 400


def test_the_limits_of_a_share_are_near_those_of_wilson() -> None:
    found, wilson = bootstrap([[1.0]] * 120 + [[0.0]] * 80), stats.wilson(120, 200)
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=0.01)


def test_columns_of_a_problem_are_drawn_together() -> None:
    found = bootstrap([[x, x] for x in (0.0, 0.3, 0.9)], lambda m: m[..., 0] - m[..., 1])
    assert (found.low, found.high) == pytest.approx((0.0, 0.0))


def test_a_function_of_means_is_no_mean_of_the_function() -> None:
    found = bootstrap([[1.0, 0.0], [0.0, 1.0]], lambda m: m.max(axis=-1))
    assert found.estimate == 0.5


def test_the_same_numbers_have_the_same_interval() -> None:
    rows = [[float(i % 7)] for i in range(30)]
    assert bootstrap(rows) == bootstrap(rows)
    assert bootstrap(rows, seed=1) != bootstrap(rows)


def test_no_problems_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no problems"):
        bootstrap([])
