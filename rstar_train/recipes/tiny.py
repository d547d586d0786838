"""A recipe shrunk to minutes: every stage of every round runs for real, and little is learnt.

What is cut is the number of problems, rollouts, rows and evaluation problems; rounds, annotation,
policies, trees and rules stay the recipe's. Of the lowest embedded tier only the easiest family is
kept, because a round must teach enough for the next one to solve something.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from bench.problems.generated import DIAL
from bench.search import SearchConfig
from rstar_train.recipes.cpl import CPLRound
from rstar_train.recipes.recipe import Recipe, RoundSettings
from rstar_train.recipes.settings import (
    AblationSettings,
    EvaluationRun,
    EvaluationSettings,
    FitSettings,
    PoolSettings,
    RefreshSettings,
    RowSettings,
    SearchSettings,
    Source,
)

Fit = TypeVar("Fit", bound=FitSettings)

PROBLEMS = 12
"""Problems kept of the first source. A bootstrap source keeps three times as many, any other source
two."""
EASIEST = ("embedded-grade-school", "gcd")
"""The tier, and its family with the shortest programs."""
EASIEST_PLANS = ("embedded-countdown", "sums_3")
"""The same of what a demonstrator of plans knows."""
HELD_OUT = 3
SFT_ROWS, SFT_EPOCHS = 16, 3.0
"""Twelve steps of four rows: what the format of one family takes."""
PLAN_ROWS, PLAN_EPOCHS = 32, 4.0
"""As many steps as the longer format of a plan and its solution takes."""
PPM_ROWS = 8
REFRESHED = 6
"""Problems that a round's new policy samples, besides those held out."""
WARM = 1.2
"""Temperature of a policy that samples them, at least: it must also be wrong now and then."""
EVALUATED = 3
"""Problems of an evaluation."""
KNOBS = {"n": 2, "rollouts": 2, "candidates": 2, "max_depth": 5, "iterations": 3, "children": 2}
"""What the searches of an evaluation may spend."""


def shrink(recipe: Recipe) -> Recipe:
    """Return the recipe with every number cut that costs time; its name ends with `-tiny`."""
    plans = recipe.system == "cpl"
    cut = _plan_round if plans else _round
    return dataclasses.replace(
        recipe,
        name=f"{recipe.name}-tiny",
        pool=_pool(recipe.pool, EASIEST_PLANS if plans else EASIEST),
        defaults=cut(recipe.defaults),
        ablation=AblationSettings(samples=4),
        rounds=tuple(cut(each) for each in recipe.rounds),
    )


def _plan_round(settings: CPLRound) -> CPLRound:
    search = dataclasses.replace(
        settings.search,
        iterations=min(settings.search.iterations, 12),
        children=min(settings.search.children, 2),
        problems=None,
        action_tokens=min(settings.search.action_tokens, 100),
    )
    return dataclasses.replace(
        settings,
        search=search,
        sft=_fit(settings.sft, PLAN_ROWS, PLAN_EPOCHS),
        preference=_fit(settings.preference, PPM_ROWS, 1.0),
        value=_fit(settings.value, 10 * PPM_ROWS, 1.0),
        evaluation=_evaluation(settings.evaluation),
    )


def _round(settings: RoundSettings) -> RoundSettings:
    search = _search(settings.search)
    if settings.refresh.problems:
        search = dataclasses.replace(search, temperature=max(search.temperature, WARM))
    return dataclasses.replace(
        settings,
        search=search,
        rows=_rows(settings.rows),
        sft=_fit(settings.sft, SFT_ROWS, SFT_EPOCHS),
        ppm=_fit(settings.ppm, PPM_ROWS, 1.0),
        evaluation=_evaluation(settings.evaluation),
        refresh=_refresh(settings.refresh),
    )


def _pool(settings: PoolSettings, easiest: tuple[str, str]) -> PoolSettings:
    # A benchmark that a recipe names several times, once for each of its families, counts once.
    # What has several lengths is too long for so little training: the easiest family in its place.
    sources_left = [
        dataclasses.replace(source, name=easiest[0]) if _has_lengths(source.name) else source
        for source in settings.sources
    ]
    first: dict[tuple[str, bool], Source] = {}
    for source in sources_left:
        first.setdefault((source.name, source.bootstrap), source)
    sources: list[Source] = []
    for source in first.values():
        size = 3 * PROBLEMS if source.bootstrap else 2 if sources else PROBLEMS
        tier, family = easiest
        families = (family,) if source.name == tier else source.families
        size = min(source.problems or size, size)
        sources.append(dataclasses.replace(source, problems=size, families=families))
    return PoolSettings(tuple(sources), min(settings.held_out, HELD_OUT))


def _search(settings: SearchSettings) -> SearchSettings:
    rollouts = min(settings.rollouts, 4)
    more = (rollouts + 1,) if settings.unsolved_rollouts else ()
    return dataclasses.replace(
        settings,
        rollouts=rollouts,
        candidates=min(settings.candidates, 3),
        max_depth=min(settings.max_depth, 6),
        unsolved_rollouts=more,
        step_tokens=min(settings.step_tokens, 40),
    )


def _has_lengths(name: str) -> bool:
    return name.removeprefix("embedded-") in DIAL


def _refresh(settings: RefreshSettings) -> RefreshSettings:
    return RefreshSettings(min(settings.problems, REFRESHED), min(settings.samples, 4))


def _rows(settings: RowSettings) -> RowSettings:
    # With so few problems there is nothing to balance.
    return dataclasses.replace(settings, sft_per_family=0, pairs_per_family=0)


def _fit(settings: Fit, rows: int, epochs: float) -> Fit:
    return dataclasses.replace(settings, epochs=epochs, batch_size=4, max_rows=rows)


def _evaluation(settings: EvaluationSettings) -> EvaluationSettings:
    runs = tuple(
        dataclasses.replace(run, problems=EVALUATED, config=_knobs(run)) for run in settings.runs
    )
    return dataclasses.replace(settings, runs=runs, gate="none")


def _knobs(run: EvaluationRun) -> SearchConfig:
    """Return a run's knobs, none of which is larger than in `KNOBS`."""
    config = run.config or run.entry.config()
    cut = {
        name: min(getattr(config, name), most)
        for name, most in KNOBS.items()
        if hasattr(config, name)
    }
    return dataclasses.replace(config, **cut)
