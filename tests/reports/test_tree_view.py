"""The tree in the terminal: what each line says, and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
from rich.console import Console

from bench.errors import BenchError, UnknownNameError
from bench.evaluation.runner import run_problems
from bench.reports.tree_view import shown_step, shown_tree
from bench.runs.reader import Run, load_run
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, mcts, select_best, select_top_majority
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem


def script(partial: str, index: int) -> str:
    if partial == "<code>":
        return ("\nx = 3\n<end_of_step>", "\ny = nothing\n<end_of_step>")[index]
    if "<output>" in partial:
        return "<answer>It is \\boxed{3}.<end_of_answer>"
    return "\nprint(x)\n<end_of_code>"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"

    async def search() -> None:
        async with Sandbox(SandboxConfig(workers=1)) as sandbox:
            way = partial(
                mcts,
                policy=ScriptedPolicy(script),
                sandbox=sandbox,
                config=MCTS(rollouts=2, candidates=2),
                seed=0,
                scorer=ScriptedScorer({"x = 3": 0.25, "boxed": 0.5}),
            )
            header = {"config": {}, "parameters": {"policy": 1000, "ppm": 1000}}
            with RunDir.open(out, header) as directory:
                await run_problems(
                    [problem()],
                    way,
                    run=directory,
                    selectors={"mcts": select_best, "mcts_top_k": select_top_majority},
                    name="mcts",
                    seed=0,
                )

    asyncio.run(search())
    return load_run(out)


def printed(run: Run, **options: object) -> list[str]:
    console = Console(width=200, record=True, file=StringIO())
    console.print(shown_tree(run, "p1", **options))  # type: ignore[arg-type]
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_line_says_what_a_step_was_worth_and_how_its_code_ended(run: Run) -> None:
    lines = printed(run)
    first = next(line for line in lines if " 0.0 " in line)
    for part in ("* 0.0", "Q +0.375 N 2", "PPM +0.250", "tokens", "code ok", "x = 3"):
        assert part in first
    failed = next(line for line in lines if " 0.1 " in line)
    for part in ("code error", "pruned: failed_code", "NameError"):
        assert part in failed
    assert "*" not in failed


def test_the_chosen_path_is_marked_down_to_its_answer(run: Run) -> None:
    marked = [line.split("* ")[1].split()[0] for line in printed(run) if "* " in line]
    assert marked == ["0.0", "0.0.0", "0.0.0.0"]


def test_the_head_says_what_was_chosen_and_what_it_cost(run: Run) -> None:
    head = "\n".join(printed(run)[:4])
    for part in ("p1, seed 0: mcts under the paper rules", "chosen '3', correct", "FLOPs"):
        assert part in head


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rollouts": 1}, "1 answers, 1 rollouts"),
        ({"rollouts": 9}, "1 of 9 rollouts: every path that its candidates opened was walked"),
        ({}, "1 answers, 1 rollouts"),
    ],
)
def test_fewer_rollouts_than_were_allowed_are_explained(
    run: Run, settings: dict[str, object], said: str
) -> None:
    asked = replace(run, header={**run.header, "config": {"search": settings}})
    assert any(said in line for line in printed(asked))


def test_tokens_that_ran_out_explain_it_too(run: Run) -> None:
    (stored,) = run.trees()
    open_again = [{**node, "exhausted": False} for node in stored.tree["nodes"]]
    events = [each for each in stored.tree["events"] if each[0] != "closed"]
    trees = [replace(stored, tree={**stored.tree, "nodes": open_again, "events": events})]
    config = {"search": {"rollouts": 9, "tokens": 5}}
    asked = replace(run, header={**run.header, "config": config})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "trees", lambda _: iter(trees))
        assert any(
            "1 of 9 rollouts: its 5 tokens were generated" in line for line in printed(asked)
        )


def test_a_step_is_shown_whole_when_it_is_asked_for(run: Run) -> None:
    shown = shown_step(run, "p1", "0.0.0").plain
    assert "code ok" in shown
    assert shown.endswith("print(x)\n<end_of_code>\n<output>3<end_of_output>")
    assert "NameError" in shown_step(run, "p1", "0.1").plain
    with pytest.raises(UnknownNameError, match=r"unknown step in the tree of p1: '0\.7'"):
        shown_step(run, "p1", "0.7")


def test_a_depth_limit_counts_what_it_hides(run: Run) -> None:
    lines = printed(run, depth=1)
    assert any("... 2 candidates" in line for line in lines)
    assert not any("0.0.0" in line for line in lines)


def test_the_seconds_of_each_program_are_kept_beside_the_tree(run: Run) -> None:
    ((_, seconds),) = run.seconds.items()
    ((record),) = run.records
    assert len(seconds["code"]) == record.executions > 0


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"problem_id": "p2"}, UnknownNameError, "did you mean 'p1'"),
        ({"problem_id": "p1", "selector": "mct"}, UnknownNameError, "did you mean 'mcts'"),
        ({"problem_id": "p1", "seed": 7}, BenchError, r"this run has: \[0\]"),
    ],
)
def test_what_is_not_there_is_refused(
    run: Run, options: dict[str, object], error: type[BenchError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        shown_tree(run, **options)  # type: ignore[arg-type]


def test_what_a_model_wrote_is_made_visible_before_it_is_laid_out(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stored,) = run.trees()
    nodes = [dict(node) for node in stored.tree["nodes"]]
    nodes[1]["text"] = "\x1b]0;pwned\x07\u202e first\nsecond"
    hostile = replace(stored, tree={**stored.tree, "nodes": nodes})
    monkeypatch.setattr(Run, "trees", lambda _: iter([hostile]))
    assert any(r"\u001b]0;pwned\u0007\u202e first second" in line for line in printed(run))
