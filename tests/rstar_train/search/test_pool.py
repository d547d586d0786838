"""The pool: its sources, what is dropped, and what is never trained on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError, DataError, MissingDataError, UnknownNameError
from bench.problems import BENCHMARKS, mirror
from bench.problems.generated import tier_problems
from rstar_train.recipes.recipe import RECIPES, load_recipe
from rstar_train.recipes.settings import PoolSettings, Source
from rstar_train.search.pool import Pool, family_of, load_pool, tier_of

SHIPPED = load_recipe("smollm2-cpu")
needs_gsm8k = pytest.mark.skipif(
    mirror.locate(BENCHMARKS["gsm8k_train"]) is None, reason="no mirror holds gsm8k_train.jsonl"
)


def pool_of(*sources: Source, held_out: int = 0, beside: Path = RECIPES) -> Pool:
    return load_pool(PoolSettings(sources, held_out), seed=SHIPPED.seed, beside=beside)


def test_tiers_follow_one_another_and_their_families_take_turns() -> None:
    pool = pool_of(
        Source("embedded-grade-school", 4, ("gcd", "lcm")), Source("embedded-competition", 2)
    )
    assert [tier_of(p) for p in pool.problems] == ["grade-school"] * 4 + ["competition"] * 2
    assert [family_of(p) for p in pool.problems[:4]] == ["gcd", "lcm", "gcd", "lcm"]
    assert pool.dropped == {"contaminated": 0, "repeated": 0}


def test_a_problem_of_two_sources_is_there_once() -> None:
    gcd = Source("embedded-grade-school", 3, ("gcd",))
    pool = pool_of(gcd, replace(gcd, problems=5))
    assert len(pool.problems) == 5
    assert pool.dropped["repeated"] == 3


def test_held_out_problems_are_drawn_from_all_and_trained_on_by_none() -> None:
    source = Source("embedded-grade-school", 40)
    pool = pool_of(source, held_out=10)
    assert len(pool.measuring) == 10
    assert {p.id for p in pool.measuring} == set(pool.held_out)
    assert not set(pool.held_out) & {p.id for p in pool.training}
    assert len(pool.training) == 30
    assert len({family_of(p) for p in pool.measuring}) >= 3
    assert pool_of(source, held_out=10) == pool


def test_bootstrap_problems_are_for_round_1_and_neither_held_out_nor_covered() -> None:
    lasting = Source("embedded-grade-school", 6)
    first = Source("embedded-grade-school", 10, ("gcd",), bootstrap=True)
    pool = pool_of(lasting, first, held_out=5)
    assert len(pool.searched(1, 0, 1)) == len(pool.problems) == 6 + 9  # one gcd problem was there
    assert pool.searched(2, 0, 1) == pool.covered == list(pool.problems[:6])
    assert not pool.held_out & pool.bootstrap
    assert pool.digest != pool_of(lasting, replace(first, bootstrap=False)).digest
    with pytest.raises(BenchError, match="has 6 problems for all rounds"):
        pool_of(lasting, first, held_out=6)


def test_a_later_round_searches_as_many_bootstrap_problems_as_asked_and_others_each_time() -> None:
    first = Source("embedded-grade-school", 30, ("gcd",), bootstrap=True)
    pool = pool_of(Source("embedded-grade-school", 6), first, held_out=2)
    second, third = (
        {p.id for p in pool.searched(number, 4, 1)} - {p.id for p in pool.covered}
        for number in (2, 3)
    )
    assert len(second) == len(third) == 4
    assert second != third
    assert second <= pool.bootstrap


def test_no_problem_of_the_pool_is_in_the_evaluation_split() -> None:
    pool = pool_of(Source("embedded-grade-school", 60))
    asked = {p.question for p in tier_problems("grade-school", "eval", 600)}
    assert not asked & {p.question for p in pool.problems}


def test_the_digest_follows_problems_and_what_is_held_out() -> None:
    source = Source("embedded-grade-school", 6)
    digests = {
        pool_of(source).digest,
        pool_of(source, held_out=2).digest,
        pool_of(replace(source, problems=5)).digest,
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (Source("embedded-grade-shool", 3), UnknownNameError, "did you mean 'embedded-grade-scho"),
        (Source("gsm8k_tran"), UnknownNameError, "did you mean 'gsm8k_train'"),
        (Source("math500"), BenchError, "'math500' is an evaluation set.*gsm8k_train"),
        (Source("embedded-competition"), BenchError, "has no end: give it a number"),
        (Source("gsm8k_train", families=("a",)), BenchError, "has no families; choose from its l"),
        (Source("embedded-grade-school", 3, levels=("a",)), BenchError, "is one level; choose fro"),
        (
            Source("embedded-competition", 2, decontaminate="none.jsonl"),
            MissingDataError,
            "no drop list 'none.jsonl'.*rstar-bench contamination",
        ),
    ],
)
def test_a_wrong_source_is_named(source: Source, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pool_of(source)


def test_a_pool_that_holds_everything_out_is_an_error() -> None:
    with pytest.raises(
        BenchError, match="has 3 problems for all rounds and pool.held_out is 3: nothing"
    ):
        pool_of(Source("embedded-competition", 3), held_out=3)


def test_rows_that_a_benchmark_holds_are_dropped(tmp_path: Path) -> None:
    source = Source("embedded-grade-school", 4, ("gcd",), "drop.jsonl")
    whole = pool_of(replace(source, decontaminate=""))
    named = whole.problems[1].id
    (tmp_path / "drop.jsonl").write_text(json.dumps({"train_id": named}) + "\n")
    pool = pool_of(source, beside=tmp_path)
    assert [p.id for p in pool.problems] == [p.id for p in whole.problems if p.id != named]
    assert pool.dropped["contaminated"] == 1


def test_a_drop_list_of_another_pool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "drop.jsonl").write_text('{"train_id": "elsewhere-7"}\n')
    source = Source("embedded-grade-school", 2, decontaminate="drop.jsonl")
    with pytest.raises(UnknownNameError, match="elsewhere-7"):
        pool_of(source, beside=tmp_path)
    (tmp_path / "drop.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="line 1: no 'train_id'"):
        pool_of(source, beside=tmp_path)


@needs_gsm8k
def test_the_gsm8k_recipe_is_decontaminated() -> None:
    recipe = load_recipe("smollm2-gsm8k")
    pool = load_pool(recipe.pool, seed=recipe.seed)
    assert pool.dropped["contaminated"] == 2
    *lasting, bootstrap = recipe.pool.sources
    assert Counter((tier_of(problem),) for problem in pool.searched(2, 0, 1)) == {
        source.levels: source.problems for source in lasting
    }
    assert len(pool.bootstrap) == bootstrap.problems


@needs_gsm8k
def test_a_level_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'12 calculations'; did you mean '1-2 calc"):
        pool_of(Source("gsm8k_train", levels=("12 calculations",)))
