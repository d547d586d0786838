"""Statements out of a file: a verdict for every row, bad ones too, and none twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.search.statement_cases import Case, find_decided, read_cases


def write(file: Path, *rows: object) -> Path:
    file.write_text("".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows))
    return file


def test_rows_that_are_no_cases_keep_their_place_and_say_why(tmp_path: Path) -> None:
    file = write(
        tmp_path / "cases.jsonl",
        {"id": "x", "statement": "a >= 0", "assume": "a > 0"},
        {"id": 2, "statement": "a >= 0", "assume": ["a > 0", "a < 1"]},
        "{",
        "",
        [1],
        {"id": "y"},
        {"id": 1.5, "statement": "a >= 0"},
        {"statement": "a >= 0", "assume": {}},
        {"id": "z", "statement": "a >= 0", "assume": [1]},
    )
    good, more, *bad = read_cases(file)
    assert good == Case("x", "a >= 0", ("a > 0",))
    assert more == Case(2, "a >= 0", ("a > 0", "a < 1"))
    assert [case.id for case in bad] == ["line 3", "line 5", "y", "line 7", "line 8", "z"]
    assert all(case.fault.startswith("line ") for case in bad[:-2])
    assert "'assume' is neither" in bad[-1].fault


def test_an_id_that_comes_twice_is_said_before_anything_is_decided(tmp_path: Path) -> None:
    row = {"id": "x", "statement": "a >= 0"}
    with pytest.raises(DataError, match="line 2: the id 'x' was used on line 1 already"):
        read_cases(write(tmp_path / "cases.jsonl", row, row))


def test_half_a_line_is_decided_again_and_another_file_is_refused(tmp_path: Path) -> None:
    out = write(tmp_path / "out.jsonl", {"id": "x", "verdict": "open"})
    with out.open("a") as stream:
        stream.write('{"id": "y", "ver')
    assert find_decided(out) == {"x"}
    assert out.read_text().count("\n") == 1
    assert find_decided(tmp_path / "none.jsonl") == set()
    write(out, {"id": "x"})
    with pytest.raises(DataError, match="line 1 is no verdict on a statement; choose another"):
        find_decided(out)


def test_a_row_of_verdicts_whose_id_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    for row in ({"id": [1], "verdict": "open"}, {"id": None, "verdict": "open"}, [1]):
        with pytest.raises(DataError, match="line 1 is no verdict on a statement"):
            find_decided(write(tmp_path / "out.jsonl", row))
