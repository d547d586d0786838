"""For each problem: search, grade, record.

Problems are searched concurrently, a bounded number at a time; engines batch what the searches
await. A problem whose engine or sandbox fails is recorded as such, goes on being counted apart,
and is run again when the run is resumed; it never becomes a wrong answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from bench.answers import DEFAULT, Conventions
from bench.errors import BenchError, EngineError, SandboxError
from bench.knobs import Count, Range
from bench.machine import Meter
from bench.runs.grading import grade
from bench.runs.record import Key, Record, Selected, Tokens
from bench.runs.writer import RunDir, Seconds
from bench.search import Trace
from bench.search.selection import Selector
from bench.types import Outcome, Problem

Search = Callable[[Problem], Awaitable[Trace]]
OnDone = Callable[[Record], None]

CONCURRENCY = 32
"""Problems that are searched at a time, where a policy is asked; changes no record."""
Concurrency = Annotated[Count, Range(1, sane=10_000)]
"""How many that may be."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What a run keeps of one problem, on its way to the run directory."""

    record: Record
    tree: Mapping[str, Any]
    seconds: Mapping[str, Seconds]
    machine: Mapping[str, float]
    """What a `bench.machine.Meter` took where it was solved."""


class Solve(Protocol):
    """Searches and grades one problem."""

    def __call__(self, problem: Problem, /, *, begun: Trace | None = None) -> Awaitable[Solved]:
        """Go on with what was begun of it, where that is given."""


@dataclass(frozen=True, slots=True)
class Solver:
    """What solves problems, started, and what a run's header says of it."""

    solve: Solve
    notes: Mapping[str, Any]
    concurrency: int = CONCURRENCY
    """Problems at a time."""


async def run_problems(
    problems: Sequence[Problem],
    search: Search,
    *,
    run: RunDir,
    selectors: Mapping[str, Selector],
    name: str,
    seed: int,
    concurrency: int = CONCURRENCY,
    conventions: Conventions = DEFAULT,
    on_done: OnDone | None = None,
) -> None:
    """Search and grade, here, every problem that the run does not hold yet."""
    solve = solve_by(search, selectors, name=name, seed=seed, conventions=conventions)
    await solve_problems(
        problems, solve, run=run, seed=seed, concurrency=concurrency, on_done=on_done
    )


async def solve_problems(
    problems: Sequence[Problem],
    solve: Callable[[Problem], Awaitable[Solved]],
    *,
    run: RunDir,
    seed: int,
    concurrency: int = CONCURRENCY,
    on_done: OnDone | None = None,
) -> None:
    """Solve every problem that the run does not hold yet, appending as each one ends."""
    todo = (
        (index, problem)
        for index, problem in enumerate(problems)
        if Key(problem.id, seed) not in run.done
    )

    async def work() -> None:
        # One generator for all: a problem costs nothing before its turn and after its end.
        for index, problem in todo:
            solved = await solve(problem)
            run.append(solved.record, solved.tree, solved.seconds, index, machine=solved.machine)
            if on_done is not None:
                on_done(solved.record)

    await run_together(work() for _ in range(min(concurrency, len(problems))))


def solve_by(
    search: Callable[..., Awaitable[Trace]],
    selectors: Mapping[str, Selector],
    *,
    name: str,
    seed: int,
    conventions: Conventions = DEFAULT,
) -> Solve:
    """Return what searches a problem with the parts of this process, and grades it."""
    meter = Meter()

    async def solve(problem: Problem, *, begun: Trace | None = None) -> Solved:
        started = time.perf_counter()
        seconds: dict[str, Seconds] = {"code": []}
        try:
            trace = await (search(problem) if begun is None else search(problem, begun=begun))
            record = await grade(problem, trace, selectors, conventions)
            tree = trace.to_json()
            seconds["code"] = trace.code_seconds
            if trace.cpu_seconds is not None:
                seconds["cpu"] = trace.cpu_seconds
        except (EngineError, SandboxError) as error:
            record, tree = record_failure(problem, name, seed, selectors, error), {}
        seconds = {"total": time.perf_counter() - started, **seconds}
        return Solved(record, tree, seconds, meter.take())

    return solve


async def run_together(tasks: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run tasks side by side; the first error ends all.

    What a user can fix (a full disk, say) is raised as itself, not as a group of errors.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as errors:
        known = errors.subgroup(BenchError)
        if known is not None:
            raise known.exceptions[0] from None
        raise


def record_failure(
    problem: Problem, name: str, seed: int, selectors: Iterable[str], error: BenchError
) -> Record:
    """Return the record of a problem on which the harness failed."""
    nothing = Selected(None, Outcome.ENGINE_ERROR, None)
    return Record(
        problem_id=problem.id,
        seed=seed,
        benchmark=problem.benchmark,
        gold=problem.answer,
        search=name,
        samples=(),
        selected=dict.fromkeys(selectors, nothing),
        tokens=Tokens(),
        executions=0,
        error=f"{type(error).__name__}: {error}",
        verifier=problem.verifier,
    )
