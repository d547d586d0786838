"""The search stage: every problem of the pool, with the round's searcher, into a run directory.

Here alone training meets the reference answers: as the reward of a finished trajectory. A problem
that stays unsolved gets a larger tree, and another one from another seed, where the recipe says so.
Killed, the stage goes on at the problem; what it has appended is kept.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.answers import acheck
from bench.checkpoints.checkpoint import Checkpoint
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.runner import run_problems
from bench.runs.header import make_header
from bench.runs.record import Key, Record
from bench.runs.writer import RunDir
from bench.search import (
    MCTS,
    Node,
    Reward,
    Sampling,
    Trace,
    first,
    majority,
    rules_named,
    sample,
)
from bench.types import Outcome, Problem
from rstar_train.recipes.recipe import Recipe
from rstar_train.search.pool import tier_of
from rstar_train.search.progress import SearchProgress
from rstar_train.search.searcher import Searcher, started
from rstar_train.search.until_solved import mcts_until_solved


async def search_pool(
    problems: Sequence[Problem],
    recipe: Recipe,
    searcher: Searcher,
    folder: Path,
    *,
    journal: Path | None = None,
) -> Mapping[str, Any]:
    """Search what the searcher can search of `problems`; return counts for the manifest.

    `folder` is the run directory; `journal` is told how far the search is. Raises BenchError:
    nothing can be searched, nothing was solved, or the harness failed on a problem (repeating the
    command searches those again).
    """
    levels = recipe.search.levels
    known = sorted({tier_of(problem) for problem in problems})
    for level in levels or ():
        if level not in known:
            raise UnknownNameError("level of search.levels", level, known)
    chosen = [
        problem
        for problem in problems
        if (levels is None or tier_of(problem) in levels) and _can_search(searcher, problem)
    ]
    if not chosen:
        raise BenchError(
            f"{recipe.search.policy} can write steps for none of the pool's {len(problems)} "
            "problems; give the pool families that it knows"
        )
    config = {
        "search": {"name": "mcts", **dataclasses.asdict(recipe.search)},
        "recipe": recipe.digest("pool"),
        "seed": recipe.seed,
        **searcher.about,
    }
    del config["search"]["concurrency"]  # changes no record
    with RunDir.open(folder, make_header(config)) as run:
        for seed in range(recipe.seed, recipe.seed + recipe.search.trees):
            # Only what earlier trees found counts, so that a resume asks for the same problems.
            earlier = [record for record in run.records() if record.seed < seed]
            todo = _unsolved(chosen, earlier)
            tell = SearchProgress(f"{folder.parent.parent.name}/{folder.parent.name}", journal)
            await _search(todo, recipe, searcher, run, seed, tell)
        records = run.records()
    _refuse_failures(records)
    solved = solved_ids(records)
    if not solved:
        raise BenchError(
            f"none of the {len(chosen)} problems searched was solved, so there is nothing to train "
            "on: search easier problems (pool.sources), or raise search.rollouts, or begin with a "
            "demonstrator (search.policy)"
        )
    return {
        "problems": len(problems),
        "searched": len(chosen),
        "not_searchable": len(problems) - len(chosen),
        "solved": len(solved),
        "trees": len(records),
        "policy_tokens": sum(record.tokens.policy_generated for record in records),
        "ppm_tokens": sum(record.tokens.ppm for record in records),
        "executions": sum(record.executions for record in records),
    }


def _refuse_failures(records: Sequence[Record]) -> None:
    failed = [record for record in records if record.is_engine_error]
    if failed:
        raise BenchError(
            f"the search failed on {len(failed)} problems, e.g. {failed[0].problem_id!r} "
            f"({failed[0].error}); repeat the command to search them again"
        )


def solved_ids(records: Sequence[Record]) -> set[str]:
    """Return the problems of which a trajectory was right."""
    return {
        record.problem_id
        for record in records
        if any(sample.outcome is Outcome.CORRECT for sample in record.samples)
    }


def _can_search(searcher: Searcher, problem: Problem) -> bool:
    return searcher.demonstrator is None or searcher.demonstrator.can_solve(problem)


def _unsolved(problems: Sequence[Problem], records: Sequence[Record]) -> list[Problem]:
    solved = solved_ids(records)
    return [problem for problem in problems if problem.id not in solved]


async def _search(
    problems: Sequence[Problem],
    recipe: Recipe,
    searcher: Searcher,
    run: RunDir,
    seed: int,
    progress: SearchProgress,
) -> None:
    done = {key.problem_id for key in run.done if key.seed == seed}
    left = [problem for problem in problems if problem.id not in done]
    if not left:
        return
    settings = recipe.search
    config = MCTS(settings.rollouts, settings.candidates, settings.max_depth, settings.c)
    async with started(recipe, searcher, run) as (policy, scorer, sandbox):

        async def search(problem: Problem) -> Trace:
            return await mcts_until_solved(
                problem,
                policy,
                sandbox,
                config=config,
                seed=seed,
                reward=reward_of(problem),
                scorer=scorer,
                rules=rules_named(settings.rules),
                budgets=(settings.rollouts, *settings.unsolved_rollouts),
            )

        await run_problems(
            problems,
            search,
            run=run,
            selectors={"first": first, "majority": majority},
            name="mcts",
            seed=seed,
            concurrency=settings.concurrency,
            on_done=progress.start(len(problems), len(problems) - len(left)),
        )


async def sample_pool(
    problems: Sequence[Problem],
    recipe: Recipe,
    policy: Checkpoint,
    folder: Path,
    *,
    n: int,
    journal: Path | None = None,
) -> Mapping[str, Any]:
    """Sample `n` solutions of each problem, without any search, into a run directory."""
    searcher = Searcher(policy=policy)
    settings = recipe.search
    config = {
        "search": {
            "name": "sample",
            "n": n,
            "temperature": settings.temperature,
            "step_tokens": settings.step_tokens,
        },
        "recipe": recipe.digest("pool"),
        "seed": recipe.seed,
        **searcher.about,
    }
    with RunDir.open(folder, make_header(config)) as run:
        left = sum(Key(problem.id, recipe.seed) not in run.done for problem in problems)
        if left:
            tell = SearchProgress(f"{folder.parent.parent.name}/{folder.parent.name}", journal)
            async with started(recipe, searcher, run) as (model, _, sandbox):
                await run_problems(
                    problems,
                    partial(
                        sample,
                        policy=model,
                        sandbox=sandbox,
                        config=Sampling(n),
                        seed=recipe.seed,
                    ),
                    run=run,
                    selectors={"first": first, "majority": majority},
                    name="sample",
                    seed=recipe.seed,
                    concurrency=settings.concurrency,
                    on_done=tell.start(len(problems), len(problems) - left),
                )
        records = run.records()
    _refuse_failures(records)
    return {
        "problems": len(problems),
        "samples": n,
        "solved": len(solved_ids(records)),
        "policy_tokens": sum(record.tokens.policy_generated for record in records),
    }


def reward_of(problem: Problem) -> Reward:
    """Return the reward of a problem: +1 right, -1 wrong, 0 where the checker failed."""

    async def reward(trace: Trace, end: Node) -> float:
        checks = await asyncio.gather(
            *(acheck(gold, end.answer) for gold in (problem.answer, *problem.alternatives))
        )
        if any(verdict.correct for verdict in checks):
            return 1.0
        return 0.0 if all(verdict.outcome.is_failure for verdict in checks) else -1.0

    return reward
