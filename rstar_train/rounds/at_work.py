"""What a round of any system has: where it reads and writes, its search, its evaluation.

What it trains in between is the system's (`rstar_train.rounds.rstar`, `rstar_train.rounds.cpl`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.checkpoints.checkpoint import Checkpoint, Kind
from bench.errors import BenchError
from bench.evaluation.work import Solving, solve_here
from bench.prompts import OFFICIAL, Template
from bench.runs.reader import Run, load_run
from bench.types import Problem
from rstar_train.figures import EvaluationFigures, Figures, SearchFigures
from rstar_train.publishing.checkpoint import Lineage, publish, round_name
from rstar_train.recipes.cpl import AnySearch, PlanSearchSettings
from rstar_train.recipes.recipe import Recipe, S, sections_digest
from rstar_train.recipes.settings import EvaluationSettings
from rstar_train.rounds import journal
from rstar_train.rounds.evaluation import (
    benchmark_digest,
    evaluate,
    families_of,
    figures_of,
    passes_gate,
)
from rstar_train.rounds.stages import MANIFEST, Stages, Trained
from rstar_train.search.pool import Pool, draw_by_hash
from rstar_train.search.searcher import Searcher, find_searcher
from rstar_train.search.stage import search_pool

F = TypeVar("F", bound=Figures)


@dataclass(frozen=True, slots=True)
class Handover:
    """What a round begins with: the base model before round 1, then the round before's results."""

    policy: Checkpoint
    ppm: Checkpoint | None = None
    """Its scorer: a PPM, or CPL's value model."""
    rows: Path | None = None
    """Folder of the round before's rows, everything it knew."""
    evaluation: Path | None = None
    """Folder of the runs that this round is compared with."""


@dataclass(frozen=True, slots=True)
class RoundResult(Generic[F]):
    """What a round leaves: for the next one, and for readers."""

    handover: Handover
    figures: F


@dataclass(frozen=True, slots=True)
class RoundAtWork(ABC, Generic[S]):
    """One round: its number, its settings, and where it reads and writes."""

    number: int
    recipe: Recipe[S]
    pool: Pool
    base: Checkpoint
    base_evaluation: Path
    """Folder of the base model's runs, which every round is compared with as well."""
    work: Path
    publish: Path
    begun: Handover
    again: int | None = None
    """A seed with which the round is trained once more, on what its search found."""
    solving: Solving = solve_here
    """Where problems are searched and sampled."""

    @abstractmethod
    def run(self) -> RoundResult[Any]:
        """Do what is not done yet. Raises BenchError: nothing solved, no pairs, a closed gate."""

    @property
    def seed(self) -> int:
        """What models are trained with."""
        return self.recipe.seed if self.again is None else self.again

    @property
    def name(self) -> str:
        """Folder of what the round trains, in the work folder and where it is published."""
        return f"round-{self.number}" + ("" if self.again is None else f"-seed-{self.again}")

    @property
    def settings(self) -> S:
        """The recipe's sections of this round."""
        return self.recipe.at(self.number)

    @property
    def folder(self) -> Path:
        """Where what is searched for, and its rows, are written."""
        return self.work / f"round-{self.number}"

    @property
    def trees(self) -> Path:
        """The run directory of the round's search."""
        return self.folder / "search" / "trees"

    @property
    def stages(self) -> Stages:
        """The stages that search and make rows."""
        return Stages(self.folder, self.recipe.seed, self.work / journal.NAME)

    @property
    def trained(self) -> Path:
        """Where what is trained, and measured of it, is written."""
        return self.work / self.name

    @property
    def training_stages(self) -> Stages:
        """The stages that train and measure."""
        return Stages(self.trained, self.seed, self.work / journal.NAME)

    @property
    def searched(self) -> list[Problem]:
        """The problems that the round searches."""
        search, seed = self.settings.search, self.recipe.seed
        found = self.pool.searched(self.number, search.bootstrap or 0, seed)
        if not isinstance(search, PlanSearchSettings) or search.problems is None:
            return found
        drawn = draw_by_hash((problem.id for problem in found), search.problems, f"{seed}:search")
        return [problem for problem in found if problem.id in drawn]

    @property
    def searcher(self) -> Searcher:
        """Who searches them."""
        return find_searcher(self.settings.search, self.base, self.begun.policy, self.begun.ppm)

    def search(self) -> SearchFigures:
        """Search the pool. Raises BenchError: nothing was solved."""
        searcher = self.searcher

        def work(search: AnySearch) -> SearchFigures:
            return asyncio.run(
                search_pool(
                    self.searched,
                    search,
                    searcher,
                    self.trees,
                    seed=self.recipe.seed,
                    pool=sections_digest(self.recipe.seed, {"pool": self.recipe.pool}),
                    note=partial(journal.append_progress, self.work / journal.NAME),
                    solving=self.solving,
                )
            )

        return self.stages.run(
            "search",
            SearchFigures,
            work,
            sections={"search": self.settings.search},
            inputs={"pool": self.pool.digest, "searcher": searcher.about},
        )

    def publish_trained(
        self,
        folder: str,
        kind: Kind,
        trained: Trained,
        parent: Checkpoint,
        *,
        suffix: str = "",
        template: Template = OFFICIAL,
    ) -> Checkpoint:
        """Publish what was trained into `folder` of the round's, under its name and a suffix."""
        lineage = Lineage(
            name=round_name(self.recipe, self.number)
            + self.name.removeprefix(f"round-{self.number}")
            + suffix,
            kind=kind,
            parent=parent,
            round=self.number,
            recipe=self.recipe.name,
            searcher=self.searcher.about,
            annotation=self.settings.search.annotation,
            inputs=trained.inputs,
            figures=trained.figures.to_json(),
            trained_by=trained.trained_by,
            template=template.name,
        )
        out = self.publish / self.name / folder
        return publish(trained.folder, out, lineage, lora=self.settings.lora, leave_out=(MANIFEST,))

    def evaluate(
        self,
        policy: Checkpoint,
        ppm: Checkpoint | None,
        *,
        stage: str = "evaluation",
        searches: Collection[str] | None = None,
        before: Path | None = None,
        stages: Stages | None = None,
    ) -> EvaluationFigures:
        """Evaluate a policy, paired with the runs in `before` and with the base model's.

        `before` is the round before's evaluation unless it is given; `searches` are those of the
        recipe's runs that are wanted, where not all are; `stages` are the round's own unless
        given.
        """
        stages = stages or self.training_stages
        folder, seed = stages.folder / stage, self.recipe.seed
        runs_before = load_runs(before or self.begun.evaluation)
        base = load_runs(self.base_evaluation)

        def work(evaluation: EvaluationSettings) -> EvaluationFigures:
            runs = evaluate(
                evaluation, folder, seed=seed, policy=policy, ppm=ppm, searches=searches
            )
            families = families_of(evaluation.benchmark)
            return figures_of(runs, families, before=runs_before, base=base)

        return stages.run(
            stage,
            EvaluationFigures,
            work,
            sections={"evaluation": self.settings.evaluation},
            inputs={
                "problems": benchmark_digest(self.settings.evaluation),
                "policy": policy.digest,
                "ppm": None if ppm is None else ppm.digest,
                "against_before": _digests(runs_before),
                "against_base": _digests(base),
            },
        )

    def stop_at_gate(self, evaluation: EvaluationFigures) -> None:
        """Raise BenchError where the policy alone has not shown what the next round needs."""
        settings = self.settings.evaluation
        alone = evaluation.methods[settings.alone]
        if not passes_gate(settings.gate, alone):
            raise BenchError(
                f"round {self.number} is not {settings.gate.replace('-', ' ')} than the round "
                f"before ({alone.against_before}), and evaluation.gate stops here. The round's "
                "checkpoints are published; set the gate to none to go on"
            )


def load_runs(folder: Path | None) -> dict[str, Run]:
    """Return the runs in the folder of an evaluation, by search; none without a folder."""
    if folder is None:
        return {}
    return {path.parent.name: load_run(path.parent) for path in sorted(folder.glob("*/run.json"))}


def _digests(runs: Mapping[str, Run]) -> dict[str, object]:
    return {search: run.header["config_digest"] for search, run in runs.items()}
