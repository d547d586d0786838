"""PPM training: pairwise Bradley-Terry on a tanh head, shared prefixes computed once (section 3.3).

The model is the round's policy with a scalar head in place of the LM head. A text's score is read
at its last token; nothing is appended to it. The pairs of a problem share their prompt and most of
their steps, and a step trains on whole problems, so that each token is computed once.

A pairwise loss on siblings fixes a step's score up to a constant of its prefix: it learns an
advantage. Where scores are to compare over prefixes, values are learnt beside the pairs or in their
place: the cross entropy of (1 + v) / 2 and the share of right solutions that begin with a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bench.errors import BenchError
from rstar_train.figures import PPMFigures
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rows.row import PairRow, StepRow
from rstar_train.training.batching import TokenizerCache
from rstar_train.value.batches import LossTerm
from rstar_train.value.objectives import (
    Objective,
    add_centering,
    outcome,
    preference,
    raw_preference,
)
from rstar_train.value.training import train_value

OBJECTIVES = {
    "paper": Objective("ppm", preference),
    "official": Objective("ppm", raw_preference, squash="tanh_fifth", summed=True),
}
"""How pairs are learnt: tanh in training and use, weighted mean; or raw in training, tanh(raw / 5)
in use, weighted sum. The official code's head starts at 1e-6, ours at 0, which is the same."""


def train_ppm(
    rows: Sequence[PairRow],
    base: Path,
    out: Path,
    *,
    settings: PPMSettings,
    lora: LoRASettings,
    seed: int,
    rules: Literal["paper", "official"] = "paper",
    values: Sequence[StepRow] = (),
) -> PPMFigures:
    """Train a PPM on `rows`, save it with its `reward.json` in `out`, return its figures.

    `rules` are those that the rows were made by; `values` say what texts are worth, and are learnt
    where `settings.learn` says so, alone or beside the pairs. See `train_value` for the rest;
    raises BenchError without pairs.
    """
    learn = settings.learn or "pairs"
    if learn == "values":
        rows = []
    if learn == "pairs":
        values = ()
    if not rows and not values:
        raise BenchError(
            "there are no preference pairs: every searched problem has only correct or only wrong "
            "trajectories; raise the rollouts, or search other problems"
        )
    objective = center(OBJECTIVES[rules], settings)
    if values:
        objective = replace(objective, point=outcome)
    both: list[PairRow | StepRow] = [*rows, *values]
    figures = train_value(
        both, _term, objective, base, out, settings=settings, lora=lora, seed=seed
    )
    return PPMFigures.of(figures)


def center(objective: Objective, settings: PPMSettings) -> Objective:
    """Return an objective that is learnt from pairs, with the settings' centering."""
    if settings.centering is None:
        return objective
    return replace(objective, loss=add_centering(objective.loss, settings.centering))


def _term(row: PairRow | StepRow, ids: TokenizerCache) -> LossTerm | None:
    return pair_term(row, ids) if isinstance(row, PairRow) else value_term(row, ids)


def value_term(row: StepRow, ids: TokenizerCache) -> LossTerm | None:
    """Return what a text is worth, as a probability; None where it is too long."""
    text = ids(row.text)
    if text is None:
        return None
    return LossTerm(row.problem_id, text, None, (1 + row.q) / 2, row.weight or 1.0)


def pair_term(row: PairRow, ids: TokenizerCache) -> LossTerm | None:
    """Return a pair with its weight; None where a side is too long."""
    chosen, rejected = ids(row.prompt + row.chosen), ids(row.prompt + row.rejected)
    if chosen is None or rejected is None:
        return None
    return LossTerm(row.problem_id, chosen, rejected, 0.0, row.weight)
