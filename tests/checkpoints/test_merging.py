"""An adapter merged into its parent is the adapted model, as PEFT runs it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.merging import save_merged
from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import CheckpointError
from bench.prompts import OFFICIAL
from tests import tiny
from tests.said import hearing_transformers

pytestmark = pytest.mark.skipif(
    find_spec("peft") is None or find_spec("transformers") is None,
    reason="peft or transformers is not installed: pip install 'rstar-bench[cpu]'",
)


@pytest.fixture(scope="module")
def parent(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.policy(tmp_path_factory.mktemp("parent"), tokenizer_folder)


def adapted(model: Any, folder: Path, task: str, **options: Any) -> Any:
    """The model under a random adapter, which is saved."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(5)
    config = LoraConfig(
        task_type=task,
        r=2,
        lora_alpha=8,
        target_modules=["q_proj", "v_proj", "down_proj"],
        init_lora_weights=False,
        **options,
    )
    model = get_peft_model(model, config).eval()
    model.save_pretrained(folder)
    return model


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(torch.arange(5, 25)[None]).logits.float()


def test_a_merged_policy_is_the_adapted_model(parent: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    plain = logits(AutoModelForCausalLM.from_pretrained(parent))
    expected = logits(
        adapted(AutoModelForCausalLM.from_pretrained(parent), tmp_path / "adapter", "CAUSAL_LM")
    )
    save_merged("policy", parent, tmp_path / "adapter", tmp_path / "merged")
    gap = (logits(AutoModelForCausalLM.from_pretrained(tmp_path / "merged")) - expected).abs()
    # Rounded to bf16 on the way, the adapter's work is still there.
    assert float(gap.mean()) < 0.1 * float((plain - expected).abs().mean())


def test_a_merged_ppm_has_the_adapters_head_and_description(parent: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained(parent, num_labels=1)
    expected = logits(adapted(base, tmp_path / "adapter", "SEQ_CLS"))
    PPMConfig(OFFICIAL.name, OFFICIAL.digest).save(tmp_path / "adapter")
    (tmp_path / "merged").mkdir()
    save_merged("ppm", parent, tmp_path / "adapter", tmp_path / "merged")
    merged = AutoModelForSequenceClassification.from_pretrained(tmp_path / "merged")
    assert logits(merged).item() == pytest.approx(expected.item(), abs=1e-4)
    assert PPMConfig.load(tmp_path / "merged").template == "rstar"


@pytest.mark.parametrize("tied", [True, False])
def test_merging_a_ppm_says_nothing_of_the_head_that_its_parent_lacks(
    tied: bool, tokenizer_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoModelForSequenceClassification

    parent = tiny.policy(tmp_path / "parent", tokenizer_folder, tie_word_embeddings=tied)
    with hearing_transformers() as said:
        base = AutoModelForSequenceClassification.from_pretrained(parent, num_labels=1)
    assert "score.weight" in "".join(said)  # which is what it says unasked
    adapted(base, tmp_path / "adapter", "SEQ_CLS")
    PPMConfig(OFFICIAL.name, OFFICIAL.digest).save(tmp_path / "adapter")
    (tmp_path / "merged").mkdir()
    capfd.readouterr()
    with hearing_transformers() as said:
        save_merged("ppm", parent, tmp_path / "adapter", tmp_path / "merged")
    assert said == []
    assert "MISSING" not in "".join(capfd.readouterr())


def test_a_ppm_without_its_description_is_refused(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no readable reward\.json"):
        save_merged("ppm", parent, tmp_path, tmp_path / "merged")


def test_an_adapter_of_another_model_is_refused(parent: Path, tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    wide = LlamaForCausalLM(tiny.config(64, hidden_size=64))
    adapted(wide, tmp_path / "adapter", "CAUSAL_LM")
    with pytest.raises(CheckpointError, match="does not fit its parent"):
        save_merged("policy", parent, tmp_path / "adapter", tmp_path / "merged")
