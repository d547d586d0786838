"""A verifier is asked by its name; one that is unknown or asked wrongly is named."""

from __future__ import annotations

import pytest

from bench.answers.verifiers import verify
from bench.errors import DataError, UnknownNameError
from bench.types import Outcome, Verifier

GAME = Verifier("arithmetic", {"numbers": [4, 6, 7, 7], "target": 24})


def test_a_verdict_says_who_decided_and_why() -> None:
    verdict = verify(GAME, "6*4*7/7")
    assert (verdict.outcome, verdict.comparer) == (Outcome.CORRECT, "verifier arithmetic")
    assert verdict.reason == "its value is 24, from the numbers given"
    assert verdict.prediction == "6*4*7/7"


def test_an_unknown_verifier_is_named_with_its_neighbour() -> None:
    with pytest.raises(UnknownNameError, match="unknown verifier 'arithmetics'; did you mean"):
        verify(Verifier("arithmetics", {}), "1")


@pytest.mark.parametrize("parameters", [{}, {"numbers": [1], "goal": 1}])
def test_parameters_it_does_not_take_are_named(parameters: dict[str, object]) -> None:
    with pytest.raises(DataError, match="the verifier 'arithmetic' does not take"):
        verify(Verifier("arithmetic", parameters), "1")
