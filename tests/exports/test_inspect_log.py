"""inspect's log: samples, scorers, and nothing scored that could not be judged."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from bench.exports.bundle import write_bundle
from bench.exports.inspect_log import encode
from bench.exports.sources import Source
from tests.exports.made_sources import of_failures, of_samples


def read(source: Source) -> dict[str, Any]:
    (data,) = encode([source]).files.values()
    log: dict[str, Any] = json.loads(data)
    return log


def test_a_selector_is_a_scorer_with_its_interval() -> None:
    scores = read(of_samples())["results"]["scores"]
    assert [(s["name"], s["scored_samples"], s["unscored_samples"]) for s in scores] == [
        ("majority", 2, 1),
        ("best_of_n", 3, 0),
    ]
    metrics = scores[0]["metrics"]
    assert metrics["ci_lower"]["value"] < metrics["accuracy"]["value"] == 0.5


def test_an_answer_that_could_not_be_judged_has_no_score() -> None:
    right, _, failed = read(of_samples())["samples"]
    assert right["scores"]["majority"]["value"] == "C"
    assert "majority" not in failed["scores"]
    assert failed["metadata"]["outcomes"]["majority"] == "engine_error"
    assert "error" not in failed


def test_a_problem_that_failed_altogether_has_an_error() -> None:
    log = read(of_failures())
    assert [sample["error"]["message"] for sample in log["samples"]] == [
        "not judged: engine_error",
    ] * 2
    assert log["results"]["completed_samples"] == 0


def test_every_trajectory_is_a_choice() -> None:
    sample = read(of_samples())["samples"][2]
    assert [each["message"]["content"] for each in sample["output"]["choices"]] == [
        f"solution {at}" for at in range(4)
    ]
    assert sample["output"]["choices"][1]["stop_reason"] == "max_tokens"
    assert sample["scores"]["best_of_n"]["value"] == "N"
    assert sample["scores"]["best_of_n"]["metadata"]["choice"] == 0


@pytest.mark.slow
def test_inspect_reads_it(tmp_path: Path) -> None:
    inspect_log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    (file,) = write_bundle(encode([of_samples()]), tmp_path)
    log = inspect_log.read_eval_log(str(file))
    assert [sample.epoch for sample in log.samples] == [1, 1, 1]
    assert len(inspect_log.list_eval_logs(str(tmp_path))) == 1


@pytest.mark.slow
def test_inspect_view_shows_it(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")
    (file,) = write_bundle(encode([of_samples()]), tmp_path)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = ("--log-dir", str(tmp_path), "--host", "127.0.0.1", "--port", str(port))
    command = [sys.executable, "-m", "inspect_ai", "view", "start", *asked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as view:
        try:
            listed = get(f"http://127.0.0.1:{port}/api/log-files", until=time.monotonic() + 60)
            (name,) = [each["name"] for each in listed["files"]]
            assert name.endswith(file.name)
            log = get(f"http://127.0.0.1:{port}/api/logs/{quote(name, safe='')}")
        finally:
            view.terminate()
    assert [score["name"] for score in log["results"]["scores"]] == ["majority", "best_of_n"]
    assert len(log["samples"]) == 3


def get(url: str, until: float = 0) -> Any:
    """Return what a server answers, which may be about to start."""
    while True:
        try:
            with urlopen(url, timeout=20) as answer:
                return json.load(answer)
        except (URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
