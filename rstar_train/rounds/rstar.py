"""One round of rStar-Math: search, rows, policy SFT, PPM, evaluation, each a stage of its own.

The policy restarts from the base model, the PPM from this round's policy (sections 3.3, 3.4; the
authors confirm the second). What a round hands to the next is its two checkpoints, and its rows
where the recipe carries them over. A round is data: everything it does is in the recipe's sections.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint, Kind
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights
from bench.errors import BenchError
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.runs.reader import Run, load_run
from bench.types import Problem
from rstar_train.figures import (
    EvaluationFigures,
    OnPolicyRowFigures,
    PairFigures,
    PolicyFigures,
    PPMFigures,
    RoundFigures,
    RowFigures,
    SampleFigures,
    SearchFigures,
    WorthFigures,
)
from rstar_train.publishing.checkpoint import Lineage, publish, round_name, weights_file
from rstar_train.recipes.recipe import Recipe, RoundSettings, sections_digest
from rstar_train.recipes.settings import (
    EvaluationSettings,
    FitSettings,
    LoRASettings,
    PPMSettings,
    RefreshSettings,
    RowSettings,
    SearchSettings,
)
from rstar_train.rounds import journal, refresh
from rstar_train.rounds.evaluation import (
    benchmark_digest,
    evaluate,
    families_of,
    figures_of,
    passes_gate,
)
from rstar_train.rounds.stages import MANIFEST, Stages, Trained
from rstar_train.rows.making import FILES, PAIRS, SFT, make_rows
from rstar_train.rows.row import PairRow, SFTRow, StepRow, read_rows
from rstar_train.search.coverage import coverage
from rstar_train.search.pool import Pool
from rstar_train.search.searcher import Searcher, find_searcher
from rstar_train.search.stage import one_tree, sample_pool, search_pool

PLOTS = ("calibration.svg", "calibration.json")
STAGES = (
    "search",
    "rows",
    "held_out_rows",
    "policy",
    "on_policy",
    "on_policy_rows",
    "ppm",
    "pair_accuracy",
    "worth",
    "evaluation",
)
"""Folders of a round's stages, in their order."""
_OF_REFRESH = ("on_policy", "on_policy_rows", "worth")


def stages_of(settings: RoundSettings) -> list[str]:
    """Return the stages that a round goes through."""
    refreshes = settings.refresh.problems > 0
    return [stage for stage in STAGES if refreshes or stage not in _OF_REFRESH]


@dataclass(frozen=True, slots=True)
class Handover:
    """What a round begins with: the base model before round 1, then the round before's results."""

    policy: Checkpoint
    ppm: Checkpoint | None = None
    rows: Path | None = None
    """Folder of the round before's rows, everything it knew."""
    evaluation: Path | None = None
    """Folder of the runs that this round is compared with."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round leaves: for the next one, and for readers."""

    handover: Handover
    figures: RoundFigures


@dataclass(frozen=True, slots=True)
class Round:
    """One round at work: its number, its settings, and where it reads and writes."""

    number: int
    recipe: Recipe
    pool: Pool
    base: Checkpoint
    base_evaluation: Path
    """Folder of the base model's runs, which every round is compared with as well."""
    work: Path
    publish: Path
    begun: Handover
    again: int | None = None
    """A seed with which the round is trained once more, on what its search found."""

    @property
    def seed(self) -> int:
        """What models are trained with."""
        return self.recipe.seed if self.again is None else self.again

    @property
    def name(self) -> str:
        """Folder of what the round trains, in the work folder and where it is published."""
        return f"round-{self.number}" + ("" if self.again is None else f"-seed-{self.again}")

    @property
    def settings(self) -> RoundSettings:
        """The recipe's sections of this round."""
        return self.recipe.at(self.number)

    @property
    def folder(self) -> Path:
        """Where what is searched for, and its rows, are written."""
        return self.work / f"round-{self.number}"

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

    def run(self) -> RoundResult:
        """Do what is not done yet. Raises BenchError: nothing solved, no pairs, a closed gate."""
        search = self._search()
        rows = self._rows("rows", self.pool.training)
        held_out_rows = self._rows("held_out_rows", self.pool.measuring)
        trained = self._train_policy()
        policy = self._publish("policy", trained, self.base)
        on_policy_rows = self._write_on_policy(policy)
        trained_ppm = self._train_ppm(policy)
        ppm = self._publish("ppm", trained_ppm, policy)
        pairs = self._measure_pairs(ppm)
        worth = self._measure_worth(ppm)
        evaluation = self._evaluate(policy, ppm)
        self._stop_at_gate(evaluation)
        figures = RoundFigures(
            search=search,
            rows=rows,
            held_out_rows=held_out_rows,
            policy=trained.figures,
            ppm=trained_ppm.figures,
            pair_accuracy=pairs,
            evaluation=evaluation,
            coverage=coverage(self.work, self.number),
            on_policy_rows=on_policy_rows,
            worth=worth,
        )
        after = Handover(policy, ppm, self.folder / "rows", self.trained / "evaluation")
        return RoundResult(after, figures)

    def _stop_at_gate(self, evaluation: EvaluationFigures) -> None:
        gate, greedy = self.settings.evaluation.gate, evaluation.methods["greedy"]
        if not passes_gate(gate, greedy):
            raise BenchError(
                f"round {self.number} is not {gate.replace('-', ' ')} than the round before "
                f"({greedy.against_before}), and evaluation.gate stops here. The round's "
                "checkpoints are published; set the gate to none to go on"
            )

    @property
    def _searched(self) -> list[Problem]:
        bootstrap = self.settings.search.bootstrap or 0
        return self.pool.searched(self.number, bootstrap, self.recipe.seed)

    @property
    def _searcher(self) -> Searcher:
        return find_searcher(self.settings.search, self.base, self.begun.policy, self.begun.ppm)

    def _search(self) -> SearchFigures:
        searcher = self._searcher

        def work(search: SearchSettings) -> SearchFigures:
            return asyncio.run(
                search_pool(
                    self._searched,
                    search,
                    searcher,
                    self.folder / "search" / "trees",
                    seed=self.recipe.seed,
                    pool=sections_digest(self.recipe.seed, {"pool": self.recipe.pool}),
                    note=partial(journal.append_progress, self.work / journal.NAME),
                )
            )

        return self.stages.run(
            "search",
            SearchFigures,
            work,
            sections={"search": self.settings.search},
            inputs={"pool": self.pool.digest, "searcher": searcher.about},
        )

    def _rows(self, name: str, problems: list[Problem]) -> RowFigures:
        trees = self.folder / "search" / "trees"
        carries = self.begun.rows is not None and self.settings.rows.carry_over
        earlier = self.begun.rows.parent / name / "all" if self.begun.rows and carries else None

        def work(rows: RowSettings) -> RowFigures:
            out = self.folder / name
            return make_rows(problems, trees, rows, out, earlier, seed=self.recipe.seed)

        return self.stages.run(
            name,
            RowFigures,
            work,
            sections={"rows": self.settings.rows},
            inputs={
                "pool": self.pool.digest,
                "trees": file_digest(trees / "records.jsonl"),
                "earlier": earlier and [file_digest(earlier / file) for file in (SFT, PAIRS)],
            },
            outputs=FILES,
        )

    def _train_policy(self) -> Trained[PolicyFigures]:
        from rstar_train.policy.sft import train_policy

        file, out, seed = self.folder / "rows" / SFT, self.trained / "policy", self.seed

        def work(lora: LoRASettings, sft: FitSettings) -> PolicyFigures:
            rows = read_rows(SFTRow, file)
            return train_policy(
                rows, full_weights(self.base), out, settings=sft, lora=lora, seed=seed
            )

        settings = self.settings
        return self.training_stages.train(
            "policy",
            PolicyFigures,
            work,
            parent=self.base,
            data=file,
            sections={"lora": settings.lora, "sft": settings.sft},
            weights=weights_file(settings.lora),
        )

    def _train_ppm(self, policy: Checkpoint) -> Trained[PPMFigures]:
        from rstar_train.value.ppm import train_ppm

        settings = self.settings
        refreshes = settings.refresh.problems > 0
        rows_of = self.trained / "on_policy_rows" if refreshes else self.folder / "rows"
        file, out, seed = rows_of / PAIRS, self.trained / "ppm", self.seed

        def work(lora: LoRASettings, ppm: PPMSettings, rows: RowSettings) -> PPMFigures:
            return train_ppm(
                read_rows(PairRow, file),
                full_weights(policy),
                out,
                settings=ppm,
                lora=lora,
                seed=seed,
                rules=rows.rules,
                values=read_rows(StepRow, rows_of / refresh.VALUES) if refreshes else (),
            )

        return self.training_stages.train(
            "ppm",
            PPMFigures,
            work,
            parent=policy,
            data=file,
            sections={"lora": settings.lora, "ppm": settings.ppm, "rows": settings.rows},
            weights=weights_file(settings.lora),
        )

    @property
    def _sampled(self) -> list[Problem]:
        """What the new policy samples."""
        count, searched = self.settings.refresh.problems, {p.id for p in self._searched}
        return refresh.draw_problems(self.pool, searched, count, self.recipe.seed)

    @property
    def _samples(self) -> Path:
        """What the new policy sampled."""
        return self.trained / "on_policy" / "trees"

    @property
    def _refreshed(self) -> Path:
        """The trees that the new policy grew."""
        return self.trained / "on_policy" / "searched"

    def _write_on_policy(self, policy: Checkpoint) -> OnPolicyRowFigures | None:
        """Let the new policy sample problems and make rows of that, where the recipe says so."""
        if not self.settings.refresh.problems:
            return None
        seed, problems = self.recipe.seed, self._sampled
        trained_on = [p for p in problems if p.id not in self.pool.held_out]
        searches = self.settings.refresh.search == "mcts"
        note = partial(journal.append_progress, self.work / journal.NAME)
        pool = sections_digest(seed, {"pool": self.recipe.pool})

        def sample(refresh: RefreshSettings, search: SearchSettings) -> SampleFigures:
            sampled = asyncio.run(
                sample_pool(
                    self.pool.measuring if searches else problems,
                    search,
                    policy,
                    self._samples,
                    n=refresh.samples,
                    seed=seed,
                    pool=pool,
                    greedy_first=True,
                    note=note,
                )
            )
            if not searches:
                return sampled
            found = asyncio.run(
                search_pool(
                    trained_on,
                    one_tree(search, refresh.samples),
                    Searcher(policy=policy),
                    self._refreshed,
                    seed=seed,
                    pool=pool,
                    note=note,
                )
            )
            return sampled.plus(found)

        self.training_stages.run(
            "on_policy",
            SampleFigures,
            sample,
            sections={"refresh": self.settings.refresh, "search": self.settings.search},
            inputs={"pool": self.pool.digest, "policy": policy.digest},
        )
        learnt = refresh.runs_learnt(
            self.settings.refresh, self.pool, self.work, self.number, self.trained, seed
        )
        digests = [file_digest(each.run / "records.jsonl") for each in learnt]
        names = ("samples", "trees", *(f"round-{n}" for n in range(1, self.number)))
        return self.training_stages.run(
            "on_policy_rows",
            OnPolicyRowFigures,
            lambda: refresh.make_rows(learnt, self.trained / "on_policy_rows"),
            inputs=dict(zip(names, digests, strict=False)),
            outputs=(refresh.PAIRS, refresh.VALUES),
        )

    def _measure_worth(self, ppm: Checkpoint) -> WorthFigures | None:
        """Measure the PPM on its own policy's solutions, and let it be read as it is best."""
        if not self.settings.refresh.problems:
            return None
        figures = self.training_stages.run(
            "worth",
            WorthFigures,
            lambda: refresh.measure_worth(self.pool.measuring, self._samples, ppm),
            inputs={"ppm": ppm.digest, "samples": file_digest(self._samples / "records.jsonl")},
        )
        assert ppm.folder is not None, "a PPM has a folder"
        config = PPMConfig.load(ppm.folder)
        dataclasses.replace(config, aggregate=refresh.as_aggregate(figures.aggregate)).save(
            ppm.folder
        )
        return figures

    def _publish(
        self,
        kind: Kind,
        trained: Trained[PolicyFigures] | Trained[PPMFigures],
        parent: Checkpoint,
    ) -> Checkpoint:
        lineage = Lineage(
            name=round_name(self.recipe, self.number)
            + self.name.removeprefix(f"round-{self.number}"),
            kind=kind,
            parent=parent,
            round=self.number,
            recipe=self.recipe.name,
            searcher=self._searcher.about,
            annotation=self.settings.search.annotation,
            inputs=trained.inputs,
            figures=trained.figures.to_json(),
            trained_by=trained.trained_by,
        )
        out = self.publish / self.name / kind
        return publish(trained.folder, out, lineage, lora=self.settings.lora, leave_out=(MANIFEST,))

    def _measure_pairs(self, ppm: Checkpoint) -> PairFigures:
        from rstar_train.value.pair_accuracy import measure_pairs, warn_at_chance

        file = self.folder / "held_out_rows" / PAIRS
        if not file.stat().st_size:
            return PairFigures(held_out_pairs=0)
        out, seed = self.trained / "pair_accuracy", self.seed
        figures = self.training_stages.run(
            "pair_accuracy",
            PairFigures,
            lambda: measure_pairs(read_rows(PairRow, file), full_weights(ppm), seed=seed, out=out),
            inputs={"ppm": ppm.digest, "held_out": file_digest(file)},
            outputs=PLOTS,
        )
        for name in PLOTS:
            replace(self.publish / self.name / name, (out / name).read_bytes())
        warn_at_chance(figures)
        return figures

    def _evaluate(self, policy: Checkpoint, ppm: Checkpoint) -> EvaluationFigures:
        folder, seed = self.trained / "evaluation", self.recipe.seed
        before, base = load_runs(self.begun.evaluation), load_runs(self.base_evaluation)

        def work(evaluation: EvaluationSettings) -> EvaluationFigures:
            runs = evaluate(evaluation, folder, seed=seed, policy=policy, ppm=ppm)
            families = families_of(evaluation.benchmark)
            return figures_of(runs, families, before=before, base=base)

        return self.training_stages.run(
            "evaluation",
            EvaluationFigures,
            work,
            sections={"evaluation": self.settings.evaluation},
            inputs={
                "problems": benchmark_digest(self.settings.evaluation),
                "policy": policy.digest,
                "ppm": ppm.digest,
                "against_before": _digests(before),
                "against_base": _digests(base),
            },
        )


def load_runs(folder: Path | None) -> dict[str, Run]:
    """Return the runs in the folder of an evaluation, by search; none without a folder."""
    if folder is None:
        return {}
    return {path.parent.name: load_run(path.parent) for path in sorted(folder.glob("*/run.json"))}


def _digests(runs: dict[str, Run]) -> dict[str, object]:
    return {search: run.header["config_digest"] for search, run in runs.items()}
