"""Training a scorer from its terms to its folder: what the PPM, the ORM and the PQM share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.checkpoints.ppm_config import Learnt, PPMConfig, Squash
from bench.errors import BenchError, MissingExtraError
from bench.prompts import OFFICIAL
from rstar_train.recipes.recipe import FitSettings, LoRASettings, Recipe
from rstar_train.training import fused_lora, tree_attention
from rstar_train.training.precision import weights_dtype
from rstar_train.training.processes import processes
from rstar_train.training.trainer import arguments, digest, load_tokenizer, lora_config, run, save
from rstar_train.training.watcher import resumable, watcher
from rstar_train.value.batches import Ids, LossLine, Row, Step, Term, steps, whole_problems
from rstar_train.value.model import load_value_model
from rstar_train.value.objectives import Objective

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Goal:
    """What is learnt, and how its scores are to be read."""

    kind: Learnt
    objective: Objective
    squash: Squash = "tanh"
    summed: bool = False
    """Whether a step's terms are added up, as in the official code, not averaged by weight."""


class Texts:
    """Tokenizes whole texts, each once; None for one over the length limit."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        """Start with none."""
        self._tokenizer, self._max_length = tokenizer, max_length
        self._known: dict[str, Ids | None] = {}

    def __call__(self, text: str) -> Ids | None:
        """Return a text's tokens; none is appended."""
        if text not in self._known:
            ids = tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
            self._known[text] = ids if 0 < len(ids) <= self._max_length else None
        return self._known[text]


def train_value(
    rows: Sequence[Row],
    make: Callable[[Row, Texts], Term | None],
    goal: Goal,
    recipe: Recipe,
    base: Path,
    out: Path,
) -> dict[str, Any]:
    """Train a scorer on `rows` with the recipe's `ppm` section; return figures for its lineage.

    `make` turns a row into a term of the loss, or None where a text of it is too long.
    `base` is the Hugging Face folder of the round's policy. `ppm.max_rows` takes whole problems,
    `ppm.batch_size` is the fewest terms of a step. A training that was killed goes on at its last
    checkpoint. Raises BenchError, CheckpointError, MissingExtraError.
    """
    try:
        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "peft", "cpu") from error
    drawn = whole_problems(rows, recipe.ppm.max_rows, recipe.seed)
    ids = Texts(tokenizer, recipe.ppm.max_length)
    terms = [term for row in drawn if (term := make(row, ids)) is not None]
    if not terms:
        raise BenchError(
            f"each of the {len(drawn)} rows has a text of more than {recipe.ppm.max_length} "
            "tokens; raise ppm.max_length"
        )
    inputs = f"{goal.kind} {goal.squash} {digest(recipe, ('lora', 'ppm'), base, drawn)}"
    figures = fit_value(
        steps(terms, recipe.ppm.batch_size, processes=processes()),
        goal.objective,
        label=goal.kind.upper(),
        settings=recipe.ppm,
        lora=recipe.lora,
        seed=recipe.seed,
        base=base,
        out=out,
        checkpoint=resumable(out / "trainer", inputs),
        summed=goal.summed,
    )
    PPMConfig(OFFICIAL.name, OFFICIAL.digest, goal.squash, kind=goal.kind).save(out)
    return {
        "rows": len(terms),
        "problems": len({term.problem_id for term in terms}),
        "dropped_too_long": len(drawn) - len(terms),
        **figures,
    }


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
