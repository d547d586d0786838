"""How fast training is, as figures: `python -m rstar_train.speed` prints them as JSON lines.

The embedded model and its LoRA, forwards and backwards, on texts of a stated size, each way of
computing in turn: a PPM's pairs with and without shared prefixes, and SFT as here and as TRL's
trainer does it, with the losses of both over the same steps. `make bench` shows them; that results
are equal is what tests are for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint
from bench.checkpoints.weights import full_weights
from bench.prompts import OFFICIAL, START
from rstar_train.recipes.recipe import load_recipe
from rstar_train.rows.row import PairRow, SFTRow
from rstar_train.training import fused_lora
from rstar_train.training.batching import TokenizerCache
from rstar_train.training.precision import weights_dtype
from rstar_train.training.trainer import load_tokenizer, lora_config
from rstar_train.value import objectives
from rstar_train.value.batches import Batch, LossTerm, make_batches
from rstar_train.value.ppm import pair_term

PROBLEMS = 4
DEPTH = 3
ROWS = 8
"""Rows of an SFT batch, as in the shipped recipe."""
STEPS = 16
"""Optimizer steps over which losses are compared."""
LEARNING_RATE = 1e-3


def pairs(problems: int = PROBLEMS) -> list[PairRow]:
    """Pairs as a search gives them: below each of `DEPTH` prefixes 2 x 2 siblings, and 2 x 2 ends.

    Of about the size of the shipped recipe's: a prompt of 60 tokens, steps of 25.
    """
    rows = []
    for problem in range(problems):
        question = (
            f"Calculate {problem + 22} * 57 + {problem + 42} * 10 - 316 + 77 * {problem + 3}. "
            "State the answer as one number."
        )
        at = OFFICIAL.render(question, START)
        first = at
        for depth in range(DEPTH):
            siblings = [_step(depth, f"a{depth} * {number}") for number in range(4)]
            for good in siblings[:2]:
                rows += [PairRow(question, at, good, bad, "step", 0.25) for bad in siblings[2:]]
            at += siblings[0]
        ends = [f"\n# Now print the answer\nprint(a{n})\n<end_of_code>" for n in range(4)]
        stem = at.removeprefix(first)
        rows += [
            PairRow(question, first, stem + good, stem + bad, "solution", 0.25)
            for good in ends[:2]
            for bad in ends[2:]
        ]
    return rows


def _step(depth: int, code: str) -> str:
    return f"\n# Step {depth + 1}: Work out {code}\na{depth + 1} = {code}\n<end_of_step>"


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield the figures: name, value, unit."""
    base = full_weights(find_checkpoint(EMBEDDED, "policy"))
    tokenizer = load_tokenizer(base)
    ids = TokenizerCache(tokenizer, 512)
    terms = [term for row in pairs() if (term := pair_term(row, ids)) is not None]
    (batch,) = make_batches(terms, len(terms))
    shared = batch.plain_tokens / _seconds(_shared(base, batch))
    some = terms[: len(terms) // PROBLEMS]  # one problem's: the slow way has a rate, too
    tokens = sum(len(term.text) + len(term.other or ()) for term in some)
    plain = tokens / _seconds(_plain(base, tokenizer, some))
    yield "PPM, shared prefixes", shared, "tokens of pairs/s"
    yield "PPM, each side by itself", plain, "tokens of pairs/s"
    yield "PPM, shared / each by itself", shared / plain, "x"
    used = sum(part.sequence.used for part in batch.micro_batches)
    yield "tokens of pairs / tokens computed", batch.plain_tokens / used, "x"
    yield "PPM, shared prefixes, computed", shared * used / batch.plain_tokens, "tokens/s"
    yield from _sft(base, tokenizer)


def _seconds(run: Callable[[], None]) -> float:
    """The time of a run, after one that compiles and allocates."""
    run()
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _adapted(model: Any, task: str, *, fuse: bool, save: tuple[str, ...] = ()) -> Any:
    from peft import get_peft_model

    adapted = get_peft_model(
        model, lora_config(load_recipe("smollm2-cpu").defaults.lora, task, save=save)
    )
    if fuse:
        fused_lora.fuse(adapted)
    return adapted


def _shared(base: Path, batch: Batch) -> Callable[[], None]:
    from rstar_train.value.model import load_value_model
    from rstar_train.value.ppm import OBJECTIVES
    from rstar_train.value.training import micro_batch_loss

    dtype = weights_dtype(frozen=True)
    model = _adapted(load_value_model(base, dtype=dtype), "SEQ_CLS", fuse=True, save=("score",))

    def run() -> None:
        for part in batch.micro_batches:
            micro_batch_loss(model, part, OBJECTIVES["paper"], dtype).backward()

    return run


def _plain(base: Path, tokenizer: Any, terms: list[LossTerm], rows: int = 8) -> Callable[[], None]:
    """Pairs padded in batches of 8, as TRL's RewardTrainer takes them."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=1, dtype=weights_dtype(frozen=True)
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    model = _adapted(model, "SEQ_CLS", fuse=False, save=("score",))

    def run() -> None:
        for first in range(0, len(terms), rows):
            part = terms[first : first + rows]
            texts = [[*term.text] for term in part] + [[*(term.other or ())] for term in part]
            batch = tokenizer.pad({"input_ids": texts}, return_tensors="pt")
            raw = model(**batch).logits.squeeze(-1).float()
            good, bad = raw.chunk(2)
            weight = torch.tensor([term.weight for term in part])
            (weight * objectives.preference(good, bad, good)).sum().backward()

    return run


def _sft(base: Path, tokenizer: Any) -> Iterator[tuple[str, float, str]]:
    """One batch through this trainer's loss and through TRL's own, padded; then the same steps."""
    from rstar_train.policy.sft import tokenize_rows

    ends = [row for row in pairs(ROWS * STEPS) if row.kind == "solution"][::4]  # one a problem
    rows = [
        SFTRow(row.problem_id, row.prompt, f"{row.chosen}{row.chosen[: 20 * (at % ROWS)]}", 1.0)
        for at, row in enumerate(ends)
    ]
    examples = tokenize_rows(rows, tokenizer, 512)
    batches = [examples[first : first + ROWS] for first in range(0, len(examples), ROWS)]
    tokens = sum(len(each["input_ids"]) for each in batches[0])
    curves = []
    for name, ours in (("SFT, packed", True), ("SFT, plain TRL", False)):
        trainer = _sft_trainer(base, tokenizer, batches[0], ours=ours)
        losses = _losses(trainer)
        yield name, tokens / _seconds(partial(_backwards, losses, batches[0])), "tokens/s"
        curves.append(_train(trainer, losses, batches))
        yield f"{name}: loss of the first step", curves[-1][0], "nats/token"
        yield f"{name}: mean loss of the last four", sum(curves[-1][-4:]) / 4, "nats/token"
    apart = max(abs(one - other) for one, other in zip(*curves, strict=True))
    yield f"SFT, packed / TRL: largest difference of {STEPS} losses", apart, "nats/token"


def _sft_trainer(base: Path, tokenizer: Any, examples: list[Any], *, ours: bool) -> Any:
    import tempfile

    from datasets import Dataset
    from transformers import AutoModelForCausalLM, set_seed
    from trl import SFTConfig, SFTTrainer

    from rstar_train.policy.sft import Packer, response_trainer
    from rstar_train.training.tree_attention import use_packed_attention

    set_seed(0)  # the adapter's first weights
    model = AutoModelForCausalLM.from_pretrained(base, dtype=weights_dtype(frozen=True))
    if ours:
        use_packed_attention(model)
    with tempfile.TemporaryDirectory() as folder:
        trainer = (response_trainer(SFTTrainer) if ours else SFTTrainer)(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(examples),
            data_collator=Packer(model.dtype) if ours else None,
            peft_config=lora_config(load_recipe("smollm2-cpu").defaults.lora, "CAUSAL_LM"),
            args=SFTConfig(
                output_dir=folder,
                report_to="none",
                disable_tqdm=True,
                bf16=False,
                gradient_checkpointing=False,
                remove_unused_columns=False,
                dataset_kwargs={"skip_prepare_dataset": True},
            ),
        )
    if ours:
        fused_lora.fuse(trainer.model)
    return trainer


def _losses(trainer: Any) -> Callable[[list[Any]], Any]:
    """Return what gives the mean loss of a batch's learnt tokens, with its gradient."""

    def loss(examples: list[Any]) -> Any:
        trainer.model.train()
        return trainer.compute_loss(trainer.model, dict(trainer.data_collator(examples)))

    return loss


def _backwards(losses: Callable[[list[Any]], Any], batch: list[Any]) -> None:
    losses(batch).backward()


def _train(trainer: Any, losses: Callable[[list[Any]], Any], batches: list[Any]) -> list[float]:
    """Take an optimizer step a batch; return the losses before each."""
    import torch

    weights = [weight for weight in trainer.model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.0)
    curve = []
    for batch in batches:
        optimizer.zero_grad()
        loss = losses(batch)
        loss.backward()
        optimizer.step()
        curve.append(float(loss.detach()))
    return curve


def main() -> None:
    """Print the figures, one JSON list a line."""
    for figure in measure():
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
