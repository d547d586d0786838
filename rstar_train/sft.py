"""Policy SFT with TRL: the loss on the response only, LoRA on the base model (section 3.4).

Every round restarts from the base model. The executor's output blocks are part of the response and
are learnt with it, as in the official code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.errors import BenchError, MissingExtraError
from rstar_train.fitting import arguments, draw, log_callback, lora_config, save_adapter
from rstar_train.recipe import Recipe
from rstar_train.rows import SFTRow


def _response_trainer(base: type) -> type:
    """Return TRL's trainer with the same loss, computed where it counts.

    Without a GPU, TRL sends every position through the 49,152-token head in fp32, prompt included,
    which is a third of a step's time; here only the response's positions are.
    """
    import torch

    class ResponseTrainer(base):
        """SFT on the response's tokens."""

        def compute_loss(
            self,
            model: Any,
            inputs: Any,
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> torch.Tensor:
            """Return the mean negative log-likelihood of the response's tokens."""
            causal = model.get_base_model()
            hidden = causal.model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
            ).last_hidden_state
            labels = inputs["labels"][:, 1:]
            scored = labels != -100
            logits = causal.lm_head(hidden[:, :-1][scored]).float()
            return torch.nn.functional.cross_entropy(logits, labels[scored])

    return ResponseTrainer


def train_policy(rows: Sequence[SFTRow], recipe: Recipe, base: Path, out: Path) -> dict[str, Any]:
    """Train an adapter on `rows`, save it in `out`, return the figures for its lineage.

    `base` is a Hugging Face folder. Raises BenchError without rows, MissingExtraError.
    """
    if not rows:
        raise BenchError(
            "there is no solved problem to train on: the search found no correct answer"
        )
    try:
        import torch
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import SFTConfig, SFTTrainer
    except ImportError as error:
        raise MissingExtraError("training", "trl", "cpu") from error
    out.mkdir(parents=True, exist_ok=True)
    (out / "loss.jsonl").unlink(missing_ok=True)  # of an attempt that was killed
    tokenizer = AutoTokenizer.from_pretrained(base)
    drawn = draw(rows, recipe.sft.max_rows, recipe.seed)
    kept = [
        row
        for row in drawn
        if len(tokenizer(row.prompt + row.completion)["input_ids"]) < recipe.sft.max_length
    ]
    dataset = Dataset.from_list([{"prompt": r.prompt, "completion": r.completion} for r in kept])
    # Frozen weights may be bf16, twice as fast; the adapter that trains stays fp32.
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    trainer = _response_trainer(SFTTrainer)(
        model=model,
        processing_class=tokenizer,
        train_dataset=dataset,
        peft_config=lora_config(recipe.lora, "CAUSAL_LM"),
        args=SFTConfig(
            **arguments(recipe.sft, out / "trainer", recipe.seed),
            completion_only_loss=True,
            train_sampling_strategy="group_by_length",
        ),
        callbacks=[log_callback(out / "loss.jsonl", "SFT")],
    )
    result = trainer.train()
    save_adapter(trainer.model, out)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "rows": len(kept),
        "dropped_too_long": len(drawn) - len(kept),
        "steps": result.global_step,
        "loss_first": round(losses[0], 4),
        "loss_last": round(fmean(losses[-5:]), 4),
        "seconds": round(result.metrics["train_runtime"], 1),
    }
