"""A policy with a scalar head: what it takes from the policy, and what loading it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rstar_train.value.model import load_value_model
from tests import tiny
from tests.said import hearing_transformers

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.parametrize("tied", [True, False])
def test_putting_a_head_on_a_policy_says_nothing_of_the_head_it_lacks(
    tied: bool, tokenizer_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tiny.policy(tmp_path, tokenizer_folder, tie_word_embeddings=tied)
    with hearing_transformers() as said:
        model = load_value_model(policy, dtype=torch.float32)
    assert said == []
    assert "MISSING" not in "".join(capfd.readouterr())
    assert not model.score.weight.any()


def test_a_head_computes_in_fp32_under_autocast_too(tokenizer_folder: Path, tmp_path: Path) -> None:
    model = load_value_model(tiny.policy(tmp_path, tokenizer_folder), dtype=torch.float32)
    hidden = torch.ones(2, model.score.in_features, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.score(hidden).dtype == torch.float32


def test_another_weight_that_is_missing_is_told(tokenizer_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = tiny.policy(tmp_path, tokenizer_folder) / "model.safetensors"
    weights = load_file(file)
    del weights["model.norm.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with hearing_transformers() as said:
        load_value_model(tmp_path, dtype=torch.float32)
    (report,) = said
    assert "norm.weight" in report and "score.weight" in report
