"""What a round's PPM might have learnt instead, each measured on the same held-out problems.

Every variant starts from the round's policy with the round's settings, and differs in one thing:
what it learns of the policy's own solutions, that it learns from the search's trees as in the
paper, or that its head alone is fitted. All are measured as the round's PPM is
(`rstar_train.rounds.refresh`): AUC and choices on samples of held-out pool problems. Stages lie in
`scorers/` of the round's work folder, and resume as rounds do.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import read_checkpoint
from bench.checkpoints.weights import full_weights
from bench.errors import BenchError, UnknownNameError
from bench.files.atomic import replace_json
from bench.files.digests import file_digest
from rstar_train.figures import PPMFigures, ScorerFigures, ValueFigures, WorthFigures
from rstar_train.publishing.checkpoint import weights_file
from rstar_train.publishing.tables import SCORERS
from rstar_train.recipes.recipe import RECIPES, Recipe
from rstar_train.recipes.settings import LoRASettings, PPMSettings
from rstar_train.rounds import refresh
from rstar_train.rounds.stages import MANIFEST, Stages
from rstar_train.rows.making import PAIRS
from rstar_train.rows.on_policy import outcome_rows, read_solutions
from rstar_train.rows.row import OutcomeRow, PairRow, StepRow, read_rows
from rstar_train.rows.samples import read_samples
from rstar_train.search.pool import load_pool
from rstar_train.value.orm_pqm import train_orm, train_pqm
from rstar_train.value.ppm import train_ppm

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rows:
    """What variants learn from."""

    search_pairs: Sequence[PairRow]
    """Of the trees that the policy before grew."""
    pairs: Sequence[PairRow]
    values: Sequence[StepRow]
    outcomes: Sequence[OutcomeRow]
    """These three, of the round's own policy."""


Training = Callable[..., PPMFigures | ValueFigures]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train a scorer."""

    words: str
    train: Callable[[Rows], Callable[..., PPMFigures | ValueFigures]]
    """Given the rows, takes what all trainings of scorers take."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the recipe's section `ppm` that differ."""


def _ppm(rows: Rows) -> Training:
    def fit(base: Path, out: Path, **how: Any) -> PPMFigures:
        return train_ppm(rows.pairs, base, out, values=rows.values, **how)

    return fit


def _ppm_of_search(rows: Rows) -> Training:
    def fit(base: Path, out: Path, **how: Any) -> PPMFigures:
        return train_ppm(rows.search_pairs, base, out, **how)

    return fit


def _pqm(rows: Rows) -> Training:
    return lambda base, out, **how: train_pqm(rows.values, base, out, **how)


def _orm(rows: Rows) -> Training:
    return lambda base, out, **how: train_orm(rows.outcomes, base, out, **how)


VARIANTS: Mapping[str, Variant] = {
    "search": Variant("PPM, pairs of the search's trees (paper)", _ppm_of_search, {"learn": None}),
    "pairs": Variant("PPM, on-policy pairs", _ppm, {"learn": "pairs"}),
    "values": Variant("PPM, on-policy values", _ppm, {"learn": "values"}),
    "both": Variant("PPM, on-policy pairs and values", _ppm, {"learn": "both"}),
    "bias": Variant("the same, a head with a bias", _ppm, {"learn": "both", "bias": True}),
    "head-pairs": Variant("head alone, pairs", _ppm, {"learn": "pairs", "head_only": True}),
    "head-values": Variant("head alone, values", _ppm, {"learn": "values", "head_only": True}),
    "head-both": Variant("head alone, both", _ppm, {"learn": "both", "head_only": True}),
    "pqm": Variant("PQM with centering, values", _pqm),
    "orm": Variant("ORM, outcomes", _orm),
}


def compare_scorers(
    recipe: Recipe,
    number: int,
    *,
    work: Path,
    publish_in: Path,
    names: Sequence[str] = (),
    beside: Path = RECIPES,
) -> ScorerFigures:
    """Train and measure variants of round `number`'s PPM; return and publish what is known of them.

    `names` are of `VARIANTS`; none means all. Raises BenchError: the round has not been refreshed
    on-policy; UnknownNameError.
    """
    for name in names:
        if name not in VARIANTS:
            raise UnknownNameError("variant of a scorer", name, VARIANTS)
    if recipe.system != "rstar":
        raise BenchError(
            f"the recipe {recipe.name!r} trains {recipe.system}, and variants of a PPM are of "
            "rStar-Math's recipes; its value models are in rstar-train table"
        )
    settings, folder = recipe.at(number), work / f"round-{number}"
    samples = folder / "on_policy" / "trees"
    if not (folder / "on_policy_rows" / MANIFEST).is_file():
        raise BenchError(
            f"{folder} holds no solutions of the round's own policy to learn from: the recipe "
            "needs refresh.problems, and rstar-train evolve must have got there"
        )
    pool = load_pool(recipe.pool, seed=recipe.seed, beside=beside)
    policy = read_checkpoint(publish_in / f"round-{number}" / "policy", "policy")
    rows = Rows(
        read_rows(PairRow, folder / "rows" / PAIRS),
        read_rows(PairRow, folder / "on_policy_rows" / refresh.PAIRS),
        read_rows(StepRow, folder / "on_policy_rows" / refresh.VALUES),
        [
            row
            for each in refresh.runs_learnt(
                settings.refresh, pool, work, number, folder, recipe.seed
            )
            for problem, record, trace in read_samples(each.problems, each.run)
            for row in outcome_rows(problem, read_solutions(record, trace))
        ],
    )
    found: dict[str, WorthFigures] = {}
    for name in names or VARIANTS:
        variant = VARIANTS[name]
        stages = Stages(folder / "scorers" / name, recipe.seed)
        ppm = dataclasses.replace(settings.ppm, **variant.settings)
        out, fit = stages.folder / "ppm", variant.train(rows)

        def work_on(
            lora: LoRASettings, ppm: PPMSettings, *, fit: Training = fit, out: Path = out
        ) -> ValueFigures:
            figures = fit(full_weights(policy), out, settings=ppm, lora=lora, seed=recipe.seed)
            return figures if isinstance(figures, ValueFigures) else figures.as_values()

        trained = stages.train(
            "ppm",
            ValueFigures,
            work_on,
            parent=policy,
            data=folder / "on_policy_rows" / refresh.VALUES,
            sections={"lora": settings.lora, "ppm": ppm},
            weights=weights_file(settings.lora),
        )
        checkpoint = refresh.publish_scorer(
            trained,
            stages.folder / "published",
            f"{policy.name}-{name}",
            policy=policy,
            number=number,
            recipe=recipe.name,
            lora=settings.lora,
        )
        found[name] = stages.run(
            "worth",
            WorthFigures,
            lambda c=checkpoint: refresh.measure_worth(pool.measuring, samples, c),
            inputs={
                "ppm": checkpoint.digest,
                "samples": file_digest(samples / "records.jsonl"),
            },
        )
        log.info("%s: AUC %s", name, {k: round(v.estimate, 3) for k, v in found[name].auc.items()})
    figures = ScorerFigures(number, {VARIANTS[name].words: each for name, each in found.items()})
    replace_json(publish_in / f"round-{number}" / SCORERS, figures.to_json())
    return figures
