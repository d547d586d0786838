"""Attention over packed lines (`rstar_train.training.packing`), for any model on transformers.

Registered with transformers as the attention implementation `packed`: a model that uses it takes a
`Layout` as an extra argument, and every other operation of it runs on the whole line at once. Each
token sees itself and its ancestors, has the position it would have in its own text, and so has the
hidden state it would have there, up to the order of summation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rstar_train.training.packing import Line

if TYPE_CHECKING:
    import torch

NAME = "packed"
"""Of the attention implementation."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A line as tensors, on the device and in the precision that attention runs in."""

    tokens: torch.Tensor
    """Shape (1, T)."""
    depths: torch.Tensor
    """Shape (1, T)."""
    keys: torch.Tensor
    """Shape (blocks * K,)."""
    bias: torch.Tensor
    """Shape (blocks, 1, BLOCK, K): 0 where a query sees a key, minus infinity elsewhere."""

    def to(self, device: Any, **how: Any) -> Layout:
        """Return the layout on another device; accelerate asks a batch's parts for this."""
        fields = (self.tokens, self.depths, self.keys, self.bias)
        return Layout(*(tensor.to(device, **how) for tensor in fields))


def layout(line: Line, *, device: Any, dtype: torch.dtype) -> Layout:
    """Return a line as tensors; `dtype` is that of the queries."""
    import torch

    seen = torch.from_numpy(line.mask).to(device)
    bias = torch.zeros(seen.shape, dtype=dtype, device=device)
    return Layout(
        torch.from_numpy(line.tokens)[None].to(device),
        torch.from_numpy(line.depths)[None].to(device),
        torch.from_numpy(line.keys).reshape(-1).to(device),
        bias.masked_fill_(~seen, float("-inf"))[:, None],
    )


def use(model: Any) -> None:
    """Let a model attend over packed lines; from then on it needs a layout at every call."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    model.set_attn_implementation(NAME)


def hidden_states(backbone: Any, layout: Layout) -> torch.Tensor:
    """Return the last hidden state of every token of a line, shape (T, hidden size)."""
    states: torch.Tensor = backbone(
        input_ids=layout.tokens, position_ids=layout.depths, use_cache=False, layout=layout
    ).last_hidden_state
    return states[0]


def _no_mask(*_: Any, **__: Any) -> None:
    return None


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    layout: Layout,
    scaling: float,
    dropout: float = 0.0,
    **__: Any,
) -> tuple[torch.Tensor, None]:
    """Attend block by block; query (1, heads, T, width), result (1, T, heads, width).

    Heads that share their keys are laid one below the other, as more queries of one head: no key is
    repeated, and no gradient of a repeated key is summed up.
    """
    import torch

    _, heads, tokens, width = query.shape
    blocks, _, block, _ = layout.bias.shape
    groups = key.shape[1]
    each = heads // groups
    queries = query.reshape(groups, each, blocks, block, width).permute(2, 0, 1, 3, 4)
    out = torch.nn.functional.scaled_dot_product_attention(
        queries.reshape(blocks, groups, each * block, width),
        _gathered(key, layout),
        _gathered(value, layout),
        attn_mask=layout.bias.repeat(1, 1, each, 1) if each > 1 else layout.bias,
        dropout_p=dropout,
        scale=scaling,
    )
    out = out.view(blocks, groups, each, block, width).permute(0, 3, 1, 2, 4)
    return out.reshape(1, tokens, heads, width), None


def _gathered(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Return each block's keys or values, of shape (blocks, groups, K, width).

    The gradient of a gather is a scatter; that of an embedding is the fast one on CPUs.
    """
    import torch

    _, groups, tokens, width = states.shape
    rows = states[0].transpose(0, 1).reshape(tokens, groups * width)
    blocks, _, _, keys = layout.bias.shape
    picked = torch.nn.functional.embedding(layout.keys, rows).view(blocks, keys, groups, width)
    return picked.transpose(1, 2)
