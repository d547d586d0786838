"""For each problem: search, grade, record.

Problems are searched concurrently, a bounded number at a time; engines batch what the searches
await. A problem whose engine or sandbox fails is recorded as such, goes on being counted apart,
and is run again when the run is resumed; it never becomes a wrong answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Annotated, Any

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
    """Search and grade every problem that the run does not hold yet, appending as each one ends."""
    slots = asyncio.Semaphore(concurrency)
    meter = Meter()

    async def one(index: int, problem: Problem) -> None:
        async with slots:
            started = time.perf_counter()
            seconds: dict[str, Seconds] = {"code": []}
            try:
                trace = await search(problem)
                record = await grade(problem, trace, selectors, conventions)
                tree = trace.to_json()
                seconds["code"] = trace.code_seconds
                if trace.cpu_seconds is not None:
                    seconds["cpu"] = trace.cpu_seconds
            except (EngineError, SandboxError) as error:
                record, tree = _failed(problem, name, seed, selectors, error), {}
            seconds = {"total": time.perf_counter() - started, **seconds}
            run.append(record, tree, seconds, index, machine=meter.take())
            if on_done is not None:
                on_done(record)

    todo = [
        (index, problem)
        for index, problem in enumerate(problems)
        if Key(problem.id, seed) not in run.done
    ]
    await run_together(one(index, problem) for index, problem in todo)


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


def _failed(
    problem: Problem, name: str, seed: int, selectors: Mapping[str, Selector], error: BenchError
) -> Record:
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
