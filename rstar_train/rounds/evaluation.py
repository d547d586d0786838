"""A round's evaluation: the harness on problems that are in no pool, paired with the round before.

Every run of the recipe is a run directory of its own, which a kill leaves ready to be resumed. What
is compared is the same selector of the same search on the same problems.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.engines.policy import SamplingSettings
from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec, row_of
from bench.problems import load
from bench.reports.leaderboard import compare, leaderboard
from bench.runs.header import config_digest
from bench.runs.reader import Run
from bench.stats import Interval, PairedDifference, wilson
from bench.types import Outcome
from rstar_train.figures import (
    CountFigures,
    DifferenceFigures,
    EvaluationFigures,
    MethodFigures,
    ShareFigures,
)
from rstar_train.recipes.settings import EvaluationRun, EvaluationSettings


def evaluate(
    settings: EvaluationSettings,
    folder: Path,
    *,
    seed: int,
    policy: Checkpoint,
    ppm: Checkpoint | None,
    searches: Collection[str] | None = None,
) -> dict[str, Run]:
    """Run what the settings ask for into `folder`; return the runs by search.

    Without a PPM, runs that use one are left out: the base model has none. `searches` names those
    that are wanted, where not all are. Raises BenchError.
    """
    chosen = [
        run
        for run in settings.runs
        if (ppm or not run.entry.uses_ppm) and (searches is None or run.search in searches)
    ]
    return asyncio.run(_run(settings.benchmark, chosen, folder, seed, policy, ppm))


async def _run(
    benchmark: str,
    chosen: Sequence[EvaluationRun],
    folder: Path,
    seed: int,
    policy: Checkpoint,
    ppm: Checkpoint | None,
) -> dict[str, Run]:
    runs = {}
    async with Harness() as harness:
        for each in chosen:
            uses_ppm = ppm is not None and each.entry.uses_ppm
            spec = RunSpec(
                benchmark=benchmark,
                policy=str(policy.adapter or policy.name),
                ppm=str(ppm.adapter) if ppm is not None and uses_ppm else None,
                search=each.search,
                config=each.config,
                aggregate=each.aggregate,
                sampling=SamplingSettings(temperature=each.temperature),
                limit=each.problems,
                seed=seed,
            )
            with Progress(f"{folder.parent.name} {each.search}") as progress:
                runs[each.search] = await harness.run(
                    spec,
                    folder / each.search,
                    on_start=progress.start,
                    on_done=progress.tick,
                )
    return runs


def benchmark_digest(settings: EvaluationSettings) -> str:
    """Return a digest of the problems that are evaluated: a benchmark may change under its name."""
    most = max(run.problems for run in settings.runs)
    return config_digest({"rows": [row_of(p) for p in load(settings.benchmark, limit=most)]})


def families_of(benchmark: str) -> dict[str, str]:
    """Return the families of a benchmark's problems, by problem id, where they have any.

    Raises what `bench.problems.load` raises.
    """
    return {p.id: p.subject for p in load(benchmark) if p.subject}


def figures_of(
    runs: Mapping[str, Run],
    families: Mapping[str, str],
    *,
    before: Mapping[str, Run] | None = None,
    base: Mapping[str, Run] | None = None,
) -> EvaluationFigures:
    """Return, by selector, accuracy with its interval, cost, and paired differences.

    `before` and `base` are the runs of the round before and of the base model, by search.
    """
    methods: dict[str, MethodFigures] = {}
    for search, run in runs.items():
        for row in leaderboard([run]).rows:
            methods[row.method] = MethodFigures(
                label=row.label,
                n=row.n,
                correct=row.counts.correct,
                accuracy=None if row.accuracy is None else _share(row.accuracy),
                failures=row.counts.failures,
                policy_tokens=row.policy_tokens,
                ppm_tokens=row.ppm_tokens,
                by_tier=by_tier(run, row.method, families),
                against_before=_paired(run, (before or {}).get(search), row.method),
                against_base=_paired(run, (base or {}).get(search), row.method),
            )
    return EvaluationFigures(methods)


def by_tier(run: Run, method: str, families: Mapping[str, str]) -> dict[str, CountFigures]:
    """Return a selector's accuracy on each tier and `tier/family` of a run, failures left out."""
    found: dict[str, list[bool]] = defaultdict(list)
    for record in run.records:
        chosen = record.selected.get(method)
        if chosen is None or chosen.outcome.is_failure:
            continue
        groups = [record.benchmark]
        if record.problem_id in families:
            groups.append(f"{record.benchmark}/{families[record.problem_id]}")
        for group in groups:
            found[group].append(chosen.outcome is Outcome.CORRECT)
    return {name: _counted(right) for name, right in sorted(found.items())}


def passes_gate(gate: str, greedy: MethodFigures) -> bool:
    """Whether a round's greedy figures let the next round begin."""
    difference = greedy.against_before
    if gate == "none" or difference is None:
        return True
    if gate == "better":
        return difference.is_significant and difference.estimate > 0
    return not (difference.is_significant and difference.estimate < 0)


def _counted(right: Sequence[bool]) -> CountFigures:
    interval = wilson(sum(right), len(right))
    return CountFigures(len(right), sum(right), interval.estimate, interval.low, interval.high)


def _share(interval: Interval) -> ShareFigures:
    # Never rounded here: a figure that is rounded twice is another figure.
    return ShareFigures(interval.estimate, interval.low, interval.high)


def _paired(run: Run, other: Run | None, method: str) -> DifferenceFigures | None:
    """Return what a selector gained over the same one of another run; None without that run."""
    if other is None:
        return None
    found: PairedDifference | None = compare(run, other, a_method=method, b_method=method)
    if found is None:
        return None
    return DifferenceFigures(
        found.estimate, found.low, found.high, found.only_a, found.only_b, found.p
    )
