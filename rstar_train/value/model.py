"""A policy with a scalar head in place of its LM head, which takes packed sequences.

The head starts at zero, since a fresh one starts saturated, where tanh has no gradient left; it is
fp32 on a bf16 backbone. What is saved is a standard sequence-classification checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.checkpoint import WEIGHTS
from bench.console import expecting_other_heads
from rstar_train.training.tree_attention import Layout, hidden_states, use_packed_attention

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import ModelOutput


def load_value_model(base: Path, *, dtype: torch.dtype, bias: bool = False) -> PreTrainedModel:
    """Return a policy with a head of zeros, with a bias or not, which takes packed sequences.

    `model(layout=..., ends=...)` returns the raw scores at the indices `ends` of the sequence.
    """
    import torch
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, AutoConfig

    class Head(torch.nn.Linear):
        """The scalar head in fp32, whatever comes in."""

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            """Return raw scores, shape (..., 1), of hidden states, shape (..., hidden size)."""
            with torch.autocast(input.device.type, enabled=False):  # which would make it bf16
                return super().forward(input.float())

    class Packed:
        """What is added to a model's own class."""

        def forward(
            self: Any,  # the model; transformers evaluates the annotations of its classes
            layout: Layout | None = None,
            ends: torch.Tensor | None = None,
            **inputs: object,
        ) -> torch.Tensor | ModelOutput:
            """Return raw scores, shape (ends,); without a layout, what the plain model does."""
            if layout is None:
                return super().forward(**inputs)  # type: ignore[misc]
            hidden = hidden_states(self.base_model, layout)  # (T, hidden size)
            raw: torch.Tensor = self.score(hidden[ends])  # (ends, 1)
            return raw.squeeze(-1)

    plain = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(AutoConfig.from_pretrained(base))]
    # Of the plain class's name, which is what a saved configuration is to say.
    packed: Any = type(plain.__name__, (Packed, plain), {"__doc__": plain.__doc__})
    with expecting_other_heads("score.weight"):
        model = packed.from_pretrained(base, num_labels=1, dtype=dtype)
    model.score = Head(model.score.in_features, 1, bias=bias)
    for parameter in model.score.parameters():
        torch.nn.init.zeros_(parameter)
    use_packed_attention(model)
    return model


def take_bias(folder: Path) -> float:
    """Take the head's bias out of saved weights and return it.

    A sequence-classification checkpoint has none; `reward.json` keeps it.
    """
    from safetensors.torch import load_file, save_file

    for file in folder.glob(WEIGHTS):
        weights = load_file(str(file))
        for name in [name for name in weights if name.endswith("score.bias")]:
            bias = float(weights.pop(name))
            partial = file.with_suffix(".partial")
            save_file(weights, str(partial), metadata={"format": "pt"})
            partial.replace(file)
            return bias
    raise AssertionError(f"no bias of a head in {folder}")
