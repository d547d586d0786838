"""A file that cannot be written is refused before the work, and so is one that is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.files.outputs import check_output


def test_a_new_file_an_old_one_and_a_device_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    for out in (tmp_path / "new", tmp_path / "old", Path(os.devnull)):
        check_output(out, [tmp_path / "other", Path(os.devnull)])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "it is a folder"),
        ("absent/out", "no folder .*absent to write"),
        ("cases.jsonl", "this command reads it"),
        ("link", "this command reads it"),
        ("run/run.json", "this command reads it"),
        ("run/records.jsonl", "this command reads it"),
    ],
)
def test_a_file_that_cannot_be_written_or_is_read_is_refused(
    tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "run").mkdir()
    for each in ("cases.jsonl", "run/run.json", "run/records.jsonl"):
        (tmp_path / each).touch()
    (tmp_path / "link").symlink_to("cases.jsonl")
    with pytest.raises(DataError, match=sentence):
        check_output(tmp_path / name, [tmp_path / "cases.jsonl", tmp_path / "run"])


def test_a_picture_may_lie_beside_the_run_that_it_shows(tmp_path: Path) -> None:
    (tmp_path / "run.json").touch()
    (tmp_path / "curve.svg").touch()
    check_output(tmp_path / "curve.svg", [tmp_path])
