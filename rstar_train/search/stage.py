"""The search stage: every problem of the pool, with the round's searcher, into a run directory.

Here alone training meets the reference answers: as the reward of a finished trajectory. A problem
that stays unsolved gets a larger tree, and another one from another seed, where the recipe says so.
Killed, the stage goes on at the problem; what it has appended is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.runner import run_problems
from bench.runs.grading import judge
from bench.runs.header import make_header
from bench.runs.record import Key, Record
from bench.runs.writer import RunDir
from bench.search import (
    Node,
    Reward,
    Sampling,
    Trace,
    plan_mcts,
    sample,
    select_first,
    select_majority,
)
from bench.types import Outcome, Problem
from rstar_train.figures import SampleFigures, SearchFigures
from rstar_train.recipes.cpl import AnySearch, PlanSearchSettings
from rstar_train.recipes.settings import SearchSettings
from rstar_train.search.pool import tier_of
from rstar_train.search.progress import Note, SearchProgress
from rstar_train.search.searcher import Searcher, start_searcher
from rstar_train.search.until_solved import search_until_solved

SELECTORS = {"first": select_first, "majority": select_majority}
"""Selectors of the pool's records. Nobody asks for their answers."""


async def search_pool(
    problems: Sequence[Problem],
    settings: AnySearch,
    searcher: Searcher,
    folder: Path,
    *,
    seed: int,
    pool: str,
    note: Note | None = None,
) -> SearchFigures:
    """Search what the searcher can search of `problems`; return counts for the manifest.

    `folder` is the run directory, `pool` a digest of the settings that made the pool; `note` is
    told how far the search is. Raises BenchError: nothing can be searched, nothing was solved, or
    the harness failed on a problem (repeating the command searches those again).
    """
    chosen = find_searchable(problems, settings, searcher)
    config = {
        "search": {"name": _name(settings), **_deciding(settings)},
        "recipe": pool,
        "seed": seed,
        **searcher.about,
    }
    with RunDir.open(folder, make_header(config)) as run:
        for tree in range(seed, seed + settings.trees):
            # Only what earlier trees found counts, so that a resume asks for the same problems.
            earlier = [record for record in run.records() if record.seed < tree]
            todo = _unsolved(chosen, earlier)
            await _search(todo, settings, searcher, run, tree, SearchProgress(_label(folder), note))
        records = run.records()
    _refuse_failures(records)
    solved = solved_ids(records)
    if not solved:
        raise BenchError(
            f"none of the {len(chosen)} problems searched was solved, so there is nothing to train "
            f"on: search easier problems (pool.sources), or raise search.{_budget(settings)}, or "
            "begin with a demonstrator (search.policy)"
        )
    return SearchFigures(
        problems=len(problems),
        searched=len(chosen),
        not_searchable=len(problems) - len(chosen),
        solved=len(solved),
        trees=len(records),
        policy_tokens=sum(record.tokens.policy_generated for record in records),
        ppm_tokens=sum(record.tokens.ppm for record in records),
        executions=sum(record.executions for record in records),
    )


def find_searchable(
    problems: Sequence[Problem], settings: AnySearch, searcher: Searcher
) -> list[Problem]:
    """Return the problems of the wanted levels that the searcher can write steps for.

    Raises BenchError: there are none. UnknownNameError: no problem is of a level.
    """
    levels = settings.levels
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
            f"{settings.policy} can write steps for none of the pool's {len(problems)} problems; "
            "give the pool families that it knows"
        )
    return chosen


def _name(settings: AnySearch) -> str:
    """Return the search's name in the registry."""
    return "cpl" if isinstance(settings, PlanSearchSettings) else "mcts"


def _budget(settings: AnySearch) -> str:
    return "iterations" if isinstance(settings, PlanSearchSettings) else "rollouts"


def _deciding(settings: AnySearch) -> Mapping[str, object]:
    """Return the settings that decide a record: the concurrency does not, nor a knob not set."""
    values = dataclasses.asdict(settings)
    del values["concurrency"]
    if settings.tokens is None:
        del values["tokens"]
    return values


def _label(folder: Path) -> str:
    """Return the stage whose trees a folder holds, e.g. `round-2/search`."""
    return f"{folder.parent.parent.name}/{folder.parent.name}"


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
    settings: AnySearch,
    searcher: Searcher,
    run: RunDir,
    seed: int,
    progress: SearchProgress,
) -> None:
    """Search the problems that have no tree of this seed yet."""
    left = sum(Key(problem.id, seed) not in run.done for problem in problems)
    if not left:
        return
    async with start_searcher(searcher, settings, run) as parts:

        async def search(problem: Problem) -> Trace:
            if isinstance(settings, PlanSearchSettings):
                return await plan_mcts(
                    problem,
                    parts.policy,
                    parts.sandbox,
                    config=settings,
                    seed=seed,
                    scorer=parts.scorer,
                    reward=reward_of(problem),
                )
            return await search_until_solved(
                problem,
                parts.policy,
                parts.sandbox,
                config=settings,
                seed=seed,
                reward=reward_of(problem),
                budgets=settings.budgets,
                scorer=parts.scorer,
            )

        await run_problems(
            problems,
            search,
            run=run,
            selectors=SELECTORS,
            name=_name(settings),
            seed=seed,
            concurrency=settings.concurrency,
            on_done=progress.start(len(problems), len(problems) - left),
        )


def one_tree(settings: SearchSettings, rollouts: int) -> SearchSettings:
    """Return the settings of a search that gives each problem one tree of so many rollouts."""
    return dataclasses.replace(
        settings, annotation="terminal", rollouts=rollouts, unsolved_rollouts=(), trees=1
    )


async def sample_pool(
    problems: Sequence[Problem],
    settings: SearchSettings,
    policy: Checkpoint,
    folder: Path,
    *,
    n: int,
    seed: int,
    pool: str,
    greedy_first: bool | None = None,
    note: Note | None = None,
) -> SampleFigures:
    """Sample `n` solutions of each problem, without any search, into a run directory.

    Where `greedy_first` is set, one of them is the greedy one. See `search_pool` for the rest.
    """
    searcher = Searcher(policy=policy)
    first = {"greedy_first": greedy_first} if greedy_first else {}
    config = {
        "search": {
            "name": "sample",
            "n": n,
            "temperature": settings.temperature,
            "step_tokens": settings.step_tokens,
            **first,
        },
        "recipe": pool,
        "seed": seed,
        **searcher.about,
    }
    with RunDir.open(folder, make_header(config)) as run:
        left = sum(Key(problem.id, seed) not in run.done for problem in problems)
        if left:
            progress = SearchProgress(_label(folder), note)
            async with start_searcher(searcher, settings, run) as parts:
                await run_problems(
                    problems,
                    partial(
                        sample,
                        policy=parts.policy,
                        sandbox=parts.sandbox,
                        config=Sampling(n=n, greedy_first=greedy_first),
                        seed=seed,
                    ),
                    run=run,
                    selectors=SELECTORS,
                    name="sample",
                    seed=seed,
                    concurrency=settings.concurrency,
                    on_done=progress.start(len(problems), len(problems) - left),
                )
        records = run.records()
    _refuse_failures(records)
    return SampleFigures(
        problems=len(problems),
        samples=n,
        solved=len(solved_ids(records)),
        policy_tokens=sum(record.tokens.policy_generated for record in records),
    )


def reward_of(problem: Problem) -> Reward:
    """Return the reward of a problem: +1 right, -1 wrong, 0 where the checker failed."""

    async def reward(trace: Trace, end: Node) -> float:
        outcome = (await judge(problem, end.answer or "")).outcome
        if outcome is Outcome.CORRECT:
            return 1.0
        return 0.0 if outcome.is_failure else -1.0

    return reward
