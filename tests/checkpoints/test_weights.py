"""Weights out of checkpoints: where they are kept, what has a GGUF, how many there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.checkpoints import embedded, weights
from bench.checkpoints.checkpoint import find_checkpoint
from bench.errors import CheckpointError
from tests import tiny
from tests.checkpoints.test_checkpoint import adapter, model


def test_the_cache_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("RSTAR_BENCH_CACHE", raising=False)
    assert weights.cache_dir() == tmp_path / "xdg" / "rstar-bench"
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "own"))
    assert weights.cache_dir() == tmp_path / "own"


def test_weights_that_are_there_are_not_merged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "cache"))
    mine = find_checkpoint(str(adapter(tmp_path / "mine")), "policy")
    made = tmp_path / "cache" / f"mine-{mine.digest}"
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    assert weights.full_weights(mine) == made


def test_a_whole_model_is_used_where_it_lies(tmp_path: Path) -> None:
    folder = model(tmp_path / "qwen")
    assert weights.full_weights(find_checkpoint(str(folder), "policy")) == folder


def test_only_the_embedded_models_descendants_have_a_gguf(tmp_path: Path) -> None:
    assert weights.has_gguf(find_checkpoint("smollm2", "policy"))
    assert weights.has_gguf(find_checkpoint(str(adapter(tmp_path / "mine")), "policy"))
    trained = model(tmp_path / "trained")
    lineage = {"kind": "policy", "name": "smollm2-r1", "parent": "smollm2"}
    (trained / "lineage.json").write_text(json.dumps(lineage))
    assert weights.has_gguf(find_checkpoint(str(trained), "policy"))
    other = find_checkpoint(str(model(tmp_path / "qwen")), "policy")
    assert not weights.has_gguf(other)
    with pytest.raises(CheckpointError, match="'qwen' is no descendant of the embedded model"):
        weights.gguf(other)


def test_parameters_are_counted_without_heads(tmp_path: Path, tokenizer_folder: Path) -> None:
    policy = find_checkpoint(str(tiny.policy(tmp_path / "policy", tokenizer_folder)), "policy")
    count = weights.parameters(policy)
    hidden, vocabulary = 32, 49152
    assert count > vocabulary * hidden
    folder = tiny.ppm(tmp_path / "ppm", tokenizer_folder)
    (folder / "ppm.json").write_text("{}")
    assert weights.parameters(find_checkpoint(str(folder), "ppm")) == count
    assert weights.parameters(find_checkpoint("smollm2", "policy")) == embedded.PARAMETERS


def test_weights_that_cannot_be_read_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no readable safetensors file"):
        weights.parameters(find_checkpoint(str(model(tmp_path / "qwen")), "policy"))
