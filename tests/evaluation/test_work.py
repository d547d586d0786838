"""A run described as work resolves to the same run elsewhere, or refuses to."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from bench.errors import BenchError
from bench.evaluation.spec import RunSpec, resolve
from bench.evaluation.work import SpecWork, solve_here
from bench.search.registry import configure
from bench.types import Outcome

SPEC = RunSpec(
    "embedded-inequalities", None, "closers", configure("closers", {"cpu_seconds": 2.0}), limit=2
)


async def test_work_that_was_pickled_solves_the_problems_of_its_run() -> None:
    resolved = resolve(SPEC)
    work = pickle.loads(pickle.dumps(SpecWork.of(resolved, 3)))
    assert (work.search, work.seed, work.selectors) == ("closers", 0, ("closers",))
    async with solve_here(work) as solver:
        assert solver.concurrency == 3
        solved = await solver.solve(resolved.problems[0])
    assert solved.record.selected["closers"].outcome is Outcome.CORRECT
    assert pickle.loads(pickle.dumps(solved)) == solved  # as it comes back


async def test_work_whose_names_stand_for_something_else_here_is_refused() -> None:
    work = SpecWork.of(resolve(SPEC))
    other = replace(work, spec=replace(SPEC, seed=1))
    with pytest.raises(BenchError, match="stand for something else here.*seed is 1"):
        async with solve_here(other):
            pass
