"""What the searches of a recipe's rounds take for so many problems: tokens, GPU hours, storage.

Reckoned, not measured: the tokens of a tree are taken to be in proportion to its rollouts times its
candidates, and bytes and seconds in proportion to tokens. What a token count, a rate and a share of
unsolved problems come from is a stored run, or the paper where none is given; each estimate says
which. The trainings of a round are left out: beside its search they are small.

The recipe is read as a file: the trainer, whose it is, stands above the harness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bench.errors import BenchError, RecipeError, UnknownNameError
from bench.files.yaml_file import read_yaml
from bench.reports.leaderboard import seconds_of_run
from bench.reports.paper import find_table
from bench.runs.reader import Run
from bench.stats.intervals import normal_quantile
from bench.types import Outcome

PAPER_PROBLEMS = 747_000
PAPER_CANDIDATES = 32
"""Candidates of a step in the searches whose trajectories the paper's table 9 counts."""
BYTES_A_TOKEN = 4.1
"""Of records, trees and timings, for each generated token: of three problems, mcts 8x4."""
BYTES_FROM = "4.1 bytes a generated token, as three problems of smollm2-dial-r4, mcts 8x4, left"
_DAY = 24
_GROWING = ("records.jsonl", "timings.jsonl", "trees/*")
"""Files of a run directory that are in proportion to its problems."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the paper says that a round took (appendix A.1)."""

    gpus: int
    kind: str
    days: float

    @property
    def gpu_hours(self) -> float:
        """Return GPUs times hours."""
        return self.gpus * self.days * _DAY


STATED: Mapping[int, Stated] = {
    1: Stated(80, "H100-80G", 14),
    2: Stated(60, "A100-40G", 3),
    3: Stated(60, "A100-40G", 3),
    4: Stated(60, "A100-40G", 7),
}
"""By round: 10 nodes of 8, then 15 of 4. Of rounds 3 and 4 the days are stated, and the nodes are
taken to be round 2's."""


@dataclass(frozen=True, slots=True)
class RoundSearch:
    """The search of one round, as a recipe has it."""

    number: int
    policy: str
    rollouts: int
    candidates: int
    unsolved_rollouts: tuple[int, ...]
    """Rollouts in all to which the tree of an unsolved problem grows, in turn."""
    trees: int
    """Trees of a problem that stays unsolved."""

    @property
    def label(self) -> str:
        """Return rollouts, with what unsolved problems get, times candidates."""
        rollouts = "+".join(map(str, (self.rollouts, *self.unsolved_rollouts)))
        return f"{rollouts}x{self.candidates}" + (f", {self.trees} trees" if self.trees > 1 else "")

    def count_units(self, unsolved: float) -> float:
        """Return rollouts times candidates of a problem, where such a share stays unsolved.

        Those that are solved on the way cost less: it is an upper estimate for the given share.
        """
        most = max((self.rollouts, *self.unsolved_rollouts))
        first = self.rollouts + unsolved * (most - self.rollouts)
        return self.candidates * (first + unsolved * (self.trees - 1) * most)


@dataclass(frozen=True, slots=True)
class Range:
    """A value, and between which others it lies."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range, scaled."""
        return Range(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Basis:
    """What rounds are reckoned by."""

    tokens: Range
    """Generated for each rollout and candidate."""
    tokens_a_second: float | None
    """Of one GPU, or of the machine of the sample."""
    bytes_a_token: float
    unsolved: Mapping[int, float]
    """By round; empty: `unsolved_everywhere`."""
    unsolved_everywhere: float
    sources: tuple[str, ...]
    """What each was computed from, a sentence each."""

    def share_unsolved(self, number: int) -> float:
        """Return the share of problems that a round does not solve."""
        return self.unsolved.get(number, self.unsolved_everywhere)


@dataclass(frozen=True, slots=True)
class RoundCost:
    """What a round's search is reckoned to take."""

    search: RoundSearch
    tokens: Range
    hours: Range | None
    """None where no rate of the round's policy is known."""
    storage: Range
    """Bytes."""


def reckon_rounds(
    rounds: Sequence[RoundSearch], problems: int, basis: Basis, *, rate: float | None = None
) -> list[RoundCost]:
    """Return the cost of each round; `rate` stands in for the basis's tokens a second."""
    costs = []
    for search in rounds:
        units = search.count_units(basis.share_unsolved(search.number))
        tokens = basis.tokens.times(problems * units)
        known = rate or (basis.tokens_a_second if is_own(search) else None)
        hours = None if known is None else tokens.times(1 / known / 3600)
        costs.append(RoundCost(search, tokens, hours, tokens.times(basis.bytes_a_token)))
    return costs


def is_own(search: RoundSearch) -> bool:
    """Whether a round searches with a policy of the rounds, not with a larger one of others."""
    return search.policy in ("previous", "base")


def read_basis(run: Run) -> Basis:
    """Return what a stored run of MCTS says. Raises BenchError: it is another search, or empty."""
    records = [record for record in run.records if not record.is_engine_error]
    if run.search != "mcts":
        raise BenchError(
            f"{run.path} is a run of {run.search!r}, and a round searches with mcts; give a run of "
            "--search mcts as --sample"
        )
    if run.knobs.get("tokens") is not None:
        raise BenchError(
            f"the trees of {run.path} end at {run.knobs['tokens']} tokens (--tokens), so they say "
            "nothing of larger ones; give a run that ends by its rollouts as --sample"
        )
    if len(records) < 2:
        raise BenchError(
            f"{run.path} holds {len(records)} finished problems; give a --sample of more, some "
            "hundred for narrow intervals"
        )
    generated = [float(record.tokens.policy_generated) for record in records]
    units = float(run.knobs["rollouts"] * run.knobs["candidates"])
    mean = fmean(generated)
    if not mean:
        raise BenchError(f"{run.path} generated no tokens, so nothing can be reckoned by it")
    margin = normal_quantile(0.95) * stdev(generated) / math.sqrt(len(generated))
    seconds = seconds_of_run(run)
    size = sum(file.stat().st_size for kind in _GROWING for file in run.path.glob(kind))
    right = sum(
        any(sample.outcome is Outcome.CORRECT for sample in record.samples) for record in records
    )
    unsolved = 1 - right / len(records)
    label = f"{run.knobs['rollouts']}x{run.knobs['candidates']}"
    cpu = run.header.get("cpu", {}).get("model", "its machine")
    rate = None if not seconds else sum(generated) / seconds
    known = "no rate, its timings are gone" if rate is None else f"{rate:,.0f} tokens a second"
    return Basis(
        tokens=Range(mean, max(0.0, mean - margin), mean + margin).times(1 / units),
        tokens_a_second=rate,
        bytes_a_token=size / sum(generated),
        unsolved={},
        unsolved_everywhere=unsolved,
        sources=(
            f"Tokens: {mean:,.0f} of a problem in {run.path} ({run.policy}, mcts {label}, "
            f"{len(records)} problems), in proportion to rollouts x candidates; brackets: 95 % of "
            "that mean.",
            f"Hours: {known} in that run, on its machine ({cpu}); --rate gives another.",
            f"Storage: {size / sum(generated):.1f} bytes a generated token in that run.",
            f"Larger and further trees: for the {100 * unsolved:.0f} % that run left unsolved.",
        ),
    )


def paper_basis() -> Basis:
    """Return what the paper states, with its own second round for the rate. Raises DataError."""
    a_trajectory = [
        value for value in find_table("table9").row("rStar-Math").values() if value is not None
    ]
    solved = find_table("table2")
    unsolved = {
        number: 1 - (solved.row(f"round {number}")["all"] or 0.0) / 100 for number in STATED
    }
    mean = Range(fmean(a_trajectory), min(a_trajectory), max(a_trajectory))
    tokens = mean.times(1 / PAPER_CANDIDATES)
    second = RoundSearch(2, "previous", 16, 8, (32,), 1)
    of_second = tokens.value * PAPER_PROBLEMS * second.count_units(unsolved[2])
    rate = of_second / STATED[2].gpu_hours / 3600
    return Basis(
        tokens=tokens,
        tokens_a_second=rate,
        bytes_a_token=BYTES_A_TOKEN,
        unsolved=unsolved,
        unsolved_everywhere=unsolved[max(unsolved)],
        sources=(
            f"Tokens: {mean.value:,.0f} of a trajectory with {PAPER_CANDIDATES} candidates, the "
            "mean of the paper's table 9, in proportion to rollouts x candidates; brackets: its "
            "easiest and its hardest benchmark.",
            f"Hours: {rate:,.0f} tokens a second of a GPU, with which round 2 takes what the paper "
            "states of it; so of round 2 they say nothing new. --rate gives another.",
            f"Storage: {BYTES_FROM}.",
            "Larger and further trees: for the problems that the paper's table 2 leaves unsolved "
            "after that round.",
        ),
    )


def read_rounds(recipe: str) -> list[RoundSearch]:
    """Return the searches of a recipe's rounds: of a shipped one by name, or of a YAML file.

    Raises RecipeError, UnknownNameError.
    """
    file = _find_recipe(recipe)
    data = read_yaml(file, "recipe")
    if data.get("system", "rstar") != "rstar":
        raise RecipeError(
            f"the recipe {recipe!r} searches plans; rounds are reckoned for MCTS over steps"
        )
    common, rounds = data.get("search", {}), data.get("rounds")
    if not isinstance(common, Mapping) or not isinstance(rounds, Sequence) or not rounds:
        raise RecipeError(f"{file}: expected the sections `search` and `rounds`, as recipes have")
    found = []
    for number, overrides in enumerate(rounds, start=1):
        own = overrides.get("search", {}) if isinstance(overrides, Mapping) else None
        if not isinstance(own, Mapping):
            raise RecipeError(f"{file}: round {number} is no mapping of sections")
        found.append(_read_search(file, number, {**common, **own}))
    return found


def _read_search(file: Path, number: int, section: Mapping[str, Any]) -> RoundSearch:
    more = section.get("unsolved_rollouts", [])
    counts = {name: section.get(name) for name in ("rollouts", "candidates")}
    counts["trees"] = section.get("trees", 1)
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise RecipeError(
                f"{file}: search.{name} of round {number} must be a whole number of at least 1, "
                f"not {value!r}"
            )
    if not isinstance(more, list) or not all(isinstance(each, int) for each in more):
        raise RecipeError(
            f"{file}: search.unsolved_rollouts of round {number} must be a list of whole numbers, "
            f"not {more!r}"
        )
    policy = str(section.get("policy", "previous"))
    return RoundSearch(number, policy, unsolved_rollouts=tuple(more), **counts)  # type: ignore[arg-type]


def _find_recipe(name: str) -> Path:
    given = Path(name)
    if given.suffix in (".yaml", ".yml") or given.exists():
        return given
    spec = find_spec("rstar_train")
    shipped = Path(spec.origin).parent / "recipes" if spec and spec.origin else Path()
    known = {file.stem: file for file in sorted(shipped.glob("*.yaml"))}
    if name not in known:
        raise UnknownNameError("recipe", name, known)
    return known[name]
