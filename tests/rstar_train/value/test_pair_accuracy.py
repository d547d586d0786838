"""Calibration: bins that hold every pair once, what they say."""

from __future__ import annotations

import math

import pytest

from rstar_train.figures import PairFigures
from rstar_train.value.pair_accuracy import BINS, calibrate, warn_at_chance


def each_its_own(margins: list[float]) -> list[str]:
    """A problem for each pair."""
    return [str(at) for at in range(len(margins))]


def test_bins_hold_every_pair_once_least_sure_first() -> None:
    margins = [(-1) ** at * at / 50 for at in range(100)]
    bins = calibrate(margins, each_its_own(margins))
    assert (len(bins), sum(each.pairs for each in bins)) == (BINS, 100)
    assert sum(each.right for each in bins) == sum(margin > 0 for margin in margins)
    assert [each.said for each in bins] == sorted(each.said for each in bins)
    assert all(each.low <= each.share <= each.high for each in bins)


def test_pairs_of_one_problem_say_less_than_as_many_of_many() -> None:
    margins = [0.5, 0.5, 0.5, -0.5] * 6
    (*_, many) = calibrate(margins, each_its_own(margins))
    (*_, one) = calibrate(margins, ["a"] * len(margins))
    assert (many.share, many.pairs) == (one.share, one.pairs)
    assert one.high - one.low > many.high - many.low


def test_a_margin_says_its_logistic_probability() -> None:
    (one,) = calibrate([0.5], ["a"])
    assert (one.said, one.right) == (pytest.approx(1 / (1 + math.exp(-0.5))), 1)
    (scaled,) = calibrate([-0.5], ["a"], scale=5.0)
    assert (scaled.said, scaled.right) == (pytest.approx(1 / (1 + math.exp(-2.5))), 0)


def test_a_tie_is_a_mistake_and_no_pairs_give_no_bins() -> None:
    (tie,) = calibrate([0.0], ["a"])
    assert (tie.right, tie.said) == (0, 0.5)
    assert calibrate([], []) == []


def test_a_ppm_that_is_not_above_chance_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    warn_at_chance(PairFigures(210, 210, 135, 135 / 210, 0.576, 0.71))
    assert not caplog.records
    warn_at_chance(PairFigures(210, 210, 106, 106 / 210, 0.438, 0.57))
    warn_at_chance(PairFigures(0))
    (said,) = (record.getMessage() for record in caplog.records)
    assert "106 of 210 held-out pairs" in said
    assert "ppm.centering" in said
