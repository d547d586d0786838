"""The search stage over plans: the demonstrator's trees, resuming them, and who may search."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, Checkpoint
from bench.errors import BenchError
from bench.prompts.plans import FEW_SHOT_PLANS
from bench.runs.reader import load_run
from bench.search import NodeKind, Trace
from rstar_train.demonstrators.plans import PlanDemonstrator
from rstar_train.figures import SearchFigures
from rstar_train.recipes.cpl import PlanPairSettings, PlanRowSettings
from rstar_train.recipes.recipe import load_recipe
from rstar_train.recipes.settings import PoolSettings, Source
from rstar_train.rows.plan_pairs import make_pairs
from rstar_train.rows.plan_trees import make_rows
from rstar_train.search.pool import Pool, load_pool
from rstar_train.search.searcher import Searcher, check_engine, find_searcher
from rstar_train.search.stage import search_pool

SHIPPED = load_recipe("cpl-smollm2")
SEARCH = replace(SHIPPED.at(1).search, iterations=40, mistake_rate=0.4)
SOURCES = tuple(Source(f"embedded-{tier}", 3) for tier in ("arithmetic", "words", "countdown"))
BASE = Checkpoint(EMBEDDED, "policy", None, {"template": "few-shot"})


def search(pool: Pool, folder: Path, settings: Any = SEARCH) -> SearchFigures:
    searcher = Searcher(PlanDemonstrator(settings.mistake_rate))
    return asyncio.run(search_pool(pool.problems, settings, searcher, folder, seed=1, pool="p"))


class Searched(NamedTuple):
    """One finished search, shared by the tests that only read it."""

    pool: Pool
    trees: Path
    figures: SearchFigures


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    pool = load_pool(PoolSettings(SOURCES, held_out=0), seed=1)
    trees = tmp_path_factory.mktemp("work") / "round-1" / "search" / "trees"
    trees.parent.mkdir(parents=True)
    return Searched(pool, trees, search(pool, trees))


def test_the_demonstrators_plans_are_well_formed_and_most_problems_are_solved(
    searched: Searched,
) -> None:
    assert (searched.figures.searched, searched.figures.not_searchable) == (9, 0)
    assert searched.figures.solved >= 6
    run = load_run(searched.trees)
    assert run.config["search"]["name"] == "cpl"
    kinds = {node.kind for stored in run.trees() for node in Trace.from_json(stored.tree).nodes}
    assert NodeKind.ANSWER in kinds
    assert not kinds & {NodeKind.MALFORMED, NodeKind.CUT, NodeKind.STOPPED, NodeKind.TOO_DEEP}


def test_a_search_goes_on_at_the_problem_and_ends_the_same(
    searched: Searched, tmp_path: Path
) -> None:
    begun = tmp_path / "trees"
    shutil.copytree(searched.trees, begun)
    records = begun / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:4]))
    search(searched.pool, begun)
    assert sorted(records.read_bytes().splitlines()) == sorted(
        (searched.trees / "records.jsonl").read_bytes().splitlines()
    )


def test_rows_and_pairs_come_of_the_trees(searched: Searched, tmp_path: Path) -> None:
    problems = list(searched.pool.problems)
    made = make_rows(problems, searched.trees, PlanRowSettings(), tmp_path, seed=1)
    assert made.sft_rows >= searched.figures.solved
    assert made.values > made.sft_rows
    pairs = make_pairs(problems, searched.trees, PlanPairSettings(), tmp_path, seed=1)
    assert pairs.pairs > 0
    assert sum(pairs.outcomes.values()) == 9


def test_who_writes_steps_cannot_search_plans() -> None:
    for name in ("demonstrator", "gsm8k-demonstrator"):
        with pytest.raises(BenchError, match=f"{name}' writes steps, .* search is of plans"):
            find_searcher(replace(SEARCH, policy=name), BASE, BASE, None)
    steps = Checkpoint("trained", "policy", None, {"template": "rstar"})
    with pytest.raises(BenchError, match="'trained' writes steps"):
        find_searcher(replace(SEARCH, policy="previous"), BASE, steps, None)
    of_steps = load_recipe("smollm2-cpu").at(1).search
    with pytest.raises(BenchError, match="'plan-demonstrator' writes plans, .* is of steps"):
        find_searcher(replace(of_steps, policy="plan-demonstrator"), BASE, BASE, None)


@pytest.mark.parametrize("solutions", ["code", "text"])
def test_the_base_model_is_shown_plans(solutions: Any) -> None:
    found = find_searcher(replace(SEARCH, policy="base", solutions=solutions), BASE, BASE, None)
    assert found.policy is not None
    assert found.policy.template == FEW_SHOT_PLANS[solutions].name


def test_an_engine_that_tells_no_probabilities_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.engines import opening

    silent = {
        name: replace(each, tells_logprobs=name != "transformers")
        for name, each in opening.ENGINES.items()
    }
    monkeypatch.setattr("rstar_train.search.searcher.ENGINES", silent)
    with pytest.raises(BenchError, match="'transformers' tells no probabilities .* openvino"):
        check_engine(replace(SEARCH, engine="transformers"), BASE)
