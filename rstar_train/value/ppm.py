"""PPM training: pairwise Bradley-Terry on a tanh head, shared prefixes computed once (section 3.3).

The model is the round's policy with a scalar head in place of the LM head. A text's score is read
at its last token; nothing is appended to it. The pairs of a problem share their prompt and most of
their steps, and a step trains on whole problems, so that each token is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bench.errors import BenchError
from rstar_train.recipes.recipe import PPMSettings, Recipe
from rstar_train.rows.row import PairRow
from rstar_train.value import objectives
from rstar_train.value.batches import Term
from rstar_train.value.training import Goal, Texts, train_value

GOALS = {
    "paper": Goal("ppm", objectives.preference),
    "official": Goal("ppm", objectives.raw_preference, "tanh_fifth", summed=True),
}
"""How pairs are learnt: tanh in training and use, weighted mean; or raw in training, tanh(raw / 5)
in use, weighted sum. The official code's head starts at 1e-6, ours at 0, which is the same."""


def train_ppm(
    rows: Sequence[PairRow],
    recipe: Recipe,
    base: Path,
    out: Path,
    *,
    rules: Literal["paper", "official"] | None = None,
) -> dict[str, Any]:
    """Train a PPM on `rows`, save it with its `ppm.json` in `out`, return figures for its lineage.

    `rules` are the recipe's row rules unless given. See `value_training.train_value` for the rest;
    raises BenchError without pairs.
    """
    if not rows:
        raise BenchError(
            "there are no preference pairs: every searched problem has only correct or only wrong "
            "trajectories; raise the rollouts, or search other problems"
        )
    goal = of_pairs(GOALS[rules or recipe.rows.rules], recipe.ppm)
    figures = train_value(rows, pair_term, goal, recipe, base, out)
    return {"pairs": figures.pop("rows"), **figures}


def of_pairs(goal: Goal, settings: PPMSettings) -> Goal:
    """Return a goal that is learnt from pairs, with the recipe's centering."""
    if settings.centering is None:
        return goal
    return replace(goal, objective=objectives.centered(goal.objective, settings.centering))


def pair_term(row: PairRow, ids: Texts) -> Term | None:
    """Return a pair with its weight; None where a side is too long."""
    chosen, rejected = ids(row.prompt + row.chosen), ids(row.prompt + row.rejected)
    if chosen is None or rejected is None:
        return None
    return Term(row.problem_id, chosen, rejected, 0.0, row.weight)
