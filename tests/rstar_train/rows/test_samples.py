"""Rows for the data ablation: samples as they come, and right ones ranked by a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.prompts import OFFICIAL, START
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.search import Trace
from bench.types import Outcome
from rstar_train.rows.samples import random_rows, read_samples, rejection_rows
from tests.rstar_train.trees import rollout, tree
from tests.scripted import problem

PROBLEM = problem()
RIGHT, WRONG, NONE = Outcome.CORRECT, Outcome.WRONG, Outcome.NO_ANSWER


def samples_of(*outcomes: Outcome, alike: bool = False) -> tuple[Record, Trace]:
    """A record and its trace: sample 0 writes `s0 end`, and so on, or all write the same."""
    trace, found = tree(), []
    for index, outcome in enumerate(outcomes):
        first = "s0 " if alike else f"s{index} "
        rollout(trace, first, "end", value=0, finished=outcome is not NONE)
        found.append(Sample("1", outcome, None, (), 1, ""))
    chosen = {"first": Selected("1", RIGHT, 0)}
    return Record("p1", 0, "b", "1", "sample", tuple(found), chosen, Tokens(), 0), trace


def test_random_rows_are_two_finished_solutions_right_or_wrong() -> None:
    record, trace = samples_of(WRONG, RIGHT, NONE, WRONG, WRONG)
    drawn = {
        tuple(row.completion for row in random_rows(PROBLEM, record, trace, seed))
        for seed in range(30)
    }
    assert all(len(set(texts)) == 2 for texts in drawn)
    assert {text for texts in drawn for text in texts} == {"s0 end", "s1 end", "s3 end", "s4 end"}
    rows = random_rows(PROBLEM, record, trace, 3)
    assert rows == random_rows(PROBLEM, record, trace, 3)
    assert {row.prompt for row in rows} == {OFFICIAL.render(PROBLEM.question, START)}


def test_rejection_rows_are_the_right_solutions_of_highest_score() -> None:
    record, trace = samples_of(RIGHT, WRONG, RIGHT, RIGHT)
    values = {"s0 end": 0.1, "s1 end": 0.9, "s2 end": 0.3, "s3 end": 0.2}
    rows = rejection_rows(PROBLEM, record, trace, lambda _, texts: [values[t] for t in texts])
    assert [row.completion for row in rows] == ["s2 end", "s3 end"]
    unranked = rejection_rows(PROBLEM, record, trace)
    assert [row.completion for row in unranked] == ["s0 end", "s2 end"]


def test_equal_solutions_count_once_and_none_gives_none() -> None:
    record, trace = samples_of(RIGHT, RIGHT, RIGHT, alike=True)
    assert len(rejection_rows(PROBLEM, record, trace)) == 1
    record, trace = samples_of(NONE, NONE)
    assert random_rows(PROBLEM, record, trace, 1) == []
    record, trace = samples_of(WRONG, WRONG)
    assert rejection_rows(PROBLEM, record, trace) == []


def test_samples_are_read_for_the_problems_asked_for(tmp_path: Path) -> None:
    record, trace = samples_of(RIGHT)
    with RunDir.open(tmp_path / "run", {"config": {}}) as run:
        run.append(record, trace.to_json(), {"total": 1.0}, 0)
        run.append(replace(record, problem_id="other"), trace.to_json(), {"total": 1.0}, 1)
    found = list(read_samples([PROBLEM], tmp_path / "run"))
    assert [(p.id, r.problem_id, t.finished) for p, r, t in found] == [("p1", "p1", trace.finished)]
