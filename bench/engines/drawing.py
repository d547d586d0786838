"""Tokens drawn from logits: a row and its own number decide, and nothing beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BLOCK = 256
"""Tokens whose probabilities are summed before the sums are gone through."""


def draw_tokens(
    logits: torch.Tensor, temperatures: Sequence[float], uniforms: Sequence[float]
) -> list[int]:
    """Return a token for each row of logits, of shape (rows, vocabulary), in fp32.

    A temperature of 0 takes the likeliest, the first of equals. Any other draws from the softmax:
    the token at which the summed probabilities pass the row's number in [0, 1). The logits are
    written over: a copy of all of them would take longer than what is computed.
    """
    import torch

    greedy = [row for row, temperature in enumerate(temperatures) if temperature <= 0]
    chosen = dict(zip(greedy, logits[greedy].argmax(dim=-1).tolist(), strict=True))
    if len(greedy) == len(logits):
        return [*chosen.values()]
    divisors = torch.tensor([temperature or 1.0 for temperature in temperatures])
    scores = logits.div_(divisors[:, None]) if bool((divisors != 1).any()) else logits
    chances = scores.sub_(scores.amax(dim=-1, keepdim=True)).exp_()  # times what they sum up to
    blocks = _in_blocks(chances)  # (rows, blocks, BLOCK)
    sums = blocks.sum(dim=-1)  # (rows, blocks)
    wanted = torch.tensor(uniforms, dtype=torch.float64).float()
    block, rest = _pass(sums, wanted * sums.sum(dim=-1))
    token, _ = _pass(blocks[torch.arange(len(logits)), block], rest)
    drawn = (block * BLOCK + token).tolist()
    return [chosen.get(row, token) for row, token in enumerate(drawn)]


def _in_blocks(chances: torch.Tensor) -> torch.Tensor:
    """Return rows of shape (rows, vocabulary) as (rows, blocks, BLOCK), filled up with zeros.

    How torch rounds the sum of a row that long depends on where it lies among other rows.
    """
    import torch.nn.functional as F

    if chances.shape[1] % BLOCK:
        chances = F.pad(chances, (0, -chances.shape[1] % BLOCK))
    return chances.view(len(chances), -1, BLOCK)


def _pass(parts: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where the running sum of each row passes what is wanted, and what is wanted of there.

    It is passed at a part that is more than zero, however the sums were rounded.
    """
    import torch

    running = parts.cumsum(dim=-1)
    most = torch.nextafter(running[:, -1], torch.zeros(()))
    wanted = torch.minimum(wanted, most).clamp_(min=0)
    at = torch.searchsorted(running, wanted[:, None], right=True)  # (rows, 1)
    before = running.gather(1, at) - parts.gather(1, at)
    return at[:, 0], (wanted - before[:, 0])


def read_logprobs(logits: torch.Tensor, tokens: Sequence[int]) -> list[float]:
    """Return the log-probability of a token of each row, at temperature 1.

    The logits are written over.
    """
    import torch

    scores = logits.sub_(logits.amax(dim=-1, keepdim=True))
    found = scores.gather(1, torch.tensor(tokens)[:, None])[:, 0]
    sums = _in_blocks(scores.exp_()).sum(dim=-1).sum(dim=-1)  # (rows,)
    return (found - sums.log()).tolist()
