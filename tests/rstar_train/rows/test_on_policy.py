"""What a policy wrote becomes one tree of texts: what each is worth, and what is preferred."""

from __future__ import annotations

import pytest

from bench.prompts import OFFICIAL, START
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.search import Trace
from bench.types import Outcome
from rstar_train.rows.on_policy import Solution, merge, pair_rows, read_solutions, value_rows
from tests.rstar_train.trees import rollout, tree
from tests.scripted import problem

PROBLEM = problem()
RIGHT, WRONG, NONE, FAILED = (
    Outcome.CORRECT,
    Outcome.WRONG,
    Outcome.NO_ANSWER,
    Outcome.ENGINE_ERROR,
)


def solution(*steps: str, answer: str | None = "1", right: bool = False) -> Solution:
    return Solution(steps, answer, right)


def test_a_beginning_is_worth_the_mean_outcome_of_what_goes_on_from_it() -> None:
    rows = value_rows(
        PROBLEM,
        [
            solution("a", "b", right=True),
            solution("a", "c"),
            solution("a", "b", right=True),
            solution("d", answer=None),
        ],
    )
    before = OFFICIAL.render(PROBLEM.question, START)
    assert {row.text.removeprefix(before): row.q for row in rows} == {
        "a": pytest.approx(1 / 3),
        "ab": 1.0,
        "ac": -1.0,
        "d": -1.0,
    }
    assert [row.weight for row in rows] == [0.75, 0.5, 0.25, 0.25]


def test_steps_are_paired_below_one_beginning_and_only_with_those_that_never_led_right() -> None:
    rows = pair_rows(
        PROBLEM,
        [
            solution("a", "b", right=True),
            solution("a", "c", answer="2"),
            solution("d", answer="3"),
            solution("e", right=True),
            solution("e", answer="4"),
        ],
    )
    steps = [row for row in rows if row.kind == "step"]
    after = OFFICIAL.render(PROBLEM.question, START)
    assert {(row.prompt.removeprefix(after), row.chosen, row.rejected) for row in steps} == {
        ("", "e", "d"),
        ("", "a", "d"),
        ("a", "b", "c"),
    }
    assert sum(row.weight for row in steps if row.prompt == after) == pytest.approx(1.0)


def test_a_right_solution_is_compared_with_frequent_wrong_answers_that_look_like_it() -> None:
    rows = pair_rows(
        PROBLEM,
        [
            solution("right", answer="12", right=True),
            solution("rare alike", answer="21"),
            solution("frequent alike", answer="33"),
            solution("frequent alike again", answer="33"),
            *(solution(f"negative {i}", answer="-7") for i in range(5)),
        ],
    )
    whole = [row for row in rows if row.kind == "solution"]
    assert [row.rejected for row in whole] == ["frequent alike", "rare alike"]
    assert {row.chosen for row in whole} == {"right"}
    assert sum(row.weight for row in whole) == pytest.approx(1.0)


def test_problems_that_are_always_or_never_solved_give_values_and_no_pairs() -> None:
    for right in (True, False):
        alike = [solution("a", right=right), solution("b", right=right)]
        assert pair_rows(PROBLEM, alike) == []
        assert {row.q for row in value_rows(PROBLEM, alike)} == {1.0 if right else -1.0}


def samples_of(*outcomes: Outcome) -> tuple[Record, Trace]:
    trace, found = tree(), []
    for index, outcome in enumerate(outcomes):
        rollout(trace, f"s{index} ", "end", value=0, finished=outcome is not NONE)
        found.append(Sample("1", outcome, None, (), 1, ""))
    chosen = {"first": Selected("1", RIGHT, 0)}
    return Record("p1", 0, "b", "1", "sample", tuple(found), chosen, Tokens(), 0), trace


def test_what_broke_off_counts_as_wrong_and_what_the_harness_failed_on_does_not_count() -> None:
    found = read_solutions(*samples_of(RIGHT, NONE, FAILED, WRONG))
    assert [(each.steps, each.answer, each.right) for each in found] == [
        (("s0 ", "end"), "1", True),
        (("s1 ", "end"), None, False),
        (("s3 ", "end"), "1", False),
    ]
    assert merge(found).q == pytest.approx(-1 / 3)
