"""The ablations after the last round: what the policy learns from, and what scores its steps.

Data (the paper's Table 7): the same base model trained on the last round's verified solutions, on
samples of the policy that searched for them, and on its right samples ranked by the ORM. Scorers
(Table 8): PPM, PQM and ORM trained from the last policy on the same texts, those that the last
round's pairs compare; the first two guide MCTS, the ORM chooses among samples. Everything else is
the same for all: recipe, problems, rows a family, evaluation. A round whose PPM learnt what its new
policy wrote (`refresh`) has it beside one more, which is trained here on those pairs. Stages lie in
`ablation/` of the work folder, and resume as rounds do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.checkpoints.checkpoint import (
    Checkpoint,
    Kind,
    find_checkpoint,
    read_checkpoint,
)
from bench.checkpoints.weights import full_weights
from bench.engines.ppm import PPMScorer
from bench.errors import CheckpointError
from bench.files.atomic import replace_json
from bench.files.digests import file_digest
from rstar_train.figures import (
    AblationFigures,
    AblationRowFigures,
    ComparedRowFigures,
    EvaluationFigures,
    PairFigures,
    PolicyFigures,
    SampledRowFigures,
    SampleFigures,
    ValueFigures,
)
from rstar_train.publishing.checkpoint import Lineage, publish, round_name, weights_file
from rstar_train.publishing.tables import ABLATION, FIGURES, REFRESHED, load_figures
from rstar_train.recipes.recipe import RECIPES, Recipe, RoundSettings, sections_digest
from rstar_train.recipes.settings import (
    AblationSettings,
    EvaluationSettings,
    FitSettings,
    LoRASettings,
    PPMSettings,
    RowSettings,
    SearchSettings,
)
from rstar_train.rounds import journal
from rstar_train.rounds.at_work import load_runs
from rstar_train.rounds.evaluation import evaluate, families_of, figures_of
from rstar_train.rounds.stages import MANIFEST, Stages, Trained
from rstar_train.rows.making import OUTCOMES, PAIRS, SFT, STEPS, balance_solutions
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows, write_rows
from rstar_train.rows.samples import random_rows, read_samples, rejection_rows
from rstar_train.rows.values import select_compared
from rstar_train.search.pool import Pool, family_of, load_pool
from rstar_train.search.stage import sample_pool

FOLDER = "ablation"


@dataclass(frozen=True, slots=True)
class Ablation:
    """The ablations of a run's last round."""

    recipe: Recipe
    pool: Pool
    work: Path
    publish: Path
    base: Checkpoint
    sampler: Checkpoint
    """The policy that searched in the last round (paper: SLM-r3)."""
    policy: Checkpoint
    """The policy that the last round trained."""

    @property
    def number(self) -> int:
        """The last round's."""
        return len(self.recipe.rounds)

    @property
    def settings(self) -> RoundSettings:
        """The recipe's sections of the last round."""
        return self.recipe.at(self.number)

    @property
    def folder(self) -> Path:
        """Where the stages write."""
        return self.work / FOLDER

    @property
    def stages(self) -> Stages:
        """The stages of the ablations."""
        return Stages(self.folder, self.recipe.seed, self.work / journal.NAME)

    def run(self) -> AblationFigures:
        """Do what is not done yet; return and publish the figures. Raises BenchError."""
        compared = self._compared_rows()
        orm, pqm = self._train_orm(), self._train_pqm()
        sampled = self._sampled_rows(orm)
        last = load_figures(self.publish)[-1]
        scorers = {
            "orm": self._measured("orm", self.policy, orm, "sample"),
            "pqm": self._measured("pqm", self.policy, pqm, "mcts"),
        }
        held_out = {
            "orm": self._measure_pairs("orm", orm),
            "pqm": self._measure_pairs("pqm", pqm),
        }
        own = "ppm"
        if self.settings.refresh.problems:
            own, ppm = REFRESHED, self._train_ppm()
            scorers["ppm"] = self._measured("ppm", self.policy, ppm, "sample", "mcts")
            held_out["ppm"] = self._measure_pairs("ppm", ppm)
        scorers[own], held_out[own] = last.evaluation, last.pair_accuracy
        data = {
            name: self._measured(name, self._train_policy(name), None, "greedy")
            for name in ("random", "rejection")
        }
        figures = AblationFigures(
            round=self.number,
            scorers=scorers,
            data={**data, "verified": last.evaluation},
            held_out=held_out,
            rows=AblationRowFigures(
                outcomes=compared.outcomes,
                steps=compared.steps,
                random=sampled.random,
                rejection=sampled.rejection,
            ),
        )
        replace_json(self.publish / ABLATION, figures.to_json())
        return figures

    @property
    def _last(self) -> Path:
        return self.work / f"round-{self.number}"

    def _compared_rows(self) -> ComparedRowFigures:
        """Write the outcomes and the Q of the texts that the last round's pairs compare."""
        rows, folder = self._last / "rows", self.folder / "compared"

        def work() -> ComparedRowFigures:
            pairs = read_rows(PairRow, rows / PAIRS)
            outcomes = select_compared(read_rows(OutcomeRow, rows / OUTCOMES), pairs)
            steps = select_compared(read_rows(StepRow, rows / STEPS), pairs)
            write_rows(outcomes, folder / OUTCOMES)
            write_rows(steps, folder / STEPS)
            return ComparedRowFigures(len(outcomes), len(steps))

        inputs = {name: file_digest(rows / name) for name in (PAIRS, OUTCOMES, STEPS)}
        return self.stages.run(
            "compared", ComparedRowFigures, work, inputs=inputs, outputs=(OUTCOMES, STEPS)
        )

    def _train_orm(self) -> Checkpoint:
        """Train an ORM on the texts that the PPM's pairs compare."""
        from rstar_train.value.orm_pqm import train_orm

        file, out, seed = self.folder / "compared" / OUTCOMES, self.folder / "orm", self.recipe.seed

        def work(lora: LoRASettings, ppm: PPMSettings) -> ValueFigures:
            rows, base = read_rows(OutcomeRow, file), full_weights(self.policy)
            return train_orm(rows, base, out, settings=ppm, lora=lora, seed=seed)

        return self._train_scorer("orm", file, work)

    def _train_pqm(self) -> Checkpoint:
        """Train a PQM on the texts that the PPM's pairs compare."""
        from rstar_train.value.orm_pqm import train_pqm

        file, out, seed = self.folder / "compared" / STEPS, self.folder / "pqm", self.recipe.seed

        def work(lora: LoRASettings, ppm: PPMSettings) -> ValueFigures:
            rows, base = read_rows(StepRow, file), full_weights(self.policy)
            # Centering is for pairs, which leave a mean free. It would pull what is regressed to 0.
            plain = replace(ppm, centering=None)
            return train_pqm(rows, base, out, settings=plain, lora=lora, seed=seed)

        return self._train_scorer("pqm", file, work)

    def _train_ppm(self) -> Checkpoint:
        """Train a PPM on the search's pairs, where the round's own learnt other texts."""
        from rstar_train.value.ppm import train_ppm

        file, out, seed = self._last / "rows" / PAIRS, self.folder / "ppm", self.recipe.seed

        def work(lora: LoRASettings, ppm: PPMSettings, rows: RowSettings) -> ValueFigures:
            pairs, base = read_rows(PairRow, file), full_weights(self.policy)
            plain = replace(ppm, learn="pairs")
            return train_ppm(
                pairs, base, out, settings=plain, lora=lora, seed=seed, rules=rows.rules
            ).as_values()

        return self._train_scorer("ppm", file, work, rows=self.settings.rows)

    def _train_scorer(
        self, name: str, file: Path, work: Callable[..., ValueFigures], **more: object
    ) -> Checkpoint:
        settings = self.settings
        trained = self.stages.train(
            name,
            ValueFigures,
            work,
            parent=self.policy,
            data=file,
            sections={"lora": settings.lora, "ppm": settings.ppm, **more},
            weights=weights_file(settings.lora),
        )
        return self._published(name, "ppm", trained, self.policy)

    def _train_policy(self, name: str) -> Checkpoint:
        """Train a policy on sampled rows, as the last round trains its own."""
        from rstar_train.policy.sft import train_policy

        file = self.folder / "rows" / f"{name}-{SFT}"
        out, seed, settings = self.folder / name, self.recipe.seed, self.settings

        def work(lora: LoRASettings, sft: FitSettings) -> PolicyFigures:
            rows, base = read_rows(SFTRow, file), full_weights(self.base)
            return train_policy(rows, base, out, settings=sft, lora=lora, seed=seed)

        trained = self.stages.train(
            name,
            PolicyFigures,
            work,
            parent=self.base,
            data=file,
            sections={"lora": settings.lora, "sft": settings.sft},
            weights=weights_file(settings.lora),
        )
        return self._published(name, "policy", trained, self.base)

    def _published(
        self,
        name: str,
        kind: Kind,
        trained: Trained[PolicyFigures] | Trained[ValueFigures],
        parent: Checkpoint,
    ) -> Checkpoint:
        lineage = Lineage(
            name=f"{round_name(self.recipe, self.number)}-{name}",
            kind=kind,
            parent=parent,
            round=self.number,
            recipe=self.recipe.name,
            searcher={"policy": {"name": self.sampler.name, "digest": self.sampler.digest}},
            annotation=self.settings.search.annotation,
            inputs=trained.inputs,
            figures=trained.figures.to_json(),
            trained_by=trained.trained_by,
        )
        out = self.publish / FOLDER / name / kind
        return publish(trained.folder, out, lineage, lora=self.settings.lora, leave_out=(MANIFEST,))

    def _sampled_rows(self, orm: Checkpoint) -> SampledRowFigures:
        """Sample the training problems, and make rows of the samples."""
        problems = [p for p in self.pool.training if p.id not in self.pool.bootstrap]
        samples, seed = self.folder / "samples" / "trees", self.recipe.seed

        def sample(ablation: AblationSettings, search: SearchSettings) -> SampleFigures:
            return asyncio.run(
                sample_pool(
                    problems,
                    search,
                    self.sampler,
                    samples,
                    n=ablation.samples,
                    seed=seed,
                    pool=sections_digest(seed, {"pool": self.recipe.pool}),
                    note=partial(journal.append_progress, self.work / journal.NAME),
                )
            )

        self.stages.run(
            "samples",
            SampleFigures,
            sample,
            sections={"ablation": self.recipe.ablation, "search": self.settings.search},
            inputs={"pool": self.pool.digest, "policy": self.sampler.digest},
        )
        folder = self.folder / "rows"
        names = {name: f"{name}-{SFT}" for name in ("random", "rejection")}

        def work(rows: RowSettings) -> SampledRowFigures:
            scorer = PPMScorer(full_weights(orm), name=orm.name)

            def score(prompt: str, texts: Sequence[str]) -> list[float]:
                return [value for (value,) in scorer.values(prompt, [[text] for text in texts])]

            made: dict[str, list[SFTRow]] = {name: [] for name in names}
            try:
                for problem, record, trace in read_samples(problems, samples):
                    made["random"] += random_rows(problem, record, trace, seed)
                    made["rejection"] += rejection_rows(problem, record, trace, score)
            finally:
                scorer.close()
            family = {problem.id: family_of(problem) for problem in problems}
            for name, found in made.items():
                write_rows(balance_solutions(found, rows, family, seed), folder / names[name])
            return SampledRowFigures(len(made["random"]), len(made["rejection"]))

        return self.stages.run(
            "rows",
            SampledRowFigures,
            work,
            sections={"rows": self.settings.rows},
            inputs={"samples": file_digest(samples / "records.jsonl"), "orm": orm.digest},
            outputs=tuple(names.values()),
        )

    def _measure_pairs(self, name: str, scorer: Checkpoint) -> PairFigures:
        """Ask a scorer about the round's held-out pairs, as its PPM was asked."""
        from rstar_train.value.pair_accuracy import measure_pairs

        file, seed = self._last / "held_out_rows" / PAIRS, self.recipe.seed
        if not file.stat().st_size:
            return PairFigures(held_out_pairs=0)
        return self.stages.run(
            f"{name}-pair-accuracy",
            PairFigures,
            lambda: measure_pairs(read_rows(PairRow, file), full_weights(scorer), seed=seed),
            inputs={"scorer": scorer.digest, "held_out": file_digest(file)},
        )

    def _measured(
        self, name: str, policy: Checkpoint, ppm: Checkpoint | None, *searches: str
    ) -> EvaluationFigures:
        """Evaluate one variant on the round's problems, paired with the round's own."""
        folder, seed = self.folder / f"{name}-evaluation", self.recipe.seed

        def work(evaluation: EvaluationSettings) -> EvaluationFigures:
            runs = evaluate(
                evaluation, folder, seed=seed, policy=policy, ppm=ppm, searches=searches
            )
            own = load_runs(self._last / "evaluation")
            return figures_of(runs, families_of(evaluation.benchmark), before=own)

        return self.stages.run(
            f"{name}-evaluation",
            EvaluationFigures,
            work,
            sections={"evaluation": self.settings.evaluation},
            inputs={"policy": policy.digest, "ppm": None if ppm is None else ppm.digest},
        )


def ablate(recipe: Recipe, *, work: Path, publish: Path, beside: Path = RECIPES) -> AblationFigures:
    """Run the ablations of a recipe's last round, which must have ended. Raises BenchError."""
    number = len(recipe.rounds)
    last = publish / f"round-{number}"
    if not (last / FIGURES).is_file():
        raise CheckpointError(
            f"{last} holds no finished round; run rstar-train evolve with this recipe first"
        )
    base = find_checkpoint(recipe.base, "policy")
    searched = publish / f"round-{number - 1}" / "policy"
    return Ablation(
        recipe,
        load_pool(recipe.pool, seed=recipe.seed, beside=beside),
        work,
        publish,
        base,
        sampler=read_checkpoint(searched, "policy") if number > 1 else base,
        policy=read_checkpoint(last / "policy", "policy"),
    ).run()
