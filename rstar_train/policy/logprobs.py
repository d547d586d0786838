"""Log-probabilities of responses under a policy, every shared token computed once.

The texts of a problem are a tree of tokens (`rstar_train.training.packing`), and so are their
log-probabilities: that of a token depends on its ancestors alone. Each token of a response goes
through the head once, whatever the number of texts it is part of, and a text's log-probability is
the sum over its path below the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rstar_train.training.packing import PackedSequence, merge_prefixes, pack
from rstar_train.training.tree_attention import (
    hidden_states,
    make_layout,
    use_packed_attention,
)

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import ModelOutput

CHUNK = 256
"""Positions that go through the head at once: 50 MB of fp32 logits for a vocabulary of 49,152."""


@dataclass(frozen=True, slots=True)
class PackedResponses:
    """Texts as one packed sequence, and which of its tokens are whose response."""

    sequence: PackedSequence
    tokens: npt.NDArray[np.int64]
    """Indices in the sequence of the response tokens, each once, shape (n,)."""
    before: npt.NDArray[np.int64]
    """Index of the token before each, at which it is predicted, shape (n,)."""
    token_of: npt.NDArray[np.int64]
    """Of each pair of a text and a token of its response, the token's place in `tokens`: (m,)."""
    text_of: npt.NDArray[np.int64]
    """And the text's place, shape (m,)."""
    texts: int


def pack_responses(texts: Sequence[Sequence[int]], starts: Sequence[int]) -> PackedResponses:
    """Pack texts whose responses begin at token `starts`.

    Raises ValueError: a text is empty, or begins with its response, which nothing predicts.
    """
    if any(start < 1 for start in starts):
        raise ValueError("a response needs a token before it that predicts it")
    tree = merge_prefixes(texts)
    place: dict[int, int] = {}
    token_of, text_of = [], []
    for at, (end, start) in enumerate(zip(tree.ends, starts, strict=True)):
        index = end
        while tree.depths[index] >= start:
            token_of.append(place.setdefault(index, len(place)))
            text_of.append(at)
            index = tree.parents[index]
    tokens = np.array([*place], dtype=np.int64)
    parents = np.array(tree.parents, dtype=np.int64)
    return PackedResponses(
        pack(tree), tokens, parents[tokens], np.array(token_of), np.array(text_of), len(texts)
    )


def load_policy_model(base: Path, *, dtype: torch.dtype) -> PreTrainedModel:
    """Return a policy that takes packed responses.

    `model(responses=..., dtype=...)` returns their log-probabilities. They are asked for through
    the model's own forward pass, which is where a training on several devices looks on.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

    class Packed:
        """What is added to a model's own class."""

        def forward(
            self: Any,  # the model; transformers evaluates the annotations of its classes
            responses: PackedResponses | None = None,
            dtype: torch.dtype | None = None,
            **inputs: object,
        ) -> torch.Tensor | ModelOutput:
            """Return log-probabilities, shape (texts,); without responses, as the plain model."""
            if responses is None or dtype is None:
                return super().forward(**inputs)  # type: ignore[misc]
            return response_logprobs(self, responses, dtype)

    plain = MODEL_FOR_CAUSAL_LM_MAPPING[type(AutoConfig.from_pretrained(base))]
    # Of the plain class's name, which is what a saved configuration is to say.
    packed: Any = type(plain.__name__, (Packed, plain), {"__doc__": plain.__doc__})
    model = packed.from_pretrained(base, dtype=dtype)
    use_packed_attention(model)
    return model


def response_logprobs(
    causal: PreTrainedModel, packed: PackedResponses, dtype: torch.dtype
) -> torch.Tensor:
    """Return the log-probability of each text's response, in nats, shape (texts,).

    The model attends over packed sequences; `dtype` is that of its queries.
    """
    import torch

    device = next(causal.parameters()).device
    layout = make_layout(packed.sequence, device=device, dtype=dtype)
    hidden = hidden_states(causal.base_model, layout)  # (T, hidden size)
    tokens, before, token_of, text_of = (
        torch.from_numpy(each).to(device)
        for each in (packed.tokens, packed.before, packed.token_of, packed.text_of)
    )
    head = causal.get_output_embeddings().weight  # (vocabulary, hidden size)
    found = token_logprobs(hidden[before], head, layout.tokens[0, tokens])  # (n,)
    total = torch.zeros(packed.texts, dtype=found.dtype, device=device)
    return total.index_add(0, text_of, found[token_of])


def token_logprobs(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the log-probabilities of `targets`, in fp32, shape (n,).

    Logits are made a chunk at a time, and once more in the backward pass: all of them together
    would be larger than every activation of a small model. In bf16 a logit of 16 is rounded by as
    much as 0.06, which a response of twenty tokens sums up to more than a step's worth; hence
    fp32, also inside a training that multiplies in bf16.

    Args:
        hidden: hidden states that predict them, shape (n, hidden size).
        head: the head's weights, shape (vocabulary, hidden size).
        targets: the tokens, shape (n,).
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    def one(part: torch.Tensor, weight: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        with torch.autocast(part.device.type, enabled=False):
            logits = part @ weight.T  # (m, vocabulary), m <= CHUNK
        chosen = logits.gather(1, wanted[:, None]).squeeze(1)  # (m,)
        return chosen - logits.logsumexp(dim=1)

    hidden, head = hidden.float(), head.float()
    found = [
        checkpoint(one, hidden[part], head, targets[part], use_reentrant=False)
        for part in (slice(at, at + CHUNK) for at in range(0, len(targets), CHUNK))
    ]
    return torch.cat(found) if found else hidden.new_zeros(0, dtype=torch.float32)
