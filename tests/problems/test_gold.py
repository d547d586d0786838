from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.problems import BENCHMARKS, mirror
from bench.problems.gold import gold_answer, last_boxed
from bench.problems.registry import Gold


@pytest.mark.parametrize(
    ("rule", "value", "answer"),
    [
        (Gold.AS_IS, " 3/4 ", "3/4"),
        (Gold.AS_IS, 7, "7"),
        (Gold.AFTER_HASHES, "2 + 3 = <<2+3=5>>5\n#### 1,005", "1,005"),
        (Gold.LAST_BOXED, r"so \boxed{1} or \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (Gold.LAST_BOXED, r"so $\boxed{\{1, 2\}}$", r"\{1, 2\}"),
        (Gold.LAST_BOXED, r"so \fbox{C}", "C"),
        (Gold.LAST_BOXED, r"so $\boxed 5$", "5"),
        (Gold.LAST_BOXED, "no box at all", ""),
        (Gold.LAST_BOXED, r"cut off in \boxed{\frac{1", ""),
        (Gold.INTEGER, "025", "25"),
        (Gold.INTEGER, 27.0, "27"),
        (Gold.FIRST_OF_LIST, ["$x=1$", "2"], "$x=1$"),
    ],
)
def test_the_reference_is_found(rule: Gold, value: object, answer: str) -> None:
    assert gold_answer(rule, value) == answer


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (Gold.AFTER_HASHES, "the answer is 5", "has no '####'"),
        (Gold.INTEGER, "1.5", "must hold an integer, found '1.5'"),
        (Gold.INTEGER, None, "must hold an integer, found None"),
        (Gold.FIRST_OF_LIST, [], "must hold a list"),
        (Gold.FIRST_OF_LIST, "5", "must hold a list"),
    ],
)
def test_a_column_without_a_reference_is_refused(rule: Gold, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gold_answer(rule, value)


@pytest.mark.parametrize("name", ["math", "math_train", "math500"])
def test_real_math_solutions_box_the_answer_that_the_mirror_has(name: str) -> None:
    path = mirror.locate(BENCHMARKS[name])
    if path is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    rows = [json.loads(line) for line in Path(path).read_bytes().splitlines()]
    assert [row["id"] for row in rows if last_boxed(row["solution"]) != row["answer"]] == []
