"""Policy SFT with TRL: the loss on the response only, rows packed, LoRA or every weight.

Every round restarts from the base model (section 3.4). The executor's output blocks are part of
the response and are learnt with it, as in the official code. The rows of a micro-batch are laid end
to end in one packed sequence without padding, each seeing itself only
(`rstar_train.training.tree_attention`); TRL's trainer does the rest, and its loss is the one it
would have with padding. Rank 0 trains every weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from bench.errors import BenchError, MissingExtraError
from rstar_train.figures import PolicyFigures
from rstar_train.policy.response_loss import response_loss
from rstar_train.recipes.settings import FitSettings, LoRASettings
from rstar_train.rows.row import SFTRow
from rstar_train.training import fused_lora
from rstar_train.training.batching import count_shared
from rstar_train.training.packing import chain_sequences, pack
from rstar_train.training.precision import weights_dtype
from rstar_train.training.processes import split_batch
from rstar_train.training.trainer import (
    draw,
    load_tokenizer,
    lora_config,
    save,
    train,
    trainer_arguments,
    training_digest,
)
from rstar_train.training.tree_attention import (
    Layout,
    hidden_states,
    make_layout,
    use_packed_attention,
)
from rstar_train.training.watcher import find_checkpoint_to_resume, make_watcher

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTTrainer

MICRO_BATCH_TOKENS = 8192
"""Tokens of a micro-batch at most: about 6 GB of activations for 135M weights in bf16, were all
rows as long as they may be. More rows are more micro-batches, whose gradients are accumulated."""
IGNORED = -100
"""The label of a token that is not learnt."""


class Inputs(TypedDict):
    """A micro-batch: tensors of shape (1, T), and how its tokens attend."""

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    labels: torch.Tensor
    layout: Layout


def response_trainer(base: type[SFTTrainer]) -> type[SFTTrainer]:
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
            model: PreTrainedModel,
            inputs: Inputs,
            return_outputs: bool = False,
            num_items_in_batch: int | None = None,
        ) -> torch.Tensor:
            """Return the mean negative log-likelihood of the tokens with a label."""
            if not self.on_one_cpu:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            causal = model.get_base_model() if hasattr(model, "peft_config") else model
            hidden = hidden_states(causal.base_model, inputs["layout"])  # (T, hidden size)
            labels = inputs["labels"][0, 1:]  # (T - 1,): a position predicts the next token
            learnt = labels != IGNORED
            head = causal.get_output_embeddings().weight  # (vocabulary, hidden size)
            total = response_loss(hidden[:-1][learnt], head, labels[learnt])
            return total / (learnt.sum() if num_items_in_batch is None else num_items_in_batch)

    return ResponseTrainer


def train_policy(
    rows: Sequence[SFTRow],
    base: Path,
    out: Path,
    *,
    settings: FitSettings,
    lora: LoRASettings,
    seed: int,
) -> PolicyFigures:
    """Train on `rows`, save the adapter (or the model) in `out`, return its figures.

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
    drawn = draw(rows, settings.max_rows, seed)
    examples = tokenize_rows(drawn, tokenizer, settings.max_length)
    if not examples:
        raise BenchError(
            f"each of the {len(drawn)} SFT rows has more than {settings.max_length} tokens; "
            "raise sft.max_length"
        )
    depends_on = training_digest(seed, {"lora": lora, "sft": settings}, base, drawn)
    checkpoint = find_checkpoint_to_resume(out / "trainer", depends_on)
    set_seed(seed)  # the adapter's first weights
    adapts = lora.rank > 0
    model = AutoModelForCausalLM.from_pretrained(base, dtype=weights_dtype(frozen=adapts))
    use_packed_attention(model)
    passes = split_batch(settings.batch_size, MICRO_BATCH_TOKENS // settings.max_length)
    trainer = response_trainer(SFTTrainer)(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(examples),
        data_collator=Packer(model.dtype),
        peft_config=lora_config(lora, "CAUSAL_LM") if adapts else None,
        args=SFTConfig(
            **trainer_arguments(settings, lora, out / "trainer", seed, passes=passes),
            max_length=settings.max_length,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        callbacks=[make_watcher(out / "loss.jsonl", "SFT")],
    )
    fused_lora.fuse(trainer.model)
    told = train(trainer, checkpoint)
    save(trainer, out)
    return PolicyFigures(
        rows=len(examples),
        dropped_too_long=len(drawn) - len(examples),
        steps=told.steps,
        loss_first=told.loss_first,
        loss_last=told.loss_last,
        seconds=told.seconds,
        resumed_at_step=told.resumed_at_step,
    )


def tokenize_rows(
    rows: Sequence[SFTRow], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[dict[str, list[int]]]:
    """Return token ids and labels of the rows that fit, the end of the text appended."""
    examples = []
    for row in rows:
        prompt = tokenizer(row.prompt, add_special_tokens=False)["input_ids"]
        whole = tokenizer(row.prompt + row.completion, add_special_tokens=False)["input_ids"]
        whole = [*whole, tokenizer.eos_token_id]
        if len(whole) > max_length:
            continue
        same = count_shared(prompt, whole)
        examples.append({"input_ids": whole, "labels": [IGNORED] * same + whole[same:]})
    return examples


@dataclass(frozen=True, slots=True)
class Packer:
    """Collates rows into one packed sequence."""

    dtype: torch.dtype
    """Type of the attention's queries."""

    def __call__(self, examples: Sequence[Mapping[str, Sequence[int]]]) -> Inputs:
        """Return the model's inputs; a row's first token is nobody's next one."""
        import torch

        packed = pack(chain_sequences([example["input_ids"] for example in examples]))
        labels = [label for each in examples for label in (IGNORED, *list(each["labels"])[1:])]
        labels += [IGNORED] * (len(packed.tokens) - len(labels))
        layout = make_layout(packed, device="cpu", dtype=self.dtype)
        return {
            "input_ids": layout.tokens,
            "position_ids": layout.depths,
            "labels": torch.tensor([labels]),
            "layout": layout,
        }
