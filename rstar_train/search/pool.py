"""The pool: the problems that every round searches, and which of them are never trained on.

Problems come from tiers of the embedded pool's training split and from the training pools of
`bench.problems`; an evaluation benchmark is refused. A source may name rows to drop, those that a
benchmark holds too (`rstar-bench contamination`). Two problems of one text are one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, MissingDataError, UnknownNameError
from bench.files.digests import SHORT
from bench.problems import BENCHMARKS, Role, load
from bench.problems.contamination import drop_overlaps
from bench.problems.generated import TIERS, tier_problems
from bench.types import Problem
from rstar_train.demonstrators import gsm8k
from rstar_train.recipes.recipe import RECIPES
from rstar_train.recipes.settings import PoolSettings, Source

EMBEDDED = "embedded-"


@dataclass(frozen=True, slots=True)
class Pool:
    """What is searched, in the order of the sources."""

    problems: tuple[Problem, ...]
    held_out: frozenset[str]
    """Ids of the problems that no model is trained on."""
    dropped: dict[str, int]
    """Rows left out, by reason."""
    bootstrap: frozenset[str] = frozenset()
    """Ids of the problems that are searched in round 1 only."""

    def searched(self, number: int, bootstrap: int, seed: int) -> list[Problem]:
        """Return the problems that round `number` searches.

        Round 1 searches all; a later one, besides those of every round, `bootstrap` of the
        bootstrap problems, drawn with the seed anew for each round.
        """
        if number == 1:
            return list(self.problems)
        drawn = draw_by_hash(self.bootstrap, bootstrap, f"{seed}:round {number}")
        return [p for p in self.problems if p.id not in self.bootstrap or p.id in drawn]

    @property
    def covered(self) -> list[Problem]:
        """The problems that every round searches, over which coverage is counted."""
        return [problem for problem in self.problems if problem.id not in self.bootstrap]

    @property
    def training(self) -> list[Problem]:
        """The problems that may be trained on."""
        return [problem for problem in self.problems if problem.id not in self.held_out]

    @property
    def measuring(self) -> list[Problem]:
        """The problems on which the PPM's pair accuracy is measured."""
        return [problem for problem in self.problems if problem.id in self.held_out]

    @property
    def digest(self) -> str:
        """First 16 hex digits of a SHA-256 over ids, texts, answers and what each is for."""
        hasher = hashlib.sha256()
        for problem in self.problems:
            use = f"{problem.id in self.held_out} {problem.id in self.bootstrap}"
            for part in (problem.id, problem.question, problem.answer, use):
                hasher.update(part.encode() + b"\x00")
        return hasher.hexdigest()[:SHORT]


def load_pool(settings: PoolSettings, *, seed: int, beside: Path = RECIPES) -> Pool:
    """Read a recipe's sources; drop lists are looked for `beside` the recipe's file.

    Raises BenchError: an unknown or an evaluation source, absent data, nothing left to train on.
    """
    problems: list[Problem] = []
    contaminated: set[str] = set()
    repeated = 0
    seen: set[str] = set()
    bootstrap: set[str] = set()
    for source in settings.sources:
        rows = _rows(source)
        kept = rows
        if source.decontaminate:
            kept = drop_overlaps(rows, _drop_list(source.decontaminate, beside))
            contaminated.update({row.id for row in rows} - {row.id for row in kept})
        if source.levels:
            kept = [row for row in kept if row.level in source.levels]
        taken = [problem for problem in kept if problem.question not in seen]
        repeated += len(kept) - len(taken)
        taken = taken[: source.problems or None]
        seen.update(problem.question for problem in taken)
        problems += taken
        if source.bootstrap:
            bootstrap.update(problem.id for problem in taken)
    lasting = [problem for problem in problems if problem.id not in bootstrap]
    held_out = draw_by_hash((p.id for p in lasting), settings.held_out, str(seed))
    if len(held_out) >= len(lasting):
        raise BenchError(
            f"the pool has {len(lasting)} problems for all rounds and pool.held_out is "
            f"{settings.held_out}: nothing is left to train on"
        )
    dropped = {"contaminated": len(contaminated), "repeated": repeated}
    return Pool(tuple(problems), held_out, dropped, frozenset(bootstrap))


def tier_of(problem: Problem) -> str:
    """Return the level that coverage is counted by."""
    return problem.level or problem.benchmark


def family_of(problem: Problem) -> str:
    """Return the family, subject or source that rows are balanced by."""
    return problem.subject or tier_of(problem)


def _rows(source: Source) -> list[Problem]:
    if source.name.startswith(EMBEDDED):
        tier = source.name.removeprefix(EMBEDDED)
        if tier not in TIERS:
            raise UnknownNameError("source of the pool", source.name, _names())
        if not source.problems:
            raise BenchError(f"the source {source.name!r} has no end: give it a number of problems")
        if source.levels:
            raise BenchError(f"the source {source.name!r} is one level; choose from its families")
        return tier_problems(tier, "train", source.problems, families=source.families or None)
    if source.name not in BENCHMARKS:
        raise UnknownNameError("source of the pool", source.name, _names())
    if BENCHMARKS[source.name].role is not Role.TRAIN:
        raise BenchError(
            f"{source.name!r} is an evaluation set, and a pool is trained on; training pools: "
            f"{', '.join(_names())}"
        )
    if source.families:
        raise BenchError(f"the source {source.name!r} has no families; choose from its levels")
    rows = load(source.name)
    if source.name == gsm8k.POOL:
        rows = gsm8k.with_levels(rows)
    known = sorted({row.level for row in rows if row.level})
    for level in source.levels:
        if level not in known:
            raise UnknownNameError(f"level of {source.name!r}", level, known)
    return rows


def _names() -> list[str]:
    trains = [name for name, entry in BENCHMARKS.items() if entry.role is Role.TRAIN]
    return [*(f"{EMBEDDED}{tier}" for tier in TIERS), *trains]


def _drop_list(name: str, beside: Path) -> Path:
    path = beside / name
    if not path.is_file():
        raise MissingDataError(
            f"no drop list {name!r} in {beside}; make it with: rstar-bench contamination "
            f"--train POOL --out {name}"
        )
    return path


def draw_by_hash(ids: Iterable[str], size: int, seed: str) -> frozenset[str]:
    """Draw `size` ids by a hash of each, so that a pool that grows keeps most of what it drew."""
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    return frozenset(ordered[:size])
