"""How fast training is, as figures: `python -m rstar_train.speed` prints them as JSON lines.

The embedded model and its LoRA, forwards and backwards, on texts of a stated size, each way of
computing in turn: a PPM's pairs as here, with shared prefixes, and by TRL's RewardTrainer, SFT as
here, packed, and by TRL's SFTTrainer; with the losses of both over the same steps. `--plot
FILE.svg` draws these over each other. `make bench` shows the figures; that results are equal is
what tests are for.

What trains is fp32 everywhere: the adapter and the head. What is frozen is bf16 where the processor
multiplies it, which is what autocast with fp32 masters would compute of a LoRA, without a cast a
step.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint
from bench.checkpoints.weights import full_weights
from bench.files.atomic import replace
from bench.prompts import OFFICIAL, START
from bench.reports.figure import COLOURS, LINES, new_figure, svg
from rstar_train.recipes.recipe import load_recipe
from rstar_train.rows.row import PairRow, SFTRow
from rstar_train.training import fused_lora
from rstar_train.training.batching import TokenizerCache
from rstar_train.training.precision import weights_dtype
from rstar_train.training.trainer import load_tokenizer, lora_config
from rstar_train.value.batches import Batch, LossTerm, make_batches
from rstar_train.value.ppm import pair_term

PROBLEMS = 4
DEPTH = 3
ROWS = 8
"""Rows of an SFT batch, as in the shipped recipe."""
PAIRS = 8
"""Pairs of a batch of TRL's, its default."""
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


Backward = Callable[[Any], float]
"""Adds the gradient of a batch's mean loss to the weights, and returns that loss."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The losses of one way of training, before each of its steps."""

    part: str
    """What is trained: PPM or SFT."""
    name: str
    losses: Sequence[float]


Figures = Iterator[tuple[str, float, str]]
"""Name, value and unit of each."""


def measure(curves: list[Curve]) -> Figures:
    """Yield the figures; add the losses over the same steps to `curves`."""
    base = full_weights(find_checkpoint(EMBEDDED, "policy"))
    tokenizer = load_tokenizer(base)
    for part, figures in (("PPM", _ppm), ("SFT", _sft)):
        found: list[Curve] = []
        yield from figures(base, tokenizer, found)
        ours, theirs = found
        for curve in found:
            yield f"{curve.name}: loss of the first step", curve.losses[0], "nats"
            yield f"{curve.name}: mean loss of the last four", sum(curve.losses[-4:]) / 4, "nats"
        apart = max(abs(a - b) for a, b in zip(ours.losses, theirs.losses, strict=True))
        yield f"{part}, ours / TRL: largest difference of {STEPS} losses", apart, "nats"
        curves += found


def _seconds(backward: Backward, batch: Any) -> float:
    """The time of a run, after one that compiles and allocates."""
    backward(batch)
    begun = time.perf_counter()
    backward(batch)
    return time.perf_counter() - begun


def _train(model: Any, backward: Backward, batches: Sequence[Any]) -> list[float]:
    """Take an optimizer step a batch; return the losses before each."""
    import torch

    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.0)
    curve = []
    for batch in batches:
        optimizer.zero_grad()
        curve.append(backward(batch))
        optimizer.step()
    return curve


def _ppm(base: Path, tokenizer: Any, curves: list[Curve]) -> Figures:
    """Pairs of several problems through this trainer's passes and through TRL's, padded."""
    ids = TokenizerCache(tokenizer, 512)
    terms = [term for row in pairs(STEPS) if (term := pair_term(row, ids)) is not None]
    batches = make_batches(terms, 1)  # a problem each
    (several,) = make_batches(terms[: len(terms) // STEPS * PROBLEMS], len(terms))
    plain = [[term for term in terms if term.problem_id == name] for name in _problems(terms)]

    model, backward = _shared(base)
    shared = several.plain_tokens / _seconds(backward, several)
    curves.append(Curve("PPM", "PPM, shared prefixes", _train(model, backward, batches)))
    model, backward = _rewarded(base, tokenizer, terms)
    each = batches[0].plain_tokens / _seconds(backward, plain[0])
    curves.append(Curve("PPM", "PPM, TRL's RewardTrainer", _train(model, backward, plain)))

    used = sum(part.sequence.used for part in several.micro_batches)
    yield "PPM, shared prefixes", shared, "tokens of pairs/s"
    yield "PPM, TRL's RewardTrainer", each, "tokens of pairs/s"
    yield "PPM, shared / TRL's", shared / each, "x"
    yield "tokens of pairs / tokens computed", several.plain_tokens / used, "x"
    yield "PPM, shared prefixes, computed", shared * used / several.plain_tokens, "tokens/s"


def _problems(terms: Sequence[LossTerm]) -> list[str]:
    return [*dict.fromkeys(term.problem_id for term in terms)]


def _adapted(model: Any, task: str, *, fuse: bool, save: tuple[str, ...] = ()) -> Any:
    from peft import get_peft_model
    from transformers import set_seed

    set_seed(0)  # the adapter's first weights
    adapted = get_peft_model(
        model, lora_config(load_recipe("smollm2-cpu").defaults.lora, task, save=save)
    )
    if fuse:
        fused_lora.fuse(adapted)
    return adapted


def _shared(base: Path) -> tuple[Any, Backward]:
    """Return this trainer's model, and its passes; preferences are of raw scores, as TRL's are."""
    from rstar_train.value.model import load_value_model
    from rstar_train.value.ppm import OBJECTIVES
    from rstar_train.value.training import micro_batch_loss

    dtype = weights_dtype(frozen=True)
    model = _adapted(load_value_model(base, dtype=dtype), "SEQ_CLS", fuse=True, save=("score",))

    def backward(batch: Batch) -> float:
        total = 0.0
        for part in batch.micro_batches:
            loss = micro_batch_loss(model, part, OBJECTIVES["official"], dtype) / batch.weight
            loss.backward()
            total += float(loss.detach())
        return total

    return model, backward


def _rewarded(base: Path, tokenizer: Any, terms: Sequence[LossTerm]) -> tuple[Any, Backward]:
    """Return TRL's, with the same adapter and a head that begins at zero like ours."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=1, dtype=weights_dtype(frozen=True)
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    torch.nn.init.zeros_(model.score.weight)
    adapted = _adapted(model, "SEQ_CLS", fuse=False, save=("score",))
    with TemporaryDirectory() as folder:
        trainer = RewardTrainer(
            model=adapted,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(_preferences(terms[:1])),
            args=RewardConfig(
                output_dir=folder,
                report_to="none",
                disable_tqdm=True,
                bf16=False,
                gradient_checkpointing=False,
                disable_dropout=False,
            ),
        )
    adapted.train()

    def backward(batch: Sequence[LossTerm]) -> float:
        total = 0.0
        for first in range(0, len(batch), PAIRS):
            rows = _preferences(batch[first : first + PAIRS])
            loss = trainer.compute_loss(adapted, dict(trainer.data_collator(rows)))
            loss = loss * len(rows) / len(batch)
            loss.backward()
            total += float(loss.detach())
        return total

    return adapted, backward


def _preferences(terms: Sequence[LossTerm]) -> list[dict[str, list[int]]]:
    return [{"chosen_ids": [*t.text], "rejected_ids": [*(t.other or ())]} for t in terms]


def _sft(base: Path, tokenizer: Any, curves: list[Curve]) -> Figures:
    """Rows through this trainer's loss and through TRL's own, padded."""
    from rstar_train.policy.sft import tokenize_rows

    ends = [row for row in pairs(ROWS * STEPS) if row.kind == "solution"][::4]  # one a problem
    rows = [
        SFTRow(row.problem_id, row.prompt, f"{row.chosen}{row.chosen[: 20 * (at % ROWS)]}", 1.0)
        for at, row in enumerate(ends)
    ]
    examples = tokenize_rows(rows, tokenizer, 512)
    batches = [examples[first : first + ROWS] for first in range(0, len(examples), ROWS)]
    tokens = sum(len(each["input_ids"]) for each in batches[0])
    for name, ours in (("SFT, packed", True), ("SFT, TRL's SFTTrainer", False)):
        trainer = _sft_trainer(base, tokenizer, batches[0], ours=ours)
        backward = _backward_of(trainer)
        yield name, tokens / _seconds(backward, batches[0]), "tokens/s"
        curves.append(Curve("SFT", name, _train(trainer.model, backward, batches)))


def _backward_of(trainer: Any) -> Backward:
    """Return what computes the mean loss of a batch's learnt tokens."""

    def backward(examples: list[Any]) -> float:
        trainer.model.train()
        loss = trainer.compute_loss(trainer.model, dict(trainer.data_collator(examples)))
        loss.backward()
        return float(loss.detach())

    return backward


def _sft_trainer(base: Path, tokenizer: Any, examples: list[Any], *, ours: bool) -> Any:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, set_seed
    from trl import SFTConfig, SFTTrainer

    from rstar_train.policy.sft import Packer, response_trainer
    from rstar_train.training.tree_attention import use_packed_attention

    set_seed(0)  # the adapter's first weights
    model = AutoModelForCausalLM.from_pretrained(base, dtype=weights_dtype(frozen=True))
    if ours:
        use_packed_attention(model)
    with TemporaryDirectory() as folder:
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


def draw(curves: Sequence[Curve]) -> bytes:
    """Return an SVG of the losses of the two ways of each part, over each other."""
    parts = [*dict.fromkeys(curve.part for curve in curves)]
    figure, panels = new_figure(len(parts), width=8.4, height=3.0)
    for axes, part in zip(panels, parts, strict=True):
        both = [curve for curve in curves if curve.part == part]
        for curve, colour, line, width in zip(both, COLOURS, LINES, (2.4, 1.2), strict=False):
            steps = range(1, len(curve.losses) + 1)
            axes.plot(steps, curve.losses, line, color=colour, label=curve.name, linewidth=width)
        axes.set_title(f"{part}: loss, nats, before each optimizer step")
        axes.legend(fontsize=8)
    return svg(figure)


def main() -> None:
    """Print the figures, one JSON list a line."""
    parser = argparse.ArgumentParser(prog="python -m rstar_train.speed")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the losses")
    plot = parser.parse_args().plot
    curves: list[Curve] = []
    for figure in measure(curves):
        print(json.dumps(figure), flush=True)
    if plot is not None:
        replace(plot, draw(curves))


if __name__ == "__main__":
    main()
