"""The learnt order: its features on worked goals, and weights fitted to choices with a rule."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import DataError, UnknownNameError
from bench.inequalities.lips import ALL
from bench.inequalities.lips.learnt import (
    FEATURES,
    Choice,
    Origin,
    describe,
    fit,
    load_weights,
    weigh,
)
from bench.inequalities.texts.reading import read_expression


def features(**known: float) -> dict[str, float]:
    return {**dict.fromkeys(FEATURES, 0.0), **known}


def choices(benchmark: str, count: int, *, wrong: str = "terms") -> list[Choice]:
    """Return choices in which the right child has fewer of a feature, by more or less."""
    random = np.random.default_rng(len(benchmark))
    return [
        Choice(
            benchmark,
            features(**{wrong: 1.0}, depth=float(random.normal())),
            (features(**{wrong: 1.5 + random.random()}, depth=float(random.normal())),),
        )
        for _ in range(count)
    ]


def test_the_features_of_a_goal_are_what_is_written_there() -> None:
    found = describe(
        read_expression("a/(b + c) + sqrt(a*b)"),
        read_expression("1"),
        np.array([0.5, 0.0, 0.1, np.nan]),
        Origin(steps=2, operators=9, scaled=True, broken=False),
    )
    assert found["denominators"] == found["radicals"] == pytest.approx(np.log(2))
    assert found["terms"] == pytest.approx(np.log(4))
    assert (found["uneven"], found["polynomial"]) == (1, 0)
    assert (found["steps"], found["scaled"], found["broken"]) == (2, 1, 0)
    assert found["growth"] == pytest.approx(np.log(6 / 10)), "5 operators after 9"
    assert found["slack"] == pytest.approx(0.1)
    assert found["tight"] == pytest.approx(1 / 3)
    assert set(found) == set(FEATURES)


def test_what_led_to_proofs_is_cheaper_under_the_weights() -> None:
    found = fit([*choices("one", 30), *choices("two", 30)])
    assert set(found.weights) == {ALL, "without one", "without two"}
    assert found.ordered == {"one": 1.0, "two": 1.0}
    assert found.pairs == {"one": 30, "two": 30}
    short, long = features(terms=1.0), features(terms=3.0)
    assert weigh(short, found.weights[ALL]) < weigh(long, found.weights[ALL])


def test_a_benchmark_is_judged_by_weights_that_never_saw_it() -> None:
    found = fit([*choices("one", 30), *choices("two", 30, wrong="radicals")])
    assert found.weights["without two"]["radicals"] == pytest.approx(0.0)
    assert found.ordered["two"] < 0.9


def test_a_choice_counts_once_however_many_waited_beside() -> None:
    few = [Choice("one", features(terms=1.0), (features(terms=2.0),))] * 3
    crowd = Choice("one", features(terms=2.0), (features(terms=1.0),) * 30)
    found = fit([*few, crowd])
    assert found.weights[ALL]["terms"] > 0


def test_searches_without_a_choice_teach_nothing() -> None:
    with pytest.raises(DataError, match="there is nothing to learn from"):
        fit([Choice("one", features(), ())])


def test_stored_weights_have_a_name_and_no_other() -> None:
    assert set(load_weights(ALL)) == set(FEATURES)
    with pytest.raises(UnknownNameError, match="did you mean 'all'"):
        load_weights("al")
