"""Files of cases: what a row may say, and that a bad one is named with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.checkers import Case, load_cases
from bench.errors import DataError
from bench.types import Outcome, Verdict


def written(folder: Path, *rows: object, name: str = "cases.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def one(folder: Path, **row: object) -> Case:
    (case,) = load_cases(written(folder, {"gold": "7", "prediction": "8", **row}))
    return case


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(outcome, "test", "7", "8", "because")


@pytest.mark.parametrize(
    ("label", "equal"),
    [
        ({"equal": True}, True),
        ({"equal": False}, False),
        ({"expect": "equal"}, True),
        ({"expect": "unequal-noexec"}, False),
        ({"expected": "unequal"}, False),
        ({"expected": "correct"}, True),
        ({"expected": "no_answer"}, False),
        ({"expect": "any"}, None),
        ({}, None),
    ],
)
def test_a_label_has_several_names(
    tmp_path: Path, label: dict[str, object], equal: bool | None
) -> None:
    assert one(tmp_path, **label).equal is equal


def test_a_label_that_names_an_outcome_accepts_that_outcome_only(tmp_path: Path) -> None:
    case = one(tmp_path, expected="no_answer")
    assert case.accepts(verdict(Outcome.NO_ANSWER)) is True
    assert case.accepts(verdict(Outcome.WRONG)) is False
    assert one(tmp_path, expect="any").accepts(verdict(Outcome.CORRECT)) is None


def test_a_case_is_counted_under_its_tier_its_kind_or_its_file(tmp_path: Path) -> None:
    assert one(tmp_path, tier="response").tier == "response"
    assert one(tmp_path, kind="code-execution").tier == "hostile: code"
    assert one(tmp_path, kind="redos").tier == "hostile: hang"
    assert one(tmp_path, kind="unicode").tier == "hostile: format"
    assert one(tmp_path, kind="unicode").category == "unicode"
    assert one(tmp_path).tier == "cases"


def test_an_id_is_anything_and_a_row_without_one_is_called_by_its_line(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"gold": "1", "prediction": "1", "id": 12},
        {"gold": "1", "prediction": None, "id": ["a", 1]},
        {"gold": "1", "prediction": "1"},
    )
    cases = load_cases(file)
    assert [case.id for case in cases] == [12, ["a", 1], None]
    assert [case.name for case in cases] == ["12", "['a', 1]", "line 3"]
    assert cases[1].prediction is None


def test_a_folder_is_its_files_in_order_and_empty_lines_are_none(tmp_path: Path) -> None:
    written(tmp_path, {"gold": "2", "prediction": "2"}, name="b.jsonl")
    (tmp_path / "a.jsonl").write_text('\n{"gold": "1", "prediction": "1"}\n\n')
    assert [(case.gold, case.line) for case in load_cases(tmp_path)] == [("1", 2), ("2", 1)]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: Expecting property name"),
        ("[1]", "line 2: expected an object, found list"),
        ('{"prediction": "7"}', "line 2: no 'gold'"),
        ('{"gold": "7"}', "line 2: no 'prediction'"),
        ('{"gold": 7, "prediction": "7"}', "line 2: 'gold' is 7, expected text"),
        ('{"gold": "7", "prediction": 7}', "line 2: 'prediction' is 7, expected text"),
        ('{"gold": "7", "prediction": "7", "equal": 1}', "line 2: 'equal' is 1, expected true"),
        (
            '{"gold": "7", "prediction": "7", "expected": "same"}',
            "line 2: the label is 'same', expected one of equal, unequal",
        ),
        (b'{"gold": "\xff"}', "line 2: 'utf-8' codec"),
    ],
)
def test_a_bad_line_is_named_with_its_number(
    tmp_path: Path, line: str | bytes, complaint: str
) -> None:
    file = tmp_path / "cases.jsonl"
    raw = line.encode() if isinstance(line, str) else line
    file.write_bytes(b'{"gold": "7", "prediction": "7"}\n' + raw + b"\n")
    with pytest.raises(DataError) as raised:
        load_cases(file)
    assert complaint in str(raised.value)
    assert str(file) in str(raised.value)


def test_no_file_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the cases .*No such file"):
        load_cases(tmp_path / "absent.jsonl")
    with pytest.raises(DataError, match="no cases in"):
        load_cases(tmp_path)
