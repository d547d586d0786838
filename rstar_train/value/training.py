"""Training a scorer from its rows to its folder: what the PPM, the ORM and the PQM share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import BenchError, MissingExtraError
from bench.prompts import OFFICIAL, Template
from rstar_train.figures import ValueFigures
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.training import fused_lora
from rstar_train.training.batch_trainer import batch_trainer
from rstar_train.training.batching import Row, TokenizerCache, draw_whole_problems
from rstar_train.training.precision import weights_dtype
from rstar_train.training.processes import count_processes, is_first
from rstar_train.training.trainer import (
    load_tokenizer,
    lora_config,
    save,
    train,
    trainer_arguments,
    training_digest,
)
from rstar_train.training.tree_attention import make_layout
from rstar_train.training.watcher import find_checkpoint_to_resume, make_watcher
from rstar_train.value.batches import LossTerm, MicroBatch, make_batches
from rstar_train.value.head import fit_head
from rstar_train.value.model import load_value_model, take_bias
from rstar_train.value.objectives import Objective, term_losses

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def train_value(
    rows: Sequence[Row],
    make: Callable[[Row, TokenizerCache], LossTerm | None],
    objective: Objective,
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
    template: Template = OFFICIAL,
) -> ValueFigures:
    """Train a scorer on `rows`, save it with its `reward.json` in `out`, return its figures.

    `make` turns a row into a loss term, or None where a text of it is too long. `base` is the
    Hugging Face folder of the round's policy. `settings.max_rows` takes whole problems,
    `settings.batch_size` is the fewest terms of a batch. A training that was killed goes on at its
    last checkpoint. `template` is what the rows' prompts are in. Raises BenchError,
    CheckpointError, MissingExtraError.
    """
    try:
        from peft import get_peft_model
        from transformers import TrainingArguments, set_seed

        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    drawn = draw_whole_problems(rows, settings.max_rows, seed)
    ids = TokenizerCache(tokenizer, settings.max_length)
    terms = [term for row in drawn if (term := make(row, ids)) is not None]
    if not terms:
        raise BenchError(
            f"each of the {len(drawn)} rows has a text of more than {settings.max_length} tokens; "
            "raise ppm.max_length (of CPL: value.max_length)"
        )
    batches = make_batches(terms, settings.batch_size, processes=count_processes())
    depends_on = training_digest(seed, {"lora": lora, "ppm": settings}, base, drawn)
    checkpoint = find_checkpoint_to_resume(
        out / "trainer", f"{objective.kind} {objective.squash} {depends_on}"
    )
    set_seed(seed)  # the adapter's first weights
    has_bias = bool(settings.bias or settings.head_only)
    dtype = weights_dtype(frozen=lora.rank > 0)
    model = load_value_model(base, dtype=dtype, bias=has_bias)
    model.config.pad_token_id = tokenizer.pad_token_id
    if settings.head_only and lora.rank:
        lora = replace(lora, rank=1)  # it stays at zero, and is there for the form's sake
    if lora.rank:
        model = get_peft_model(model, lora_config(lora, "SEQ_CLS", save=["score"]))
        fused_lora.fuse(model)
    # A row of the data set is a whole batch.
    values = trainer_arguments(settings, lora, out / "trainer", seed, passes=(1, 1))
    trainer = batch_trainer()(
        batches,
        lambda model, part: micro_batch_loss(model, part, objective, dtype),
        summed=objective.summed,
        model=model,
        processing_class=tokenizer,
        args=TrainingArguments(**values),
        callbacks=[make_watcher(out / "loss.jsonl", objective.kind.upper())],
    )
    if settings.head_only:
        told = fit_head(trainer.model, batches, objective, dtype)
    else:
        told = train(trainer, checkpoint)
    save(trainer, out)
    if is_first():
        PPMConfig(
            template.name,
            template.digest,
            objective.squash,
            kind=objective.kind,
            bias=take_bias(out) if has_bias else None,
            head_only=settings.head_only or None,
        ).save(out)
    return ValueFigures(
        rows=len(terms),
        problems=len({term.problem_id for term in terms}),
        dropped_too_long=len(drawn) - len(terms),
        tokens_per_epoch=sum(p.sequence.used for batch in batches for p in batch.micro_batches),
        tokens_per_epoch_without_sharing=sum(batch.plain_tokens for batch in batches),
        steps=told.steps,
        loss_first=told.loss_first,
        loss_last=told.loss_last,
        seconds=told.seconds,
        resumed_at_step=told.resumed_at_step,
    )


def micro_batch_loss(
    model: PreTrainedModel, part: MicroBatch, objective: Objective, dtype: torch.dtype
) -> torch.Tensor:
    """Return the weighted sum of a micro-batch's N terms, a scalar.

    The batch divides it by the weight of all its terms.
    """
    import torch

    device = next(model.parameters()).device
    raw = model(
        layout=make_layout(part.sequence, device=device, dtype=dtype),
        ends=torch.from_numpy(part.sequence.ends).to(device),
    )  # (texts,)
    return term_losses(objective, raw, part).sum()
