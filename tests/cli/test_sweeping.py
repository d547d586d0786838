"""`sweep`: what is refused, and what a dry run says."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench.cli
from bench.runs.writer import RunDir
from tests.made_runs import C, make_record

PROOFS = """
benchmark: embedded-inequalities
limit: 6
search: {name: closers, cpu_seconds: [1, 5]}
"""


def test_a_knob_that_a_search_has_not_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("benchmark: gsm8k\nsearch: {name: sample, rollouts: [2]}\n")
    assert bench.cli.main(["sweep", str(file), "--dry-run"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert "the search 'sample' has no knob 'rollouts'" in said.err


def test_a_dry_run_reckons_by_stored_runs_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("clarabel")
    config = {"policy": None, "engine": None, "search": {"name": "closers"}, "benchmark": "other"}
    with RunDir.open(tmp_path / "known", {"config": config}) as run:
        for at in range(2):
            run.append(make_record(at, {"closers": C}), {}, {"cpu": 600.0}, at)
    file, out = tmp_path / "sweep.yaml", tmp_path / "out"
    file.write_text(f"{PROOFS}rate_from: {tmp_path / 'known'}\n")
    assert bench.cli.main(["sweep", str(file), "--dry-run", "--out", str(out)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "2 runs, 0 cells read off them" in text and "2.00 hours left" in text
    assert "embedded-inequalities-closers-cpu_seconds=1.0 0/6" in text
    assert not out.exists()
