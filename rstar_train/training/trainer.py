"""What all trainings share: the adapter's shape, the trainer's arguments, running it, saving.

A training writes into its own folder only: `trainer/` while it runs, with checkpoints to resume
from, and at its end the adapter, or the whole model where every weight trained.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeVar

from bench.checkpoints.checkpoint import WEIGHTS
from bench.errors import BenchError, CheckpointError, MissingExtraError
from bench.files.atomic import replace_json
from bench.files.digests import file_digest
from rstar_train.figures import TrainerFigures
from rstar_train.recipes.recipe import sections_digest
from rstar_train.recipes.settings import FitSettings, LoRASettings
from rstar_train.training.precision import autocasts
from rstar_train.training.processes import is_first
from rstar_train.training.watcher import cut_curve

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedTokenizerBase, Trainer

Row = TypeVar("Row")
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def draw(rows: Sequence[Row], limit: int, seed: int) -> list[Row]:
    """Return at most `limit` rows (0: all), shuffled with the seed."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:limit] if limit else shuffled


def lora_config(settings: LoRASettings, task: str, *, save: Sequence[str] = ()) -> LoraConfig:
    """Return an adapter on all seven linear layers of a block. Raises MissingExtraError."""
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(LAYERS),
        task_type=task,
        modules_to_save=list(save) or None,
    )


def load_tokenizer(base: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a base model. Raises CheckpointError: it is another model's."""
    from transformers import AutoConfig, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
        size = AutoConfig.from_pretrained(base).get_text_config().vocab_size
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{base} is no model folder with a tokenizer: {error}") from error
    highest = max(tokenizer.get_vocab().values())
    if highest >= size:
        raise CheckpointError(
            f"the tokenizer in {base} has token ids up to {highest}, the model embeds {size} "
            "tokens: they belong to different models. Save the model with its own tokenizer"
        )
    return tokenizer


def trainer_arguments(
    settings: FitSettings, lora: LoRASettings, out: Path, seed: int, *, passes: tuple[int, int]
) -> dict[str, object]:
    """Return the trainer arguments that all trainings share (`rstar_train.training.precision`).

    `passes`: rows a pass, and passes a step.
    """
    import torch

    on_cpu = not torch.cuda.is_available()
    return {
        "output_dir": str(out),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "per_device_train_batch_size": passes[0],
        "gradient_accumulation_steps": passes[1],
        "warmup_steps": settings.warmup_fraction,
        "lr_scheduler_type": settings.schedule or "linear",
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 1,
        "save_strategy": "no",  # the watcher saves by the clock
        "save_total_limit": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": on_cpu,
        "bf16": autocasts(adapts=lora.rank > 0),
        "gradient_checkpointing": False,
        "dataloader_pin_memory": not on_cpu,
        "remove_unused_columns": False,
    }


def training_digest(
    seed: int, sections: Mapping[str, object], base: Path, rows: Iterable[Any]
) -> str:
    """Return a digest of what a training depends on: settings, base weights, rows in order."""
    hasher = hashlib.sha256(sections_digest(seed, sections).encode())
    for name in sorted(path.name for path in base.glob("*.safetensors")):
        hasher.update(f"{name} {file_digest(base / name)}".encode())
    for row in rows:
        hasher.update(json.dumps(dataclasses.asdict(row), sort_keys=True).encode())
    return hasher.hexdigest()


def train(trainer: Trainer, checkpoint: Path | None) -> TrainerFigures:
    """Train, from a checkpoint where there is one; return steps, losses and seconds.

    Raises BenchError: the disk is full; what was saved before is kept, and training goes on there.
    """
    from transformers import PrinterCallback

    folder = Path(trainer.args.output_dir)
    curve = folder.parent / "loss.jsonl"
    resumed = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
    cut_curve(curve, resumed)
    trainer.remove_callback(PrinterCallback)  # it prints every step
    try:
        result = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (OSError, RuntimeError) as error:
        if not _is_full(error, folder):
            raise
        raise BenchError(
            f"the disk of {folder} is full ({error}). Free some space and repeat the command: "
            "training goes on at the last checkpoint"
        ) from error
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return TrainerFigures(
        steps=result.global_step,
        resumed_at_step=resumed or None,
        loss_first=round(losses[0], 4),
        loss_last=round(fmean(losses[-5:]), 4),
        seconds=round(result.metrics["train_runtime"], 1),
    )


def _is_full(error: Exception, folder: Path) -> bool:
    """Whether an error means a full disk: torch and safetensors hide the system's own error."""
    text = str(error)
    said = "No space left" in text or "os error 28" in text or "Disk quota" in text
    writing = "PytorchStreamWriter" in text or "unexpected pos" in text
    return said or (writing and shutil.disk_usage(folder).free < 2**24)


def save(trainer: Trainer, folder: Path) -> None:
    """Save an adapter or a whole model, as bf16; then drop the checkpoints of its training.

    bf16 halves the files; evaluation uses what is saved. Raises BenchError: the disk is full.
    """
    try:
        if is_first():
            for path in folder.glob(WEIGHTS):
                path.unlink()  # never written into: what is published may be the same file, linked
        trainer.save_model(str(folder))  # all processes: weights may be spread over them
        if is_first():
            _halve(folder)
    except (OSError, RuntimeError) as error:
        if not _is_full(error, folder):
            raise
        raise BenchError(
            f"the disk of {folder} is full ({error}). Free some space and repeat the command: "
            "training goes on at the last checkpoint"
        ) from error
    if is_first():
        for name in ("README.md", "training_args.bin"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "trainer", ignore_errors=True)


_HEAD = "score"
"""What a scalar head is called: `score.weight` of a whole model, with a prefix in an adapter."""


def _halve(folder: Path) -> None:
    """Round a folder's fp32 weights to bf16, a file at a time, and say so in its configuration.

    A scalar head stays as it is: it is small, and what its sum rounds away is a score's.
    """
    import torch
    from safetensors.torch import load_file, save_file

    for path in sorted(folder.glob(WEIGHTS)):
        weights = {
            name: tensor if _HEAD in name.split(".") else tensor.to(torch.bfloat16)
            for name, tensor in load_file(str(path)).items()
        }
        partial = path.with_suffix(".partial")
        save_file(weights, str(partial), metadata={"format": "pt"})
        partial.replace(path)
    config = folder / "config.json"
    if config.is_file():
        values = {**json.loads(config.read_text()), "dtype": "bfloat16"}
        replace_json(config, values)
