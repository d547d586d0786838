"""How far two engines' scores are apart, worked by hand; and which steps are scored."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.engines.base import PathScores
from bench.errors import DataError
from bench.evaluation.parity import (
    AT_ONCE,
    Solution,
    compare_all,
    embedded_solutions,
    judged_solution,
    lay_out,
    run_solutions,
    score_steps,
    to_json,
)
from bench.evaluation.spec import digest_problems
from bench.problems import load
from bench.prompts import START
from bench.runs.header import make_header
from bench.runs.reader import load_run
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir
from bench.search import NodeKind
from bench.search.tree import new_trace
from bench.types import Problem


def solution(name: str, *steps: str) -> Solution:
    return Solution(Problem(id=name, question="q", answer="", benchmark=""), "", steps)


def test_differences_and_orders_are_those_worked_by_hand() -> None:
    solutions = [solution("a", "1", "2"), solution("b", "3", "4")]
    scores = {"x": [[0.1, 0.2], [0.3, 0.4]], "y": [[0.1, 0.3], [0.2, 0.8]], "z": [[0.5, 0.5]] * 2}
    xy, xz, yz = compare_all(solutions, scores)
    assert (xy.first, xy.second, xy.steps, xy.worst) == ("x", "y", 4, "b")
    assert xy.largest == pytest.approx(0.4)
    assert xy.mean == pytest.approx(0.15)
    assert xy.kendall == pytest.approx((5 - 1) / 6)  # one of six pairs is ordered otherwise
    x, y = (0.1, 0.2, 0.3, 0.4), (0.1, 0.3, 0.2, 0.8)
    assert xy.pearson == pytest.approx(pearson(x, y))
    assert (xz.kendall, xz.pearson) == (None, None)  # z tells nothing apart
    assert (yz.first, yz.second) == ("y", "z")
    grid = lay_out([xy, xz], ppm="p", dtype="float32", bound=0.4)
    assert [row[-1] for row in grid.rows] == ["ok", "ok"]
    grid = lay_out([xy, xz], ppm="p", dtype="float32", bound=0.39)
    assert [row[-1] for row in grid.rows] == ["OVER", "OVER"]
    told = to_json([xy], ppm="p", dtype="float32", bound=0.39)
    assert told["pairs"][0]["agree"] is False and told["bound"] == 0.39


def pearson(x: Sequence[float], y: Sequence[float]) -> float:
    a, b = sum(x) / len(x), sum(y) / len(y)
    cross = sum((p - a) * (q - b) for p, q in zip(x, y, strict=True))
    return cross / math.sqrt(sum((p - a) ** 2 for p in x) * sum((q - b) ** 2 for q in y))


class Counting:
    """Scores a step by its length, and counts what is under way."""

    name, aggregate = "counting", "last"

    def __init__(self) -> None:
        self.running = self.most = self.closed = 0

    def scoring(self, problem: Problem) -> Counting:
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        return PathScores([[len(step) / 100 for step in path] for path in paths], 0)

    def close(self) -> None:
        self.closed += 1


async def test_several_solutions_are_scored_at_a_time_and_come_in_order() -> None:
    solutions = [solution(str(i), "x" * i, "y") for i in range(AT_ONCE + 5)]
    counting, done = Counting(), []
    found = await score_steps(solutions, counting, lambda: done.append(1))
    assert found == [[i / 100, 0.01] for i in range(AT_ONCE + 5)]
    assert counting.most == AT_ONCE
    assert len(done) == counting.closed == len(solutions)


def test_embedded_problems_are_solved_by_a_program_that_prints_the_reference() -> None:
    first, second = embedded_solutions(2)
    assert first.problem.id != second.problem.id
    assert f"boxed{{{first.problem.answer}}}" in first.steps[-1]
    assert f"<output>{first.problem.answer}<end_of_output>" in first.steps[-2]


def test_steps_in_prose_end_as_steps_of_ours_do() -> None:
    assert judged_solution("a", "q", ["One.", "Two."]).steps == (
        "One.\n<end_of_step>",
        "Two.\n<end_of_step>",
    )


def store(path: Path, *answers: str) -> Path:
    """A run of one embedded problem, with a step and an answer below it for each text."""
    problems = load("embedded-grade-school", limit=1)
    trace = new_trace(problems[0].id, "sample", 0, START)
    step = trace.add(trace.nodes[0], 0, "x = 1\n<end_of_step>", NodeKind.STEP, 3)
    for at, text in enumerate(answers):
        end = trace.add(step, at, text, NodeKind.ANSWER, 3)
        trace.finished.append(end.index)
    record = Record(problems[0].id, 0, "pool", "1", "sample", (), {}, Tokens(), 0)
    benchmark = {
        "name": "embedded-grade-school",
        "problems": 1,
        "sha256": digest_problems(problems),
        "errata": [],
    }
    config = {"benchmark": benchmark, "search": {"name": "sample"}, "conventions": {}}
    with RunDir.open(path, make_header(config)) as run:
        run.append(record, trace.to_json(), {"total": 1.0}, 0)
    return path


def test_finished_solutions_of_a_run_are_scored_once_each_and_no_more_than_asked(
    tmp_path: Path,
) -> None:
    run = load_run(store(tmp_path / "run", "1", "2", "1", "3"))
    found = run_solutions(run, 10)
    assert [each.steps for each in found] == [
        ("x = 1\n<end_of_step>", text) for text in ("1", "2", "3")
    ]
    assert {each.partial for each in found} == {START}
    assert len(run_solutions(run, 2)) == 2
    with pytest.raises(DataError, match="holds no finished solution"):
        run_solutions(load_run(store(tmp_path / "none")), 10)
