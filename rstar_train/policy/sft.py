"""Policy SFT with TRL: the loss on the response only, rows packed, LoRA or every weight.

Every round restarts from the base model (section 3.4). The executor's output blocks are part of the
response and are learnt with it, as in the official code. The rows of a batch are laid end to end in
one line without padding, each seeing itself only (`rstar_train.training.tree_attention`); TRL's
trainer does the rest, and its loss is the one it would have with padding. Rank 0 trains every
weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, MissingExtraError
from rstar_train.policy.response_loss import response_loss
from rstar_train.recipes.recipe import Recipe
from rstar_train.rows.row import SFTRow
from rstar_train.training import fused_lora, tree_attention
from rstar_train.training.packing import chained, line
from rstar_train.training.precision import weights_dtype
from rstar_train.training.processes import split
from rstar_train.training.trainer import (
    arguments,
    digest,
    draw,
    load_tokenizer,
    lora_config,
    run,
    save,
)
from rstar_train.training.watcher import resumable, watcher

LINE_TOKENS = 8192
"""A pass has so many tokens at most: about 6 GB of activations for 135M weights in bf16, were all
rows as long as they may be. More rows are more passes, whose gradients add up."""
IGNORED = -100
"""The label of a token that is not learnt."""


def _response_trainer(base: type) -> type:
    """Return TRL's trainer with, on one CPU, the same loss for less work.

    Without a GPU, TRL takes every position through the head, and computes it again backwards.
    """

    class ResponseTrainer(base):
        """SFT whose head sees the response's tokens only."""

        @property
        def on_one_cpu(self) -> bool:
            return self.args.device.type == "cpu" and self.accelerator.num_processes == 1

        def compute_loss(
            self,
            model: Any,
            inputs: Any,
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            """Return the mean negative log-likelihood of the tokens with a label."""
            if not self.on_one_cpu:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            causal = model.get_base_model() if hasattr(model, "peft_config") else model
            hidden = tree_attention.hidden_states(causal.base_model, inputs["layout"])
            labels = inputs["labels"][0, 1:]
            learnt = labels != IGNORED
            head = causal.get_output_embeddings().weight
            total = response_loss(hidden[:-1][learnt], head, labels[learnt])
            return total / (learnt.sum() if num_items_in_batch is None else num_items_in_batch)

    return ResponseTrainer


def train_policy(rows: Sequence[SFTRow], recipe: Recipe, base: Path, out: Path) -> dict[str, Any]:
    """Train on `rows`, save the adapter (or the model) in `out`, return figures for its lineage.

    `base` is a Hugging Face folder. A training that was killed goes on at its last checkpoint.
    Raises BenchError without rows, CheckpointError, MissingExtraError.
    """
    if not rows:
        raise BenchError(
            "there is no solved problem to train on: the search found no correct answer"
        )
    try:
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, set_seed
        from trl import SFTConfig, SFTTrainer
    except ImportError as error:
        raise MissingExtraError("training", "trl", "cpu") from error
    tokenizer = load_tokenizer(base)
    drawn = draw(rows, recipe.sft.max_rows, recipe.seed)
    examples = tokenized(drawn, tokenizer, recipe.sft.max_length)
    if not examples:
        raise BenchError(
            f"each of the {len(drawn)} SFT rows has more than {recipe.sft.max_length} tokens; "
            "raise sft.max_length"
        )
    checkpoint = resumable(out / "trainer", digest(recipe, ("lora", "sft"), base, drawn))
    set_seed(recipe.seed)  # the adapter's first weights
    lora = recipe.lora if recipe.lora.rank else None
    model = AutoModelForCausalLM.from_pretrained(base, dtype=weights_dtype(frozen=lora is not None))
    tree_attention.use(model)
    trainer = _response_trainer(SFTTrainer)(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(examples),
        data_collator=Packer(model.dtype),
        peft_config=lora_config(lora, "CAUSAL_LM") if lora else None,
        args=SFTConfig(
            **arguments(
                recipe.sft,
                recipe.lora,
                out / "trainer",
                recipe.seed,
                passes=split(recipe.sft.batch_size, LINE_TOKENS // recipe.sft.max_length),
            ),
            max_length=recipe.sft.max_length,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        callbacks=[watcher(out / "loss.jsonl", "SFT")],
    )
    fused_lora.fuse(trainer.model)
    figures = run(trainer, checkpoint)
    save(trainer, out)
    return {"rows": len(examples), "dropped_too_long": len(drawn) - len(examples), **figures}


def tokenized(
    rows: Sequence[SFTRow], tokenizer: Any, max_length: int
) -> list[dict[str, list[int]]]:
    """Return token ids and labels of the rows that fit, the end of the text appended.

    A token that straddles the prompt's end belongs to the response.
    """
    examples = []
    for row in rows:
        prompt = tokenizer(row.prompt, add_special_tokens=False)["input_ids"]
        whole = tokenizer(row.prompt + row.completion, add_special_tokens=False)["input_ids"]
        whole = [*whole, tokenizer.eos_token_id]
        if len(whole) > max_length:
            continue
        same = 0
        while same < min(len(prompt), len(whole)) and prompt[same] == whole[same]:
            same += 1
        examples.append({"input_ids": whole, "labels": [IGNORED] * same + whole[same:]})
    return examples


@dataclass(frozen=True, slots=True)
class Packer:
    """Collates rows into one line: `input_ids`, `position_ids`, `labels` of shape (1, T)."""

    dtype: Any
    """Of the attention's queries."""

    def __call__(self, examples: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
        """Return the model's inputs; a row's first token is nobody's next one."""
        import torch

        packed = line(chained([example["input_ids"] for example in examples]))
        labels = [label for each in examples for label in (IGNORED, *list(each["labels"])[1:])]
        labels += [IGNORED] * (len(packed.tokens) - len(labels))
        layout = tree_attention.layout(packed, device="cpu", dtype=self.dtype)
        return {
            "input_ids": layout.tokens,
            "position_ids": layout.depths,
            "labels": torch.tensor([labels]),
            "layout": layout,
        }
