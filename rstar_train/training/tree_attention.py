"""Attention over packed sequences (`rstar_train.training.packing`), for any model on transformers.

Registered with transformers as the attention implementation `packed`: a model that uses it takes a
`Layout` as an extra argument, and every other operation of it runs on the whole sequence at once.
Each token sees itself and its ancestors, has the position it would have in its own text, and so has
the hidden state it would have there, up to the order of summation.

Sizes: T tokens of a packed sequence, H heads, G groups of keys and values (H / G heads share one),
D the width of a head, N = T / BLOCK blocks of B = BLOCK queries, K keys of a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rstar_train.training.packing import PackedSequence

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NAME = "packed"
"""Name under which transformers finds this attention."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A packed sequence as tensors, on the device and in the precision that attention runs in."""

    tokens: torch.Tensor
    """Shape (1, T)."""
    depths: torch.Tensor
    """Shape (1, T)."""
    keys: torch.Tensor
    """Shape (N * K,)."""
    bias: torch.Tensor
    """Shape (N, 1, B, K): 0 where a query sees a key, minus infinity elsewhere."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Layout:
        """Return the layout on another device; accelerate asks a batch's parts for this."""
        fields = (self.tokens, self.depths, self.keys, self.bias)
        return Layout(*(tensor.to(device, non_blocking=non_blocking) for tensor in fields))


def make_layout(
    sequence: PackedSequence, *, device: torch.device | str, dtype: torch.dtype
) -> Layout:
    """Return a packed sequence as tensors; `dtype` is that of the queries."""
    import torch

    seen = torch.from_numpy(sequence.mask).to(device)  # (N, B, K)
    bias = torch.zeros(seen.shape, dtype=dtype, device=device)
    return Layout(
        torch.from_numpy(sequence.tokens)[None].to(device),
        torch.from_numpy(sequence.depths)[None].to(device),
        torch.from_numpy(sequence.keys).reshape(-1).to(device),
        bias.masked_fill_(~seen, float("-inf"))[:, None],
    )


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let a model attend over packed sequences; from then on it needs a layout at every call."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    model.set_attn_implementation(NAME)


def hidden_states(backbone: PreTrainedModel, layout: Layout) -> torch.Tensor:
    """Return the last hidden state of every token of a packed sequence, (T, hidden size)."""
    states: torch.Tensor = backbone(
        input_ids=layout.tokens, position_ids=layout.depths, use_cache=False, layout=layout
    ).last_hidden_state  # (1, T, hidden size)
    return states[0]


def _no_mask(*_: object, **__: object) -> None:
    return None


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    layout: Layout,
    scaling: float,
    dropout: float = 0.0,
    **__: object,
) -> tuple[torch.Tensor, None]:
    """Attend block by block: query (1, H, T, D), key and value (1, G, T, D), result (1, T, H, D).

    Heads that share their keys are laid one below the other, as more queries of one head: no key is
    repeated, and no gradient of a repeated key is summed up.
    """
    import torch

    _, heads, tokens, width = query.shape
    blocks, _, block, _ = layout.bias.shape
    groups = key.shape[1]
    each = heads // groups
    queries = query.reshape(groups, each, blocks, block, width)
    queries = queries.permute(2, 0, 1, 3, 4)  # (N, G, H / G, B, D)
    out = torch.nn.functional.scaled_dot_product_attention(
        queries.reshape(blocks, groups, each * block, width),  # (N, G, H / G * B, D)
        _gather(key, layout),  # (N, G, K, D)
        _gather(value, layout),
        attn_mask=layout.bias.repeat(1, 1, each, 1) if each > 1 else layout.bias,
        dropout_p=dropout,
        scale=scaling,
    )  # (N, G, H / G * B, D)
    out = out.view(blocks, groups, each, block, width).permute(0, 3, 1, 2, 4)  # (N, B, G, H / G, D)
    return out.reshape(1, tokens, heads, width), None


def _gather(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Return each block's keys or values: states (1, G, T, D), result (N, G, K, D).

    The gradient of a gather is a scatter; that of an embedding is the fast one on CPUs.
    """
    import torch

    _, groups, tokens, width = states.shape
    rows = states[0].transpose(0, 1).reshape(tokens, groups * width)  # (T, G * D)
    blocks, _, _, keys = layout.bias.shape
    picked = torch.nn.functional.embedding(layout.keys, rows)  # (N * K, G * D)
    return picked.view(blocks, keys, groups, width).transpose(1, 2)
