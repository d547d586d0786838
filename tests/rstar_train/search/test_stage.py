"""The search stage: who searches what, how unsolved problems get more, and how it resumes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.cluster.driver import solve_on
from bench.cluster.settings import ClusterSettings
from bench.errors import BenchError, RunDirError, UnknownNameError
from bench.runs.reader import load_run
from bench.search import Node, NodeKind, Trace
from bench.search.tree import new_trace
from bench.types import Outcome, Problem
from rstar_train.demonstrators.by_rule import RuleDemonstrator
from rstar_train.figures import SearchFigures
from rstar_train.recipes.recipe import load_recipe
from rstar_train.recipes.settings import PoolSettings, SearchSettings, Source
from rstar_train.rounds import journal
from rstar_train.search.pool import Pool, load_pool
from rstar_train.search.searcher import Searcher
from rstar_train.search.stage import reward_of, search_pool, solved_ids

SHIPPED = load_recipe("smollm2-cpu")
KNOWN = ("chain_sum", "basic_arithmetic", "gcd", "lcm", "leg_counting")


@dataclass(frozen=True)
class Small:
    """Round 1 on a handful of problems."""

    pool: PoolSettings
    search: SearchSettings


def recipe_of(*families: str, problems: int = 6, **search: Any) -> Small:
    """Round 1 on a handful of problems, with so many mistakes that answers are right and wrong."""
    changes = {"rollouts": 4, "candidates": 3, "mistake_rate": 0.4, **search}
    source = Source("embedded-grade-school", problems, families)
    pool = PoolSettings((source,), held_out=0)
    return Small(pool, replace(SHIPPED.at(1).search, **changes))


SMALL = recipe_of(*KNOWN)


def pool_of(recipe: Small) -> Pool:
    return load_pool(recipe.pool, seed=SHIPPED.seed)


def searched_with(recipe: Small, pool: Pool, folder: Path, **kwargs: Any) -> SearchFigures:
    searcher = Searcher(RuleDemonstrator(recipe.search.mistake_rate))
    return asyncio.run(
        search_pool(
            pool.problems, recipe.search, searcher, folder, seed=SHIPPED.seed, pool="p", **kwargs
        )
    )


class Search(NamedTuple):
    """One finished search, shared by the tests that only read it."""

    pool: Pool
    trees: Path
    figures: SearchFigures


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Search:
    pool, work = pool_of(SMALL), tmp_path_factory.mktemp("work")
    trees = work / "round-1" / "search" / "trees"
    trees.parent.mkdir(parents=True)
    figures = searched_with(
        SMALL, pool, trees, note=partial(journal.append_progress, work / journal.NAME)
    )
    return Search(pool, trees, figures)


def traces(trees: Path) -> dict[str, Trace]:
    return {stored.problem_id: Trace.from_json(stored.tree) for stored in load_run(trees).trees()}


def record_lines(trees: Path) -> list[bytes]:
    return (trees / "records.jsonl").read_bytes().splitlines()


def test_every_problem_is_searched_and_most_are_solved(searched: Search) -> None:
    assert {p.id for p in searched.pool.problems} == set(traces(searched.trees))
    assert (searched.figures.problems, searched.figures.searched) == (6, 6)
    assert searched.figures.solved >= 4


def test_the_reward_agrees_with_the_grading(searched: Search) -> None:
    found = traces(searched.trees)
    for record in load_run(searched.trees).records:
        trace = found[record.problem_id]
        rewarded = [trace.nodes[end].mean > 0 for end in trace.finished]
        graded = [s.outcome is Outcome.CORRECT for s in record.samples if s.answer is not None]
        assert rewarded == graded


def test_the_journal_hears_how_far_the_search_is(searched: Search) -> None:
    entries = journal.read_journal(searched.trees.parents[2] / journal.NAME)
    assert {entry.stage for entry in entries} == {"round-1/search"}
    assert (entries[0].done, entries[-1].done, entries[-1].total) == (0, 6, 6)


def test_an_interrupted_search_goes_on_where_it_was(searched: Search, tmp_path: Path) -> None:
    trees = tmp_path / "trees"
    searched_with(SMALL, replace(searched.pool, problems=searched.pool.problems[:3]), trees)
    half = record_lines(trees)
    assert len(half) == 3
    figures = searched_with(SMALL, searched.pool, trees)
    lines = record_lines(trees)
    assert (lines[:3], len(lines)) == (half, 6)  # nothing was searched twice
    assert sorted(lines) == sorted(record_lines(searched.trees))
    assert figures == searched.figures
    assert traces(trees) == traces(searched.trees)


def test_trees_of_another_recipe_are_not_mixed_in(searched: Search) -> None:
    other = replace(SMALL, search=replace(SMALL.search, rollouts=7))
    with pytest.raises(RunDirError, match=r"(?s)another configuration.*rollouts: the run has 4"):
        searched_with(other, searched.pool, searched.trees)


def test_concurrency_is_no_part_of_the_configuration(searched: Search) -> None:
    other = replace(SMALL, search=replace(SMALL.search, concurrency=3))
    assert searched_with(other, searched.pool, searched.trees) == searched.figures


def test_problems_that_the_demonstrator_does_not_know_are_left_alone(tmp_path: Path) -> None:
    recipe = recipe_of("gcd", "gsm_symbolic", problems=4)
    figures = searched_with(recipe, pool_of(recipe), tmp_path / "trees")
    assert (figures.searched, figures.not_searchable) == (2, 2)
    assert {name.split("-")[1] for name in traces(tmp_path / "trees")} == {"gcd"}


def test_a_search_may_be_confined_to_levels_of_the_pool(tmp_path: Path) -> None:
    recipe = recipe_of("gcd", problems=3, levels=("easy",))
    easy, *rest = pool_of(recipe).problems
    pool = Pool(
        (replace(easy, level="easy"), *(replace(each, level="hard") for each in rest)),
        held_out=frozenset(),
        dropped={},
    )
    figures = searched_with(recipe, pool, tmp_path / "trees")
    assert (figures.searched, figures.not_searchable) == (1, 2)
    assert set(traces(tmp_path / "trees")) == {easy.id}
    misspelt = replace(recipe, search=replace(recipe.search, levels=("eazy",)))
    with pytest.raises(UnknownNameError, match=r"'eazy'.*did you mean 'easy'"):
        searched_with(misspelt, pool, tmp_path / "none")


def test_a_pool_that_the_demonstrator_cannot_solve_is_refused_before_any_search(
    tmp_path: Path,
) -> None:
    recipe = recipe_of("gsm_symbolic", problems=2)
    with pytest.raises(BenchError, match="demonstrator can write steps for none of the pool's 2"):
        searched_with(recipe, pool_of(recipe), tmp_path / "trees")
    assert not (tmp_path / "trees").exists()


def test_a_pool_without_a_solved_problem_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    recipe = recipe_of("chain_sum", problems=2, mistake_rate=1.0, rollouts=1, candidates=1)
    with pytest.raises(BenchError, match="none of the 2 problems searched was solved.*rollouts"):
        searched_with(recipe, pool_of(recipe), tmp_path / "trees")
    assert len(record_lines(tmp_path / "trees")) == 2  # what was searched is kept


def test_unsolved_problems_get_larger_trees_and_then_another(tmp_path: Path) -> None:
    hard = {"mistake_rate": 0.85, "rollouts": 1, "candidates": 1}
    plain = recipe_of("chain_sum", "gcd", problems=8, **hard)
    more = recipe_of("chain_sum", "gcd", problems=8, **hard, unsolved_rollouts=(2, 3), trees=2)
    pool = pool_of(plain)
    few = searched_with(plain, pool, tmp_path / "plain")
    many = searched_with(more, pool, tmp_path / "more")
    assert few.trees == 8
    records = load_run(tmp_path / "more").records
    first = solved_ids([record for record in records if record.seed == SHIPPED.seed])
    again = {record.problem_id for record in records if record.seed == SHIPPED.seed + 1}
    assert again == {problem.id for problem in pool.problems} - first
    assert many.trees == 8 + len(again)
    assert many.solved >= few.solved
    # Resumed, it asks for the same problems and finds them done.
    before = record_lines(tmp_path / "more")
    assert searched_with(more, pool, tmp_path / "more") == many
    assert record_lines(tmp_path / "more") == before


async def test_a_reward_knows_every_right_answer() -> None:
    problem = Problem("p", "?", "1/2", "b", alternatives=("7",))
    trace = new_trace("p", "mcts", 0, "")

    def answered(answer: str) -> Node:
        node = trace.add(trace.nodes[0], 0, "", NodeKind.ANSWER, 1)
        node.answer = answer
        return node

    rewards = [await reward_of(problem)(trace, answered(a)) for a in ("0.5", "7", "8")]
    assert rewards == [1.0, 1.0, -1.0]


async def test_where_the_checker_fails_nobody_is_rewarded() -> None:
    problem = Problem("p", "?", "", "b")  # an empty reference can be compared with nothing
    trace = new_trace("p", "mcts", 0, "")
    node = trace.add(trace.nodes[0], 0, "", NodeKind.ANSWER, 1)
    node.answer = "8"
    assert await reward_of(problem)(trace, node) == 0.0


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs ray: pip install 'rstar-bench[ray]'")
def test_a_pool_searched_by_actors_leaves_the_same_records_and_trees(
    searched: Search, tmp_path: Path
) -> None:
    folder = tmp_path / "round-1" / "search" / "trees"
    folder.parent.mkdir(parents=True)
    solving = solve_on(ClusterSettings(actors=2))
    assert searched_with(SMALL, searched.pool, folder, solving=solving) == searched.figures
    here, there = load_run(searched.trees), load_run(folder)
    assert there.records == here.records
    assert list(there.trees()) == list(here.trees())
    assert there.header["ray"]["actors"] == 2
    assert there.header["config_digest"] == here.header["config_digest"]
