"""Why nothing that trains is bf16."""

from __future__ import annotations

from typing import Any

import pytest

from rstar_train.training.precision import weights_dtype

torch = pytest.importorskip("torch")


def moved(dtype: Any, learning_rate: float) -> float:
    """Share of weights that differ after twenty steps of AdamW with a steady gradient."""
    torch.manual_seed(0)
    weight = torch.nn.Parameter((torch.randn(1000) * 0.05).to(dtype))
    before = weight.detach().clone()
    optimizer = torch.optim.AdamW([weight], lr=learning_rate, weight_decay=0.0)
    for _ in range(20):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    return float((weight != before).float().mean())


def test_bf16_weights_hardly_move_at_1e_5_and_fp32_weights_do() -> None:
    assert moved(torch.bfloat16, 1e-5) < 0.2  # those next to zero, whose neighbours are nearer
    assert moved(torch.float32, 1e-5) == 1.0


def test_what_trains_is_fp32_on_every_machine() -> None:
    assert weights_dtype(frozen=False) is torch.float32
    assert weights_dtype(frozen=True) in (torch.bfloat16, torch.float32)
