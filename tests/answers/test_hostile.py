"""Hostile answers: no code is run, no file is left, no process goes on, nobody waits for long."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from bench.checkers import Judged, golden_corpus, judge, load_cases
from bench.checkers.panel import OURS, open_checker

PATIENCE = 10.0
"""Seconds: a verdict's two, and a worker's start on a busy machine."""
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "checkers"
_NAMED = os.environ.get("RSTAR_BENCH_DATA")
DEVELOPMENT = (Path(_NAMED).parent / "checkers" if _NAMED else _BESIDE) / "adversarial_dev.jsonl"


def judged_in(folder: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> list[Judged]:
    """Judge a file's cases with workers that start in an empty folder, and end them."""
    monkeypatch.chdir(folder)
    with closing(open_checker(OURS)) as checker:
        checker.close()  # those of earlier tests started elsewhere
        return judge(checker, load_cases(file))


@pytest.mark.parametrize(
    "file", [golden_corpus() / "hostile.jsonl", DEVELOPMENT], ids=["golden", "development"]
)
def test_hostile_answers_leave_no_file_and_no_process(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not file.exists():
        pytest.skip(f"no {file.name} beside the mirror; set RSTAR_BENCH_DATA to a folder beside it")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    judged = judged_in(tmp_path, monkeypatch, file)
    assert [each.case.name for each in judged if each.executed] == []
    assert [each.case.name for each in judged if each.crashed] == []
    assert [each.case.name for each in judged if each.seconds > PATIENCE] == []
    assert list(tmp_path.iterdir()) == []
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert [child.cmdline() for child in left if "spawn_main" in " ".join(child.cmdline())] == []
