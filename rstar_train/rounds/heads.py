"""A PPM that is a head on a policy's own states: minutes for any policy, a row for each score.

The policy searches problems of a recipe's pool, and the rows are those of a round's refresh
(`rstar_train.rounds.refresh`): solutions of one problem are merged into a tree, siblings are
paired, and every prefix is worth the share of right solutions that begin so. The backbone stays the
policy's. A search that generates with the batch-invariant engine then scores a candidate at the
price of a row (`bench.engines.invariant_ppm`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights
from bench.engines.opening import AUTO
from bench.errors import BenchError
from bench.files.digests import file_digest
from bench.prompts import OFFICIAL
from bench.types import Problem
from rstar_train.figures import OnPolicyRowFigures, PPMFigures, SampleFigures, WorthFigures
from rstar_train.publishing.cards import write_head_card
from rstar_train.publishing.checkpoint import weights_file
from rstar_train.recipes.recipe import RECIPES, Recipe, RoundSettings, sections_digest
from rstar_train.recipes.settings import (
    LoRASettings,
    PPMSettings,
    RefreshSettings,
    SearchSettings,
)
from rstar_train.rounds import refresh
from rstar_train.rounds.stages import Stages
from rstar_train.rows.row import PairRow, StepRow, read_rows
from rstar_train.search.pool import Pool, load_pool
from rstar_train.search.searcher import Searcher
from rstar_train.search.stage import one_tree, sample_pool, search_pool

log = logging.getLogger(__name__)

_FORM = LoRASettings(rank=1, alpha=1, dropout=0.0)
"""An adapter that changes nothing, in which the head is saved."""


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """What a head was fitted to, and what it is worth on held-out problems."""

    checkpoint: Checkpoint
    rows: OnPolicyRowFigures
    training: PPMFigures
    worth: WorthFigures


def fit_head_on(
    policy: Checkpoint,
    recipe: Recipe[RoundSettings],
    *,
    problems: int,
    samples: int,
    work: Path,
    out: Path,
    beside: Path = RECIPES,
) -> HeadFigures:
    """Let a policy search `problems` of a recipe's pool, fit a head to that, publish it in `out`.

    Each has a tree of so many `samples`, as many as are drawn of a held-out one, on which the head
    is measured. Stages lie in `work`, and resume as rounds do. Raises BenchError: a recipe of
    another system, a policy of other prompts, no problem that is solved sometimes; CheckpointError,
    MissingExtraError.
    """
    from rstar_train.value.ppm import train_ppm

    _require_steps(policy, recipe)
    settings, seed = recipe.at(len(recipe.rounds)), recipe.seed
    pool, stages = load_pool(recipe.pool, seed=seed, beside=beside), Stages(work, seed)
    chosen = refresh.draw_problems(pool, (), problems, seed)
    refreshing = RefreshSettings(problems=problems, samples=samples, search="mcts")
    # Whatever the rounds were searched with: here nothing is to depend on what ran before.
    searching = dataclasses.replace(settings.search, engine=AUTO)
    stages.run(
        "on_policy",
        SampleFigures,
        lambda refresh, search: _search(policy, pool, chosen, refresh, search, recipe, work),
        sections={"refresh": refreshing, "search": searching},
        inputs={"pool": pool.digest, "policy": policy.digest},
    )
    trees, drawn = _trees(work), _samples(work)
    rows = stages.run(
        "rows",
        OnPolicyRowFigures,
        lambda: refresh.make_rows([refresh.Learnt(trees, pool.training)], work / "rows"),
        inputs={"trees": file_digest(trees / "records.jsonl")},
        outputs=(refresh.PAIRS, refresh.VALUES),
    )
    if not rows.mixed:
        raise BenchError(
            f"none of the {rows.problems} problems has right and wrong solutions, so there is "
            "nothing to learn from; search more of them (--problems), or a harder pool"
        )

    def fit(ppm: PPMSettings) -> PPMFigures:
        pairs = read_rows(PairRow, work / "rows" / refresh.PAIRS)
        values = read_rows(StepRow, work / "rows" / refresh.VALUES)
        base = full_weights(policy)
        return train_ppm(
            pairs, base, work / "head", settings=ppm, lora=_FORM, seed=seed, values=values
        )

    fitting = dataclasses.replace(settings.ppm, learn="both", bias=True, head_only=True)
    trained = stages.train(
        "head",
        PPMFigures,
        fit,
        parent=policy,
        data=work / "rows" / refresh.VALUES,
        sections={"ppm": fitting},
        weights=weights_file(_FORM),
    )
    ppm = refresh.publish_scorer(
        trained,
        out,
        f"{policy.name}-head",
        policy=policy,
        number=int(policy.lineage.get("round", 0)),
        recipe=recipe.name,
        lora=_FORM,
    )
    worth = stages.run(
        "worth",
        WorthFigures,
        lambda: refresh.measure_worth(pool.measuring, drawn, ppm),
        inputs={"ppm": ppm.digest, "samples": file_digest(drawn / "records.jsonl")},
    )
    config = PPMConfig.load(out)
    dataclasses.replace(config, aggregate=refresh.as_aggregate(worth.aggregate)).save(out)
    write_head_card(out, rows.problems, worth)
    return HeadFigures(ppm, rows, trained.figures, worth)


def _require_steps(policy: Checkpoint, recipe: Recipe[RoundSettings]) -> None:
    if recipe.system != "rstar":
        raise BenchError(
            f"the recipe {recipe.name!r} trains {recipe.system}, and a head is fitted to steps; "
            "choose one of rStar-Math's, smollm2-dial for one"
        )
    if policy.template != OFFICIAL.name:
        raise BenchError(
            f"the policy {policy.name!r} is asked in the template {policy.template!r}, and a head "
            f"is fitted to steps in {OFFICIAL.name!r}; choose a policy of rstar-train"
        )


def _trees(work: Path) -> Path:
    return work / "on_policy" / "searched"


def _samples(work: Path) -> Path:
    return work / "on_policy" / "trees"


def _search(
    policy: Checkpoint,
    pool: Pool,
    problems: Sequence[Problem],
    refreshing: RefreshSettings,
    searching: SearchSettings,
    recipe: Recipe[RoundSettings],
    work: Path,
) -> SampleFigures:
    """Let the policy search what is trained on, and sample what is held out."""
    seed, of_pool = recipe.seed, sections_digest(recipe.seed, {"pool": recipe.pool})

    async def both() -> SampleFigures:
        sampled = await sample_pool(
            pool.measuring,
            searching,
            policy,
            _samples(work),
            n=refreshing.samples,
            seed=seed,
            pool=of_pool,
            greedy_first=True,
        )
        found = await search_pool(
            [problem for problem in problems if problem.id not in pool.held_out],
            one_tree(searching, refreshing.samples),
            Searcher(policy=policy),
            _trees(work),
            seed=seed,
            pool=of_pool,
        )
        return sampled.plus(found)

    return asyncio.run(both())
