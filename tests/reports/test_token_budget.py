"""A run cut at some cost is the run that had only so much to spend; what it lacks is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, RunDirError, UnknownNameError
from bench.evaluation.runner import run_problems
from bench.reports.leaderboard import leaderboard
from bench.reports.render import to_markdown
from bench.reports.token_budget import cut, cut_at_flops
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
    share_prefixes,
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
        run.note("parameters", {"policy": 2, "ppm": 3})
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
    failed = replace(whole.records[0], error="EngineError: gone", samples=())
    run = replace(whole, records=(failed, *whole.records[1:]))
    assert cut(run, 250).records[0] == failed
    (at_flops,) = cut_at_flops(run, 250)
    assert at_flops.records[0] == failed


def test_a_lost_tree_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    short = run(tmp_path / "run", "sample", n=1)
    for shard in (tmp_path / "run" / "trees").iterdir():
        shard.unlink()
    with pytest.raises(RunDirError, match=r"tree of problem 'p0' is not stored"):
        cut(short, 100)


def test_tables_name_the_cut_and_compare_with_the_method_asked_for(whole: Run) -> None:
    table = leaderboard([cut(whole, 250)], against="mcts_top_k")
    assert [row.label for row in table.rows] == [
        "mcts x3",
        "mcts_top_k x3",
        "mcts_weighted x3",
        "mcts_likely x3",
    ]
    against = "mcts_top_k x3"
    assert [row.against for row in table.rows] == [against, None, against, against]
    assert all(row.run_seconds is None and row.policy_tokens <= 250 for row in table.rows)
    assert to_markdown(table).startswith("**Benchmark scripted · PPM recorded · Cut at 250 gen")
    with pytest.raises(UnknownNameError, match="did you mean 'mcts'"):
        leaderboard([whole], against="mct")


def test_a_run_without_a_clock_cannot_be_cut(whole: Run) -> None:
    stored = dict(next(whole.trees()).tree)
    del stored["events"]
    with pytest.raises(BenchError, match="without a budget clock"):
        find_affordable(Trace.from_json(stored), 100)


def test_at_flops_prompts_and_the_ppm_are_paid_for(whole: Run) -> None:
    budget = 350  # of which all is spent where prompts are free
    (at_flops,) = cut_at_flops(whole, budget)
    traces = {stored.problem_id: Trace.from_json(stored.tree) for stored in whole.trees()}
    by_tokens = [record.tokens.policy_generated for record in cut(whole, budget).records]
    by_flops = [record.tokens.policy_generated for record in at_flops.records]
    assert sum(by_flops) < sum(by_tokens)
    for record in at_flops.records:
        shared = share_prefixes(traces[record.problem_id])
        cost = find_affordable(shared, 2 * 2 * budget, lambda cost: cost.flops(2, 3)).cost
        assert 0 < cost.flops(2, 3) <= 2 * 2 * budget
        spent = record.tokens
        assert (spent.policy_generated, spent.ppm) == (cost.policy_generated, cost.ppm)


def test_a_method_that_asks_no_ppm_pays_for_none(tmp_path: Path) -> None:
    """In each problem the fourth sample is the one that has an answer, and is scored."""
    samples = run(tmp_path / "run", "sample", n=4)
    dear = replace(samples, header={**samples.header, "parameters": {"policy": 2, "ppm": 100}})
    voted, scored = cut_at_flops(dear, 150)
    rows = leaderboard([voted, scored]).rows
    assert [row.method for row in rows] == ["majority", "best_of_n", "weighted"]
    assert [row.ppm for row in rows] == [None, "recorded", "recorded"]
    assert [row.ppm_tokens for row in rows] == [0, 0, 0]
    assert {len(record.samples) for record in voted.records} == {4}
    assert {len(record.samples) for record in scored.records} == {3}
    assert [row.counts.wrong for row in rows] == [6, 0, 0]
    (_, afforded) = cut_at_flops(dear, 151)
    assert [record.samples for record in afforded.records] == [r.samples for r in samples.records]
    assert {record.tokens.ppm for record in afforded.records} == {1}


def test_tables_say_that_they_were_cut_at_flops(whole: Run) -> None:
    table = leaderboard(cut_at_flops(whole, 1250))
    assert table.rows[0].label == "mcts x3"
    assert to_markdown(table).startswith(
        "**Benchmark scripted · PPM recorded · Cut at the FLOPs of 1,250 generated tokens**"
    )
    assert any("2 FLOPs a parameter" in note for note in table.legend)


@pytest.mark.parametrize(
    ("known", "unknown"), [({}, "policy and ppm"), ({"parameters": {"policy": 2}}, "ppm")]
)
def test_flops_of_a_run_without_parameters_are_an_error_that_says_what_to_do(
    whole: Run, known: dict[str, Any], unknown: str
) -> None:
    header = {name: value for name, value in whole.header.items() if name != "parameters"}
    with pytest.raises(BenchError) as refused:
        cut_at_flops(replace(whole, header={**header, **known}), 250)
    assert str(refused.value).startswith(f"{whole.path}: its run.json does not hold")
    assert f"the parameters of its {unknown} (" in str(refused.value)
    assert "with another --out, or leave out --flops" in str(refused.value)
