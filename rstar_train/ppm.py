"""PPM training with TRL's RewardTrainer: pairwise Bradley-Terry on a tanh head (section 3.3).

The model is the round's policy with a scalar head in place of the LM head, squashed by tanh to
[-1, 1]; the head starts at zero, since a fresh one starts saturated. A row's score is read at its
last token.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.engines.ppm import PPMScorer
from bench.errors import BenchError, MissingExtraError
from bench.stats import wilson
from rstar_train.fitting import arguments, draw, log_callback, lora_config, save_adapter
from rstar_train.recipe import Recipe
from rstar_train.rows import PairRow

HELD_OUT_PAIRS = 400
"""Held-out pairs that are scored: an interval of five points either way, at most."""


def train_ppm(rows: Sequence[PairRow], recipe: Recipe, base: Path, out: Path) -> dict[str, Any]:
    """Train an adapter on `rows`, save it in `out`, return the figures for its lineage.

    `base` is the Hugging Face folder of the round's policy. Raises BenchError, MissingExtraError.
    """
    if not rows:
        raise BenchError(
            "there are no preference pairs: every searched problem has only correct or only wrong "
            "trajectories; raise the rollouts, or search other problems"
        )
    try:
        from datasets import Dataset
        from transformers import AutoTokenizer
        from trl import RewardConfig, RewardTrainer
    except ImportError as error:
        raise MissingExtraError("training", "trl", "cpu") from error
    out.mkdir(parents=True, exist_ok=True)
    (out / "loss.jsonl").unlink(missing_ok=True)  # of an attempt that was killed
    tokenizer = AutoTokenizer.from_pretrained(base)
    drawn = draw(rows, recipe.ppm.max_rows, recipe.seed)
    pairs = _tokenized(drawn, tokenizer, recipe.ppm.max_length)
    model = _value_model(base, tokenizer.pad_token_id)
    trainer = RewardTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(pairs),
        peft_config=lora_config(recipe.lora, "SEQ_CLS", save=["score"]),
        args=RewardConfig(**arguments(recipe.ppm, out / "trainer", recipe.seed)),
        callbacks=[log_callback(out / "loss.jsonl", "PPM")],
    )
    result = trainer.train()
    save_adapter(trainer.model, out)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "pairs": len(pairs),
        "dropped_too_long": len(drawn) - len(pairs),
        "steps": result.global_step,
        "loss_first": round(losses[0], 4),
        "loss_last": round(fmean(losses[-5:]), 4),
        "seconds": round(result.metrics["train_runtime"], 1),
    }


def pair_accuracy(rows: Sequence[PairRow], recipe: Recipe, ppm: Path) -> dict[str, Any]:
    """Return how often a merged PPM prefers the chosen side of held-out pairs, as in search.

    A draw of at most `HELD_OUT_PAIRS` rows, with a Wilson interval; a tie is a mistake.
    """
    drawn = draw(rows, HELD_OUT_PAIRS, recipe.seed)
    scorer = PPMScorer(ppm, name="held-out pairs")
    right = 0
    for row in drawn:
        (chosen,), (rejected,) = scorer.values(row.prompt, [[row.chosen], [row.rejected]])
        right += chosen > rejected
    scorer.close()
    interval = wilson(right, len(drawn))
    return {
        "held_out_pairs": len(drawn),
        "right": right,
        "accuracy": round(interval.estimate, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
    }


def _tokenized(
    rows: Sequence[PairRow], tokenizer: Any, max_length: int
) -> list[dict[str, list[int]]]:
    """Return token ids of both sides of every pair that fits; no token is appended to either."""
    pairs = []
    for row in rows:
        chosen, rejected = (
            tokenizer(row.prompt + text, add_special_tokens=False)["input_ids"]
            for text in (row.chosen, row.rejected)
        )
        if max(len(chosen), len(rejected)) <= max_length:
            pairs.append({"chosen_ids": chosen, "rejected_ids": rejected})
    return pairs


def _value_model(base: Path, pad_token_id: int) -> Any:
    import torch
    from transformers import LlamaForSequenceClassification

    class TanhValueModel(LlamaForSequenceClassification):
        """A standard checkpoint in every respect but that training squashes its logits."""

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            """Return the standard output with logits in [-1, 1], shape (batch, 1)."""
            output = super().forward(*args, **kwargs)
            output.logits = torch.tanh(output.logits)
            return output

    class FloatHead(torch.nn.Linear):
        """The scalar head in fp32 on a bf16 backbone: what trains must not be bf16."""

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            """Return raw scores, shape (batch, length, 1)."""
            return super().forward(input.float())

    model = TanhValueModel.from_pretrained(base, num_labels=1, dtype=torch.bfloat16)
    model.config.pad_token_id = pad_token_id
    model.score = FloatHead(model.config.hidden_size, 1, bias=False)
    torch.nn.init.zeros_(model.score.weight)
    return model
