"""Runs on several benchmarks are one run on all their problems, and compared as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError, RunDirError
from bench.reports.comparing import compare_runs
from bench.reports.pooled import parts_of, pool
from bench.runs.reader import Run
from bench.types import Outcome
from tests.made_runs import C, W, greedy


def arm(name: str, **outcomes: list[Outcome]) -> Run:
    runs = [
        replace(greedy(found, benchmark=benchmark), path=Path(name) / benchmark)
        for benchmark, found in outcomes.items()
    ]
    return pool(Path(name), runs)


def test_a_problem_is_named_after_its_benchmark() -> None:
    pooled = arm("arm", second=[C], first=[W, C])
    assert [r.problem_id for r in pooled.records] == ["first/p00", "first/p01", "second/p00"]
    assert set(pooled.seconds) == {record.key for record in pooled.records}
    assert pooled.config["benchmark"] == {"name": "first + second"}
    assert len(parts_of(pooled)) == 2


def test_one_run_stays_as_it_is() -> None:
    run = greedy([C])
    assert pool(Path("arm"), [run]) is run
    assert parts_of(run) == (run,)


def test_pooled_runs_are_compared_over_all_their_problems() -> None:
    base = arm("base", a=[C, W, W], b=[W] * 4)
    better = arm("better", a=[C, C, W], b=[C] * 4)
    (found,) = compare_runs(base, [better]).contrasts
    assert (found.difference.n, found.difference.only_a, found.difference.only_b) == (7, 5, 0)
    assert [flip.problem_id for flip in found.flips][:2] == ["a/p01", "b/p00"]


def test_two_runs_on_one_benchmark_are_refused() -> None:
    runs = [replace(greedy([C]), path=Path(name)) for name in ("x", "y")]
    with pytest.raises(RunDirError, match="arm holds two runs on pool, x and y; give a run, or a"):
        pool(Path("arm"), runs)


def test_arms_on_other_benchmarks_are_not_compared() -> None:
    with pytest.raises(BenchError, match=r"differ in the benchmark: a \+ b and a \+ c"):
        compare_runs(arm("x", a=[C], b=[C]), [arm("y", a=[C], c=[C])])
