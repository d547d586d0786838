"""Both rounds of CPL end to end, for real, killed once on the way, and its arms: a slow test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rstar_train.rounds.cpl import STAGES

MINUTES = 60
ROUNDS = 2


def started(work: Path, verb: str = "evolve") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rstar_train.cli", verb, "--recipe", "cpl-smollm2"]
    with (work.parent / "log").open("ab") as log:
        return subprocess.Popen(
            [*command, "--tiny", "--work", str(work)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def ended(work: Path, number: int) -> dict[str, str]:
    """When each stage of a round that has ended did so."""
    manifests = {stage: work / f"round-{number}" / stage / "stage.json" for stage in STAGES}
    return {
        stage: json.loads(file.read_text())["finished"]
        for stage, file in manifests.items()
        if file.is_file()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_both_rounds_of_cpl_run_end_to_end_killed_and_resumed(tmp_path: Path) -> None:
    work, log = tmp_path / "work", tmp_path / "log"
    records = work / "round-2" / "search" / "trees" / "records.jsonl"
    process = started(work)
    try:
        until = time.monotonic() + MINUTES * 60
        while not (records.is_file() and records.read_bytes().count(b"\n") >= 2):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < until, "the second search never began"
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before, first = records.read_bytes(), ended(work, 1)
    assert set(first) == set(STAGES)
    assert "search" not in ended(work, 2)

    again = started(work)
    assert again.wait(timeout=MINUTES * 60) == 0, log.read_text()[-3000:]
    assert ended(work, 1) == first  # nothing of round 1 was done again
    whole = before[: before.rfind(b"\n") + 1]
    assert records.read_bytes().startswith(whole)  # nor what round 2 had searched
    published = work / "checkpoints" / "smollm2-135m-cpl"
    for number in range(1, ROUNDS + 1):
        folder = published / f"round-{number}"
        figures = json.loads((folder / "figures.json").read_text())
        assert set(ended(work, number)) == set(STAGES)
        assert set(figures["evaluation"]) >= {"plan_greedy", "cpl"}
        assert figures["pairs"]["step_pairs"] + figures["pairs"]["solution_pairs"] > 0
        parents = {"sft": "smollm2", "policy": "../sft", "ppm": "smollm2"}
        for kind, parent in parents.items():
            lineage = json.loads((folder / kind / "lineage.json").read_text())
            assert lineage["parent"] == parent
            assert (folder / kind / "README.md").is_file()

    arms = started(work, "ablate")
    assert arms.wait(timeout=MINUTES * 60) == 0, log.read_text()[-3000:]
    table = subprocess.check_output(
        [sys.executable, "-m", "rstar_train.cli", "table", str(published)], text=True
    )
    for arm in ("step_apo", "step_dpo", "instance_dpo", "cso"):
        assert arm in table
