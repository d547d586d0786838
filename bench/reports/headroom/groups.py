"""Which stored runs belong together, and the problems of one as samples that could be judged.

Runs belong together that asked one policy, in one template, on one benchmark, with one PPM; a
greedy run, which has no PPM, belongs to every group of its policy. Two sample runs of a group are
not pooled: they may differ in temperature, or begin with the same samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from bench.errors import MissingRunError
from bench.reports.leaderboard import outcomes
from bench.runs.reader import Run
from bench.runs.record import Sample
from bench.search.registry import find_search
from bench.types import Outcome


@dataclass(slots=True)
class RunGroup:
    """The runs of one policy and one PPM on one benchmark, in the order given."""

    benchmark: str
    policy: str
    ppm: str | None
    sampled: list[Run] = field(default_factory=list)
    searched: list[Run] = field(default_factory=list)
    """Runs of any other search but greedy."""
    greedy: Run | None = None
    """The first one given."""

    @classmethod
    def of(cls, run: Run) -> RunGroup:
        """Return the group that a run belongs to, still empty."""
        return cls(run.benchmark, run.policy, run.configured("ppm"))


@dataclass(frozen=True, slots=True)
class Sampled:
    """One problem with its judged samples, in the order in which they were found."""

    problem_id: str
    samples: tuple[Sample, ...]
    greedy: float | None
    """Whether the greedy solution is right, 1 or 0; None where there is none, or none judged."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The problems of a sample run, and what the harness could not judge of it."""

    problems: tuple[Sampled, ...]
    failed_problems: int
    """Left out: the engine failed, or at most half of the samples could be judged."""
    failed_samples: int
    """Left out of problems that are not."""

    @property
    def size(self) -> int:
        """Return the number of samples that every problem has."""
        return min(len(each.samples) for each in self.problems)


def group_runs(runs: Iterable[Run]) -> list[RunGroup]:
    """Return the groups in the order in which they are met.

    Raises MissingRunError: no run is one of independent samples. UnknownNameError: a search that
    this version does not know.
    """
    groups: dict[tuple[str, str, str], RunGroup] = {}
    greedy: dict[tuple[str, str], Run] = {}
    for run in runs:
        policy, ppm = _identity(run.config.get("policy")), _identity(run.config.get("ppm"))
        key = (run.benchmark, policy, ppm)
        if is_greedy(run):
            greedy.setdefault(key[:2], run)
            continue
        group = groups.setdefault(key, RunGroup.of(run))
        (group.sampled if is_sampled(run) else group.searched).append(run)
    for of_policy, run in greedy.items():
        having = [group for key, group in groups.items() if key[:2] == of_policy]
        for group in having or [groups.setdefault((*of_policy, ""), RunGroup.of(run))]:
            group.greedy = run
    if not any(group.sampled for group in groups.values()):
        raise MissingRunError(
            "headroom is read off independent samples, and none of these runs has any. "
            + _say_what_to_run(next(iter(groups.values()), None))
        )
    return list(groups.values())


def read_pool(group: RunGroup, run: Run) -> Pool:
    """Return the problems of a sample run of a group, each with its greedy outcome.

    A run whose first sample is the greedy one does without a greedy run, and that one is no sample.

    Raises MissingRunError: there are not several samples of a problem, or none could be judged.
    """
    greedy = _read_greedy(group.greedy) if group.greedy else {}
    first = bool(run.knobs.get("greedy_first"))
    asked: dict[str, list[Sample]] = defaultdict(list)
    broken = set()
    for record in run.records:
        asked[record.problem_id] += record.samples[first:]
        if record.error is not None:
            broken.add(record.problem_id)
        for each in record.samples[: first and group.greedy is None]:
            if not each.outcome.is_failure:
                greedy[record.problem_id] = float(is_right(each))
    problems, failed = [], 0
    for name, samples in asked.items():
        judged = tuple(each for each in samples if not each.outcome.is_failure)
        if name not in broken and 2 * len(judged) > len(samples):
            failed += len(samples) - len(judged)
            problems.append(Sampled(name, judged, greedy.get(name)))
    pool = Pool(tuple(problems), len(asked) - len(problems), failed)
    if not problems or pool.size < 2:
        least = f"has {pool.size} of some problem" if problems else "has no problem judged"
        raise MissingRunError(
            f"headroom needs several samples of every problem, and {run.path} {least}. "
            + _say_what_to_run(group)
        )
    return pool


def is_finished(sample: Sample) -> bool:
    """Whether a sample came to an answer, so that it can be chosen."""
    return sample.answer is not None


def is_right(sample: Sample) -> bool:
    """Whether a sample's answer was accepted."""
    return sample.outcome is Outcome.CORRECT


def is_sampled(run: Run) -> bool:
    """Whether a run holds independent samples, whatever it chose among them by."""
    return find_search(run.search).is_sampling


def is_greedy(run: Run) -> bool:
    """Whether a run holds one greedy solution of each problem."""
    return run.search in ("greedy", "plan_greedy")


def _read_greedy(run: Run) -> dict[str, float]:
    """Return by problem whether greedy was right, of several seeds the mean; failures left out."""
    right: dict[str, list[bool]] = defaultdict(list)
    for key, outcome in outcomes(run, run.search).items():
        if not outcome.is_failure:
            right[key.problem_id].append(outcome is Outcome.CORRECT)
    return {name: fmean(each) for name, each in right.items()}


def _identity(checkpoint: Any) -> str:
    """Return what tells a checkpoint apart: the digests of its weights and of its template."""
    if not isinstance(checkpoint, Mapping):
        return checkpoint or ""
    template = checkpoint.get("template_digest", "")
    return f"{checkpoint.get('digest', checkpoint['name'])} {template}"


def _say_what_to_run(group: RunGroup | None) -> str:
    benchmark, policy = (group.benchmark, group.policy) if group else ("NAME", "NAME")
    return (
        "Run: rstar-bench run --search sample --n 16 "
        f"--benchmark {benchmark} --policy {policy} --out DIR"
    )
