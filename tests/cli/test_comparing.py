"""`compare-runs`, `gate`, `plan`, `rescore`, `leaderboard`, and `report` over every k."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import bench.cli
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome

CONFIG = {
    "benchmark": "pool",
    "policy": "scripted",
    "ppm": None,
    "search": {"name": "sample", "n": 3},
    "seed": 0,
    "conventions": {"percent": True},
}


def store(path: Path, answers: Sequence[str], **config: Any) -> str:
    """A run of three samples a problem, all alike; right is 1/2."""
    with RunDir.open(
        path, {"config": {**CONFIG, **config}, "command": ["rstar-bench", "run"]}
    ) as run:
        for at, answer in enumerate(answers):
            outcome = Outcome.CORRECT if answer == "1/2" else Outcome.WRONG
            record = Record(
                f"p{at:03}",
                0,
                "pool",
                "1/2",
                "sample",
                (Sample(answer, outcome, None, (), 5, ""),) * 3,
                {"majority": Selected(answer, outcome, 0)},
                Tokens(10, 15, 0),
                0,
            )
            run.append(record, {}, {"total": 1.0}, at)
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert bench.cli.main(list(arguments)) == status
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one sentence of a command that is refused."""
    assert bench.cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def fits(text: str) -> bool:
    return all(len(line) <= 80 for line in text.splitlines())


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    base = store(tmp_path / "base", ["1/2"] * 100 + ["3"] * 20)
    return base, store(tmp_path / "worse", ["3\x1b[31m"] * 40 + ["1/2"] * 60 + ["3"] * 20)


def test_runs_are_compared_and_what_moves_the_cursor_is_spelled_out(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "compare-runs", *runs, "--flips", "1")
    assert "0/40" in text
    assert "worse: wrong, 3\\u001b[31m" in text
    assert "\x1b" not in text
    assert fits(text)
    data = json.loads(said(capsys, "compare-runs", *runs, "--format", "json"))
    assert len(data["contrasts"][0]["flips"]) == 40
    assert "| --- |" in said(capsys, "compare-runs", *runs, "--format", "markdown")


def test_runs_of_other_problems_are_refused(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = store(tmp_path / "other", ["1/2"], benchmark="gsm8k")
    error = refused(capsys, "compare-runs", runs[0], other)
    assert "cannot be compared, for they differ in the benchmark: pool and gsm8k" in error


def test_a_run_without_records_and_a_corrupt_line_are_refused(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    store(empty, ["1/2"])
    (empty / "records.jsonl").write_bytes(b"")
    assert "holds no record" in refused(capsys, "compare-runs", runs[0], str(empty))
    (empty / "records.jsonl").write_bytes(b'{"problem_id": 7}\n')
    for verb in (("compare-runs", runs[0]), ("leaderboard",), ("report",)):
        assert "line 1 is unreadable" in refused(capsys, *verb, str(empty))
    out = str(tmp_path / "out")
    assert "line 1 is unreadable" in refused(capsys, "rescore", str(empty), "--out", out)


def test_a_gate_exits_with_what_it_says(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("margin: 0.05\n")
    assert "gate: GO" in said(capsys, "gate", str(policy), runs[0], runs[0])
    text = said(capsys, "gate", str(policy), runs[1], runs[0], status=1)
    assert "gate: NO-GO" in text
    assert fits(text)
    ten = store(tmp_path / "ten", ["1/2"] * 10), store(tmp_path / "ten-worse", ["3"] * 10)
    assert "INCONCLUSIVE" in said(capsys, "gate", str(policy), *ten, status=3)
    policy.write_text("marign: 0.05\n")
    assert "did you mean 'margin'" in refused(capsys, "gate", str(policy), *ten)


def test_a_gate_pairs_folders_by_benchmark_and_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("min_problems: 1\nmargin: 0.5\n")
    for side in ("new", "old"):
        for name in ("pool", "gsm8k"):
            store(tmp_path / side / name, ["1/2"] * 20, benchmark=name)
    folders = str(tmp_path / "new"), str(tmp_path / "old")
    text = said(capsys, "gate", str(policy), *folders)
    assert "pool, majority" in text and "gsm8k, majority" in text
    store(tmp_path / "old" / "more", ["1/2"], benchmark="math500")
    assert "holds no run of sample on math500" in refused(capsys, "gate", str(policy), *folders)


def test_a_plan_says_how_many_problems_and_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "plan", "--detect", "2pp", "--discordant", "0.2")
    assert "20 % 3,923" in " ".join(text.split())
    assert fits(text)
    with pytest.raises(SystemExit):
        bench.cli.main(["plan", "--detect", "2pp", "--power", "1"])
    assert "'1' is wrong; it must be below 1" in capsys.readouterr().err
    told = json.loads(said(capsys, "plan", "--detect", "2pp", "--redrawn", "0", "--format", "json"))
    assert [each["discordant"] for each in told["needed"]] == [0.1, 0.2, 0.4]
    assert told["needed"][1]["problems"]["1"] == told["needed"][1]["problems"]["8"] == 3923
    error = refused(capsys, "plan", "--detect", "30pp", "--discordant", "10%")
    assert "a difference of 30 points needs" in error


def test_a_run_is_scored_again_into_a_run_of_its_own(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "again")
    source = store(tmp_path / "halves", ["0.50"] * 3 + ["3"])
    text = said(capsys, "rescore", source, "--checker", "rstar-bench", "--out", out)
    assert "3/0" in text
    header = json.loads((tmp_path / "again" / "run.json").read_text())
    assert header["lineage"]["command"] == ["rstar-bench", "run"]
    error = refused(capsys, "rescore", source, "--checker", "rstar-bench", "--out", out)
    assert "is not empty" in error


def test_a_leaderboard_is_printed_and_written(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.csv"
    store(tmp_path / "third", ["1/2"] * 110 + ["3"] * 10, policy="other")
    text = said(capsys, "leaderboard", str(tmp_path), "--out", str(file))
    assert "pool · 120 problems" in text
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["method"] for row in rows if row["rank"]] == ["majority@3"] * 3
    fewer = [row["method"] for row in rows if not row["rank"] and row["policy"] == "other"]
    assert fewer == ["oracle@1", "oracle@2", "majority@1", "majority@2"]
    assert text.count("Every k to 3 · scripted on pool") == 2
    assert fits("\n".join(line for line in text.splitlines() if "rstar-bench" not in line))
    good, bad = str(tmp_path / "good.md"), str(tmp_path / "board.xls")
    told = refused(capsys, "leaderboard", str(tmp_path), "--out", good, "--out", bad)
    assert "choose one of .md" in told
    assert not Path(good).exists()  # all or none


def test_a_report_of_samples_holds_every_k(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "report", runs[0])
    assert "Every k to 3 · scripted on pool · 120 problems" in text
    assert fits(text.partition("Every k")[2])
    data = json.loads(said(capsys, "report", runs[0], "--format", "json"))
    assert data["every_k"][0]["curves"]["majority"]["points"][2]["estimate"] == pytest.approx(5 / 6)
    assert "| majority |" in said(capsys, "report", runs[0], "--format", "markdown")


def test_a_report_shows_the_numbers_of_samples_that_are_asked_for(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "report", runs[0], "--k", "1,3", "--format", "markdown")
    assert "| k | 1 | 3 |" in text
    told = refused(capsys, "report", runs[0], "--k", "4")
    assert "has 3 samples of each problem, so k goes from 1 to 3" in told


def test_a_report_of_runs_without_samples_says_that_k_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    search = {"name": "greedy"}
    said(capsys, "report", store(tmp_path / "greedy", ["1/2"], search=search), "--k", "1,3")
    assert "--k changes nothing" in caplog.text


@pytest.mark.parametrize("verb", ["report", "leaderboard"])
def test_accuracy_is_drawn_over_samples(
    verb: str, runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "curves.svg"
    said(capsys, verb, runs[0], "--plot", str(file))
    drawn = file.read_text()
    assert 'id="curve-oracle"' in drawn and "samples, k" in drawn
