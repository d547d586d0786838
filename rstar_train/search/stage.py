"""The search stage: every problem of the pool, with the round's searcher, into a run directory.

Here alone training meets the reference answers: as the reward of a finished trajectory. A problem
that stays unsolved gets a larger tree, and another one from another seed, where the recipe says so.
Killed, the stage goes on at the problem; what it has appended is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.harness import Harness
from bench.evaluation.runner import Solver, solve_by, solve_problems
from bench.evaluation.work import Solving, Work, solve_here
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
from rstar_train.search.searcher import Searcher, SearchParts, start_searcher
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
    solving: Solving = solve_here,
) -> SearchFigures:
    """Search what the searcher can search of `problems`; return counts for the manifest.

    `folder` is the run directory, `pool` a digest of the settings that made the pool; `note` is
    told how far the search is; `solving` says where it is done. Raises BenchError: nothing can be
    searched, nothing was solved, or the harness failed on a problem (repeating the command searches
    those again).
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
            work = PoolWork(searcher, settings, tree)
            await _work(todo, work, solving, run, SearchProgress(_label(folder), note))
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


async def _work(
    problems: Sequence[Problem], work: Work, solving: Solving, run: RunDir, progress: SearchProgress
) -> None:
    """Solve the problems that the run does not hold with the work's seed yet."""
    left = sum(Key(problem.id, work.seed) not in run.done for problem in problems)
    if not left:
        return
    async with solving(work) as solver:
        for key, value in solver.notes.items():
            run.note(key, value)
        await solve_problems(
            problems,
            solver.solve,
            run=run,
            seed=work.seed,
            concurrency=solver.concurrency,
            on_done=progress.start(len(problems), len(problems) - left),
        )


@dataclass(frozen=True, slots=True)
class PoolWork:
    """A search of the pool with one seed, or samples of it, as work."""

    searcher: Searcher
    settings: AnySearch
    seed: int
    sampling: Sampling | None = None
    """Samples in place of the search of the settings."""

    @property
    def search(self) -> str:
        """The search's name in the registry."""
        return "sample" if self.sampling is not None else _name(self.settings)

    @property
    def selectors(self) -> tuple[str, ...]:
        """Names of the selectors."""
        return tuple(SELECTORS)

    async def start(self, harness: Harness) -> Solver:
        """Start the searcher. Raises BenchError."""
        parts = await start_searcher(self.searcher, self.settings, harness)
        search = partial(self._search, parts)
        solve = solve_by(search, SELECTORS, name=self.search, seed=self.seed)
        return Solver(solve, parts.notes, self.settings.concurrency)

    async def _search(self, parts: SearchParts, problem: Problem) -> Trace:
        settings, seed = self.settings, self.seed
        if self.sampling is not None:
            return await sample(
                problem, parts.policy, parts.sandbox, config=self.sampling, seed=seed
            )
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
    solving: Solving = solve_here,
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
        work = PoolWork(searcher, settings, seed, Sampling(n=n, greedy_first=greedy_first))
        await _work(problems, work, solving, run, SearchProgress(_label(folder), note))
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
