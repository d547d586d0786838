"""A run directory, filled: opened or resumed, its missing problems solved, its numbers summed up.

Who solves them is the caller's business: the parts of this process (`bench.evaluation.harness`) or
the actors of a cluster (`bench.cluster`). Whoever it is, this process is the one writer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from bench.evaluation.growth import go_on, is_whole, read_begun, refuse_growth
from bench.evaluation.room import require_disk
from bench.evaluation.runner import OnDone, Solver, solve_problems
from bench.evaluation.spec import Resolved
from bench.reports.leaderboard import summary
from bench.runs.header import make_header
from bench.runs.reader import Run, load_run
from bench.runs.record import Key
from bench.runs.writer import RunDir

Begin = Callable[[], AbstractAsyncContextManager[Solver]]
"""Starts what solves problems; called where a problem is left to solve."""


async def fill_run(
    resolved: Resolved,
    out: Path,
    begin: Begin,
    *,
    on_start: Callable[[int, int], None] | None = None,
    on_done: OnDone | None = None,
) -> Run:
    """Fill the run directory `out`, resuming what is there, and return it as loaded.

    `on_start` hears how many problems there are and how many are done already. Raises BenchError.
    """
    problems, seed = resolved.problems, resolved.spec.seed
    with RunDir.open(
        out,
        make_header(resolved.config),
        grows=partial(refuse_growth, resolved),
        is_whole=partial(is_whole, resolved),
    ) as run:
        if on_start is not None:
            on_start(len(problems), len(run.done))
        if any(Key(problem.id, seed) not in run.done for problem in problems):
            require_disk(out, len(problems))
            begun = read_begun(run)
            async with begin() as solver:
                for key, value in {**solver.notes, "concurrency": solver.concurrency}.items():
                    run.note(key, value)
                await solve_problems(
                    problems,
                    go_on(solver.solve, begun),
                    run=run,
                    seed=seed,
                    concurrency=solver.concurrency,
                    on_done=on_done,
                )
        run.settle()
        loaded = load_run(out)
        run.write_summary(summary(loaded))
    return loaded
