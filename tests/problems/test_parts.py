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
        (["counting-probability,level-1"], ["1", "3"]),
        (["Number Theory, Counting & Probability"], ["1", "2", "3"]),
        (["level-1,level-5", "number-theory"], ["1", "2"]),
        (["level-5", "number-theory,counting-probability"], ["2", "3"]),
    ],
)
def test_a_part_is_a_level_or_a_subject_or_several_or_both(
    parts: list[str], ids: list[str]
) -> None:
    assert [problem.id for problem in only("pool", ROWS, parts)] == ids


def test_an_unknown_part_lists_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError, match="'level-6'; did you mean.*counting-probability"):
        only("pool", ROWS, ["level-6"])


@pytest.mark.parametrize("part", ["level-5,level-6", "level-6,level-5"])
def test_an_unknown_alternative_is_named_with_those_it_is_close_to(part: str) -> None:
    with pytest.raises(UnknownNameError, match="part in 'pool' 'level-6'; did you mean 'level-5'"):
        only("pool", ROWS, [part])


def test_an_alternative_that_was_left_out_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="part in 'pool' ''"):
        only("pool", ROWS, ["level-5,"])


def test_parts_that_share_no_problem_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no problem has all of"):
        only("pool", ROWS, ["level-1", "counting-probability"])
    with pytest.raises(UnknownNameError, match="no problem has all of"):
        only("pool", ROWS, ["level-1", "counting-probability,level-5"])
    assert "level-1" in part_names(ROWS)
