"""The real thing, small: the published policy and PPM, real problems, through the command line.

Nothing is scripted. The first run on a machine merges the adapters into the user's cache: half a
minute.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import find_checkpoint, published_checkpoints
from bench.checkpoints.weights import full_weights
from bench.runs.reader import StoredTree, load_run
from tests.engines.misbehaving import Behaviour, serve

HERE = Path(__file__).resolve().parents[1]
HAS_MODEL = importlib.util.find_spec("openvino_genai") and embedded.find_kept()
HAS_ROUND = "smollm2-r4" in published_checkpoints("ppm")

pytestmark = pytest.mark.skipif(
    not (HAS_MODEL and HAS_ROUND),
    reason="needs openvino-genai, the embedded model and the published checkpoints of round 4",
)


def command(out: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "bench.cli", "run", "--policy", "smollm2-r4"),
        *("--benchmark", "embedded-grade-school", "--step-tokens", "48", "--out", str(out), *more),
    ]


def run(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out, *more), cwd=HERE, capture_output=True, text=True, check=True)


def sorted_records(out: Path) -> list[str]:
    return sorted((out / "records.jsonl").read_text().splitlines())


def trees(out: Path) -> list[StoredTree]:
    """Every stored tree, to the last event of its clock."""
    return list(load_run(out).trees())


def test_mcts_with_the_ppm_fills_a_run_directory_that_says_everything(tmp_path: Path) -> None:
    out = tmp_path / "run"
    more = ("--ppm", "smollm2-r4", "--limit", "2", "--rollouts", "2", "--candidates", "2")
    done = run(out, "--search", "mcts", *more)
    assert "mcts 2x2" in done.stdout
    loaded = load_run(out)
    config = loaded.config
    assert (config["policy"]["name"], config["ppm"]["name"]) == ("smollm2-r4", "smollm2-r4")
    assert loaded.header["engine"]["determinism"].startswith(
        "per request: equal alone and in a batch"
    )
    assert len(loaded.records) == 2
    assert all(r.tokens.policy_generated > 0 and r.tokens.ppm > 0 for r in loaded.records)
    trees = list(loaded.trees())
    assert len(trees) == 2
    steps = [node for tree in trees for node in tree.tree["nodes"] if node["kind"] == "step"]
    assert steps, "the trained policy writes steps that run"
    assert all(-1 <= node["value"] <= 1 and node["status"] == "ok" for node in steps)
    assert json.loads((out / "summary.json").read_text())["records"] == 2


@pytest.mark.slow
def test_a_misbehaving_server_of_the_ppm_changes_no_record(tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = full_weights(find_checkpoint("smollm2-r4", "ppm"))
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    one_at_a_time = threading.Lock()

    def numbers(ids: list[int]) -> list[list[float]]:
        with one_at_a_time, torch.inference_mode():
            hidden = model.base_model(torch.tensor([ids])).last_hidden_state[0]
            return model.score(hidden).tolist()  # type: ignore[no-any-return]

    more = ("--search", "mcts", "--limit", "2", "--rollouts", "2", "--candidates", "2")
    served = ("--ppm", "smollm2-r4", "--ppm-engine", "server", "--ppm-url")
    behaviours = [Behaviour(models=("smollm2-r4",), pool=numbers, share=s) for s in (0.0, 0.4)]
    for at, behaviour in enumerate(behaviours):
        with serve(behaviour) as url:
            run(tmp_path / str(at), *more, *served, url)
    well, ill = behaviours
    del ill.answered["cut"]
    assert sum(ill.faulted.values()) > 0
    assert ill.answered == well.answered  # no text was lost, and none scored twice
    assert sorted_records(tmp_path / "0") == sorted_records(tmp_path / "1")
    header = load_run(tmp_path / "1").header
    assert header["config"]["ppm"]["engine"] == header["scorer"]["engine"] == "server"


@pytest.mark.slow
def test_one_sample_run_answers_by_majority_and_by_the_ppm(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out, "--search", "sample", "--limit", "2", "--n", "3")
    for record in load_run(out).records:
        assert set(record.selected) == {"majority", "best_of_n", "weighted"}
        assert len(record.samples) == 3


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["paper", "efficient"])
def test_a_run_killed_with_9_and_resumed_equals_an_unbroken_one(rules: str, tmp_path: Path) -> None:
    more = ("--search", "mcts", "--limit", "8", "--rollouts", "3", "--candidates", "3")
    more = (*more, "--rules", rules)
    run(tmp_path / "whole", *more, "--concurrency", "8")
    broken = tmp_path / "broken"
    process = subprocess.Popen(command(broken, *more, "--concurrency", "3"), cwd=HERE)
    records = broken / "records.jsonl"
    while not (records.exists() and len(records.read_text().splitlines()) >= 3):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(records.read_text().splitlines()) < 8
    run(broken, *more, "--concurrency", "5")
    assert sorted_records(broken) == sorted_records(tmp_path / "whole")


@pytest.mark.slow
def test_a_search_killed_with_9_in_its_middle_grows_the_same_tree_again(tmp_path: Path) -> None:
    more = ("--search", "mcts", "--limit", "2", "--rollouts", "4", "--candidates", "4")
    broken = tmp_path / "broken"
    process = subprocess.Popen(command(broken, *more, "--concurrency", "2"), cwd=HERE)
    header = broken / "run.json"
    # The last that is noted before the first request of a search.
    while not (header.exists() and "parameters" in json.loads(header.read_text())):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    time.sleep(1.0)  # a search of this size takes several times as long
    assert process.poll() is None, "the run ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (broken / "records.jsonl").exists(), "no search had ended"
    run(broken, *more, "--concurrency", "1")
    run(tmp_path / "whole", *more, "--concurrency", "64")
    assert trees(broken) == trees(tmp_path / "whole")
    assert len(trees(broken)) == 2
    assert sorted_records(broken) == sorted_records(tmp_path / "whole")


@pytest.mark.slow
def test_compare_cuts_every_method_at_the_same_tokens_and_resumes(tmp_path: Path) -> None:
    asked = [
        *(sys.executable, "-m", "bench.cli", "compare", "--policy", "smollm2-r4"),
        *("--benchmark", "embedded-grade-school", "--limit", "2", "--step-tokens", "48"),
        *("--tokens", "200,300", "--beam-widths", "1", "--n", "2", "--candidates", "2"),
        *("--format", "json", "--out", str(tmp_path)),
    ]
    first, again = (
        subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    small, large = json.loads(first)
    of_mcts = ["mcts", "mcts_top_k", "mcts_weighted", "mcts_likely"]
    methods = ["greedy", "majority", "best_of_n", "weighted", "beam", *of_mcts]
    for table, tokens in ((small, 200), (large, 300)):
        assert [row["method"] for row in table["rows"]] == methods
        assert {row["budget"]["cut_at"] for row in table["rows"]} == {tokens}
        assert all(0 < row["policy_tokens"] <= tokens for row in table["rows"])
    assert again == first
    for name in ("greedy", "sample-300", "beam-1x2", "mcts-300"):
        assert len((tmp_path / name / "records.jsonl").read_text().splitlines()) == 2
