"""What both trainings share: the adapter's shape, the trainer's arguments, the log."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import MissingExtraError
from rstar_train.recipe import FitSettings, LoRASettings

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import TrainerCallback

Row = TypeVar("Row")
log = logging.getLogger(__name__)


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
        target_modules=[
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        ],
        task_type=task,
        modules_to_save=list(save) or None,
    )


def arguments(settings: FitSettings, out: Path, seed: int) -> dict[str, Any]:
    """Return the trainer arguments that both trainings share.

    What trains (adapter, head) is fp32, what is frozen is bf16: trained bf16 weights would not
    move, since steps of the learning rates used here vanish in rounding.
    """
    import torch

    on_cpu = not torch.cuda.is_available()
    return {
        "output_dir": str(out),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "per_device_train_batch_size": settings.batch_size,
        "warmup_steps": settings.warmup_fraction,
        "lr_scheduler_type": "linear",
        "max_length": settings.max_length,
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": on_cpu,
        "bf16": False,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": not on_cpu,
    }


def log_callback(path: Path, label: str) -> TrainerCallback:
    """Return a callback that appends every logged step to `path`, and says how far training is."""
    from transformers import TrainerCallback

    class Log(TrainerCallback):
        """Writes the loss curve as it goes."""

        def on_log(
            self,
            args: Any,
            state: Any,
            control: Any,
            logs: Mapping[str, Any] | None = None,
            **_: Any,
        ) -> None:
            row = {"step": state.global_step, **(logs or {})}
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            if "loss" in row and state.global_step % 5 == 0:
                log.info(
                    "%s: step %d of %d, loss %.3f",
                    label,
                    state.global_step,
                    state.max_steps,
                    float(row["loss"]),
                )

    return Log()


def save_adapter(model: Any, folder: Path) -> None:
    """Save a trained adapter as bf16, which halves the file; evaluation uses what is saved."""
    import torch
    from safetensors.torch import load_file, save_file

    model.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(str(path)).items()}
    save_file(weights, str(path), metadata={"format": "pt"})
    (folder / "README.md").unlink(missing_ok=True)
