"""A fused LoRA layer computes what PEFT's does, and trains what PEFT's trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rstar_train.recipes.settings import LoRASettings
from rstar_train.training import fused_lora
from rstar_train.training.trainer import LAYERS, lora_config

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

LORA = LoRASettings(rank=4, alpha=8, dropout=0.0)


def adapted(folder: Path, settings: LoRASettings, dtype: Any) -> Any:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    model = peft.get_peft_model(model, lora_config(settings, "CAUSAL_LM"))
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # zero at first, and then it would hide A's gradient
            torch.nn.init.normal_(weight, std=0.1)
    return model


def run(model: Any) -> tuple[Any, dict[str, Any]]:
    torch.manual_seed(1)
    tokens = torch.randint(100, 9000, (2, 30))
    logits = model(input_ids=tokens).logits
    logits.float().square().mean().backward()
    grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return logits.detach().float(), grads


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.06)])
def test_outputs_and_gradients_are_pefts(tiny_policy: Path, dtype: str, tolerance: float) -> None:
    plain, fused = (adapted(tiny_policy, LORA, getattr(torch, dtype)) for _ in range(2))
    assert fused_lora.fuse(fused) == 2 * len(LAYERS)
    (wanted, wanted_grads), (got, got_grads) = run(plain), run(fused)
    assert float((wanted - got).abs().max() / wanted.abs().max()) < tolerance
    assert wanted_grads.keys() == got_grads.keys()
    assert all(grad.dtype == torch.float32 for grad in got_grads.values())
    for name, grad in wanted_grads.items():
        assert float((grad - got_grads[name]).norm() / grad.norm()) < 3 * tolerance, name


def test_a_layer_with_dropout_is_left_to_peft(tiny_policy: Path) -> None:
    model = adapted(tiny_policy, replace(LORA, dropout=0.5), torch.float32)
    assert fused_lora.fuse(model) == 0


def test_a_fused_adapter_is_saved_as_any_other(tiny_policy: Path, tmp_path: Path) -> None:
    model = adapted(tiny_policy, LORA, torch.float32)
    fused_lora.fuse(model)
    wanted, _ = run(model)
    model.save_pretrained(tmp_path)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny_policy, dtype=torch.float32)
    merged = peft.PeftModel.from_pretrained(base, tmp_path).merge_and_unload()
    torch.manual_seed(1)
    tokens = torch.randint(100, 9000, (2, 30))
    torch.testing.assert_close(merged(tokens).logits, wanted, rtol=1e-4, atol=1e-4)
