"""Self-evolution: the rounds of a recipe one after the other, resuming wherever it was killed.

The work folder holds a `base` stage, one folder a round, and a journal; the published folder holds
each round's two checkpoints with their lineage, and its figures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint
from bench.errors import BenchError
from bench.evaluation.room import require_free, require_writable
from bench.evaluation.work import Solving, solve_here
from bench.files import atomic
from bench.files.cache import cache_dir
from rstar_train.cpl_figures import CPLRoundFigures
from rstar_train.figures import BaseFigures, EvaluationFigures, Figures, RoundFigures
from rstar_train.publishing.tables import FIGURES
from rstar_train.recipes.recipe import RECIPES, Recipe
from rstar_train.recipes.settings import EvaluationSettings
from rstar_train.rounds import journal
from rstar_train.rounds.at_work import Handover, RoundAtWork, RoundResult
from rstar_train.rounds.evaluation import benchmark_digest, evaluate, families_of, figures_of
from rstar_train.rounds.stages import Stages
from rstar_train.rounds.systems import SystemEntry, system_of
from rstar_train.search.pool import Pool, family_of, load_pool, tier_of
from rstar_train.search.searcher import check_engine, find_searcher
from rstar_train.search.stage import find_searchable

ROUND_BYTES = 64 << 20
"""Of a round's trees, rows and adapters, about: four rounds of the embedded model leave 320 MB."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's evaluation: its figures, and the folder of its runs."""

    folder: Path
    figures: EvaluationFigures


def evolve(
    recipe: Recipe,
    *,
    rounds: int | None = None,
    work: Path,
    publish: Path,
    beside: Path = RECIPES,
    solving: Solving = solve_here,
) -> list[RoundFigures] | list[CPLRoundFigures]:
    """Run the rounds of a recipe, resuming what is there; return the figures of each.

    Args:
        recipe: every number of the run.
        rounds: how many; None means all that the recipe has.
        work: where the stages write.
        publish: where `round-1/policy`, `round-1/ppm` and so on go.
        beside: folder in which the recipe's drop lists are.
        solving: where problems are searched and sampled: in this process, or on a cluster.

    Raises:
        BenchError: the recipe has fewer rounds, or one that cannot be run; no solved problem, no
            pairs, a full disk.
    """
    count, base, pool = check_run(recipe, rounds=rounds, work=work, beside=beside)
    work.mkdir(parents=True, exist_ok=True)
    _write_pool(pool, work / "pool.json")
    of_base = _evaluate_base(recipe, base, work)
    _write_figures(BaseFigures(of_base.figures), publish / "base")
    handed = Handover(base, evaluation=of_base.folder)
    figures: list[RoundFigures] | list[CPLRoundFigures] = []
    system = system_of(recipe)
    for number in range(1, count + 1):
        one = system.round(
            number, recipe, pool, base, of_base.folder, work, publish, handed, solving=solving
        )
        result = _run(one, system)
        if number == len(recipe.rounds):
            for seed in recipe.again:
                _run(replace(one, again=seed), system)
        handed = result.handover
        figures.append(result.figures)
    return figures


def check_run(
    recipe: Recipe, *, rounds: int | None = None, work: Path, beside: Path = RECIPES
) -> tuple[int, Checkpoint, Pool]:
    """Return how many rounds `evolve` would run, from which model, on which pool; write nothing.

    Raises BenchError for whatever would stop it that can be known before.
    """
    count = len(recipe.rounds) if rounds is None else rounds
    if not 1 <= count <= len(recipe.rounds):
        raise BenchError(
            f"{count} rounds were asked for, and the recipe {recipe.name!r} has "
            f"{len(recipe.rounds)}; give a number from 1 to that, or none for all"
        )
    base = find_checkpoint(recipe.base, "policy")
    _require_names(recipe, base)
    pool = load_pool(recipe.pool, seed=recipe.seed, beside=beside)
    _require_work(recipe, pool, base)
    require_free(work, ROUND_BYTES * count, "the work folder")
    require_writable(cache_dir())
    return count, base, pool


def _require_names(recipe: Recipe, base: Checkpoint) -> None:
    """Raise BenchError for a name in any round that nothing has: now, not after hours."""
    for settings in recipe.rounds:
        for run in settings.evaluation.runs:
            _ = run.entry
        find_searcher(settings.search, base, base, None)
        check_engine(settings.search, base)
    for evaluation in dict.fromkeys(settings.evaluation for settings in recipe.rounds):
        benchmark_digest(evaluation)  # reads the problems


def _require_work(recipe: Recipe, pool: Pool, base: Checkpoint) -> None:
    """Raise BenchError for a round in which nothing of the pool can be searched."""
    for number, settings in enumerate(recipe.rounds, start=1):
        search = settings.search
        searcher = find_searcher(search, base, base, None)
        find_searchable(pool.searched(number, search.bootstrap or 0, recipe.seed), search, searcher)


def _run(one: RoundAtWork, system: SystemEntry) -> RoundResult:
    """Do what is left of a round, and publish its figures and cards."""
    result = one.run()
    out = one.publish / one.name
    _write_figures(result.figures, out)
    system.write_cards(out, result.figures)
    return result


def _evaluate_base(recipe: Recipe, base: Checkpoint, work: Path) -> Evaluated:
    """Evaluate the base model, which the first round is compared with."""
    folder = work / "base" / "evaluation"

    def measure(evaluation: EvaluationSettings) -> EvaluationFigures:
        runs = evaluate(evaluation, folder, seed=recipe.seed, policy=base, ppm=None)
        return figures_of(runs, families_of(evaluation.benchmark))

    stages = Stages(work / "base", recipe.seed, work / journal.NAME)
    figures = stages.run(
        "evaluation",
        EvaluationFigures,
        measure,
        sections={"evaluation": recipe.at(1).evaluation},
        inputs={
            "problems": benchmark_digest(recipe.at(1).evaluation),
            "policy": base.digest,
        },
    )
    return Evaluated(folder, figures)


def _write_figures(figures: Figures, folder: Path) -> None:
    """Publish what `rstar-train table` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic.replace_json(folder / FIGURES, figures.to_json())


def _write_pool(pool: Pool, file: Path) -> None:
    """Write which problems there are, of which tier and family: what coverage is counted over."""
    data = {
        "digest": pool.digest,
        "dropped": pool.dropped,
        "bootstrap": len(pool.bootstrap),
        "problems": [[p.id, tier_of(p), family_of(p), p.id in pool.held_out] for p in pool.covered],
    }
    atomic.replace(file, (json.dumps(data) + "\n").encode())
