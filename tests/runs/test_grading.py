"""Grading: a reference, several, or a verifier decide, from the record to every report."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.evaluation.runner import run_problems
from bench.lm_eval.documents import graded_problem, is_document, make_document
from bench.lm_eval.scoring import keep_all, process_results
from bench.runs.grading import judge, judge_now
from bench.runs.reader import load_run
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import Trace, greedy, select_first
from bench.types import Outcome, Problem, Verifier
from tests.scripted import ScriptedPolicy, problem

GAME = Verifier("arithmetic", {"numbers": [4, 6, 7, 7], "target": 24})


def game(name: str) -> Problem:
    return Problem(name, "Make 24 of 4, 6, 7, 7.", answer="", benchmark="games", verifier=GAME)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("12", Outcome.CORRECT), ("24/2", Outcome.CORRECT), ("7", Outcome.WRONG)],
)
def test_a_reference_decides(answer: str, outcome: Outcome) -> None:
    assert judge_now(problem("12"), answer).outcome is outcome


def test_any_of_several_references_will_do() -> None:
    several = replace(problem("12"), alternatives=("13", "x+1"))
    assert judge_now(several, "x + 1").outcome is Outcome.CORRECT
    assert judge_now(several, "14").outcome is Outcome.WRONG


def test_both_ways_to_judge_agree() -> None:
    for each, answer in ((problem("12"), "12.0"), (game("g"), "6*4*7/7"), (game("g"), None)):
        waited = asyncio.run(judge(each, answer))
        assert replace(waited, seconds=0.0) == replace(judge_now(each, answer), seconds=0.0)


async def solve(folder: Path, answers: dict[str, str]) -> None:
    """Run greedily on games whose policy writes these answers at once."""
    scripts = {
        name: f"<answer>It is \\boxed{{{answer}}}.<end_of_answer>"
        for name, answer in answers.items()
    }

    config = {"benchmark": "games", "policy": "scripted", "search": "greedy", "seed": 0}
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:

        async def search(each: Problem) -> Trace:
            policy = ScriptedPolicy(lambda partial, index: scripts[each.id])
            return await greedy(each, policy=policy, sandbox=sandbox, seed=0)

        with RunDir.open(folder, {"command": ["x"], "config": config}) as run:
            await run_problems(
                [game(name) for name in answers],
                search,
                run=run,
                selectors={"first": select_first},
                name="greedy",
                seed=0,
            )


def test_a_verifier_decides_in_the_record_the_leaderboard_and_the_diff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"one": "6*4*7/7", "other": "(7-7)+6*4", "wrong": "6*4", "none": "twenty-four"}
    asyncio.run(solve(tmp_path / "run", answers))
    run = load_run(tmp_path / "run")
    found = {record.problem_id: record.selected["first"].outcome for record in run.records}
    assert found == {
        "one": Outcome.CORRECT,
        "other": Outcome.CORRECT,
        "wrong": Outcome.WRONG,
        "none": Outcome.UNPARSED,
    }
    record = next(each for each in run.records if each.problem_id == "wrong")
    assert record.verifier == GAME
    assert record.samples[0].reason == "verifier arithmetic: it does not use 7, 7"
    assert Record.from_json(record.to_json()) == record

    assert main(["report", str(tmp_path / "run")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "50.0" in text
    assert "graded by the verifier arithmetic" in text

    checkers = ["--checkers", "recorded,rstar-bench"]
    assert main(["checkers", "diff", str(tmp_path / "run"), *checkers]) == 0
    assert "4 of 4 records were decided by a verifier: left out" in capsys.readouterr().out


def test_a_record_of_a_reference_has_no_key_more() -> None:
    record = Record("p", 0, "b", "1", "greedy", (), {}, Tokens(), 0)
    assert "verifier" not in record.to_json()
    assert Record.from_json(record.to_json()) == record


def test_lm_evals_documents_carry_the_verifier() -> None:
    document = make_document(game("g"))
    assert is_document(document)
    assert graded_problem(document).verifier == GAME
    (kept,) = keep_all([[r"\boxed{6*4*7/7}", r"\boxed{6*4}"]], [None])
    scores = process_results(document, [kept])
    assert scores["verdict"] == 0.5
    assert not {"math_verify", "exact_match"} & set(scores)  # there is nothing to be equal to
