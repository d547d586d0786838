"""One round of CPL (arXiv 2409.08642): search over plans, SFT, Step-APO on top, a value model.

The SFT policy and the value model start from the base model again in every round, Step-APO from the
round's SFT policy, which is its reference. What a round hands to the next is the policy after
Step-APO, which searches there, and the value model, which scores nodes there where the recipe says
`annotation: ppm`. In the released code only round 1 trains a value model; here every round does, so
that its own evaluation can search with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import full_weights
from bench.files.atomic import replace
from bench.files.digests import file_digest
from bench.prompts.plans import PLANS
from bench.types import Problem
from rstar_train.cpl_figures import (
    CPLRoundFigures,
    PlanRowFigures,
    PreferenceFigures,
    PreferencePairFigures,
    ReferenceFigures,
    ValueAccuracyFigures,
)
from rstar_train.figures import PolicyFigures, ValueFigures
from rstar_train.publishing.checkpoint import weights_file
from rstar_train.recipes.cpl import (
    CPLRound,
    PlanPairSettings,
    PlanRowSettings,
    PreferenceSettings,
)
from rstar_train.recipes.settings import FitSettings, LoRASettings, PPMSettings
from rstar_train.rounds.at_work import Handover, RoundAtWork, RoundResult
from rstar_train.rounds.stages import Stages, Trained
from rstar_train.rows.plan_pairs import make_pairs
from rstar_train.rows.plan_trees import SFT, VALUES, make_rows
from rstar_train.rows.preferences import INSTANCES, PAIRS, REFERENCED, PreferenceRow
from rstar_train.rows.row import SFTRow, StepRow, read_rows, write_rows
from rstar_train.search.coverage import coverage
from rstar_train.training.batching import draw_whole_problems

STAGES = (
    "search",
    "rows",
    "held_out_rows",
    "sft",
    "pairs",
    "reference",
    "policy",
    "value",
    "value_accuracy",
    "evaluation",
    "sft_evaluation",
)
"""Folders of a round's stages, in their order."""


def stages_of(settings: CPLRound) -> list[str]:
    """Return the stages that a round goes through."""
    return [*STAGES]


@dataclass(frozen=True, slots=True)
class PlanRound(RoundAtWork[CPLRound]):
    """One round of CPL at work."""

    def run(self) -> RoundResult[CPLRoundFigures]:
        """Do what is not done yet. Raises BenchError: nothing solved, no pairs, a closed gate."""
        search = self.search()
        rows = self._rows("rows", self.pool.training)
        held_out_rows = self._rows("held_out_rows", self.pool.measuring)
        trained_sft = self._train_sft()
        sft = self.publish_trained(
            "sft", "policy", trained_sft, self.base, suffix="-sft", template=PLANS
        )
        pairs = self._pairs()
        reference = self._reference(sft)
        trained = self._train_preference(sft)
        policy = self.publish_trained("policy", "policy", trained, sft, template=PLANS)
        trained_value = self._train_value()
        value = self.publish_trained("ppm", "ppm", trained_value, self.base, template=PLANS)
        accuracy = self._measure_value(value)
        evaluation = self.evaluate(policy, value)
        own = self.trained / "evaluation"
        alone = (self.settings.evaluation.alone,)
        of_sft = self.evaluate(sft, None, stage="sft_evaluation", searches=alone, before=own)
        self.stop_at_gate(evaluation)
        figures = CPLRoundFigures(
            search=search,
            rows=rows,
            held_out_rows=held_out_rows,
            sft=trained_sft.figures,
            pairs=pairs,
            reference=reference,
            preference=trained.figures,
            value=trained_value.figures,
            value_accuracy=accuracy,
            evaluation=evaluation,
            sft_evaluation=of_sft,
            coverage=coverage(self.work, self.number),
        )
        return RoundResult(Handover(policy, value, self.folder / "rows", own), figures)

    def _rows(self, name: str, problems: list[Problem]) -> PlanRowFigures:
        carries = self.begun.rows is not None and self.settings.rows.carry_over
        earlier = self.begun.rows.parent / name if self.begun.rows and carries else None

        def work(rows: PlanRowSettings) -> PlanRowFigures:
            out, seed = self.folder / name, self.recipe.seed
            return make_rows(problems, self.trees, rows, out, earlier, seed=seed)

        return self.stages.run(
            name,
            PlanRowFigures,
            work,
            sections={"rows": self.settings.rows},
            inputs={
                "pool": self.pool.digest,
                "trees": file_digest(self.trees / "records.jsonl"),
                "earlier": earlier and file_digest(earlier / SFT),
            },
            outputs=(SFT, VALUES),
        )

    def _train_sft(self) -> Trained[PolicyFigures]:
        from rstar_train.policy.sft import train_policy

        file, out, seed = self.folder / "rows" / SFT, self.trained / "sft", self.seed

        def work(lora: LoRASettings, sft: FitSettings) -> PolicyFigures:
            rows, base = read_rows(SFTRow, file), full_weights(self.base)
            return train_policy(rows, base, out, settings=sft, lora=lora, seed=seed)

        settings = self.settings
        return self.training_stages.train(
            "sft",
            PolicyFigures,
            work,
            parent=self.base,
            data=file,
            sections={"lora": settings.lora, "sft": settings.sft},
            weights=weights_file(settings.lora),
        )

    def _pairs(self) -> PreferencePairFigures:
        def work(pairs: PlanPairSettings) -> PreferencePairFigures:
            out, seed = self.folder / "pairs", self.recipe.seed
            return make_pairs(self.pool.training, self.trees, pairs, out, seed=seed)

        return self.stages.run(
            "pairs",
            PreferencePairFigures,
            work,
            sections={"pairs": self.settings.pairs},
            inputs={
                "pool": self.pool.digest,
                "trees": file_digest(self.trees / "records.jsonl"),
            },
            outputs=(PAIRS, INSTANCES),
        )

    def _reference(self, sft: Checkpoint) -> ReferenceFigures:
        return add_reference_stage(
            self.training_stages, "reference", self.folder / "pairs" / PAIRS, sft, self.settings
        )

    def _train_preference(self, sft: Checkpoint) -> Trained[PreferenceFigures]:
        return train_preference_stage(
            self.training_stages,
            "policy",
            self.trained / "reference" / REFERENCED,
            sft,
            self.settings.preference,
            self.settings.lora,
        )

    def _train_value(self) -> Trained[ValueFigures]:
        from rstar_train.value.plan_value import train_plan_value

        file, out, seed = self.folder / "rows" / VALUES, self.trained / "value", self.seed

        def work(lora: LoRASettings, value: PPMSettings) -> ValueFigures:
            rows, base = read_rows(StepRow, file), full_weights(self.base)
            return train_plan_value(rows, base, out, settings=value, lora=lora, seed=seed)

        settings = self.settings
        return self.training_stages.train(
            "value",
            ValueFigures,
            work,
            parent=self.base,
            data=file,
            sections={"lora": settings.lora, "value": settings.value},
            weights=weights_file(settings.lora),
        )

    def _measure_value(self, value: Checkpoint) -> ValueAccuracyFigures:
        from rstar_train.value.plan_value import PLOTS, measure_value

        file, out = self.folder / "held_out_rows" / VALUES, self.trained / "value_accuracy"
        seed = self.seed
        some = file.stat().st_size > 0
        figures = self.training_stages.run(
            "value_accuracy",
            ValueAccuracyFigures,
            lambda: measure_value(
                read_rows(StepRow, file), full_weights(value), seed=seed, out=out
            ),
            inputs={"value": value.digest, "held_out": file_digest(file)},
            outputs=PLOTS if some else (),
        )
        for name in PLOTS if some else ():
            replace(self.publish / self.name / name, (out / name).read_bytes())
        return figures


def add_reference_stage(
    stages: Stages, name: str, file: Path, sft: Checkpoint, settings: CPLRound
) -> ReferenceFigures:
    """Write the pairs of a file with the log-probabilities of the SFT policy, as a stage."""
    from rstar_train.policy.step_apo import add_reference

    preference, adapts = settings.preference, settings.lora.rank > 0
    most, seed = preference.max_length, stages.seed

    def work() -> ReferenceFigures:
        # Those that training will draw: a round makes several times as many.
        rows = draw_whole_problems(read_rows(PreferenceRow, file), preference.max_rows, seed)
        known = add_reference(rows, full_weights(sft), max_length=most, adapts=adapts)
        write_rows(known, stages.folder / name / REFERENCED)
        return ReferenceFigures(
            pairs=len(known),
            dropped_too_long=len(rows) - len(known),
            mean_chosen=round(fmean(row.ref_chosen or 0.0 for row in known), 3),
            mean_rejected=round(fmean(row.ref_rejected or 0.0 for row in known), 3),
        )

    return stages.run(
        name,
        ReferenceFigures,
        work,
        inputs={
            "sft": sft.digest,
            "pairs": file_digest(file),
            "max_length": most,
            "max_rows": preference.max_rows,
            "adapts": adapts,
        },
        outputs=(REFERENCED,),
    )


def train_preference_stage(
    stages: Stages,
    name: str,
    file: Path,
    sft: Checkpoint,
    preference: PreferenceSettings,
    lora: LoRASettings,
) -> Trained[PreferenceFigures]:
    """Train the SFT policy on the pairs of a file, as a stage."""
    from rstar_train.policy.step_apo import train_step_apo

    out, seed = stages.folder / name, stages.seed

    def work(lora: LoRASettings, preference: PreferenceSettings) -> PreferenceFigures:
        rows, base = read_rows(PreferenceRow, file), full_weights(sft)
        return train_step_apo(rows, base, out, settings=preference, lora=lora, seed=seed)

    return stages.train(
        name,
        PreferenceFigures,
        work,
        parent=sft,
        data=file,
        sections={"lora": lora, "preference": preference},
        weights=weights_file(lora),
    )
