"""A gate lets right verdicts be gained, and none be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.checkers import Case, Judged, gate, judge
from bench.checkers.gate import read_baseline, write_baseline
from bench.checkers.panel import open_checker
from bench.errors import DataError

STRINGS = "prm800k-style"


def judged(*pairs: tuple[str, str, str, bool]) -> list[Judged]:
    cases = [Case(1, name, g, p, equal, None, "a", "", False, False) for name, g, p, equal in pairs]
    return judge(open_checker(STRINGS), cases)


RIGHT = ("right", "4", "4", True)
WRONG = ("wrong", "x+1", "1+x", True)  # strings cannot see it
OTHER = ("other", "x+2", "2+x", True)
MENDED = ("wrong", "x+1", "x+1", True)


def baseline(folder: Path, *pairs: tuple[str, str, str, bool]) -> Path:
    file = folder / "baseline.json"
    write_baseline(file, judged(*pairs), checker=STRINGS, version="1")
    return file


def test_without_a_baseline_every_case_must_be_right() -> None:
    assert gate(judged(RIGHT)).passed
    result = gate(judged(RIGHT, WRONG))
    assert not result.passed
    assert [each.case.name for each in result.regressions] == ["wrong"]


def test_a_baseline_excuses_what_was_wrong_when_it_was_written(tmp_path: Path) -> None:
    old = read_baseline(baseline(tmp_path, RIGHT, WRONG), checker=STRINGS)
    result = gate(judged(RIGHT, WRONG), old)
    assert result.passed
    assert [each.case.name for each in result.excused] == ["wrong"]


def test_a_case_that_was_right_or_is_new_must_be_right(tmp_path: Path) -> None:
    old = read_baseline(baseline(tmp_path, RIGHT, WRONG), checker=STRINGS)
    result = gate(judged(RIGHT, WRONG, OTHER), old)
    assert [each.case.name for each in result.regressions] == ["other"]
    assert not result.passed


def test_a_mended_case_is_told(tmp_path: Path) -> None:
    old = read_baseline(baseline(tmp_path, RIGHT, WRONG), checker=STRINGS)
    result = gate(judged(RIGHT, MENDED), old)
    assert result.passed
    assert result.mended == ("wrong",)


def test_another_checker_s_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="baseline of the checker 'prm800k-style', not of 'mine'"):
        read_baseline(baseline(tmp_path, RIGHT), checker="mine")


def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="write one with --write-baseline"):
        read_baseline(tmp_path / "absent.json", checker=STRINGS)
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(DataError, match="is not a baseline"):
        read_baseline(tmp_path / "other.json", checker=STRINGS)


def test_two_cases_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="two cases are called 'right'"):
        gate(judged(RIGHT, RIGHT))
