"""What Step-APO is compared with: other ways to learn preferences from one SFT policy.

Every arm starts from the last round's SFT policy, with the last round's settings and the trees of
its search, and differs in the pairs or in one key of `preference`. All are evaluated on the round's
problems, paired with that SFT policy. The arms are trained with the recipe's seed and with every
seed of `again`, for the spread over seeds. Stages lie in `ablation/` of the work folder, and resume
as rounds do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from bench.checkpoints.checkpoint import Checkpoint, find_checkpoint, read_checkpoint
from bench.errors import CheckpointError
from bench.files.atomic import replace_json
from bench.files.digests import file_digest
from bench.prompts.plans import PLANS
from rstar_train.cpl_figures import (
    ArmFigures,
    CPLAblationFigures,
    CPLRoundFigures,
    PreferencePairFigures,
)
from rstar_train.figures import EvaluationFigures
from rstar_train.publishing.tables import ABLATION, FIGURES, read_figures
from rstar_train.recipes.cpl import CPLRound, PlanPairSettings, PreferenceSettings
from rstar_train.recipes.recipe import RECIPES, Recipe
from rstar_train.rounds import journal
from rstar_train.rounds.at_work import Handover, load_runs
from rstar_train.rounds.cpl import PlanRound, add_reference_stage, train_preference_stage
from rstar_train.rounds.evaluation import families_of, figures_of
from rstar_train.rounds.stages import Stages
from rstar_train.rows.plan_pairs import make_pairs
from rstar_train.rows.preferences import INSTANCES, PAIRS, REFERENCED, PreferenceRow
from rstar_train.rows.row import read_rows, write_rows
from rstar_train.search.pool import Pool, load_pool

FOLDER = "ablation"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to learn preferences."""

    pairs: Literal["round", "instances", "verified", "wide"]
    """The round's own pairs; whole responses of the same trees; those whose choice flips the
    outcome; the half of the round's own with the larger margins."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the recipe's section `preference` that differ."""
    faster: float = 1.0
    """What the recipe's learning rate is multiplied by."""

    def change(self, preference: PreferenceSettings) -> PreferenceSettings:
        """Return the round's settings with what the arm has otherwise."""
        rate = self.faster * preference.learning_rate
        return dataclasses.replace(preference, learning_rate=rate, **self.settings)


_APO, _DPO = "step_apo", "step_dpo"

ARMS: Mapping[str, Arm] = {
    _APO: Arm("round"),
    _DPO: Arm("round", {"alpha": 0.0}),
    "instance_dpo": Arm("instances", {"alpha": 0.0}),
    "cso": Arm("verified", {"alpha": 0.0}),
    "step_apo_low": Arm("round", {"alpha": 0.3}),
    "step_apo_wide": Arm("wide"),
    "step_dpo_wide": Arm("wide", {"alpha": 0.0}),
    "step_apo_fast": Arm("round", faster=3.0),
    "step_dpo_fast": Arm("round", {"alpha": 0.0}, faster=3.0),
}
"""In CSO (arXiv 2602.03412) verified pairs are learnt by DPO, hence no margin. The last five look
for what may hold Step-APO back: how much a margin asks for (at alpha 1 and beta 0.3 one of 1 asks
for 3.3 nats); pairs whose q are close, which a few more visits might have reversed; and a rate too
low for so few steps. The pairs and the rate have their Step-DPO beside them."""


@dataclass(frozen=True, slots=True)
class CPLAblation:
    """The arms of one seed."""

    one: PlanRound
    """The last round, as it was trained with that seed."""
    folder: Path
    """Where the stages write."""
    pairs: Path
    """Folder of what no seed decides: the verified pairs, and the wide ones."""

    @property
    def settings(self) -> CPLRound:
        """The recipe's sections of the last round."""
        return self.one.settings

    @property
    def stages(self) -> Stages:
        """The stages that train and measure."""
        return Stages(self.folder, self.one.seed, self.one.work / journal.NAME)

    def run(self) -> CPLAblationFigures:
        """Do what is not done yet; return and publish the figures. Raises BenchError."""
        of = self.one.publish / self.one.name
        if not (of / FIGURES).is_file():
            raise CheckpointError(
                f"{of} holds no finished round; run rstar-train evolve with this recipe first"
            )
        sft = read_checkpoint(of / "sft", "policy")
        files = {
            "round": self.one.folder / "pairs" / PAIRS,
            "instances": self.one.folder / "pairs" / INSTANCES,
            "verified": self._verified(),
            "wide": self._wide(),
        }
        arms = {name: self._arm(name, arm, files[arm.pairs], sft) for name, arm in ARMS.items()}
        figures = CPLAblationFigures(
            round=self.one.number,
            sft=self._read_runs(self._sft_runs, before=None),
            arms={name: self._pair(name, found) for name, found in arms.items()},
            seed=self.one.again,
        )
        name = ABLATION if figures.seed is None else f"ablation-seed-{figures.seed}.json"
        replace_json(self.one.publish / name, figures.to_json())
        return figures

    def _verified(self) -> Path:
        """Make the pairs whose choice flips the outcome, out of the round's trees."""
        trees, out = self.one.trees, self.pairs / "verified-pairs"
        verified = dataclasses.replace(self.settings.pairs, verified=True)

        def work(pairs: PlanPairSettings) -> PreferencePairFigures:
            problems, seed = self.one.pool.training, self.one.recipe.seed
            return make_pairs(problems, trees, pairs, out, seed=seed)

        Stages(self.pairs, self.one.recipe.seed, self.one.work / journal.NAME).run(
            "verified-pairs",
            PreferencePairFigures,
            work,
            sections={"pairs": verified},
            inputs={
                "pool": self.one.pool.digest,
                "trees": file_digest(trees / "records.jsonl"),
            },
            outputs=(PAIRS, INSTANCES),
        )
        return out / PAIRS

    def _wide(self) -> Path:
        """Write those of the round's pairs whose margin is the median or more."""
        rows = read_rows(PreferenceRow, self.one.folder / "pairs" / PAIRS)
        least = median(row.margin for row in rows)
        out = self.pairs / "wide-pairs" / PAIRS
        out.parent.mkdir(parents=True, exist_ok=True)
        write_rows([row for row in rows if row.margin >= least], out)
        return out

    def _arm(self, name: str, arm: Arm, file: Path, sft: Checkpoint) -> ArmFigures:
        if name == _APO:  # what the round itself trained
            of = self.one.publish / self.one.name
            own_figures = read_figures(CPLRoundFigures, of / FIGURES, "train the round again")
            evaluation = self._read_runs(self._runs_of(name), before=self._sft_runs)
            return ArmFigures(own_figures.preference, evaluation)
        reference = f"{arm.pairs}-reference"
        add_reference_stage(self.stages, reference, file, sft, self.settings)
        trained = train_preference_stage(
            self.stages,
            name,
            self.folder / reference / REFERENCED,
            sft,
            arm.change(self.settings.preference),
            self.settings.lora,
        )
        self.one.publish_trained(
            f"{FOLDER}/{name}", "policy", trained, sft, suffix=f"-{name}", template=PLANS
        )
        folder = self.one.publish / self.one.name / FOLDER / name
        evaluation = self.one.evaluate(
            read_checkpoint(folder, "policy"),
            None,
            stage=self._runs_of(name).name,
            searches=(self.settings.evaluation.alone,),
            before=self._sft_runs,
            stages=self.stages,
        )
        return ArmFigures(trained.figures, evaluation)

    def _pair(self, name: str, found: ArmFigures) -> ArmFigures:
        """Return an arm's figures with what it gained over Step-DPO, problem by problem."""
        if name == _DPO:
            return found
        paired = self._read_runs(self._runs_of(name), before=self._runs_of(_DPO))
        alone = paired.methods[self.settings.evaluation.alone]
        return dataclasses.replace(found, against_step_dpo=alone.against_before)

    def _runs_of(self, arm: str) -> Path:
        """Return the folder of an arm's evaluation; Step-APO's is the round's own."""
        return self.one.trained / "evaluation" if arm == _APO else self.folder / f"{arm}-evaluation"

    @property
    def _sft_runs(self) -> Path:
        """The evaluation of the SFT policy, which the round made."""
        return self.one.trained / "sft_evaluation"

    def _read_runs(self, folder: Path, before: Path | None) -> EvaluationFigures:
        """Return what was measured of a policy alone in a folder, paired with runs in `before`.

        Raises CheckpointError: another work folder was given.
        """
        evaluation = self.settings.evaluation
        runs = load_runs(folder)
        if evaluation.alone not in runs:
            raise CheckpointError(
                f"{folder} holds no run of {evaluation.alone}; give the --work that the rounds "
                "were trained in"
            )
        return figures_of(
            {evaluation.alone: runs[evaluation.alone]},
            families_of(evaluation.benchmark),
            before=load_runs(before),
            base=load_runs(self.one.base_evaluation),
        )


def ablate_preferences(
    recipe: Recipe[CPLRound], *, work: Path, publish: Path, beside: Path = RECIPES
) -> list[CPLAblationFigures]:
    """Run the arms of a recipe's last round, which must have ended, for each of its seeds.

    Raises BenchError.
    """
    base = find_checkpoint(recipe.base, "policy")
    pool = load_pool(recipe.pool, seed=recipe.seed, beside=beside)
    return [
        CPLAblation(
            _last(recipe, pool, base, work, publish, seed),
            work / (FOLDER if seed is None else f"{FOLDER}-seed-{seed}"),
            work / FOLDER,
        ).run()
        for seed in (None, *recipe.again)
    ]


def _last(
    recipe: Recipe[CPLRound],
    pool: Pool,
    base: Checkpoint,
    work: Path,
    publish: Path,
    seed: int | None,
) -> PlanRound:
    """Return the last round, as it was begun."""
    number = len(recipe.rounds)
    begun = Handover(base)
    if number > 1:
        before = publish / f"round-{number - 1}"
        if (before / FIGURES).is_file():
            begun = Handover(
                read_checkpoint(before / "policy", "policy"), read_checkpoint(before / "ppm", "ppm")
            )
    return PlanRound(
        number, recipe, pool, base, work / "base" / "evaluation", work, publish, begun, seed
    )
