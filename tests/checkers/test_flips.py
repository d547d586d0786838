"""Where two checkers differ on a run or on cases, and what that does to the score."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.checkers import Case, compare, judge
from bench.checkers.flips import (
    list_case_questions,
    list_run_questions,
    list_sample_questions,
    pairs,
    read_recorded,
    read_verdicts,
)
from bench.checkers.panel import open_checker
from bench.errors import DataError
from bench.files.lines import encode
from bench.runs.reader import Run
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.types import Outcome

STRINGS = "prm800k-style"
CORRECT, WRONG = Outcome.CORRECT, Outcome.WRONG


def record(
    number: int, answer: str | None, outcome: Outcome, *, error: str | None = None
) -> Record:
    return Record(
        problem_id=f"p{number}",
        seed=0,
        benchmark="pool",
        gold=r"\frac{1}{2}",
        search="sample",
        samples=(
            Sample(answer, outcome, None, (), 5, "as recorded"),
            Sample("2", WRONG, None, (), 5, "as recorded"),
        ),
        selected={"majority": Selected(answer, outcome, 0)},
        tokens=Tokens(),
        executions=0,
        error=error,
    )


def run(*records: Record) -> Run:
    return Run(Path("run"), {"config": {}}, records, {})


def case(number: int, gold: str, prediction: str, equal: bool | None) -> Case:
    return Case(number, number, gold, prediction, equal, None, "a", "", False, False)


RUN = run(
    record(0, "1/2", CORRECT),
    record(1, "0.5", CORRECT),  # algebra accepts it, strings do not
    record(2, "3", WRONG),
    record(3, None, Outcome.NO_ANSWER),
    record(4, "1/2", Outcome.CHECKER_TIMEOUT),
    record(5, "1/2", CORRECT, error="EngineError: out of memory"),
)


def test_the_change_of_a_run_s_score_is_paired_and_has_an_interval() -> None:
    found = compare(read_recorded(RUN), open_checker(STRINGS), list_run_questions(RUN))
    (score,) = found.scores
    assert score.name == "majority"
    assert score.a is not None and score.b is not None and score.difference is not None
    assert (score.a.estimate, score.b.estimate) == (3 / 5, 2 / 5)
    assert score.difference.estimate == pytest.approx(-1 / 5)
    assert score.difference.low < -1 / 5 < score.difference.high
    assert (score.difference.only_a, score.difference.only_b, score.unjudged) == (0, 1, 0)


def test_a_flip_has_both_reasons() -> None:
    found = compare(read_recorded(RUN), open_checker(STRINGS), list_run_questions(RUN))
    (flip,) = found.flips
    assert (flip.question.name, flip.question.prediction) == ("p1", "0.5")
    assert (flip.a.outcome, flip.a.reason) == (CORRECT, "as recorded")
    assert flip.b.outcome is WRONG
    assert "different strings" in flip.b.reason
    assert flip.right == ""


def test_an_answer_that_either_failed_on_is_no_part_of_the_difference() -> None:
    failed = run(record(0, "1/2", Outcome.CHECKER_TIMEOUT), record(1, "3", WRONG))
    (score,) = compare(
        read_recorded(failed), open_checker(STRINGS), list_run_questions(failed)
    ).scores
    assert score.unjudged == 1
    assert score.difference is not None and score.difference.n == 1


def test_samples_are_asked_about_once_and_are_no_score() -> None:
    scores, samples = list_run_questions(RUN), list_sample_questions(RUN)
    assert [question.prediction for question in pairs(scores, samples)] == [
        *("1/2", "0.5", "3", None, "2")
    ]
    found = compare(read_recorded(RUN), open_checker(STRINGS), scores, samples)
    assert [score.name for score in found.scores] == ["majority"]
    assert found.asked == 5


def test_a_problem_with_several_answers_has_no_paired_difference() -> None:
    twice = run(record(0, "1/2", CORRECT), record(0, "3", WRONG), record(1, "0.5", CORRECT))
    (score,) = compare(
        read_recorded(twice), open_checker(STRINGS), list_run_questions(twice)
    ).scores
    assert score.a is not None and (score.a.estimate, score.a.n) == (0.75, 2)
    assert score.difference is None


def test_cases_say_which_of_the_two_is_right() -> None:
    cases = [
        case(1, r"\frac{1}{2}", "1/2", True),
        case(2, "4", "4.0", True),
        case(3, "4", "5", False),
    ]
    judged = judge(open_checker(STRINGS), cases)
    assert [each.verdict.correct for each in judged] == [True, True, False]
    old = read_verdicts(lines(judged, flip=2), cases)
    found = compare(old, open_checker(STRINGS), list_case_questions(cases))
    (flip,) = found.flips
    assert (flip.question.name, flip.right) == ("2", "b")
    accepted, labelled = found.scores
    assert (accepted.name, labelled.name) == ("accepted", "as labelled")
    assert labelled.a is not None and labelled.b is not None
    assert (labelled.a.estimate, labelled.b.estimate) == (pytest.approx(2 / 3), 1)


def test_verdicts_on_other_cases_are_refused(tmp_path: Path) -> None:
    cases = [case(1, "4", "4", True)]
    judged = judge(open_checker(STRINGS), cases)
    file = lines(judged)
    with pytest.raises(DataError, match="verdicts on 1 other cases than the 2 given"):
        read_verdicts(file, [*cases, case(2, "5", "5", True)])
    file.write_text('{"id": 1}\n')
    with pytest.raises(DataError, match="line 1, is no verdict: no 'outcome'"):
        read_verdicts(file, cases)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(judged: list, *, flip: int | None = None) -> Path:  # type: ignore[type-arg]
    """A file of verdicts, one of them turned round."""
    rows = [each.to_json() for each in judged]
    for row in rows:
        if row["id"] == flip:
            row["outcome"] = "wrong" if row["equal"] else "correct"
    file = Path("verdicts.jsonl")
    file.write_bytes(b"".join(encode(row) for row in rows))
    return file
