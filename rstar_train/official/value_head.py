"""The released code's reward model as a standard checkpoint.

Theirs is a causal language model's folder with a `value_head.bin` beside it: a linear layer with a
bias on the last hidden state, read at the last token, trained raw and squashed as tanh(raw / 5) at
inference. Ours is a sequence-classification checkpoint with one label, whose head has no bias. A
pairwise loss cannot move a bias, since it is the same on both sides, so it is dropped where it is
as small as it was initialised; one that matters is refused.
"""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

from bench.checkpoints.ppm_config import PPMConfig
from bench.console import expecting_other_heads
from bench.errors import CheckpointError, MissingExtraError
from bench.files.lines import decode
from bench.prompts import OFFICIAL

log = logging.getLogger(__name__)

HEAD = "value_head.bin"
WEIGHT, BIAS = "v_head.summary.weight", "v_head.summary.bias"
LARGEST_BIAS = 1e-3
"""A larger one would move a score by more than 0.0002."""


def convert_value_head(folder: Path, out: Path) -> dict[str, Any]:
    """Write the reward model in `folder` to `out` as a PPM checkpoint; return what was found.

    Raises CheckpointError: no such model, a head of another shape, a bias that matters.
    """
    try:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("importing a value head", "transformers", "cpu") from error
    for needed in (HEAD, "config.json"):
        if not (folder / needed).is_file():
            raise CheckpointError(
                f"{folder} is no reward model of the released code: no {needed}. Expected the "
                "folder that its save_rm.py wrote"
            )
    try:
        # Weights only: a pickle could run anything, and a head is two tensors.
        head = torch.load(folder / HEAD, map_location="cpu", weights_only=True)
        weight, bias = head[WEIGHT].float(), head[BIAS].float()
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, pickle.PickleError) as error:
        raise CheckpointError(
            f"{folder / HEAD} is damaged or of another layout ({type(error).__name__}); "
            f"expected {WEIGHT} and {BIAS}"
        ) from error
    try:
        hidden = int(decode((folder / "config.json").read_bytes())["hidden_size"])
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{folder}/config.json is damaged ({type(error).__name__}: {error}); restore it"
        ) from error
    if tuple(weight.shape) != (1, hidden) or tuple(bias.shape) != (1,):
        raise CheckpointError(
            f"{folder / HEAD}: the head is {tuple(weight.shape)} with a bias {tuple(bias.shape)}, "
            f"expected (1, {hidden}) and (1,) for this model"
        )
    shift = abs(float(bias))
    if shift > LARGEST_BIAS:
        raise CheckpointError(
            f"{folder / HEAD}: the head's bias is {float(bias):.3g}; a checkpoint with one label "
            f"has none, and dropping more than {LARGEST_BIAS} would change scores"
        )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with expecting_other_heads("score.weight"):
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, dtype=torch.float32
        )
    if model.get_input_embeddings().num_embeddings < len(tokenizer):
        raise CheckpointError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens and the model "
            f"{model.get_input_embeddings().num_embeddings}; it is another model's tokenizer"
        )
    with torch.no_grad():
        model.score.weight.copy_(weight)
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id or tokenizer.eos_token_id
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    PPMConfig(OFFICIAL.name, OFFICIAL.digest, squash="tanh_fifth").save(out)
    log.info("wrote %s", out)
    return {"hidden_size": hidden, "dropped_bias": float(bias), "squash": "tanh_fifth"}
