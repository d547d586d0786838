"""What a value head learns: preferences (PPM), outcomes (ORM), Q itself (PQM).

The value of a text is tanh of the head's raw score, in [-1, 1].

    PPM, ORM   -log sigmoid(v(preferred) - v(other)): Bradley-Terry, on steps below one prefix or on
               whole solutions (section 3.3); the official code prefers raw scores, with tanh(x / 5)
               at inference only
    outcome    cross entropy of the probability (1 + v) / 2 = sigmoid(2 raw) of being right
    PQM        (v - Q)^2, the regression that the paper compares with (section 4.3)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Objective = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Raw scores of the texts, raw scores of the others, targets, each of shape (terms,), to the terms
of the loss."""


def preference(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Bradley-Terry on values, as in the paper."""
    import torch

    return -torch.nn.functional.logsigmoid(torch.tanh(raw) - torch.tanh(other))


def raw_preference(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Bradley-Terry on raw scores, as in the official code."""
    import torch

    return -torch.nn.functional.logsigmoid(raw - other)


def centered(objective: Objective, coefficient: float) -> Objective:
    """Return an objective of pairs plus `coefficient` (raw + other)^2, as TRL's reward trainer has.

    A preference sees the difference of two scores and not their mean. The hidden states of a policy
    have a common part that is several times as long as what tells them apart, so the head's mean
    drifts along it at no cost until tanh is flat, and right and wrong steps are worth the same.
    """

    def penalized(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return objective(raw, other, target) + coefficient * (raw + other) ** 2

    return penalized


def outcome(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross entropy of being right; targets are 0 or 1."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(2 * raw, target, reduction="none")


def regression(raw: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared distance from Q; targets are in [-1, 1]."""
    import torch

    return (torch.tanh(raw) - target) ** 2
