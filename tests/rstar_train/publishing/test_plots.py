"""Pictures: the same bytes for the same figures, and a mark for everything that was measured."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from rstar_train.figures import RoundFigures, ShareFigures
from rstar_train.publishing.plots import rounds_plot
from rstar_train.value.pair_accuracy import calibrate, calibration_plot
from tests.rstar_train.made_figures import COVERAGE, method, round_figures

pytest.importorskip("matplotlib")

SVG = "{http://www.w3.org/2000/svg}"


def marks(picture: bytes, group: str) -> int:
    """Return how many marks of a series were drawn."""
    root = ElementTree.fromstring(picture)
    found = next(each for each in root.iter(f"{SVG}g") if each.get("id") == group)
    return len(list(found.iter(f"{SVG}use")))


def words(picture: bytes) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_calibration_has_a_point_for_every_bin_and_says_of_how_many_pairs() -> None:
    margins = [at / 40 - 0.4 for at in range(60)]
    bins = calibrate(margins, [str(at % 20) for at in range(60)])
    picture = calibration_plot(bins, title="Pairs <held out> & scored")
    assert marks(picture, "bins") == len(bins) > 1
    assert "Pairs <held out> & scored: 60" in words(picture)
    assert calibration_plot(bins, title="Pairs <held out> & scored") == picture


def a_round(percent: float, accuracy: float) -> RoundFigures:
    tier = replace(COVERAGE, percent=percent, ever_percent=percent + 5)
    return round_figures(
        {"easy": tier, "easy/gcd": tier, "all": tier},
        greedy=method(accuracy=ShareFigures(accuracy, accuracy - 0.1, accuracy + 0.1)),
        mcts=method("mcts 8x4", accuracy=None),
    )


def test_rounds_are_drawn_by_tier_and_by_method_with_the_base_as_round_0() -> None:
    rounds = [a_round(40.0, 0.3), a_round(60.0, 0.5), a_round(70.0, 0.6)]
    picture = rounds_plot(rounds, rounds[0].evaluation)
    assert marks(picture, "coverage-easy") == 3
    said = words(picture)
    assert {"easy", "all", "greedy", "0", "3"} <= set(said)
    assert "easy/gcd" not in said and "mcts 8x4" not in said


def test_a_round_without_a_base_begins_at_1() -> None:
    said = words(rounds_plot([a_round(40.0, 0.3)]))
    assert "1" in said
