"""A run of a search that asks no policy: no model, records as of any run, resumed after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench.cli
from bench.errors import BenchError
from bench.evaluation.spec import RunSpec, resolve
from bench.problems import load
from bench.reports.leaderboard import leaderboard
from bench.runs.reader import load_run
from bench.types import Outcome

ROOT = Path(__file__).parents[2]
RUN = ("run", "--benchmark", "embedded-inequalities", "--cpu-seconds", "20", "--limit", "6")


def records(run: Path) -> list[bytes]:
    file = run / "records.jsonl"
    return sorted(file.read_bytes().splitlines()) if file.exists() else []


def test_the_configuration_names_no_model_and_what_it_would_need_is_refused() -> None:
    spec = RunSpec("embedded-inequalities", None, "closers", limit=2)
    config = resolve(spec).config
    assert [config[key] for key in ("policy", "ppm", "engine")] == [None, None, None]
    assert config["search"] == {"name": "closers", "cpu_seconds": 60.0, "z3_seconds": 0.0}
    with pytest.raises(BenchError, match="'closers' asks no model; leave --policy out"):
        resolve(RunSpec("embedded-inequalities", "smollm2", "closers", limit=2))
    with pytest.raises(BenchError, match="'embedded-countdown' holds other problems; choose one"):
        resolve(RunSpec("embedded-countdown", None, "closers", limit=2))


def test_a_run_needs_no_model_and_leaves_what_every_run_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert bench.cli.main([*RUN, "--search", "closers", "--out", str(out)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "graded by the verifier certificate" in printed and "CPU s" in printed
    run = load_run(out)
    by_id = {problem.id: problem for problem in load("embedded-inequalities", limit=6)}
    assert {record.problem_id for record in run.records} == set(by_id)
    solved = [r for r in run.records if r.selected["closers"].outcome is Outcome.CORRECT]
    assert len(solved) >= 5
    assert "engine" not in run.header and "sandbox" not in run.header
    row = leaderboard([run]).rows[0]
    assert (row.policy, row.label, row.policy_tokens) == ("-", "closers", 0)
    assert row.cpu_seconds is not None and row.cpu_seconds > 0
    assert "cpu_seconds" not in json.loads((out / "summary.json").read_text())["rows"][0]
    assert all("cpu" in seconds for seconds in run.seconds.values())

    capsys.readouterr()
    assert bench.cli.main(["report", str(out), str(out), "--tokens", "64", "--flops"]) == 0
    assert bench.cli.main(["tree", str(out), "--problem", solved[0].problem_id]) == 0
    assert "closers" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("search", ["closers", "lips"])
def test_a_killed_run_resumed_has_the_records_of_an_unbroken_one(
    search: str, tmp_path: Path
) -> None:
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    command = [sys.executable, "-m", "bench.cli", *RUN, "--search", search, "--concurrency", "1"]
    with subprocess.Popen(
        [*command, "--out", str(broken)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if records(broken):
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    before = records(broken)
    assert 1 <= len(before) < 6, "killed too early or too late to test anything"
    for out in (broken, unbroken):
        subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    assert len(records(broken)) == 6 and set(before) <= set(records(broken))
    assert records(broken) == records(unbroken)
    assert list(load_run(broken).trees()) == list(load_run(unbroken).trees())
