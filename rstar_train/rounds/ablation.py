"""The ablations after the last round: what the policy learns from, and what scores its steps.

Data (the paper's Table 7): the same base model trained on the last round's verified solutions, on
samples of the policy that searched for them, and on its right samples ranked by the ORM. Scorers
(Table 8): PPM, PQM and ORM trained from the last policy on the same texts, those that the last
round's pairs compare; the first two guide MCTS, the ORM chooses among samples. Everything else is
the same for all: recipe, problems, rows a family, evaluation. Stages lie in `ablation/` of the work
folder, and resume as rounds do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import Checkpoint, Kind, find_checkpoint, read_checkpoint
from bench.checkpoints.weights import full_weights
from bench.engines.ppm import PPMScorer
from bench.errors import CheckpointError
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.runs.reader import load_run
from rstar_train.publishing.checkpoint import publish, round_name, weights_file
from rstar_train.publishing.tables import ABLATION, FIGURES
from rstar_train.recipes.recipe import RECIPES, Recipe
from rstar_train.rounds import journal
from rstar_train.rounds.evaluation import evaluate, families_of, figures_of
from rstar_train.rounds.stages import staged
from rstar_train.rows.making import OUTCOMES, PAIRS, SFT, STEPS, balanced_solutions
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows, write_rows
from rstar_train.rows.samples import random_rows, rejection_rows, sampled
from rstar_train.rows.values import compared
from rstar_train.search.pool import Pool, family_of, load_pool
from rstar_train.search.stage import sample_pool

FOLDER = "ablation"


@dataclass(frozen=True, slots=True)
class Ablation:
    """The ablations of a run's last round."""

    recipe: Recipe
    """Of the last round alone."""
    number: int
    pool: Pool
    work: Path
    publish: Path
    base: Checkpoint
    sampler: Checkpoint
    """The policy that searched in the last round (paper: SLM-r3)."""
    policy: Checkpoint
    """The policy that the last round trained."""

    def run(self) -> dict[str, Any]:
        """Do what is not done yet; return and publish the figures. Raises BenchError."""
        compared_rows = self._compared_rows()
        orm = self._scorer("orm", OUTCOMES)
        pqm = self._scorer("pqm", STEPS)
        rows = self._sampled_rows(orm)
        figures: dict[str, Any] = {"round": self.number, "scorers": {}, "data": {}, "held_out": {}}
        figures["rows"] = {**compared_rows, **rows}
        before = {run: load_run(self._last / run) for run in self._evaluated}
        for name, ppm, search in (("orm", orm, "sample"), ("pqm", pqm, "mcts")):
            figures["scorers"][name] = self._measured(name, self.policy, ppm, search, before)
            figures["held_out"][name] = self._pair_accuracy(name, ppm)
        for name in ("random", "rejection"):
            policy = self._policy(name)
            figures["data"][name] = self._measured(name, policy, None, "greedy", before)
        last = json.loads((self.publish / f"round-{self.number}" / FIGURES).read_text())
        figures["scorers"]["ppm"] = figures["data"]["verified"] = last["evaluation"]
        figures["held_out"]["ppm"] = last["pair_accuracy"]
        out = self.publish / ABLATION
        replace(out, (json.dumps(figures, indent=2) + "\n").encode())
        return figures

    @property
    def _last(self) -> Path:
        return self.work / f"round-{self.number}" / "evaluation"

    @property
    def _evaluated(self) -> list[str]:
        return [path.parent.name for path in sorted(self._last.glob("*/run.json"))]

    def _stage(self, name: str, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        return staged(self.work / FOLDER / name, *args, journal=self.work / journal.NAME, **kwargs)

    def _compared_rows(self) -> Mapping[str, Any]:
        """Write the outcomes and the Q of the texts that the last round's pairs compare."""
        rows, folder = self.work / f"round-{self.number}" / "rows", self.work / FOLDER / "compared"

        def work() -> Mapping[str, Any]:
            pairs = read_rows(PairRow, rows / PAIRS)
            outcomes = compared(read_rows(OutcomeRow, rows / OUTCOMES), pairs)
            steps = compared(read_rows(StepRow, rows / STEPS), pairs)
            write_rows(outcomes, folder / OUTCOMES)
            write_rows(steps, folder / STEPS)
            return {"outcomes": len(outcomes), "steps": len(steps)}

        inputs = {name: file_digest(rows / name) for name in (PAIRS, OUTCOMES, STEPS)}
        return self._stage("compared", inputs, work, outputs=(OUTCOMES, STEPS))

    def _scorer(self, name: str, data: str) -> Checkpoint:
        """Train an ORM or a PQM on the texts that the PPM's pairs compare."""
        from rstar_train.value.orm_pqm import train_orm, train_pqm

        file, out = self.work / FOLDER / "compared" / data, self.work / FOLDER / name

        def work() -> Mapping[str, Any]:
            base = full_weights(self.policy)
            if name == "orm":
                return train_orm(read_rows(OutcomeRow, file), self.recipe, base, out)
            return train_pqm(read_rows(StepRow, file), self.recipe, base, out)

        return self._trained(name, "ppm", file, self.policy, work)

    def _policy(self, name: str) -> Checkpoint:
        """Train a policy on sampled rows, as the last round trains its own."""
        from rstar_train.policy.sft import train_policy

        file = self.work / FOLDER / "rows" / f"{name}-{SFT}"
        out = self.work / FOLDER / name

        def work() -> Mapping[str, Any]:
            return train_policy(read_rows(SFTRow, file), self.recipe, full_weights(self.base), out)

        return self._trained(name, "policy", file, self.base, work)

    def _trained(
        self,
        name: str,
        kind: Kind,
        file: Path,
        start: Checkpoint,
        work: Callable[[], Mapping[str, Any]],
    ) -> Checkpoint:
        sections = ("lora", "ppm" if kind == "ppm" else "sft")
        inputs = {
            "recipe": self.recipe.digest(*sections),
            "parent": start.digest,
            "data": file_digest(file),
        }
        figures = self._stage(
            name,
            inputs,
            work,
            config=self.recipe.values(*sections),
            outputs=(weights_file(self.recipe),),
        )
        return publish(
            self.work / FOLDER / name,
            self.publish / FOLDER / name / kind,
            recipe=self.recipe,
            kind=kind,
            number=self.number,
            parent=start,
            searcher={"policy": {"name": self.sampler.name, "digest": self.sampler.digest}},
            inputs=inputs,
            figures=figures,
            name=f"{round_name(self.recipe, self.number)}-{name}",
        )

    def _sampled_rows(self, orm: Checkpoint) -> Mapping[str, Any]:
        """Sample the training problems, and make rows of the samples."""
        problems = [p for p in self.pool.training if p.id not in self.pool.bootstrap]
        samples = self.work / FOLDER / "samples" / "trees"
        inputs = {
            "recipe": self.recipe.digest("ablation", "search"),
            "pool": self.pool.digest,
            "policy": self.sampler.digest,
        }
        n, told = self.recipe.ablation.samples, self.work / journal.NAME

        def sample() -> Mapping[str, Any]:
            sampling = sample_pool(problems, self.recipe, self.sampler, samples, n=n, journal=told)
            return asyncio.run(sampling)

        self._stage("samples", inputs, sample)
        folder = self.work / FOLDER / "rows"
        names = {name: f"{name}-{SFT}" for name in ("random", "rejection")}

        def work() -> Mapping[str, Any]:
            scorer = PPMScorer(full_weights(orm), name=orm.name)

            def score(prompt: str, texts: Sequence[str]) -> list[float]:
                return [value for (value,) in scorer.values(prompt, [[text] for text in texts])]

            made: dict[str, list[SFTRow]] = {name: [] for name in names}
            try:
                for problem, record, trace in sampled(problems, samples):
                    made["random"] += random_rows(problem, record, trace, self.recipe.seed)
                    made["rejection"] += rejection_rows(problem, record, trace, score)
            finally:
                scorer.close()
            family = {problem.id: family_of(problem) for problem in problems}
            for name, rows in made.items():
                write_rows(balanced_solutions(rows, self.recipe, family), folder / names[name])
            return {name: len(rows) for name, rows in made.items()}

        rows_of = {
            "recipe": self.recipe.digest("rows"),
            "samples": file_digest(samples / "records.jsonl"),
            "orm": orm.digest,
        }
        return self._stage("rows", rows_of, work, outputs=tuple(names.values()))

    def _pair_accuracy(self, name: str, scorer: Checkpoint) -> Mapping[str, Any]:
        """Ask a scorer about the round's held-out pairs, as its PPM was asked."""
        from rstar_train.value.pair_accuracy import pair_accuracy

        file = self.work / f"round-{self.number}" / "held_out_rows" / PAIRS
        if not file.stat().st_size:
            return {"held_out_pairs": 0}
        return self._stage(
            f"{name}-pair-accuracy",
            {"scorer": scorer.digest, "held_out": file_digest(file)},
            lambda: pair_accuracy(read_rows(PairRow, file), self.recipe, full_weights(scorer)),
        )

    def _measured(
        self,
        name: str,
        policy: Checkpoint,
        ppm: Checkpoint | None,
        search: str,
        before: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Evaluate one variant on the round's problems, paired with the round's own."""
        folder = self.work / FOLDER / f"{name}-evaluation"

        def work() -> Mapping[str, Any]:
            runs = evaluate(self.recipe, folder, policy=policy, ppm=ppm, searches=(search,))
            return figures_of(runs, {"against_before": before}, families_of(self.recipe))

        inputs = {
            "recipe": self.recipe.digest("evaluation"),
            "policy": policy.digest,
            "ppm": None if ppm is None else ppm.digest,
        }
        return self._stage(f"{name}-evaluation", inputs, work)


def ablate(recipe: Recipe, *, work: Path, publish: Path, beside: Path = RECIPES) -> dict[str, Any]:
    """Run the ablations of a recipe's last round, which must have ended. Raises BenchError."""
    number = len(recipe.rounds)
    last = publish / f"round-{number}"
    if not (last / FIGURES).is_file():
        raise CheckpointError(
            f"{last} holds no finished round; run rstar-train evolve with this recipe first"
        )
    searched = publish / f"round-{number - 1}" / "policy"
    base = find_checkpoint(recipe.base, "policy")
    return Ablation(
        recipe.at(number),
        number,
        load_pool(recipe, beside=beside),
        work,
        publish,
        base,
        read_checkpoint(searched, "policy") if number > 1 else base,
        read_checkpoint(last / "policy", "policy"),
    ).run()
