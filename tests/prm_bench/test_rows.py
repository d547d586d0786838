"""Rows of ProcessBench and PRMBench, and what is no row of either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.prm_bench.rows import read_solutions

MIRROR = Path(__file__).parents[3] / "shared" / "data" / "prm_prmbench_subset400.jsonl"
PROCESS = {"id": "gsm8k-3", "problem": "q", "steps": ["a", "b", "c"], "label": 1}
MADE_WRONG = {"modified_process": ["a", "b"], "error_steps": [2], "original_question": "q"}
PRM = {"id": "x", "meta": MADE_WRONG}


def write(file: Path, *rows: Any) -> Path:
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


def test_what_follows_the_first_wrong_step_is_not_judged(tmp_path: Path) -> None:
    wrong, right = read_solutions(
        write(tmp_path / "r.jsonl", PROCESS, {**PROCESS, "id": "omnimath-1", "label": -1})
    )
    assert (wrong.part, wrong.right, wrong.first_wrong) == ("gsm8k", (True, False, None), 1)
    assert (right.part, right.right, right.first_wrong) == ("omnimath", (True,) * 3, None)


def test_wrong_steps_are_counted_from_one(tmp_path: Path) -> None:
    (found,) = read_solutions(write(tmp_path / "r.jsonl", PRM))
    assert (found.source, found.part, found.right) == ("PRMBench", "-", (True, False))


def test_a_wrong_step_that_is_not_there_is_passed_over_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meta = {**MADE_WRONG, "error_steps": [2, 3]}
    (found,) = read_solutions(write(tmp_path / "r.jsonl", {**PRM, "meta": meta}))
    assert found.right == (True, False)
    assert "x: no step [3] among 2" in caplog.text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "x"}, "neither a row of ProcessBench .* nor of PRMBench"),
        ([], "no object"),
        ({**PROCESS, "label": 3}, "the first wrong step is 3, of 3"),
        ({**PROCESS, "steps": "abc"}, "no list of steps"),
        ({k: v for k, v in PROCESS.items() if k != "id"}, "no 'id'"),
    ],
)
def test_what_is_no_row_is_said_with_its_line(row: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"line 2: {said}"):
        read_solutions(write(tmp_path / "r.jsonl", PROCESS, row))


def test_an_empty_file_an_absent_one_and_one_id_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no row"):
        read_solutions(write(tmp_path / "r.jsonl"))
    with pytest.raises(DataError, match="is no file"):
        read_solutions(tmp_path / "nowhere")
    with pytest.raises(DataError, match="two rows with one id"):
        read_solutions(write(tmp_path / "r.jsonl", PROCESS, PROCESS))


@pytest.mark.skipif(not MIRROR.is_file(), reason="no mirror: ../shared/data does not exist")
def test_the_rows_of_the_mirror_are_read() -> None:
    found = read_solutions(MIRROR)
    assert len(found) == 394
    assert sum(len(each.steps) for each in found) == 5738
    assert {each.part for each in found} >= {"confidence", "circular", "multi_solutions"}
    assert all(each.first_wrong is None for each in found if each.part == "multi_solutions")
