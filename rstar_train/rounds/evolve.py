"""Self-evolution: the rounds of a recipe one after the other, resuming wherever it was killed.

The work folder holds a `base` stage, one folder a round, and a journal; the published folder holds
each round's two checkpoints with their lineage, and its figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint
from bench.engines.opening import engine_for
from bench.errors import BenchError
from bench.files.atomic import replace
from rstar_train.publishing.cards import write_cards
from rstar_train.publishing.tables import FIGURES
from rstar_train.recipes.recipe import RECIPES, Recipe
from rstar_train.rounds import journal
from rstar_train.rounds.evaluation import check_searches, evaluate, families_of, figures_of
from rstar_train.rounds.rstar import Handover, Round
from rstar_train.rounds.stages import staged
from rstar_train.search.coverage import coverage
from rstar_train.search.pool import Pool, family_of, load_pool, tier_of
from rstar_train.search.searcher import searcher_of


def evolve(
    recipe: Recipe, *, rounds: int, work: Path, publish: Path, beside: Path = RECIPES
) -> list[Mapping[str, Any]]:
    """Run the rounds of a recipe, resuming what is there; return the figures of each.

    Args:
        recipe: every number of the run.
        rounds: how many; 0 means all that the recipe has.
        work: where the stages write.
        publish: where `round-1/policy`, `round-1/ppm` and so on go.
        beside: folder in which the recipe's drop lists are.

    Raises:
        BenchError: the recipe has fewer rounds, no solved problem, no pairs, a full disk.
    """
    if not 0 <= rounds <= len(recipe.rounds):
        raise BenchError(
            f"{rounds} rounds were asked for, and the recipe {recipe.name!r} has "
            f"{len(recipe.rounds)}"
        )
    count = rounds or len(recipe.rounds)
    base = find_checkpoint(recipe.base, "policy")
    for number in range(1, count + 1):
        # Misspelt names are to be found now, not after hours of training.
        check_searches(recipe.at(number))
        searcher_of(recipe.at(number), base, base, None)
        engine_for(base, recipe.at(number).search.engine)
    pool = load_pool(recipe, beside=beside)
    work.mkdir(parents=True, exist_ok=True)
    _write_pool(pool, work / "pool.json")
    base_evaluation, found = _evaluate_base(recipe.at(1), base, work)
    _write_figures({"evaluation": found}, publish / "base")
    handed = Handover(base, evaluation=base_evaluation)
    figures: list[Mapping[str, Any]] = []
    for number in range(1, count + 1):
        one = Round(number, recipe.at(number), pool, base, base_evaluation, work, publish, handed)
        handed, found = one.run()
        found["coverage"] = coverage(work, number)
        out = publish / f"round-{number}"
        _write_figures(found, out)
        write_cards(out, found)
        figures.append(found)
    return figures


def _evaluate_base(recipe: Recipe, base: Checkpoint, work: Path) -> tuple[Path, Mapping[str, Any]]:
    """Evaluate the base model, which the first round is compared with; folder and figures."""
    folder = work / "base" / "evaluation"

    def measure() -> Mapping[str, Any]:
        return figures_of(evaluate(recipe, folder, policy=base, ppm=None), {}, families_of(recipe))

    inputs = {"recipe": recipe.digest("evaluation"), "policy": base.digest}
    figures = staged(
        folder,
        inputs,
        measure,
        config=recipe.values("evaluation"),
        journal=work / journal.NAME,
    )
    return folder, figures


def _write_figures(figures: Mapping[str, Any], folder: Path) -> None:
    """Publish what `rstar-train table` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / FIGURES, (json.dumps(figures, indent=2) + "\n").encode())


def _write_pool(pool: Pool, file: Path) -> None:
    """Write which problems there are, of which tier and family: what coverage is counted over."""
    data = {
        "digest": pool.digest,
        "dropped": pool.dropped,
        "bootstrap": len(pool.bootstrap),
        "problems": [[p.id, tier_of(p), family_of(p), p.id in pool.held_out] for p in pool.covered],
    }
    replace(file, (json.dumps(data) + "\n").encode())
