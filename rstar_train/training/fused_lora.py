"""A LoRA layer as one operation: what PEFT computes, in the precision of the frozen weights.

PEFT's layer casts the whole input to fp32 for the adapter and adds an fp32 result to a bf16 one:
seven times a block, as much memory traffic as the matrix products take time on a CPU. Here the
fp32 adapter weights are rounded to the input's type for the product, which is small; weights,
their gradients' sums over steps and the optimizer stay fp32, so nothing that trains is bf16. With
fp32 weights throughout the result is PEFT's, up to the order of summation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from peft.tuners.lora import Linear


def fuse(model: torch.nn.Module) -> int:
    """Replace the forward pass of a PEFT model's plain LoRA layers; return how many.

    Left as they are: layers with dropout, a bias, several adapters, or a variant such as DoRA.
    """
    from peft.tuners.lora import Linear

    fused = 0
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.forward = _forward(module)
            fused += 1
    return fused


def _is_plain(module: Linear) -> bool:
    names = list(module.lora_A)
    return (
        len(names) == 1
        and not module.merged
        and not module.lora_variant
        and getattr(module.lora_dropout[names[0]], "p", 0.0) == 0.0
        and module.base_layer.bias is None
        and module.lora_B[names[0]].bias is None
        and not module.base_layer.weight.requires_grad
    )


def _forward(module: Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    (name,) = module.lora_A
    down, up = module.lora_A[name], module.lora_B[name]
    apply = _function().apply

    def forward(x: torch.Tensor) -> torch.Tensor:
        return apply(x, module.base_layer.weight, down.weight, up.weight, module.scaling[name])

    return forward


@lru_cache(maxsize=1)
def _function() -> type[torch.autograd.Function]:
    import torch

    class FusedLoRA(torch.autograd.Function):
        """y = x W' + s (x A') B', the frozen W without a gradient."""

        @staticmethod
        def forward(
            ctx: Any,
            x: torch.Tensor,
            weight: torch.Tensor,
            down: torch.Tensor,
            up: torch.Tensor,
            scale: float,
        ) -> torch.Tensor:
            """Return y, of shape (..., out); x is (..., in), A (rank, in), B (out, rank)."""
            rows = x.reshape(-1, x.shape[-1])  # (n, in)
            small = rows @ down.to(x.dtype).T  # (n, rank)
            result = rows @ weight.T  # (n, out)
            result.addmm_(small, (up * scale).to(x.dtype).T)
            ctx.save_for_backward(rows, small, weight, down, up)
            ctx.scale = scale
            return result.view(*x.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            """Return the gradients of x, A and B."""
            rows, small, weight, down, up = ctx.saved_tensors
            above = gradients[0].reshape(-1, weight.shape[0])  # (n, out)
            inner = above @ (up * ctx.scale).to(above.dtype)  # (n, rank)
            below = None
            if ctx.needs_input_grad[0]:
                below = above @ weight  # (n, in)
                below.addmm_(inner, down.to(above.dtype))
                below = below.view(*gradients[0].shape[:-1], -1)
            down_gradient = (inner.T @ rows).to(down.dtype)  # (rank, in)
            up_gradient = (above.T @ small).to(up.dtype).mul_(ctx.scale)
            return below, None, down_gradient, up_gradient, None

    return FusedLoRA
