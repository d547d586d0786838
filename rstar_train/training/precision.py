"""In which number format weights are held while they train.

AdamW moves a weight by about the learning rate a step. bf16 has 8 bits of mantissa: next to a
weight of 0.05 its neighbours are 0.0002 away, so a step of 1e-5 rounds back to where it was, and a
model of pure bf16 weights does not move. Hence what trains is fp32. What is frozen may be bf16: it
only enters products, and processors that multiply bf16 natively do it twice as fast.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def multiplies_bf16() -> bool:
    """Whether this machine's processor multiplies bf16 natively: a GPU, or a CPU's AVX-512."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def weights_dtype(*, frozen: bool) -> torch.dtype:
    """Return the format to load a base model in."""
    import torch

    return torch.bfloat16 if frozen and multiplies_bf16() else torch.float32


def find_device() -> str:
    """Return what models are trained on here."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def autocasts(*, adapts: bool) -> bool:
    """Whether a training multiplies fp32 weights in bf16: a whole model's, on a GPU.

    With an adapter the frozen weights are bf16 already, and nothing else should be.
    """
    import torch

    return not adapts and torch.cuda.is_available() and multiplies_bf16()


def as_trained(*, adapts: bool) -> AbstractContextManager[None]:
    """Return a context that computes in a training's precision, for passes outside of it."""
    import torch

    return torch.autocast(find_device(), dtype=torch.bfloat16, enabled=autocasts(adapts=adapts))
