"""PPM training: pairwise Bradley-Terry on a tanh head, shared prefixes computed once (section 3.3).

The model is the round's policy with a scalar head in place of the LM head. A text's score is read
at its last token; nothing is appended to it. The pairs of a problem share their prompt and most of
their steps, and a step trains on whole problems, so that each token is computed once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.engines.ppm import PPMScorer
from bench.errors import BenchError, MissingExtraError
from bench.stats import wilson
from rstar_train import objectives
from rstar_train.batches import Term, draw_groups, steps
from rstar_train.fitting import digest, load_tokenizer
from rstar_train.progress import resumable
from rstar_train.recipe import Recipe
from rstar_train.rows import PairRow

HELD_OUT_PAIRS = 400
"""Held-out pairs that are scored: an interval of five points either way, at most."""

log = logging.getLogger(__name__)


def train_ppm(rows: Sequence[PairRow], recipe: Recipe, base: Path, out: Path) -> dict[str, Any]:
    """Train an adapter on `rows`, save it in `out`, return the figures for its lineage.

    `base` is the Hugging Face folder of the round's policy. `ppm.max_rows` draws whole problems;
    `ppm.batch_size` is the fewest pairs of a step. A training that was killed goes on at its last
    checkpoint. Raises BenchError, CheckpointError, MissingExtraError.
    """
    if not rows:
        raise BenchError(
            "there are no preference pairs: every searched problem has only correct or only wrong "
            "trajectories; raise the rollouts, or search other problems"
        )
    try:
        from rstar_train.value_model import fit_value

        tokenizer = load_tokenizer(base)
    except ImportError as error:
        raise MissingExtraError("training", "trl", "cpu") from error
    drawn = draw_groups(rows, lambda row: row.problem_id, recipe.ppm.max_rows, recipe.seed)
    terms = pair_terms(drawn, tokenizer, recipe.ppm.max_length)
    if not terms:
        raise BenchError(
            f"each of the {len(drawn)} pairs has a side of more than {recipe.ppm.max_length} "
            "tokens; raise ppm.max_length"
        )
    checkpoint = resumable(out / "trainer", digest(recipe, ("lora", "ppm"), base, drawn))
    figures = fit_value(
        steps(terms, recipe.ppm.batch_size),
        objectives.preference,
        label="PPM",
        settings=recipe.ppm,
        lora=recipe.lora,
        seed=recipe.seed,
        base=base,
        out=out,
        checkpoint=checkpoint,
    )
    return {
        "pairs": len(terms),
        "problems": len({term.problem_id for term in terms}),
        "dropped_too_long": len(drawn) - len(terms),
        **figures,
    }


def pair_terms(rows: Sequence[PairRow], tokenizer: Any, max_length: int) -> list[Term]:
    """Return the pairs of which both sides fit; no token is appended to either."""
    terms = []
    for row in rows:
        chosen, rejected = (
            tuple(tokenizer(row.prompt + text, add_special_tokens=False)["input_ids"])
            for text in (row.chosen, row.rejected)
        )
        if max(len(chosen), len(rejected)) <= max_length:
            terms.append(Term(row.problem_id, chosen, rejected, 0.0, row.weight))
    return terms


def pair_accuracy(rows: Sequence[PairRow], recipe: Recipe, ppm: Path) -> dict[str, Any]:
    """Return how often a merged PPM prefers the chosen side of held-out pairs, as in search.

    Whole problems, of at most `HELD_OUT_PAIRS` rows, with a Wilson interval; a tie is a mistake.
    """
    drawn = draw_groups(rows, lambda row: row.problem_id, HELD_OUT_PAIRS, recipe.seed)
    scorer = PPMScorer(ppm, name="held-out pairs")
    right = sum(chosen > rejected for chosen, rejected in pair_values(drawn, scorer))
    scorer.close()
    interval = wilson(right, len(drawn))
    return {
        "held_out_pairs": len(drawn),
        "right": right,
        "accuracy": round(interval.estimate, 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
    }


def pair_values(rows: Sequence[PairRow], scorer: PPMScorer) -> list[tuple[float, float]]:
    """Return the values of both sides of pairs, what a problem's share computed once."""
    problems: dict[str, list[PairRow]] = {}
    for row in rows:
        problems.setdefault(row.problem_id, []).append(row)
    values: dict[str, float] = {}
    for group in problems.values():
        sides = ((row.prompt + text) for row in group for text in (row.chosen, row.rejected))
        texts = list(dict.fromkeys(sides))
        scored = scorer.values("", [[text] for text in texts])
        values |= {text: value for text, (value,) in zip(texts, scored, strict=True)}
    return [(values[row.prompt + row.chosen], values[row.prompt + row.rejected]) for row in rows]
