"""The sections of a recipe of CPL (arXiv 2409.08642), with the released code's figures beside them.

Where a figure is marked `code`, it is the released code's; the paper prints few. The sections that
rStar's rounds have as well are in `rstar_train.recipes.settings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.engines.policy import SamplingSettings, TokenLimit
from bench.knobs import Count, Positive
from bench.search import CPL
from rstar_train.recipes.settings import (
    AtLeastZero,
    EvaluationSettings,
    FitSettings,
    LoRASettings,
    PPMSettings,
    SearcherSettings,
    SearchSettings,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSearchSettings(CPL, SearcherSettings):
    """Search of the pool over plans."""

    problems: Count | None = None
    """Problems of the pool that the round searches, drawn with the recipe's seed (code: 5,000 in
    round 1, 15,000 in round 2); null means all. A smaller number draws a part of a larger one's."""
    action_tokens: TokenLimit = SamplingSettings().solution_tokens
    """Token limit of a step of a plan, and of a solution (code: 1500)."""

    @property
    def sampling(self) -> SamplingSettings:
        """How the policy samples while it searches."""
        return SamplingSettings(temperature=self.temperature, solution_tokens=self.action_tokens)

    def validate(self) -> str:
        """Return what is wrong, as `key must be ...`; nothing: every key has its own range."""
        return ""


AnySearch = SearchSettings | PlanSearchSettings
"""Search of the pool, over the steps of a solution or of a plan."""


@dataclass(frozen=True, slots=True)
class PlanRowSettings:
    """Solutions to imitate, out of trees."""

    per_question: Count = 4
    """Right paths of a question at most, drawn with the recipe's seed (code: 4)."""
    carry_over: bool = False
    """Whether a question that this round did not solve keeps the paths of the latest round that
    did; the code trains on the round's own."""


@dataclass(frozen=True, slots=True)
class PlanPairSettings:
    """Preference pairs, out of trees."""

    solution_scale: AtLeastZero = 0.3
    """What the margin of two solutions is multiplied with (code: 0.3); of two steps it is 1."""
    min_margin: Positive | None = None
    """Pairs of a smaller q_chosen - q_rejected are left out; null, as in the code, means none."""
    verified: bool | None = None
    """Whether only those are kept whose choice changes the outcome (CSO, arXiv 2602.03412; see
    `rstar_train.rows.plan_pairs`); null means no."""


@dataclass(frozen=True, slots=True)
class PreferenceSettings(FitSettings):
    """A training run of Step-APO, or of what it is compared with."""

    beta: Positive = 0.3
    """How strongly the policy is held to the reference (code: 0.3)."""
    alpha: AtLeastZero = 1.0
    """How much of a pair's margin is asked for (code: 1); 0 is DPO."""


@dataclass(frozen=True, slots=True)
class CPLRound:
    """The sections of one round of CPL, its overrides applied."""

    search: PlanSearchSettings
    lora: LoRASettings
    sft: FitSettings
    preference: PreferenceSettings
    value: PPMSettings
    evaluation: EvaluationSettings
    rows: PlanRowSettings = PlanRowSettings()
    pairs: PlanPairSettings = PlanPairSettings()

    def validate(self) -> str:
        """Return what is wrong between sections, as `key must be ...`."""
        for run in self.evaluation.runs:
            if run.entry.format != "plans":
                return (
                    "evaluation.runs must be searches of plans, which is what the policy writes; "
                    f"{run.search!r} searches {run.entry.format}"
                )
        if self.value.learn is not None or self.value.centering is not None:
            return (
                "value.learn and value.centering must be null: a value model of plans regresses q "
                f"itself; not {self.value.learn!r} and {self.value.centering!r}"
            )
        return ""
