"""What a value head learns: preferences (PPM), outcomes (ORM), Q itself (PQM).

The value of a text is tanh of the head's raw score, in [-1, 1].

    PPM, ORM   -log sigmoid(v(preferred) - v(other)): Bradley-Terry, on steps below one prefix or on
               whole solutions (section 3.3); the official code prefers raw scores, with tanh(x / 5)
               at inference only
    outcome    cross entropy of the probability (1 + v) / 2 = sigmoid(2 raw) of being right
    value      cross entropy of (1 + v) / 2 and (1 + Q) / 2: what a prefix is worth, on every one
    PQM        (v - Q)^2, the regression that the paper compares with (section 4.3)

N is the number of loss terms of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.checkpoints.ppm_config import Learnt, Squash
from rstar_train.value.batches import MicroBatch

if TYPE_CHECKING:
    import torch

TermLoss = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Raw scores of the texts (N,), raw scores of the others (N,) and targets (N,), to losses (N,)."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What is learnt, and how the scores are to be read afterwards."""

    kind: Learnt
    loss: TermLoss
    """Of the terms that have another text, or of all where there is no `point`."""
    point: TermLoss | None = None
    """Of the terms that have none."""
    squash: Squash = "tanh"
    summed: bool = False
    """Whether a batch's terms are added up, as in the official code, not averaged by weight."""


def preference(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return Bradley-Terry losses on values, as in the paper: (N,) each, to (N,)."""
    import torch

    return -torch.nn.functional.logsigmoid(torch.tanh(raw) - torch.tanh(other))


def raw_preference(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return Bradley-Terry losses on raw scores, as in the official code: (N,) each, to (N,)."""
    import torch

    return -torch.nn.functional.logsigmoid(raw - other)


def add_centering(loss: TermLoss, coefficient: float) -> TermLoss:
    """Return a loss of pairs plus `coefficient` (raw + other)^2, as TRL's reward trainer has.

    A preference sees the difference of two scores and not their mean. The hidden states of a policy
    have a common part, several times as long as what tells them apart. The head's mean drifts along
    it at no cost, until tanh is flat and right and wrong steps are worth the same.
    """

    def penalized(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return loss(raw, other, target) + coefficient * (raw + other) ** 2  # (N,)

    return penalized


def outcome(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy of being right, targets 0 or 1: (N,) each, to (N,)."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(2 * raw, target, reduction="none")


def regression(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared distance from Q, targets in [-1, 1]: (N,) each, to (N,)."""
    import torch

    return (torch.tanh(raw) - target) ** 2


def term_losses(objective: Objective, raw: torch.Tensor, part: MicroBatch) -> torch.Tensor:
    """Return the weighted losses of a micro-batch's N terms, (N,), from the texts' raw scores."""
    import torch

    weight, target = (
        torch.tensor(values, dtype=torch.float32, device=raw.device)
        for values in (part.weight, part.target)
    )  # (N,) each
    text, other = raw[list(part.text)], raw[list(part.other)]  # (N,) each
    losses = objective.loss(text, other, target)
    if objective.point is not None:
        paired = torch.tensor(part.paired, device=raw.device)
        losses = torch.where(paired, losses, objective.point(text, other, target))
    return weight * losses
