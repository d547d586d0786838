"""Full weights out of a GGUF or out of an adapter: what `bench.checkpoints.weights` caches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bench.checkpoints.gguf_export import write_gguf
from bench.checkpoints.ppm_config import REWARD, PPMConfig, find_description
from bench.console import expecting_other_heads
from bench.errors import CheckpointError, MissingExtraError


def save_embedded(gguf: Path, out: Path) -> None:
    """Write the embedded GGUF's weights, dequantized, as bf16 safetensors with their tokenizer."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise MissingExtraError(
            "reading the embedded model's weights", "transformers", "cpu"
        ) from error
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.float32,
        # Without it the model stays quantized and cannot be saved.
        quantization_config=GgufConfig(dequantize=True),
    )
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    with caching(out):
        model.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)


@contextmanager
def caching(out: Path) -> Iterator[None]:
    """Say what the disk has against the cache. Raises CheckpointError."""
    try:
        yield
    except Exception as error:
        # What safetensors raises of a full disk is its own, and no OSError.
        if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":
            raise
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(
            f"cannot keep weights in {out.parent}: {why}. Free some space there, or set "
            "RSTAR_BENCH_CACHE to another folder"
        ) from error


def save_merged(kind: Literal["policy", "ppm"], parent: Path, adapter: Path, out: Path) -> None:
    """Merge an adapter into its parent's weights and write the result (policy bf16, PPM fp32).

    Raises CheckpointError: the adapter does not fit its parent, or a PPM's has no `reward.json`.
    """
    try:
        import torch
        from peft import PeftModel
        from transformers import (
            AutoModelForCausalLM,
            AutoModelForSequenceClassification,
            AutoTokenizer,
        )
    except ImportError as error:
        raise MissingExtraError("merging an adapter", "peft", "cpu") from error
    if kind == "ppm":
        PPMConfig.load(adapter)  # raises before the work is done, not after
    if kind == "policy":
        base = AutoModelForCausalLM.from_pretrained(parent, dtype=torch.float32)
    else:
        with expecting_other_heads("score.weight"):
            base = AutoModelForSequenceClassification.from_pretrained(
                parent, num_labels=1, dtype=torch.float32
            )
    try:
        model = PeftModel.from_pretrained(base, adapter).merge_and_unload()
    except RuntimeError as error:
        raise CheckpointError(f"the adapter {adapter} does not fit its parent: {error}") from error
    tokenizer = AutoTokenizer.from_pretrained(parent)
    with caching(out):
        if kind == "policy":
            model = model.to(torch.bfloat16)
        else:
            shutil.copyfile(find_description(adapter), out / REWARD)
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)


def export_gguf(folder: Path, *, like: Path, out: Path) -> None:
    """Write a merged policy folder as a GGUF file."""
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    write_gguf(
        load_file(str(folder / "model.safetensors")),
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        like=like,
        out=out,
    )
