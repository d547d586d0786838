"""A head on frozen hidden states: a PPM in minutes, where a policy has changed a little.

Every text is passed through the model once; the head is then fitted to the whole loss by L-BFGS.
Hidden states are standardised for the fit, because their common part is several times as long as
what tells texts apart; the shift and the scale are folded into the weight and the bias afterwards,
so that what is saved scores plain hidden states.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rstar_train.figures import TrainerFigures
from rstar_train.training.tree_attention import hidden_states, make_layout
from rstar_train.value.batches import Batch
from rstar_train.value.objectives import Objective, term_losses

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

SHRINKAGE = 1e-3
"""Coefficient of the squared weight, of standardised states, beside the mean loss of a term."""
ITERATIONS = 200
"""Steps of L-BFGS at most."""


def fit_head(
    model: PreTrainedModel, batches: Sequence[Batch], objective: Objective, dtype: torch.dtype
) -> TrainerFigures:
    """Fit the head of a sequence classifier, adapted or not, and leave it in the model.

    The head must have a bias. Returns L-BFGS's steps and the mean loss before and after.
    """
    import torch

    started = time.perf_counter()
    plain = model.get_base_model() if hasattr(model, "peft_config") else model
    parts = [part for batch in batches for part in batch.micro_batches]
    device = next(model.parameters()).device
    states = []  # (texts, hidden size) each
    with torch.inference_mode():
        for number, part in enumerate(parts, start=1):
            layout = make_layout(part.sequence, device=device, dtype=dtype)
            ends = torch.from_numpy(part.sequence.ends).to(device)
            states.append(hidden_states(plain.base_model, layout)[ends].float())
            if number % 50 == 0:
                log.info("head: %d of %d packed sequences computed", number, len(parts))
    whole = torch.cat(states).clone()  # (all texts, hidden size)
    mean, scale = whole.mean(0), whole.std(0).clamp_min(1e-6)  # (hidden size,) each
    standard = [((each - mean) / scale).clone() for each in states]
    weight = torch.zeros(whole.shape[1], device=device, requires_grad=True)
    bias = torch.zeros((), device=device, requires_grad=True)
    total = sum(batch.weight for batch in batches)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=ITERATIONS, history_size=20, line_search_fn="strong_wolfe"
    )
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = sum(
            (term_losses(objective, each @ weight + bias, part).sum() / total)
            for each, part in zip(standard, parts, strict=True)
        )
        assert isinstance(loss, torch.Tensor), "there is a packed sequence at least"
        losses.append(float(loss.detach()))
        loss = loss + SHRINKAGE * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        head = plain.score
        if hasattr(head, "modules_to_save"):
            head = head.modules_to_save["default"]
        folded = weight / scale
        head.weight.copy_(folded[None])
        head.bias.copy_((bias - folded @ mean)[None])
    return TrainerFigures(
        steps=len(losses),
        resumed_at_step=None,
        loss_first=round(losses[0], 4),
        loss_last=round(losses[-1], 4),
        seconds=round(time.perf_counter() - started, 1),
    )
