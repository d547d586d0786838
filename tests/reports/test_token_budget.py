"""A run cut at some tokens is the run that had only so many; what it lacks is said."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, RunDirError, UnknownNameError
from bench.evaluation.runner import run_problems
from bench.reports.leaderboard import leaderboard
from bench.reports.render import to_markdown
from bench.reports.token_budget import cut
from bench.runs.reader import Run, load_run
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import (
    MCTS,
    Beam,
    Sampling,
    Trace,
    find_affordable,
    list_costs,
    mcts,
    sample,
    step_beam,
)
from bench.search.registry import find_search
from bench.types import Outcome
from tests.scripted import problem
from tests.search.recording import RecordedScorer, Recorder

PROBLEMS = [problem(answer="2", name=f"p{index}") for index in range(6)]
MODELS = {"policy": Recorder(7), "scorer": RecordedScorer(7), "seed": 3}


async def _run(out: Path, name: str, budget: dict[str, int], sandbox: Sandbox) -> Run:
    search: Any
    match name:
        case "mcts":
            search = partial(mcts, config=MCTS(**budget), sandbox=sandbox, **MODELS)
        case "beam":
            search = partial(step_beam, config=Beam(**budget), sandbox=sandbox, **MODELS)
        case _:
            search = partial(sample, config=Sampling(**budget), sandbox=sandbox, **MODELS)
    config = {
        "policy": {"name": "scripted"},
        "ppm": {"name": "recorded"},
        "benchmark": {"name": "scripted"},
        "search": {"name": name, **budget, "aggregate": "last"},
    }
    with RunDir.open(out, {"config": config}) as run:
        await run_problems(
            PROBLEMS,
            search,
            run=run,
            selectors=find_search(name).choose_by("last"),
            name=name,
            seed=3,
        )
    return load_run(out)


def run(out: Path, name: str, **budget: int) -> Run:
    async def go() -> Run:
        async with Sandbox(SandboxConfig(workers=2)) as sandbox:
            return await _run(out, name, budget, sandbox)

    return asyncio.run(go())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """MCTS to 600 tokens."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return run(out, "mcts", rollouts=99, candidates=3, max_depth=5, tokens=600)


def test_a_cut_run_is_the_run_with_that_budget(whole: Run, tmp_path: Path) -> None:
    smaller = run(tmp_path / "run", "mcts", rollouts=99, candidates=3, max_depth=5, tokens=250)
    assert cut(whole, 250).records == cut(smaller, 250).records
    assert cut(whole, 250).records != whole.records


def test_a_problem_cut_behind_its_kth_rollout_is_the_problem_with_k(
    whole: Run, tmp_path: Path
) -> None:
    three = run(tmp_path / "run", "mcts", rollouts=3, candidates=3, max_depth=5)
    spent = {r.problem_id: r.tokens.policy_generated for r in three.records}
    for record in three.records:
        (same,) = (
            r
            for r in cut(whole, spent[record.problem_id]).records
            if r.problem_id == record.problem_id
        )
        assert same == record


def test_samples_go_on_until_their_tokens_are_spent(tmp_path: Path) -> None:
    larger = run(tmp_path / "larger", "sample", n=2, tokens=300)
    smaller = run(tmp_path / "smaller", "sample", n=2, tokens=150)
    assert all(r.tokens.policy_generated >= 300 for r in larger.records)
    assert cut(larger, 150).records == cut(smaller, 150).records
    assert all(r.tokens.policy_generated <= 150 for r in cut(larger, 150).records)
    assert {len(r.samples) for r in larger.records} != {2}
    first = larger.records[0], smaller.records[0]
    assert first[0].samples[: len(first[1].samples)] == first[1].samples


def test_a_search_cut_before_it_finished_anything_is_truncated(whole: Run) -> None:
    for record in cut(whole, 1).records:
        assert record.samples == ()
        assert {s.outcome for s in record.selected.values()} == {Outcome.TRUNCATED}
        assert record.tokens.policy_generated <= 1


def test_what_was_spent_on_an_unfinished_rollout_counts(whole: Run) -> None:
    trace = Trace.from_json(next(whole.trees()).tree)
    last = list_costs(trace)[-1].policy_generated
    complete = [cost.policy_generated for cost in list_costs(trace) if cost.policy_generated < last]
    reached = find_affordable(trace, last - 1)
    assert reached.rollouts == len(complete)
    assert max(complete, default=0) < reached.cost.policy_generated < last


def test_a_beam_that_was_cut_has_no_answer_and_one_that_fits_keeps_its_own(tmp_path: Path) -> None:
    beam = run(tmp_path / "run", "beam", beam_width=2, candidates=3, max_depth=5)
    most = max(r.tokens.policy_generated for r in beam.records)
    assert cut(beam, most).records == beam.records
    assert any(not r.samples for r in cut(beam, most // 3).records)


def test_an_engine_error_stays_one(whole: Run) -> None:
    from dataclasses import replace

    failed = replace(whole.records[0], error="EngineError: gone", samples=())
    run = replace(whole, records=(failed, *whole.records[1:]))
    assert cut(run, 250).records[0] == failed


def test_a_lost_tree_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    short = run(tmp_path / "run", "sample", n=1)
    for shard in (tmp_path / "run" / "trees").iterdir():
        shard.unlink()
    with pytest.raises(RunDirError, match=r"tree of problem 'p0' is not stored"):
        cut(short, 100)


def test_tables_name_the_cut_and_compare_with_the_method_asked_for(whole: Run) -> None:
    table = leaderboard([cut(whole, 250)], against="mcts_top_k")
    assert [row.label for row in table.rows] == ["mcts x3", "mcts_top_k x3"]
    assert [row.against for row in table.rows] == ["mcts_top_k x3", None]
    assert all(row.seconds is None and row.policy_tokens <= 250 for row in table.rows)
    assert to_markdown(table).startswith("**Benchmark scripted · PPM recorded · Cut at 250")
    with pytest.raises(UnknownNameError, match="did you mean 'mcts'"):
        leaderboard([whole], against="mct")


def test_a_run_without_a_clock_cannot_be_cut(whole: Run) -> None:
    stored = dict(next(whole.trees()).tree)
    del stored["events"]
    with pytest.raises(BenchError, match="without a budget clock"):
        find_affordable(Trace.from_json(stored), 100)
