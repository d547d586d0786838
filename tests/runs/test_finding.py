"""Runs are found where they lie, and a folder without any is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import RunDirError
from bench.runs.finding import find_runs


def test_a_run_is_itself_and_a_folder_is_all_runs_below_it(tmp_path: Path) -> None:
    runs = [tmp_path / "b" / "deep", tmp_path / "a"]
    for run in runs:
        run.mkdir(parents=True)
        (run / "run.json").write_text("{}")
    assert find_runs([tmp_path]) == sorted(runs)
    assert find_runs([runs[0], tmp_path]) == [runs[0], runs[1]]


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunDirError, match="holds no run.json, nor does any folder in it"):
        find_runs([tmp_path])
