from __future__ import annotations

import pytest

from bench.errors import UnknownNameError
from bench.problems.parts import only, part_names
from bench.types import Problem

ROWS = [
    Problem("1", "?", "1", "pool", level="Level 1", subject="Number Theory"),
    Problem("2", "?", "2", "pool", level="Level 5", subject="Number Theory"),
    Problem("3", "?", "3", "pool", level="Level 5", subject="Counting & Probability"),
]


@pytest.mark.parametrize(
    ("parts", "ids"),
    [
        ([], ["1", "2", "3"]),
        (["level-5"], ["2", "3"]),
        (["number-theory"], ["1", "2"]),
        (["Number Theory", "level-5"], ["2"]),
        (["counting-probability"], ["3"]),
    ],
)
def test_a_part_is_a_level_or_a_subject_or_both(parts: list[str], ids: list[str]) -> None:
    assert [problem.id for problem in only("pool", ROWS, parts)] == ids


def test_an_unknown_part_lists_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError, match="'level-6'; did you mean.*counting-probability"):
        only("pool", ROWS, ["level-6"])


def test_parts_that_share_no_problem_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no problem has all of"):
        only("pool", ROWS, ["level-1", "counting-probability"])
    assert "level-1" in part_names(ROWS)
