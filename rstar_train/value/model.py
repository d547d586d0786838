"""A policy with a scalar head in place of its LM head, and how it is trained on packed lines.

The head starts at zero, since a fresh one starts saturated, where tanh has no gradient left; it is
fp32 on a bf16 backbone. What is saved is a standard sequence-classification checkpoint.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rstar_train.training import tree_attention

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


def load_value_model(base: Path, *, dtype: torch.dtype) -> Any:
    """Return a policy with a head of zeros, which takes packed lines.

    `model(layout=..., ends=...)` returns the raw scores at the indices `ends` of the line.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    class Head(torch.nn.Linear):
        """The scalar head in fp32, whatever comes in."""

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            """Return raw scores, shape (..., 1)."""
            return super().forward(input.float())

    plain = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1, dtype=dtype)

    class PackedValueModel(type(plain)):  # type: ignore[misc]
        """The same model, asked for the scores of a line."""

        def forward(self, layout: Any = None, ends: Any = None, **kwargs: Any) -> Any:
            """Return raw scores, shape (ends,); without a layout, what the plain model does."""
            if layout is None:
                return super().forward(**kwargs)
            hidden = tree_attention.hidden_states(self.base_model, layout)
            return self.score(hidden[ends]).squeeze(-1)

    # Saved configurations are to name the plain class.
    PackedValueModel.__name__ = type(plain).__name__
    plain.__class__ = PackedValueModel
    plain.score = Head(plain.score.in_features, 1, bias=False)
    torch.nn.init.zeros_(plain.score.weight)
    tree_attention.use(plain)
    return plain
