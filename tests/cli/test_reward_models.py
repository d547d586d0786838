"""`ppm`: what it prints of a reward model, and when its comparison of engines fails."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.checkpoints.ppm_config import PPMConfig
from bench.cli import main
from bench.prompts import OFFICIAL
from tests import tiny
from tests.engines.misbehaving import Behaviour, serve

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "tiny"
    made.mkdir()
    tiny.ppm(made, tokenizer_folder)
    PPMConfig(OFFICIAL.name, OFFICIAL.digest).save(made)
    return made


@needs_torch
def test_engines_that_agree_exit_with_0_and_print_how_far(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engines = "transformers,transformers-batched"
    command = ["ppm", "parity", "--ppm", str(folder), "--engines", engines, "--limit", "3"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "Scores of tiny" in told and "transformers," in told and "ok" in told
    assert "the bound is 0.001, of float32" in told
    assert main([*command, "--format", "json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert pair["steps"] == 9 and 0 <= pair["largest"] < 1e-5 < 0.999 < pair["kendall"]


@needs_torch
def test_a_server_of_another_model_exits_with_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("httpx")
    behaviour = Behaviour(models=("tiny",), pool=lambda ids: [[0.001 * len(ids)] for _ in ids])
    with serve(behaviour) as url:
        command = ["ppm", "parity", "--ppm", str(folder), "--engines", "transformers,server"]
        assert main([*command, "--ppm-url", url, "--limit", "2"]) == 1
    assert "OVER" in capsys.readouterr().out


def test_what_is_shown_says_how_a_server_is_started(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ppm", "show", "--ppm", str(folder)]) == 0
    told = capsys.readouterr().out
    assert f"weights: {folder}" in told and 'squash: "tanh"' in told
    assert f"vllm serve {folder} --served-model-name tiny --runner pooling" in told
    copy = tmp_path / "other"
    shutil.copytree(folder, copy)
    (copy / "reward.json").unlink()
    (copy / "config.json").write_text(json.dumps({"architectures": ["Qwen2ForPrmModel"]}))
    assert main(["ppm", "show", "--ppm", str(copy)]) == 0
    assert "not served: vLLM cannot score" in capsys.readouterr().out
