"""A run of many problems: that it holds no task of each, and what is told of its parts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bench.evaluation.runner import Solved, solve_problems
from bench.runs.reader import load_run
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir
from bench.speed.scale import PARTS, Moment, make_problems, run_made, scale, show_parts
from bench.types import Outcome, Problem


async def test_a_small_run_is_like_the_large_one(tmp_path: Path) -> None:
    await run_made(20, tmp_path)
    run = load_run(tmp_path / "run")
    assert len(run.records) == len(list(run.trees())) == 20
    outcomes = [[sample.outcome for sample in record.samples] for record in run.records]
    assert all(each.count(Outcome.CORRECT) == 1 and len(each) == 4 for each in outcomes)
    moments = [Moment(**each) for each in json.loads((tmp_path / "parts.json").read_text())]
    assert len(moments) == PARTS + 1
    assert moments == sorted(moments, key=lambda moment: moment.wall)


async def test_there_are_no_more_tasks_than_problems_at_a_time(tmp_path: Path) -> None:
    most = 0

    async def solve(problem: Problem) -> Solved:
        nonlocal most
        await asyncio.sleep(0)
        most = max(most, len(asyncio.all_tasks()))
        record = Record(problem.id, 0, "made", "1", "none", (), {}, Tokens(), 0)
        return Solved(record, {}, {"total": 0.0}, {})

    before = len(asyncio.all_tasks())
    with RunDir.open(tmp_path, {"config": {}}) as run:
        await solve_problems(make_problems(300), solve, run=run, seed=0, concurrency=7)
    assert most <= before + 7
    assert len(load_run(tmp_path).records) == 300


def test_the_last_part_is_held_against_the_first() -> None:
    ends = [0.0, *(1.0 + n for n in range(PARTS - 1)), PARTS + 1.0]  # the last takes twice as long
    figures = {each.name: each for each in show_parts([Moment(t, 0.1 * t) for t in ends], 1000)}
    assert figures["part 1 of 10"].value == pytest.approx(100)
    assert figures["last part / first"].value == pytest.approx(0.5)
    assert figures["last part / first"].asked.endswith("MISSED")
    assert figures["CPU a problem, last part"].value == pytest.approx(2.0)


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the kernel tells no set sizes"
)
async def test_two_thousand_problems_hold_little_and_are_read_again() -> None:
    figures = {each.name: each for each in await scale(2000)}
    assert all(each.value < 0.5 for each in figures.values() if each.unit == "GB")
