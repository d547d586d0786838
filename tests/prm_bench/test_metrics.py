"""Scores of both benchmarks against numbers worked by hand."""

from __future__ import annotations

import pytest

from bench.prm_bench.metrics import Threshold, fit_threshold, judge
from bench.prm_bench.rows import JudgedSolution, Source
from bench.prm_bench.view import lay_out, to_json

R, W, U = True, False, None


def solution(
    name: str, right: tuple[bool | None, ...], part: str = "a", source: Source = "ProcessBench"
) -> JudgedSolution:
    return JudgedSolution(name, source, part, "q", tuple("step" for _ in right), right)


PROCESS = [
    solution("found", (R, W, U)),
    solution("early", (R, R, W)),
    solution("missed", (W,)),
    solution("passed", (R, R)),
    solution("blamed", (R, R), "b"),
]
VALUES = {
    "found": [0.5, -0.5, 0.9],
    "early": [0.5, -0.1, -0.9],
    "missed": [0.2],
    "passed": [0.1, 0.9],
    "blamed": [0.9, -0.2],
}


def test_f1_of_process_bench_is_the_harmonic_mean_of_two_accuracies() -> None:
    a, b, every = judge(PROCESS, VALUES)
    assert (a.part, b.part, every.part) == ("a", "b", "all")
    assert a.found is not None and a.passed is not None and a.score is not None
    assert (a.found.estimate, a.found.n) == (pytest.approx(1 / 3), 3)
    assert (a.passed.estimate, a.passed.n) == (1.0, 1)
    assert a.score.estimate == pytest.approx(0.5)
    assert b.found is None and b.score is None
    assert b.passed is not None and b.passed.estimate == 0.0
    assert every.score is not None
    assert every.score.estimate == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert every.score.low <= every.score.estimate <= every.score.high


def test_prm_score_is_the_mean_of_two_f1_over_steps() -> None:
    solutions = [
        solution("p", (R, R, W), source="PRMBench"),
        solution("q", (R, W), source="PRMBench"),
        solution("m", (R, R), "multi_solutions", "PRMBench"),
    ]
    values = {"p": [0.5, -0.5, -0.5], "q": [0.5, 0.5], "m": [0.5, -0.5]}
    a, multi, _ = judge(solutions, values)
    # Right: 2 called right, 1 called wrong; wrong: 1 called wrong, 1 called right.
    assert a.passed is not None and a.found is not None and a.score is not None
    assert a.passed.estimate == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert a.found.estimate == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))
    assert a.score.estimate == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert multi.found is None and multi.score is None
    assert multi.passed is not None and multi.passed.estimate == 0.5


def test_a_threshold_is_fitted_where_a_split_is_told_apart_best() -> None:
    solutions = [solution("w", (R, W)), solution("r", (R, R))]
    values = {"w": [0.8, 0.4], "r": [0.8, 0.6]}  # probabilities 0.9, 0.7 and 0.9, 0.8
    fitted = fit_threshold(solutions, values, "split")
    assert 0.7 < fitted.value <= 0.8
    assert judge(solutions, values)[0].score.estimate == 0.0  # type: ignore[union-attr]  # there is one
    assert judge(solutions, values, fitted.value)[0].score.estimate == 1.0  # type: ignore[union-attr]


def test_a_table_says_its_threshold_and_where_that_is_from() -> None:
    judgements = judge(PROCESS, VALUES)
    (grid,) = lay_out(judgements, "m", Threshold())
    assert list(grid.rows[0][:2]) == ["a", "4"]
    assert grid.notes[-1] == "A step counts as wrong below a probability of 0.50."
    assert (
        "best on split: that split's own"
        in lay_out(judgements, "m", Threshold(0.6, "split"))[0].notes[-1]
    )
    assert to_json(judgements, "m", Threshold())["parts"][1]["score"] is None
