"""What the stages of a round of CPL leave as numbers, beside those that rStar's leave too.

See `rstar_train.figures` for how they are read and written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rstar_train.figures import (
    CoverageFigures,
    DifferenceFigures,
    EvaluationFigures,
    Figures,
    PolicyFigures,
    SearchFigures,
    StageFigures,
    ValueFigures,
)


@dataclass(frozen=True, slots=True)
class PlanRowFigures(StageFigures):
    """Training rows made of trees over plans."""

    problems: int
    trees: int
    sft_rows: int
    problems_with_solutions: int
    values: int
    """Steps and solutions whose q a value model learns."""
    sft_by_family: Mapping[str, int]
    dropped: Mapping[str, int]
    """Problems and rows left out, by reason."""


@dataclass(frozen=True, slots=True)
class PreferencePairFigures(StageFigures):
    """Preference pairs made of trees over plans."""

    trees: int
    step_pairs: int
    solution_pairs: int
    instance_pairs: int
    """Of whole responses, for instance-DPO."""
    problems_with_pairs: int
    outcomes: Mapping[str, int]
    """Trees by whether they gave pairs, and why not."""
    filtered: int
    """Pairs left out as not critical."""
    mean_step_margin: float | None
    mean_solution_margin: float | None

    @property
    def pairs(self) -> int:
        """Pairs of steps and of solutions."""
        return self.step_pairs + self.solution_pairs


@dataclass(frozen=True, slots=True)
class ReferenceFigures(StageFigures):
    """The reference's log-probabilities of both sides of pairs."""

    pairs: int
    dropped_too_long: int
    mean_chosen: float
    """Mean log-probability of the chosen sides, in nats."""
    mean_rejected: float


@dataclass(frozen=True, slots=True)
class PreferenceFigures(StageFigures):
    """The training of a policy on preferences."""

    pairs: int
    problems: int
    dropped_too_long: int
    mean_margin: float
    """q_chosen - q_rejected as it is learnt, mean of the pairs."""
    mean_log_ratio: float
    """After the training: log pi/ref of the chosen side less that of the rejected, in nats."""
    ordered: float
    """Share of the pairs of which that is above 0."""
    measured: int
    """Pairs that the last two are of."""
    steps: int
    loss_first: float
    loss_last: float
    seconds: float
    resumed_at_step: int | None = None


@dataclass(frozen=True, slots=True)
class ValueBinFigures(Figures):
    """Held-out steps of similar predicted value."""

    steps: int
    predicted: float
    """Mean value that the model gives."""
    q: float
    """Mean q of the search, with a 95 % interval of the mean from `low` to `high`."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ValueAccuracyFigures(StageFigures):
    """How well a value model predicts q of held-out trees; where there are none, only that."""

    steps: int
    problems: int = 0
    mse: float | None = None
    """Mean squared error of q."""
    mse_of_mean: float | None = None
    """That of always saying the mean q: the variance of q."""
    spearman: float | None = None
    """Rank correlation over all steps; null where all values, or all q, are equal."""
    within_problem: float | None = None
    """The same over the steps of one problem, mean of the problems that have one."""
    bins: Mapping[str, ValueBinFigures] | None = None
    """By number, the lowest predictions first."""
    ends_ordered: float | None = None
    """Share of the pairs of a right and a wrong solution of one problem whose right one is valued
    higher, ties half: what the choice of an answer needs. Null without such pairs."""


@dataclass(frozen=True, slots=True)
class CPLRoundFigures(Figures):
    """One round of CPL: `figures.json` beside its checkpoints."""

    search: SearchFigures
    rows: PlanRowFigures
    held_out_rows: PlanRowFigures
    sft: PolicyFigures
    pairs: PreferencePairFigures
    reference: ReferenceFigures
    preference: PreferenceFigures
    value: ValueFigures
    value_accuracy: ValueAccuracyFigures
    evaluation: EvaluationFigures
    """Of the round's policy."""
    sft_evaluation: EvaluationFigures
    """Of the policy before Step-APO."""
    coverage: Mapping[str, CoverageFigures]
    """By tier, by `tier/family`, and for `all`."""
    system: str = "cpl"


@dataclass(frozen=True, slots=True)
class ArmFigures(Figures):
    """One way to learn preferences, from the last round's SFT policy."""

    training: PreferenceFigures
    evaluation: EvaluationFigures
    against_step_dpo: DifferenceFigures | None = None
    """The policy alone, paired with that of the arm `step_dpo`; None for that arm itself."""


@dataclass(frozen=True, slots=True)
class CPLAblationFigures(Figures):
    """The arms of the ablation of preferences: `ablation.json` beside the rounds."""

    round: int
    sft: EvaluationFigures
    """The policy that every arm starts from."""
    arms: Mapping[str, ArmFigures]
    """By name, in the order of the arms."""
    seed: int | None = None
    """What the arms were trained with; None: the recipe's seed."""
    system: str = "cpl"
