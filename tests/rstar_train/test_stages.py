"""Stages: kept when nothing changed, made again when something did, resumed anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.errors import BenchError, RunDirError
from bench.prompts import OFFICIAL
from bench.record import Key, Record, Selected, Tokens
from bench.search import Trace
from bench.store import RunDir, load_run
from bench.types import Outcome, Problem
from rstar_train.demonstrator import Demonstrator
from rstar_train.recipe import Recipe, load_recipe
from rstar_train.rows import PairRow, SFTRow
from rstar_train.stages import make_rows, pool, read_rows, search_round_1, staged

SHIPPED = load_recipe("smollm2-cpu")
SMALL = replace(
    SHIPPED,
    pool=replace(SHIPPED.pool, problems=6),
    # So many mistakes that a handful of problems has right and wrong answers.
    search=replace(SHIPPED.search, rollouts=4, candidates=3, mistake_rate=0.4),
)


class Counted:
    """A stage's work that counts how often it was done, and fails when told to."""

    def __init__(self) -> None:
        self.times = 0
        self.broken = False

    def __call__(self) -> Mapping[str, Any]:
        self.times += 1
        if self.broken:
            raise BenchError("half-way")
        return {"times": self.times}


def test_a_stage_is_done_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    work = Counted()
    inputs = {"recipe": "abc", "files": ("x", "y")}  # a tuple reads back as a list
    first = staged(tmp_path / "stage", inputs, work)
    assert staged(tmp_path / "stage", inputs, work) == first
    assert (work.times, first["times"]) == (1, 1)
    assert staged(tmp_path / "stage", {**inputs, "recipe": "other"}, work)["times"] == 2
    assert staged(tmp_path / "stage", inputs, work)["times"] == 3


def test_a_stage_that_stops_half_way_is_done_again(tmp_path: Path) -> None:
    work = Counted()
    work.broken = True
    with pytest.raises(BenchError, match="half-way"):
        staged(tmp_path / "stage", {}, work)
    assert not (tmp_path / "stage" / "stage.json").exists()
    work.broken = False
    assert staged(tmp_path / "stage", {}, work)["times"] == 2


def test_a_stage_that_stops_half_way_takes_its_earlier_result_with_it(tmp_path: Path) -> None:
    # The files of the first inputs are half overwritten: they are not "done before" any more.
    work = Counted()
    staged(tmp_path, {"recipe": "first"}, work)
    work.broken = True
    with pytest.raises(BenchError):
        staged(tmp_path, {"recipe": "second"}, work)
    work.broken = False
    assert staged(tmp_path, {"recipe": "first"}, work)["times"] == 3


class Search(NamedTuple):
    """One finished search, shared by the tests that only read it."""

    problems: list[Problem]
    trees: Path
    figures: Mapping[str, Any]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Search:
    problems, trees = pool(SMALL), tmp_path_factory.mktemp("search") / "trees"
    return Search(problems, trees, asyncio.run(search_round_1(problems, SMALL, trees)))


def traces(trees: Path) -> dict[str, Trace]:
    return {stored.problem_id: Trace.from_json(stored.tree) for stored in load_run(trees).trees()}


def test_round_1_searches_every_problem_and_solves_most(searched: Search) -> None:
    assert {p.id for p in searched.problems} == set(traces(searched.trees))
    assert searched.figures["problems"] == 6
    assert searched.figures["solved"] >= 4


def test_the_reward_agrees_with_the_grading(searched: Search) -> None:
    found = traces(searched.trees)
    for record in load_run(searched.trees).records:
        trace = found[record.problem_id]
        rewarded = [trace.nodes[end].mean > 0 for end in trace.finished]
        graded = [s.outcome is Outcome.CORRECT for s in record.samples if s.answer is not None]
        assert rewarded == graded


def test_rows_are_what_the_trees_hold(searched: Search, tmp_path: Path) -> None:
    figures = make_rows(searched.problems, searched.trees, tmp_path)
    solutions = read_rows(SFTRow, tmp_path / "sft.jsonl")
    pairs = read_rows(PairRow, tmp_path / "pairs.jsonl")
    assert (figures["sft_rows"], figures["pairs"]) == (len(solutions), len(pairs))
    assert {row.kind for row in pairs} == {"step", "solution"}
    assert len({row.problem_id for row in solutions}) == searched.figures["solved"]
    found = traces(searched.trees)
    by_id = {problem.id: problem for problem in searched.problems}
    for row in solutions:
        trace = found[row.problem_id]
        texts = {trace.text(i): trace.nodes[i].mean for i in trace.finished}
        solution = row.prompt.removeprefix(OFFICIAL.render(by_id[row.problem_id].question))
        assert texts[solution + row.completion] == 1.0
    for pair in pairs:
        if pair.kind == "step":
            trace = found[pair.problem_id]
            before = OFFICIAL.render(by_id[pair.problem_id].question)
            parents = [n for n in trace.nodes if before + trace.text(n.index) == pair.prompt]
            (parent,) = [n for n in parents if n.children]
            q = {trace.nodes[i].text: trace.nodes[i].mean for i in parent.children}
            assert q[pair.chosen] > q[pair.rejected] == -1.0


def test_rows_of_held_out_problems_are_made_apart(searched: Search, tmp_path: Path) -> None:
    ids = []
    for name, part in (("train", searched.problems[:3]), ("held_out", searched.problems[3:])):
        (tmp_path / name).mkdir()
        make_rows(part, searched.trees, tmp_path / name)
        rows = read_rows(SFTRow, tmp_path / name / "sft.jsonl")
        ids.append({row.problem_id for row in rows})
        assert ids[-1] <= {problem.id for problem in part}
    assert all(ids)
    assert not ids[0] & ids[1]


def record_lines(trees: Path) -> list[bytes]:
    return (trees / "records.jsonl").read_bytes().splitlines()


def test_an_interrupted_search_goes_on_where_it_was(searched: Search, tmp_path: Path) -> None:
    trees = tmp_path / "trees"
    asyncio.run(search_round_1(searched.problems[:3], SMALL, trees))
    half = record_lines(trees)
    assert len(half) == 3
    figures = asyncio.run(search_round_1(searched.problems, SMALL, trees))
    lines = record_lines(trees)
    assert (lines[:3], len(lines)) == (half, 6)  # nothing was searched twice
    assert sorted(lines) == sorted(record_lines(searched.trees))
    assert figures == searched.figures
    assert traces(trees) == traces(searched.trees)


def test_trees_of_another_recipe_are_not_mixed_in(searched: Search) -> None:
    other = replace(SMALL, search=replace(SMALL.search, rollouts=7))
    with pytest.raises(RunDirError, match=r"(?s)another configuration.*rollouts: the run has 4"):
        asyncio.run(search_round_1(searched.problems, other, searched.trees))


def test_a_problem_on_which_the_harness_failed_gives_no_rows(tmp_path: Path) -> None:
    problem = pool(SMALL)[0]
    failed = Record(
        problem_id=problem.id,
        seed=1,
        benchmark=problem.benchmark,
        gold=problem.answer,
        search="mcts",
        samples=(),
        selected={"first": Selected(None, Outcome.ENGINE_ERROR, None)},
        tokens=Tokens(),
        executions=0,
        error="SandboxError: no interpreter can be started",
    )
    with RunDir.open(tmp_path / "trees", {"config": {}}) as run:
        run.append(failed, {}, {"total": 1.0}, 0)
        assert Key(problem.id, 1) not in run.done
    assert make_rows([problem], tmp_path / "trees", tmp_path)["sft_rows"] == 0


@pytest.mark.parametrize("families", [("gcd", "gsm_symbolic"), ("simple_geometry",)])
def test_a_pool_that_the_demonstrator_cannot_solve_is_refused_before_any_search(
    tmp_path: Path, families: tuple[str, ...]
) -> None:
    tier = "high-school" if "simple_geometry" in families else "grade-school"
    recipe: Recipe = replace(
        SMALL, pool=replace(SMALL.pool, tier=tier, families=families, problems=2)
    )
    problems = pool(recipe)
    assert not all(map(Demonstrator().can_solve, problems))
    with pytest.raises(BenchError, match=r"cannot write steps for [12] .*pool\.families"):
        asyncio.run(search_round_1(problems, recipe, tmp_path / "trees"))
    assert not (tmp_path / "trees").exists()


def test_the_manifest_says_from_what_a_stage_was_made(tmp_path: Path) -> None:
    staged(tmp_path, {"data": "abc"}, lambda: {"rows": 3})
    stored = json.loads((tmp_path / "stage.json").read_text())
    assert (stored["inputs"], stored["figures"]["rows"]) == ({"data": "abc"}, 3)
