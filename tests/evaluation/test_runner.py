"""The runner types every ending, counts its own failures apart, resumes to equal records."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bench.errors import DeadEngineError, EngineError, RunDirError
from bench.evaluation.runner import Search, run_problems
from bench.reports.leaderboard import leaderboard
from bench.runs.reader import Run, load_run
from bench.runs.record import Record
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import (
    MCTS,
    Sampling,
    Trace,
    greedy,
    mcts,
    sample,
    select_best,
    select_first,
    select_majority,
)
from bench.types import Outcome, Problem
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

ROOT = Path(__file__).parents[2]
in_one_loop = pytest.mark.asyncio(loop_scope="module")
Script = Callable[[str, int], str]
Searching = Callable[[Problem, Sandbox], Search]

SELECTORS = {"first": select_first, "majority": select_majority, "best": select_best}


def program(code: str) -> str:
    return f"\n{code}\n<end_of_code>"


def boxed(answer: str) -> str:
    return f"<answer>It is \\boxed{{{answer}}}.<end_of_answer>"


def then(written: str, answer: str) -> Script:
    """A program, and what is said when its output is there."""
    return lambda partial, index: answer if "<end_of_output>" in partial else written


def greedily(script: Script) -> Searching:
    def search(problem: Problem, sandbox: Sandbox) -> Search:
        return partial(greedy, policy=ScriptedPolicy(script), sandbox=sandbox, seed=0)

    return search


def by_tree(script: Script, depth: int = 16) -> Searching:
    def search(problem: Problem, sandbox: Sandbox) -> Search:
        return partial(
            mcts,
            policy=ScriptedPolicy(script),
            sandbox=sandbox,
            config=MCTS(rollouts=2, candidates=1, max_depth=depth),
            seed=0,
            scorer=ScriptedScorer({}),
        )

    return search


def by_samples(script: Script) -> Searching:
    def search(problem: Problem, sandbox: Sandbox) -> Search:
        return partial(
            sample,
            policy=ScriptedPolicy(script),
            sandbox=sandbox,
            config=Sampling(n=3),
            seed=0,
            scorer=ScriptedScorer({"{4}": 0.5}),
        )

    return search


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(workers=2)) as started:
        yield started


async def run_all(
    searches: Sequence[tuple[Problem, Searching]],
    sandbox: Sandbox,
    out: Path,
    *,
    concurrency: int = 8,
    on_done: Callable[[Record], None] | None = None,
) -> Run:
    """Search every problem in its own way, into a run directory."""
    ways = {problem.id: way for problem, way in searches}

    async def search(problem: Problem) -> Trace:
        return await ways[problem.id](problem, sandbox)(problem)

    with RunDir.open(out, {"config": {"search": "scripted"}}) as run:
        await run_problems(
            [problem for problem, _ in searches],
            search,
            run=run,
            selectors=SELECTORS,
            name="scripted",
            seed=0,
            concurrency=concurrency,
            on_done=on_done,
        )
    return load_run(out)


@dataclass(frozen=True)
class Case:
    """A search that ends in one way, and what the record must say of its first sample."""

    name: str
    search: Searching
    outcome: Outcome
    reason: str
    gold: str = "3"


STEP = "\nx = 3\n<end_of_step>"

CASES = (
    Case("right", greedily(then(program("print(3)"), boxed("3"))), Outcome.CORRECT, "string: "),
    Case("equal", greedily(then(program("print(3)"), boxed("6/2"))), Outcome.CORRECT, "number"),
    Case("wrong", greedily(then(program("print(3)"), boxed("4"))), Outcome.WRONG, "number"),
    Case(
        "crash",
        greedily(then(program("print(1 / 0)"), "")),
        Outcome.NO_ANSWER,
        "failed_code: ZeroDivisionError: division by zero",
    ),
    Case("silent", greedily(then(program("x = 3"), "")), Outcome.NO_ANSWER, "no_output"),
    Case(
        "evasive",
        greedily(then(program("print(3)"), "<answer>Who knows?<end_of_answer>")),
        Outcome.NO_ANSWER,
        "no_answer",
    ),
    Case(
        "cut program",
        greedily(then("\nx = 3 +", "")),
        Outcome.TRUNCATED,
        "the token limit came before an answer",
    ),
    Case(
        "cut answer",
        greedily(then(program("print(3)"), "<answer>It is")),
        Outcome.TRUNCATED,
        "the token limit came before an answer",
    ),
    Case(
        "too deep",
        by_tree(lambda partial, index: STEP, depth=2),
        Outcome.TRUNCATED,
        "the depth limit came before an answer",
    ),
    Case(
        "always cut",
        by_tree(lambda partial, index: "x = 3 +"),
        Outcome.TRUNCATED,
        "every candidate was cut by the token limit",
    ),
    Case(
        "stuck",
        by_tree(lambda partial, index: STEP if partial == "<code>" else program("1 / 0")),
        Outcome.NO_ANSWER,
        "no candidate could be continued (failed_code)",
    ),
    Case(
        "no reference",
        greedily(then(program("print(3)"), boxed("3"))),
        Outcome.INVALID_GOLD,
        "none: the reference is empty",
        gold="",
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def records(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    searches = [(problem(case.gold, case.name), case.search) for case in CASES]
    run = await run_all(searches, sandbox, tmp_path_factory.mktemp("cases"))
    return {record.problem_id: record for record in run.records}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_ending_has_its_outcome_and_a_reason(
    records: Mapping[str, Record], case: Case
) -> None:
    record = records[case.name]
    assert record.samples[0].outcome is case.outcome
    assert record.samples[0].reason.startswith(case.reason)
    assert record.error is None
    assert record.selected["first"].outcome is case.outcome


def test_only_an_answer_is_recorded_as_one(records: Mapping[str, Record]) -> None:
    answers = {name: record.selected["first"].answer for name, record in records.items()}
    assert {name: text for name, text in answers.items() if text is not None} == {
        "right": "3",
        "equal": "6/2",
        "wrong": "4",
        "no reference": "3",
    }


@in_one_loop
async def test_each_selector_chooses_from_the_same_samples(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    def script(partial: str, index: int) -> str:
        if "<end_of_output>" not in partial:
            return program("1 / 0") if index == 0 else program(f"print({index})")
        return boxed("4") if "<output>2" in partial else boxed("3")

    run = await run_all([(problem("4"), by_samples(script))], sandbox, tmp_path)
    (record,) = run.records
    assert [s.outcome for s in record.samples] == ["no_answer", "wrong", "correct"]
    assert {name: chosen.sample for name, chosen in record.selected.items()} == {
        "first": 1,
        "majority": 1,
        "best": 2,
    }
    assert [record.selected[name].outcome for name in SELECTORS] == ["wrong", "wrong", "correct"]
    assert record.samples[2].score == 0.5
    assert record.executions == 3
    assert record.tokens.policy_generated > 0


RIGHT = then(program("print(3)"), boxed("3"))


def out_of_memory(partial: str, index: int) -> str:
    raise EngineError("the engine is out of memory")


@in_one_loop
async def test_an_engine_error_is_recorded_counted_apart_and_run_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    names = ("p0", "p1", "p2")
    ways = {name: greedily(RIGHT) for name in names} | {"p1": greedily(out_of_memory)}
    run = await run_all([(problem(name=name), ways[name]) for name in names], sandbox, tmp_path)
    by_name = {record.problem_id: record for record in run.records}
    assert by_name["p1"].error == "EngineError: the engine is out of memory"
    assert {s.outcome for s in by_name["p1"].selected.values()} == {Outcome.ENGINE_ERROR}
    row = leaderboard([run]).rows[0]
    assert (row.n, row.counts.correct, row.counts.wrong, row.counts.failures) == (3, 2, 0, 1)
    assert row.accuracy is not None
    assert row.accuracy.estimate == 1.0

    asked: list[str] = []
    resumed = await run_all(
        [(problem(name=name), greedily(RIGHT)) for name in names],
        sandbox,
        tmp_path,
        on_done=lambda record: asked.append(record.problem_id),
    )
    assert asked == ["p1"]
    assert [r.selected["first"].outcome for r in resumed.records] == ["correct"] * 3


@in_one_loop
async def test_a_sandbox_that_breaks_is_no_wrong_answer(sandbox: Sandbox, tmp_path: Path) -> None:
    closed = Sandbox(SandboxConfig(workers=1))  # never entered: it cannot run anything
    way = greedily(RIGHT)
    run = await run_all([(problem(), lambda p, sandbox: way(p, closed))], sandbox, tmp_path)
    assert run.records[0].is_engine_error
    assert str(run.records[0].error).startswith("SandboxError: the sandbox is not open")


@in_one_loop
async def test_a_bug_of_ours_is_not_recorded_as_a_result(sandbox: Sandbox, tmp_path: Path) -> None:
    def buggy(partial: str, index: int) -> str:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await run_all([(problem(), greedily(buggy))], sandbox, tmp_path)
    assert caught.group_contains(ZeroDivisionError)
    assert not (tmp_path / "records.jsonl").exists()


@in_one_loop
async def test_a_disk_that_refuses_stops_the_run_with_its_own_sentence(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    def way(problem: Problem, sandbox: Sandbox) -> Search:
        (tmp_path / "timings.jsonl").mkdir(exist_ok=True)  # a file that cannot be written
        return greedily(RIGHT)(problem, sandbox)

    with pytest.raises(RunDirError, match="cannot append problem 'p[01]'"):
        await run_all([(problem(name=name), way) for name in ("p0", "p1")], sandbox, tmp_path)


def varied(count: int, *, pause: float = 0.0, note: str = "") -> list[tuple[Problem, Searching]]:
    """Problems that differ in their programs, so that the sandbox runs every one of them.

    It remembers those it ran; with another note they are new to it.
    """
    found: list[tuple[Problem, Searching]] = []
    for number in range(count):
        code = f"import time; time.sleep({pause}); print({number})"
        if number % 5 == 3:
            code = f"print({number} / 0)"
        answer = boxed("no" if number % 5 == 4 else str(number))
        code += f"  # {note}"
        way = (by_samples, greedily, by_tree)[number % 3]
        found.append((problem(str(number), f"p{number:02}"), way(then(program(code), answer))))
    return found


def sorted_lines(run: Path) -> list[bytes]:
    return sorted((run / "records.jsonl").read_bytes().splitlines())


@in_one_loop
async def test_records_do_not_depend_on_how_many_problems_are_in_flight(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    for concurrency in (1, 8):
        await run_all(
            varied(15, note=str(concurrency)),
            sandbox,
            tmp_path / str(concurrency),
            concurrency=concurrency,
        )
    assert len(sorted_lines(tmp_path / "1")) == 15
    assert sorted_lines(tmp_path / "1") == sorted_lines(tmp_path / "8")


@in_one_loop
async def test_no_more_problems_are_in_flight_than_allowed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    flying = most = 0

    def way(problem: Problem, sandbox: Sandbox) -> Search:
        async def search(problem: Problem) -> Trace:
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.01)
            trace = await greedily(RIGHT)(problem, sandbox)(problem)
            flying -= 1
            return trace

        return search

    await run_all(
        [(problem(name=f"p{i}"), way) for i in range(9)], sandbox, tmp_path, concurrency=3
    )
    assert most == 3


SLOW = """
import asyncio, sys
from pathlib import Path
from bench.sandbox import Sandbox
from tests.evaluation.test_runner import run_all, varied

async def main():
    async with Sandbox() as sandbox:
        await run_all(varied(12, pause=0.25), sandbox, Path(sys.argv[1]), concurrency=3)

asyncio.run(main())
"""


@in_one_loop
async def test_a_killed_run_resumed_has_the_bytes_of_an_unbroken_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    with subprocess.Popen([sys.executable, "-c", SLOW, str(broken)], cwd=ROOT) as process:
        records = broken / "records.jsonl"
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if records.exists() and records.read_bytes().count(b"\n") >= 3:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert 3 <= len(sorted_lines(broken)) < 12, "killed too early or too late to test anything"
    done = [record.problem_id for record in load_run(broken).records]

    asked: list[str] = []
    again = varied(12, pause=0.25)
    await run_all(again, sandbox, broken, on_done=lambda record: asked.append(record.problem_id))
    assert sorted([*done, *asked]) == [problem.id for problem, _ in again]
    await run_all(again, sandbox, unbroken)
    assert sorted_lines(broken) == sorted_lines(unbroken)
    assert list(load_run(broken).trees()) == list(load_run(unbroken).trees())


@in_one_loop
async def test_a_dead_engine_ends_the_run_and_makes_no_record(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    deaths = iter([DeadEngineError("the engine of x ran out of memory")])

    def dying_once(problem: Problem, sandbox: Sandbox) -> Search:
        async def search(problem: Problem) -> Trace:
            if problem.id == "2":
                for death in deaths:
                    raise death
            return await CASES[0].search(problem, sandbox)(problem)

        return search

    problems = [(problem("3", name=str(i)), dying_once) for i in range(5)]
    with pytest.raises(DeadEngineError, match="ran out of memory"):
        await run_all(problems, sandbox, tmp_path / "run", concurrency=1)
    kept = load_run(tmp_path / "run").records
    assert [record.problem_id for record in kept] == ["0", "1"]
    resumed = await run_all(problems, sandbox, tmp_path / "run", concurrency=1)
    assert [record.error for record in resumed.records] == [None] * 5
