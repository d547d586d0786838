"""The next-token loss of chosen positions, without ever holding all their logits.

Logits are as wide as the vocabulary: 49,152 numbers a token, in fp32 more than all activations of a
small model together. Each chunk of positions is taken through the head, its loss and its gradient
are computed while the logits are at hand, and they are dropped: two products a chunk, and none is
done twice in the backward pass.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CHUNK = 256
"""Positions at once: 50 MB of fp32 logits for a vocabulary of 49,152."""

BUCKET = 64
"""A smaller chunk is padded to a multiple: see `rstar_train.training.packing.LENGTH_BUCKET`."""


def response_loss(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the sum of the negative log-likelihoods of `targets`.

    Args:
        hidden: last hidden states, shape (n, hidden size).
        head: the head's weights, shape (vocabulary, hidden size).
        targets: the tokens that follow, shape (n,).
    """
    loss: torch.Tensor = _function().apply(hidden, head, targets)
    return loss


@lru_cache(maxsize=1)
def _function() -> type[torch.autograd.Function]:
    import torch
    from torch.nn.functional import pad

    class ResponseLoss(torch.autograd.Function):
        """Cross entropy summed over positions, gradients made in the forward pass."""

        @staticmethod
        def forward(
            ctx: Any, hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor
        ) -> torch.Tensor:
            """Return the loss, a scalar in fp32."""
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            below = torch.empty_like(hidden)
            # Over thousands of chunks a bf16 sum would lose the small ones.
            above = torch.zeros_like(head, dtype=torch.float32) if ctx.needs_input_grad[1] else None
            for start in range(0, len(hidden), CHUNK):
                part = hidden[start : start + CHUNK]  # (m, hidden size), m <= CHUNK
                wanted = targets[start : start + CHUNK, None]  # (m, 1)
                size = len(part)
                fill = (0, 0, 0, -size % BUCKET)
                logits = (pad(part, fill) @ head.T)[:size].float()  # (m, vocabulary)
                logits -= logits.logsumexp(dim=1, keepdim=True)
                total -= logits.gather(1, wanted).sum()
                gradient = logits.exp_()  # (m, vocabulary): softmax, less 1 at the target
                gradient.scatter_add_(1, wanted, -torch.ones_like(wanted, dtype=gradient.dtype))
                gradient = gradient.to(head.dtype)
                below[start : start + CHUNK] = (pad(gradient, fill) @ head)[:size]
                if above is not None:
                    above += (gradient.T @ part).float()
            ctx.save_for_backward(below, above)
            ctx.head_dtype = head.dtype
            return total

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            """Return the gradients of the hidden states and, where it trains, of the head."""
            below, above = ctx.saved_tensors
            scale = gradients[0]
            head = None if above is None else (above * scale).to(ctx.head_dtype)
            return below * scale.to(below.dtype), head, None

    return ResponseLoss
