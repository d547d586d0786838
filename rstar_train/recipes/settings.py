"""The sections of a recipe: every number of a training run, with the paper's figure beside it.

A section holds what one stage needs. The recipe's own sections are the defaults of its rounds, and
a round overrides keys of them (`rstar_train.recipes.recipe`). A field's range is part of its type;
what several fields must have in common a section's `validate` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from bench.checkpoints.ppm_config import Aggregate
from bench.engines.policy import SamplingSettings, Temperature, TokenLimit
from bench.evaluation.runner import CONCURRENCY, Concurrency
from bench.knobs import SANE, Amount, Count, DropRate, Positive, Range, Share
from bench.prompts import OFFICIAL
from bench.search import MCTS, SearchConfig
from bench.search.registry import SearchEntry, find_search
from bench.search.settings import Iterations, Samples

AtLeastZero = Annotated[float, Range(0, sane=SANE)]
"""A number of at least 0."""


@dataclass(frozen=True, slots=True)
class Source:
    """One set of problems in the pool."""

    name: str
    """A tier of the embedded pool (`embedded-grade-school`) or a training pool (`gsm8k_train`)."""
    problems: Amount = 0
    """The first so many; 0 means all (of a tier, which has no end, a number must be given)."""
    families: tuple[str, ...] = ()
    """Families of a tier that are kept; empty means all."""
    decontaminate: str = ""
    """A file that `rstar-bench contamination --out` wrote: rows to drop. Relative to the recipe."""
    bootstrap: bool = False
    """Whether the problems are searched in round 1 only and left out of coverage. They give round 1
    more examples of the format than later rounds could afford to search."""
    levels: tuple[str, ...] = ()
    """Levels of a training pool that are kept (`Level 1` of math_train; `1-2 calculations` of
    gsm8k_train, counted in its solutions); empty means all."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Which problems are searched: the same ones in every round, and some in round 1 only."""

    sources: tuple[Source, ...]
    """Sets of problems, searched in this order."""
    held_out: Amount
    """Problems, spread over the sources, that are searched and never trained on: on them the PPM's
    pair accuracy is measured. The evaluation's problems are others, in no pool at all."""

    def validate(self) -> str:
        """Return what is wrong, as `key must be ...`; nothing where all is right."""
        return "" if self.sources else "sources must be at least one source, not ()"


@dataclass(frozen=True, kw_only=True)
class SearcherSettings:
    """Who searches the pool, and what of it. A base beside a search's knobs, hence no slots."""

    policy: str
    """Who proposes steps: `previous`, the round before's policy; `base`, the untrained base model;
    `demonstrator`, `gsm8k-demonstrator` or `plan-demonstrator`; or another checkpoint's name or
    folder (paper: a 236B model in round 1, then SLM-r1, r2, r3)."""
    annotation: Literal["terminal", "ppm"]
    """Q of a step: terminal-guided (paper: rounds 1, 2), or begun at the value that the round
    before's PPM gives it (rounds 3, 4). Answers are rewarded by the reference in both."""
    trees: Count = 1
    """Trees of a problem that stays unsolved, each from a seed of its own (paper: 2 in round 4)."""
    temperature: Temperature = OFFICIAL.temperature
    """At which candidates are drawn."""
    levels: tuple[str, ...] | None = None
    """Problems of these levels only, as coverage counts them; null means all. Keeps a demonstrator
    from showing what the policy is to find by itself."""
    bootstrap: Amount | None = None
    """Bootstrap problems that a later round searches, too, drawn with the recipe's seed; null means
    none. Round 1 searches all."""
    engine: str = "auto"
    """What the policy runs on (`bench.engines.opening`); one that reuses prefixes searches faster,
    and a second run grows other trees."""
    mistake_rate: Share = 0.3
    """Probability that a step proposed by a demonstrator is a plausible mistake."""
    concurrency: Concurrency = CONCURRENCY
    """Problems in flight; changes no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings(MCTS, SearcherSettings):
    """Search of the pool (section 3.2 of the paper, and its rounds in section 3.4)."""

    unsolved_rollouts: tuple[Iterations, ...] = ()
    """Rollouts in all to which the tree of an unsolved problem grows, in turn (paper: a second 16
    for hard problems, 64 and then 128 in round 4)."""
    step_tokens: TokenLimit = SamplingSettings().step_tokens
    """Token limit of one step."""

    @property
    def sampling(self) -> SamplingSettings:
        """How the policy samples while it searches."""
        return SamplingSettings(temperature=self.temperature, step_tokens=self.step_tokens)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Rollouts in all to which a tree grows while its problem stays unsolved."""
        return (self.rollouts, *self.unsolved_rollouts)

    def validate(self) -> str:
        """Return what is wrong, as `key must be ...`; nothing where all is right."""
        if list(self.budgets) == sorted(set(self.budgets)):
            return ""
        return (
            f"unsolved_rollouts must be ascending, and above search.rollouts, not "
            f"{self.unsolved_rollouts!r}"
        )


@dataclass(frozen=True, slots=True)
class RowSettings:
    """Training rows out of trees (sections 3.3 and 3.4)."""

    rules: Literal["paper", "official"] = "paper"
    """Which trajectories and pairs are taken (`rstar_train.rows.paper`,
    `rstar_train.rows.official`)."""
    pair_filter: Literal["none", "official"] = "none"
    """Which pairs are dropped: none (paper), or those of a Q margin below 0.5 or an edit distance
    below 20 characters (official)."""
    carry_over: bool = False
    """Whether a problem that this round did not solve keeps the solutions of the latest round that
    did, and likewise its pairs; the paper trains on the round's own."""
    sft_per_family: Amount = 0
    """SFT rows of one family or subject at most, drawn with the recipe's seed; 0 means all. Keeps
    an easy family from crowding out the others."""
    pairs_per_family: Amount = 0
    """Pairs of one family at most, likewise."""
    min_solved_share: Share = 0.0
    """Problems of which a smaller share of finished trajectories is right give no rows (paper: 0.5
    for synthetic problems, whose labels are noisy)."""


@dataclass(frozen=True, slots=True)
class LoRASettings:
    """Low-rank adapters on all seven linear layers of a block; rank 0 trains every weight."""

    rank: Amount
    """Rank of the update; 0 means none, and every weight trains."""
    alpha: int
    """The update is scaled by alpha / rank."""
    dropout: DropRate
    """Share of the adapter's inputs that a step drops."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """One supervised or pairwise training run."""

    epochs: Positive
    """Times that every row is learnt."""
    learning_rate: Positive
    """At its highest, after the warm-up; it falls to 0."""
    batch_size: Count
    """Rows of an optimizer step, over all processes together."""
    max_length: Count
    """Tokens of a row at most; longer rows are dropped and counted."""
    warmup_fraction: DropRate
    """Share of the steps in which the learning rate rises."""
    max_rows: Amount
    """Rows at most, drawn with the recipe's seed; 0 means all."""
    schedule: Literal["linear", "cosine"] | None = field(default=None, kw_only=True)
    """How the learning rate falls; null, as in rStar's code, means linearly."""


@dataclass(frozen=True, slots=True)
class PPMSettings(FitSettings):
    """A training run of a PPM, or of the scorers it is compared with."""

    learn: Literal["pairs", "values", "both"] | None = None
    """What a PPM learns of on-policy rows (`rstar_train.value.ppm`): which of two texts is better,
    what each is worth, or both; null, as in the paper, means pairs."""
    bias: bool | None = None
    """Whether the head has a bias; null, as in the paper, means no."""
    head_only: bool | None = None
    """Whether the head alone is fitted, on frozen hidden states (`rstar_train.value.head`): minutes
    in place of the better part of an hour. Null means that the backbone learns, too."""

    centering: Positive | None = None
    """Coefficient of the penalty that keeps a pair's raw scores about 0
    (`rstar_train.value.objectives.add_centering`); null, as in the paper, means none."""


@dataclass(frozen=True, slots=True)
class RefreshSettings:
    """The on-policy refresh after a round's SFT: its new policy writes what its PPM learns from.

    In the paper a round's PPM is trained on the trees that the policy before it grew, guided by the
    PPM before.
    """

    problems: Amount = 0
    """Problems of the pool that the new policy samples, drawn with the recipe's seed, besides those
    held out; 0 means none, as in the paper."""
    samples: Samples = 12
    """Solutions of each, the greedy one and others; of a tree, its rollouts."""
    search: Literal["sample", "mcts"] | None = None
    """How: by samples, or by trees that the reference rewards, grown under the round's own
    `search.rules`, in which every solution is another one. Null means samples. Held-out problems
    are sampled in any case."""
    round_trees: bool | None = None
    """Whether the PPM learns from the trees of the round's own search, too, which the policy before
    grew; null means no."""
    earlier_problems: Amount | None = None
    """Problems of the pool, drawn with the recipe's seed, of which it learns from the trees of the
    rounds before, too, a demonstrator's among them; null means none."""


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """One run of the harness after a round. A recipe has the search's knobs beside its name."""

    search: str
    """Its name in `rstar-bench run --search`."""
    problems: Count
    """The first so many of the benchmark."""
    config: SearchConfig | None = None
    """The search's knobs; None: its defaults."""
    temperature: Temperature | None = None
    """At which the policy samples; null: its prompt template's."""
    aggregate: Aggregate | None = None
    """How step scores become one number; null: as the PPM's training chose."""

    @property
    def entry(self) -> SearchEntry:
        """The search. Raises UnknownNameError."""
        return find_search(self.search, "search of evaluation.runs")


GREEDY = ("greedy", "plan_greedy")
"""Searches that are the policy alone."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What each round is measured by, on problems that are in no pool."""

    benchmark: str
    """Its name in `rstar-bench run --benchmark`."""
    runs: tuple[EvaluationRun, ...]
    """The first is the policy alone, greedily; rounds are compared with one another on it."""
    gate: Literal["none", "not-worse", "better"] = "none"
    """What a round must show for the next to begin: its policy not significantly below the round
    before's, or significantly above (McNemar's exact p below 0.05)."""

    def validate(self) -> str:
        """Return what is wrong, as `key must be ...`; nothing where all is right."""
        if self.runs and self.runs[0].search in GREEDY:
            return ""
        return (
            "runs must be at least one run, the first with the search greedy (of plans: "
            f"plan_greedy), not {self.runs!r}"
        )

    @property
    def alone(self) -> str:
        """The run of the policy alone, by which rounds are compared."""
        return self.runs[0].search


@dataclass(frozen=True, slots=True)
class AblationSettings:
    """What the last round is compared with (the paper's Tables 7 and 8)."""

    samples: Samples = 16
    """Solutions sampled for each training problem, without search (paper: 32)."""
