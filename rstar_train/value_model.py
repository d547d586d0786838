"""A policy with a scalar head in place of its LM head, and how it is trained on packed lines.

The head starts at zero, since a fresh one starts saturated, where tanh has no gradient left; it is
fp32 on a bf16 backbone. What is saved is a standard sequence-classification checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import MissingExtraError
from rstar_train.batches import LossLine, Step
from rstar_train.objectives import Objective
from rstar_train.recipes.recipe import FitSettings, LoRASettings
from rstar_train.training import fused_lora, tree_attention
from rstar_train.training.precision import weights_dtype
from rstar_train.training.trainer import arguments, load_tokenizer, lora_config, run, save
from rstar_train.training.watcher import watcher

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


def step_loss(model: Any, part: LossLine, objective: Objective, dtype: torch.dtype) -> torch.Tensor:
    """Return the weighted sum of a line's terms; the step divides it by all its weights."""
    import torch

    device = next(model.parameters()).device
    raw = model(
        layout=tree_attention.layout(part.line, device=device, dtype=dtype),
        ends=torch.from_numpy(part.line.ends).to(device),
    )
    weight, target = (
        torch.tensor(values, dtype=torch.float32, device=device)
        for values in (part.weight, part.target)
    )
    return (weight * objective(raw[list(part.text)], raw[list(part.other)], target)).sum()


def _trainer(
    steps: Sequence[Step], objective: Objective, dtype: Any, *, summed: bool, **kwargs: Any
) -> Any:
    """Return a trainer whose rows are whole steps, cut into lines whose gradients add up."""
    from transformers import Trainer

    class ValueTrainer(Trainer):
        """One step at a time, in an order drawn anew every epoch."""

        def training_step(
            self, model: Any, inputs: Mapping[str, Step], num_items_in_batch: Any = None
        ) -> torch.Tensor:
            """Return the step's loss; its gradients are in place."""
            import torch

            model.train()
            total = torch.zeros((), device=self.args.device)
            step = inputs["step"]
            for part in step.lines:
                loss = step_loss(model, part, objective, dtype)
                if not summed:
                    loss = loss / step.weight
                self.accelerator.backward(loss)
                total += loss.detach()
            return total

    rows = [{"step": step} for step in steps]
    return ValueTrainer(train_dataset=rows, data_collator=lambda batch: batch[0], **kwargs)


def fit_value(
    steps: Sequence[Step],
    objective: Objective,
    *,
    label: str,
    settings: FitSettings,
    lora: LoRASettings,
    seed: int,
    base: Path,
    out: Path,
    checkpoint: Path | None,
    summed: bool = False,
) -> dict[str, Any]:
    """Train a value model, save it in `out`, return figures. Raises MissingExtraError, BenchError.

    `summed` adds a step's terms up, as the official code does, where otherwise their weighted mean
    is taken.
    """
    try:
        from peft import get_peft_model
        from transformers import TrainingArguments, set_seed
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    set_seed(seed)  # the adapter's first weights
    dtype = weights_dtype(frozen=lora.rank > 0)
    tokenizer = load_tokenizer(base)
    model = load_value_model(base, dtype=dtype)
    model.config.pad_token_id = tokenizer.pad_token_id
    if lora.rank:
        model = get_peft_model(model, lora_config(lora, "SEQ_CLS", save=["score"]))
        fused_lora.fuse(model)
    values = arguments(settings, lora, out / "trainer", seed, passes=(1, 1))  # a row is a step
    trainer = _trainer(
        steps,
        objective,
        dtype,
        summed=summed,
        model=model,
        processing_class=tokenizer,
        args=TrainingArguments(**values),
        callbacks=[watcher(out / "loss.jsonl", label)],
    )
    figures = run(trainer, checkpoint)
    save(trainer, out)
    shared = sum(part.line.used for step in steps for part in step.lines)
    plain = sum(step.plain_tokens for step in steps)
    return {"tokens_per_epoch": shared, "tokens_per_epoch_without_sharing": plain, **figures}
