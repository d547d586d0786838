"""A round's evaluation: the harness on problems that are in no pool, paired with the round before.

Every run of the recipe is a run directory of its own, which a kill leaves ready to be resumed. What
is compared is the same selector of the same search on the same problems.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import Checkpoint
from bench.errors import UnknownNameError
from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import SEARCHES, RunSpec, SearchKind
from bench.problems import load
from bench.reports.leaderboard import compare, leaderboard
from bench.runs.reader import Run
from bench.stats import Interval, PairedDifference, wilson
from bench.types import Outcome
from rstar_train.recipes.recipe import Recipe
from rstar_train.recipes.settings import EvaluationRun


def evaluate(
    recipe: Recipe,
    folder: Path,
    *,
    policy: Checkpoint,
    ppm: Checkpoint | None,
    searches: Collection[str] | None = None,
) -> dict[str, Run]:
    """Run what the recipe asks for into `folder`; return the runs by search.

    Without a PPM, runs that use one are left out: the base model has none. `searches` names those
    that are wanted, where not all are. Raises BenchError.
    """
    chosen = [
        run
        for run in recipe.evaluation.runs
        if (ppm or not _kind(run).uses_ppm) and (searches is None or run.search in searches)
    ]
    return asyncio.run(_run(recipe, chosen, folder, policy, ppm))


async def _run(
    recipe: Recipe,
    chosen: list[EvaluationRun],
    folder: Path,
    policy: Checkpoint,
    ppm: Checkpoint | None,
) -> dict[str, Run]:
    runs = {}
    async with Harness() as harness:
        for each in chosen:
            uses_ppm = ppm is not None and _kind(each).uses_ppm
            spec = RunSpec(
                benchmark=recipe.evaluation.benchmark,
                policy=str(policy.adapter or policy.name),
                ppm=str(ppm.adapter) if ppm is not None and uses_ppm else None,
                search=each.search,
                limit=each.problems,
                seed=recipe.seed,
                n=each.n,
                rollouts=each.rollouts,
                candidates=each.candidates,
                max_depth=each.max_depth,
            )
            with Progress(f"{folder.parent.name} {each.search}") as progress:
                runs[each.search] = await harness.run(
                    spec,
                    folder / each.search,
                    on_start=progress.start,
                    on_done=progress.tick,
                )
    return runs


def families_of(recipe: Recipe) -> dict[str, str]:
    """Return the families of the evaluation's problems, by problem id, where they have any.

    Raises what `bench.problems.load` raises.
    """
    return {p.id: p.subject for p in load(recipe.evaluation.benchmark) if p.subject}


def figures_of(
    runs: Mapping[str, Run],
    against: Mapping[str, Mapping[str, Run]],
    families: Mapping[str, str],
) -> dict[str, Any]:
    """Return, by selector, accuracy with its interval, cost, and paired differences.

    `against` holds what the runs are compared with, by the name that the difference gets.
    """
    figures: dict[str, Any] = {}
    for search, run in runs.items():
        for row in leaderboard([run]).rows:
            entry: dict[str, Any] = {
                "label": row.label,
                "n": row.n,
                "correct": row.counts.correct,
                "accuracy": None if row.accuracy is None else _interval(row.accuracy),
                "failures": row.counts.failures,
                "policy_tokens": row.policy_tokens,
                "ppm_tokens": row.ppm_tokens,
                "by_tier": by_tier(run, row.method, families),
            }
            for name, others in against.items():
                if search in others:
                    other = others[search]
                    difference = compare(run, other, a_method=row.method, b_method=row.method)
                    entry[name] = None if difference is None else _paired(difference)
            figures[row.method] = entry
    return figures


def by_tier(run: Run, method: str, families: Mapping[str, str]) -> dict[str, Any]:
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
    return {
        name: {"n": len(right), "correct": sum(right), **_interval(wilson(sum(right), len(right)))}
        for name, right in sorted(found.items())
    }


def passes_gate(gate: str, greedy: Mapping[str, Any]) -> bool:
    """Whether a round's greedy figures let the next round begin."""
    difference = greedy.get("against_before")
    if gate == "none" or difference is None:
        return True
    significant = difference["mcnemar_p"] < 0.05
    if gate == "better":
        return bool(significant and difference["estimate"] > 0)
    return not (significant and difference["estimate"] < 0)


def check_searches(recipe: Recipe) -> None:
    """Find a misspelt search before hours of training, not after. Raises UnknownNameError."""
    for run in recipe.evaluation.runs:
        _kind(run)


def _kind(run: EvaluationRun) -> SearchKind:
    if run.search not in SEARCHES:
        raise UnknownNameError("search of evaluation.runs", run.search, SEARCHES)
    return SEARCHES[run.search]


def _interval(interval: Interval) -> dict[str, float]:
    # Never rounded here: a figure that is rounded twice is another figure.
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _paired(difference: PairedDifference) -> dict[str, Any]:
    return {
        "estimate": difference.estimate,
        "low": difference.low,
        "high": difference.high,
        "only_now": difference.only_a,
        "only_before": difference.only_b,
        "mcnemar_p": difference.p,
    }
