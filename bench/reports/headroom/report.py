"""The headroom report: for all problems, for each family and each level, from stored runs.

A family is a problem's subject, and a level its level; records do not hold them, so the benchmark
is read again. A part that holds all the problems is not listed apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from bench.errors import BenchError
from bench.problems import load
from bench.reports.headroom.choosing import (
    Choosing,
    draw_curves,
    is_listed,
    read_choosing,
)
from bench.reports.headroom.groups import Pool, RunGroup, Sampled, group_runs, read_pool
from bench.reports.headroom.scoring import ScoreWorth, read_scoring
from bench.reports.headroom.token_use import TokenUse, read_token_use
from bench.runs.reader import Run

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    """What sort of problem one is, as its benchmark has it."""

    family: str | None
    level: str | None


Kinds = Callable[[str], Mapping[str, Kind]]
"""The kinds of a benchmark's problems by problem id, from the benchmark's name."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a run's problems."""

    name: str
    kind: Literal["all", "family", "level"]
    choosing: Choosing
    scoring: ScoreWorth | None
    """None without a PPM."""


@dataclass(frozen=True, slots=True)
class SampledRun:
    """What one sample run shows."""

    path: Path
    samples: int
    """Of every problem: k goes up to here."""
    temperature: float | None
    seed: int | None
    failed_problems: int
    failed_samples: int
    drawn: int
    """Problems whose weighted votes are a mean over random subsets."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The runs of one policy and one PPM on one benchmark."""

    benchmark: str
    policy: str
    ppm: str | None
    sampled: tuple[SampledRun, ...]
    """Empty where only other searches were given."""
    tokens: tuple[TokenUse, ...]


def headroom(runs: Iterable[Run], kinds: Kinds | None = None) -> tuple[GroupReport, ...]:
    """Return what stored runs say about a search, for each policy, PPM and benchmark.

    `kinds` says of what family and level the problems are; by default the benchmark is read for
    that, and one that cannot be read has neither.

    Raises:
        MissingRunError: no run holds several independent samples of each problem.
        UnknownNameError: a run of a search that this version does not know.
    """
    return tuple(_report(group, kinds or read_kinds) for group in group_runs(runs))


def read_kinds(benchmark: str) -> dict[str, Kind]:
    """Return the kinds of a benchmark's problems; none, and a warning, where it cannot be read."""
    try:
        return {p.id: Kind(p.subject, p.level) for p in load(benchmark)}
    except BenchError as error:
        log.warning("families and levels are left out: %s", error)
        return {}


def _report(group: RunGroup, kinds: Kinds) -> GroupReport:
    of_problem = kinds(group.benchmark) if group.sampled else {}
    runs = [*([group.greedy] if group.greedy else ()), *group.sampled, *group.searched]
    return GroupReport(
        benchmark=group.benchmark,
        policy=group.policy,
        ppm=group.ppm,
        sampled=tuple(_read_run(group, run, of_problem) for run in group.sampled),
        tokens=tuple(read_token_use(run) for run in runs),
    )


def _read_run(group: RunGroup, run: Run, kinds: Mapping[str, Kind]) -> SampledRun:
    pool: Pool = read_pool(group, run)
    scored = any(s.step_scores for each in pool.problems for s in each.samples)
    curves = {each.problem_id: draw_curves(each, scored=scored) for each in pool.problems}
    config = run.config
    policy = config["policy"]
    return SampledRun(
        path=run.path,
        samples=pool.size,
        temperature=policy.get("temperature") if isinstance(policy, Mapping) else None,
        seed=config.get("seed"),
        failed_problems=pool.failed_problems,
        failed_samples=pool.failed_samples,
        drawn=sum(scored and not is_listed(each) for each in pool.problems),
        parts=tuple(
            Part(
                name,
                kind,
                read_choosing(problems, curves, pool.size),
                read_scoring(problems) if scored else None,
            )
            for name, kind, problems in _divide(pool.problems, kinds)
        ),
    )


_Division = tuple[str, Literal["all", "family", "level"], Sequence[Sampled]]


def _divide(problems: Sequence[Sampled], kinds: Mapping[str, Kind]) -> list[_Division]:
    """Return all problems, then those of each family and of each level, by name."""
    families: dict[str, list[Sampled]] = {}
    levels: dict[str, list[Sampled]] = {}
    for each in problems:
        family, level = kinds.get(each.problem_id, (None, None))
        if family:
            families.setdefault(family, []).append(each)
        if level:
            name = level if level.lower().startswith("level") else f"level {level}"
            levels.setdefault(name, []).append(each)
    divisions: list[_Division] = [("all", "all", problems)]
    divisions += [(name, "family", families[name]) for name in sorted(families)]
    divisions += [(name, "level", levels[name]) for name in sorted(levels)]
    return [d for d in divisions if d[1] == "all" or len(d[2]) < len(problems)]
