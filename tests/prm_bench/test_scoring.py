"""Scores are written as they are made, and a repeated command makes only what is missing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.engines.base import PathScores
from bench.errors import EngineError, RunDirError
from bench.prm_bench.rows import JudgedSolution
from bench.prm_bench.scoring import score_solutions
from bench.types import Problem

SOLUTIONS = [
    JudgedSolution(name, "PRMBench", "a", f"question {name}", ("x", "y"), (True, False))
    for name in ("p", "q", "r")
]


class Lengths:
    """Scores a step by how many there are, and dies at a question if it is told to."""

    name, aggregate = "lengths", "last"

    def __init__(self, dies_at: str = "") -> None:
        self.asked: list[str] = []
        self.dies_at = dies_at

    def scoring(self, problem: Problem) -> Lengths:
        self.asked.append(problem.id)
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        if self.asked[-1] == self.dies_at:
            raise EngineError("it died")
        return PathScores([[1 / (at + 2) for at in range(len(path))] for path in paths], 0)

    def close(self) -> None:
        pass


def test_what_was_scored_before_is_not_scored_again(tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    first = Lengths(dies_at="q")
    with pytest.raises(EngineError):
        asyncio.run(score_solutions(SOLUTIONS, first, out))
    with out.open("ab") as file:
        file.write(b'{"id": "q", "pp')  # what a kill leaves
    again = Lengths()
    found = asyncio.run(score_solutions(SOLUTIONS, again, out))
    assert (first.asked, again.asked) == (["p", "q"], ["q", "r"])
    assert found == {name: [1 / 2, 1 / 3] for name in "pqr"}
    assert len(out.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            {"id": "p", "asked": "0", "ppm": "other", "values": [0, 0]},
            "scores of 'other', not of 'lengths'",
        ),
        (
            {"id": "p", "asked": "0", "ppm": "lengths", "values": [0, 0]},
            "'p' had another question or other steps when it was scored",
        ),
        (
            {"id": "p", "asked": "0", "ppm": "lengths", "values": [7, 0]},
            r"unreadable \(.*outside \[-1, 1\]",
        ),
        ({"id": "p"}, "line 1 is unreadable"),
    ],
)
def test_scores_of_something_else_are_refused(line: object, said: str, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    out.write_text(json.dumps(line) + "\n")
    with pytest.raises(RunDirError, match=said):
        asyncio.run(score_solutions(SOLUTIONS, Lengths(), out))
