"""What becomes of the problems of a lost worker, without any cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.cluster.crew import Crew, LostWorkerError
from bench.errors import BenchError, ClusterError
from bench.evaluation.harness import Harness
from bench.evaluation.runner import Solved, Solver, record_failure, solve_problems
from bench.runs.reader import load_run
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir
from bench.search import Trace
from bench.types import Problem
from tests.scripted import problem

PROBLEMS = [problem(name=f"p{n}") for n in range(20)]


@dataclass(frozen=True)
class Work:
    search: str = "scripted"
    seed: int = 0
    selectors: Sequence[str] = ("first",)

    async def start(self, harness: Harness) -> Solver:
        raise AssertionError("a crew starts nothing itself")


@dataclass(eq=False)
class Scripted:
    """Dies, with all it has in hand, at the problem that `dies_at` names."""

    name: str
    slots: int = 2
    dies_at: Callable[[str], bool] = lambda _: False
    solved: list[str] = field(default_factory=list)
    is_dead: bool = False
    stopped: int = 0

    async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
        await asyncio.sleep(0)
        self.is_dead = self.is_dead or self.dies_at(problem.id)
        await asyncio.sleep(0)
        if self.is_dead:
            raise LostWorkerError("its node went away")
        self.solved.append(problem.id)
        record = Record(problem.id, 0, "scripted", "3", "scripted", (), {}, Tokens(), 0)
        return Solved(record, {}, {"total": 0.0, "code": []}, {})

    async def stop(self) -> None:
        self.stopped += 1


@dataclass
class Office:
    """Hires scripted workers; notes all that it hired."""

    make: Callable[[int, int], Scripted]
    """From the place, and how many were hired for it before."""
    hired: list[tuple[int, Scripted]] = field(default_factory=list)

    async def hire(self, place: int) -> Scripted:
        before = sum(each == place for each, _ in self.hired)
        worker = self.make(place, before)
        self.hired.append((place, worker))
        return worker

    @property
    def workers(self) -> list[Scripted]:
        return [worker for _, worker in self.hired]


async def solve_all(crew: Crew, folder: Path) -> list[Record]:
    with RunDir.open(folder, {"config": {"crew": "scripted"}}) as run:
        await solve_problems(PROBLEMS, crew.solve, run=run, seed=0, concurrency=crew.slots)
    return list(load_run(folder).records)


async def test_the_problems_of_a_lost_worker_go_to_others_and_none_is_doubled(
    tmp_path: Path,
) -> None:
    office = Office(
        lambda place, before: Scripted(
            f"{place}.{before}",
            dies_at=lambda name: name == "p7" and not any(each.is_dead for each in office.workers),
        )
    )
    async with Crew(Work(), office.hire, 3, tries=3) as crew:
        records = await solve_all(crew, tmp_path)
        assert crew.lost == 1
    assert [record.problem_id for record in records] == sorted(each.id for each in PROBLEMS)
    assert not any(record.is_engine_error for record in records)
    solved = [name for worker in office.workers for name in worker.solved]
    assert sorted(solved) == sorted(each.id for each in PROBLEMS)
    assert len(office.workers) == 4  # its place was filled again
    assert all(worker.stopped for worker in office.workers)


async def test_a_problem_that_loses_every_worker_fails_typed_and_the_others_are_solved(
    tmp_path: Path,
) -> None:
    office = Office(
        lambda place, before: Scripted(f"{place}.{before}", 1, dies_at=lambda name: name == "p3")
    )
    async with Crew(Work(), office.hire, 2, tries=3) as crew:
        records = {each.problem_id: each for each in await solve_all(crew, tmp_path)}
    assert len(records) == len(PROBLEMS)
    assert [name for name, each in records.items() if each.is_engine_error] == ["p3"]
    assert "EngineError: 3 actors were lost while they solved it" in str(records["p3"].error)
    assert "its node went away" in str(records["p3"].error)


async def test_nothing_is_waited_for_once_nobody_is_left(tmp_path: Path) -> None:
    def make(place: int, before: int) -> Scripted:
        if before:
            raise ClusterError("there is no room")
        return Scripted(f"{place}.{before}", dies_at=lambda name: name in ("p4", "p6"))

    async with Crew(Work(), Office(make).hire, 2, tries=3) as crew:
        with pytest.raises(ClusterError, match="every actor was lost.*repeat the command"):
            await solve_all(crew, tmp_path)
    kept = {record.problem_id for record in load_run(tmp_path).records}
    assert kept and "p4" not in kept  # what was solved before stays


@pytest.mark.parametrize("tries", [1, 3])
async def test_nothing_is_waited_for_where_all_are_lost_in_one_turn(tries: int) -> None:
    together = asyncio.Barrier(2)

    class Mortal(Scripted):
        async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
            await together.wait()
            raise LostWorkerError("its node went away")

    def make(place: int, before: int) -> Scripted:
        if before and tries == 1:
            raise ClusterError("there is no room")
        return Mortal(f"{place}.{before}", 1)

    async with Crew(Work(), Office(make).hire, 2, tries=tries) as crew, asyncio.timeout(10):
        asked = [crew.solve(each) for each in PROBLEMS[:8]]
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert any(isinstance(each, ClusterError) for each in found)


async def test_a_place_that_only_loses_workers_is_given_up_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    office = Office(
        lambda place, before: Scripted(f"{place}.{before}", 1, dies_at=lambda name: place == 0)
    )
    async with Crew(Work(), office.hire, 2, tries=3) as crew:
        records = await solve_all(crew, tmp_path)
    assert sum(place == 0 for place, _ in office.hired) <= 3
    assert len(records) == len(PROBLEMS)
    assert sum(record.is_engine_error for record in records) <= 1


async def test_a_worker_that_dies_while_it_starts_is_started_again_and_not_for_ever() -> None:
    starts = []

    async def hire(place: int) -> Scripted:
        starts.append(place)
        if len(starts) < 3:
            raise LostWorkerError("killed for want of memory")
        return Scripted("late")

    async with Crew(Work(), hire, 1, tries=3) as crew:
        assert crew.slots == 2

    async def never(place: int) -> Scripted:
        raise LostWorkerError("killed for want of memory")

    with pytest.raises(ClusterError, match="died 3 times while it started: killed for want"):
        async with Crew(Work(), never, 1, tries=3):
            pass


async def test_what_no_actor_can_do_ends_the_start_and_stops_those_that_started() -> None:
    first = Scripted("first")

    async def hire(place: int) -> Scripted:
        if place:
            await asyncio.sleep(0)
            raise BenchError("no checkpoint of that name")
        return first

    with pytest.raises(BenchError, match="no checkpoint"):
        async with Crew(Work(), hire, 2, tries=3):
            pass
    assert first.stopped == 1


async def test_once_all_is_over_nobody_waits_for_what_is_under_way() -> None:
    class Slow(Scripted):
        async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
            await asyncio.sleep(3600)
            raise AssertionError("it was waited for")

    async with Crew(Work(), Office(lambda *_: Slow("slow", 1)).hire, 1, tries=3) as crew:
        asked = [asyncio.ensure_future(crew.solve(each)) for each in PROBLEMS[:3]]
        await asyncio.sleep(0.01)  # one is under way, the others wait for a slot
        await crew.end(ClusterError("the head is gone"))
        for each in asked:
            with pytest.raises(ClusterError, match="the head is gone"):
                await each


def test_the_record_of_a_lost_problem_is_one_that_a_resume_tries_again() -> None:
    record = record_failure(PROBLEMS[0], "mcts", 0, ("mcts",), ClusterError("lost"))
    assert record.is_engine_error and record.error == "ClusterError: lost"


async def test_what_was_begun_of_a_problem_goes_to_whoever_gets_it_also_a_second_time() -> None:
    seen: list[tuple[str, Trace | None]] = []

    @dataclass(eq=False)
    class Seeing(Scripted):
        async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
            seen.append((self.name, begun))
            if len(seen) == 1:
                raise LostWorkerError("gone")
            return await Scripted.solve(self, problem, begun)

    begun = Trace("p0", "sample", 0, [])
    office = Office(lambda place, before: Seeing(f"{place}.{before}"))
    async with Crew(Work(), office.hire, 2, tries=3) as crew:
        await crew.solve(PROBLEMS[0], begun=begun)
    assert len(seen) == 2 and seen[0][0] != seen[1][0]
    assert all(trace is begun for _, trace in seen)
