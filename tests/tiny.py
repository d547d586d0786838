"""Llamas of a few thousand weights, random and saved as checkpoints: real code, nothing to load.

Their text means nothing. Weights are drawn wide, so that scores differ by far more than rounding,
and rounded to bf16, so that loading them in bf16 changes none.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

END = 2
"""The end-of-sequence token of the embedded model's tokenizer."""


def config(vocabulary: int, **changes: Any) -> Any:
    """Two layers, four heads over two key-value heads, tied embeddings."""
    from transformers import LlamaConfig

    fields: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "initializer_range": 0.25,
        "bos_token_id": 1,
        "eos_token_id": END,
        "pad_token_id": END,
    }
    return LlamaConfig(**{**fields, **changes})


def policy(folder: Path, tokenizer: Path, **changes: Any) -> Path:
    """Save a tiny language model with this tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    torch.manual_seed(7)
    model = LlamaForCausalLM(config(len(AutoTokenizer.from_pretrained(tokenizer)), **changes))
    return _save(model, folder, tokenizer)


def ppm(folder: Path, tokenizer: Path, **changes: Any) -> Path:
    """Save a tiny one-label classifier with this tokenizer; its `reward.json` is the test's."""
    import torch
    from transformers import AutoTokenizer, LlamaForSequenceClassification

    torch.manual_seed(8)
    vocabulary = len(AutoTokenizer.from_pretrained(tokenizer))
    model = LlamaForSequenceClassification(config(vocabulary, num_labels=1, **changes))
    return _save(model, folder, tokenizer)


def _save(model: Any, folder: Path, tokenizer: Path) -> Path:
    for weight in model.parameters():
        weight.data = weight.data.bfloat16().float()
    model.save_pretrained(folder)
    for file in tokenizer.iterdir():
        shutil.copy(file, folder)
    return folder
