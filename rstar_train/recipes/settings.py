"""The sections of a recipe: every number of a training run, with the paper's figure beside it.

A section holds what one stage needs. The recipe's own sections are the defaults of its rounds, and
a round overrides keys of them (`rstar_train.recipes.recipe`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Source:
    """One set of problems in the pool."""

    name: str
    """A tier of the embedded pool (`embedded-grade-school`) or a training pool (`gsm8k_train`)."""
    problems: int = 0
    """The first so many; 0 means all (of a tier, which has no end, a number must be given)."""
    families: tuple[str, ...] = ()
    """Of a tier: these families only; empty means all."""
    decontaminate: str = ""
    """A file that `rstar-bench contamination --out` wrote: rows to drop. Relative to the recipe."""
    bootstrap: bool = False
    """Searched in round 1 only, by whoever begins, and no part of the coverage: more examples of
    the format than later rounds can afford to search."""
    levels: tuple[str, ...] = ()
    """Of a training pool: rows of these levels only (`Level 1` of math_train; `1-2 calculations` of
    gsm8k_train, counted in its solutions); empty means all."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """Which problems are searched: the same ones in every round, and some in round 1 only."""

    sources: tuple[Source, ...]
    held_out: int
    """So many, spread over the sources, are searched and never trained on: on them the PPM's pair
    accuracy is measured. The evaluation's problems are others, in no pool at all."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Search of the pool (section 3.2 of the paper, and its rounds in section 3.4)."""

    policy: str
    """Who proposes steps: `previous`, the round before's policy; `base`, the untrained base model;
    `demonstrator` or `gsm8k-demonstrator`; or another checkpoint's name or folder (paper: a 236B
    model in round 1, then SLM-r1, r2, r3)."""
    annotation: Literal["terminal", "ppm"]
    """Q of a step: terminal-guided (paper: rounds 1, 2), or begun at the value that the round
    before's PPM gives it (rounds 3, 4). Answers are rewarded by the reference in both."""
    rollouts: int
    """Per problem (paper: 8 in round 1, then 16)."""
    candidates: int
    """Per expansion (paper: 5 in round 1, then 8, 16 in round 4)."""
    max_depth: int
    c: float
    """Exploration constant of UCT (paper: 2)."""
    unsolved_rollouts: tuple[int, ...] = ()
    """Rollouts in all to which the tree of an unsolved problem grows, in turn (paper: a second 16
    for hard problems, 64 and then 128 in round 4)."""
    trees: int = 1
    """Trees of a problem that stays unsolved, each from a seed of its own (paper: 2 in round 4)."""
    rules: Literal["paper", "official"] = "paper"
    """How the search plays (`bench.search.rules`)."""
    temperature: float = 1.0
    step_tokens: int = 96
    """Token limit of one step."""
    levels: tuple[str, ...] | None = None
    """Problems of these levels only, as coverage counts them; null means all. Keeps a demonstrator
    from showing what the policy is to find by itself."""
    engine: str = "auto"
    """What the policy runs on (`bench.engines.opening`); one that keeps prefixes searches faster,
    and grows other trees when it is run again."""
    mistake_rate: float = 0.3
    """Of a demonstrator: probability that a proposed step is a plausible mistake."""
    concurrency: int = 32
    """Problems in flight; changes no result."""


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
    sft_per_family: int = 0
    """At most so many SFT rows of one family or subject, drawn with the recipe's seed; 0 means all.
    Keeps an easy family from crowding out the others."""
    pairs_per_family: int = 0
    """Likewise for pairs."""
    min_solved_share: float = 0.0
    """Problems of which a smaller share of finished trajectories is right give no rows (paper: 0.5
    for synthetic problems, whose labels are noisy)."""


@dataclass(frozen=True, slots=True)
class LoRASettings:
    """Low-rank adapters on all seven linear layers of a block; rank 0 trains every weight."""

    rank: int
    alpha: int
    dropout: float


@dataclass(frozen=True, slots=True)
class FitSettings:
    """One supervised or pairwise training run."""

    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int
    """Tokens; longer rows are dropped and counted."""
    warmup_fraction: float
    max_rows: int
    """At most so many rows, drawn with the recipe's seed; 0 means all."""


@dataclass(frozen=True, slots=True)
class PPMSettings(FitSettings):
    """A training run of a PPM, or of the scorers it is compared with."""

    centering: float | None = None
    """Coefficient of the penalty that keeps a pair's raw scores about 0
    (`rstar_train.value.objectives.centered`); null, as in the paper, means none."""


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """One run of the harness after a round."""

    search: str
    """Its name in `rstar-bench run --search`."""
    problems: int
    n: int = 8
    rollouts: int = 8
    candidates: int = 4
    max_depth: int = 16


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What each round is measured by, on problems that are in no pool."""

    benchmark: str
    runs: tuple[EvaluationRun, ...]
    """The first is the policy alone, greedily; rounds are compared with one another on it."""
    gate: Literal["none", "not-worse", "better"] = "none"
    """What a round must show for the next to begin: its policy not significantly below the round
    before's, or significantly above (McNemar's exact p below 0.05)."""


@dataclass(frozen=True, slots=True)
class AblationSettings:
    """What the last round is compared with (the paper's Tables 7 and 8)."""

    samples: int = 16
    """Solutions sampled for each training problem, without search (paper: 32)."""
