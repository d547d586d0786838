"""Weights out of checkpoints: where they are kept, what has a GGUF, how many there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.checkpoints import embedded, weights
from bench.checkpoints.checkpoint import find_checkpoint
from bench.checkpoints.merging import caching
from bench.errors import CheckpointError
from tests import tiny
from tests.checkpoints.test_checkpoint import adapter, model


def test_a_cache_that_cannot_be_is_told_before_anything_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "file"))
    mine = find_checkpoint(str(adapter(tmp_path / "mine")), "policy")
    with pytest.raises(CheckpointError, match=r"file: Not a directory\. .* RSTAR_BENCH_CACHE"):
        weights.full_weights(mine)


class SafetensorError(Exception):
    """As safetensors calls what a full disk says to it."""


def test_a_full_cache_is_told_whoever_met_it_and_other_errors_pass(tmp_path: Path) -> None:
    for error in (OSError(28, "No space left on device"), SafetensorError("No space left on it")):
        with pytest.raises(CheckpointError, match="No space left on .*another folder"):
            with caching(tmp_path / "merged"):
                raise error
    with pytest.raises(RuntimeError, match="other"):
        with caching(tmp_path / "merged"):
            raise RuntimeError("other")


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


def test_what_is_still_to_be_merged_is_counted_down_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "cache"))
    base, mine = (
        find_checkpoint("smollm2", "policy"),
        find_checkpoint(str(adapter(tmp_path / "mine")), "policy"),
    )
    size = 2 * embedded.PARAMETERS
    assert weights.count_missing_bytes(base, as_gguf=True) == 0
    assert weights.count_missing_bytes(base, as_gguf=False) == size
    assert weights.count_missing_bytes(mine, as_gguf=False) == 2 * size
    assert weights.count_missing_bytes(mine, as_gguf=True) == 3 * size
    assert weights.count_missing_openvino_bytes(base) == 4 * size  # full weights, F16, fp32
    made = tmp_path / "cache" / f"smollm2-{base.digest}"
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    assert weights.count_missing_openvino_bytes(base) == 3 * size
    (made / weights.OPENVINO).mkdir()
    assert weights.count_missing_openvino_bytes(base) == 0
    assert weights.count_missing_bytes(mine, as_gguf=True) == 2 * size
    whole = find_checkpoint(str(model(tmp_path / "qwen")), "policy")
    assert weights.count_missing_bytes(whole, as_gguf=False) == 0


def test_weights_without_a_tokenizer_are_refused(tmp_path: Path) -> None:
    folder = model(tmp_path / "qwen")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(CheckpointError, match="qwen holds no tokenizer .* which the policy 'qwen'"):
        weights.require_tokenizer(find_checkpoint(str(folder), "policy"))
    (folder / "tokenizer.json").write_text("{}")
    weights.require_tokenizer(find_checkpoint(str(folder), "policy"))
    weights.require_tokenizer(find_checkpoint("smollm2", "policy"))


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
    (folder / "reward.json").write_text('{"template": "rstar"}')
    assert weights.parameters(find_checkpoint(str(folder), "ppm")) == count
    assert weights.parameters(find_checkpoint("smollm2", "policy")) == embedded.PARAMETERS


def test_weights_that_cannot_be_read_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no readable safetensors file"):
        weights.parameters(find_checkpoint(str(model(tmp_path / "qwen")), "policy"))
