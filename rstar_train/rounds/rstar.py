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

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.types import Problem
from rstar_train.figures import (
    OnPolicyRowFigures,
    PairFigures,
    PolicyFigures,
    PPMFigures,
    RoundFigures,
    RowFigures,
    SampleFigures,
    WorthFigures,
)
from rstar_train.publishing.checkpoint import weights_file
from rstar_train.recipes.recipe import RoundSettings, sections_digest
from rstar_train.recipes.settings import (
    FitSettings,
    LoRASettings,
    PPMSettings,
    RefreshSettings,
    RowSettings,
    SearchSettings,
)
from rstar_train.rounds import journal, refresh
from rstar_train.rounds.at_work import Handover, RoundAtWork, RoundResult
from rstar_train.rounds.stages import Trained
from rstar_train.rows.making import FILES, PAIRS, SFT, make_rows
from rstar_train.rows.row import PairRow, SFTRow, StepRow, read_rows
from rstar_train.search.coverage import coverage
from rstar_train.search.searcher import Searcher
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
class Round(RoundAtWork[RoundSettings]):
    """One round of rStar-Math at work."""

    def run(self) -> RoundResult[RoundFigures]:
        """Do what is not done yet. Raises BenchError: nothing solved, no pairs, a closed gate."""
        search = self.search()
        rows = self._rows("rows", self.pool.training)
        held_out_rows = self._rows("held_out_rows", self.pool.measuring)
        trained = self._train_policy()
        policy = self.publish_trained("policy", "policy", trained, self.base)
        on_policy_rows = self._write_on_policy(policy)
        trained_ppm = self._train_ppm(policy)
        ppm = self.publish_trained("ppm", "ppm", trained_ppm, policy)
        pairs = self._measure_pairs(ppm)
        worth = self._measure_worth(ppm)
        evaluation = self.evaluate(policy, ppm)
        self.stop_at_gate(evaluation)
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

    def _rows(self, name: str, problems: list[Problem]) -> RowFigures:
        trees = self.trees
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
            more={"values": rows_of / refresh.VALUES} if refreshes else {},
        )

    @property
    def _sampled(self) -> list[Problem]:
        """What the new policy samples."""
        count, searched = self.settings.refresh.problems, {p.id for p in self.searched}
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
                    solving=self.solving,
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
                    solving=self.solving,
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
            inputs={
                **dict(zip(names, digests, strict=False)),
                "refresh": sections_digest(seed, {"refresh": self.settings.refresh}),
            },
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

    def _measure_pairs(self, ppm: Checkpoint) -> PairFigures:
        from rstar_train.value.pair_accuracy import measure_pairs, warn_at_chance

        file = self.folder / "held_out_rows" / PAIRS
        out, seed = self.trained / "pair_accuracy", self.seed
        plots = PLOTS if file.stat().st_size else ()

        def work() -> PairFigures:
            if not plots:
                return PairFigures(held_out_pairs=0)
            return measure_pairs(read_rows(PairRow, file), full_weights(ppm), seed=seed, out=out)

        figures = self.training_stages.run(
            "pair_accuracy",
            PairFigures,
            work,
            inputs={"ppm": ppm.digest, "held_out": file_digest(file)},
            outputs=plots,
        )
        for name in plots:
            replace(self.publish / self.name / name, (out / name).read_bytes())
        warn_at_chance(figures)
        return figures
